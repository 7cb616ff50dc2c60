"""用证策略 step by step: the using body asks, the issuer decides, the operator opens, any of them closes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.answer_keys import MAX_KEYS
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.matters.who import NO_POLICY_ZH, may_close, mine, requesting_body, seen_policy
from certsvc.commands.shapes import Day, Line
from certsvc.commands.sharing.consent_only import check_duty_on_record
from certsvc.commands.sharing.policy_board import SEED, fault_in, judge, seed_policy
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.events.matter_payloads import (
    PolicyApproved,
    PolicyClosed,
    PolicyMoved,
    PolicyOpened,
    PolicyRefused,
    PolicyRequested,
)
from certsvc.identifiers.use_basis import DUTY
from certsvc.license.policies import MAX_OPEN_AHEAD_DAYS, MAX_QUOTA, POLICY_SOURCES, Policy, PolicyState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MAX_REASON = 500
"""Characters of a purpose or reason."""
REPLACED_ZH = "由新的用证策略取代"

PAYLOAD: dict[PolicyState, type[PolicyMoved]] = {
    PolicyState.REQUESTED: PolicyRequested,
    PolicyState.APPROVED: PolicyApproved,
    PolicyState.REFUSED: PolicyRefused,
    PolicyState.OPEN: PolicyOpened,
    PolicyState.CLOSED: PolicyClosed,
}


class PolicyBody(BaseModel):
    """用证策略申请：哪个事项、要哪类证照的哪些内容、凭什么、为什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(max_length=33, description="事项实施编码")
    type: Line = Field(max_length=64, description="证照类型；电子材料写作 material:材料种类编码")
    keys: tuple[str, ...] = Field(
        min_length=1,
        max_length=MAX_KEYS,
        description="信息项；*copy 加注件；?valid 是否有效、?scope:字段 是否包含、?holder 是否为本人",
    )
    bases: tuple[Literal["consent", "duty"], ...] = Field(min_length=1, max_length=2)
    quota: int | None = Field(default=None, ge=1, le=MAX_QUOTA, description="每日用量上限，缺省不限")
    purpose: Line = Field(min_length=5, max_length=MAX_REASON, description="用证理由和依据")


def request_policy(deps: Deps, caller: Principal, body: PolicyBody) -> Policy:
    """Ask for what a matter of the own body needs of a type.

    Raises:
        ConsentOnly: on duty, for a body that acts on consent alone; the refusal is on record.
        NotFound: no such matter of the caller's body in force.
        InvalidInput: no such type, or keys or bases at fault.
        Conflict: one of the same matter and type is in hand, or exactly this counts already.
    """
    authority = requesting_body(caller)
    if DUTY in body.bases:
        check_duty_on_record(deps, caller, wished="policy", matter_code=body.matter_code)
    if deps.catalog.material_kind(body.type) is None:
        deps.catalog.type(body.type)
    _check_keys(deps, body)
    now = deps.clock.now()
    with deps.uow() as tx:
        picture = deps.policies.look(tx, deps.catalog, now)
        matter = picture.find(body.matter_code)
        if matter is None or matter.authority_code != authority:
            raise NotFound("没有这个事项，或不是本单位实施；请核对事项实施编码")
        counts = picture.of(matter, body.type)
        if counts is not None and _same(body, counts.keys, counts.bases, counts.quota):
            raise Conflict("同样内容的用证策略已经开通，无须再申请")
        policy = Policy(
            policy_id=deps.ids.new("pol"),
            matter_code=matter.code,
            authority_code=authority,
            type_slug=body.type,
            keys=body.keys,
            bases=tuple(sorted(body.bases)),
            quota=body.quota,
            purpose=body.purpose,
            state=PolicyState.REQUESTED,
            requested_by=caller.subject,
            requested_at=now,
        )
        if not tx.policies.request(policy):
            raise Conflict("同一事项和证照类型已有一件申请在办；请等它办结，或先将其关闭")
        _tell(deps, tx, caller, policy, now)
    return policy


