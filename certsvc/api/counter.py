"""综合窗口: material lists answered from the register, what was taken, 应免未免."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.counter_models import (
    CaseOut,
    CaseSheetsOut,
    CheckOut,
    CounterMatterOut,
    CounterQualityOut,
    DepartmentTallyOut,
    SheetOut,
    SupplementOut,
    TakingOut,
    TallyOut,
    body_name,
)
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.counter.check import CheckBody, check_materials, reconcile_case
from certsvc.commands.counter.quality import READERS, counter_quality
from certsvc.commands.counter.rows import policy_of
from certsvc.commands.counter.serving import STAFF, matters_at
from certsvc.commands.counter.take import TakingBody, bring_later, read_case, supplements, take_row
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.shapes import Line

router = APIRouter(tags=["counter 综合窗口"], route_class=JsonRoute)

WORKER = Access(*STAFF)
READER = Access(*READERS)
MAX_ROW = 60
CaseNo = Annotated[str, Path(min_length=1, max_length=64, description="办件编号")]
RowNo = Annotated[int, Path(ge=1, le=MAX_ROW, description="清单中的序号，从 1 起")]


class OperatorIn(Model):
    """Who does it."""

    operator: Line = Field(default="", max_length=64, description="经办人账号；系统调用时必填")


@router.get("/v1/counter/matters")
def matters(request: Request, caller: Annotated[Principal, Depends(WORKER)]) -> list[CounterMatterOut]:
    """The matters that the caller's counter takes, with their lists."""
    deps = deps_of(request)
    return [
        CounterMatterOut.of(deps.catalog, matter, materials, policy_of(deps, matter, materials))
        for matter, materials in matters_at(deps, caller)
    ]


@router.post("/v1/counter/checks", status_code=201)
def check(request: Request, body: CheckBody, caller: Annotated[Principal, Depends(WORKER)]) -> CheckOut:
    """材料核验: every row of the list gets one of six answers, why, and the next step; kept as a version of the sheet.

    A holder without the license, one whose license ended and one whom nobody knows are answered alike.
    """
    deps = deps_of(request)
    answer = check_materials(deps, caller, body)
    taken = read_case(deps, caller, answer.case.case_no).takings
    return CheckOut.of(deps, answer, taken, deps.clock.now())


@router.get("/v1/counter/cases/{case_no}")
def case(request: Request, case_no: CaseNo, caller: Annotated[Principal, Depends(WORKER)]) -> CaseSheetsOut:
    """A case of the caller's counter and every version of its list."""
    deps = deps_of(request)
    view = read_case(deps, caller, case_no)
    now = deps.clock.now()
    return CaseSheetsOut(
        case=CaseOut.of(deps, view.case),
        sheets=[SheetOut.of(sheet, view.takings, now) for sheet in view.sheets],
    )


@router.post("/v1/counter/cases/{case_no}/reconciliations", status_code=201)
def reconcile(
    request: Request, case_no: CaseNo, body: OperatorIn, caller: Annotated[Principal, Depends(WORKER)]
) -> CheckOut:
    """After an outage: ask again for every row, and list what differs from the 容缺受理单."""
    deps = deps_of(request)
    answer = reconcile_case(deps, caller, case_no, body.operator)
    taken = read_case(deps, caller, case_no).takings
    return CheckOut.of(deps, answer, taken, deps.clock.now())


@router.post("/v1/counter/cases/{case_no}/rows/{number}/taken", status_code=201)
def take(
    request: Request,
    case_no: CaseNo,
    number: RowNo,
    body: TakingBody,
    caller: Annotated[Principal, Depends(WORKER)],
) -> TakingOut:
    """Paper taken, 告知承诺 confirmed, or 容缺 with a last day; paper for a 免提交 row counts as 应免未免."""
    deps = deps_of(request)
    return TakingOut.of(take_row(deps, caller, case_no, number, body), deps.clock.now())


@router.post("/v1/counter/cases/{case_no}/rows/{number}/supplemented", status_code=201)
def supplement(
    request: Request, case_no: CaseNo, number: RowNo, caller: Annotated[Principal, Depends(WORKER)]
) -> TakingOut:
    """What was to be brought later came."""
    deps = deps_of(request)
    return TakingOut.of(bring_later(deps, caller, case_no, number), deps.clock.now())


@router.get("/v1/counter/supplements")
def to_come(request: Request, caller: Annotated[Principal, Depends(WORKER)]) -> list[SupplementOut]:
    """What is still to be brought to the caller's counter, what is due first, with its flag."""
    deps: Deps = deps_of(request)
    now = deps.clock.now()
    return [SupplementOut.of(deps, one, now) for one in supplements(deps, caller)]


@router.get("/v1/counter/quality")
def quality(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    begin: Annotated[date, Query(alias="from", description="起始日")],
    end: Annotated[date, Query(alias="to", description="结束日，含当日")],
) -> CounterQualityOut:
    """应免未免 per matter and per department."""
    deps = deps_of(request)
    found, departments = counter_quality(deps, caller, begin=begin, end=end)
    return CounterQualityOut(
        matters=[TallyOut.of(deps, one) for one in found],
        departments=[
            DepartmentTallyOut(
                authority_code=one.authority_code,
                authority_name=body_name(deps.catalog, one.authority_code),
                cases=one.cases,
                exempt=one.exempt,
                taken=one.taken,
            )
            for one in departments
        ],
    )
