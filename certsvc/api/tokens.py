"""Access tokens for systems (OAuth 2 client credentials) and the sandbox login for people."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from pydantic import Field

from certsvc.api.auth import PUBLIC, Access, address_of, deps_of, rate_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.proxies import presented_certificate
from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import client_named, issue_token
from certsvc.commands.access.sandbox_login import sandbox_login, sandbox_people
from certsvc.commands.ports import Principal
from certsvc.errors import FieldProblem, InvalidInput, Unauthenticated
from certsvc.identifiers.holder_code import HolderCodeType

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog

router = APIRouter(tags=["access 身份与令牌"], route_class=JsonRoute)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_CREDENTIAL = 8192
"""Characters of a secret or assertion; stops oversized input before hashing."""


_ORGANISATIONS = frozenset(one.value for one in HolderCodeType if one.is_organisation)


class TokenOut(Model):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int


class PersonOut(Model):
    """A synthetic person of the sandbox."""

    subject: str
    name: str
    roles: list[str]
    authority_name: str = Field(description="单位；持证人为空")


class MeOut(Model):
    """Who is signed in, as others will see it."""

    subject: str
    name: str = Field(description="执法人员为执法证号，其他人为姓名或系统名称")
    authority_name: str = Field(description="所在单位，无则为空")
    roles: list[str]
    holder_kind: Literal["", "person", "organisation"] = Field(
        description="实名登记的持证主体：自然人可申请个人电子签名，单位使用电子印章；未登记证件代码则为空"
    )


class LoginIn(Model):
    """Which synthetic person to be."""

    subject: str = Field(max_length=64)


@router.post("/v1/oauth/token", dependencies=[Depends(PUBLIC)])
def token(
    request: Request,
    grant_type: Annotated[str, Form(max_length=64)],
    client_id: Annotated[str, Form(max_length=64)] = "",
    client_secret: Annotated[str, Form(max_length=MAX_CREDENTIAL)] = "",
    client_assertion_type: Annotated[str, Form(max_length=128)] = "",
    client_assertion: Annotated[str, Form(max_length=MAX_CREDENTIAL)] = "",
) -> TokenOut:
    """Client credentials (RFC 6749 §4.4) in the one way of the client.

    ``client_secret`` in the form or by Basic, ``private_key_jwt`` (RFC 7523), or ``tls_client_auth`` (RFC 8705 §2.1):
    ``client_id`` alone, and the certificate that a trusted proxy saw.
    """
    if grant_type != "client_credentials":
        problem = FieldProblem(pointer="/grant_type", code="enum", detail="只支持 client_credentials")
        raise InvalidInput("不支持的授权方式", problems=(problem,))
    if client_assertion and client_assertion_type != ASSERTION_TYPE:
        problem = FieldProblem(pointer="/client_assertion_type", code="enum", detail=f"应为 {ASSERTION_TYPE}")
        raise InvalidInput("客户端断言类型有误", problems=(problem,))
    basic = _basic(request.headers.get("authorization", ""))
    if sum(map(bool, (basic, client_secret, client_assertion))) > 1:
        problem = FieldProblem(pointer="/client_secret", code="methods", detail="一次请求只用一种客户端认证方式")
        raise InvalidInput("不能同时使用多种客户端认证方式（RFC 6749 §2.3）", problems=(problem,))
    if basic:
        client_id, client_secret = basic
    client_id = client_named(deps_of(request), client_id, client_assertion)
    rate, address, login = rate_of(request), address_of(request), f"client:{client_id}"
    rate.check_guesses(address, login)
    try:
        issued = issue_token(
            deps_of(request),
            client_id=client_id,
            client_secret=client_secret,
            assertion=client_assertion,
            certificate=presented_certificate(request),
        )
    except Unauthenticated:
        rate.count_guess(address, login)
        raise
    return TokenOut(access_token=issued.access_token, expires_in=issued.expires_in)


def _basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of an HTTP Basic header (RFC 6749 §2.3.1)."""
    if not header.lower().startswith("basic "):
        return None
    try:
        name, _, secret = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated("客户端标识或凭据不正确") from error
    return name, secret


@router.get("/v1/me")
def me(request: Request, caller: Annotated[Principal, Depends(Access(*sorted(roles.ALL)))]) -> MeOut:
    """Who the caller is: officers show their 执法证号 and unit before they scan (DOMAIN.md 3)."""
    return MeOut(
        subject=caller.subject,
        name=caller.name,
        authority_name=_unit(deps_of(request).catalog, caller.authority_code),
        roles=sorted(caller.roles),
        holder_kind=_holder_kind(caller),
    )


def _holder_kind(caller: Principal) -> Literal["", "person", "organisation"]:
    if not caller.holder_code:
        return ""
    return "organisation" if caller.holder_code_type in _ORGANISATIONS else "person"


@router.get("/v1/sandbox/people", dependencies=[Depends(PUBLIC)])
def people(request: Request) -> list[PersonOut]:
    """The synthetic people one can be in the sandbox; 404 in production."""
    deps = deps_of(request)
    return [
        PersonOut(
            subject=p.subject, name=p.name, roles=sorted(p.roles), authority_name=_unit(deps.catalog, p.authority_code)
        )
        for p in sandbox_people(deps)
    ]


def _unit(catalog: Catalog, authority_code: str) -> str:
    return catalog.authority(authority_code).name if catalog.has_authority(authority_code) else ""


@router.post("/v1/sandbox/login", dependencies=[Depends(PUBLIC)])
def login(request: Request, body: LoginIn) -> TokenOut:
    """A token for a synthetic person; 404 in production."""
    issued = sandbox_login(deps_of(request), subject=body.subject)
    return TokenOut(access_token=issued.access_token, expires_in=issued.expires_in)