def decide_policy(deps: Deps, caller: Principal, policy_id: str, *, approve: bool, reason: str = "") -> Policy:
    """Agree or not, for a body that issues the type, or registered the kind of material; a refusal has a reason.

    Raises:
        NotFound: not about a type of the caller's body.
        Forbidden: the caller asked for it.
        InvalidInput: a refusal without a reason.
        Conflict: it is decided already, or points to nothing any more.
    """
    roles.require(caller, roles.POLICY_APPROVER)
    if not approve and not reason:
        problem = FieldProblem(pointer="/reason", code="missing", detail="不同意须写明理由")
        raise InvalidInput("不同意须写明理由", problems=(problem,))
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.policies.by_id(policy_id)
        if found is None or not mine(deps, caller, found.type_slug):
            raise NotFound(NO_POLICY_ZH)
        if found.requested_by == caller.subject:
            raise Forbidden("申请人不能审批自己的申请，请由证照颁发机构的其他人办理")
        if approve:
            _check_whole(deps, tx, found, now)
        state = PolicyState.APPROVED if approve else PolicyState.REFUSED
        decided = replace(found, state=state, decided_by=caller.subject, decided_at=now, reason=reason)
        _move(deps, tx, caller, decided, now)
    return decided


def open_policy(deps: Deps, caller: Principal, policy_id: str, *, opened_on: Day | None = None) -> Policy:
    """Let it count from a day on, today unless told otherwise; what counted before is closed when it begins.

    Raises:
        NotFound: no such policy.
        Forbidden: the caller asked for it or agreed to it.
        InvalidInput: a day that is over or too far ahead.
        Conflict: nobody agreed to it, or it points to nothing any more.
    """
    roles.require(caller, roles.OPERATOR)
    now = deps.clock.now()
    today = local_day(now)
    day = opened_on or today
    if not today <= day <= today + timedelta(days=MAX_OPEN_AHEAD_DAYS):
        detail = f"开通日期应在今日至 {MAX_OPEN_AHEAD_DAYS} 日之内"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/opened_on", code="range", detail=detail),))
    with deps.uow() as tx:
        found = tx.policies.by_id(policy_id)
        if found is None:
            raise NotFound(NO_POLICY_ZH)
        if caller.subject in {found.requested_by, found.decided_by}:
            raise Forbidden("申请、审批和开通须由不同的人办理")
        _check_whole(deps, tx, found, now)
        opened = replace(found, state=PolicyState.OPEN, opened_by=caller.subject, opened_at=now, opened_on=day)
        _move(deps, tx, caller, opened, now)
        if opened.began(today):
            _close_older(deps, tx, caller, opened, now)
        tx.policies.set_mark(deps.ids.new("mrk"))
    return opened


def close_policy(deps: Deps, caller: Principal, policy_id: str, *, reason: str) -> Policy:
    """Close it, at any step, or a policy of the seed; the next request finds it closed.

    Raises:
        NotFound: not a policy of the caller's body, nor about a type of it.
        Conflict: it was refused, or is closed already.
    """
    roles.require(caller, roles.USING, roles.POLICY_REQUESTER, roles.POLICY_APPROVER, roles.OPERATOR)
    now = deps.clock.now()
    with deps.uow() as tx:
        if policy_id.startswith(f"{SEED}:"):
            closed = _close_seed(deps, tx, caller, policy_id, reason, now)
        else:
            found = seen_policy(deps, tx, caller, policy_id)
            if not may_close(deps, caller, found):
                raise NotFound(NO_POLICY_ZH)
            closed = _closed(found, caller, reason, now)
            _move(deps, tx, caller, closed, now)
            if found.began(local_day(now)):
                _close_older(deps, tx, caller, closed, now)
        tx.policies.set_mark(deps.ids.new("mrk"))
    return closed


def _closed(found: Policy, caller: Principal, reason: str, now: datetime) -> Policy:
    return replace(found, state=PolicyState.CLOSED, closed_by=caller.subject, closed_at=now, close_reason=reason)


