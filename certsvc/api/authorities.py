"""What the CAs kept here publish: certificates, CRLs, OCSP answers, and timestamps of the sandbox. For anyone.

The addresses take and give the media types of the protocols (RFC 5280, RFC 6960 appendix A, RFC 3161 §3.4), not JSON.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.revalidation import NOT_MODIFIED, cached
from certsvc.commands.seals.authorities import crl_of, ocsp_of
from certsvc.errors import InvalidInput, TooLarge

router = APIRouter(tags=["authority 签发机构"], route_class=JsonRoute)

MAX_QUESTION_BYTES = 4096
"""An OCSP or timestamp request; honest ones have about a hundred bytes."""

CRL_TYPE = "application/pkix-crl"
CERT_TYPE = "application/pkix-cert"
OCSP_TYPE = "application/ocsp-response"
TSA_TYPE = "application/timestamp-reply"

CaId = Annotated[str, Path(max_length=64)]


class AuthorityRow(Model):
    """One CA, and where its statements are."""

    ca_id: str
    name: str
    algorithm: str
    valid_until: datetime
    certificate: str
    crl: str
    ocsp: str


@router.get("/v1/authorities", dependencies=[Depends(PUBLIC)])
def authorities(request: Request) -> list[AuthorityRow]:
    """签发机构；正式环境的证书由外部电子认证服务机构签发，此处为空 · the CAs kept here; none in production."""
    return [
        AuthorityRow(
            ca_id=one.ca_id,
            name=one.name,
            algorithm=one.algorithm,
            valid_until=one.valid_until,
            certificate=f"/v1/authorities/{one.ca_id}/certificate",
            crl=f"/v1/authorities/{one.ca_id}/crl",
            ocsp=f"/v1/authorities/{one.ca_id}/ocsp",
        )
        for one in deps_of(request).authorities.known()
    ]


@router.get("/v1/authorities/{ca_id}/certificate", dependencies=[Depends(PUBLIC)], response_class=Response)
def certificate(request: Request, ca_id: CaId) -> Response:
    """签发机构证书（DER）."""
    return Response(deps_of(request).authorities.certificate(ca_id), media_type=CERT_TYPE)


@router.get(
    "/v1/authorities/{ca_id}/crl", dependencies=[Depends(PUBLIC)], response_class=Response, responses=NOT_MODIFIED
)
def crl(request: Request, ca_id: CaId) -> Response:
    """证书撤销列表（DER）：撤销登记后立即列入 · revocations are listed as soon as they are on record."""
    # Caches ask again each time: a revocation is in force at once.
    return cached(request, crl_of(deps_of(request), ca_id), CRL_TYPE, cache_control="public, no-cache")


@router.post("/v1/authorities/{ca_id}/ocsp", dependencies=[Depends(PUBLIC)], response_class=Response)
async def ocsp(request: Request, ca_id: CaId) -> Response:
    """证书状态在线查询（RFC 6960）."""
    question = await _question(request)
    return Response(await run_in_threadpool(ocsp_of, deps_of(request), ca_id, question), media_type=OCSP_TYPE)


@router.get("/v1/authorities/{ca_id}/ocsp/{question}", dependencies=[Depends(PUBLIC)], response_class=Response)
def ocsp_by_address(
    request: Request, ca_id: CaId, question: Annotated[str, Path(max_length=2 * MAX_QUESTION_BYTES)]
) -> Response:
    """同上，请求以 Base64URL 写在地址中 · the same with the request in the address (RFC 6960 appendix A.1)."""
    try:
        plain = question.replace("-", "+").replace("_", "/").rstrip("=")
        asked = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("请求应为 Base64 编码的 OCSP 请求") from error
    return Response(ocsp_of(deps_of(request), ca_id, asked), media_type=OCSP_TYPE)


@router.post("/v1/timestamps", dependencies=[Depends(PUBLIC)], response_class=Response)
async def timestamp(request: Request) -> Response:
    """开发用时间戳（RFC 3161，仅沙箱） · timestamps of the sandbox."""
    question = await _question(request)
    return Response(await run_in_threadpool(deps_of(request).authorities.timestamp, question), media_type=TSA_TYPE)


async def _question(request: Request) -> bytes:
    body = await request.body()
    if len(body) > MAX_QUESTION_BYTES:
        raise TooLarge(f"请求超过 {MAX_QUESTION_BYTES} 字节")
    return body
