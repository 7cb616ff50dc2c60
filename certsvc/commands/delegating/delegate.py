"""代亮: a holder, a 法定代表人 or a 证照管理员 names somebody who may show named licenses for named scenes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.shapes import Day, Line
from certsvc.commands.sharing.policy import own_code
from certsvc.commands.showing.create_show import PROVISIONAL_NOT_SHOWN_ZH, scene_of
from certsvc.commands.showing.rights import NOT_YOURS_ZH, holder_of, require_alive, right_to_show, same
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.delegations import (
    ANY_MATTER,
    MAX_DELEGATION_DAYS,
    MAX_DELEGATION_USES,
    MAX_MANAGERS,
    MAX_OPEN_DELEGATIONS,
    MAX_SCOPE,
    MAX_USE_MATTERS,
    Delegation,
    DelegationLevel,
    DelegationState,
)
from certsvc.license.relations import RelationKind
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import Holder

MAX_SCENES = 20
"""Scenes of one license in a delegation; no type has as many."""

_MAY_DELEGATE = frozenset({ShowBasis.OWN, ShowBasis.REPRESENTATIVE, ShowBasis.DELEGATION})
"""A guardian acts in person, and a co-holder for the own part."""


class ScopeBody(BaseModel):
    """一张证照和可以出示的场景."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    identifier: str = Field(max_length=128, description="证照标识")
    scenes: tuple[str, ...] = Field(min_length=1, max_length=MAX_SCENES, description="亮证场景")


