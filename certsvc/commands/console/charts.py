"""数字: what was issued, refused, shown and used per day, out of the sums per day; nothing is counted twice."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.console.reach import READERS
from certsvc.commands.supervision.figures import FIRST_DAY, MAX_DAYS
from certsvc.errors import InvalidInput
from certsvc.license.figures import Measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.figures import DayCount
    from certsvc.license.states import State

PER_DAY = (Measure.ACCEPTED, Measure.SEALED, Measure.SCANNED, Measure.FETCHED, Measure.REPLACED)
"""Measures that are told day by day besides what was issued."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Charts:
    """Numbers of a period, and how things stand now.

    Attributes:
        issued: per day and type.
        days: per day, of the measures in :data:`PER_DAY`.
        scenes: scans by scene; an empty key for printed codes.
        sealed, to_seal: numerator and denominator of 签章率, as 电子监察 has it.
        states: license versions of all time by state; the ended ones tell why.
        requests: requests of all time by state.
    """

    first: date
    last: date
    issued: Sequence[DayCount]
    days: Sequence[DayCount]
    scenes: Mapping[str, int]
    sealed: int
    to_seal: int
    states: Mapping[State, int]
    requests: Mapping[str, int]


def read_charts(deps: Deps, caller: Principal, *, first: date, last: date) -> Charts:
    """The numbers of the days from ``first`` to ``last`` (Beijing), both counted; InvalidInput for a wrong period."""
    roles.require(caller, *READERS)
    if last < first or (last - first).days >= MAX_DAYS:
        raise InvalidInput(f"起止日期有误：结束日不能早于起始日，最多 {MAX_DAYS} 天")
    today = local_day(deps.clock.now())
    first, last = (min(max(day, FIRST_DAY), today) for day in (first, last))
    with deps.uow.read() as tx:
        sums = tx.day_counts.sums(first=first, last=last, department="")
        return Charts(
            first=first,
            last=last,
            issued=tx.console.issued_daily(first=first, last=last),
            days=[one for one in tx.day_counts.daily(first=first, last=last, department="") if one.measure in PER_DAY],
            scenes=_by_about(sums, Measure.SCANNED),
            sealed=_total(sums, Measure.SEALED),
            to_seal=_total(sums, Measure.ACCEPTED) - _total(sums, Measure.REFUSED),
            states=tx.licenses.count_by_state(),
            requests=tx.requests.counts(),
        )


def _total(sums: Sequence[DayCount], measure: Measure) -> int:
    return sum(one.value for one in sums if one.measure == measure)


def _by_about(sums: Sequence[DayCount], measure: Measure) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for one in sums:
        if one.measure == measure:
            found[one.about] += one.value
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
