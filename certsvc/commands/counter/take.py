"""收件: paper that was taken, 告知承诺 that were confirmed, 容缺 with a last day; and the case as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.counter.check import NO_CASE_ZH
from certsvc.commands.counter.serving import STAFF, operator_of
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.counter_payloads import PaperTaken
from certsvc.license.counter import ANSWER_ZH, EXEMPT, MATCHING, PaperReason, Taking, TakingKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.counter import CounterCase, Sheet, SheetRow

MAX_SHEETS = 50
"""Versions of one list that are read; a case is asked for a few times."""
MAX_TO_COME = 500
MAX_TEXT = 300
LEAST_REASON = 2


class TakingBody(BaseModel):
    """收件：怎样收的，为什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TakingKind = Field(description="paper 收纸质 · promise 告知承诺 · later 容缺后补")
    reason: PaperReason | None = Field(default=None, description="免提交行收纸质的原因；其他不填")
    text: Line = Field(default="", max_length=MAX_TEXT, description="说明；免提交行收纸质时必填")
    confirmed: bool = Field(default=False, description="申请人已阅读告知承诺书并签字确认")
    operator: Line = Field(default="", max_length=64, description="经办人账号；系统调用时必填")
    version: int = Field(default=0, ge=0, le=10_000, description="所看清单的版本；填写后，清单已有新版时不收件")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseView:
    """A case, every version of its list (newest first), and what was noted about its rows."""

    case: CounterCase
    sheets: tuple[Sheet, ...]
    takings: tuple[Taking, ...]


def read_case(deps: Deps, caller: Principal, case_no: str) -> CaseView:
    """The case of the caller's counter; NotFound for every other."""
    roles.require(caller, *STAFF)
    with deps.uow.read() as tx:
        case = _case(tx, caller, case_no)
        return CaseView(
            case=case,
            sheets=tuple(tx.counter.sheets(case.case_id, limit=MAX_SHEETS)),
            takings=tuple(tx.counter.takings(case.case_id)),
        )


def take_row(deps: Deps, caller: Principal, case_no: str, number: int, body: TakingBody) -> Taking:
    """Note what was done with row ``number`` (from 1) of the newest sheet.

    Raises:
        NotFound: not a case of this counter, or no such row.
        InvalidInput: paper for a 免提交 row without a reason and a text, or a promise that nobody confirmed.
        Conflict: the row's answer does not go with it, or something was noted about it before.
    """
    roles.require(caller, *STAFF)
    operator = operator_of(deps, caller, body.operator)
    now = deps.clock.now()
    with deps.uow() as tx:
        case = _case(tx, caller, case_no)
        row = _row(tx, case, number)
        if body.version not in {0, case.version}:
            raise Conflict("清单已有新版，请刷新后再收件")
        if row.answer not in MATCHING[body.kind]:
            raise Conflict(f"这一项是“{ANSWER_ZH[row.answer]}”，不能这样收件；请刷新清单后再办")
        _check(row, body)
        taking = _taking(deps, case, row, body, operator, now)
        if not tx.counter.take(taking):
            raise Conflict("这一项已经登记过，请刷新后再看")
        if taking.counts:
            _tell(deps, tx, taking, now)
        content = {"case_id": case.case_id, "material": row.material, "kind": body.kind.value, "counts": taking.counts}
        record(tx, deps, kind="counter.taken", subject=case.case_id, actor=caller.subject, content=content, at=now)
    return taking


def bring_later(deps: Deps, caller: Principal, case_no: str, number: int) -> Taking:
    """What row ``number`` was to bring later came.

    Raises:
        NotFound: not a case of this counter, or no such row.
        Conflict: nothing was to come, or it came before.
    """
    roles.require(caller, *STAFF)
    now = deps.clock.now()
    with deps.uow() as tx:
        case = _case(tx, caller, case_no)
        material = _row(tx, case, number).material
        waiting = next((one for one in tx.counter.takings(case.case_id) if one.material == material), None)
        if waiting is None or not tx.counter.done(waiting.taking_id, now=now):
            raise Conflict("这一项没有待补的材料，或已经补齐")
        content = {"case_id": case.case_id, "material": material}
        record(
            tx, deps, kind="counter.supplemented", subject=case.case_id, actor=caller.subject, content=content, at=now
        )
        return next(one for one in tx.counter.takings(case.case_id) if one.material == material)


def supplements(deps: Deps, caller: Principal) -> Sequence[Taking]:
    """What is still to be brought to the caller's counter, what is due first."""
    roles.require(caller, *STAFF)
    with deps.uow.read() as tx:
        return tx.counter.to_come(caller.authority_code, limit=MAX_TO_COME)


def _case(tx: UnitOfWork, caller: Principal, case_no: str) -> CounterCase:
    case = tx.counter.case(caller.authority_code, case_no)
    if case is None:
        raise NotFound(NO_CASE_ZH)
    return case


def _row(tx: UnitOfWork, case: CounterCase, number: int) -> SheetRow:
    [sheet] = tx.counter.sheets(case.case_id, limit=1)
    if not 1 <= number <= len(sheet.rows):
        raise NotFound("清单中没有这一项")
    return sheet.rows[number - 1]


def _check(row: SheetRow, body: TakingBody) -> None:
    problems = []
    if body.kind is TakingKind.PAPER and row.answer in EXEMPT:
        if body.reason is None:
            problems.append(FieldProblem(pointer="/reason", code="missing", detail="请选择收纸质的原因"))
        if len(body.text) < LEAST_REASON:
            problems.append(FieldProblem(pointer="/text", code="missing", detail="请写明收纸质的具体情况"))
    if body.kind is TakingKind.PROMISE and not body.confirmed:
        problems.append(
            FieldProblem(pointer="/confirmed", code="missing", detail="请先请申请人阅读并签字确认告知承诺书")
        )
    if problems:
        raise InvalidInput("还不能收件：" + "；".join(problem.detail for problem in problems), problems=tuple(problems))


def _taking(deps: Deps, case: CounterCase, row: SheetRow, body: TakingBody, operator: str, now: datetime) -> Taking:
    counts = body.kind is TakingKind.PAPER and row.answer in EXEMPT
    later = body.kind is TakingKind.LATER
    return Taking(
        taking_id=deps.ids.new("tak"),
        case_id=case.case_id,
        counter_code=case.counter_code,
        authority_code=case.authority_code,
        matter_code=case.matter_code,
        case_no=case.case_no,
        material=row.material,
        sheet_version=case.version,
        kind=body.kind,
        counts=counts,
        reason=body.reason.value if counts and body.reason else "",
        text=row.promise if body.kind is TakingKind.PROMISE else body.text,
        due_on=deps.catalog.workdays.after(local_day(now), row.days) if later else None,
        operator=operator,
        at=now,
    )


def _tell(deps: Deps, tx: UnitOfWork, taking: Taking, now: datetime) -> None:
    payload = PaperTaken(
        case_id=taking.case_id,
        counter_code=taking.counter_code,
        authority_code=taking.authority_code,
        matter_code=taking.matter_code,
        material=taking.material,
        reason=taking.reason,
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=taking.case_id, at=now))
