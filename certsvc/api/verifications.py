"""Anyone may check a PDF, a seal object, a code, a number or a digest, now or as of a moment; with a receipt."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from pydantic import AwareDatetime, Field, model_validator

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.doors import FileDoor
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model, ReasonOut
from certsvc.api.verdict_models import VerdictOut
from certsvc.commands.ports import TrustChoice
from certsvc.commands.showing.codes import MAX_SCANNED
from certsvc.commands.verifying.differences import compare_with_sealed
from certsvc.commands.verifying.receipts import Asked, read_receipt, receipt_of
from certsvc.commands.verifying.verify_code import verify_code, verify_digest, verify_number
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.license.standing import standing_zh
from certsvc.seal.differences import COMPARED_WORDS, ChangedPage, Comparison

router = APIRouter(tags=["verification 核验"], route_class=JsonRoute)

FILE_DOOR = FileDoor(8, "正在核验的文件较多，请几秒后再试")
"""Files judged or waiting for a worker at one time, of 40 threads: a flood of slow files must not stop the API."""

MAX_RECEIPT_CHARS = 16 * 1024
"""Longest receipt that is read; stops megabytes of base64."""


class VerificationIn(Model):
    """A code; a number with its type and the holder's full name; or the SHA-256 of a file that stays with its owner."""

    code: str = Field(default="", max_length=MAX_SCANNED, description="扫码所得文本")
    type: str = Field(default="", max_length=64, description="证照类型")
    number: str = Field(default="", max_length=128, description="证照编号")
    holder_name: str = Field(default="", max_length=200, description="持证主体全称，与编号一并核对")
    sha256: str = Field(default="", pattern=r"^([0-9A-Fa-f]{64})?$", description="文件的 SHA-256，文件不上传")
    at: AwareDatetime | None = Field(default=None, description="核验截至某一过去时刻的状态，带时区；不填为现在")
    receipt: bool = Field(default=False, description="是否出具核验回执（JWS）")

    @model_validator(mode="after")
    def _one_way(self) -> VerificationIn:
        if [bool(self.code), bool(self.number), bool(self.sha256)].count(True) != 1:
            msg = "请填写 code，或填写 type、number、holder_name 三项，或填写 sha256"
            raise ValueError(msg)
        if self.at is not None and not self.sha256:
            # A code or a number is seen by many: with a moment for each question, anyone could read the whole history.
            msg = "核验过去的时刻（at）须有文件：请上传文件，或填写文件的 sha256"
            raise ValueError(msg)
        if self.number and not (self.type and self.holder_name):
            msg = "按编号核验须同时填写 type 和 holder_name"
            raise ValueError(msg)
        return self


class ReceiptIn(Model):
    """A receipt to be read."""

    receipt: str = Field(max_length=MAX_RECEIPT_CHARS, description="核验回执（JWS 紧凑格式）")


class ReceiptOut(Model):
    """What a receipt of ours states."""

    claims: Mapping[str, Any]
    conclusion: ReasonOut | None = Field(description="当时的结论；早先的结论代码现已不用的为空")
    state_zh: str = Field(description="当时的证照状态；回执不涉及证照的为空")


class ChangedPageOut(Model):
    """A page that differs."""

    page: int
    sealed: str = Field(description="盖章时的页面，PNG 的 Base64；当时没有这一页的为空")
    now: str = Field(description="现在的页面，PNG 的 Base64；现在没有这一页的为空")
    region: list[float] | None = Field(description="不同之处：左、上、右、下，占页面的比例；空为整页")

    @staticmethod
    def of(page: ChangedPage) -> ChangedPageOut:
        """From the comparison's page."""
        sealed, now = (base64.b64encode(picture).decode() for picture in (page.sealed, page.now))
        region = list(page.region) if page.region else None
        return ChangedPageOut(page=page.number, sealed=sealed, now=now, region=region)


