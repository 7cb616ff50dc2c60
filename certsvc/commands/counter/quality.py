"""应免未免: how often counters took paper for what is 免提交, by matter and department."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day
from certsvc.commands.access import roles
from certsvc.commands.counter.serving import STAFF
from certsvc.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import date

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.counter import CounterTally

MAX_DAYS = 366
"""A longer period would count every case that a city ever had in one answer."""
READERS = (*STAFF, roles.AUDITOR, roles.CATALOG_PUBLISHER)
EVERYWHERE = frozenset({roles.AUDITOR, roles.CATALOG_PUBLISHER})
"""审计管理员 and 政务服务管理机构 see every counter; others the own one and the own matters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DepartmentTally:
    """The sums of one department's matters."""

    authority_code: str
    cases: int
    exempt: int
    taken: int


def counter_quality(
    deps: Deps, caller: Principal, *, begin: date, end: date
) -> tuple[list[CounterTally], list[DepartmentTally]]:
    """The sums per matter and per department, from the first day to the last, both counted.

    Raises:
        InvalidInput: the last day before the first, or more than a year.
    """
    roles.require(caller, *READERS)
    if end < begin or (end - begin).days >= MAX_DAYS:
        raise InvalidInput(f"起止日期有误：结束日不能早于起始日，最多 {MAX_DAYS} 天")
    first, last = end_of_day(begin - timedelta(days=1)), end_of_day(end)
    with deps.uow.read() as tx:
        found = tx.counter.tallies(begin=first, end=last)
    own = caller.authority_code
    if caller.roles.isdisjoint(EVERYWHERE):
        found = [one for one in found if own in {one.counter_code, one.authority_code}]
    departments = [
        DepartmentTally(
            authority_code=code,
            cases=sum(one.cases for one in found if one.authority_code == code),
            exempt=sum(one.exempt for one in found if one.authority_code == code),
            taken=sum(one.taken for one in found if one.authority_code == code),
        )
        for code in sorted({one.authority_code for one in found})
    ]
    return list(found), departments
