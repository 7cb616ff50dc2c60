"""Counts every answer by the route as it is declared, never by the path that came: a path may name somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from certsvc.clock import Clock
    from certsvc.meters import Meters

UNMATCHED = "unmatched"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ANSWER = "500"
"""Counted when a request ended without one."""


class Metered:
    """ASGI middleware; stands before everything else, so that what the limits refuse is counted too."""

    def __init__(self, app: ASGIApp, *, meters: Meters, clock: Clock) -> None:
        self._app, self._meters, self._clock = app, meters, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, code = self._clock.monotonic(), NO_ANSWER

        async def watched(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._meters.requests.add(route=route, method=method, code=code)
            self._meters.request_seconds.observe(self._clock.monotonic() - begun, route=route, method=method)
