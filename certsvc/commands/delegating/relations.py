"""Systems that have the right to state who is guardian, who is 法定代表人, and who has died; and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.delegating.delegations import tell_ended, unconfirm
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.shapes import Day, Line
from certsvc.commands.showing.rights import same
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.delegations import DelegationEnd
from certsvc.license.relations import Relation, RelationKind, minor

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import Holder

STATERS: dict[RelationKind, str] = {
    RelationKind.GUARDIAN: roles.KINSHIP,
    RelationKind.DECEASED: roles.KINSHIP,
    RelationKind.REPRESENTATIVE: roles.REGISTRY,
}
"""Role of the systems that may state it."""

NO_RELATION_ZH = "没有这条记录，或不是本机关登记的"


class RelationBody(BaseModel):
    """关系或状态的登记：监护、法定代表人、死亡."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: RelationKind
    subject: PartyBody = Field(description="被监护人、企业，或死者")
    other: PartyBody | None = Field(default=None, description="监护人或法定代表人；死亡登记不填")
    document_no: Line = Field(min_length=1, max_length=100, description="登记文书号")
    from_on: Day = Field(description="起始日期；死亡登记为死亡日期")
    until_on: Day | None = Field(default=None, description="最后一天；无则不填")


def state_relation(deps: Deps, caller: Principal, body: RelationBody) -> Relation:
    """Record a fact and what follows from it; the same fact again changes nothing.

    A new 法定代表人 leaves the company's delegations waiting for confirmation; a death ends what the person gave and
    was given, and whatever the person did as guardian or 法定代表人.

    Raises:
        Forbidden: the caller's role states nothing of this kind.
        InvalidInput: people that do not fit the kind, or a day in the future.
        Conflict: the same stands until another day, or the same, or another fact about the same company, was stated
            at the same moment.
    """
    roles.require(caller, STATERS[body.kind])
    now = deps.clock.now()
    subject = body.subject.holder("/subject/code")
    other = body.other.holder("/other/code") if body.other is not None else None
    _check(body, subject, other, now)
    relation = Relation(
        relation_id=deps.ids.new("rel"),
        kind=body.kind,
        subject=subject,
        other=other,
        authority_code=caller.authority_code,
        client_id=caller.subject,
        document_no=body.document_no,
        from_on=body.from_on,
        until_on=body.until_on,
        created_at=now,
    )
    with deps.uow() as tx:
        known = tx.relations.of_subject(subject, body.kind)
        for one in known:
            if _same_other(one.other, other):
                if one.until_on != body.until_on:
                    raise Conflict(f"已有同样的登记 {one.relation_id}，最后一天不同：请先结束它，再重新登记")
                return one
        if body.kind is RelationKind.REPRESENTATIVE:
            for one in known:
                _end(deps, tx, caller, one, now, because="followed")
        if not tx.relations.insert(relation):
            raise Conflict("同一主体的同类登记正在进行，请核对后重试")
        if body.kind is RelationKind.REPRESENTATIVE:
            unconfirm(deps, tx, subject, actor=caller.subject, now=now)
        elif body.kind is RelationKind.DECEASED:
            _settle(deps, tx, caller, subject, now)
        _on_record(tx, deps, "relation.stated", relation, caller, now)
    return relation


def end_relation(deps: Deps, caller: Principal, relation_id: str, *, document_no: str) -> None:
    """End a fact that the caller's authority stated; delegations of a company without 法定代表人 wait for the next.

    Raises:
        NotFound: none, another authority's, or ended already: alike.
    """
    roles.require(caller, roles.KINSHIP, roles.REGISTRY)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.relations.by_id(relation_id)
        own = found is not None and found.authority_code == caller.authority_code
        if found is None or not own or STATERS[found.kind] not in caller.roles:
            raise NotFound(NO_RELATION_ZH)
        if not tx.relations.end(relation_id, now=now):
            raise NotFound(NO_RELATION_ZH)
        for grant_id in tx.sharing.withdraw_under([relation_id], now=now):
            content = {"because": "ended"}
            record(tx, deps, kind="grant.withdrawn", subject=grant_id, actor=caller.subject, content=content, at=now)
        if found.kind is RelationKind.REPRESENTATIVE:
            unconfirm(deps, tx, found.subject, actor=caller.subject, now=now)
        _on_record(tx, deps, "relation.ended", found, caller, now, document_no=document_no)


def _settle(deps: Deps, tx: UnitOfWork, caller: Principal, dead: Holder, now: datetime) -> None:
    """What ends with a person; what a 法定代表人 gave is the company's, and waits for the next one."""
    ended = tx.delegations.end_with(dead, DelegationEnd.DEATH, now=now)
    tell_ended(deps, tx, ended, actor=caller.subject, now=now)
    represented = tx.relations.of_other(dead, RelationKind.REPRESENTATIVE)
    guardians = (
        *tx.relations.of_other(dead, RelationKind.GUARDIAN),
        *tx.relations.of_subject(dead, RelationKind.GUARDIAN),
    )
    for relation in (*represented, *guardians):
        _end(deps, tx, caller, relation, now, because="death")
    for relation in represented:
        unconfirm(deps, tx, relation.subject, actor=caller.subject, now=now)


def _end(deps: Deps, tx: UnitOfWork, caller: Principal, one: Relation, now: datetime, *, because: str) -> None:
    """End what another statement ends, on record."""
    if tx.relations.end(one.relation_id, now=now):
        content = {"kind": one.kind.value, "because": because, "authority_code": caller.authority_code}
        actor = caller.subject
        record(tx, deps, kind="relation.ended", subject=one.relation_id, actor=actor, content=content, at=now)


def _check(body: RelationBody, subject: Holder, other: Holder | None, now: datetime) -> None:
    today = local_day(now)
    company = HolderCodeType.of(subject.code_type).is_organisation
    other_company = other is not None and HolderCodeType.of(other.code_type).is_organisation
    pointer, detail = "", ""
    if company != (body.kind is RelationKind.REPRESENTATIVE):
        pointer, detail = "/subject/code_type", "法定代表人登记的主体是单位，监护和死亡登记的主体是自然人"
    elif (other is None) != (body.kind is RelationKind.DECEASED) or other_company:
        pointer, detail = "/other", "监护和法定代表人登记须写明对方自然人，死亡登记不写"
    elif other is not None and same(other, subject):
        pointer, detail = "/other/code", "双方不能是同一人"
    elif body.kind is RelationKind.GUARDIAN and not minor(subject, today):
        pointer, detail = "/subject/code", "被监护人已满18周岁；成年监护不在此登记"
    elif body.from_on > today:
        pointer, detail = "/from_on", f"不能晚于今天 {today.isoformat()}"
    elif body.until_on is not None and body.until_on < body.from_on:
        pointer, detail = "/until_on", "不能早于起始日期"
    if detail:
        raise InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code="not_fitting", detail=detail),))


def _same_other(one: Holder | None, other: Holder | None) -> bool:
    if one is None or other is None:
        return one is None and other is None
    return same(one, other)


def _on_record(
    tx: UnitOfWork, deps: Deps, kind: str, one: Relation, caller: Principal, now: datetime, *, document_no: str = ""
) -> None:
    content = {
        "kind": one.kind.value,
        "document_no": document_no or one.document_no,
        "authority_code": caller.authority_code,
        **({"rows": rows_of([one])} if kind == "relation.stated" else {}),
    }
    record(tx, deps, kind=kind, subject=one.relation_id, actor=caller.subject, content=content, at=now)
