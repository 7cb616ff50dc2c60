"""Events to go out, the feed of those that have a position, evidence, leases and cursors."""

from __future__ import annotations

import binascii
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, text, update

from certsvc.errors import IntegrityError
from certsvc.events.envelope import Event
from certsvc.events.evidence import EvidenceRow
from certsvc.store.intents import next_of
from certsvc.store.tables_uses import WITHOUT_POSITION, cursors, events, evidence, inbox, leases
from certsvc.store.tallies import Tallies
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Executable, RowMapping, Select, Table, Update

    from certsvc.store.transaction import Transaction

_DETAILS = "evidence.details"


def _give_positions(table: Table) -> Update:
    """Number the oldest waiting rows from ``last`` + 1, in order of insertion, in one statement."""
    waiting = table.alias("waiting")
    oldest = (
        select(waiting.c.row_no)
        .where(text(f"waiting.{WITHOUT_POSITION}"))
        .order_by(waiting.c.row_no)
        .limit(bindparam("most"))
        .subquery("oldest")
    )
    ranked = select(oldest.c.row_no, func.row_number().over(order_by=oldest.c.row_no).label("rank")).subquery("ranked")
    return update(table).where(table.c.row_no == ranked.c.row_no).values(position=ranked.c.rank + bindparam("last"))


def _after(table: Table) -> Select[Any]:
    """Rows behind a position, in order."""
    return (
        select(*table.c)
        .where(table.c.position > bindparam("behind"))
        .order_by(table.c.position)
        .limit(bindparam("most"))
    )


_SEQUENCED = ((events, _give_positions(events)), (evidence, _give_positions(evidence)))
_EVENTS_AFTER = _after(events)
_EVIDENCE_AFTER = _after(evidence)
_CURSOR = select(cursors.c.position).where(cursors.c.consumer == bindparam("who"))


@cache
def _take_lease(dialect: str) -> Insert:
    """Insert, or take over what is ours or has run out."""
    made = insert_into(dialect, leases)
    return made.values(name=bindparam("what"), owner=bindparam("who"), until=bindparam("end")).on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"owner": made.excluded.owner, "until": made.excluded.until},
        where=(leases.c.owner == bindparam("who")) | (leases.c.until <= bindparam("now")),
    )


_RELEASE = delete(leases).where(leases.c.name == bindparam("what"), leases.c.owner == bindparam("who"))


@cache
def _advance(dialect: str) -> Insert:
    made = insert_into(dialect, cursors)
    return made.on_conflict_do_update(index_elements=[cursors.c.consumer], set_={"position": made.excluded.position})


@cache
def _first_times(dialect: str) -> Executable:
    return insert_into(dialect, inbox).on_conflict_do_nothing().returning(inbox.c.event_id)


def event_of(row: RowMapping) -> Event:
    """The event of a row with the columns of ``events``."""
    return Event(
        event_id=row["event_id"],
        type=row["type"],
        source=row["source"],
        subject=row["subject"],
        time=row["time"],
        data=from_json(row["data"]),
        position=row["position"],
        traceparent=row["traceparent"],
    )


