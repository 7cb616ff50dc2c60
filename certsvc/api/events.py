"""Events in (approval systems, CloudEvents) and out (the feed)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from certsvc.api.auth import Access, deps_of
from certsvc.api.issuances import desk_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.problems import answer, document_of
from certsvc.commands.access import roles
from certsvc.commands.evidence.read_feed import MAX_PAGE, read_feed
from certsvc.commands.issuance.accept_event import (
    Taken,
    accept_event,
    accept_events,
    asked_issuance,
    origin_of,
    pointers_below_data,
    taken_request,
    taking,
)
from certsvc.commands.ports import Deps, Principal
from certsvc.errors import CertsvcError
from certsvc.events.cloudevents import BATCH, STRUCTURED, Incoming, read_events

router = APIRouter(tags=["events 事件"], route_class=JsonRoute)

SENDER = Access(roles.APPROVAL, roles.APPROVAL_ANY, roles.SOURCE)
READER = Access(roles.EVENTS, roles.AUDITOR)

_OPENAPI_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": {"type": "object", "required": ["specversion", "id", "source", "type"]}},
            BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


class EventPage(Model):
    """Events behind ``after``, in order; ask again with ``next``."""

    events: list[dict[str, Any]]
    next: int


@router.post("/v1/events", status_code=202, openapi_extra=_OPENAPI_BODY, response_model=None)
async def receive(request: Request, caller: Annotated[Principal, Depends(SENDER)]) -> Response:
    """Events of approval systems and sources, single or in a batch, each answered like its command."""
    events, batch = read_events(request.headers, await request.body())
    deps = deps_of(request)
    if batch:
        taken = await run_in_threadpool(accept_events, deps, caller, events)
    else:
        taken = [await _one(request, deps, caller, events[0])]
    results = [_result(event, answer) for event, answer in zip(events, taken, strict=True)]
    request.app.state.wake()
    if batch:
        return JSONResponse({"results": results}, status_code=202)
    result = results[0]
    if int(result["status"]) >= 400:  # noqa: PLR2004
        return answer(result)
    return JSONResponse(result, status_code=202, headers={"Location": result["location"]})


async def _one(request: Request, deps: Deps, caller: Principal, event: Incoming) -> Taken | CertsvcError:
    """A request for issuance meets those that come otherwise, and is stored together with them."""
    try:
        if (body := asked_issuance(event)) is None:
            return await run_in_threadpool(accept_event, deps, caller, event)
        with taking(deps, event), pointers_below_data():
            return taken_request(await desk_of(request).ask(deps, caller, body, origin_of(event)))
    except CertsvcError as error:
        return error


def _result(event: Incoming, taken: Taken | CertsvcError) -> dict[str, Any]:
    if isinstance(taken, CertsvcError):
        return document_of(taken)
    return {"status": 202, "id": event.event_id, "request_id": taken.request_id, "location": taken.location}


@router.get("/v1/events")
def feed(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> EventPage:
    """The feed, in order of positions. Keep ``next`` and ask again; nothing is missed.

    Alerts, and what regulators are told, are given to their addressee alone, so a page may be empty though ``next`` has
    moved on.
    """
    page = read_feed(deps_of(request), caller, after=after, limit=limit)
    return EventPage(events=[event.in_feed() for event in page.events], next=page.place)
