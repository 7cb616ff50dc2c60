"""Requests and envelope of ``license-app/v1`` (STANDARDS.md 2.4 C)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import Field

from certsvc.api.facades.shapes import In, Text
from certsvc.clock import SHANGHAI
from certsvc.commands.facades.accounts import Call, resume_session, sign_in
from certsvc.commands.facades.ask import Why
from certsvc.errors import Forbidden, Unauthenticated
from certsvc.license.facades import FacadeName

if TYPE_CHECKING:
    from fastapi import Request

    from certsvc.commands.ports import Deps

MAX_TOKEN = 4096
Secret = Annotated[str, Field(max_length=512, repr=False)]
Token = Annotated[str, Field(max_length=MAX_TOKEN, repr=False)]


class OperatorIn(In):
    """经办人; kept with every use."""

    account: Text = ""
    name: Text = ""
    division: Text = ""
    division_code: Text = ""
    service_org: Text = ""
    role: Text = ""


class BaseIn(In):
    """What every request may carry."""

    access_token: Token = ""
    correlation_id: Text = ""


class LoginIn(BaseIn):
    """``security/login``."""

    app_key: Text = ""
    app_secret: Secret = ""
    account: Text = ""
    password: Secret = ""
    org_code: Text = ""


class UseIn(BaseIn):
    """A request for 用证码: whose, for what, by whom."""

    identity_number: Text = ""
    identity_type: Text = ""
    license_item_code: Text = ""
    credential: Annotated[str, Field(max_length=1024, repr=False)] = ""
    service_item_code: Text = ""
    service_item_name: Text = ""
    biz_num: Text = ""
    operator: OperatorIn = OperatorIn()

    @property
    def why(self) -> Why:
        """For what it is asked; the purpose is the account's, or the name of the matter."""
        purpose = f"办理{self.service_item_name}" if self.service_item_name else ""
        return Why(
            matter_code=self.service_item_code,
            case_no=self.biz_num,
            operator=self.operator.account or self.operator.name,
            purpose=purpose,
        )


class CodeIn(BaseIn):
    """A request with a 用证码, or with what it was exchanged for."""

    auth_code: Annotated[str, Field(max_length=200, repr=False)] = ""
    license_access_token: Annotated[str, Field(max_length=200, repr=False)] = ""

    @property
    def code(self) -> str:
        """Whichever was sent."""
        return self.auth_code or self.license_access_token


class MakeIn(In):
    """``data`` of the issue side."""

    service_item_code: Text = ""
    service_item_name: Text = ""
    biz_num: Text = ""
    license_code: Text = ""
    seal_code: Text = ""
    data_fields: dict[str, Annotated[str, Field(max_length=4000)]] = Field(default={}, max_length=100)
    abolish_reason: Text = ""
    abolish_type: Text = ""
    document_no: Text = ""
    decided_on: Text = ""
    basis: Text = ""
    operator: OperatorIn = OperatorIn()


class IssueIn(BaseIn):
    """A request of the issue side."""

    data: MakeIn = MakeIn()


class AppEnvelope:
    """``ack_code``, ``errors``, ``data`` and the ids of the exchange; nothing is signed, so ``sign`` is empty."""

    facade = FacadeName.APP

    def sign_in(self, deps: Deps, request: Request, body: Any) -> Call:
        """By ``access_token`` in the body or a header; in ``security/login`` by key and secret."""
        if isinstance(body, LoginIn):
            call = sign_in(deps, self.facade, body.app_key, body.app_secret)
            if body.org_code and body.org_code != call.caller.authority_code:
                raise Unauthenticated("机构代码与账号不符，请核对 org_code")
            return call
        if "access_token" in request.query_params:
            raise Forbidden("access_token 不得放在网址中，请放在请求体或 access_token 请求头")
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        token = body.access_token or request.headers.get("access_token", "") or bearer
        if not token or len(token) > MAX_TOKEN:
            raise Unauthenticated("请先登录（security/login），并携带 access_token")
        return resume_session(deps, self.facade, token)

    def login_of(self, body: Any) -> str:
        """The ``app_key``."""
        return body.app_key if isinstance(body, LoginIn) else ""

    def success(self, deps: Deps, data: Any, body: Any) -> dict[str, Any]:
        """SUCCESS."""
        return {"ack_code": "SUCCESS", "errors": [], **_exchange(deps, body), "data": data}

    def failure(self, deps: Deps, code: str, message: str, body: Any) -> dict[str, Any]:
        """FAILURE and why."""
        return {
            "ack_code": "FAILURE",
            "errors": [{"code": code, "message": message}],
            **_exchange(deps, body),
            "data": None,
        }


def _exchange(deps: Deps, body: Any) -> dict[str, str]:
    now = deps.clock.now().astimezone(SHANGHAI)
    return {
        "sign": "",
        "sign_method": "",
        "timestamp": f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}",
        "correlation_id": body.correlation_id if isinstance(body, BaseIn) else "",
        "response_id": str(UUID(bytes=deps.ids.salt(), version=4)),
    }


APP = AppEnvelope()
