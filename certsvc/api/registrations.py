"""Licenses made elsewhere: registered by the body responsible here, moved by what their sources report."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Header, Request, Response, UploadFile
from pydantic import Field, ValidationError

from certsvc.api.auth import Access, deps_of
from certsvc.api.doors import DOOR
from certsvc.api.json_body import JsonRoute
from certsvc.api.licenses import Identifier, MoveOut
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.issuance.accept_issuance import MAX_KEY_LENGTH, Origin
from certsvc.commands.issuance.body import shape_problems
from certsvc.commands.ports import Principal
from certsvc.commands.registrations.body import RegistrationBody
from certsvc.commands.registrations.register_license import Registered, register_license
from certsvc.commands.registrations.report_state import StateReportBody, report_state
from certsvc.errors import InvalidInput
from certsvc.events.strict_json import read_json

router = APIRouter(tags=["registration 登记"], route_class=JsonRoute)

REGISTRANT = Access(roles.APPROVAL, roles.APPROVAL_ANY)
SOURCE = Access(roles.SOURCE)

MAX_BODY_TEXT = 900_000
"""Characters of the JSON part: a photo and the data; below the limit of a part that is no file."""


class RegistrationOut(Model):
    """A license made elsewhere, as it stands on the register."""

    identifier: str
    type: str
    number: str
    issuer_code: str
    issuer_name: str
    state: str
    origin: str
    source: str
    source_name: str
    sha256: str = Field(description="原文件的 SHA-256，文件原样保存")
    registered_at: datetime

    @staticmethod
    def of(done: Registered) -> RegistrationOut:
        """From the command's answer."""
        version, registration = done.version, done.version.registration
        return RegistrationOut(
            identifier=version.identifier,
            type=version.type_slug,
            number=version.number,
            issuer_code=version.issuer_code,
            issuer_name=version.issuer_name,
            state=version.state.value,
            origin=version.origin.value,
            source=registration.source_id if registration else "",
            source_name=registration.source_name if registration else "",
            sha256=version.artifact.sha256,
            registered_at=version.created_at,
        )


@router.post("/v1/registrations", status_code=201, dependencies=[DOOR])
def create(
    request: Request,
    response: Response,
    caller: Annotated[Principal, Depends(REGISTRANT)],
    file: Annotated[UploadFile, File(description="来源系统签章的 PDF 原文件")],
    registration: Annotated[
        str, Form(max_length=MAX_BODY_TEXT, description="JSON：authority_code、source、type、identifier、number…")
    ],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> RegistrationOut:
    """Register a license of a source: the seal is verified, the file kept as it came. A repeat returns the same."""
    deps = deps_of(request)
    body = _body(registration)
    data = file.file.read(deps.policy.max_upload_bytes + 1)
    done = register_license(deps, caller, body, data, idempotency_key=idempotency_key)
    response.headers["Location"] = f"/v1/licenses/{done.version.identifier}"
    return RegistrationOut.of(done)


@router.post("/v1/registrations/{identifier}/states", status_code=201)
def report(
    request: Request,
    identifier: Identifier,
    body: StateReportBody,
    caller: Annotated[Principal, Depends(SOURCE)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
) -> MoveOut:
    """The source reports the state; sending the same report again returns the same move."""
    origin = Origin(idempotency_key=idempotency_key)
    return MoveOut.of(report_state(deps_of(request), caller, identifier, body, origin).record)


def _body(text: str) -> RegistrationBody:
    value = read_json(text.encode("utf-8", errors="surrogatepass"))
    try:
        return RegistrationBody.model_validate(value)
    except ValidationError as error:
        raise InvalidInput("请求内容有误，请按提示逐项更正", problems=shape_problems(error)) from error
