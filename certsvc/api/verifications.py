"""Anyone may check a PDF, a code or a number."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Depends, File, Request, UploadFile
from pydantic import Field, model_validator

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model, VerdictOut
from certsvc.commands.verifying.verify_code import verify_code, verify_number
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.errors import Unavailable

router = APIRouter(tags=["verification 核验"], route_class=JsonRoute)

FILES_AT_ONCE = 8
"""Files judged or waiting for a worker at one time, of 40 threads: a flood of slow files must not stop the API."""

FILE_DOOR = BoundedSemaphore(FILES_AT_ONCE)


class VerificationIn(Model):
    """A code, or a number with its type and the holder's full name."""

    code: str = Field(default="", max_length=512, description="扫码所得文本")
    type: str = Field(default="", max_length=64, description="证照类型")
    number: str = Field(default="", max_length=128, description="证照编号")
    holder_name: str = Field(default="", max_length=200, description="持证主体全称，与编号一并核对")

    @model_validator(mode="after")
    def _one_way(self) -> VerificationIn:
        if bool(self.code) == bool(self.number):
            msg = "请填写 code，或填写 type、number、holder_name 三项"
            raise ValueError(msg)
        if self.number and not (self.type and self.holder_name):
            msg = "按编号核验须同时填写 type 和 holder_name"
            raise ValueError(msg)
        return self


@router.post("/v1/verifications", dependencies=[Depends(PUBLIC)])
def check(request: Request, body: VerificationIn) -> VerdictOut:
    """Check a scanned code or a number: state, type, issuer and masked name."""
    deps = deps_of(request)
    if body.code:
        return VerdictOut.of(verify_code(deps, body.code))
    return VerdictOut.of(verify_number(deps, type_slug=body.type, number=body.number, holder_name=body.holder_name))


@router.post("/v1/verifications/file", dependencies=[Depends(PUBLIC)])
def check_file(request: Request, file: Annotated[UploadFile, File(description="电子证照 PDF 原文件")]) -> VerdictOut:
    """Check a PDF: is it ours, was it changed, is the seal good, how does the license stand."""
    deps = deps_of(request)
    # Few at a time, and no queue: files that take long must not hold the threads that everything else needs.
    if not FILE_DOOR.acquire(blocking=False):
        raise Unavailable("正在核验的文件较多，请几秒后再试")
    try:
        data = file.file.read(deps.policy.max_upload_bytes + 1)
        return VerdictOut.of(verify_file(deps, data))
    finally:
        FILE_DOOR.release()
