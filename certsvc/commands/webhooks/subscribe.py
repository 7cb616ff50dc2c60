"""Subscribe to events: make, change, delete and test a webhook, and change its secret.

A client with the role ``events`` has subscriptions of its own and sees no others; auditors and operators read all of
them. An operator also stops and starts sending, tests it and changes a secret, with everything on record: where events
go and which ones is for the owner alone.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.webhooks.ends import CONSUMER, disable
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.events.standard_webhooks import secret_text
from certsvc.events.webhook_payloads import WebhookTested
from certsvc.events.webhooks import (
    EVERYTHING,
    FAMILIES,
    NAMES,
    SECRET_OVERLAP,
    DisabledBecause,
    Secret,
    StoppedBy,
    Subscription,
    SubscriptionState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MAX_SUBSCRIPTIONS = 20
"""Of one client: every event is queued once for each, so one client could otherwise make each event cost thousands."""

MAX_URL = 2048
"""Characters of a URL; longer ones are cut by servers and proxies on the way."""

MAX_TYPES = 100
"""Types of one subscription: each event is compared with all of them; a whole family is one."""

MAX_REASON = 200
MAX_SECRETS = 4
"""Secrets that sign at one time; each is a signature in the header of every try."""

MAX_PAGE = 100

SEE_ALL = (roles.AUDITOR, roles.OPERATOR)
"""Roles that read the subscriptions of every client."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What the owner wants otherwise; None leaves it as it is."""

    url: str | None = None
    types: Sequence[str] | None = None
    state: SubscriptionState | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A subscription, and how many of its deliveries wait and failed."""

    subscription: Subscription
    waiting: int = 0
    failed: int = 0


def create_webhook(deps: Deps, caller: Principal, *, url: str, types: Sequence[str]) -> tuple[Subscription, str]:
    """A new active subscription for events from now on, and its secret, which is never shown again.

    Raises:
        InvalidInput: a URL that is not called, or a type that does not exist.
        Conflict: the client has as many as it may have.
    """
    _require_owner(caller)
    deps.receivers.check(url)
    wanted = _known(types)
    now = deps.clock.now()
    secret = _new_secret(deps)
    with deps.uow() as tx:
        # Nobody queues between this look and the commit, so that no event behind ``after`` is missed.
        after = tx.webhooks.hold_queue(CONSUMER)
        if tx.webhooks.count(caller.subject) >= MAX_SUBSCRIPTIONS:
            raise Conflict(f"每个系统最多 {MAX_SUBSCRIPTIONS} 个订阅，请删除不用的，或合并事件类型")
        subscription = Subscription(
            subscription_id=deps.ids.new("whk"),
            client_id=caller.subject,
            url=url,
            types=wanted,
            state=SubscriptionState.ACTIVE,
            reason="",
            after=after,
            created_at=now,
            changed_at=now,
        )
        tx.webhooks.insert(subscription, [secret])
        _note(deps, tx, caller, subscription, "created", {"url": url, "types": list(wanted), "after": after}, now)
    return subscription, secret.text


def change_webhook(deps: Deps, caller: Principal, subscription_id: str, change: Change) -> Subscription:
    """Another URL, other types, or another state.

    Activating ends a rest, and begins the schedule of everything that waits anew. What came while a subscription was
    disabled was not queued: ``missed_after`` and ``missed_until`` say what to replay.

    Raises:
        NotFound: no such subscription of this client.
        InvalidInput: as for a new one; an operator who stops it without saying why.
        Conflict: it cannot be paused in its state; an operator who starts what its owner stopped.
        Forbidden: an operator who asks for another URL or other types.
    """
    _require_keeper(caller)
    if _operates(caller) and (change.url is not None or change.types is not None):
        raise Forbidden("推送网址和事件类型由接入系统自行更改；系统管理员可以启用、暂停、停用")
    _require_reason(caller, change)
    if change.url is not None:
        deps.receivers.check(change.url)
    types = None if change.types is None else _known(change.types)
    now = deps.clock.now()
    with deps.uow() as tx:
        queued = tx.webhooks.hold_queue(CONSUMER)
        before = _kept(caller, tx.webhooks.hold(subscription_id))
        subscription = replace(
            before,
            url=before.url if change.url is None else change.url,
            types=before.types if types is None else types,
            changed_at=now,
        )
        by = StoppedBy.OPERATOR if _operates(caller) else StoppedBy.OWNER
        match change.state:
            case SubscriptionState.ACTIVE:
                _require_startable(before, by)
                subscription = _activated(tx, subscription, queued, now)
            case SubscriptionState.PAUSED:
                subscription = _paused(subscription, change.reason, by)
            case SubscriptionState.DISABLED if before.state is not SubscriptionState.DISABLED:
                subscription = disable(
                    deps,
                    tx,
                    subscription,
                    DisabledBecause(by.value),
                    queued=queued,
                    words=change.reason,
                    actor=caller.subject,
                    by=by,
                    at=now,
                )
            case _:
                pass
        tx.webhooks.update(subscription)
        content = {"url": subscription.url, "types": list(subscription.types), "state": subscription.state.value}
        content |= {"words": change.reason} if change.reason else {}
        _note(deps, tx, caller, subscription, "changed", content, now)
    return subscription


def delete_webhook(deps: Deps, caller: Principal, subscription_id: str) -> None:
    """Nothing is sent any more; its log is swept. NotFound when it is not this client's."""
    _require_owner(caller)
    now = deps.clock.now()
    with deps.uow() as tx:
        subscription = _own(caller, tx.webhooks.hold(subscription_id))
        tx.webhooks.update(replace(subscription, state=SubscriptionState.DELETED, changed_at=now))
        tx.webhooks.set_secrets(subscription_id, [])
        _note(deps, tx, caller, subscription, "deleted", {}, now)


