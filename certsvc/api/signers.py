"""E-signatures of people: apply, look, change the PIN or the handwriting, 停用/恢复, 注销."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.signers import agreement
from certsvc.commands.signers.apply import ApplicationBody, apply_for_signer, own_signers
from certsvc.commands.signers.change import (
    change_handwriting,
    change_pin,
    own_handwriting,
    resume_signer,
    stop_signer,
    withdraw_signer,
)
from certsvc.commands.signers.codes import send_signer_code
from certsvc.commands.signers.messages import own_messages
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.seal.signer import MAX_PIN_TRIES, SIGNER_STATE_ZH, RevocationReason, Signer, SignerAct

router = APIRouter(tags=["signer 个人电子签名"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)

SignerId = Annotated[str, Path(max_length=64)]


class SecretModel(Model):
    """A body with a PIN in it: no error repeats what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AgreementOut(Model):
    """个人电子签名使用协议."""

    version: str
    title: str
    points: list[str]


class SignerOut(Model):
    """One e-signature of the caller."""

    signer_id: str
    state: str
    state_zh: str
    name: str
    algorithm: str
    locked: bool = Field(description="PIN 连续输错已锁定")
    tries_left: int
    serial: str = Field(description="证书序列号（十六进制），尚无证书则为空")
    valid_from: datetime | None
    valid_until: datetime | None
    applied_at: datetime
    ended_at: datetime | None
    revoked_at: datetime | None

    @staticmethod
    def of(signer: Signer, now: datetime) -> SignerOut:
        """From a signer, as it stands now."""
        state, certificate = signer.state_at(now), signer.certificate
        return SignerOut(
            signer_id=signer.signer_id,
            state=state.value,
            state_zh=SIGNER_STATE_ZH[state],
            name=signer.name,
            algorithm=signer.algorithm,
            locked=signer.locked,
            tries_left=MAX_PIN_TRIES - signer.pin_tries,
            serial=certificate.serial if certificate else "",
            valid_from=certificate.valid_from if certificate else None,
            valid_until=certificate.valid_until if certificate else None,
            applied_at=signer.applied_at,
            ended_at=signer.ended_at,
            revoked_at=signer.revoked_at,
        )


class PinChange(SecretModel):
    """修改 PIN."""

    pin: str = Field(min_length=1, max_length=32)
    new_pin: str = Field(min_length=1, max_length=32)
    code: str = Field(default="", max_length=16, description="验证码，先以 POST /v1/signers/codes 获取（act=pin）")


class HandwritingBody(SecretModel):
    """手写签名图样."""

    handwriting: str = Field(max_length=700_000, description="PNG 或 JPEG 的 Base64")


class SignerChange(SecretModel):
    """停用或恢复；恢复须输入 PIN."""

    change: Literal["stop", "resume"]
    pin: str = Field(default="", max_length=32)


class Withdrawal(SecretModel):
    """注销."""

    reason: RevocationReason = Field(
        default=RevocationReason.CESSATION,
        description="cessationOfOperation 不再使用 · keyCompromise 怀疑 PIN 泄露 · superseded 重新申请",
    )


class ActAsked(SecretModel):
    """为哪件事获取验证码."""

    act: SignerAct = Field(description="apply 申请电子签名 · pin 修改 PIN")


class CodeSent(Model):
    """A code is on its way to the person's own device."""

    expires_at: datetime


class MessageOut(Model):
    """沙箱中代替手机短信的一条消息."""

    at: datetime
    text: str


@router.get("/v1/signers/agreement")
def read_agreement(_caller: Annotated[Principal, Depends(HOLDER)]) -> AgreementOut:
    """What a person agrees to."""
    return AgreementOut(version=agreement.VERSION, title=agreement.TITLE_ZH, points=list(agreement.TEXT_ZH))


@router.post("/v1/signers/codes", status_code=201)
def code(request: Request, body: ActAsked, caller: Annotated[Principal, Depends(HOLDER)]) -> CodeSent:
    """Send a one-time code for an application or another PIN; the next step brings it as ``code``."""
    return CodeSent(expires_at=send_signer_code(deps_of(request), caller, body.act).expires_at)


