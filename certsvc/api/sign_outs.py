"""Signing out: a token ends at once, not only when its time is over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, bearer_of, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.access.end_session import end_session
from certsvc.commands.ports import Principal

router = APIRouter(tags=["access 身份与令牌"], route_class=JsonRoute)


class SignOutIn(Model):
    """Which sessions end."""

    everywhere: bool = Field(description="是否在所有设备上退出；否则只有本次携带的令牌失效")


@router.post("/v1/sign-outs", status_code=204, response_class=Response)
def sign_out(
    request: Request, body: SignOutIn, caller: Annotated[Principal, Depends(Access(*sorted(roles.ALL), also_none=True))]
) -> Response:
    """End this session, or all of them; whoever comes with such a token again has to sign in."""
    end_session(deps_of(request), caller, bearer_of(request), everywhere=body.everywhere)
    return Response(status_code=204)
