"""缺证、错证反馈: opened by counters, answered by issuing authorities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from certsvc.api.auth import Access, deps_of
from certsvc.api.counter_ticket_models import TicketOut, TicketPageOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.uses import DEFAULT_LIMIT, Cursor, Limit
from certsvc.commands.counter.serving import STAFF
from certsvc.commands.counter.tickets import (
    ISSUERS,
    TicketAnswerBody,
    TicketBody,
    accept_ticket,
    answer_ticket,
    close_ticket,
    open_ticket,
    tickets_opened,
    tickets_to_answer,
)
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.showing.ledger import cursor_behind, read_cursor
from certsvc.license.tickets import Ticket

router = APIRouter(tags=["ticket 缺证错证反馈"], route_class=JsonRoute)

WORKER = Access(*STAFF)
ISSUER = Access(*ISSUERS)
TicketId = Annotated[str, Path(max_length=64, description="反馈编号")]
OverdueOnly = Annotated[bool, Query(description="只看逾期的；按页筛选")]


@router.post("/v1/counter/tickets", status_code=201)
def open_one(request: Request, body: TicketBody, caller: Annotated[Principal, Depends(WORKER)]) -> TicketOut:
    """Tell the issuing authority that a license is missing or wrong; it says nothing about what the register holds."""
    deps = deps_of(request)
    return TicketOut.of(deps.catalog, open_ticket(deps, caller, body), deps.clock.now(), whole=False)


@router.get("/v1/counter/tickets")
def opened(
    request: Request,
    caller: Annotated[Principal, Depends(WORKER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
    *,
    overdue: OverdueOnly = False,
) -> TicketPageOut:
    """Tickets that the caller's counter opened."""
    deps = deps_of(request)
    found = tickets_opened(deps, caller, limit=limit, behind=read_cursor(cursor))
    return _page(deps, found, limit, overdue=overdue, whole=False)


@router.get("/v1/counter/tickets/inbox")
def inbox(
    request: Request,
    caller: Annotated[Principal, Depends(ISSUER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
    *,
    overdue: OverdueOnly = False,
) -> TicketPageOut:
    """Tickets that the caller's authority answers."""
    deps = deps_of(request)
    found = tickets_to_answer(deps, caller, limit=limit, behind=read_cursor(cursor))
    return _page(deps, found, limit, overdue=overdue, whole=True)


@router.post("/v1/counter/tickets/{ticket_id}/acceptances", status_code=201)
def accept(request: Request, ticket_id: TicketId, caller: Annotated[Principal, Depends(ISSUER)]) -> TicketOut:
    """Take it up."""
    deps = deps_of(request)
    return TicketOut.of(deps.catalog, accept_ticket(deps, caller, ticket_id), deps.clock.now(), whole=True)


@router.post("/v1/counter/tickets/{ticket_id}/answers", status_code=201)
def answer(
    request: Request, ticket_id: TicketId, body: TicketAnswerBody, caller: Annotated[Principal, Depends(ISSUER)]
) -> TicketOut:
    """Corrected, by which request or decision; or not, and why. A ticket changes no license by itself."""
    deps = deps_of(request)
    return TicketOut.of(deps.catalog, answer_ticket(deps, caller, ticket_id, body), deps.clock.now(), whole=True)


@router.post("/v1/counter/tickets/{ticket_id}/closures", status_code=201)
def close(request: Request, ticket_id: TicketId, caller: Annotated[Principal, Depends(WORKER)]) -> TicketOut:
    """The counter read the answer."""
    deps = deps_of(request)
    return TicketOut.of(deps.catalog, close_ticket(deps, caller, ticket_id), deps.clock.now(), whole=False)


def _page(deps: Deps, found: Sequence[Ticket], limit: int, *, overdue: bool, whole: bool) -> TicketPageOut:
    now = deps.clock.now()
    return TicketPageOut(
        tickets=[TicketOut.of(deps.catalog, one, now, whole=whole) for one in found if one.overdue(now) or not overdue],
        next=cursor_behind(found, limit, lambda one: (one.opened_at, one.ticket_id)),
    )