class DelegationBody(BaseModel):
    """代亮授权：给谁、哪些证照、哪些场景、到哪天、多少次."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delegate: PartyBody = Field(description="受托人；须是自然人，并以本人账号接受")
    licenses: tuple[ScopeBody, ...] = Field(min_length=1, max_length=MAX_SCOPE)
    until: Day = Field(description="最后一天，当天 24 时（北京时间）结束")
    max_uses: int = Field(default=100, ge=1, le=MAX_DELEGATION_USES, description="最多出示次数")
    under: str = Field(default="", max_length=64, description="证照管理员指定办事人时，填本人的代亮授权编号")
    use_matters: tuple[Line, ...] = Field(
        default=(), max_length=MAX_USE_MATTERS, description="可代为授权用证的事项实施编码；* 为任何事项，缺省只能亮证"
    )


def delegate(deps: Deps, caller: Principal, body: DelegationBody) -> Delegation:
    """Offer a delegation; nothing can be shown under it before the delegate accepts.

    Raises:
        NotFound: a license that the caller may not hand on, in the same words as one that does not exist.
        InvalidInput: delegate, scope or last day are not as they must be.
        Conflict: too young, dead by the register, five 证照管理员 already, too many delegations, or the caller's own
            has just ended.
    """
    roles.require(caller, roles.HOLDER)
    body = body.model_copy(update={"use_matters": tuple(own_code(deps, code) for code in body.use_matters)})
    now = deps.clock.now()
    delegate_holder = body.delegate.holder()
    _check_until(body, now)
    with deps.uow() as tx:
        require_alive(tx, caller)
        rights = [
            right_to_show(deps, tx, caller, one.identifier, now, delegation_id=body.under) for one in body.licenses
        ]
        holder, level = _chain(rights)
        _check_delegate(caller, holder, delegate_holder)
        scope = _scope(deps, body, rights)
        _hold_above(tx, rights[0], holder, level, body)
        _check_room(tx, holder, now)
        offered = Delegation(
            delegation_id=deps.ids.new("dlg"),
            parent_id=body.under,
            level=level,
            holder=holder,
            grantor=_grantor(rights[0], holder),
            delegate=delegate_holder,
            scope=scope,
            until=body.until,
            max_uses=body.max_uses,
            used=0,
            slot=0,
            state=DelegationState.OFFERED,
            created_at=now,
            use_matters=tuple(dict.fromkeys(body.use_matters)),
        )
        offered = _insert(tx, offered, now)
        content = {"delegation_id": offered.delegation_id, "level": level.value, "until": body.until.isoformat()}
        named = rows_of([offered])
        for right in rights:
            record(
                tx,
                deps,
                kind="delegation.offered",
                subject=right.version.identifier,
                actor=caller.subject,
                content={**content, "rows": named},
                at=now,
            )
            named = []  # the delegation is one row, which one leaf names
    return offered


def _chain(rights: list[Right]) -> tuple[Holder, DelegationLevel]:
    """Whose licenses these are, and which step of the chain this is."""
    first = rights[0]
    holder = first.version.holder
    if first.basis not in _MAY_DELEGATE:
        raise NotFound(NOT_YOURS_ZH)
    if any(right.basis is not first.basis or not same(right.version.holder, holder) for right in rights):
        raise InvalidInput("一份代亮授权只能包含同一持证主体的证照，请分开授权")
    if any(right.version.provisional for right in rights):
        raise InvalidInput(PROVISIONAL_NOT_SHOWN_ZH)
    above = first.delegation
    if above is not None:
        if above.level is not DelegationLevel.MANAGER:
            raise InvalidInput("只有证照管理员可以再指定办事人")
        return holder, DelegationLevel.STAFF
    company = HolderCodeType.of(holder.code_type).is_organisation
    return holder, DelegationLevel.MANAGER if company else DelegationLevel.FAMILY


def _grantor(right: Right, holder: Holder) -> Holder:
    if right.delegation is not None:
        return right.delegation.delegate
    other = right.relation.other if right.relation is not None else None
    return other if other is not None else holder


def _check_until(body: DelegationBody, now: datetime) -> None:
    today = local_day(now)
    last = today + timedelta(days=MAX_DELEGATION_DAYS)
    if not today <= body.until <= last:
        detail = f"应在 {today.isoformat()} 至 {last.isoformat()} 之间"
        raise InvalidInput(
            "代亮授权的最后一天不合要求",
            problems=(FieldProblem(pointer="/until", code="out_of_range", detail=detail),),
        )


def _check_delegate(caller: Principal, holder: Holder, named: Holder) -> None:
    detail = ""
    if HolderCodeType.of(named.code_type).is_organisation:
        detail = "受托人应是自然人，请填写其身份证件"
    elif same(named, holder) or same(named, holder_of(caller)):
        detail = "不能授权给自己"
    if detail:
        problem = FieldProblem(pointer="/delegate/code", code="not_a_delegate", detail=detail)
        raise InvalidInput(detail, problems=(problem,))


def _scope(deps: Deps, body: DelegationBody, rights: list[Right]) -> dict[str, tuple[str, ...]]:
    scope: dict[str, tuple[str, ...]] = {}
    for one, right in zip(body.licenses, rights, strict=True):
        kind = deps.catalog.type(right.version.type_slug)
        for code in one.scenes:
            scene_of(kind, code, right)
        known = scope.get(right.version.license_id, ())
        scope[right.version.license_id] = tuple(dict.fromkeys((*known, *one.scenes)))
    return scope


def _hold_above(tx: UnitOfWork, right: Right, holder: Holder, level: DelegationLevel, body: DelegationBody) -> None:
    """What the new one rests on must not end while it is made: it would be left without anything above it."""
    above = right.delegation
    if above is not None:
        if body.until > above.until:
            detail = f"不能晚于您本人授权的最后一天 {above.until.isoformat()}"
            problem = FieldProblem(pointer="/until", code="out_of_range", detail=detail)
            raise InvalidInput(detail, problems=(problem,))
        beyond = set(body.use_matters) - set(above.use_matters)
        if beyond and ANY_MATTER not in above.use_matters:
            detail = "不能超出您本人可代为授权的事项"
            problem = FieldProblem(pointer="/use_matters", code="beyond_own", detail=detail)
            raise InvalidInput(detail, problems=(problem,))
        if not tx.delegations.hold(above.delegation_id):
            raise Conflict("您本人的代亮授权刚刚结束，不能再指定办事人")
    elif level is DelegationLevel.MANAGER:
        for relation in tx.relations.of_subject(holder, RelationKind.REPRESENTATIVE):
            if not tx.relations.hold(relation.relation_id):
                raise Conflict("法定代表人刚刚变更，请由新任法定代表人授权")


def _check_room(tx: UnitOfWork, holder: Holder, now: datetime) -> None:
    if tx.delegations.count_open(holder, day=local_day(now)) >= MAX_OPEN_DELEGATIONS:
        raise Conflict(f"有效的代亮授权已有 {MAX_OPEN_DELEGATIONS} 份，请先结束不用的")


def _insert(tx: UnitOfWork, offered: Delegation, now: datetime) -> Delegation:
    if offered.level is not DelegationLevel.MANAGER:
        tx.delegations.insert(offered)
        return offered
    tx.delegations.free_slots(offered.holder, day=local_day(now))
    for slot in range(1, MAX_MANAGERS + 1):
        taken = replace(offered, slot=slot)
        if tx.delegations.insert(taken):
            return taken
    raise Conflict(f"一个单位最多 {MAX_MANAGERS} 名证照管理员，请先结束一名的授权")
