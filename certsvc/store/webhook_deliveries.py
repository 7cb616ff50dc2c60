"""Events queued for webhook subscriptions: the queue in order per subject, and the log of what was sent."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, func, or_, select, text, update

from certsvc.clock import parse_rfc3339, rfc3339
from certsvc.events.webhooks import MAX_TRIES_KEPT, Delivery, DeliveryState, Fault, Try
from certsvc.store.outbox import event_of
from certsvc.store.tables_uses import events
from certsvc.store.tables_webhooks import WAITING_DELIVERY, webhook_deliveries, webhook_subscriptions
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Executable, RowMapping

    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Claim
    from certsvc.store.transaction import Transaction

_D = webhook_deliveries.c
_S = webhook_subscriptions.c
_E = events.c
_OWN = _D.subscription_id == bindparam("which")
_IS = {state: text(f"webhook_deliveries.state = '{state.value}'") for state in DeliveryState}
_END = 2**62
"""Above every position."""

LOOKED_AT = 256
"""Due rows looked at per turn, those behind others of their subject included."""

_QUEUE = webhook_deliveries.alias("queue")
_FIRST = webhook_deliveries.alias("first")


def _of_first(column: str) -> Any:
    """A value of the first row that waits of the same subject; looked up row by row, whatever the statistics say."""
    return (
        select(_FIRST.c[column])
        .where(
            _FIRST.c.subscription_id == _QUEUE.c.subscription_id,
            _FIRST.c.subject == _QUEUE.c.subject,
            text(f"first.{WAITING_DELIVERY}"),
        )
        .order_by(_FIRST.c.position)
        .limit(1)
        .correlate(_QUEUE)
        .scalar_subquery()
        .label(f"first_{column}")
    )


_DUE = (
    select(_QUEUE.c.position, _QUEUE.c.subject, _of_first("position"), _of_first("ready_at"))
    .where(
        _QUEUE.c.subscription_id == bindparam("which"),
        text(f"queue.{WAITING_DELIVERY}"),
        _QUEUE.c.ready_at <= bindparam("now"),
    )
    .order_by(_QUEUE.c.ready_at, _QUEUE.c.position)
    .limit(bindparam("most"))
)
_PARK = (
    update(webhook_deliveries)
    .where(
        _OWN,
        _D.subject == bindparam("about"),
        _IS[DeliveryState.WAITING],
        _D.position > bindparam("place"),
        _D.ready_at < bindparam("until"),
    )
    .values(ready_at=bindparam("until"))
)
_WHOLE = (
    select(*_D, *(column.label(f"event_{column.name}") for column in _E))
    .join(events, _E.position == _D.position)
    .where(_OWN, _D.position.in_(bindparam("these", expanding=True)))
    .order_by(_D.position)
)
_HELD = exists().where(_S.subscription_id == bindparam("which"), _S.claim_token == bindparam("token"))
_TRIED = (
    update(webhook_deliveries)
    .where(_OWN, _D.position == bindparam("place"), _IS[DeliveryState.WAITING], _HELD)
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("made"),
        ready_at=bindparam("next_try"),
        ended_at=bindparam("end"),
        tries=bindparam("known"),
    )
)
_RESTART = (
    update(webhook_deliveries)
    .where(_OWN, text(WAITING_DELIVERY), or_(_D.ready_at > bindparam("now"), _D.attempts > 0))
    .values(attempts=0, ready_at=bindparam("now"))
)
_LOG = select(*_D).where(_OWN, _D.position < bindparam("front")).order_by(_D.position.desc()).limit(bindparam("most"))
_LOG_OF = {state: _LOG.where(clause) for state, clause in _IS.items()}
_FAILED = (
    select(*_E)
    .join(webhook_deliveries, _E.position == _D.position)
    .where(_OWN, _IS[DeliveryState.FAILED], _D.position > bindparam("behind"))
    .order_by(_D.position)
    .limit(bindparam("most"))
)


def _counts(state: DeliveryState) -> Any:
    return (
        select(_D.subscription_id, func.count().label("value"))
        .where(_D.subscription_id.in_(bindparam("these", expanding=True)), _IS[state])
        .group_by(_D.subscription_id)
    )


_WAITING_COUNTS, _FAILED_COUNTS = _counts(DeliveryState.WAITING), _counts(DeliveryState.FAILED)
_KEYS = select(_D.subscription_id, _D.position).limit(bindparam("most")).with_for_update(skip_locked=True)
_OLD = _KEYS.where(_IS[DeliveryState.DELIVERED], _D.ended_at < bindparam("before"))
_ALL_OF = _KEYS.where(_OWN)
_FORGET = delete(webhook_deliveries).where(_OWN, _D.position == bindparam("place"))


@cache
def _queue(dialect: str) -> Insert:
    """Whatever was queued for this subscription stays as it is."""
    return insert_into(dialect, webhook_deliveries).on_conflict_do_nothing()


@cache
def _requeue(dialect: str) -> Executable:
    """Begin again, unless it waits."""
    made = insert_into(dialect, webhook_deliveries)
    return made.on_conflict_do_update(
        index_elements=[_D.subscription_id, _D.position],
        set_={
            "state": made.excluded.state,
            "attempts": made.excluded.attempts,
            "ready_at": made.excluded.ready_at,
            "ended_at": None,
            "replays": _D.replays + 1,
        },
        where=_D.state != DeliveryState.WAITING.value,
    )


class DeliveryRows:
    """Implements ``webhook_ports.Deliveries``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def queue(self, subscription_ids: Sequence[str], event: Event, *, now: datetime) -> None:
        """Queue an event; where it is queued already nothing happens."""
        if subscription_ids:
            rows = [_row(subscription_id, event, now) for subscription_id in subscription_ids]
            self._tx.changed_all(_queue(self._tx.dialect), rows)

    def requeue(self, subscription_id: str, events: Sequence[Event], *, now: datetime) -> None:
        """Queue events again from the beginning of the schedule; waiting ones stay."""
        if events:
            self._tx.changed_all(_requeue(self._tx.dialect), [_row(subscription_id, event, now) for event in events])

    def heads(self, subscription_id: str, *, now: datetime, limit: int) -> Sequence[tuple[Delivery, Event]]:
        """What may be sent now, in order of position.

        What is due behind a row of its subject that is tried again later waits as long as that row: it is not looked
        at again before.
        """
        due = self._tx.rows(_DUE, which=subscription_id, now=now, most=max(limit, LOOKED_AT))
        free = [row["position"] for row in due if row["first_position"] == row["position"]]
        blocked = {row["subject"]: row for row in due if row["first_ready_at"] > now}
        for subject, row in blocked.items():
            place, until = row["first_position"], row["first_ready_at"]
            self._tx.changed(_PARK, which=subscription_id, about=subject, place=place, until=until)
        found = self._tx.rows(_WHOLE, which=subscription_id, these=free[:limit])
        return [(_delivery(row), event_of(_event_part(row))) for row in found]

    def confirm(self, claim: Claim, delivery: Delivery, last: Try) -> bool:
        """The receiver took it."""
        return self._tried(claim, delivery, last, DeliveryState.DELIVERED, delivery.ready_at)

    def put_off(self, claim: Claim, delivery: Delivery, last: Try, *, ready_at: datetime) -> bool:
        """It failed and is tried again."""
        return self._tried(claim, delivery, last, DeliveryState.WAITING, ready_at)

    def fail(self, claim: Claim, delivery: Delivery, last: Try) -> bool:
        """It failed for good."""
        return self._tried(claim, delivery, last, DeliveryState.FAILED, delivery.ready_at)

    def restart(self, subscription_id: str, *, now: datetime) -> None:
        """Let everything that waits be due now; what was only queued is so already, and may be very much."""
        self._tx.changed(_RESTART, which=subscription_id, now=now)

    def log(self, subscription_id: str, *, state: DeliveryState | None, before: int, limit: int) -> Sequence[Delivery]:
        """Deliveries in front of a position, the newest first."""
        statement = _LOG if state is None else _LOG_OF[state]
        rows = self._tx.rows(statement, which=subscription_id, front=before or _END, most=limit)
        return [_delivery(row) for row in rows]

    def failed(self, subscription_id: str, *, behind: int, limit: int) -> Sequence[Event]:
        """Events whose deliveries failed for good."""
        rows = self._tx.rows(_FAILED, which=subscription_id, behind=behind, most=limit)
        return [event_of(row) for row in rows]

    def counts(self, subscription_ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """How many wait and how many failed."""
        these = list(subscription_ids)
        waiting = {row["subscription_id"]: row["value"] for row in self._tx.rows(_WAITING_COUNTS, these=these)}
        failed = {row["subscription_id"]: row["value"] for row in self._tx.rows(_FAILED_COUNTS, these=these)}
        return {one: (waiting.get(one, 0), failed.get(one, 0)) for one in {*waiting, *failed}}

    def sweep(self, *, before: datetime, limit: int) -> int:
        """Forget what was confirmed before ``before``."""
        return self._forget(self._tx.rows(_OLD, before=before, most=limit))

    def forget(self, subscription_id: str, *, limit: int) -> int:
        """Forget deliveries of a deleted subscription."""
        return self._forget(self._tx.rows(_ALL_OF, which=subscription_id, most=limit))

    def _forget(self, keys: Sequence[RowMapping]) -> int:
        if keys:
            self._tx.changed_all(_FORGET, [{"which": key["subscription_id"], "place": key["position"]} for key in keys])
        return len(keys)

    def _tried(self, claim: Claim, delivery: Delivery, last: Try, state: DeliveryState, next_try: datetime) -> bool:
        changed = self._tx.changed(
            _TRIED,
            which=delivery.subscription_id,
            place=delivery.position,
            token=claim.token,
            new_state=state.value,
            made=delivery.attempts + 1,
            next_try=next_try,
            end=None if state is DeliveryState.WAITING else last.at,
            known=_tries_out((*delivery.tries, last)[-MAX_TRIES_KEPT:]),
        )
        return changed == 1


def _row(subscription_id: str, event: Event, now: datetime) -> dict[str, Any]:
    return {
        "subscription_id": subscription_id,
        "position": event.position,
        "event_id": event.event_id,
        "type": event.type,
        "subject": event.subject,
        "state": DeliveryState.WAITING.value,
        "attempts": 0,
        "replays": 0,
        "ready_at": now,
        "created_at": now,
        "ended_at": None,
        "tries": "[]",
    }


def _event_part(row: RowMapping) -> Any:
    return {column.name: row[f"event_{column.name}"] for column in _E}


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        subscription_id=row["subscription_id"],
        position=row["position"],
        event_id=row["event_id"],
        type=row["type"],
        subject=row["subject"],
        state=as_word(DeliveryState, row["state"]),
        attempts=row["attempts"],
        ready_at=row["ready_at"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        replays=row["replays"],
        tries=_tries_in(row["tries"]),
    )


def _tries_out(tries: Sequence[Try]) -> str:
    return to_json([[rfc3339(one.at), one.status, one.fault.value, one.duration_ms] for one in tries])


def _tries_in(value: str) -> tuple[Try, ...]:
    return tuple(
        Try(at=parse_rfc3339(at), status=status, fault=as_word(Fault, fault), duration_ms=duration)
        for at, status, fault, duration in from_json(value)
    )