def new_secret(deps: Deps, caller: Principal, subscription_id: str, *, keep_old: bool) -> tuple[str, datetime | None]:
    """Another secret, which is never shown again, and until when the one before signs too.

    Both sign for a day, so that the receiver changes over without refusing anything; a secret that leaked is not kept.

    Raises:
        NotFound: no such subscription of this client.
        Conflict: too many secrets are in use.
    """
    _require_keeper(caller)
    now = deps.clock.now()
    secret = _new_secret(deps)
    with deps.uow() as tx:
        subscription = _kept(caller, tx.webhooks.hold(subscription_id))
        until = now + SECRET_OVERLAP
        old = [
            replace(one, until=min(one.until or until, until))
            for one in tx.webhooks.secrets(subscription_id)
            if keep_old and (one.until is None or now < one.until)
        ]
        if len(old) >= MAX_SECRETS:
            used = f"已有 {MAX_SECRETS} 个密钥同时在用"
            raise Conflict(f"{used}：请等旧的满一天停用后再换；如已泄露，请以 keep_old=false 立即停用旧的")
        tx.webhooks.set_secrets(subscription_id, [secret, *old])
        _note(deps, tx, caller, subscription, "secret_made", {"kept": len(old)}, now)
    return secret.text, until if old else None


def send_test(deps: Deps, caller: Principal, subscription_id: str) -> str:
    """Let a test event go the whole way to this subscription alone; its id.

    Raises:
        NotFound: no such subscription of this client.
        Conflict: it is not active.
    """
    _require_keeper(caller)
    now = deps.clock.now()
    event_id = deps.ids.new("evt")
    with deps.uow() as tx:
        subscription = _kept(caller, tx.webhooks.by_id(subscription_id))
        if subscription.state is not SubscriptionState.ACTIVE:
            raise Conflict("订阅未启用，测试事件不会发出：请先启用（PATCH state=active）")
        payload = WebhookTested(subscription_id=subscription_id)
        source = deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=subscription_id, at=now))
        _note(deps, tx, caller, subscription, "tested", {"event_id": event_id}, now)
    return event_id


def read_webhook(deps: Deps, caller: Principal, subscription_id: str) -> Seen:
    """A subscription of the caller's own, or for auditors any; NotFound."""
    with deps.uow.read() as tx:
        subscription = visible(caller, tx.webhooks.by_id(subscription_id))
        waiting, failed = tx.deliveries.counts([subscription_id]).get(subscription_id, (0, 0))
    return Seen(subscription=subscription, waiting=waiting, failed=failed)


def list_webhooks(deps: Deps, caller: Principal, *, behind: str = "", limit: int = MAX_PAGE) -> Sequence[Seen]:
    """The caller's own subscriptions, or for auditors and operators all, in the order of their ids."""
    roles.require(caller, roles.EVENTS, *SEE_ALL)
    client_id = caller.subject if caller.roles.isdisjoint(SEE_ALL) else ""
    with deps.uow.read() as tx:
        found = tx.webhooks.page(client_id, behind=behind, limit=min(limit, MAX_PAGE))
        counts = tx.deliveries.counts([one.subscription_id for one in found])
    return [_seen(one, counts) for one in found]


