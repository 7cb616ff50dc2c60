"""Annotated copies (加注件): had again by the system that fetched, withdrawn by the holder."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.sharing.copies import copy_again, withdraw_copy
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.copies import AnnotatedCopy, CopyState

router = APIRouter(tags=["fetch 用证"], route_class=JsonRoute)

USER = Access(roles.USING)
HOLDER = Access(roles.HOLDER)

STATE_ZH = {"given": "可用", "expired": "已过期", "withdrawn": "已收回"}


class CopyOut(Model):
    """A copy as the holder sees it."""

    copy_id: str
    number: str = Field(description="加注件编号")
    until: datetime = Field(description="用到何时")
    state: str = Field(description="given 可用 · expired 已过期 · withdrawn 已收回；证照失效的，加注件同时失效")
    state_zh: str
    withdrawable: bool = Field(description="可以收回：依授权取得、尚可使用")

    @staticmethod
    def of(copy: AnnotatedCopy, now: datetime) -> CopyOut:
        """From a copy as it stands at ``now``."""
        state = copy.state.value
        if copy.state is CopyState.GIVEN and copy.expired(now):
            state = "expired"
        return CopyOut(
            copy_id=copy.copy_id,
            number=copy.number,
            until=copy.until,
            state=state,
            state_zh=STATE_ZH[state],
            withdrawable=state == CopyState.GIVEN.value and copy.basis == CONSENT,
        )


@router.get(
    "/v1/fetches/{fetch_id}/copy", response_class=Response, responses={200: {"content": {"application/pdf": {}}}}
)
def again(
    request: Request,
    fetch_id: Annotated[str, Path(max_length=64, description="用证记录编号")],
    caller: Annotated[Principal, Depends(USER)],
) -> Response:
    """The annotated copy that this fetch gave, the same bytes, until it expires or is withdrawn."""
    copy, data = copy_again(deps_of(request), caller, fetch_id)
    headers = {
        "Content-Disposition": f'attachment; filename="{copy.number}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return Response(data, media_type="application/pdf", headers=headers)


@router.post("/v1/copies/{copy_id}/withdrawals", status_code=201)
def withdraw(
    request: Request,
    copy_id: Annotated[str, Path(max_length=64, description="加注件的记录编号，见“谁用过我的证”")],
    caller: Annotated[Principal, Depends(HOLDER)],
) -> CopyOut:
    """收回加注件: every check of it says so from now on, and the system that holds it is told."""
    deps = deps_of(request)
    return CopyOut.of(withdraw_copy(deps, caller, copy_id), deps.clock.now())
