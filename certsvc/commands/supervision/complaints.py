"""投诉: filed by whoever was served, taken up and answered by the department, called back and filed away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.supervision.reach import CLERKS, READERS, SUPERVISORS, body_seen, may_see, tell
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound, RateLimited
from certsvc.events.supervision_payloads import ComplaintMoved
from certsvc.license.complaints import (
    ACCEPT_WORKDAYS,
    COMPLAINT_ZH,
    MAX_OPEN,
    MAX_TEXT,
    MOVES,
    Complaint,
    ComplaintState,
    Who,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

FILERS = (roles.HOLDER, roles.CLERK)
"""Whoever is served, signed in; and a counter for somebody who has no phone."""
NO_COMPLAINT_ZH = "没有这件投诉"


class ComplaintBody(BaseModel):
    """投诉：对哪个机关、哪件事，什么问题."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    authority_code: Line = Field(min_length=18, max_length=18, description="被投诉机关统一社会信用代码")
    matter_code: Line = Field(default="", max_length=33, description="事项实施编码，不清楚的可不填")
    case_no: Line = Field(default="", max_length=64, description="办件编号，不清楚的可不填")
    name: Line = Field(default="", max_length=64, description="投诉人；窗口代为登记时必填")
    contact: Line = Field(min_length=5, max_length=64, description="联系方式，用于回访")
    text: Line = Field(min_length=5, max_length=MAX_TEXT, description="投诉内容")


class ComplaintMoveBody(BaseModel):
    """办理环节的说明."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Line = Field(default="", max_length=MAX_TEXT, description="不予受理的理由、办理答复、回访情况")
    content: bool | None = Field(default=None, description="回访时：投诉人是否满意")
    archive_no: Line = Field(default="", max_length=64, description="归档时：归档号")


def file_complaint(deps: Deps, caller: Principal, body: ComplaintBody) -> Complaint:
    """File a complaint.

    Raises:
        InvalidInput: a body that the catalog has not, or a counter that names nobody.
        RateLimited: too many of this account wait for an answer.
    """
    roles.require(caller, *FILERS)
    problems = []
    if not deps.catalog.has_authority(body.authority_code):
        problems.append(FieldProblem(pointer="/authority_code", code="enum", detail="目录中没有这个机关，请核对"))
    if roles.HOLDER not in caller.roles and not body.name:
        problems.append(FieldProblem(pointer="/name", code="missing", detail="窗口代为登记时请填写投诉人"))
    if problems:
        raise InvalidInput("；".join(problem.detail for problem in problems), problems=tuple(problems))
    now = deps.clock.now()
    with deps.uow() as tx:
        if roles.HOLDER in caller.roles and tx.complaints.count_open(caller.subject) >= MAX_OPEN:
            raise RateLimited(f"您已有 {MAX_OPEN} 件投诉在办，请等候答复后再提交")
        made = Complaint(
            complaint_id=deps.ids.new("cpl"),
            authority_code=body.authority_code,
            matter_code=body.matter_code,
            case_no=body.case_no,
            filed_by=caller.subject,
            name=body.name or caller.name,
            contact=body.contact,
            text=body.text,
            filed_at=now,
            due_on=deps.catalog.workdays.after(local_day(now), ACCEPT_WORKDAYS),
        )
        tx.complaints.insert(made)
        _tell(deps, tx, made, caller, {"text": made.text}, now)
    return made


def own_complaints(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[Complaint]:
    """What the caller filed, newest first."""
    roles.require(caller, *FILERS)
    with deps.uow.read() as tx:
        return tx.complaints.of_filer(caller.subject, limit=limit, behind=behind)


def list_complaints(
    deps: Deps,
    caller: Principal,
    *,
    authority_code: str,
    state: ComplaintState,
    limit: int,
    behind: tuple[datetime, str] | None,
) -> Sequence[Complaint]:
    """Complaints in a state, newest first: against the own body, or against any for who supervises."""
    body = body_seen(caller, authority_code)
    with deps.uow.read() as tx:
        return tx.complaints.of(body, state, limit=limit, behind=behind)


def read_complaint(deps: Deps, caller: Principal, complaint_id: str) -> Complaint:
    """One complaint; NotFound unless the caller filed it, or it is the body's, or the caller supervises."""
    with deps.uow.read() as tx:
        found = tx.complaints.by_id(complaint_id)
    readers = not caller.roles.isdisjoint(READERS)
    if found is None or not (found.filed_by == caller.subject or (readers and may_see(caller, found.authority_code))):
        raise NotFound(NO_COMPLAINT_ZH)
    return found


