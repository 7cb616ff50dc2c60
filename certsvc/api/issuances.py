"""Requests for issuance: sent by approval systems, answered 202 once they are stored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool

from certsvc.api.auth import Access, deps_of
from certsvc.api.desks import IssuanceDesk
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.issuance.accept_issuance import MAX_KEY_LENGTH, Origin
from certsvc.commands.issuance.body import IssuanceBody
from certsvc.commands.issuance.read_request import RequestStatus, read_request
from certsvc.commands.ports import Principal
from certsvc.license.request import RequestState

router = APIRouter(tags=["issuance 制发"], route_class=JsonRoute)

ISSUER = Access(roles.APPROVAL, roles.APPROVAL_ANY)
READER = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.OPERATOR)

RETRY_AFTER_S = 1
"""When to look again; a license is usually issued within a second."""


def desk_of(request: Request) -> IssuanceDesk:
    """Where the requests of this process meet."""
    return cast("IssuanceDesk", request.app.state.issuance_desk)


class RequestOut(Model):
    """Where a request stands."""

    request_id: str
    state: str
    business_no: str
    type: str
    reason: str
    detail: str
    identifier: str
    number: str
    sha256: str
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(status: RequestStatus) -> RequestOut:
        """From the command's answer."""
        request, version = status.request, status.version
        return RequestOut(
            request_id=request.request_id,
            state=request.state.value,
            business_no=request.payload.business_no,
            type=request.payload.type_slug,
            reason=request.reason_code,
            detail=request.reason_detail,
            identifier=version.identifier if version else "",
            number=version.number if version else "",
            sha256=version.artifact.sha256 if version else "",
            created_at=request.created_at,
            updated_at=request.updated_at,
        )


@router.post("/v1/issuances", status_code=202)
async def create(
    request: Request,
    response: Response,
    body: IssuanceBody,
    caller: Annotated[Principal, Depends(ISSUER)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> RequestOut:
    """Ask for a license. The same key or business number with the same content returns the same request."""
    deps, origin = deps_of(request), Origin(idempotency_key=idempotency_key)
    accepted = await desk_of(request).ask(deps, caller, body, origin)
    if accepted.created:
        request.app.state.wake()
        status = RequestStatus(request=accepted.request, version=None)
    else:
        status = await run_in_threadpool(read_request, deps, caller, accepted.request.request_id)
    _headers(response, status)
    return RequestOut.of(status)


@router.get("/v1/issuances/{request_id}")
def read(
    request: Request, response: Response, request_id: str, caller: Annotated[Principal, Depends(READER)]
) -> RequestOut:
    """Where the request stands; ``Retry-After`` says when to look again while it is worked on."""
    status = read_request(deps_of(request), caller, request_id)
    _headers(response, status)
    return RequestOut.of(status)


def _headers(response: Response, status: RequestStatus) -> None:
    response.headers["Location"] = f"/v1/issuances/{status.request.request_id}"
    if status.request.state in {RequestState.ACCEPTED, RequestState.FAILED}:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
