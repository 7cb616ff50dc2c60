"""综合查一次: whoever was visited shortly before is not visited again without a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.identifiers.holder_code import HolderCode, HolderCodeType
from certsvc.license.model import Holder
from certsvc.license.visits import TASK_ZH, TaskKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.visits import Duty, Visit

MOST_TOLD = 5
"""Earlier visits that a warning names."""
MOST_READ = 50
"""Visits of one holder that are looked through for them."""


def read_repeats(deps: Deps, caller: Principal, *, code_type: str, code: str) -> Sequence[Visit]:
    """Visits of a holder within the days of the policy, newest first, by whichever body: to plan one instead of two.

    Of a private person it is on record who asked.

    Raises:
        InvalidIdentifier: a holder code that is not one.
    """
    roles.require(caller, roles.OFFICER)
    HolderCode.parse(code_type, code)
    holder = Holder(name="", code=code, code_type=code_type)
    now = deps.clock.now()
    with deps.uow() as tx:
        blind = tx.visits.target_of(holder)
        found = earlier(deps, tx, blind, now)
        if not _is_organisation(holder):
            # Who looks up by whom a person was visited leaves a trace that can be asked about.
            content = {"authority_code": caller.authority_code, "found": len(found)}
            subject = blind.hex()
            record(tx, deps, kind="visit.repeats_read", subject=subject, actor=caller.subject, content=content, at=now)
        return found


def earlier(deps: Deps, tx: UnitOfWork, target: bytes, now: datetime, *, but: str = "") -> Sequence[Visit]:
    """Visits of a holder within the days of the policy, newest first, without the one ``but``.

    A case that is investigated is no inspection to be planned with others, and not told to other bodies.
    """
    since = now - timedelta(days=deps.policy.visit_repeat_days)
    found = tx.visits.of_target(target, since=since, limit=MOST_READ)
    return [one for one in found if one.visit_id != but and one.task_kind is not TaskKind.CASE][:MOST_TOLD]


def told(deps: Deps, visits: Sequence[Visit]) -> str:
    """Earlier visits in one sentence: day, body and task, nothing of what came of them."""
    days = deps.policy.visit_repeat_days
    parts = []
    for visit in visits:
        day, body = local_day(visit.opened_at), visit.authority_code
        name = deps.catalog.authority(body).name if deps.catalog.has_authority(body) else body
        parts.append(f"{day.year}年{day.month}月{day.day}日{name}（{TASK_ZH[visit.task_kind]}）")
    return f"{days} 天内已被检查：{'；'.join(parts)}"


def name_who_is_visited(
    deps: Deps, tx: UnitOfWork, shown: Sequence[tuple[Duty, LicenseVersion]], now: datetime
) -> dict[str, str]:
    """Take the first organisation whose license is shown in a visit for the one that is visited, if nobody is named.

    Returns a warning by visit id where that one was visited shortly before. Visits are written to in the order of
    their ids: two groups of scans wait for each other, and never in a circle.
    """
    first: dict[str, Holder] = {}
    for duty, version in shown:
        if not duty.visit.target and _is_organisation(version.holder):
            first.setdefault(duty.visit.visit_id, version.holder)
    warnings: dict[str, str] = {}
    for visit_id, holder in sorted(first.items(), key=lambda one: one[0]):
        if tx.visits.name_target(visit_id, holder):
            before = earlier(deps, tx, tx.visits.target_of(holder), now, but=visit_id)
            if before:
                warnings[visit_id] = f"该单位{told(deps, before)}；请优先合并检查，并说明再次检查的理由"
    return warnings


def _is_organisation(holder: Holder) -> bool:
    """People who are met on the way are not visited."""
    return holder.code_type in set(HolderCodeType) and HolderCodeType(holder.code_type).is_organisation
