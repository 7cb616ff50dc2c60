"""Clocks of approval cases: an approval system reports 受理, stops (特殊环节), their ends, and 办结."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.supervision.reach import READERS, REPORTERS, check_reporter, may_see
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.license.case_clocks import (
    CASE_ZH,
    DEFAULT_WORKDAYS,
    MAX_STOPS,
    MAX_WORKDAYS,
    CaseClock,
    CaseState,
    CaseStep,
    StopReason,
    begun,
    counts_at,
    finished,
    resumed,
    stopped,
)

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

AHEAD = timedelta(minutes=5)
"""How far the clock of an approval system may run ahead of ours."""
OLDEST = timedelta(days=366)
"""How old a step may be that is reported late; an older one is a slip of a program."""
AFTER = {
    CaseStep.ACCEPTED: CaseState.RUNNING,
    CaseStep.STOPPED: CaseState.STOPPED,
    CaseStep.RESUMED: CaseState.RUNNING,
    CaseStep.FINISHED: CaseState.FINISHED,
}
"""Where a case stands behind each step."""
NO_CASE_ZH = "没有这个办件的计时；请先报送受理（accepted）"


class CaseStepBody(BaseModel):
    """办件环节：受理、中止、恢复、办结."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority_code: Line = Field(min_length=18, max_length=18, description="办理机关统一社会信用代码")
    case_no: Line = Field(
        min_length=1, max_length=64, pattern=r"^[^/\\?#%\s]+$", description="办件编号，不含空格和 / \\ ? # %"
    )
    step: CaseStep = Field(description="accepted 受理 · stopped 中止计时 · resumed 恢复计时 · finished 办结")
    at: AwareDatetime = Field(description="环节发生的时间")
    matter_code: Line = Field(default="", max_length=33, description="事项实施编码；受理时填写")
    limit_workdays: int = Field(
        default=DEFAULT_WORKDAYS, ge=1, le=MAX_WORKDAYS, description="承诺办结时限（工作日），受理时填写"
    )
    reason: StopReason | None = Field(
        default=None,
        description="中止原因：supplement 材料补正 · hearing 听证 · bidding 招标 · auction 拍卖 · inspection 检验 · "
        "testing 检测 · quarantine 检疫 · appraisal 鉴定 · experts 专家评审 · other_law 其他法定程序",
    )
    handler: Line = Field(default="", max_length=64, description="承办人；红黄牌点名用，受理后可更换")


def report_case(deps: Deps, caller: Principal, body: CaseStepBody) -> CaseClock:
    """Take one step; the same step at the same moment again changes nothing and gives the case as it stands.

    Raises:
        Forbidden: a case of another body.
        InvalidInput: a moment to come or long past, a stop without a reason, 受理 without a matter.
        NotFound: a step of a case whose 受理 was not reported.
        Conflict: a step that does not follow, or comes before the newest one; a stop of a case that is overdue by now.
    """
    roles.require(caller, *REPORTERS)
    check_reporter(caller, body.authority_code)
    now = deps.clock.now()
    _check(body, now)
    with deps.uow() as tx:
        found = tx.case_clocks.of(body.authority_code, body.case_no)
        if body.step is CaseStep.ACCEPTED:
            return _accept(deps, tx, caller, body, found, now)
        if found is None:
            raise NotFound(NO_CASE_ZH)
        if (AFTER[body.step], body.at) == (found.state, found.said_at):
            return found
        moved = _moved(deps, found, body, now)
        if not tx.case_clocks.move(moved, source=found.state, last_at=found.last_at):
            raise Conflict("这个办件刚有新的环节报送，请查询后再报")
        _on_record(deps, tx, caller, moved, body.step, now)
        return moved


def read_case(deps: Deps, caller: Principal, authority_code: str, case_no: str) -> CaseClock:
    """The clock of one case; NotFound when it is none of the caller's."""
    roles.require(caller, *READERS, *REPORTERS)
    everywhere = roles.APPROVAL_ANY in caller.roles
    with deps.uow.read() as tx:
        found = tx.case_clocks.of(authority_code, case_no)
    if found is None or not (everywhere or may_see(caller, authority_code)):
        raise NotFound(NO_CASE_ZH)
    return found


