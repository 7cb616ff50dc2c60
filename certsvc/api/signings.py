"""Signing rounds: asked for by systems and clerks, looked at and confirmed or declined by people."""

from __future__ import annotations

from datetime import datetime
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Header, Path, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import Field, ValidationError

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.signers import CodeSent, SecretModel
from certsvc.commands.access import roles
from certsvc.commands.issuance.body import field_problem
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Line
from certsvc.commands.signings.body import SigningBody
from certsvc.commands.signings.codes import send_code
from certsvc.commands.signings.confirm import ConfirmationBody, confirm
from certsvc.commands.signings.end import cancel, decline
from certsvc.commands.signings.read import SeenRound, document_of, list_rounds, page_picture, read_round
from certsvc.commands.signings.request import request_signing
from certsvc.commands.signings.seal import seal_round
from certsvc.errors import InvalidInput, Unavailable
from certsvc.events.strict_json import read_json
from certsvc.seal.signing_round import ROUND_STATE_ZH, STEP_STATE_ZH, RoundState, Step

router = APIRouter(tags=["signing 签署"], route_class=JsonRoute)

CREATOR = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.CLERK)
HOLDER = Access(roles.HOLDER)
READER = Access(roles.HOLDER, roles.APPROVAL, roles.APPROVAL_ANY, roles.CLERK)

MAX_BODY_TEXT = 64 * 1024
MAX_KEY_LENGTH = 128
CONFIRMATIONS_AT_ONCE = 8
"""Signatures under way at one time, of 40 threads: each takes a second of key derivation, drawing and checking."""

CONFIRM_DOOR = BoundedSemaphore(CONFIRMATIONS_AT_ONCE)

RoundId = Annotated[str, Path(max_length=64)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="所看文件的 SHA-256")]


class StepOut(Model):
    """One participant."""

    step_id: str
    order: int
    name: str
    reason: str
    state: str
    state_zh: str
    signed_at: datetime | None
    page: int
    remark: str = Field(description="拒签原因，仅发起人和本人可见")

    @staticmethod
    def of(step: Step, *, remark: bool) -> StepOut:
        """From a step."""
        return StepOut(
            step_id=step.step_id,
            order=step.order,
            name=step.name,
            reason=step.reason,
            state=step.state.value,
            state_zh=STEP_STATE_ZH[step.state],
            signed_at=step.signed_at,
            page=step.place.page,
            remark=step.remark if remark else "",
        )


class FinalSealOut(Model):
    """The seal at the end."""

    seal_id: str
    sealed_at: datetime | None
    trouble: str = Field(description="暂未盖章的原因，会自动重试；签署终止的，为不能盖章的原因，各方可见")


class SigningOut(Model):
    """A round as the caller sees it."""

    round_id: str
    title: str
    state: str
    state_zh: str
    deadline: datetime
    created_at: datetime
    ended_at: datetime | None
    needs_code: bool = Field(description="确认签名时须输入验证码：发起人要求，或本人的电子签名启用未满一天")
    new_signer: bool = Field(description="本人的电子签名启用未满一天，每次签名都须输入验证码")
    pages: int
    sha256: str = Field(description="文件现在的 SHA-256，确认签名时原样带回")
    uploaded_sha256: str
    my_turn: bool
    my_step: str
    steps: list[StepOut]
    seal: FinalSealOut | None

    @staticmethod
    def of(seen: SeenRound, now: datetime) -> SigningOut:
        """From what the caller may see."""
        signing, seal = seen.signing, seen.signing.seal
        state = signing.state_at(now)
        return SigningOut(
            round_id=signing.round_id,
            title=signing.title,
            state=state.value,
            state_zh="待盖章" if signing.awaits_seal else ROUND_STATE_ZH[state],
            deadline=signing.deadline,
            created_at=signing.created_at,
            ended_at=signing.ended_at,
            needs_code=seen.needs_code,
            new_signer=seen.new_signer,
            pages=signing.page_count,
            sha256=signing.head.sha256,
            uploaded_sha256=signing.uploaded_sha256,
            my_turn=seen.my_turn,
            my_step=seen.mine.step_id if seen.mine else "",
            steps=[
                StepOut.of(step, remark=seen.mine is None or step.step_id == seen.mine.step_id)
                for step in signing.steps
            ],
            seal=FinalSealOut(
                seal_id=seal.seal_id,
                sealed_at=seal.sealed_at,
                trouble=seal.trouble if seen.mine is None or state is RoundState.UNSEALED else "",
            )
            if seal
            else None,
        )


class CodeAsked(SecretModel):
    """For which document a code is wanted."""

    document_sha256: Digest


class Reason(SecretModel):
    """原因."""

    reason: Line = Field(min_length=1, max_length=200)


