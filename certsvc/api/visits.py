"""检查: the register of officers, visits, and the proof by which whoever is visited sees who came."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ConfigDict, Field

from certsvc.api.auth import PUBLIC, Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.visit_models import OfficerOut, OwnVisitOut, PreparationOut, ProofOut, RepeatOut, VisitOut
from certsvc.commands.access import roles
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.shapes import Line
from certsvc.commands.visits.open_visit import OpenBody, TeamBody, close_visit, join_visit, leave_visit, open_visit
from certsvc.commands.visits.read_visits import (
    VisitView,
    current_visit,
    list_visits,
    officers_proof,
    prepare_visit,
    rate_visit,
    read_visit,
    visits_of_holder,
)
from certsvc.commands.visits.register import RegisterBody, end_officer, enter_officers, list_officers
from certsvc.commands.visits.repeats import read_repeats
from certsvc.license.visits import BEST_MARK, WORST_MARK, Visit

router = APIRouter(tags=["visit 检查"], route_class=JsonRoute)

OFFICER = Access(roles.OFFICER)
REGISTRAR = Access(roles.OFFICER_REGISTRAR)
READER = Access(roles.OFFICER_REGISTRAR, roles.AUDITOR)
HOLDER = Access(roles.HOLDER)

VisitId = Annotated[str, Path(max_length=64, pattern=r"^vis_[0-9A-Z]+$", description="检查编号")]
Badge = Annotated[str, Path(max_length=32, pattern=r"^[0-9]+$", description="执法证号")]


class HolderIn(Model):
    """Whose visits are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holder_code_type: str = Field(max_length=3)
    holder_code: str = Field(max_length=64)


