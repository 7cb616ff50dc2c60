"""审计: leaves of the evidence log by what they are about, their kind and their time. Nobody's content is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.access import roles
from certsvc.commands.console.kinds import check_kind
from certsvc.commands.console.reach import AUDITORS
from certsvc.commands.supervision.figures import FIRST_DAY
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
        InvalidInput: the last day before the first, or a kind that there is not.
    """
    roles.require(caller, *AUDITORS)
    if first is not None and last is not None and last < first:
        raise InvalidInput("起止日期有误：结束日不能早于起始日")
    check_kind(kind)
    # Days that no leaf can be of lie beyond what a time zone can be taken from.
    tomorrow = local_day(deps.clock.now()) + timedelta(days=1)
    begin = end_of_day(_bounded(first, tomorrow) - timedelta(days=1)) if first else None
    end = end_of_day(_bounded(last, tomorrow)) if last else None
    with deps.uow.read() as tx:
        top = tx.log.given() + 1
        if before:
            top = min(top, before)
        if end is not None:
            top = min(top, _place(tx, end + SLACK, top))
        bottom = _place(tx, begin - SLACK, top) if begin is not None else 1
        rows = _looked(tx, subject, bottom, top)
        newest = tx.log.newest()
    fitting = [
        one
        for one in rows
        if one.kind.startswith(kind) and (begin is None or begin <= one.at) and (end is None or one.at < end)
    ]
    return Leaves(leaves=fitting[:PAGE], before=_behind(rows, fitting), checkpoint=newest)


def _bounded(day: date, tomorrow: date) -> date:
    return min(max(day, FIRST_DAY), tomorrow)


def _looked(tx: UnitOfWork, subject: str, bottom: int, top: int) -> list[Leaf]:
    """The newest leaves from ``bottom`` to before ``top``, of all or about one thing, as many as a page looks at.

    The index of subjects holds digests, so the thing is named in full.
    """
    rows = (
        tx.console.leaves_about(subject, top, limit=LOOKED_AT)
        if subject
        else tx.console.leaves_before(top, limit=LOOKED_AT)
    )
    return [
        Leaf(position=place, evidence_id=evidence_id, kind=kind, at=at)
        for place, evidence_id, kind, at in rows
        if place >= bottom
    ]


def _behind(rows: Sequence[Leaf], fitting: Sequence[Leaf]) -> int:
    """Where the next page begins: behind the last that is told, or behind the last that was looked at."""
    if len(fitting) > PAGE:
        return fitting[PAGE - 1].position
    # Fewer than are looked at: there are no more of these days.
    return rows[-1].position if len(rows) == LOOKED_AT and rows[-1].position > 1 else 0


def _place(tx: UnitOfWork, moment: datetime, top: int) -> int:
    """The first position whose evidence was written at or after ``moment``, as far as positions follow time.

    There is no index of times: the place is found by halving.
    """
    low, high = 1, top
    while low < high:
        middle = (low + high) // 2
        found = tx.console.leaf_at(middle)
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = max(middle, found[0]) + 1
    return low
