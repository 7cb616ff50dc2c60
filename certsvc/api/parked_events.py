"""Events of the broker that could not be carried out: seen by their sender, and tried again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.issuance.take_message import MAX_PAGE, READERS, REPLAYERS, parked_events, replay_event
from certsvc.commands.ports import Principal

router = APIRouter(tags=["events 事件"], route_class=JsonRoute)

READER = Access(*READERS)
REPLAYER = Access(*REPLAYERS)

ParkedId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$")]


class ParkedOut(Model):
    """One event that waits, with the reason; its content stays with its sender."""

    parked_id: str
    client_id: str
    sequence: int
    code: str
    detail: str
    parked_at: datetime


class ParkedPage(Model):
    """Events that wait; ask again with ``after`` = ``next`` until there are none."""

    events: list[ParkedOut]
    next: str


class ReplayOut(Model):
    """What the event led to, and where to look."""

    request_id: str
    location: str


@router.get("/v1/parked-events")
def parked(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> ParkedPage:
    """Events of the caller that came over the broker and could not be carried out: all for an auditor or operator."""
    found = parked_events(deps_of(request), caller, after=after, limit=limit)
    events = [
        ParkedOut(
            parked_id=one.parked_id,
            client_id=one.client_id,
            sequence=one.sequence,
            code=one.code,
            detail=one.detail,
            parked_at=one.parked_at,
        )
        for one in found
    ]
    return ParkedPage(events=events, next=events[-1].parked_id if events else after)


@router.post("/v1/parked-events/{parked_id}/replays", status_code=201)
def replay(request: Request, parked_id: ParkedId, caller: Annotated[Principal, Depends(REPLAYER)]) -> ReplayOut:
    """Carry the event out after all; it stays parked, with the problem as the answer, when that fails again."""
    taken = replay_event(deps_of(request), caller, parked_id)
    request.app.state.wake()
    return ReplayOut(request_id=taken.request_id, location=taken.location)