class RatingIn(Model):
    """评价：5 非常满意，1 非常不满意."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: int = Field(ge=WORST_MARK, le=BEST_MARK)
    text: Line = Field(default="", max_length=300)


@router.post("/v1/officers", status_code=201)
def enter(request: Request, body: RegisterBody, caller: Annotated[Principal, Depends(REGISTRAR)]) -> list[OfficerOut]:
    """登记或更改本机关的执法人员：全部有效才登记，重发不重复."""
    return [OfficerOut.of(one) for one in enter_officers(deps_of(request), caller, body)]


@router.get("/v1/officers")
def register(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[str, Query(max_length=32, pattern=r"^[0-9]*$")] = "",
) -> list[OfficerOut]:
    """The register of the own body in the order of badges, behind ``after``; ended entries too."""
    return [OfficerOut.of(one) for one in list_officers(deps_of(request), caller, behind=after)]


@router.post("/v1/officers/{badge}/end", status_code=201)
def end(request: Request, badge: Badge, caller: Annotated[Principal, Depends(REGISTRAR)]) -> OfficerOut:
    """停用一个执法证号：立即生效，不再启用."""
    return OfficerOut.of(end_officer(deps_of(request), caller, badge))


@router.get("/v1/officers/{token}", dependencies=[Depends(PUBLIC)])
def proof(request: Request, token: Annotated[str, Path(max_length=64)]) -> ProofOut:
    """谁来检查：出示的二维码（``/o/{token}``）背后的机关、执法人员、任务和有效时间."""
    deps = deps_of(request)
    return ProofOut.of(deps, officers_proof(deps, token))


@router.post("/v1/visits", status_code=201)
def opened(request: Request, body: OpenBody, caller: Annotated[Principal, Depends(OFFICER)]) -> VisitOut:
    """登记检查、亮明身份。近期已被检查的单位先提示（409 ``repeat_visit``），写明理由后再登记."""
    deps = deps_of(request)
    return _out(deps, open_visit(deps, caller, body))


@router.get("/v1/visits")
def visits(
    request: Request,
    caller: Annotated[Principal, Depends(OFFICER)],
    before: Annotated[str, Query(max_length=64, pattern=r"^(vis_[0-9A-Z]+)?$")] = "",
) -> list[VisitOut]:
    """Visits of the own body, newest first, older than ``before``."""
    deps = deps_of(request)
    return [VisitOut.of(deps, view) for view in list_visits(deps, caller, before=before)]


@router.get("/v1/visits/current")
def current(request: Request, caller: Annotated[Principal, Depends(OFFICER)]) -> VisitOut:
    """The open visit that the caller is in, with its proof; 404 when in none."""
    deps = deps_of(request)
    return VisitOut.of(deps, current_visit(deps, caller), proof=True)


@router.get("/v1/visits/preparation")
def preparation(request: Request, caller: Annotated[Principal, Depends(OFFICER)]) -> PreparationOut:
    """登记检查、查询记录以前：本人在名册中的证号、类别、区域，进行中的检查，可以联合检查的机关，可以查询的下级机关."""
    deps = deps_of(request)
    return PreparationOut.of(deps, prepare_visit(deps, caller))


@router.post("/v1/visits/repeats")
def repeats(request: Request, body: HolderIn, caller: Annotated[Principal, Depends(OFFICER)]) -> list[RepeatOut]:
    """综合查一次：此单位近期的检查，由任何机关进行的."""
    deps = deps_of(request)
    found = read_repeats(deps, caller, code_type=body.holder_code_type, code=body.holder_code)
    return [RepeatOut.of(deps, visit) for visit in found]


@router.get("/v1/visits/{visit_id}")
def one(request: Request, visit_id: VisitId, caller: Annotated[Principal, Depends(OFFICER)]) -> VisitOut:
    """A visit, for the bodies in it and those above; its records are read with ``/v1/inspections?visit=``."""
    deps = deps_of(request)
    return VisitOut.of(deps, read_visit(deps, caller, visit_id))


@router.post("/v1/visits/{visit_id}/officers", status_code=201)
def joined(
    request: Request, visit_id: VisitId, body: TeamBody, caller: Annotated[Principal, Depends(OFFICER)]
) -> VisitOut:
    """加入检查：本机关的其他执法人员，或联合检查的机关."""
    deps = deps_of(request)
    return _out(deps, join_visit(deps, caller, visit_id, body))


@router.post("/v1/visits/{visit_id}/close", status_code=201)
def closed(request: Request, visit_id: VisitId, caller: Annotated[Principal, Depends(OFFICER)]) -> VisitOut:
    """结束检查."""
    deps = deps_of(request)
    return _out(deps, close_visit(deps, caller, visit_id))


@router.post("/v1/visits/{visit_id}/leave", status_code=201)
def left(request: Request, visit_id: VisitId, caller: Annotated[Principal, Depends(OFFICER)]) -> VisitOut:
    """退出联合检查：加入的机关全部人员退出，检查继续；牵头机关用结束检查."""
    deps = deps_of(request)
    view = VisitView(visit=leave_visit(deps, caller, visit_id), ratings=(), at=deps.clock.now())
    return VisitOut.of(deps, view)


@router.get("/v1/wallet/visits")
def own(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[OwnVisitOut]:
    """谁检查过我：本人（本单位）被检查的记录，最近的在前."""
    deps = deps_of(request)
    return [OwnVisitOut.of(deps, view) for view in visits_of_holder(deps, caller)]


@router.post("/v1/wallet/visits/{visit_id}/rating", status_code=201)
def rated(
    request: Request, visit_id: VisitId, body: RatingIn, caller: Annotated[Principal, Depends(HOLDER)]
) -> OwnVisitOut:
    """评价一次已结束的检查：一次，不能更改."""
    deps = deps_of(request)
    return OwnVisitOut.of(deps, rate_visit(deps, caller, visit_id, mark=body.mark, text=body.text))


def _out(deps: Deps, visit: Visit) -> VisitOut:
    return VisitOut.of(deps, VisitView(visit=visit, ratings=(), at=deps.clock.now()), proof=True)