class OutboxRows:
    """Implements ``store_ports.Outbox``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add(self, event: Event) -> None:
        """Store an event without a position, whatever position the record carries."""
        self._tx.append_row(
            events,
            event_id=event.event_id,
            source=event.source,
            type=event.type,
            subject=event.subject,
            time=event.time,
            data=to_json(dict(event.data)),
            traceparent=event.traceparent,
        )

    def add_evidence(self, row: EvidenceRow) -> None:
        """Store an evidence row without a position; the salt is hidden too, for with it a digest can be guessed."""
        self._tx.append_row(
            evidence,
            evidence_id=row.evidence_id,
            kind=row.kind,
            at=row.at,
            leaf=row.leaf,
            details=self._tx.seal(f"{row.salt.hex()}:{_utf8(row.details)}", _DETAILS, row.evidence_id),
        )

    def sequence(self, *, limit: int) -> int:
        """Give committed events and evidence rows their positions, in order of insertion; how many were done.

        At most ``limit`` of each kind. The counter's row stays locked until the end, so positions become visible in
        order; a row that commits after us gets a later position, whatever its row number. Tallies are folded here too,
        because only one process is here at a time.
        """
        self._tx.flush()
        done = 0
        for table, statement in _SEQUENCED:
            series = f"position:{table.name}"
            last = self._counter(series, 0)
            given = self._tx.changed(statement, last=last, most=limit)
            if given:
                self._counter(series, given)
            done += given
        Tallies(self._tx).fold(limit=limit)
        return done

    def after(self, position: int, *, limit: int) -> Sequence[Event]:
        """Sequenced events behind ``position``, in order."""
        return [event_of(row) for row in self._tx.rows(_EVENTS_AFTER, behind=position, most=limit)]

    def evidence_after(self, position: int, *, limit: int) -> Sequence[EvidenceRow]:
        """Sequenced evidence rows behind ``position``, in order."""
        return [evidence_of(self._tx, row) for row in self._tx.rows(_EVIDENCE_AFTER, behind=position, most=limit)]

    def lease(self, name: str, *, owner: str, now: datetime, lease_s: int) -> bool:
        """Take or keep the lease ``name``; False while another owner holds it."""
        end = now + timedelta(seconds=lease_s)
        return self._tx.changed(_take_lease(self._tx.dialect), what=name, who=owner, now=now, end=end) == 1

    def release(self, *names: str, owner: str) -> None:
        """Give up these leases where ``owner`` holds them: another takes over at once instead of after the lease."""
        for name in names:
            self._tx.changed(_RELEASE, what=name, who=owner)

    def cursor(self, consumer: str) -> int:
        """The last position a consumer has handled (0 at first)."""
        row = self._tx.row(_CURSOR, who=consumer)
        return 0 if row is None else int(row["position"])

    def advance(self, consumer: str, *, position: int) -> None:
        """Move a consumer's cursor, in the transaction of its effect; moving it back is a replay."""
        self._tx.changed(_advance(self._tx.dialect), consumer=consumer, position=position)

    def first_time(self, consumer: str, event_id: str, *, now: datetime) -> bool:
        """Inbox row: True the first time this consumer sees this event."""
        return bool(self.first_times(consumer, [event_id], now=now))

    def first_times(self, consumer: str, event_ids: Sequence[str], *, now: datetime) -> Collection[str]:
        """Inbox rows: those of ``event_ids`` that this consumer sees for the first time."""
        rows = [{"consumer": consumer, "event_id": event_id, "at": now} for event_id in sorted(set(event_ids))]
        return {row["event_id"] for row in self._tx.rows_all(_first_times(self._tx.dialect), rows)}

    def _counter(self, series: str, step: int) -> int:
        row = self._tx.row(next_of(self._tx.dialect), series=series, step=step)
        if row is None:
            msg = "an upsert returned no row"
            raise RuntimeError(msg)
        return int(row["value"])


def evidence_of(tx: Transaction, row: RowMapping) -> EvidenceRow:
    """The evidence of a row with the columns of ``evidence``."""
    salt, _, details = tx.open(row["details"], _DETAILS, row["evidence_id"]).partition(":")
    try:
        raw_salt = binascii.unhexlify(salt)
    except binascii.Error as error:
        raise IntegrityError("留痕记录的盐值已损坏，请从备份恢复") from error
    return EvidenceRow(
        evidence_id=row["evidence_id"],
        kind=row["kind"],
        at=row["at"],
        salt=raw_salt,
        leaf=bytes(row["leaf"]),
        details=details.encode("utf-8"),
        position=row["position"],
    )


def _utf8(details: bytes) -> str:
    """Details are canonical JSON, thus UTF-8; anything else is our own mistake."""
    try:
        return details.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = "evidence details are canonical JSON in UTF-8"
        raise RuntimeError(msg) from error
