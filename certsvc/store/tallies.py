"""Counts per state that cost the same however large the register is.

A writer appends a row of change; one counter per state would make all writers wait for each other. The sequencer folds
the changes into totals as it goes, so a count reads the totals and the few changes since.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, literal_column, select, union_all

from certsvc.store.tables_uses import tallies, tally_changes
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.store.transaction import Transaction

_T = tallies.c
_CHANGES = tally_changes.c


class Noun(Enum):
    """What is counted."""

    REQUEST = "request"
    """ended requests only: the open ones are few and counted"""
    LICENSE = "license"


# One statement, so that a fold between two reads cannot count a change twice or never.
_BOTH = union_all(
    select(_T.state, _T.value.label("value")).where(_T.noun == bindparam("what")),
    select(_CHANGES.state, _CHANGES.change.label("value")).where(_CHANGES.noun == bindparam("what")),
).subquery()
_OF = select(_BOTH.c.state, func.sum(_BOTH.c.value).label("value")).group_by(_BOTH.c.state)

_TAKE = (
    delete(tally_changes)
    .where(
        _CHANGES.row_no.in_(
            select(tally_changes.alias("oldest").c.row_no).order_by(literal_column("row_no")).limit(bindparam("most"))
        )
    )
    .returning(_CHANGES.noun, _CHANGES.state, _CHANGES.change)
)


@cache
def _append(dialect: str) -> Insert:
    return insert_into(dialect, tally_changes)


@cache
def _fold(dialect: str) -> Insert:
    made = insert_into(dialect, tallies)
    return made.on_conflict_do_update(
        index_elements=[_T.noun, _T.state], set_={"value": _T.value + made.excluded.value}
    )


class Tallies:
    """Appends, folds and reads changes."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add(self, noun: Noun, changes: Mapping[str, int]) -> None:
        """Remember that so many more (or fewer) stand in each state."""
        for state, change in changes.items():
            self._tx.append(_append(self._tx.dialect), noun=noun.value, state=state, change=change)

    def of(self, noun: Noun) -> dict[str, int]:
        """How many stand in each state."""
        self._tx.flush()
        return {row["state"]: int(row["value"]) for row in self._tx.rows(_OF, what=noun.value)}

    def fold(self, *, limit: int) -> None:
        """Add at most ``limit`` changes to the totals; for the sequencer, which is alone."""
        self._tx.flush()
        sums: dict[tuple[str, str], int] = {}
        for row in self._tx.rows(_TAKE, most=limit):
            key = (row["noun"], row["state"])
            sums[key] = sums.get(key, 0) + row["change"]
        rows: list[dict[str, Any]] = [
            {"noun": noun, "state": state, "value": value} for (noun, state), value in sorted(sums.items())
        ]
        if rows:
            self._tx.changed_all(_fold(self._tx.dialect), rows)