def visible(caller: Principal, subscription: Subscription | None) -> Subscription:
    """The subscription, if the caller may see it; NotFound otherwise."""
    roles.require(caller, roles.EVENTS, *SEE_ALL)
    if subscription is None or (subscription.client_id != caller.subject and caller.roles.isdisjoint(SEE_ALL)):
        raise NotFound("没有这个订阅，请核对编号")
    return subscription


def _seen(subscription: Subscription, counts: Mapping[str, tuple[int, int]]) -> Seen:
    waiting, failed = counts.get(subscription.subscription_id, (0, 0))
    return Seen(subscription=subscription, waiting=waiting, failed=failed)


def _require_owner(caller: Principal) -> None:
    roles.require(caller, roles.EVENTS)
    if caller.kind != "system":
        raise Forbidden("订阅属于接入系统，请以系统的令牌办理")


def _operates(caller: Principal) -> bool:
    return caller.kind == "person" and roles.OPERATOR in caller.roles


def _require_keeper(caller: Principal) -> None:
    """The owner, or an operator."""
    if not _operates(caller):
        _require_owner(caller)


def _kept(caller: Principal, subscription: Subscription | None) -> Subscription:
    """The subscription, if the caller may stop, start and test it; NotFound otherwise."""
    if subscription is None or not _operates(caller):
        return _own(caller, subscription)
    return subscription


def _own(caller: Principal, subscription: Subscription | None) -> Subscription:
    if subscription is None or subscription.client_id != caller.subject:
        raise NotFound("没有这个订阅，请核对编号")
    return subscription


def _activated(tx: UnitOfWork, subscription: Subscription, queued: int, now: datetime) -> Subscription:
    if subscription.state is SubscriptionState.DISABLED:
        subscription = replace(subscription, missed_until=queued)
    tx.deliveries.restart(subscription.subscription_id, now=now)
    tx.webhooks.wake(subscription.subscription_id, now=now)
    started = replace(subscription, state=SubscriptionState.ACTIVE, reason="", stopped_by=StoppedBy.NOBODY)
    return replace(started, failures=0, failing_since=None)


def _paused(subscription: Subscription, reason: str, by: StoppedBy) -> Subscription:
    if subscription.state is SubscriptionState.DISABLED:
        raise Conflict("订阅已停用，不能暂停；需要时请先启用（state=active）")
    if subscription.stopped_by_owner:
        by = StoppedBy.OWNER  # an operator who pauses it again does not make it an operator's to start
    return replace(subscription, state=SubscriptionState.PAUSED, reason=reason, stopped_by=by)


def _require_reason(caller: Principal, change: Change) -> None:
    """Whoever stops what is another's says why; the owner and the evidence keep it."""
    stops = change.state in {SubscriptionState.PAUSED, SubscriptionState.DISABLED}
    if stops and _operates(caller) and not change.reason:
        problem = FieldProblem(pointer="/reason", code="required", detail="请填写暂停或停用的原因")
        raise InvalidInput("请填写暂停或停用的原因，接入系统看得到，并写入留痕", problems=(problem,))


def _require_startable(subscription: Subscription, by: StoppedBy) -> None:
    """An operator starts what an operator or the service stopped."""
    if by is StoppedBy.OPERATOR and subscription.stopped_by_owner:
        raise Conflict(f"订阅由接入系统 {subscription.client_id} 自己暂停或停用，请联系该系统自行启用（state=active）")


def _known(types: Iterable[str]) -> tuple[str, ...]:
    """The types, each once; InvalidInput names those that do not exist."""
    wanted = tuple(dict.fromkeys(types))
    families = {f"{family}.*" for family in FAMILIES}
    problems = tuple(
        FieldProblem(
            pointer=f"/types/{index}",
            code="unknown",
            detail="没有这种事件：请写 openapi/events 中的名称（如 license.issued.v1）、整类（如 license.*）或 *",
        )
        for index, name in enumerate(wanted)
        if name != EVERYTHING and name not in NAMES and name not in families
    )
    if problems:
        raise InvalidInput("事件类型有误，请按提示更正", problems=problems)
    return wanted


def _new_secret(deps: Deps) -> Secret:
    return Secret(text=secret_text(base64.urlsafe_b64decode(deps.ids.secret() + "=")))


def _note(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    subscription: Subscription,
    what: str,
    content: Mapping[str, object],
    now: datetime,
) -> None:
    subject = subscription.subscription_id
    record(tx, deps, kind=f"webhook.{what}", subject=subject, actor=caller.subject, content=content, at=now)