def _close_seed(deps: Deps, tx: UnitOfWork, caller: Principal, policy_id: str, reason: str, now: datetime) -> Policy:
    """A row that says so: from now on the database speaks for this matter and type."""
    code, _, slug = policy_id.removeprefix(f"{SEED}:").partition(":")
    matter = next((one for one in deps.catalog.matters if one.code == code), None)
    if matter is None or slug not in matter.allows:
        raise NotFound(NO_POLICY_ZH)
    seed = seed_policy(matter, slug)
    if not may_close(deps, caller, seed):
        raise NotFound(NO_POLICY_ZH)
    today = local_day(now)
    if any(one.began(today) for one in tx.policies.of_pair(code, slug)):
        raise Conflict("目录中的这条用证策略已由登记的策略取代，或已关闭")
    row = replace(seed, policy_id=deps.ids.new("pol"), requested_at=now, opened_at=now, opened_on=today)
    closed = _closed(row, caller, reason, now)
    tx.policies.insert_closed(closed)
    _tell(deps, tx, caller, closed, now)
    return closed


def _close_older(deps: Deps, tx: UnitOfWork, caller: Principal, newest: Policy, now: datetime) -> None:
    """Older ones of the same matter and type that had begun: closing the newest must not bring an older one back."""
    for one in tx.policies.of_pair(*newest.pair):
        older = one.age < newest.age and one.state is PolicyState.OPEN and one.began(local_day(now))
        if older:
            _move(deps, tx, caller, _closed(one, caller, REPLACED_ZH, now), now)


def _check_keys(deps: Deps, body: PolicyBody) -> None:
    problems = [
        FieldProblem(pointer=f"/keys/{index}", code="unknown_key", detail=fault)
        for index, key in enumerate(body.keys)
        if (fault := fault_in(deps.catalog, body.type, key))
    ]
    if len(set(body.keys)) != len(body.keys):
        problems.append(FieldProblem(pointer="/keys", code="repeated", detail="各项不能重复"))
    if len(set(body.bases)) != len(body.bases):
        problems.append(FieldProblem(pointer="/bases", code="repeated", detail="各项不能重复"))
    if problems:
        raise InvalidInput("用证范围有误，请按提示更正", problems=tuple(problems))


def _same(body: PolicyBody, keys: tuple[str, ...], bases: tuple[str, ...], quota: int | None) -> bool:
    return set(body.keys) == set(keys) and set(body.bases) == set(bases) and body.quota == quota


def _check_whole(deps: Deps, tx: UnitOfWork, policy: Policy, now: datetime) -> None:
    """Conflict for a policy that points to nothing any more."""
    matter = deps.policies.look(tx, deps.catalog, now).listed.get(policy.matter_code)
    shut, faults = judge(policy, matter, deps.catalog, local_day(now))
    reasons = (*shut, *faults.values())
    if reasons:
        raise Conflict(f"{'；'.join(reasons)}；请关闭后重新申请")


def _move(deps: Deps, tx: UnitOfWork, caller: Principal, policy: Policy, now: datetime) -> None:
    if not tx.policies.move(policy, sources=POLICY_SOURCES[policy.state]):
        raise Conflict("这条用证策略的状态已变化，不能这样办理，请刷新后再看")
    _tell(deps, tx, caller, policy, now)


def _tell(deps: Deps, tx: UnitOfWork, caller: Principal, policy: Policy, now: datetime) -> None:
    made = PAYLOAD[policy.state]
    extra = {"opened_on": policy.opened_on.isoformat()} if made is PolicyOpened and policy.opened_on else {}
    payload = made(
        policy_id=policy.policy_id,
        matter_code=policy.matter_code,
        authority_code=policy.authority_code,
        license_type=policy.type_slug,
        keys=list(policy.keys),
        bases=list(policy.bases),
        state=policy.state.value,
        **extra,
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=policy.policy_id, at=now))
    content = {"matter_code": policy.matter_code, "type": policy.type_slug, "state": policy.state.value, **extra}
    record(
        tx,
        deps,
        kind=f"policy.{policy.state.value}",
        subject=policy.policy_id,
        actor=caller.subject,
        content={**content, "keys": list(policy.keys), "bases": list(policy.bases)},
        at=now,
    )
