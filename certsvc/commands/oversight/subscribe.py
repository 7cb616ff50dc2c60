"""A regulator's subscription (监管订阅): asked by its system, approved by the issuer of the types, ended by either."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.consent_only import check_duty_on_record
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.oversight_payloads import OversightChanged
from certsvc.identifiers.region import Region
from certsvc.license.oversight import Oversight, OversightState, PushKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MAX_OVERSIGHTS = 20
"""Of one client that are asked for or active: every event of a license is compared with all of them."""
MAX_PAGE = 100
MAX_PAGES = 20
"""Pages looked at for one list of who decides, where others' fill them: bounds the time of one request."""
CLIENT_ENDED = "client_inactive"
"""Reason of a subscription whose client is active no more, or lost the role."""
DECIDERS = (roles.CATALOG_PROPOSER, roles.OPERATOR)
"""目录管理员 of an issuer of every type asked for, or the operator."""
SEE_ALL = (roles.AUDITOR, roles.OPERATOR)
_OPEN = frozenset({OversightState.ASKED, OversightState.ACTIVE})


class WantedType(BaseModel):
    """一类证照：按哪份清单推送，缺省为清单全部信息项."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Line = Field(max_length=64, description="证照类型", examples=["food_operation"])
    list: Line = Field(max_length=40, description="推送清单名称", examples=["routine"])
    fields: tuple[str, ...] = Field(default=(), max_length=100, description="只要其中的信息项，缺省为全部")


class OversightBody(BaseModel):
    """监管订阅：哪些证照、哪个地区、哪些变化、带哪些信息项."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = Field(max_length=6, description="行政区划代码，含其下级", examples=["990000"])
    types: tuple[WantedType, ...] = Field(min_length=1, max_length=50)
    kinds: tuple[PushKind, ...] = Field(
        min_length=1,
        max_length=5,
        description="issued 新发 · changed 变更 · ended 终止 · suspended 暂扣 · resumed 恢复",
    )


class DecisionOnOversight(BaseModel):
    """是否同意，以及理由."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agree: bool
    reason: Line = Field(default="", max_length=200, description="不同意时必填")


@dataclass(frozen=True, kw_only=True, slots=True)
class OversightsFound:
    """A page of subscriptions, and the id behind which to go on, empty at the end; a page may be short, or empty."""

    rows: Sequence[Oversight]
    next: str


def ask_oversight(deps: Deps, caller: Principal, body: OversightBody) -> Oversight:
    """Ask; nothing is pushed before it is approved.

    Raises:
        ConsentOnly: the caller's body supervises nobody; the refusal is on record.
        InvalidInput: no such region, type or list, or fields that the list does not have.
        Conflict: the client has as many as it may have.
    """
    roles.require(caller, roles.REGULATOR)
    check_duty_on_record(deps, caller, wished="oversight", matter_code="")
    Region.parse(body.region)
    now = deps.clock.now()
    oversight = Oversight(
        oversight_id=deps.ids.new("ovs"),
        client_id=caller.subject,
        authority_code=caller.authority_code,
        region=body.region,
        kinds=tuple(dict.fromkeys(body.kinds)),
        fields=_fields(deps, body.types),
        state=OversightState.ASKED,
        reason="",
        decided_by="",
        after=0,
        created_at=now,
        changed_at=now,
    )
    with deps.uow() as tx:
        own = tx.oversights.of_client(caller.subject, behind="", limit=MAX_PAGE)
        if sum(one.state in _OPEN for one in own) >= MAX_OVERSIGHTS or len(own) >= MAX_PAGE:
            raise Conflict(f"每个系统最多 {MAX_OVERSIGHTS} 个监管订阅，请合并证照类型，或先结束不用的")
        tx.oversights.insert(oversight)
        note(deps, tx, oversight, caller.subject, now)
    return oversight


def decide_oversight(deps: Deps, caller: Principal, oversight_id: str, body: DecisionOnOversight) -> Oversight:
    """Approve or refuse, once.

    Raises:
        NotFound: no such subscription, or the caller's body does not issue every type of it: alike.
        Conflict: it was decided already.
        InvalidInput: a refusal without a reason.
    """
    roles.require(caller, *DECIDERS)
    if not body.agree and not body.reason:
        problem = FieldProblem(pointer="/reason", code="missing", detail="不同意时请写明理由")
        raise InvalidInput("缺少理由", problems=(problem,))
    now = deps.clock.now()
    with deps.uow() as tx:
        before = tx.oversights.by_id(oversight_id)
        if before is None or not _may_decide(deps, caller, before):
            raise NotFound("没有这个监管订阅，请核对编号")
        decided = replace(
            before,
            state=OversightState.ACTIVE if body.agree else OversightState.REFUSED,
            reason=body.reason,
            decided_by=caller.subject,
            after=tx.feed.end(),
            changed_at=now,
        )
        if not tx.oversights.move(decided, source=OversightState.ASKED):
            raise Conflict("该订阅已经办理，请刷新后查看")
        note(deps, tx, decided, caller.subject, now)
    return decided


def end_oversight(deps: Deps, caller: Principal, oversight_id: str) -> None:
    """End it: by its own client, or by who may approve it. NotFound for anybody else's, and for one that ended."""
    roles.require(caller, roles.REGULATOR, *DECIDERS)
    now = deps.clock.now()
    with deps.uow() as tx:
        before = tx.oversights.by_id(oversight_id)
        mine = before is not None and (before.client_id == caller.subject or _may_decide(deps, caller, before))
        if before is None or not mine or before.state not in _OPEN:
            raise NotFound("没有这个监管订阅，请核对编号")
        end_in(deps, tx, before, actor=caller.subject, reason="", now=now)