@router.post("/v1/signings", status_code=201)
def create(
    request: Request,
    caller: Annotated[Principal, Depends(CREATOR)],
    file: Annotated[UploadFile, File(description="待签 PDF")],
    signing: Annotated[str, Form(max_length=MAX_BODY_TEXT, description="JSON：title、deadline、participants、seal…")],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> SigningOut:
    """Ask people to sign a PDF, in order or in parallel, with a seal at the end if one is named."""
    deps = deps_of(request)
    body = _body(signing)
    data = file.file.read(deps.policy.max_upload_bytes + 1)
    made = request_signing(deps, caller, body, data, idempotency_key=idempotency_key)
    return SigningOut.of(read_round(deps, caller, made.signing.round_id), deps.clock.now())


@router.get("/v1/signings")
def rows(request: Request, caller: Annotated[Principal, Depends(READER)]) -> list[SigningOut]:
    """A person's rounds, from the own turn on; a system's or clerk's own ones. Newest first, at most 100."""
    deps = deps_of(request)
    now = deps.clock.now()
    return [SigningOut.of(seen, now) for seen in list_rounds(deps, caller)]


@router.get("/v1/signings/{round_id}")
def read(request: Request, round_id: RoundId, caller: Annotated[Principal, Depends(READER)]) -> SigningOut:
    """One round."""
    deps = deps_of(request)
    return SigningOut.of(read_round(deps, caller, round_id), deps.clock.now())


@router.get(
    "/v1/signings/{round_id}/pages/{page}", responses={200: {"content": {"image/png": {}}}}, dependencies=[DOOR]
)
def picture(
    request: Request,
    round_id: RoundId,
    page: Annotated[int, Path(ge=1, le=1000)],
    caller: Annotated[Principal, Depends(READER)],
    sha256: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
    width: int = 960,
) -> Response:
    """A page of exactly this version of the document as PNG."""
    png = page_picture(deps_of(request), caller, round_id, page, sha256=sha256, width=width)
    return Response(png, media_type="image/png")


@router.get("/v1/signings/{round_id}/file", responses={200: {"content": {"application/pdf": {}}}})
def document(request: Request, round_id: RoundId, caller: Annotated[Principal, Depends(READER)]) -> Response:
    """The document as it is now."""
    seen, data = document_of(deps_of(request), caller, round_id)
    headers = {
        "ETag": f'"{seen.signing.head.sha256}"',
        "Content-Disposition": f'attachment; filename="{seen.signing.round_id}.pdf"',
    }
    return Response(data, media_type="application/pdf", headers=headers)


@router.post("/v1/signings/{round_id}/codes", status_code=201)
def code(
    request: Request, round_id: RoundId, body: CodeAsked, caller: Annotated[Principal, Depends(HOLDER)]
) -> CodeSent:
    """Send a one-time code for this document to the person's own device."""
    return CodeSent(expires_at=send_code(deps_of(request), caller, round_id, body.document_sha256).expires_at)


@router.post("/v1/signings/{round_id}/signatures", status_code=201)
def sign(
    request: Request, round_id: RoundId, body: ConfirmationBody, caller: Annotated[Principal, Depends(HOLDER)]
) -> SigningOut:
    """Confirm with PIN and code: the caller's key signs this document."""
    deps = deps_of(request)
    if not CONFIRM_DOOR.acquire(blocking=False):
        raise Unavailable("正在签名的人较多，请几秒后再试")
    try:
        seen = confirm(deps, caller, round_id, body)
        if seen.signing.awaits_seal and seal_round(deps, round_id):
            seen = read_round(deps, caller, round_id)
    finally:
        CONFIRM_DOOR.release()
    return SigningOut.of(seen, deps.clock.now())


@router.post("/v1/signings/{round_id}/refusals", status_code=201)
def refuse(
    request: Request, round_id: RoundId, body: Reason, caller: Annotated[Principal, Depends(HOLDER)]
) -> SigningOut:
    """拒签: the round ends, and its creator reads why."""
    deps = deps_of(request)
    return SigningOut.of(decline(deps, caller, round_id, body.reason), deps.clock.now())


@router.post("/v1/signings/{round_id}/cancellation", status_code=201)
def stop(
    request: Request, round_id: RoundId, body: Reason, caller: Annotated[Principal, Depends(CREATOR)]
) -> SigningOut:
    """The creator cancels (取消) the round."""
    deps = deps_of(request)
    return SigningOut.of(cancel(deps, caller, round_id, body.reason), deps.clock.now())


def _body(text: str) -> SigningBody:
    value = read_json(text.encode("utf-8"))
    try:
        return SigningBody.model_validate(value)
    except ValidationError as error:
        problems = tuple(field_problem(dict(item), [str(part) for part in item["loc"]]) for item in error.errors())
        raise InvalidInput("请求内容有误，请按提示逐项更正", problems=problems) from error
