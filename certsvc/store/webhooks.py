"""Webhook subscriptions: whose they are, their secrets, and the lease under which one process sends for one of them."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, or_, select, text, update

from certsvc.clock import parse_rfc3339, rfc3339
from certsvc.events.webhooks import QUEUEING, Claim, Secret, StoppedBy, Subscription, SubscriptionState, spellings_of
from certsvc.store.tables_uses import cursors
from certsvc.store.tables_webhooks import WAITING_DELIVERY, webhook_deliveries, webhook_subscriptions
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Select, Update

    from certsvc.events.webhooks import Health
    from certsvc.store.transaction import Transaction

_S = webhook_subscriptions.c
_SECRETS = "webhook_subscriptions.secrets"
_DELETED = SubscriptionState.DELETED.value

_QUEUED = select(cursors.c.position).where(cursors.c.consumer == bindparam("who")).with_for_update()
_BY_ID = select(*_S).where(_S.subscription_id == bindparam("which"), _S.state != _DELETED)
_HOLD = _BY_ID.with_for_update()
_PAGE = (
    select(*_S)
    .where(_S.subscription_id > bindparam("behind"), _S.state != _DELETED)
    .order_by(_S.subscription_id)
    .limit(bindparam("most"))
)
_PAGE_OF = _PAGE.where(_S.client_id == bindparam("client"))
_COUNT = select(func.count().label("value")).where(_S.client_id == bindparam("client"), _S.state != _DELETED)
_WANTING = (
    select(*_S)
    .where(
        _S.state.in_(sorted(state.value for state in QUEUEING)),
        or_(*(_S.types.like(bindparam(f"spelling_{n}"), escape="\\") for n in range(3))),
    )
    .order_by(_S.subscription_id)
)
_ITS_SECRETS = select(_S.secrets).where(_S.subscription_id == bindparam("which"))
_DELETED_IDS = select(_S.subscription_id).where(_S.state == _DELETED).limit(bindparam("most"))
_PAUSED = (
    select(*_S)
    .where(_S.state == SubscriptionState.PAUSED.value, _S.changed_at < bindparam("before"))
    .order_by(_S.changed_at)
    .limit(bindparam("most"))
)
_UPDATE = (
    update(webhook_subscriptions)
    .where(_S.subscription_id == bindparam("which"))
    .values(
        url=bindparam("new_url"),
        types=bindparam("new_types"),
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        missed_after=bindparam("gap_begin"),
        missed_until=bindparam("gap_end"),
        failures=bindparam("failed"),
        failing_since=bindparam("since"),
        changed_at=bindparam("now"),
        stopped_by=bindparam("stopper"),
    )
)
_WAKE = (
    update(webhook_subscriptions)
    .where(_S.subscription_id == bindparam("which"), _S.claim_token == "")
    .values(not_before=bindparam("now"))
)
_SET_SECRETS = (
    update(webhook_subscriptions).where(_S.subscription_id == bindparam("which")).values(secrets=bindparam("sealed"))
)
_RELEASE = (
    update(webhook_subscriptions)
    .where(_S.subscription_id == bindparam("which"), _S.claim_token == bindparam("token"))
    .values(
        claim_token="",
        not_before=bindparam("rests_until"),
        failures=bindparam("failed"),
        failing_since=bindparam("since"),
        last_success_at=bindparam("succeeded"),
    )
)
_FORGET = delete(webhook_subscriptions).where(_S.subscription_id == bindparam("which"), _S.state == _DELETED)


def _due(*, healthy: bool) -> Select[Any]:
    """Active ones that rest no longer and have something due, served longest ago first.

    The first due row is looked up per subscription, as a value: an EXISTS may become a join over the whole queue when
    the statistics of the database lag behind, as they do for queues.
    """
    queued = webhook_deliveries.alias("queued")
    turn = webhook_subscriptions.alias("turn")
    first = (
        select(queued.c.ready_at)
        .where(queued.c.subscription_id == turn.c.subscription_id, text(f"queued.{WAITING_DELIVERY}"))
        .order_by(queued.c.ready_at)
        .limit(1)
        .correlate(turn)
        .scalar_subquery()
    )
    found = select(turn.c.subscription_id).where(
        turn.c.state == SubscriptionState.ACTIVE.value,
        turn.c.not_before <= bindparam("now"),
        first <= bindparam("now"),
    )
    if healthy:
        found = found.where(turn.c.failures == 0)
    return found.order_by(turn.c.not_before, turn.c.subscription_id).limit(1)


def _claim(*, healthy: bool) -> Update:
    # PostgreSQL: two processes never wait for one row; SQLite has one writer anyway.
    next_one = _due(healthy=healthy).with_for_update(skip_locked=True).scalar_subquery()
    return (
        update(webhook_subscriptions)
        .where(_S.subscription_id == next_one)
        .values(claim_token=bindparam("token"), not_before=bindparam("lease_end"))
        .returning(*_S)
    )


_DUE = {healthy: _due(healthy=healthy) for healthy in (False, True)}
_CLAIM = {healthy: _claim(healthy=healthy) for healthy in (False, True)}


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, webhook_subscriptions)


class SubscriptionRows:
    """Implements ``webhook_ports.Subscriptions``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def hold_queue(self, consumer: str) -> int:
        """Lock the place of the consumer that queues events, and tell it."""
        row = self._tx.row(_QUEUED, who=consumer)
        return 0 if row is None else int(row["position"])

    def insert(self, subscription: Subscription, secrets: Sequence[Secret]) -> None:
        """Store."""
        self._tx.changed(
            _insert(self._tx.dialect),
            subscription_id=subscription.subscription_id,
            client_id=subscription.client_id,
            url=subscription.url,
            types=to_json(list(subscription.types)),
            state=subscription.state.value,
            reason=subscription.reason,
            secrets=self._sealed(subscription.subscription_id, secrets),
            after=subscription.after,
            missed_after=subscription.missed_after,
            missed_until=subscription.missed_until,
            failures=subscription.failures,
            failing_since=subscription.failing_since,
            last_success_at=subscription.last_success_at,
            not_before=subscription.created_at,
            claim_token="",
            created_at=subscription.created_at,
            changed_at=subscription.changed_at,
            stopped_by=subscription.stopped_by.value,
        )

    def by_id(self, subscription_id: str) -> Subscription | None:
        """The subscription."""
        row = self._tx.row(_BY_ID, which=subscription_id)
        return None if row is None else _subscription(row)

    def hold(self, subscription_id: str) -> Subscription | None:
        """The same, locked."""
        row = self._tx.row(_HOLD, which=subscription_id)
        return None if row is None else _subscription(row)

    def page(self, client_id: str, *, behind: str, limit: int) -> Sequence[Subscription]:
        """Subscriptions of a client, or of all (empty), in the order of their ids."""
        if client_id:
            rows = self._tx.rows(_PAGE_OF, client=client_id, behind=behind, most=limit)
        else:
            rows = self._tx.rows(_PAGE, behind=behind, most=limit)
        return [_subscription(row) for row in rows]

    def count(self, client_id: str) -> int:
        """How many a client has."""
        row = self._tx.row(_COUNT, client=client_id)
        return 0 if row is None else int(row["value"])

    def wanting(self, event_type: str) -> Sequence[Subscription]:
        """Those for which events of this type are queued; the database sorts out most, the subscription decides."""
        # The types are JSON: each stands in quotes, so that no name is found within another.
        written = {
            f"spelling_{n}": '%"' + spelling.replace("_", "\\_") + '"%'
            for n, spelling in enumerate(spellings_of(event_type))
        }
        found = (_subscription(row) for row in self._tx.rows(_WANTING, **written))
        return [one for one in found if one.wants(event_type)]

    def update(self, subscription: Subscription) -> None:
        """Store everything that changes but secrets, claim and last success."""
        self._tx.changed(
            _UPDATE,
            which=subscription.subscription_id,
            new_url=subscription.url,
            new_types=to_json(list(subscription.types)),
            new_state=subscription.state.value,
            new_reason=subscription.reason,
            gap_begin=subscription.missed_after,
            gap_end=subscription.missed_until,
            failed=subscription.failures,
            since=subscription.failing_since,
            now=subscription.changed_at,
            stopper=subscription.stopped_by.value,
        )

    def wake(self, subscription_id: str, *, now: datetime) -> None:
        """End a rest; a lease that is held stays as it is."""
        self._tx.changed(_WAKE, which=subscription_id, now=now)

    def secrets(self, subscription_id: str) -> Sequence[Secret]:
        """Its secrets, newest first."""
        row = self._tx.row(_ITS_SECRETS, which=subscription_id)
        return () if row is None else self._opened(subscription_id, row["secrets"])

    def set_secrets(self, subscription_id: str, secrets: Sequence[Secret]) -> None:
        """Replace them."""
        self._tx.changed(_SET_SECRETS, which=subscription_id, sealed=self._sealed(subscription_id, secrets))

    def is_due(self, *, now: datetime, healthy: bool) -> bool:
        """Whether :meth:`claim` would find one."""
        return self._tx.row(_DUE[healthy], now=now) is not None

    def claim(self, *, token: str, now: datetime, lease_s: int, healthy: bool) -> Claim | None:
        """Take the one served longest ago; the order of release is the order of turns."""
        row = self._tx.row(_CLAIM[healthy], token=token, now=now, lease_end=now + timedelta(seconds=lease_s))
        if row is None:
            return None
        secrets = self._opened(row["subscription_id"], row["secrets"])
        in_use = tuple(secret.text for secret in secrets if secret.until is None or now < secret.until)
        return Claim(subscription=_subscription(row), token=token, secrets=in_use)

    def release(self, claim: Claim, *, health: Health, not_before: datetime) -> bool:
        """Give a claim back; False when it was lost."""
        changed = self._tx.changed(
            _RELEASE,
            which=claim.subscription.subscription_id,
            token=claim.token,
            rests_until=not_before,
            failed=health.failures,
            since=health.failing_since,
            succeeded=health.last_success_at,
        )
        return changed == 1

    def paused_since_before(self, before: datetime, *, limit: int) -> Sequence[Subscription]:
        """Paused ones that nobody changed since ``before``."""
        return [_subscription(row) for row in self._tx.rows(_PAUSED, before=before, most=limit)]

    def deleted(self, *, limit: int) -> Sequence[str]:
        """Ids of deleted ones whose rows are there still."""
        return [row["subscription_id"] for row in self._tx.rows(_DELETED_IDS, most=limit)]

    def forget(self, subscription_id: str) -> None:
        """Remove the row of a deleted one."""
        self._tx.changed(_FORGET, which=subscription_id)

    def _sealed(self, subscription_id: str, secrets: Sequence[Secret]) -> bytes:
        plain = [{"text": one.text, "until": rfc3339(one.until) if one.until else None} for one in secrets]
        return self._tx.seal_json(plain, _SECRETS, subscription_id)

    def _opened(self, subscription_id: str, blob: bytes) -> list[Secret]:
        plain: Sequence[Mapping[str, Any]] = self._tx.open_json(blob, _SECRETS, subscription_id)
        return [Secret(text=one["text"], until=parse_rfc3339(one["until"]) if one["until"] else None) for one in plain]


def _subscription(row: RowMapping) -> Subscription:
    return Subscription(
        subscription_id=row["subscription_id"],
        client_id=row["client_id"],
        url=row["url"],
        types=tuple(from_json(row["types"])),
        state=as_word(SubscriptionState, row["state"]),
        reason=row["reason"],
        after=row["after"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        missed_after=row["missed_after"],
        missed_until=row["missed_until"],
        failures=row["failures"],
        failing_since=row["failing_since"],
        last_success_at=row["last_success_at"],
        stopped_by=as_word(StoppedBy, row["stopped_by"]),
    )
