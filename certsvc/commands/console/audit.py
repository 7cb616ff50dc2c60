"""审计: leaves of the evidence log by what they are about, their kind and their time. Nobody's content is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day
from certsvc.commands.access import roles
from certsvc.commands.console.reach import AUDITORS
from certsvc.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.checkpoint import Checkpoint

PAGE = 50
LOOKED_AT = 2_000
"""Leaves one page looks at: bounds the time of a search for a rare kind."""
MAX_ABOUT = 500
SLACK = timedelta(minutes=10)
"""Positions follow commits and times their beginnings: so far apart may neighbours stand in the order of time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """Where a leaf stands, of what kind it is and when it was written."""

    position: int
    evidence_id: str
    kind: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaves:
    """Newest first; ``before`` is where to go on, 0 at the end."""

    leaves: Sequence[Leaf]
    before: int
    checkpoint: Checkpoint | None


def find_leaves(
    deps: Deps, caller: Principal, *, subject: str, kind: str, first: date | None, last: date | None, before: int
) -> Leaves:
    """Leaves about a subject, or all, whose kind begins so, of the days from ``first`` to ``last`` (Beijing).

    Raises:
        InvalidInput: the last day before the first.
    """
    roles.require(caller, *AUDITORS)
    if first is not None and last is not None and last < first:
        raise InvalidInput("起止日期有误：结束日不能早于起始日")
    begin = end_of_day(first - timedelta(days=1)) if first else None
    end = end_of_day(last) if last else None
    with deps.uow.read() as tx:
        if subject:
            leaves, place = _about(tx, subject, kind), 0
        else:
            leaves, place = _page(tx, kind, begin, end, before)
        newest = tx.log.newest()
    fitting = [one for one in leaves if (begin is None or begin <= one.at) and (end is None or one.at < end)]
    return Leaves(leaves=fitting, before=place, checkpoint=newest)


def _about(tx: UnitOfWork, subject: str, kind: str) -> list[Leaf]:
    """The newest about one thing; the index of subjects holds digests, so the thing is named in full."""
    rows = tx.log.about(subject, beginnings=(kind,), limit=MAX_ABOUT)
    found = [Leaf(position=row.position, evidence_id=row.evidence_id, kind=row.kind, at=row.at) for row in rows]
    return found[::-1]


def _page(
    tx: UnitOfWork, kind: str, begin: datetime | None, end: datetime | None, before: int
) -> tuple[list[Leaf], int]:
    """One page of all leaves; there is no index of times, so the place of a day is found by halving."""
    top = tx.log.given() + 1
    if before:
        top = min(top, before)
    if end is not None:
        top = min(top, _place(tx, end + SLACK, top))
    bottom = _place(tx, begin - SLACK, top) if begin is not None else 1
    rows = [row for row in tx.console.leaves_before(top, limit=LOOKED_AT) if row[0] >= bottom]
    found = [
        Leaf(position=place, evidence_id=evidence_id, kind=what, at=at)
        for place, evidence_id, what, at in rows
        if what.startswith(kind)
    ]
    if len(found) > PAGE:
        return found[:PAGE], found[PAGE - 1].position
    last = rows[-1][0] if rows else bottom
    return found, last if last > bottom else 0


def _place(tx: UnitOfWork, moment: datetime, top: int) -> int:
    """The first position whose evidence was written at or after ``moment``, as far as positions follow time."""
    low, high = 1, top
    while low < high:
        middle = (low + high) // 2
        found = tx.console.leaf_at(middle)
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = max(middle, found[0]) + 1
    return low
