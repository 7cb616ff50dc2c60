"""暂缓告知: uses on duty that the holder learns of later, on a legal basis and by two people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.sharing.withhold import (
    READERS,
    WithholdBody,
    ask_withholding,
    decide_withholding,
    list_withholdings,
)
from certsvc.license.consents import Withholding

router = APIRouter(tags=["fetch 用证"], route_class=JsonRoute)

CLERK = Access(roles.USE_CLERK)
APPROVER = Access(roles.USE_APPROVER)
READER = Access(*READERS)
WithholdingId = Annotated[str, Path(max_length=64, description="暂缓告知编号")]


class WithholdingOut(Model):
    """One withholding."""

    withholding_id: str
    matter_code: str
    case_no: str
    legal_basis: str
    until: datetime
    state: str = Field(description="asked · approved · refused")
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None

    @staticmethod
    def of(one: Withholding) -> WithholdingOut:
        """From the command's answer."""
        return WithholdingOut(
            withholding_id=one.withholding_id,
            matter_code=one.matter_code,
            case_no=one.case_no,
            legal_basis=one.legal_basis,
            until=one.until,
            state=one.state.value,
            asked_by=one.asked_by,
            asked_at=one.asked_at,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
        )


class WithholdDecisionIn(Model):
    """What another person of the body says."""

    agrees: bool


@router.post("/v1/withholdings", status_code=201)
def ask(request: Request, body: WithholdBody, caller: Annotated[Principal, Depends(CLERK)]) -> WithholdingOut:
    """Ask that uses for a case are not told to the holder until a moment."""
    return WithholdingOut.of(ask_withholding(deps_of(request), caller, body))


@router.get("/v1/withholdings")
def listed(request: Request, caller: Annotated[Principal, Depends(READER)]) -> list[WithholdingOut]:
    """Those of the caller's body, newest first."""
    return [WithholdingOut.of(one) for one in list_withholdings(deps_of(request), caller)]


@router.post("/v1/withholdings/{withholding_id}/decisions", status_code=201)
def decide(
    request: Request,
    withholding_id: WithholdingId,
    body: WithholdDecisionIn,
    caller: Annotated[Principal, Depends(APPROVER)],
) -> WithholdingOut:
    """Agree or refuse; never by who asked."""
    return WithholdingOut.of(decide_withholding(deps_of(request), caller, withholding_id, agrees=body.agrees))
