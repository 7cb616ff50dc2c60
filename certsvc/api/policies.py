"""用证策略: what a matter may ask for, asked by the using body, agreed by the issuer, opened by the operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.matters import OrphanOut
from certsvc.api.models import Model
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.catalog.loader import Catalog
from certsvc.commands.access import roles
from certsvc.commands.matters.reading import Preview, list_orphans, list_policies, one_policy, preview_policy
from certsvc.commands.matters.steps import (
    MAX_REASON,
    PolicyBody,
    close_policy,
    decide_policy,
    open_policy,
    request_policy,
)
from certsvc.commands.matters.who import READERS, USERS
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Day, Line
from certsvc.commands.showing.ledger import cursor_behind, read_cursor
from certsvc.license.policies import POLICY_ZH, Policy

router = APIRouter(tags=["policy 用证策略"], route_class=JsonRoute)

ASKER = Access(*USERS)
APPROVER = Access(roles.POLICY_APPROVER)
OPENER = Access(roles.OPERATOR)
CLOSER = Access(*USERS, roles.POLICY_APPROVER, roles.OPERATOR)
READER = Access(*READERS)
PolicyId = Annotated[str, Path(max_length=128, description="用证策略编号")]


class PolicyOut(Model):
    """One policy."""

    policy_id: str
    matter_code: str
    authority_code: str
    authority_name: str
    type: str
    type_name: str
    keys: list[str]
    bases: list[str]
    quota: int | None
    purpose: str
    state: str = Field(description="requested · approved · refused · open · closed")
    state_zh: str
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str
    opened_by: str
    opened_on: date | None = Field(description="自此日起生效")
    closed_by: str
    closed_at: datetime | None
    close_reason: str

    @staticmethod
    def of(catalog: Catalog, one: Policy) -> PolicyOut:
        """From the register."""
        known = catalog.has_authority(one.authority_code)
        return PolicyOut(
            policy_id=one.policy_id,
            matter_code=one.matter_code,
            authority_code=one.authority_code,
            authority_name=catalog.authority(one.authority_code).name if known else one.authority_code,
            type=one.type_slug,
            type_name=catalog.used_name(one.type_slug),
            keys=list(one.keys),
            bases=list(one.bases),
            quota=one.quota,
            purpose=one.purpose,
            state=one.state.value,
            state_zh=POLICY_ZH[one.state],
            requested_by=one.requested_by,
            requested_at=one.requested_at,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
            reason=one.reason,
            opened_by=one.opened_by,
            opened_on=one.opened_on,
            closed_by=one.closed_by,
            closed_at=one.closed_at,
            close_reason=one.close_reason,
        )


class PolicyPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    policies: list[PolicyOut]
    next: str

    @staticmethod
    def of(catalog: Catalog, found: Sequence[Policy], *, limit: int) -> PolicyPageOut:
        """What was found of at most ``limit``; fewer is the last page."""
        return PolicyPageOut(
            policies=[PolicyOut.of(catalog, one) for one in found],
            next=cursor_behind(found, limit, lambda one: (one.requested_at, one.policy_id)),
        )


class PolicyDecisionIn(Model):
    """Whether the issuer agrees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approve: bool
    reason: Line = Field(default="", max_length=MAX_REASON, description="不同意时必填")


class PolicyOpeningIn(Model):
    """From which day on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    opened_on: Day | None = Field(default=None, description="生效日期，缺省为今日")


class PolicyClosingIn(Model):
    """Why it is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Line = Field(min_length=2, max_length=MAX_REASON)


class PreviewKeyOut(Model):
    """One key of the type."""

    key: str
    name: str
    allowed: bool
    masks: dict[str, str] = Field(description="在证面、亮证、日志、打印处的遮盖；用证提供的信息项不遮盖")


