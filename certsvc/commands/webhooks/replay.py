"""The log of deliveries, and sending again what is in the feed: the database is the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.webhooks.given import clients_of, given
from certsvc.commands.webhooks.subscribe import visible
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.events.webhooks import SubscriptionState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Delivery, DeliveryState, Subscription

MAX_LOG_PAGE = 200

MAX_REPLAY = 10_000
"""Events looked at by one replay; the answer says where to go on. Bounds the time of one request."""

PAGE = 500
"""Events per transaction: a replay must not hold the writer of SQLite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is to be sent again: behind a position, from a time on, one delivery, or what failed.

    Attributes:
        after: events behind this position.
        since: of this time or later; ``after`` is where to begin looking, for those who go on.
        until: up to this position; None is the end of the feed.
        position: of the one event.
        failed: only deliveries that failed for good.
    """

    after: int = 0
    since: datetime | None = None
    until: int | None = None
    position: int | None = None
    failed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """How many events were queued again, and the position behind which to go on, or None when nothing is left."""

    count: int
    next: int | None


def delivery_log(
    deps: Deps,
    caller: Principal,
    subscription_id: str,
    *,
    state: DeliveryState | None = None,
    before: int = 0,
    limit: int = MAX_LOG_PAGE,
) -> Sequence[Delivery]:
    """Deliveries in front of position ``before`` (0: from the end), the newest first; NotFound."""
    with deps.uow.read() as tx:
        visible(caller, tx.webhooks.by_id(subscription_id))
        return tx.deliveries.log(subscription_id, state=state, before=before, limit=min(limit, MAX_LOG_PAGE))


def replay(deps: Deps, caller: Principal, subscription_id: str, wish: Wish, *, most: int = MAX_REPLAY) -> Replayed:
    """Queue events again, with their ids; whoever keeps ids handles nothing twice.

    At most ``most`` events are looked at. Those are queued whose type the subscription asks for, and the one that was
    named, whatever it is.

    Raises:
        NotFound: no such subscription of this client, or no such event.
        Conflict: it is disabled: nothing would be sent.
        InvalidInput: ``until`` in front of ``after``.
    """
    roles.require(caller, roles.EVENTS, roles.OPERATOR)
    if wish.until is not None and wish.until < wish.after:
        raise InvalidInput("until 不能小于 after，请核对位置")
    now = deps.clock.now()
    with deps.uow() as tx:
        subscription = _replayable(caller, tx.webhooks.by_id(subscription_id))
        content = {
            "after": wish.after,
            "since": wish.since.isoformat() if wish.since else "",
            "until": wish.until,
            "position": wish.position,
            "failed": wish.failed,
        }
        record(
            tx, deps, kind="webhook.replayed", subject=subscription_id, actor=caller.subject, content=content, at=now
        )
        if wish.position is not None:
            return _one(deps, tx, subscription, wish.position, now)
        behind = max(wish.after, tx.feed.before(wish.since)) if wish.since is not None else wish.after
        last = min(tx.feed.end(), tx.feed.end() if wish.until is None else wish.until)
    return _many(deps, subscription, wish, behind, last, most, now)


def _replayable(caller: Principal, subscription: Subscription | None) -> Subscription:
    mine = subscription is not None and subscription.client_id == caller.subject
    if subscription is None or not (mine or roles.OPERATOR in caller.roles):
        raise NotFound("没有这个订阅，请核对编号")
    if subscription.state is SubscriptionState.DISABLED:
        raise Conflict("订阅已停用，重发的事件不会发出：请先启用（PATCH state=active）")
    return subscription


def _one(deps: Deps, tx: UnitOfWork, subscription: Subscription, position: int, now: datetime) -> Replayed:
    event = tx.feed.at(position)
    if event is None or _of_others(deps, tx, subscription, event):
        raise NotFound("没有这个位置的事件，请核对投递记录中的 position")
    tx.deliveries.requeue(subscription.subscription_id, [event], now=now)
    return Replayed(count=1, next=None)


def _many(
    deps: Deps, subscription: Subscription, wish: Wish, behind: int, last: int, most: int, now: datetime
) -> Replayed:
    """Page by page, each in a transaction of its own: what is done twice has no other effect."""
    count = looked_at = 0
    while looked_at < most:
        with deps.uow() as tx:
            found = _page(tx, subscription, wish, behind)
            page = [event for event in found if event.position <= last]
            wanted = [event for event in page if _is_wanted(deps, tx, subscription, event, wish)]
            tx.deliveries.requeue(subscription.subscription_id, wanted, now=now)
        count += len(wanted)
        looked_at += len(page)
        if len(page) < PAGE:
            return Replayed(count=count, next=None)
        behind = page[-1].position
    return Replayed(count=count, next=behind)


def _page(tx: UnitOfWork, subscription: Subscription, wish: Wish, behind: int) -> Sequence[Event]:
    if wish.failed:
        return tx.deliveries.failed(subscription.subscription_id, behind=behind, limit=PAGE)
    return tx.outbox.after(behind, limit=PAGE)


def _is_wanted(deps: Deps, tx: UnitOfWork, subscription: Subscription, event: Event, wish: Wish) -> bool:
    if wish.since is not None and event.time < wish.since:
        return False
    return (wish.failed or subscription.wants(event.type)) and not _of_others(deps, tx, subscription, event)


def _of_others(deps: Deps, tx: UnitOfWork, subscription: Subscription, event: Event) -> bool:
    """Whether an event is for others alone, as it was when it was first queued."""
    return not given(deps, tx, event, [subscription], clients_of(tx, [subscription]))
