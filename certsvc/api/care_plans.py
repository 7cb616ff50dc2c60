"""成批换章: plans, their preview, decision and progress, and what became of each license."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.resealing.plan import (
    MAX_LISTED,
    READERS,
    Preview,
    ResealDecisionBody,
    ResealPlanBody,
    decide_plan,
    list_plans,
    move_plan,
    propose_plan,
    read_outcomes,
    read_plan,
)
from certsvc.license.reseal import OUTCOME_ZH, PLAN_ZH, PlanMove, PlanState, ResealItem, ResealOutcome, ResealPlan
from certsvc.seal.care import LOSS_ZH, LossKind

router = APIRouter(tags=["care 长期保管"], route_class=JsonRoute)

PROPOSER = Access(roles.OPERATOR)
DECIDER = Access(roles.SECURITY)
MOVER = Access(roles.OPERATOR, roles.SECURITY)
READER = Access(*READERS)

PlanId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$", description="计划编号")]
Behind = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_]*$", description="上一页答复中的 next")]


class ResealPlanOut(Model):
    """A plan."""

    plan_id: str
    kind: LossKind
    kind_zh: str
    value: str
    types: list[str] = Field(description="证照类型，空为全部")
    bodies: list[str] = Field(description="颁发机构代码，空为全部")
    licenses: int = Field(description="提出时涉及的有效证照，张")
    reason: str
    state: PlanState = Field(
        description="proposed 待审批 · running 办理中 · paused 已暂停 · done 已办结 · "
        "declined 未批准 · cancelled 已取消"
    )
    state_zh: str
    waits_for: str = Field(description="办理中而暂时不能继续的，原因；条件具备后自动继续")
    proposed_by: str
    proposed_at: datetime
    opinion: str
    decided_by: str
    decided_at: datetime | None
    ended_by: str
    ended_at: datetime | None

    @staticmethod
    def of(one: ResealPlan) -> ResealPlanOut:
        """From a record."""
        return ResealPlanOut(
            plan_id=one.plan_id,
            kind=one.kind,
            kind_zh=LOSS_ZH[one.kind],
            value=one.value,
            types=list(one.types),
            bodies=list(one.bodies),
            licenses=one.total,
            reason=one.reason,
            state=one.state,
            state_zh=PLAN_ZH[one.state],
            waits_for=one.waits_for if one.state is PlanState.RUNNING else "",
            proposed_by=one.proposed_by,
            proposed_at=one.proposed_at,
            opinion=one.opinion,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
            ended_by=one.ended_by,
            ended_at=one.ended_at,
        )


class ResealRowOut(Model):
    """Licenses in force of one type and body."""

    type: str
    type_name: str
    issuer_code: str
    issuer_name: str
    licenses: int
    operations: int = Field(description="用印次数：张数乘以签章方案的印章数")
    seals: list[str]
    problem: str = Field(description="现在不能换章的原因，空为可以")


class SealCostOut(Model):
    """What the plan asks of one seal."""

    seal_id: str
    name: str
    operations: int = Field(description="用印次数")
    daily_budget: int
    days: int = Field(description="按每日上限的一半（其余留给当日业务）约需几天")


class ResealPreviewOut(Model):
    """What the plan would do as things are."""

    licenses: int
    rows: list[ResealRowOut]
    costs: list[SealCostOut]

    @staticmethod
    def of(found: Preview) -> ResealPreviewOut:
        """From the command's answer."""
        return ResealPreviewOut(
            licenses=found.licenses,
            rows=[
                ResealRowOut(
                    type=row.type_slug,
                    type_name=row.type_name,
                    issuer_code=row.issuer_code,
                    issuer_name=row.issuer_name,
                    licenses=row.licenses,
                    operations=row.operations,
                    seals=list(row.seals),
                    problem=row.problem,
                )
                for row in found.rows
            ],
            costs=[
                SealCostOut(
                    seal_id=one.seal_id,
                    name=one.name,
                    operations=one.operations,
                    daily_budget=one.daily_budget,
                    days=one.days,
                )
                for one in found.costs
            ],
        )


class ResealProgressOut(Model):
    """A plan, how far it is, and what it would do while it is proposed."""

    plan: ResealPlanOut
    resealed: int
    skipped: int
    failed: int
    preview: ResealPreviewOut | None


