"""用证部门: what the caller's own body asked, what it may ask, and what waits for it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from certsvc.api.alerts import AlertPageOut
from certsvc.api.auth import Access, deps_of
from certsvc.api.department_models import (
    BodyUseOut,
    BodyUsePageOut,
    OpenRequestOut,
    OverviewOut,
    SystemOut,
)
from certsvc.api.json_body import JsonRoute
from certsvc.api.policies import PolicyPageOut
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.commands.department.overview import (
    MAX_DAYS,
    alerts_for_body,
    open_requests,
    overview,
    policies_of_body,
    systems_of_body,
)
from certsvc.commands.department.uses import Wanted, uses_of_body
from certsvc.commands.department.who import READERS
from certsvc.commands.ports import Principal
from certsvc.commands.showing.ledger import read_cursor, write_cursor
from certsvc.license.departments import UseKind
from certsvc.license.use_alerts import AlertState

router = APIRouter(tags=["department 用证部门"], route_class=JsonRoute)

READER = Access(*READERS)
DEFAULT_DAYS = 30


@router.get("/v1/departments/overview")
def numbers(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    days: Annotated[int, Query(ge=1, le=MAX_DAYS, description="最近多少天，含今日")] = DEFAULT_DAYS,
) -> OverviewOut:
    """Uses of the own body by matter and type, refusals by reason, and the policies in force with their day."""
    deps = deps_of(request)
    return OverviewOut.of(deps, overview(deps, caller, days=days))


@router.get("/v1/departments/uses")
def uses(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    matter: Annotated[str, Query(max_length=33, description="事项实施编码")] = "",
    client: Annotated[str, Query(max_length=64, description="系统标识")] = "",
    kind: Annotated[UseKind | None, Query(description="fetch 取信息项 · copy 加注件 · answer 核验答复")] = None,
    outcome: Annotated[str, Query(max_length=64, description="given 已提供 · refused 被拒绝 · 或某个原因代码")] = "",
    begin: Annotated[date | None, Query(alias="from", description="起始日（北京）")] = None,
    end: Annotated[date | None, Query(alias="to", description="结束日，含当日")] = None,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> BodyUsePageOut:
    """What the own body asked: fetches, copies, answers and refusals, those not told to the holder yet among them."""
    deps = deps_of(request)
    wanted = Wanted(first=begin, last=end, matter_code=matter, client_id=client, kind=kind, outcome=outcome)
    found = uses_of_body(deps, caller, wanted, limit=limit, behind=read_cursor(cursor))
    return BodyUsePageOut(
        uses=[BodyUseOut.of(deps, row) for row in found.rows],
        next=write_cursor(found.next) if found.next is not None else "",
    )


@router.get("/v1/departments/policies")
def policies(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> PolicyPageOut:
    """What the own body asked for and what came of it."""
    deps = deps_of(request)
    found = policies_of_body(deps, caller, limit=limit, behind=read_cursor(cursor))
    return PolicyPageOut.of(deps.catalog, found, limit=limit)


@router.get("/v1/departments/systems")
def systems(request: Request, caller: Annotated[Principal, Depends(READER)]) -> list[SystemOut]:
    """The systems that ask in the name of the own body; who their 经办人 are is at ``/v1/clients/{id}/staff``."""
    deps = deps_of(request)
    return [SystemOut.with_staff(deps.catalog, one) for one in systems_of_body(deps, caller)]


@router.get("/v1/departments/alerts")
def alerts(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[AlertState, Query(description="open 待确认 · acknowledged 已确认")] = AlertState.OPEN,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> AlertPageOut:
    """状态变更通报 to the own body and to each of its systems; acknowledged at ``/v1/alerts/{id}/acknowledgement``."""
    deps = deps_of(request)
    found = alerts_for_body(deps, caller, state=state, limit=limit, behind=read_cursor(cursor))
    return AlertPageOut.of(deps, found, limit=limit)


@router.get("/v1/departments/use-requests")
def waiting(request: Request, caller: Annotated[Principal, Depends(READER)]) -> list[OpenRequestOut]:
    """Use requests of the own systems that wait for a holder."""
    deps = deps_of(request)
    return [OpenRequestOut.of(deps, one) for one in open_requests(deps, caller)]