@router.post("/v1/signers", status_code=201)
def apply(request: Request, body: ApplicationBody, caller: Annotated[Principal, Depends(HOLDER)]) -> SignerOut:
    """Apply, with a code from ``/v1/signers/codes``: the key is made and wrapped under the PIN."""
    deps = deps_of(request)
    made = apply_for_signer(deps, caller, body, _picture(body.handwriting))
    return SignerOut.of(made, deps.clock.now())


@router.get("/v1/signers")
def mine(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[SignerOut]:
    """The caller's e-signatures, newest first."""
    deps = deps_of(request)
    now = deps.clock.now()
    return [SignerOut.of(signer, now) for signer in own_signers(deps, caller)]


@router.get("/v1/signers/{signer_id}/handwriting", responses={200: {"content": {"image/png": {}}}})
def handwriting(request: Request, signer_id: SignerId, caller: Annotated[Principal, Depends(HOLDER)]) -> Response:
    """The picture of the own handwriting, as it is printed."""
    return Response(own_handwriting(deps_of(request), caller, signer_id), media_type="image/png")


@router.put("/v1/signers/{signer_id}/handwriting")
def replace_handwriting(
    request: Request, signer_id: SignerId, body: HandwritingBody, caller: Annotated[Principal, Depends(HOLDER)]
) -> SignerOut:
    """Another picture; what was signed before keeps its own."""
    deps = deps_of(request)
    changed = change_handwriting(deps, caller, signer_id, _picture(body.handwriting))
    return SignerOut.of(changed, deps.clock.now())


@router.post("/v1/signers/{signer_id}/pin", status_code=201)
def replace_pin(
    request: Request, signer_id: SignerId, body: PinChange, caller: Annotated[Principal, Depends(HOLDER)]
) -> SignerOut:
    """Another PIN, with a code from ``/v1/signers/codes``: the key is wrapped anew."""
    deps = deps_of(request)
    changed = change_pin(deps, caller, signer_id, body.pin, body.new_pin, code=body.code)
    return SignerOut.of(changed, deps.clock.now())


@router.post("/v1/signers/{signer_id}/changes", status_code=201)
def change(
    request: Request, signer_id: SignerId, body: SignerChange, caller: Annotated[Principal, Depends(HOLDER)]
) -> SignerOut:
    """停用 at once, without a PIN; 恢复 with it."""
    deps = deps_of(request)
    if body.change == "stop":
        return SignerOut.of(stop_signer(deps, caller, signer_id), deps.clock.now())
    return SignerOut.of(resume_signer(deps, caller, signer_id, body.pin), deps.clock.now())


@router.post("/v1/signers/{signer_id}/withdrawal", status_code=201)
def withdraw(
    request: Request, signer_id: SignerId, body: Withdrawal, caller: Annotated[Principal, Depends(HOLDER)]
) -> SignerOut:
    """注销: the key is destroyed, the certificate revoked; what was signed before stays good."""
    deps = deps_of(request)
    return SignerOut.of(withdraw_signer(deps, caller, signer_id, body.reason), deps.clock.now())


@router.get("/v1/sandbox/messages")
def messages(request: Request, caller: Annotated[Principal, Depends(HOLDER)]) -> list[MessageOut]:
    """The caller's pretended telephone; in production there is none (404)."""
    return [MessageOut(at=at, text=text) for at, text in own_messages(deps_of(request), caller)]


def _picture(text: str) -> bytes:
    """Base64, with or without the prefix that a browser's canvas gives."""
    _, marker, rest = text.partition(";base64,")
    try:
        return base64.b64decode(rest if marker else text, validate=True)
    except (binascii.Error, ValueError) as error:
        problem = FieldProblem(pointer="/handwriting", code="base64", detail="应为 PNG 或 JPEG 图像的 Base64")
        raise InvalidInput("手写签名图样无法读取", problems=(problem,)) from error