def _check(body: CaseStepBody, now: datetime) -> None:
    problems = []
    if not now - OLDEST <= body.at <= now + AHEAD:
        problems.append(FieldProblem(pointer="/at", code="range", detail="环节时间不能晚于现在，也不能早于一年前"))
    if body.step is CaseStep.ACCEPTED and not body.matter_code:
        problems.append(FieldProblem(pointer="/matter_code", code="missing", detail="受理时请填写事项实施编码"))
    if (body.step is CaseStep.STOPPED) != (body.reason is not None):
        detail = "中止计时须填写原因" if body.step is CaseStep.STOPPED else "只有中止计时才填写原因"
        problems.append(FieldProblem(pointer="/reason", code="invalid", detail=detail))
    if problems:
        raise InvalidInput("；".join(problem.detail for problem in problems), problems=tuple(problems))


def _accept(
    deps: Deps, tx: UnitOfWork, caller: Principal, body: CaseStepBody, found: CaseClock | None, now: datetime
) -> CaseClock:
    if found is not None:
        if (found.accepted_at, found.matter_code, found.limit) != (body.at, body.matter_code, body.limit_workdays):
            raise Conflict("这个办件已报送受理，且时间、事项或时限与本次不同；请核对办件编号")
        return found
    made = begun(
        CaseClock(
            case_id=deps.ids.new("cck"),
            authority_code=body.authority_code,
            case_no=body.case_no,
            matter_code=body.matter_code,
            handler=body.handler,
            limit=body.limit_workdays,
            used=0,
            counted_from=local_day(body.at),
            due_on=None,
            state=CaseState.RUNNING,
            stop_reason="",
            stops=0,
            accepted_at=body.at,
            last_at=body.at,
            said_at=body.at,
        ),
        deps.catalog.workdays.after,
    )
    if not tx.case_clocks.open(made):
        raise Conflict("这个办件刚被报送受理，请查询后再报")
    _on_record(deps, tx, caller, made, body.step, now)
    return made


def _moved(deps: Deps, case: CaseClock, body: CaseStepBody, now: datetime) -> CaseClock:
    """The case after the step, from when it counts."""
    if body.at <= case.said_at:
        raise Conflict("环节时间早于已报送的最近一个环节，请按发生的先后报送")
    at = counts_at(case, body.step, body.at, now, deps.catalog.workdays.after)
    return replace(
        _stepped(deps, case, body, at, now),
        handler=body.handler or case.handler,
        said_at=body.at,
        late_reports=case.late_reports + int(at > body.at),
    )


def _stepped(deps: Deps, case: CaseClock, body: CaseStepBody, at: datetime, now: datetime) -> CaseClock:
    step, days = body.step, deps.catalog.workdays
    if step is CaseStep.STOPPED and case.state is CaseState.RUNNING and body.reason is not None:
        # By our clock, not by the moment that the body says: it would say one before its last day.
        if case.late(now):
            raise Conflict("办理期限已经届满，不能再中止计时")
        if case.stops >= MAX_STOPS:
            raise Conflict(f"一个办件最多中止计时 {MAX_STOPS} 次")
        return stopped(case, body.reason, at, days.between)
    if step is CaseStep.RESUMED and case.state is CaseState.STOPPED:
        return resumed(case, at, days.after)
    if step is CaseStep.FINISHED and case.state is not CaseState.FINISHED:
        return finished(case, at)
    raise Conflict(f"这个办件现在“{CASE_ZH[case.state]}”，不能办理此环节")


def _on_record(deps: Deps, tx: UnitOfWork, caller: Principal, case: CaseClock, step: CaseStep, now: datetime) -> None:
    content = {
        "step": step.value,
        "at": case.last_at.isoformat(),
        "said_at": case.said_at.isoformat(),
        "reason": case.stop_reason,
        "used": case.used,
        "due_on": case.due_on.isoformat() if case.due_on else "",
    }
    record(tx, deps, kind=f"case.{step.value}", subject=case.case_id, actor=caller.subject, content=content, at=now)
