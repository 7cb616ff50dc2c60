"""The rows of the evidence log."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select, text, update

from certsvc.errors import IntegrityError
from certsvc.events.checkpoint import Checkpoint, Stamp
from certsvc.events.epochs import Epoch, Epochs
from certsvc.events.tiles import Edge, split_hashes
from certsvc.store.outbox import event_of, evidence_of
from certsvc.store.tables import counters
from certsvc.store.tables_log import log_checkpoints, log_edges, log_subjects, log_timestamps
from certsvc.store.tables_uses import WITHOUT_POSITION, cursors, events, evidence
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Select, Table

    from certsvc.events.envelope import Event
    from certsvc.events.evidence import EvidenceRow
    from certsvc.store.transaction import Transaction

SUBJECT = "log_subjects.subject"
EVIDENCE, EVENT = "evidence", "event"
_POSITIONS = "position:evidence"
RESTORED = "log:restored"
"""The cursor that is 1 after a restore, until the log was continued (``database_copy.restore_database`` sets it)."""
EPOCHS = "log:epochs"
_TORN = "留痕日志的边缘数据（log_edges）残缺或与规模不符，已停止追加；请运行 certsvc audit verify"
_C = log_checkpoints.c
_T = log_timestamps.c

# Conditions that always hold let a plan search the key instead of walking the table.
_NEWEST = select(*_C).where(_C.number > 0).order_by(_C.number.desc()).limit(1)
_AT_SIZE = select(*_C).where(_C.size == bindparam("size"))
_AFTER = select(*_C).where(_C.number > bindparam("behind")).order_by(_C.number).limit(bindparam("most"))
_EDGE = select(*log_edges.c).where(log_edges.c.level >= 0).order_by(log_edges.c.level)
_LEAVES = (
    select(evidence.c.position, evidence.c.leaf)
    .where(evidence.c.position > bindparam("behind"))
    .order_by(evidence.c.position)
    .limit(bindparam("most"))
)
_MOVE_EDGE = (
    update(log_edges)
    .where(log_edges.c.level == bindparam("which"), log_edges.c.size == bindparam("before"))
    .values(size=bindparam("now"), hashes=bindparam("tile"))
)
_NEWEST_STAMP = select(*_T).where(_T.size > 0).order_by(_T.size.desc()).limit(1)
_STAMPS_AFTER = select(*_T).where(_T.size > bindparam("behind")).order_by(_T.size).limit(bindparam("most"))
_POSITION_OF = select(evidence.c.position).where(evidence.c.evidence_id == bindparam("which"))
_FIRST_AFTER = (
    select(evidence.c.at).where(evidence.c.position > bindparam("behind")).order_by(evidence.c.position).limit(1)
)
_FIRST_WAITING = select(evidence.c.at).where(text(WITHOUT_POSITION)).order_by(evidence.c.row_no).limit(1)
_PLACE = select(cursors.c.position).where(cursors.c.consumer == bindparam("who"))
_GIVEN = select(counters.c.value).where(counters.c.name == bindparam("series"))


@cache
def _about(table: Table, noun: str, column: str, beginnings: tuple[str, ...]) -> Select[Any]:
    """The newest rows about a subject whose kind or type begins so."""
    return (
        select(*table.c)
        .join_from(log_subjects, table, table.c.position == log_subjects.c.position)
        .where(
            log_subjects.c.subject_blind == bindparam("blind"),
            log_subjects.c.noun == noun,
            or_(*(table.c[column].startswith(one, autoescape=True) for one in beginnings)),
        )
        .order_by(log_subjects.c.position.desc())
        .limit(bindparam("most"))
    )


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _insert_once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


@cache
def _put_place(dialect: str) -> Insert:
    made = insert_into(dialect, cursors)
    return made.on_conflict_do_update(index_elements=[cursors.c.consumer], set_={"position": made.excluded.position})


class LogRows:
    """Implements ``log_ports.Log``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def newest(self) -> Checkpoint | None:
        """The checkpoint with the highest number."""
        return _checkpoint(self._tx.row(_NEWEST))

    def at_size(self, size: int) -> Checkpoint | None:
        """The checkpoint of exactly this size."""
        return _checkpoint(self._tx.row(_AT_SIZE, size=size))

    def after(self, number: int, *, limit: int) -> Sequence[Checkpoint]:
        """Checkpoints behind a number, in order."""
        return [Checkpoint(**row) for row in self._tx.rows(_AFTER, behind=number, most=limit)]

    def edge(self) -> Edge:
        """The right edge of the tree; IntegrityError when its rows do not fit together."""
        rows = self._tx.rows(_EDGE)
        sizes = {row["size"] for row in rows}
        try:
            edge = Edge(size=max(sizes, default=0), levels=[split_hashes(bytes(row["hashes"])) for row in rows])
        except ValueError as error:
            raise IntegrityError(_TORN) from error
        if [row["level"] for row in rows] != list(range(len(rows))) or len(sizes) > 1 or not edge.fits():
            raise IntegrityError(_TORN)
        return edge

    def leaves(self, after: int, *, limit: int) -> Sequence[tuple[int, bytes]]:
        """Positions and leaves behind a position, in order; nothing is decrypted."""
        return [(row["position"], bytes(row["leaf"])) for row in self._tx.rows(_LEAVES, behind=after, most=limit)]

    def append(self, edge: Edge, checkpoint: Checkpoint, *, before: int) -> bool:
        """Put the edge in the place of that of size ``before`` and add the checkpoint; False if another was faster."""
        known = len(self._tx.rows(_EDGE))
        for level, hashes in enumerate(edge.levels):
            tile = b"".join(hashes)
            if level >= known:
                values = {"level": level, "size": edge.size, "hashes": tile}
                done = self._tx.changed(_insert_once(self._tx.dialect, log_edges), **values)
            else:
                done = self._tx.changed(_MOVE_EDGE, which=level, before=before, now=edge.size, tile=tile)
            if done == 0:
                return False
        self._tx.changed(
            _insert(self._tx.dialect, log_checkpoints),
            number=checkpoint.number,
            size=checkpoint.size,
            note=checkpoint.note,
            at=checkpoint.at,
        )
        return True

    def epochs(self) -> Epochs:
        """Every continuation of the log, oldest first; they stand among the cursors, two numbers each."""
        places = [f"{EPOCHS}:{number}" for number in range(1, self._place(EPOCHS) + 1)]
        return Epochs(tuple(Epoch(name=self._place(one), after=self._place(f"{one}:after")) for one in places))

    def begin_epoch(self, epoch: Epoch) -> None:
        """Let the log go on under another name; what a restore left to do is done with that."""
        number = self._place(EPOCHS) + 1
        place = f"{EPOCHS}:{number}"
        values = {EPOCHS: number, place: epoch.name, f"{place}:after": epoch.after, RESTORED: 0}
        for name, position in values.items():
            self._tx.changed(_put_place(self._tx.dialect), consumer=name, position=position)

    def restored(self) -> bool:
        """Whether the database came back from a backup and the log was not continued since."""
        return self._place(RESTORED) > 0

    def _place(self, name: str) -> int:
        row = self._tx.row(_PLACE, who=name)
        return 0 if row is None else int(row["position"])

    def stamp(self, stamp: Stamp) -> bool:
        """Store the timestamp of a checkpoint, once; False if it has one."""
        statement = _insert_once(self._tx.dialect, log_timestamps)
        return self._tx.changed(statement, size=stamp.size, token=stamp.token, at=stamp.at) == 1

    def newest_stamp(self) -> Stamp | None:
        """That of the largest size."""
        row = self._tx.row(_NEWEST_STAMP)
        return None if row is None else _stamp(row)

    def stamps_after(self, size: int, *, limit: int) -> Sequence[Stamp]:
        """Timestamps of checkpoints larger than ``size``, in order."""
        return [_stamp(row) for row in self._tx.rows(_STAMPS_AFTER, behind=size, most=limit)]

    def note_subjects(self, subjects: Sequence[tuple[str, int]], *, events: bool = False) -> None:
        """Remember, as keyed digests, what the leaves, or the events, at these positions are about."""
        noun = EVENT if events else EVIDENCE
        rows = [
            {"subject_blind": self._tx.blind(one, SUBJECT), "noun": noun, "position": position}
            for one, position in subjects
        ]
        self._tx.changed_all(_insert_once(self._tx.dialect, log_subjects), rows)

    def about(self, subject: str, *, beginnings: tuple[str, ...], limit: int) -> Sequence[EvidenceRow]:
        """The newest rows about a subject whose kinds begin so and that are in the index, oldest first."""
        statement = _about(evidence, EVIDENCE, "kind", beginnings)
        rows = self._tx.rows(statement, blind=self._tx.blind(subject, SUBJECT), most=limit)
        return [evidence_of(self._tx, row) for row in reversed(rows)]

    def events_about(self, subject: str, *, beginnings: tuple[str, ...], limit: int) -> Sequence[Event]:
        """The newest events about a subject whose types begin so and that are in the index, oldest first."""
        statement = _about(events, EVENT, "type", beginnings)
        rows = self._tx.rows(statement, blind=self._tx.blind(subject, SUBJECT), most=limit)
        return [event_of(row) for row in reversed(rows)]

    def position_of(self, evidence_id: str) -> int | None:
        """Where a row stands; 0 when it waits for its position, None when there is none."""
        row = self._tx.row(_POSITION_OF, which=evidence_id)
        return None if row is None else int(row["position"] or 0)

    def first_unlogged(self, size: int) -> datetime | None:
        """When the oldest evidence was written that a log of ``size`` leaves has not, sequenced or not."""
        row = self._tx.row(_FIRST_AFTER, behind=size) or self._tx.row(_FIRST_WAITING)
        found: datetime | None = row["at"] if row else None
        return found

    def given(self) -> int:
        """The last position that was ever given to a row of evidence."""
        row = self._tx.row(_GIVEN, series=_POSITIONS)
        return 0 if row is None else int(row["value"])


def _checkpoint(row: RowMapping | None) -> Checkpoint | None:
    return None if row is None else Checkpoint(**row)


def _stamp(row: RowMapping) -> Stamp:
    return Stamp(size=row["size"], token=bytes(row["token"]), at=row["at"])
