"""Appoint and dismiss a 首席代表: who decides about manual uses alone, within scope and term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.errors import CertsvcError, Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.identifiers.matter_code import MatterCode
from certsvc.seal.approval import MAX_TERM, Representative

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal

LISTED = 200
"""Appointments in one answer, the newest."""


def appoint_representative(
    deps: Deps,
    caller: Principal,
    *,
    person: str,
    scope_types: tuple[str, ...],
    matters: tuple[str, ...],
    term: tuple[datetime, datetime],
    document_no: str,
) -> Representative:
    """Appoint a person of the own authority; ``term`` is its first moment and the first moment after it.

    Raises:
        Forbidden: the caller appoints themselves.
        InvalidInput: no such person with the role, an unknown type or matter, or a term that is none.
    """
    roles.require(caller, roles.SEAL_APPLICANT)
    if person == caller.subject:
        raise Forbidden("不得授权本人为首席代表，请由本单位其他经办人办理")
    now = deps.clock.now()
    problems = [*_scope(deps, scope_types, matters), *_term(term, now)]
    one = Representative(
        representative_id=deps.ids.new("rep"),
        owner_code=caller.authority_code,
        person=person,
        scope_types=scope_types,
        matters=matters,
        begins_at=term[0],
        ends_at=term[1],
        document_no=document_no,
        appointed_by=caller.subject,
        appointed_at=now,
    )
    with deps.uow() as tx:
        known = tx.access.person(person)
        if known is None or known.authority_code != caller.authority_code or roles.SEAL_USE_APPROVER not in known.roles:
            detail = "不是本单位登记的用印审批人，请先由系统管理员绑定人员和角色"
            problems.append(FieldProblem(pointer="/person", code="unknown", detail=detail))
        if problems:
            raise InvalidInput("首席代表授权内容有误，请按提示逐项更正", problems=tuple(problems))
        tx.approvals.appoint(one)
        content = {"representative_id": one.representative_id, "person": person, "document_no": document_no}
        record(
            tx,
            deps,
            kind="seal.representative_appointed",
            subject=caller.authority_code,
            actor=caller.subject,
            content=content,
            at=now,
        )
    return one


def dismiss_representative(deps: Deps, caller: Principal, representative_id: str) -> Representative:
    """End an appointment of the own authority early; in force at once.

    Raises:
        NotFound: no such appointment, or not of the caller's authority.
        Conflict: dismissed already.
    """
    roles.require(caller, roles.SEAL_APPLICANT)
    with deps.uow() as tx:
        one = tx.approvals.representative(representative_id)
        if one is None or one.owner_code != caller.authority_code:
            raise NotFound("没有这项首席代表授权，或不属于本单位")
        # What is being signed in this person's name is finished first.
        tx.seal_fences.close(representative_id)
        now = deps.clock.now()
        if not tx.approvals.dismiss(representative_id, now=now):
            raise Conflict("这项授权已经终止")
        record(
            tx,
            deps,
            kind="seal.representative_dismissed",
            subject=caller.authority_code,
            actor=caller.subject,
            content={"representative_id": representative_id},
            at=now,
        )
        ended = tx.approvals.representative(representative_id)
    return ended or one


def list_representatives(deps: Deps, caller: Principal) -> Sequence[Representative]:
    """The newest appointments by the caller's authority."""
    roles.require(caller, roles.SEAL_APPLICANT, roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER)
    with deps.uow.read() as tx:
        return tx.approvals.representatives(caller.authority_code, limit=LISTED)


def _scope(deps: Deps, scope_types: tuple[str, ...], matters: tuple[str, ...]) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    for index, slug in enumerate(scope_types):
        try:
            deps.catalog.type(slug)
        except CertsvcError as error:
            found.append(FieldProblem(pointer=f"/scope_types/{index}", code="unknown", detail=error.detail))
    for index, code in enumerate(matters):
        try:
            MatterCode.parse(code)
        except CertsvcError as error:
            found.append(FieldProblem(pointer=f"/matters/{index}", code="unknown", detail=error.detail))
    return found


def _term(term: tuple[datetime, datetime], now: datetime) -> list[FieldProblem]:
    begins, ends = term
    if not (begins < ends and now < ends and ends - begins <= MAX_TERM):
        detail = "任期应有先后、尚未届满，且不超过三年"
        return [FieldProblem(pointer="/until", code="term", detail=detail)]
    return []
