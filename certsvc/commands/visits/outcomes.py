"""处理结果: what came of a scan, and corrections behind it; nothing that was recorded is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Day, Line
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.visit_payloads import InspectionRecorded
from certsvc.license.visits import MAX_CORRECTIONS, OUTCOME_ZH, Inspection, Outcome, due_fault

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Scan

NO_SCAN = "没有这次核验记录，请核对编号"
LONGEST_RECTIFY_DAYS = 366
"""A later day is a slip of the keyboard."""


class OutcomeBody(BaseModel):
    """处理结果."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Outcome
    due_on: Day | None = Field(default=None, description="改正期限，仅责令改正时填写")
    note: Line = Field(default="", max_length=500, description="检查情况")


class CorrectionBody(OutcomeBody):
    """更正：写明理由，原记录保留."""

    seq: int = Field(ge=1, le=MAX_CORRECTIONS, description="第几次更正；重发时相同")
    reason: Line = Field(min_length=2, max_length=200, description="更正理由")


def record_outcome(deps: Deps, caller: Principal, scan_id: str, body: OutcomeBody) -> Inspection:
    """Say what came of a scan, by an officer who made it or was in its visit; a repeat gives the same record.

    Raises:
        NotFound: no such scan of a license, or not one of the caller's.
        Conflict: something else is on record; it can only be corrected.
        InvalidInput: the day of a 责令改正.
    """
    return _append(deps, caller, scan_id, body, seq=0, reason="")


def correct_outcome(deps: Deps, caller: Principal, scan_id: str, body: CorrectionBody) -> Inspection:
    """Correct what is on record by another row behind it; Raises as :func:`record_outcome`."""
    return _append(deps, caller, scan_id, body, seq=body.seq, reason=body.reason)


def _append(deps: Deps, caller: Principal, scan_id: str, body: OutcomeBody, *, seq: int, reason: str) -> Inspection:
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow() as tx:
        scan, badge = own_scan(tx, caller, scan_id)
        made = Inspection(
            inspection_id=deps.ids.new("ins"),
            scan_id=scan_id,
            seq=seq,
            visit_id=scan.visit_id,
            version_id=scan.version_id,
            authority_code=scan.authority_code,
            badge=badge,
            actor=caller.subject,
            outcome=body.outcome,
            due_on=body.due_on,
            note=body.note,
            reason=reason,
            at=now,
        )
        known = tx.inspections.of_scans([scan_id]).get(scan_id, ())
        if seq < len(known):
            return _same(known[seq], made)
        if seq > len(known):
            raise Conflict(f"已有 {len(known)} 条记录，下一条更正的序号应为 {len(known)}；没有记录的请先记录处理结果")
        # Checked behind the look for a repeat: one that was right when it was sent stays so the next day.
        fault = due_fault(body.outcome, body.due_on, local_day(now), longest_days=LONGEST_RECTIFY_DAYS)
        if fault:
            problem = FieldProblem(pointer="/due_on", code="day", detail=fault)
            raise InvalidInput(fault, problems=(problem,))
        if not tx.inspections.append(made):
            return _same(tx.inspections.of_scans([scan_id])[scan_id][seq], made)
        version = tx.licenses.by_version_id(made.version_id)
        if version is None:
            msg = "a scan of a license that is not on the register"
            raise RuntimeError(msg)
        tell_outcome(deps, tx, made, version, now)
    return made


def own_scan(tx: UnitOfWork, caller: Principal, scan_id: str) -> tuple[Scan, str]:
    """A scan of a license that the caller made or was in the visit of, and the caller's badge; NotFound otherwise."""
    scan = tx.inspections.scan(scan_id)
    if scan is None or scan.authority_code != caller.authority_code or not scan.version_id:
        raise NotFound(NO_SCAN)
    if scan.officer == caller.subject:
        return scan, scan.badge
    visit = tx.visits.by_id(scan.visit_id) if scan.visit_id else None
    team = visit.team(caller.authority_code) if visit else ()
    mine = next((one for one in team if one.subject == caller.subject), None)
    if mine is None:
        raise NotFound(NO_SCAN)
    return scan, mine.badge


def _same(known: Inspection, sent: Inspection) -> Inspection:
    if not known.says_the_same(sent):
        raise Conflict(f"已记录为{OUTCOME_ZH[known.outcome]}，内容不同；如需更改请提交更正并写明理由")
    return known


def tell_outcome(deps: Deps, tx: UnitOfWork, made: Inspection, version: LicenseVersion, now: datetime) -> None:
    """The event and the evidence of what was recorded."""
    payload = InspectionRecorded(
        inspection_id=made.inspection_id,
        scan_id=made.scan_id,
        seq=made.seq,
        visit_id=made.visit_id,
        authority_code=made.authority_code,
        identifier=version.identifier,
        license_type=version.type_slug,
        outcome=made.outcome.value,
        due_on=made.due_on.isoformat() if made.due_on else "",
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=version.identifier, at=now))
    content = {
        "scan_id": made.scan_id,
        "seq": made.seq,
        "outcome": made.outcome.value,
        "due_on": payload.due_on,
        "note": made.note,
        "reason": made.reason,
        "badge": made.badge,
    }
    record(tx, deps, kind="inspection.recorded", subject=version.identifier, actor=made.actor, content=content, at=now)
