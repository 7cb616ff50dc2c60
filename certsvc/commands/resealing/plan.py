"""Plans of 成批换章: previewed and proposed by an operator, decided by a security officer, paused and taken back."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.care.inventory import known_groups
from certsvc.commands.evidence.record import record
from certsvc.commands.imports.pace import SHARE
from certsvc.commands.issuance.sealing import plan_steps
from certsvc.commands.shapes import Line
from certsvc.commands.supervision.reach import tell
from certsvc.errors import CertsvcError, Conflict, Forbidden, InvalidInput, NotFound, UnknownLicenseType
from certsvc.events.care_payloads import ResealPlanMoved
from certsvc.license.reseal import PLAN_MOVES, PLAN_ZH, PlanMove, PlanProgress, PlanState, ResealOutcome, ResealPlan
from certsvc.seal.care import LOSS_ZH, Loss, LossKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.care.inventory import KnownGroup
    from certsvc.commands.issuance.sealing import SealStep
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.reseal import ResealItem

READERS = (roles.OPERATOR, roles.SECURITY, roles.AUDITOR)
MAX_LISTED = 50
"""Plans, or outcomes, in one answer."""
MAX_NAMED = 200
"""Types or bodies that a plan may name: what one person can look through."""
MAX_TEXT = 500
"""Characters of a reason or an opinion; bounds what one account can write."""
NO_PLAN_ZH = "没有这项换章计划，请核对编号"


class ResealPlanBody(BaseModel):
    """换章计划：换掉依赖什么的文件，哪些证照，为什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: LossKind = Field(description="要换掉的一项：ca 证书颁发机构 · seal 印章 · algorithm 算法 · tsa 时间戳机构")
    value: Line = Field(min_length=1, max_length=200, description="取值见清点（GET /v1/care/inventory），如 rsa")
    types: tuple[Line, ...] = Field(default=(), max_length=MAX_NAMED, description="证照类型，缺省为全部")
    bodies: tuple[Line, ...] = Field(default=(), max_length=MAX_NAMED, description="颁发机构代码，缺省为全部")
    reason: Line = Field(min_length=2, max_length=MAX_TEXT, description="理由和依据")


class ResealDecisionBody(BaseModel):
    """审批：批准与否."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approve: bool
    opinion: Line = Field(default="", max_length=MAX_TEXT, description="审批意见；不批准的须写明")


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRow:
    """Licenses in force of one type and body that a plan means.

    Attributes:
        operations: uses of seals for all of them.
        seals: names of the seals that the signature plan of today takes.
        problem: why none of them can be sealed anew as things are, in Chinese, or empty.
    """

    type_slug: str
    type_name: str
    issuer_code: str
    issuer_name: str
    licenses: int
    operations: int
    seals: tuple[str, ...]
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SealCost:
    """What a plan asks of one seal: uses in all, what a day allows, and how many days that takes at half of it."""

    seal_id: str
    name: str
    operations: int
    daily_budget: int
    days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a plan would do as things are."""

    rows: tuple[PreviewRow, ...]
    costs: tuple[SealCost, ...]

    @property
    def licenses(self) -> int:
        """How many are meant, those with a problem too."""
        return sum(row.licenses for row in self.rows)


def meant(known: Sequence[KnownGroup], loss: Loss, types: Sequence[str], bodies: Sequence[str]) -> list[KnownGroup]:
    """Groups of files of licenses in force that stand on what is to go."""
    return [
        one
        for one in known
        if one.group.in_force
        and (not types or one.group.type_slug in types)
        and (not bodies or one.group.issuer_code in bodies)
        and any(map(loss.hits, one.signatures))
    ]


def loss_of(deps: Deps, kind: LossKind, value: str) -> Loss:
    """What is to go, as of today."""
    return Loss(kind=kind, value=value, on=local_day(deps.clock.now()))


def same_ground(deps: Deps, steps: Sequence[SealStep], loss: Loss) -> bool:
    """Whether what is sealed today would stand on what is to go."""
    now = deps.clock.now()
    return any(loss.hits(deps.sealer.facts(step.seal, step.format, signed_at=now)) for step in steps)