class DifferencesOut(Model):
    """The pages as sealed beside the pages now, or why there is nothing to show."""

    outcome: str = Field(description="shown 有不同 · same_look 样子相同 · nothing_after · no_seal · cannot_draw")
    text: str
    text_en: str
    pages: list[ChangedPageOut]
    pages_sealed: int
    pages_now: int
    compared: int = Field(description="从第一页起比对了几页")
    more: bool = Field(description="还有其他页面不同，没有列出")

    @staticmethod
    def of(found: Comparison) -> DifferencesOut:
        """From the command's answer."""
        text, text_en = COMPARED_WORDS[found.outcome]
        return DifferencesOut(
            outcome=found.outcome.value,
            text=text,
            text_en=text_en,
            pages=[ChangedPageOut.of(page) for page in found.pages],
            pages_sealed=found.pages_sealed,
            pages_now=found.pages_now,
            compared=found.compared,
            more=found.more,
        )


@router.post("/v1/verifications", dependencies=[Depends(PUBLIC)])
def check(request: Request, body: VerificationIn) -> VerdictOut:
    """Check a scanned code, a number or a digest: state, type, issuer and masked name."""
    deps = deps_of(request)
    if body.code:
        verdict, asked = verify_code(deps, body.code), Asked.about(deps.ids, "code", body.code)
    elif body.sha256:
        verdict = verify_digest(deps, body.sha256, at=body.at)
        asked = Asked(kind="digest", sha256=body.sha256.lower())
    else:
        number, name = body.number, body.holder_name
        verdict = verify_number(deps, type_slug=body.type, number=number, holder_name=name)
        asked = Asked.about(deps.ids, "number", body.type, number, name)
    return (
        VerdictOut.of(verdict, receipt_of(deps, verdict, asked), asked.salt) if body.receipt else VerdictOut.of(verdict)
    )


@router.post("/v1/verifications/file", dependencies=[Depends(PUBLIC)])
def check_file(
    request: Request,
    file: Annotated[UploadFile, File(description="电子证照 PDF 原文件，或印章数据 .esl")],
    at: Annotated[AwareDatetime | None, Query(description="核验截至某一过去时刻的状态，带时区")] = None,
    receipt: Annotated[bool, Query(description="是否出具核验回执（JWS）")] = False,
    used_by: Annotated[
        str, Query(max_length=18, description="收到加注件的单位的统一社会信用代码；加注件只供所写单位使用")
    ] = "",
) -> VerdictOut:
    """Check a file: is it ours, was it changed, is the seal good, how does the license stand."""
    deps = deps_of(request)
    with FILE_DOOR:
        data = file.file.read(deps.policy.max_upload_bytes + 1)
        verdict = verify_file(deps, data, TrustChoice(at=at), used_by=used_by)
        return VerdictOut.of(verdict, receipt_of(deps, verdict, Asked.file(data)) if receipt else "")


@router.post("/v1/verifications/file/differences", dependencies=[Depends(PUBLIC)])
def file_differences(
    request: Request, file: Annotated[UploadFile, File(description="盖章以后被改动的 PDF")]
) -> DifferencesOut:
    """The pages as they were sealed beside the pages now, from the file itself; never from the register."""
    deps = deps_of(request)
    with FILE_DOOR:
        return DifferencesOut.of(compare_with_sealed(deps, file.file.read(deps.policy.max_upload_bytes + 1)))


@router.post("/v1/verifications/receipts", dependencies=[Depends(PUBLIC)])
def check_receipt(request: Request, body: ReceiptIn) -> ReceiptOut:
    """Read a receipt: what was checked, when, on which trust list, and what was not checked."""
    claims = dict(read_receipt(deps_of(request), body.receipt))
    said = claims.get("license")
    state = str(said.get("state", "")) if isinstance(said, dict) else ""
    return ReceiptOut(
        claims=claims, conclusion=ReasonOut.named(claims.get("reason")), state_zh=standing_zh(state) if state else ""
    )


@router.get("/v1/verifications/keys", dependencies=[Depends(PUBLIC)])
def receipt_keys(request: Request) -> Mapping[str, Any]:
    """The public keys of receipts as JWKS (RFC 7517), so that anyone checks one without asking us."""
    return dict(deps_of(request).verification_receipts.keys())
