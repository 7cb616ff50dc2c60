"""Limits at the door: size of bodies, rate per caller, and the headers every answer carries."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from certsvc.api.problems import answer, problem_document
from certsvc.errors import RateLimited, TooLarge

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from certsvc.clock import Clock

MAX_JSON_BYTES = 1024 * 1024
"""A JSON body; the largest honest one carries a 500 kB photo. Stops memory exhaustion before parsing."""

UPLOAD_PATHS = ("/v1/verifications/file",)
"""Paths that take files, up to the configured upload limit."""

UPLOAD_OVERHEAD = 64 * 1024
"""Multipart headers around a file."""

WINDOW_S = 60.0
MAX_TRACKED = 50_000
"""Callers counted at once; more are forgotten oldest first, so the table cannot be grown without bound."""

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        (
            b"default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; object-src 'none'; "
            b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
    ),
)


class BodyTooLarge(Exception):
    """Raised inside ``receive`` when a body passes its limit."""


class DoorLimits:
    """ASGI middleware: refuses bodies over the limit while they arrive, and callers over the rate."""

    def __init__(self, app: ASGIApp, *, clock: Clock, max_upload_bytes: int, per_minute: int) -> None:
        self._app = app
        self._clock = clock
        self._max_upload = max_upload_bytes + UPLOAD_OVERHEAD
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(send)
        if not self._within_rate(scope):
            await _refuse(RateLimited("请求过于频繁，请一分钟后再试"), 429, scope, receive, send)
            return
        limit = self._max_upload if scope["path"] in UPLOAD_PATHS else MAX_JSON_BYTES
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(_too_large(limit), 413, scope, receive, send)
            return
        seen = 0
        started = exceeded = False

        async def counted() -> Message:
            nonlocal seen, exceeded
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                exceeded = True
                raise BodyTooLarge
            return message

        async def watched(message: Message) -> None:
            # The framework answers 400 to any error while it reads a body; the true answer is 413, below.
            nonlocal started
            if not exceeded or started:
                started = True
                await send(message)

        with suppress(BodyTooLarge):
            await self._app(scope, counted, watched)
        if exceeded and not started:
            await _refuse(_too_large(limit), 413, scope, receive, send)

    def _within_rate(self, scope: Scope) -> bool:
        """A fixed window per bearer token, or per client address where there is none."""
        headers = dict(scope["headers"])
        client = scope.get("client") or ("", 0)
        key = headers.get(b"authorization", b"").decode("latin-1")[-40:] or str(client[0])
        now = self._clock.monotonic()
        with self._lock:
            start, count = self._counts.get(key, (now, 0))
            if now - start >= WINDOW_S:
                start, count = now, 0
            self._counts[key] = (start, count + 1)
            while len(self._counts) > MAX_TRACKED:
                self._counts.pop(next(iter(self._counts)))
        return count < self._per_minute


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"内容超过 {limit // 1024} KB，请压缩或拆分后重发")


async def _refuse(error: RateLimited | TooLarge, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    document = problem_document(code=error.code, title=error.title_zh, status=status, detail=error.detail)
    await answer(document)(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            extra = [pair for pair in SECURITY_HEADERS if pair[0] not in present]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return sender
