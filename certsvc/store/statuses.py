"""Status numbers of versions: which entry of which status list is whose, and which entries are not good.

A version's number comes from a counter that nobody waits for; its index is the number under a permutation whose key is
drawn from the master key, so the database alone does not tell them. The states are those of the register itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, bindparam, case, cast, func, literal_column, select, text, update

from certsvc.license.states import State
from certsvc.license.status_list import (
    WORD_BITS,
    Mark,
    Status,
    StatusEntry,
    list_of,
    numbers_of,
    place_in,
    shuffle_of,
    status_of,
)
from certsvc.store.tables import NOT_GOOD, licenses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement, Select

    from certsvc.store.transaction import Transaction

STATUS_NUMBERS = "license_status_numbers"
"""The sequence on PostgreSQL. SQLite has one writer, who takes the next number himself."""
_INDEX = "licenses.status_index"

_C = licenses.c
_SUSPENDED = [state.value for state in State if status_of(state) is Status.SUSPENDED]
_STATUS = case((_C.state.in_(_SUSPENDED), Status.SUSPENDED.value), else_=Status.INVALID.value)
_PLACE = _C.status_no - bindparam("first", type_=BigInteger)
_WORD = _PLACE // WORD_BITS
# The numbers of a group are different, so that their sum is the union of their bits; PostgreSQL would widen it.
_MASK = cast(func.sum(cast(1, BigInteger).op("<<")(cast(_PLACE % WORD_BITS, Integer))), BigInteger)
_MARKS = (
    select(_WORD.label("word"), _STATUS.label("status"), _MASK.label("mask"))
    .where(text(NOT_GOOD), _C.status_no >= bindparam("first"), _C.status_no <= bindparam("last"))
    .group_by(text("word"), text("status"))
)
_LAST = select(func.max(_C.status_no).label("last"))
_TAKEN: Select[Any] = select(literal_column(f"nextval('{STATUS_NUMBERS}')").label("number")).select_from(
    func.generate_series(1, bindparam("count", type_=Integer))
)
_UNNUMBERED = (
    select(_C.version_id).where(_C.status_no.is_(None)).limit(bindparam("most")).with_for_update(skip_locked=True)
)


def next_number(dialect: str) -> ColumnElement[Any]:
    """The expression that takes the next status number; on PostgreSQL a number may be skipped, never given twice."""
    if dialect == "postgresql":
        return literal_column(f"nextval('{STATUS_NUMBERS}')")
    return literal_column("(SELECT coalesce(max(status_no), 0) + 1 FROM licenses)")


def entry_of(tx: Transaction, number: int | None) -> StatusEntry | None:
    """The entry of a status number; None for a version that has none yet."""
    if number is None:
        return None
    list_no = list_of(number)
    return StatusEntry(list_no=list_no, index=shuffle_of(_key(tx, list_no)).place(place_in(number)))


class StatusRows:
    """Implements ``life_ports.Statuses``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def lists(self) -> int:
        """How many lists there are; the first is there before the first license."""
        row = self._tx.row(_LAST)
        last = row["last"] if row is not None else None
        return list_of(last or 1)

    def marks(self, list_no: int) -> Sequence[Mark]:
        """Every version of a list that is not in good standing, neighbours together; read from an index alone."""
        first, last = numbers_of(list_no)
        rows = self._tx.rows(_MARKS, first=first, last=last)
        return [Mark(row["word"], Status(row["status"]), row["mask"]) for row in rows]

    def places(self, list_no: int) -> Callable[[int], int]:
        """What makes an index of a place in the row of a list."""
        return shuffle_of(_key(self._tx, list_no)).place

    def take(self, count: int) -> Sequence[int]:
        """The next ``count`` numbers; on SQLite they are this transaction's because it is the one writer."""
        if self._tx.dialect == "postgresql":
            return [row["number"] for row in self._tx.rows(_TAKEN, count=count)]
        row = self._tx.row(_LAST)
        last = (row["last"] if row is not None else None) or 0
        return range(last + 1, last + 1 + count)

    def number_some(self, *, limit: int) -> int:
        """Give numbers to versions that have none (an older release registered them); how many."""
        rows = [{"which": row["version_id"]} for row in self._tx.rows(_UNNUMBERED, most=limit)]
        if rows:
            number = next_number(self._tx.dialect)
            own = update(licenses).where(_C.version_id == bindparam("which"), _C.status_no.is_(None))
            self._tx.changed_all(own.values(status_no=number), rows)
        return len(rows)


def _key(tx: Transaction, list_no: int) -> bytes:
    return tx.blind(f"{list_no}", _INDEX)
