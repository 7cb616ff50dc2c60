"""Approval of manual use (人工用印审批), and 首席代表."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.seal_bodies import Code, DocumentNo, Sent
from certsvc.clock import end_of_day, local_day
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.seals.approve_use import ask_use, list_approvals, read_approval, use_of, vote_on_use
from certsvc.commands.seals.represent import (
    appoint_representative,
    dismiss_representative,
    list_representatives,
)
from certsvc.commands.shapes import Day, Line
from certsvc.seal.approval import APPROVAL_ZH, Representative, UseApproval, Vote
from certsvc.seal.rules import MAX_LISTED

router = APIRouter(tags=["seal 印章"], route_class=JsonRoute)

KEEPER = Access(roles.SEAL_KEEPER)
APPROVER = Access(roles.SEAL_USE_APPROVER)
PARTIES = Access(roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER)
READER = Access(roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER, roles.AUDITOR)
APPLICANT = Access(roles.SEAL_APPLICANT)
OWNER = Access(roles.SEAL_APPLICANT, roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER)

ApprovalId = Annotated[str, Path(max_length=64, pattern=r"^apr_[0-9A-Z]+$", description="用印申请编号")]
RepresentativeId = Annotated[str, Path(max_length=64, pattern=r"^rep_[0-9A-Z]+$", description="授权编号")]


FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
"""Days of a term; moments far beyond cannot be told in every time zone."""

TermDay = Annotated[Day, Field(ge=FIRST_DAY, le=LAST_DAY)]


class UseIn(Sent):
    """申请一次人工用印：只对这一份内容有效."""

    seal_id: Code
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="待用印内容的摘要：文件盖章为预览给出的 content_digest")
    purpose: Line = Field(min_length=2, max_length=200, description="用印事由")
    license_type: Annotated[str, Field(max_length=64, pattern=r"^[0-9a-z_-]*$")] = ""
    matter_code: Annotated[str, Field(max_length=33, pattern=r"^[0-9A-Z]*$")] = ""
    region: Annotated[str, Field(max_length=6, pattern=r"^([0-9]{6})?$")] = ""


class VoteIn(Sent):
    """表态；represented_by 为首席代表授权编号，由首席代表单独决定时填写."""

    agrees: bool
    represented_by: Annotated[str, Field(max_length=64, pattern=r"^(rep_[0-9A-Z]+)?$")] = ""


class VoteOut(Model):
    """One answer."""

    voter: str
    agrees: bool
    represented_by: str
    at: datetime


class ApprovalOut(Model):
    """A manual use that was asked for."""

    approval_id: str
    seal_id: str
    digest: str
    purpose: str
    license_type: str
    matter_code: str
    region: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    needed: int
    approvers: list[str]
    state: str
    state_zh: str
    votes: list[VoteOut]

    @staticmethod
    def of(one: UseApproval, votes: list[Vote] | None = None) -> ApprovalOut:
        """From an approval and its votes."""
        return ApprovalOut(
            approval_id=one.approval_id,
            seal_id=one.seal_id,
            digest=one.digest,
            purpose=one.purpose,
            license_type=one.type_slug,
            matter_code=one.matter_code,
            region=one.region,
            asked_by=one.asked_by,
            asked_at=one.asked_at,
            expires_at=one.expires_at,
            needed=one.needed,
            approvers=list(one.approvers),
            state=one.state.value,
            state_zh=APPROVAL_ZH[one.state],
            votes=[
                VoteOut(voter=v.voter, agrees=v.agrees, represented_by=v.represented_by, at=v.at) for v in votes or []
            ],
        )


class RepresentativeIn(Sent):
    """授权首席代表."""

    person: Code = Field(description="用印审批人账号")
    scope_types: tuple[Code, ...] = Field(default=(), max_length=MAX_LISTED, description="证照类型，空为不限")
    matters: tuple[Code, ...] = Field(default=(), max_length=MAX_LISTED, description="事项编码，空为不限")
    begins_on: TermDay = Field(description="任期首日")
    until: TermDay = Field(description="任期末日，含当日")
    document_no: DocumentNo = Field(min_length=1)


class RepresentativeOut(Model):
    """A 首席代表."""

    representative_id: str
    person: str
    scope_types: list[str]
    matters: list[str]
    begins_on: str
    until: str
    document_no: str
    dismissed_at: datetime | None

    @staticmethod
    def of(one: Representative) -> RepresentativeOut:
        """From an appointment."""
        return RepresentativeOut(
            representative_id=one.representative_id,
            person=one.person,
            scope_types=list(one.scope_types),
            matters=list(one.matters),
            begins_on=local_day(one.begins_at).isoformat(),
            until=local_day(one.ends_at - timedelta(seconds=1)).isoformat(),
            document_no=one.document_no,
            dismissed_at=one.dismissed_at,
        )


@router.post("/v1/seal-approvals", status_code=201)
def ask(request: Request, body: UseIn, caller: Annotated[Principal, Depends(KEEPER)]) -> ApprovalOut:
    """申请一次人工用印."""
    use = use_of(type_slug=body.license_type, matter_code=body.matter_code, region=body.region)
    deps = deps_of(request)
    return ApprovalOut.of(ask_use(deps, caller, body.seal_id, digest=body.digest, purpose=body.purpose, use=use))


@router.get("/v1/seal-approvals")
def approvals(request: Request, caller: Annotated[Principal, Depends(PARTIES)]) -> list[ApprovalOut]:
    """The newest approvals about the own authority's seals."""
    return [ApprovalOut.of(one) for one in list_approvals(deps_of(request), caller)]


@router.get("/v1/seal-approvals/{approval_id}")
def approval(request: Request, approval_id: ApprovalId, caller: Annotated[Principal, Depends(READER)]) -> ApprovalOut:
    """An approval with its votes."""
    one, votes = read_approval(deps_of(request), caller, approval_id)
    return ApprovalOut.of(one, list(votes))


@router.post("/v1/seal-approvals/{approval_id}/votes", status_code=201)
def vote(
    request: Request, approval_id: ApprovalId, body: VoteIn, caller: Annotated[Principal, Depends(APPROVER)]
) -> ApprovalOut:
    """同意或不同意，每人一次；达到人数即批准，有一人不同意即终止."""
    one = vote_on_use(deps_of(request), caller, approval_id, agrees=body.agrees, represented_by=body.represented_by)
    return ApprovalOut.of(one)


@router.post("/v1/seal-representatives", status_code=201)
def appoint(
    request: Request, body: RepresentativeIn, caller: Annotated[Principal, Depends(APPLICANT)]
) -> RepresentativeOut:
    """授权首席代表，在范围和任期内单独决定本单位的人工用印."""
    one = appoint_representative(
        deps_of(request),
        caller,
        person=body.person,
        scope_types=body.scope_types,
        matters=body.matters,
        term=(end_of_day(body.begins_on) - timedelta(days=1), end_of_day(body.until)),
        document_no=body.document_no,
    )
    return RepresentativeOut.of(one)


@router.get("/v1/seal-representatives")
def representatives(request: Request, caller: Annotated[Principal, Depends(OWNER)]) -> list[RepresentativeOut]:
    """The newest appointments by the own authority."""
    return [RepresentativeOut.of(one) for one in list_representatives(deps_of(request), caller)]


@router.post("/v1/seal-representatives/{representative_id}/end", status_code=201)
def dismiss(
    request: Request, representative_id: RepresentativeId, caller: Annotated[Principal, Depends(APPLICANT)]
) -> RepresentativeOut:
    """提前终止授权，立即生效."""
    return RepresentativeOut.of(dismiss_representative(deps_of(request), caller, representative_id))
