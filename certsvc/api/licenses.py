"""Licenses for the authorities that issue them: read, download, move."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import CardOut, Model
from certsvc.api.notice_models import NoticeOut
from certsvc.api.outputs import DEFAULT_WIDTH, OUTPUTS, PageNumber, WidthPx, output
from certsvc.api.oversights import InspectionResultOut
from certsvc.api.revalidation import MAX_TAGS_LENGTH, revisions_of, tag_of
from certsvc.commands.access import roles
from certsvc.commands.issuance.accept_issuance import MAX_KEY_LENGTH, Origin
from certsvc.commands.issuance.move_license import MoveBody, move_license
from certsvc.commands.issuance.read_license import (
    read_license,
    read_license_face,
    read_license_file,
    read_license_link,
)
from certsvc.commands.ports import Principal
from certsvc.license.model import LATER_FORMS, LicenseVersion, MoveRecord
from certsvc.license.states import MOVE_BY_NAME

router = APIRouter(tags=["license 证照"], route_class=JsonRoute)

AUTHORITY = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.AUDITOR)
DECIDER = Access(roles.APPROVAL, roles.APPROVAL_ANY)

Identifier = Annotated[str, Path(max_length=128, pattern=r"^[0-9A-Z.]+$", description="证照标识")]


class LinkOut(Model):
    """Where the sealed PDF can be had until ``expires_at``, and the SHA-256 it must have."""

    url: str
    expires_at: datetime
    sha256: str


class MoveOut(Model):
    """One move and the decision behind it."""

    move: str
    move_zh: str
    from_state: str
    to_state: str
    authority_code: str
    document_no: str
    decided_on: str
    basis: str
    until: str
    at: datetime

    @staticmethod
    def of(record: MoveRecord) -> MoveOut:
        """From a record."""
        decision = record.decision
        return MoveOut(
            move=record.name,
            move_zh=MOVE_BY_NAME[record.name].name_zh,
            from_state=record.from_state.value,
            to_state=record.to_state.value,
            authority_code=decision.authority_code if decision else "",
            document_no=decision.document_no if decision else "",
            decided_on=decision.decided_on.isoformat() if decision else "",
            basis=decision.basis if decision else "",
            until=decision.until.isoformat() if decision and decision.until else "",
            at=record.at,
        )


class LicenseOut(Model):
    """A license and its history."""

    license: CardOut
    newest: list[str] = Field(description="现行版本的证照标识；尚未换发的就是本版本")
    issuer_today: str = Field(description="现在行使颁发机关职权的机关：机构改革后为承继机关，证面仍是当时的机关")
    supervisor: str = Field(description="行业主管部门；行政审批局颁发的为本地区的行业主管部门")
    moves: list[MoveOut]
    notices: list[NoticeOut] = Field(description="送达：每次通知的方式、时间和结果，新的在前")
    inspections: list[InspectionResultOut] = Field(description="监管部门推送的检查结果，新的在前")


def _tag_of(version: LicenseVersion) -> str:
    """With the digest of the file where a renewal gave the license another one and no other revision."""
    later = version.artifact.kind in LATER_FORMS
    return tag_of(version.revision, version.artifact.sha256 if later else "")


@router.get("/v1/licenses/{identifier}")
def read(
    request: Request, response: Response, identifier: Identifier, caller: Annotated[Principal, Depends(AUTHORITY)]
) -> LicenseOut:
    """The license as it stands, with every decision; the ETag changes with each move."""
    deps = deps_of(request)
    found = read_license(deps, caller, identifier)
    response.headers["ETag"] = _tag_of(found.version)
    return LicenseOut(
        license=CardOut.of(deps.catalog, found.version, found.standing, base=deps.policy.public_base),
        newest=[version.identifier for version in found.newest],
        issuer_today=found.issuer_today,
        supervisor=found.supervisor,
        moves=[MoveOut.of(record) for record in found.moves],
        notices=[NoticeOut.of(notice) for notice in found.notices],
        inspections=InspectionResultOut.many(
            found.results, dict(found.identifiers), dict(found.names), to_holder=False
        ),
    )


@router.get("/v1/licenses/{identifier}/file", response_class=Response, responses=OUTPUTS)
def file(
    request: Request,
    identifier: Identifier,
    caller: Annotated[Principal, Depends(AUTHORITY)],
    page: PageNumber = 1,
    width: WidthPx = DEFAULT_WIDTH,
) -> Response:
    """The sealed PDF, a picture of one of its pages, or the face as data, by Accept."""
    deps = deps_of(request)
    return output(
        request,
        file=lambda: read_license_file(deps, caller, identifier),
        face=lambda: read_license_face(deps, caller, identifier),
        page=page,
        width=width,
    )


@router.get("/v1/licenses/{identifier}/link")
def link(
    request: Request, response: Response, identifier: Identifier, caller: Annotated[Principal, Depends(AUTHORITY)]
) -> LinkOut:
    """An address of the sealed PDF at the object store, good for five minutes; 404 where files have none."""
    found = read_license_link(deps_of(request), caller, identifier)
    response.headers["Cache-Control"] = "no-store"
    return LinkOut(url=found.url, expires_at=found.expires_at, sha256=found.sha256)


@router.post("/v1/licenses/{identifier}/moves", status_code=201)
def move(
    request: Request,
    response: Response,
    identifier: Identifier,
    body: MoveBody,
    caller: Annotated[Principal, Depends(DECIDER)],
    idempotency_key: Annotated[str, Header(max_length=MAX_KEY_LENGTH)] = "",
    if_match: Annotated[
        str, Header(max_length=MAX_TAGS_LENGTH, description="读取证照时的 ETag；其后已更改的答 412")
    ] = "",
) -> MoveOut:
    """Carry out a decision; sending the same decision again returns the same move."""
    origin = Origin(idempotency_key=idempotency_key)
    read = revisions_of(if_match)
    moved = move_license(deps_of(request), caller, identifier, body, origin, revisions=read)
    response.headers["ETag"] = _tag_of(moved.version)
    return MoveOut.of(moved.record)