def propose_plan(deps: Deps, caller: Principal, body: ResealPlanBody) -> tuple[ResealPlan, Preview]:
    """Propose; nothing happens before a second person approves.

    Raises:
        InvalidInput: an unknown type or body, or no license in force stands on what is named.
        Conflict: what is sealed today stands on it too, for every license that is meant.
    """
    roles.require(caller, roles.OPERATOR)
    _check_named(deps, body)
    with deps.uow.read() as tx:  # it reads the whole register, and nobody who writes waits for that
        preview = _preview(deps, tx, body.kind, body.value, body.types, body.bodies)
    if not preview.rows:
        raise InvalidInput(f"没有有效证照的文件依赖{LOSS_ZH[body.kind]}“{body.value}”，取值见 certsvc care inventory")
    if all(row.problem for row in preview.rows):
        raise Conflict(f"所列证照现在都不能换章：{preview.rows[0].problem}")
    now = deps.clock.now()
    with deps.uow() as tx:
        plan = ResealPlan(
            plan_id=deps.ids.new("pln"),
            kind=body.kind,
            value=body.value,
            types=tuple(dict.fromkeys(body.types)),
            bodies=tuple(dict.fromkeys(body.bodies)),
            total=preview.licenses,
            reason=body.reason,
            state=PlanState.PROPOSED,
            proposed_by=caller.subject,
            proposed_at=now,
        )
        tx.reseals.insert(plan)
        tell_plan(deps, tx, plan, caller.subject, now)
    return plan, preview


def decide_plan(deps: Deps, caller: Principal, plan_id: str, body: ResealDecisionBody) -> ResealPlan:
    """Approve, which starts it, or decline, as a second person.

    Raises:
        NotFound: no such plan.
        Forbidden: no security officer, no person, or the one who proposed it.
        InvalidInput: declined without an opinion.
        Conflict: it was decided or cancelled.
    """
    roles.require(caller, roles.SECURITY)
    if not body.approve and not body.opinion:
        raise InvalidInput("不批准的须写明意见（opinion）")
    now = deps.clock.now()
    with deps.uow() as tx:
        plan = _known(tx, plan_id)
        if caller.kind != "person" or plan.proposed_by == caller.subject:
            raise Forbidden("提出人和审批人不得为同一人，且须由人员本人审批")
        decided = replace(
            plan,
            state=PlanState.RUNNING if body.approve else PlanState.DECLINED,
            opinion=body.opinion,
            decided_by=caller.subject,
            decided_at=now,
            ended_by="" if body.approve else caller.subject,
            ended_at=None if body.approve else now,
        )
        if plan.state is not PlanState.PROPOSED or not tx.reseals.move(decided, source=PlanState.PROPOSED, now=now):
            raise Conflict(f"这项计划现在是“{PLAN_ZH[plan.state]}”，不能再审批")
        tell_plan(deps, tx, decided, caller.subject, now)
    return decided


def move_plan(deps: Deps, caller: Principal, plan_id: str, move: PlanMove) -> ResealPlan:
    """Pause, resume or cancel. The licenses in a worker's hand are finished; what was sealed stays.

    Raises:
        NotFound: no such plan.
        Conflict: its state does not allow it.
    """
    roles.require(caller, roles.OPERATOR, roles.SECURITY)
    sources, target = PLAN_MOVES[move]
    now = deps.clock.now()
    with deps.uow() as tx:
        plan = _known(tx, plan_id)
        moved = replace(plan, state=target)
        if target is PlanState.CANCELLED:
            moved = replace(moved, ended_by=caller.subject, ended_at=now)
        if plan.state not in sources or not tx.reseals.move(moved, source=plan.state, now=now):
            raise Conflict(f"这项计划现在是“{PLAN_ZH[plan.state]}”，不能这样办理")
        tell_plan(deps, tx, moved, caller.subject, now)
    return moved


def read_plan(deps: Deps, caller: Principal, plan_id: str) -> tuple[PlanProgress, Preview | None]:
    """A plan and how far it is; what it would do, while it is proposed. NotFound."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        plan = _known(tx, plan_id)
        preview = None
        if plan.state is PlanState.PROPOSED:
            preview = _preview(deps, tx, plan.kind, plan.value, plan.types, plan.bodies)
        return PlanProgress(plan=plan, counts=tx.reseals.counts(plan_id)), preview


def list_plans(deps: Deps, caller: Principal, *, before: str = "") -> Sequence[ResealPlan]:
    """Plans, newest first, at most :data:`MAX_LISTED`; those before an id, if one is given."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.reseals.newest(before=before, limit=MAX_LISTED)


