"""扫码: officers and clerks scan a code and decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.desks import ScanDesk
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model, ReasonOut, ScanOut
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.showing.codes import MAX_SCANNED
from certsvc.commands.showing.inspections import own_inspections
from certsvc.commands.showing.readers import SCANNERS

router = APIRouter(tags=["scan 扫码核验"], route_class=JsonRoute)

SCANNER = Access(*SCANNERS)
INSPECTOR = Access(roles.OFFICER, roles.CLERK)


def desk_of(request: Request) -> ScanDesk:
    """Where the scans of this process meet."""
    return cast("ScanDesk", request.app.state.scan_desk)


class ScanIn(Model):
    """What the scanner read."""

    code: str = Field(min_length=1, max_length=MAX_SCANNED, description="二维码文本")


class InspectionOut(Model):
    """One inspection record of the own authority."""

    scan_id: str
    badge: str
    code_kind: str
    scene: str
    outcome: str
    result: ReasonOut | None = Field(description="结果的用语")
    fields: list[str]
    at: datetime


@router.post("/v1/scans", status_code=201)
async def scan(request: Request, body: ScanIn, caller: Annotated[Principal, Depends(SCANNER)]) -> ScanOut:
    """State now, the scene's fields, the photo, the seal, and why. Data are given once per show code."""
    return ScanOut.of(await desk_of(request).ask(deps_of(request), caller, body.code))


@router.get("/v1/scans")
def inspections(request: Request, caller: Annotated[Principal, Depends(INSPECTOR)]) -> list[InspectionOut]:
    """Inspection records of the caller's authority, newest first."""
    return [
        InspectionOut(
            scan_id=item.scan_id,
            badge=item.badge,
            code_kind=item.code_kind,
            scene=item.scene,
            outcome=item.outcome,
            result=ReasonOut.named(item.outcome),
            fields=list(item.fields),
            at=item.at,
        )
        for item in own_inspections(deps_of(request), caller)
    ]