class PreviewOut(Model):
    """What a matter of a body would see of a type."""

    matter_code: str
    matter_name: str
    authority_code: str
    type: str
    type_name: str
    why_not: str = Field(description="什么也看不到的原因；能看到时为空")
    policy_id: str
    bases: list[str]
    quota: int | None
    used_today: int
    consent_only: bool = Field(description="该单位（公证机构、公用企业、银行）只能凭持证人授权用证")
    keys: list[PreviewKeyOut]

    @staticmethod
    def of(matter: str, authority: str, slug: str, one: Preview) -> PreviewOut:
        """From the picture."""
        return PreviewOut(
            matter_code=matter,
            matter_name=one.matter_name,
            authority_code=authority,
            type=slug,
            type_name=one.type_name,
            why_not=one.why_not,
            policy_id=one.policy_id,
            bases=list(one.bases),
            quota=one.quota,
            used_today=one.used_today,
            consent_only=one.consent_only,
            keys=[PreviewKeyOut(key=k.key, name=k.name, allowed=k.allowed, masks=k.masks) for k in one.keys],
        )


@router.post("/v1/policies", status_code=201)
def ask(request: Request, body: PolicyBody, caller: Annotated[Principal, Depends(ASKER)]) -> PolicyOut:
    """Ask for what a matter of the own body needs of a type."""
    deps = deps_of(request)
    return PolicyOut.of(deps.catalog, request_policy(deps, caller, body))


@router.get("/v1/policies")
def policies(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> PolicyPageOut:
    """Those of the own body, about the own types, or all."""
    deps = deps_of(request)
    found = list_policies(deps, caller, limit=limit, behind=read_cursor(cursor))
    return PolicyPageOut.of(deps.catalog, found, limit=limit)


@router.get("/v1/policies/orphans")
def orphans(request: Request, caller: Annotated[Principal, Depends(READER)]) -> list[OrphanOut]:
    """Policies that point to nothing, or at a matter that has ended or moved."""
    return [OrphanOut.of(one) for one in list_orphans(deps_of(request), caller)]


@router.get("/v1/policies/preview")
def preview(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    matter: Annotated[str, Query(max_length=33, description="事项实施编码")],
    authority: Annotated[str, Query(max_length=18, description="部门统一社会信用代码")],
    type: Annotated[str, Query(max_length=64, description="证照类型")],  # noqa: A002
) -> PreviewOut:
    """What would this matter of this department see of this type?"""
    found = preview_policy(deps_of(request), caller, matter_code=matter, authority_code=authority, type_slug=type)
    return PreviewOut.of(matter, authority, type, found)


@router.get("/v1/policies/{policy_id}")
def policy(request: Request, policy_id: PolicyId, caller: Annotated[Principal, Depends(READER)]) -> PolicyOut:
    """One policy."""
    deps = deps_of(request)
    return PolicyOut.of(deps.catalog, one_policy(deps, caller, policy_id))


@router.post("/v1/policies/{policy_id}/decisions", status_code=201)
def decide(
    request: Request, policy_id: PolicyId, body: PolicyDecisionIn, caller: Annotated[Principal, Depends(APPROVER)]
) -> PolicyOut:
    """Agree or not, for a body that defines or issues the type; never the one who asked."""
    deps = deps_of(request)
    made = decide_policy(deps, caller, policy_id, approve=body.approve, reason=body.reason)
    return PolicyOut.of(deps.catalog, made)


@router.post("/v1/policies/{policy_id}/openings", status_code=201)
def start(
    request: Request, policy_id: PolicyId, body: PolicyOpeningIn, caller: Annotated[Principal, Depends(OPENER)]
) -> PolicyOut:
    """Let it count from a day on."""
    deps = deps_of(request)
    return PolicyOut.of(deps.catalog, open_policy(deps, caller, policy_id, opened_on=body.opened_on))


@router.post("/v1/policies/{policy_id}/closings", status_code=201)
def close(
    request: Request, policy_id: PolicyId, body: PolicyClosingIn, caller: Annotated[Principal, Depends(CLOSER)]
) -> PolicyOut:
    """Close it at any step, with a reason; also one of the catalog (``seed:…``)."""
    deps = deps_of(request)
    return PolicyOut.of(deps.catalog, close_policy(deps, caller, policy_id, reason=body.reason))
