"""Seals for their keepers: list, stop, resume."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.seals.change_seal import change_seal, list_seals
from certsvc.commands.shapes import Line
from certsvc.seal.model import SEAL_STATE_ZH, Seal

router = APIRouter(tags=["seal 印章"], route_class=JsonRoute)

KEEPER = Access(roles.SEAL_KEEPER)
READER = Access(roles.SEAL_KEEPER, roles.AUDITOR)


class SealRow(Model):
    """One seal."""

    seal_id: str
    name: str
    owner_code: str
    owner_name: str
    kind: str
    state: str
    state_zh: str
    algorithm: str
    valid_from: datetime
    valid_until: datetime
    daily_budget: int

    @staticmethod
    def of(seal: Seal) -> SealRow:
        """From a seal."""
        return SealRow(
            seal_id=seal.seal_id,
            name=seal.name,
            owner_code=seal.owner_code,
            owner_name=seal.owner_name,
            kind=seal.kind.value,
            state=seal.state.value,
            state_zh=SEAL_STATE_ZH[seal.state],
            algorithm=seal.algorithm,
            valid_from=seal.valid_from,
            valid_until=seal.valid_until,
            daily_budget=seal.daily_budget,
        )


class SealChange(Model):
    """停用或恢复，及其原因."""

    change: Literal["stop", "resume"]
    reason: Line = Field(min_length=1, max_length=200)


@router.get("/v1/seals")
def rows(request: Request, caller: Annotated[Principal, Depends(READER)]) -> list[SealRow]:
    """Seals of the own authority (auditors: all)."""
    return [SealRow.of(seal) for seal in list_seals(deps_of(request), caller)]


@router.post("/v1/seals/{seal_id}/changes", status_code=201)
def change(
    request: Request,
    seal_id: Annotated[str, Path(max_length=64)],
    body: SealChange,
    caller: Annotated[Principal, Depends(KEEPER)],
) -> SealRow:
    """停用 or 恢复; in force for the next use at once."""
    changed = change_seal(deps_of(request), caller, seal_id, stop=body.change == "stop", reason=body.reason)
    return SealRow.of(changed)