class ResealPlanPageOut(Model):
    """Newest first; ask again with ``next`` as ``before``, unless it is empty."""

    plans: list[ResealPlanOut]
    next: str


class ResealItemOut(Model):
    """What became of one license."""

    identifier: str
    outcome: ResealOutcome
    outcome_zh: str
    code: str
    detail: str
    at: datetime

    @staticmethod
    def of(one: ResealItem) -> ResealItemOut:
        """From a record."""
        return ResealItemOut(
            identifier=one.identifier,
            outcome=one.outcome,
            outcome_zh=OUTCOME_ZH[one.outcome],
            code=one.code,
            detail=one.detail,
            at=one.at,
        )


class ResealItemPageOut(Model):
    """Ask again with ``next`` as ``behind``, unless it is empty."""

    items: list[ResealItemOut]
    next: str


class PlanMoveIn(Model):
    """暂停、继续、取消."""

    move: PlanMove = Field(description="pause 暂停 · resume 继续 · cancel 取消（已换的不退回）")


@router.post("/v1/care/plans", status_code=201)
def proposed(
    request: Request, body: ResealPlanBody, caller: Annotated[Principal, Depends(PROPOSER)]
) -> ResealProgressOut:
    """提出换章计划，答复含预览；由安全保密管理员审批后办理."""
    plan, preview = propose_plan(deps_of(request), caller, body)
    return ResealProgressOut(
        plan=ResealPlanOut.of(plan), resealed=0, skipped=0, failed=0, preview=ResealPreviewOut.of(preview)
    )


@router.get("/v1/care/plans")
def listed(request: Request, caller: Annotated[Principal, Depends(READER)], before: Behind = "") -> ResealPlanPageOut:
    """换章计划，新的在前."""
    found = list_plans(deps_of(request), caller, before=before)
    return ResealPlanPageOut(
        plans=[ResealPlanOut.of(one) for one in found], next=found[-1].plan_id if len(found) == MAX_LISTED else ""
    )


@router.get("/v1/care/plans/{plan_id}")
def one(request: Request, plan_id: PlanId, caller: Annotated[Principal, Depends(READER)]) -> ResealProgressOut:
    """一项换章计划和进度；待审批的含预览."""
    progress, preview = read_plan(deps_of(request), caller, plan_id)
    return ResealProgressOut(
        plan=ResealPlanOut.of(progress.plan),
        resealed=progress.counts[ResealOutcome.RESEALED],
        skipped=progress.counts[ResealOutcome.SKIPPED],
        failed=progress.counts[ResealOutcome.FAILED],
        preview=ResealPreviewOut.of(preview) if preview is not None else None,
    )


@router.get("/v1/care/plans/{plan_id}/licenses")
def outcomes(
    request: Request,
    plan_id: PlanId,
    caller: Annotated[Principal, Depends(READER)],
    outcome: Annotated[ResealOutcome, Query(description="resealed 已换章 · skipped 不换 · failed 未办成")],
    behind: Behind = "",
) -> ResealItemPageOut:
    """计划中某一种结果的证照和原因."""
    found = read_outcomes(deps_of(request), caller, plan_id, outcome, behind=behind)
    return ResealItemPageOut(
        items=[ResealItemOut.of(item) for item in found], next=found[-1].version_id if len(found) == MAX_LISTED else ""
    )


@router.post("/v1/care/plans/{plan_id}/decision", status_code=201)
def decided(
    request: Request, plan_id: PlanId, body: ResealDecisionBody, caller: Annotated[Principal, Depends(DECIDER)]
) -> ResealPlanOut:
    """审批，提出人不得审批；批准后即由工作进程办理，实时制证优先."""
    return ResealPlanOut.of(decide_plan(deps_of(request), caller, plan_id, body))


@router.post("/v1/care/plans/{plan_id}/moves", status_code=201)
def moved(
    request: Request, plan_id: PlanId, body: PlanMoveIn, caller: Annotated[Principal, Depends(MOVER)]
) -> ResealPlanOut:
    """暂停、继续或取消；正在办理的几张办完为止."""
    return ResealPlanOut.of(move_plan(deps_of(request), caller, plan_id, body.move))