def end_in(deps: Deps, tx: UnitOfWork, before: Oversight, *, actor: str, reason: str, now: datetime) -> None:
    """End an open one inside a transaction; one that somebody else ended meanwhile stays as it is."""
    ended = replace(before, state=OversightState.ENDED, reason=reason, changed_at=now)
    if tx.oversights.move(ended, source=before.state):
        note(deps, tx, ended, actor, now)


def list_oversights(deps: Deps, caller: Principal, *, behind: str, limit: int) -> OversightsFound:
    """The client's own; for who decides, those that it may decide about; for operators and auditors all.

    Goes on where others' fill a page, up to :data:`MAX_PAGES`.
    """
    roles.require(caller, roles.REGULATOR, *DECIDERS, roles.AUDITOR)
    client_id = caller.subject if caller.roles.isdisjoint({*DECIDERS, *SEE_ALL}) else ""
    all_of_it = bool(client_id) or not caller.roles.isdisjoint(SEE_ALL)
    most, place = min(limit, MAX_PAGE), behind
    found: list[Oversight] = []
    with deps.uow.read() as tx:
        for _ in range(MAX_PAGES):
            page = tx.oversights.of_client(client_id, behind=place, limit=MAX_PAGE)
            for one in page:
                place = one.oversight_id
                if all_of_it or _may_decide(deps, caller, one):
                    found.append(one)
                    if len(found) == most:
                        return OversightsFound(rows=found, next=place)
            if len(page) < MAX_PAGE:
                return OversightsFound(rows=found, next="")
    return OversightsFound(rows=found, next=place)


def own_oversight(tx: UnitOfWork, caller: Principal, oversight_id: str) -> Oversight:
    """The client's own active one; NotFound otherwise."""
    oversight = tx.oversights.by_id(oversight_id)
    active = oversight is not None and oversight.state is OversightState.ACTIVE
    if oversight is None or oversight.client_id != caller.subject or not active:
        raise NotFound("没有这个监管订阅，或尚未批准、已经结束；请核对编号")
    return oversight


def note(deps: Deps, tx: UnitOfWork, oversight: Oversight, actor: str, now: datetime) -> None:
    """Event and evidence of a subscription as it now stands."""
    payload = OversightChanged(
        oversight_id=oversight.oversight_id,
        authority_code=oversight.authority_code,
        state=oversight.state.value,
        types=list(oversight.fields),
    )
    event_id, subject = deps.ids.new("evt"), oversight.oversight_id
    tx.outbox.add(payload.event(event_id=event_id, source=deps.policy.event_source, subject=subject, at=now))
    content = {
        "client_id": oversight.client_id,
        "region": oversight.region,
        "kinds": [kind.value for kind in oversight.kinds],
        "fields": {slug: list(keys) for slug, keys in oversight.fields.items()},
        "reason": oversight.reason,
    }
    record(tx, deps, kind=f"oversight.{oversight.state.value}", subject=subject, actor=actor, content=content, at=now)


def _may_decide(deps: Deps, caller: Principal, oversight: Oversight) -> bool:
    if roles.OPERATOR in caller.roles:
        return True
    if roles.CATALOG_PROPOSER not in caller.roles or not caller.authority_code:
        return False
    known = {kind.slug: kind for kind in deps.catalog.types}
    return all(slug in known and caller.authority_code in known[slug].issuers for slug in oversight.fields)


def _fields(deps: Deps, types: Sequence[WantedType]) -> Mapping[str, tuple[str, ...]]:
    """Keys by type; InvalidInput names every fault."""
    problems: list[FieldProblem] = []
    wanted: dict[str, tuple[str, ...]] = {}
    for index, one in enumerate(types):
        pointer = f"/types/{index}"
        listed = deps.oversight_lists.keys(one.type, one.list)
        beyond = [key for key in one.fields if key not in listed]
        if not listed:
            names = "、".join(deps.oversight_lists.names(one.type)) or "无"
            problems.append(
                FieldProblem(pointer=f"{pointer}/list", code="unknown", detail=f"没有这份清单；可用：{names}")
            )
        elif beyond:
            detail = f"不在清单中：{'、'.join(beyond)}；可用：{'、'.join(listed)}"
            problems.append(FieldProblem(pointer=f"{pointer}/fields", code="beyond_policy", detail=detail))
        wanted[one.type] = tuple(dict.fromkeys((*wanted.get(one.type, ()), *(one.fields or listed))))
    if problems:
        raise InvalidInput("订阅范围有误，请按提示更正", problems=tuple(problems))
    return wanted