def read_outcomes(
    deps: Deps, caller: Principal, plan_id: str, outcome: ResealOutcome, *, behind: str = ""
) -> Sequence[ResealItem]:
    """Licenses with an outcome and the reason, at most :data:`MAX_LISTED`, behind the id of a version. NotFound."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        _known(tx, plan_id)
        return tx.reseals.items(plan_id, outcome, behind=behind, limit=MAX_LISTED)


def tell_plan(
    deps: Deps,
    tx: UnitOfWork,
    plan: ResealPlan,
    actor: str,
    now: datetime,
    counts: Mapping[ResealOutcome, int] | None = None,
) -> None:
    """Event and evidence of a step of a plan."""
    payload = ResealPlanMoved(
        plan_id=plan.plan_id, kind=plan.kind.value, value=plan.value, state=plan.state.value, licenses=plan.total
    )
    tell(deps, tx, payload, plan.plan_id, now)
    content = {
        "kind": plan.kind.value,
        "value": plan.value,
        "types": list(plan.types),
        "bodies": list(plan.bodies),
        "licenses": plan.total,
        "state": plan.state.value,
        "reason_sha256": hashlib.sha256(plan.reason.encode()).hexdigest(),
        "opinion_sha256": hashlib.sha256(plan.opinion.encode()).hexdigest(),
        **{outcome.value: count for outcome, count in (counts or {}).items()},
    }
    record(tx, deps, kind="care.plan_moved", subject=plan.plan_id, actor=actor, content=content, at=now)


def _known(tx: UnitOfWork, plan_id: str) -> ResealPlan:
    plan = tx.reseals.by_id(plan_id)
    if plan is None:
        raise NotFound(NO_PLAN_ZH)
    return plan


def _check_named(deps: Deps, body: ResealPlanBody) -> None:
    for slug in body.types:
        deps.catalog.type(slug)
    unknown = [code for code in body.bodies if not deps.catalog.has_authority(code)]
    if unknown:
        raise InvalidInput(f"机构目录中没有 {unknown[0]}，请核对代码")


def _preview(
    deps: Deps, tx: UnitOfWork, kind: LossKind, value: str, types: Sequence[str], bodies: Sequence[str]
) -> Preview:
    loss = loss_of(deps, kind, value)
    files: Counter[tuple[str, str]] = Counter()
    for one in meant(known_groups(tx, loss.on), loss, types, bodies):
        files[one.group.type_slug, one.group.issuer_code] += one.group.files
    asked: Counter[str] = Counter()
    rows = []
    for (slug, code), count in sorted(files.items()):
        steps, problem = _steps(deps, tx, slug, code, loss)
        asked.update({step.seal.seal_id: count for step in steps} if not problem else {})
        rows.append(
            PreviewRow(
                type_slug=slug,
                type_name=deps.catalog.type(slug).name if steps else slug,
                issuer_code=code,
                issuer_name=deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code,
                licenses=count,
                operations=0 if problem else count * len(steps),
                seals=tuple(step.seal.name for step in steps),
                problem=problem,
            )
        )
    seals = tx.seals.by_ids(sorted(asked))
    costs = [
        SealCost(
            seal_id=seal_id,
            name=seals[seal_id].name,
            operations=uses,
            daily_budget=seals[seal_id].daily_budget,
            days=-(-uses // max(1, int(seals[seal_id].daily_budget * SHARE))),
        )
        for seal_id, uses in sorted(asked.items())
    ]
    return Preview(rows=tuple(rows), costs=tuple(costs))


def _steps(deps: Deps, tx: UnitOfWork, slug: str, code: str, loss: Loss) -> tuple[tuple[SealStep, ...], str]:
    """What seals today's licenses of a type and body, and why that does not help."""
    try:
        steps = plan_steps(deps, tx, deps.catalog.type(slug), code)
    except UnknownLicenseType:
        return (), "证照类型已不在目录中"
    except CertsvcError as error:
        return (), error.detail
    if same_ground(deps, steps, loss):
        return steps, "现行签章方案仍依赖要换掉的一项，请先调整签章方案或印章"
    return steps, ""
