"""亮明身份: officers open a visit, join it and close it; whoever is visited sees who came, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import end_of_day, local_day, rfc3339
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.visits.repeats import earlier, told
from certsvc.errors import Conflict, FieldProblem, InvalidIdentifier, InvalidInput, NotFound, RepeatVisit
from certsvc.events.visit_payloads import VisitClosed, VisitJoined, VisitOpened
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.region import Region
from certsvc.license.model import Holder
from certsvc.license.officers import MAX_KINDS, Officer, badge_fault
from certsvc.license.visits import MAX_DEPARTMENTS, MAX_HOURS, TaskKind, Visit, VisitOfficer, VisitState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload

NO_VISIT = "没有这次检查，请核对编号"
Badge = Annotated[str, Field(max_length=32)]
Kind = Annotated[str, Field(min_length=1, max_length=30)]


class TargetBody(BaseModel):
    """被检查的单位或个人."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holder_code_type: str = Field(max_length=3, description="持证主体代码类型代码")
    holder_code: str = Field(max_length=64, description="持证主体代码")
    name: Line = Field(default="", max_length=100)


class TeamBody(BaseModel):
    """来检查的人：本人和第二名执法人员."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    badge: Badge = Field(description="本人执法证号")
    second_badge: Badge = Field(default="", description="第二名执法人员的执法证号")
    kinds: tuple[Kind, ...] = Field(
        default=(), max_length=MAX_KINDS, description="本次检查的执法类别，缺省为名册中的全部"
    )


class OpenBody(TeamBody):
    """登记一次检查."""

    task_kind: TaskKind
    task_no: Line = Field(min_length=1, max_length=64, description="任务编号或检查通知书文号")
    region: str = Field(max_length=6, description="检查地点的行政区划代码")
    place: Line = Field(default="", max_length=120, description="检查地点")
    departments: tuple[str, ...] = Field(default=(), max_length=MAX_DEPARTMENTS, description="联合检查的其他机关")
    target: TargetBody | None = None
    repeat_reason: Line = Field(default="", max_length=200, description="近期已被检查的，说明再次检查的理由")
    hours: int = Field(default=8, ge=1, le=MAX_HOURS)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Team:
    first: Officer
    second: Officer | None
    kinds: tuple[str, ...]

    @property
    def everyone(self) -> tuple[Officer, ...]:
        return (self.first, self.second) if self.second else (self.first,)


def open_visit(deps: Deps, caller: Principal, body: OpenBody) -> Visit:
    """Open a visit; asked again for the same task while it is open, the same visit.

    Raises:
        InvalidInput: a badge that is not the caller's or not in force, trade or place beyond the register's entry …
        RepeatVisit: the one to be visited was visited within the days of the policy, and no reason is given.
        Conflict: one of the officers is in another open visit.
    """
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    target = _target(body)
    _check_departments(deps, caller, body.departments)
    with deps.uow() as tx:
        team = _team(deps, tx, caller, body, body.region, now)
        mine = tx.visits.duties([caller.subject], now=now).get(caller.subject)
        if mine is not None and (mine.visit.task_no, mine.visit.region) == (body.task_no, body.region):
            return tx.visits.by_ids([mine.visit.visit_id])[mine.visit.visit_id]
        blind = tx.visits.target_of(target) if target else b""
        before = earlier(deps, tx, blind, now) if blind else ()
        if before and not body.repeat_reason:
            raise RepeatVisit(f"该单位{told(deps, before)}。请优先合并检查；确需再次检查的，填写 repeat_reason 后重试")
        visit = Visit(
            visit_id=deps.ids.new("vis"),
            token=deps.ids.token(),
            authority_code=caller.authority_code,
            departments=body.departments,
            opened_by=caller.subject,
            task_kind=body.task_kind,
            task_no=body.task_no,
            region=body.region,
            place=body.place,
            kinds=team.kinds,
            target=blind,
            target_name=target.name if target else "",
            repeat_reason=body.repeat_reason if before else "",
            opened_at=now,
            valid_until=min(now + timedelta(hours=body.hours), *(end_of_day(one.valid_until) for one in team.everyone)),
        )
        visit = replace(visit, officers=_officers(visit.visit_id, team, now))
        tx.visits.let_go([one.badge for one in team.everyone], now=now)
        if not tx.visits.open(visit, token_sha256=token_sha256(visit.token)):
            raise _busy()
        payload = VisitOpened(
            visit_id=visit.visit_id,
            authority_code=visit.authority_code,
            departments=list(visit.departments),
            task_kind=visit.task_kind.value,
            task_no=visit.task_no,
            region=visit.region,
            officers=len(visit.officers),
            repeated=bool(before),
            valid_until=rfc3339(visit.valid_until),
        )
        tell(deps, tx, visit, payload, caller, {"badges": [one.badge for one in visit.officers]}, now)
    return visit


def join_visit(deps: Deps, caller: Principal, visit_id: str, body: TeamBody) -> Visit:
    """Take part in a visit of the own body or of one that named it; whoever is in it already stays as he is.

    Raises:
        NotFound: no such visit, or not one for the caller's body.
        Conflict: it has ended, or one of the officers is in another open visit.
    """
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow() as tx:
        visit = tx.visits.hold(visit_id)
        if visit is None or caller.authority_code not in {visit.authority_code, *visit.departments}:
            raise NotFound(NO_VISIT)
        if not visit.may_join(caller.authority_code, now):
            raise Conflict("这次检查已经结束，不能再加入，请另行登记")
        team = _team(deps, tx, caller, body, visit.region, now)
        known = {one.badge: one for one in visit.officers}
        new = tuple(one for one in _officers(visit_id, team, now) if one.badge not in known)
        if any(known[one.badge].left_at is not None for one in team.everyone if one.badge in known):
            raise Conflict("已退出这次检查，不能再加入，请另行登记")
        tx.visits.let_go([one.badge for one in new], now=now)
        if not tx.visits.join(new):
            raise _busy()
        if new:
            payload = VisitJoined(visit_id=visit_id, authority_code=caller.authority_code, officers=len(new))
            tell(deps, tx, visit, payload, caller, {"badges": [one.badge for one in new]}, now)
        return tx.visits.by_ids([visit_id])[visit_id]


def close_visit(deps: Deps, caller: Principal, visit_id: str) -> Visit:
    """End a visit of the own body, by one of its officers; an ended one stays as it ended.

    Raises:
        NotFound: no such visit, or the caller is no officer of the leading body in it.
    """
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow() as tx:
        visit = _taken_part(tx, caller, visit_id)
        if visit.authority_code != caller.authority_code:
            raise NotFound(NO_VISIT)
        if visit.state(now) is not VisitState.OPEN:
            return visit
        tx.visits.close(visit_id, at=now)
        payload = VisitClosed(
            visit_id=visit_id, authority_code=visit.authority_code, departments=list(visit.departments)
        )
        tell(deps, tx, visit, payload, caller, {}, now)
        return tx.visits.by_ids([visit_id])[visit_id]


def _taken_part(tx: UnitOfWork, caller: Principal, visit_id: str) -> Visit:
    """The visit, held; NotFound when there is none or the caller was never an officer of the own body in it."""
    visit = tx.visits.hold(visit_id)
    if visit is None or caller.subject not in {one.subject for one in visit.team(caller.authority_code)}:
        raise NotFound(NO_VISIT)
    return visit


def leave_visit(deps: Deps, caller: Principal, visit_id: str) -> Visit:
    """A body that joined takes its officers out; the visit goes on, and to leave twice changes nothing.

    Raises:
        NotFound: no such visit, or the caller is no officer of the own body in it.
        Conflict: the caller's body leads: it ends the visit for all.
    """
    roles.require(caller, roles.OFFICER)
    now = deps.clock.now()
    with deps.uow() as tx:
        visit = _taken_part(tx, caller, visit_id)
        if caller.authority_code == visit.authority_code:
            raise Conflict("本机关是这次检查的牵头机关，请结束检查，不能单独退出")
        left = tx.visits.leave(visit_id, caller.authority_code, at=now)
        if left:
            content = {"authority_code": caller.authority_code, "officers": left}
            record(tx, deps, kind="visit.left", subject=visit_id, actor=caller.subject, content=content, at=now)
        return tx.visits.by_ids([visit_id])[visit_id]


def tell(
    deps: Deps,
    tx: UnitOfWork,
    visit: Visit,
    payload: Payload,
    caller: Principal,
    more: dict[str, object],
    now: datetime,
) -> None:
    """Event and evidence of what happened to a visit."""
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=visit.visit_id, at=now))
    kind = payload.NAME.removesuffix(".v1")
    content = {"authority_code": caller.authority_code, "task_no": visit.task_no, **more}
    record(tx, deps, kind=kind, subject=visit.visit_id, actor=caller.subject, content=content, at=now)


def _team(deps: Deps, tx: UnitOfWork, caller: Principal, body: TeamBody, region: str, now: datetime) -> _Team:
    """The officers as the register knows them; InvalidInput for whoever is not on it, or not for this."""
    badges = [body.badge, *([body.second_badge] if body.second_badge else [])]
    for pointer, badge in zip(("/badge", "/second_badge"), badges, strict=False):
        fault = badge_fault(badge, sandbox=deps.policy.sandbox)
        if fault:
            raise _wrong(pointer, fault)
    found, today = tx.officers.by_badges(badges), local_day(now)
    entries = {badge: one for badge, one in found.items() if one.authority_code == caller.authority_code}
    first, second = entries.get(body.badge), entries.get(body.second_badge)
    if first is None or first.subject != caller.subject or not first.in_force(today):
        raise _wrong("/badge", "此执法证号不是您本人的有效证号，请与本机关的名册管理员核对")
    if body.second_badge and (second is None or not second.in_force(today)):
        raise _wrong("/second_badge", "第二名执法人员不在本机关的有效名册中，请核对执法证号")
    if second is not None and (second.badge == first.badge or second.subject == first.subject):
        raise _wrong("/second_badge", "第二名执法人员应为另一人")
    kinds = tuple(dict.fromkeys(body.kinds)) or first.kinds
    if not set(kinds) <= set(first.kinds):
        raise _wrong("/kinds", f"超出您的执法类别：{'、'.join(first.kinds)}")
    try:
        place = Region.parse(region)
    except InvalidIdentifier as error:
        raise InvalidIdentifier(error.kind, error.reason, pointer="/region") from error
    team = _Team(first=first, second=second, kinds=kinds)
    if not all(Region.parse(one.region).contains(place) for one in team.everyone):
        raise _wrong("/region", "检查地点不在执法人员的执法区域内")
    return team


def _officers(visit_id: str, team: _Team, now: datetime) -> tuple[VisitOfficer, ...]:
    return tuple(
        VisitOfficer(
            visit_id=visit_id,
            badge=one.badge,
            subject=one.subject,
            authority_code=one.authority_code,
            unit=one.unit,
            # The second officer sees what the visit is for, and no more than the own entry allows.
            kinds=tuple(kind for kind in team.kinds if kind in one.kinds),
            region=one.region,
            joined_at=now,
        )
        for one in team.everyone
    )


def _check_departments(deps: Deps, caller: Principal, departments: Sequence[str]) -> None:
    for index, code in enumerate(departments):
        if not deps.catalog.has_authority(code) or code == caller.authority_code or code in departments[:index]:
            raise _wrong(f"/departments/{index}", "联合检查的机关应在目录中、不重复，且不含本机关")


def _target(body: OpenBody) -> Holder | None:
    if body.target is None:
        return None
    try:
        HolderCode.parse(body.target.holder_code_type, body.target.holder_code)
    except InvalidIdentifier as error:
        raise InvalidIdentifier(error.kind, error.reason, pointer="/target/holder_code") from error
    return Holder(name=body.target.name, code=body.target.holder_code, code_type=body.target.holder_code_type)


def _busy() -> Conflict:
    return Conflict("有执法人员正在另一次检查中，请先结束那次检查")


def _wrong(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code="invalid", detail=detail),))
