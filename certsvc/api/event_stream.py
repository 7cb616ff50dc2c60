"""The feed as it happens: server-sent events (WHATWG HTML §9.2), as many readers as two constants allow.

A stream holds no thread and no connection of the database while nothing happens: one task of the process looks for
new events and wakes the streams. The id of an event is its position, so a reader that comes again with
``Last-Event-ID`` misses nothing: what it did not see is read from the database.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import anyio
import structlog
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from certsvc.api.auth import Access, bearer_of
from certsvc.commands.access import roles
from certsvc.commands.access.principals import authenticate
from certsvc.commands.evidence.read_feed import MAX_PAGE, Shared, feed_end, read_all, read_feed
from certsvc.commands.ports import Deps, Principal
from certsvc.errors import CertsvcError, RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from certsvc.events.envelope import Event

log = structlog.get_logger("certsvc.streams")

router = APIRouter(tags=["events 事件"])

READER = Access(roles.EVENTS, roles.AUDITOR)

MAX_STREAMS = 200
"""Streams of one process: each keeps a socket and a page of events in memory."""

MAX_PER_CALLER = 5
"""Streams of one caller: reconnecting without closing must not use up everybody's."""

POLL_S = 0.3
"""Pause between two looks for new events: one read of an index for all streams together."""

HEARTBEAT_S = 15.0
"""A comment after so much silence, so that proxies keep the connection; then too it is asked anew who reads."""

SEND_S = 30.0
"""A reader that does not read is let go after so long; what it missed it gets when it comes again."""

LIFETIME_S = 3600.0
"""A stream ends after an hour and the reader comes again: connections move to processes that were added."""

RETRY_MS = 3000
"""How long a reader waits before it comes again."""

PAGE = 100
"""Events read at once for a reader that lags behind."""

MEDIA = "text/event-stream"
_OPENAPI: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "事件流：id 为位置，data 为事件（与 GET /v1/events 中的相同）；安静时每 15 秒一行注释",
        "content": {MEDIA: {"schema": {"type": "string"}}},
    }
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamLimits:
    """How many streams, and how long each may be silent, unread and open."""

    streams: int = MAX_STREAMS
    per_caller: int = MAX_PER_CALLER
    heartbeat_s: float = HEARTBEAT_S
    send_s: float = SEND_S
    lifetime_s: float = LIFETIME_S


