"""What a record made without network carries beside its scan: the visit that it was made in, and what came of it.

Of the visit the device says its number only: who was in it, from when until when, and for what task, is read from the
register. A visit that does not fit costs no inspection; it is recorded outside of any, and flagged.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.visits.outcomes import LONGEST_RECTIFY_DAYS, tell_outcome
from certsvc.license.offline import TOLERANCE_S
from certsvc.license.visits import Duty, Inspection, due_fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.inspections import QueuedInspection
    from certsvc.license.model import LicenseVersion
    from certsvc.license.officers import Officer
    from certsvc.license.uses import Scan
    from certsvc.license.visits import Visit, VisitOfficer

NO_LICENSE = ("no_license", "这个码没有对应的登记证照，处理结果不能登记；请核对证照编号后按纸质流程补录")
_TOLERANCE = timedelta(seconds=TOLERANCE_S)


def outcome_fault(caller: Principal, one: QueuedInspection, now: datetime) -> tuple[str, str] | None:
    """Why what the officer noted is not taken: judged by the day of the inspection, not by that of its arrival."""
    if one.said is None:
        return None
    if roles.OFFICER not in caller.roles:
        return "not_officer", "处理结果由执法人员记录，窗口人员的记录请不带处理结果"
    day = local_day(min(one.made_at, now))
    fault = due_fault(one.said.outcome, one.said.due_on, day, longest_days=LONGEST_RECTIFY_DAYS)
    return ("bad_outcome", f"{fault}（以检查当天计）") if fault else None


def duties_then(
    tx: UnitOfWork, caller: Principal, records: Sequence[QueuedInspection], now: datetime
) -> Mapping[str, Duty]:
    """In which visit the caller made each of these records, by id; those are left out that were made in none."""
    visits = tx.visits.by_ids([one.visit_id for one in records if one.visit_id])
    mine = {
        visit_id: [one for one in visit.team(caller.authority_code) if one.subject == caller.subject]
        for visit_id, visit in visits.items()
    }
    badges = {one.badge for team in mine.values() for one in team}
    entries = tx.officers.by_badges(sorted(badges)) if badges else {}
    found: dict[str, Duty] = {}
    for one in records:
        made = min(one.made_at, now)
        for officer in mine.get(one.visit_id, ()):
            visit = visits[one.visit_id]
            if _was_in(visit, officer, entries.get(officer.badge), made):
                found[one.record_id] = Duty(visit=visit, officer=officer, team=len(visit.team(officer.authority_code)))
    return found


def _was_in(visit: Visit, officer: VisitOfficer, entry: Officer | None, made: datetime) -> bool:
    """Whether this officer was in the visit when the device says so; two clocks may differ a little."""
    if entry is None or entry.subject != officer.subject:
        return False
    day = local_day(made)
    if day > entry.valid_until or (entry.ended_on is not None and day > entry.ended_on):
        return False
    ends = [one for one in (officer.left_at, visit.closed_at, visit.valid_until) if one is not None]
    return officer.joined_at - _TOLERANCE <= made < min(ends) + _TOLERANCE


def append_outcome(
    deps: Deps, tx: UnitOfWork, one: QueuedInspection, scan: Scan, version: LicenseVersion, now: datetime
) -> None:
    """Put what came of a scan, which was stored just now, on record as of the moment at which it was noted."""
    if one.said is None:
        return
    made = Inspection(
        inspection_id=deps.ids.new("ins"),
        scan_id=scan.scan_id,
        seq=0,
        visit_id=scan.visit_id,
        version_id=scan.version_id,
        authority_code=scan.authority_code,
        badge=scan.badge,
        actor=scan.officer,
        outcome=one.said.outcome,
        due_on=one.said.due_on,
        note=one.said.note,
        reason="",
        at=scan.at,
    )
    if tx.inspections.append(made):
        tell_outcome(deps, tx, made, version, now)
