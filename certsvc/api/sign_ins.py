"""Signing in on the pages through the identity provider of the region."""

from __future__ import annotations

import threading

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from certsvc.api.auth import PUBLIC, address_of, deps_of, rate_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.tokens import TokenOut
from certsvc.commands.access.sign_in import sign_in
from certsvc.errors import Unauthenticated, Unavailable

router = APIRouter(tags=["access 身份与令牌"], route_class=JsonRoute)

MAX_CODE = 2048
"""Characters of an authorization code; stops oversized input before it is sent on."""
SLOTS = threading.BoundedSemaphore(8)
"""Sign-ins that wait for the provider at one time: one that hangs must not hold the threads that all doors share."""
VERIFIER = r"^[A-Za-z0-9._~-]{43,128}$"
"""RFC 7636 §4.1"""


class SignInIn(Model):
    """What the provider's page gave back, and the proof that the same browser began."""

    code: str = Field(min_length=1, max_length=MAX_CODE, description="授权码")
    code_verifier: str = Field(pattern=VERIFIER, description="PKCE（RFC 7636）的 code_verifier")


@router.post("/v1/sign-ins", dependencies=[Depends(PUBLIC)])
def begin_session(request: Request, body: SignInIn) -> TokenOut:
    """The access token of whoever signed in; 404 where no provider's page is configured."""
    rate, address = rate_of(request), address_of(request)
    rate.check_guesses(address)
    if not SLOTS.acquire(blocking=False):
        raise Unavailable("正在登录的人较多，请稍后重新登录")
    try:
        issued = sign_in(deps_of(request), code=body.code, verifier=body.code_verifier)
    except Unauthenticated:
        rate.count_guess(address)
        raise
    finally:
        SLOTS.release()
    return TokenOut(access_token=issued.access_token, expires_in=issued.expires_in)