def move_complaint(deps: Deps, caller: Principal, complaint_id: str, name: str, body: ComplaintMoveBody) -> Complaint:
    """Take one step of :data:`MOVES`.

    Raises:
        Forbidden: a step of the other side.
        NotFound: another body's complaint.
        InvalidInput: a step without its words, a follow-up that does not say how it was, an archive without number.
        Conflict: it does not stand where this step begins.
    """
    move = MOVES[name]
    roles.require(caller, *(CLERKS if move.who is Who.DEPARTMENT else SUPERVISORS))
    _check(name, body)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.complaints.by_id(complaint_id)
        if found is None or not may_see(caller, found.authority_code):
            raise NotFound(NO_COMPLAINT_ZH)
        ends = move.target in {ComplaintState.DECLINED, ComplaintState.ARCHIVED}
        days = move.next_workdays
        moved = replace(
            found,
            state=move.target,
            due_on=deps.catalog.workdays.after(local_day(now), days) if days else None,
            handler=caller.subject if "handler" in move.writes else found.handler,
            answer=body.text if "answer" in move.writes else found.answer,
            follow_up=body.text if "follow_up" in move.writes else found.follow_up,
            content=body.content if "content" in move.writes else found.content,
            archive_no=body.archive_no if "archive_no" in move.writes else found.archive_no,
            moved_at=now,
            closed_at=now if ends else None,
        )
        stands = found.state in move.sources
        if not stands or not tx.complaints.move(moved, sources=move.sources, writes=move.writes):
            raise Conflict(f"这件投诉现在“{COMPLAINT_ZH[found.state]}”，不能办理此环节，请刷新后再看")
        _tell(deps, tx, moved, caller, {"text": body.text, "content": body.content}, now)
    return moved


def _check(name: str, body: ComplaintMoveBody) -> None:
    problems = []
    if name in {"decline", "answer", "follow_up", "reopen"} and not body.text:
        problems.append(FieldProblem(pointer="/text", code="missing", detail="请填写说明"))
    if name == "follow_up" and body.content is None:
        problems.append(FieldProblem(pointer="/content", code="missing", detail="请填写投诉人是否满意"))
    if name == "reopen" and body.content is not False:
        problems.append(FieldProblem(pointer="/content", code="invalid", detail="投诉人不满意的才退回重办"))
    if name == "archive" and not body.archive_no:
        problems.append(FieldProblem(pointer="/archive_no", code="missing", detail="请填写归档号"))
    if problems:
        raise InvalidInput("；".join(problem.detail for problem in problems), problems=tuple(problems))


def _tell(
    deps: Deps, tx: UnitOfWork, one: Complaint, caller: Principal, said: dict[str, object], now: datetime
) -> None:
    payload = ComplaintMoved(
        complaint_id=one.complaint_id,
        authority_code=one.authority_code,
        state=one.state.value,
        due_on=one.due_on.isoformat() if one.due_on else "",
    )
    tell(deps, tx, payload, one.complaint_id, now)
    content = {"state": one.state.value, **said}
    kind = f"complaint.{one.state.value}"
    record(tx, deps, kind=kind, subject=one.complaint_id, actor=caller.subject, content=content, at=now)
