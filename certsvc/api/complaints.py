"""投诉: filed by whoever was served, answered by the department, called back and filed away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.counter_models import body_name
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.showing.ledger import cursor_behind, read_cursor
from certsvc.commands.supervision.complaints import (
    FILERS,
    ComplaintBody,
    ComplaintMoveBody,
    file_complaint,
    list_complaints,
    move_complaint,
    own_complaints,
    read_complaint,
)
from certsvc.commands.supervision.reach import CLERKS, READERS, SUPERVISORS
from certsvc.license.complaints import COMPLAINT_ZH, Complaint, ComplaintState

router = APIRouter(tags=["complaint 投诉"], route_class=JsonRoute)

FILER = Access(*FILERS)
READER = Access(*READERS)
ANY = Access(*FILERS, *READERS)
WORKER = Access(*CLERKS, *SUPERVISORS)
ComplaintId = Annotated[str, Path(max_length=64, description="投诉编号")]


class ComplaintOut(Model):
    """One complaint; how to reach whoever complains is told to who has to."""

    complaint_id: str
    authority_code: str
    authority_name: str
    matter_code: str
    case_no: str
    name: str
    contact: str
    text: str
    filed_at: datetime
    state: str = Field(
        description="filed 待受理 · accepted 办理中 · declined 不予受理 · answered 待回访 · followed 待归档"
        " · archived 已归档"
    )
    state_zh: str
    due_on: date | None
    late: bool
    answer: str
    follow_up: str
    content: bool | None
    archive_no: str
    moved_at: datetime | None

    @staticmethod
    def of(deps: Deps, one: Complaint) -> ComplaintOut:
        """From a complaint as it stands now."""
        return ComplaintOut(
            complaint_id=one.complaint_id,
            authority_code=one.authority_code,
            authority_name=body_name(deps.catalog, one.authority_code),
            matter_code=one.matter_code,
            case_no=one.case_no,
            name=one.name,
            contact=one.contact,
            text=one.text,
            filed_at=one.filed_at,
            state=one.state.value,
            state_zh=COMPLAINT_ZH[one.state],
            due_on=one.due_on,
            late=one.late(deps.clock.now()),
            answer=one.answer,
            follow_up=one.follow_up,
            content=one.content,
            archive_no=one.archive_no,
            moved_at=one.moved_at,
        )


class ComplaintPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    complaints: list[ComplaintOut]
    next: str


@router.post("/v1/complaints", status_code=201)
def filed(request: Request, body: ComplaintBody, caller: Annotated[Principal, Depends(FILER)]) -> ComplaintOut:
    """提交投诉，或由窗口代为登记."""
    deps = deps_of(request)
    return ComplaintOut.of(deps, file_complaint(deps, caller, body))


@router.get("/v1/complaints/own")
def own(
    request: Request,
    caller: Annotated[Principal, Depends(FILER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> ComplaintPageOut:
    """What the caller filed."""
    deps = deps_of(request)
    return _page(deps, own_complaints(deps, caller, limit=limit, behind=read_cursor(cursor)), limit)


@router.get("/v1/complaints")
def listed(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    state: Annotated[ComplaintState, Query(description="处于哪个环节")] = ComplaintState.FILED,
    authority_code: Annotated[str, Query(max_length=18, description="只看此部门")] = "",
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> ComplaintPageOut:
    """Complaints against the own body, or against any for who supervises."""
    deps = deps_of(request)
    behind = read_cursor(cursor)
    found = list_complaints(deps, caller, authority_code=authority_code, state=state, limit=limit, behind=behind)
    return _page(deps, found, limit)


@router.get("/v1/complaints/{complaint_id}")
def one(request: Request, complaint_id: ComplaintId, caller: Annotated[Principal, Depends(ANY)]) -> ComplaintOut:
    """One complaint."""
    deps = deps_of(request)
    return ComplaintOut.of(deps, read_complaint(deps, caller, complaint_id))


@router.post("/v1/complaints/{complaint_id}/{move}", status_code=201)
def moved(
    request: Request,
    complaint_id: ComplaintId,
    move: Annotated[
        Literal["accept", "decline", "answer", "follow_up", "reopen", "archive"],
        Path(
            description="accept 受理 · decline 不予受理 · answer 答复 · follow_up 回访 · reopen 退回重办 · archive 归档"
        ),
    ],
    body: ComplaintMoveBody,
    caller: Annotated[Principal, Depends(WORKER)],
) -> ComplaintOut:
    """Take one step: the department takes up and answers, a supervisor calls back and files away."""
    deps = deps_of(request)
    return ComplaintOut.of(deps, move_complaint(deps, caller, complaint_id, move, body))


def _page(deps: Deps, found: Sequence[Complaint], limit: int) -> ComplaintPageOut:
    return ComplaintPageOut(
        complaints=[ComplaintOut.of(deps, one) for one in found],
        next=cursor_behind(found, limit, lambda one: (one.filed_at, one.complaint_id)),
    )