class EventStreams:
    """The streams of one process, and the task that wakes them. Lives in one event loop."""

    def __init__(self, deps: Deps, limits: StreamLimits | None = None) -> None:
        """No task runs before the first stream comes."""
        self._deps = deps
        self.limits = limits or StreamLimits()
        self._readers: Counter[str] = Counter()
        self._watch: asyncio.Task[None] | None = None
        self._seen = 0
        self._recent = Shared()
        self._news = asyncio.Event()
        self._ending = False

    def enter(self, caller: Principal) -> None:
        """Count a reader in; RateLimited or Unavailable when there is no room."""
        if self._ending:
            raise Unavailable("服务正在停止，请稍后重连")
        most = self.limits.per_caller
        if self._readers[caller.subject] >= most:
            raise RateLimited(f"同一系统最多同时打开 {most} 个事件流，请先关闭不用的")
        if self._readers.total() >= self.limits.streams:
            raise Unavailable("打开的事件流已满，请稍后重连，或改用 GET /v1/events")
        self._readers[caller.subject] += 1

    def leave(self, caller: Principal) -> None:
        """Count a reader out; the last one ends the task."""
        self._readers -= Counter({caller.subject: 1})
        if not self._readers and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    @property
    def open(self) -> int:
        """How many readers there are."""
        return self._readers.total()

    def end_all(self) -> None:
        """Let every stream end after what it is sending; none begins any more."""
        self._ending = True
        self._wake()

    async def frames(self, caller: Principal, token: str, after: int | None) -> AsyncIterator[bytes]:
        """What one reader is sent, behind position ``after`` or from now on."""
        try:
            async for frame in self._frames(caller, token, after):
                yield frame
        except CertsvcError as error:  # the token ended, the role is gone, the database is away: it comes again or not
            log.info("stream ends", action="stream.ended", reason=error.code)

    async def _frames(self, caller: Principal, token: str, after: int | None) -> AsyncIterator[bytes]:
        clock, limits = self._deps.clock, self.limits
        await self._begin(caller)
        place = self._seen if after is None else after
        # No event: it only sets the last id of the reader, who may come again before anything happens.
        yield f"retry: {RETRY_MS}\nid: {place}\n\n".encode()
        begun = checked = clock.monotonic()
        while not self._ending and clock.monotonic() < begun + limits.lifetime_s:
            events, seen = await self._behind(caller, place)
            for event in events:
                yield _frame(event)
            place = max(place, seen)
            if clock.monotonic() >= checked + limits.heartbeat_s:
                await run_in_threadpool(self._check, token)
                checked = clock.monotonic()
            news = self._news
            if self._seen > place or self._ending:
                continue
            try:
                await asyncio.wait_for(news.wait(), min(limits.heartbeat_s, limits.lifetime_s))
            except TimeoutError:
                yield b": \n\n"

    async def _begin(self, caller: Principal) -> None:
        """Know where the feed ends before the first stream, and look for more from there on."""
        if not self._is_watching():
            end = await run_in_threadpool(feed_end, self._deps, caller)
            if not self._is_watching():
                self._seen, self._recent = end, Shared()
                self._watch = asyncio.get_running_loop().create_task(self._look())

    def _is_watching(self) -> bool:
        return self._watch is not None and not self._watch.done()

    async def _look(self) -> None:
        while True:
            found = Shared()
            try:
                found = await run_in_threadpool(read_all, self._deps, after=self._seen, limit=MAX_PAGE)
            except CertsvcError as error:
                log.warning("stream waits", action="stream.error", reason=error.code)
            except Exception:
                log.exception("stream waits", action="stream.crashed")
            if found.events:
                self._recent, self._seen = found, found.events[-1].position
                self._wake()
            if len(found.events) < MAX_PAGE:
                await asyncio.sleep(POLL_S)

    async def _behind(self, caller: Principal, place: int) -> tuple[Sequence[Event], int]:
        """The next events of a reader and its place then: from memory for one that keeps up, else from the database."""
        if place >= self._seen:
            return (), place
        recent = self._recent
        if recent.events and place >= recent.events[0].position - 1:
            return recent.readable(caller, behind=place), recent.events[-1].position
        page = await run_in_threadpool(read_feed, self._deps, caller, after=place, limit=PAGE)
        return page.events, page.place

    def _check(self, token: str) -> None:
        """Whether the caller may read still: its token, its client, its role."""
        roles.require(authenticate(self._deps, token), *READER.roles)

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class _Stream(StreamingResponse):
    """Gives its place back however it ends, and lets a reader go that does not read."""

    def __init__(self, streams: EventStreams, caller: Principal, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, media_type=MEDIA, headers={"X-Accel-Buffering": "no"})
        self._streams = streams
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until reader, token, hour or process ends."""

        async def in_time(message: Message) -> None:
            with anyio.fail_after(self._streams.limits.send_s):
                await send(message)

        try:
            await super().__call__(scope, receive, in_time)
        except TimeoutError:
            log.info("stream ends", action="stream.unread")
        finally:
            self._streams.leave(self._caller)


@router.get("/v1/events/stream", response_class=StreamingResponse, responses=_OPENAPI)
async def stream(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[int | None, Query(ge=0, le=2**62, description="此位置之后的；不填为从现在起")] = None,
    last_event_id: Annotated[
        int | None, Header(alias="Last-Event-ID", ge=0, le=2**62, description="断线重连时的位置，优先于 after")
    ] = None,
) -> StreamingResponse:
    """The feed as it happens (SSE). Come again with ``Last-Event-ID``: nothing is missed."""
    streams = cast("EventStreams", request.app.state.streams)
    streams.enter(caller)
    place = last_event_id if last_event_id is not None else after
    return _Stream(streams, caller, streams.frames(caller, bearer_of(request), place))


def _frame(event: Event) -> bytes:
    data = json.dumps(event.in_feed(), ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.position}\ndata: {data}\n\n".encode()
