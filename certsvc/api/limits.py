"""Limits at the door: size of bodies, and the headers every answer carries."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from certsvc.api.problems import answer, problem_document
from certsvc.api.rate import QUOTA
from certsvc.errors import CertsvcError, InvalidInput, TooLarge

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from certsvc.api.rate import Quota

MAX_JSON_BYTES = 1024 * 1024
"""A JSON body; the largest honest one carries a 500 kB photo. Stops memory exhaustion before parsing."""

UPLOAD_PATHS = (
    "/v1/verifications/file",
    "/v1/verifications/file/differences",
    "/v1/registrations",
    "/v1/signings",
    "/v1/stampings/uploads",
    "/v1/materials",
    "/rest/v1.0/zzgx/zzwjyz",
    "/zzgxpt/verifyFile",
)
"""Paths that take files, up to the configured upload limit."""

PICTURE_PATHS = ("/v1/scans/", "/pictures")
"""How a path begins and ends that takes a picture of an inspection."""

BATCH_PATHS = ("/v1/stampings/batches", "/v1/imports", "/v1/archives/checks")
"""Paths that take several files at once, or one that holds many."""

MAX_BATCH_BYTES = 100 * 1024 * 1024
"""A batch as it is sent; larger ones are split. It is spooled to disk while it arrives."""

ANSWERED_PATHS = ("/v1/", "/license-app/", "/rest/", "/zzgxpt/")
"""How paths begin that answer with data, those of the older interfaces too; all others are pages and their files."""

PUBLIC_PATHS = frozenset({"/v1/catalog/types", "/v1/catalog/matters", "/v1/catalog/lists", "/v1/openapi.json"})
"""The same for everyone, so it may be cached; named one by one, because other paths of the catalog ask for a role."""

PUBLIC_LISTS = "/v1/catalog/lists/"
"""How the path of a list begins; all that is behind it is public."""

MAX_QUERY_FIELDS = 64
"""Parameters of one address; no route takes twenty. Stops addresses made to be slow to read."""

UPLOAD_OVERHEAD = 64 * 1024
"""Multipart headers around a file."""

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
    """ASGI middleware: refuses bodies over the limit while they arrive, and adds the headers of every answer."""

    def __init__(self, app: ASGIApp, *, max_upload_bytes: int) -> None:
        self._app = app
        self._max_upload = max_upload_bytes + UPLOAD_OVERHEAD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        private = path.startswith(ANSWERED_PATHS) and path not in PUBLIC_PATHS and not path.startswith(PUBLIC_LISTS)
        send = _with_headers(send, scope.setdefault("state", {}), private=private)
        if fault := _query_fault(scope.get("query_string", b"")):
            await _refuse(fault, 422, scope, receive, send)
            return
        takes_file = path in UPLOAD_PATHS or (path.startswith(PICTURE_PATHS[0]) and path.endswith(PICTURE_PATHS[1]))
        limit = self._max_upload if takes_file else MAX_JSON_BYTES
        if path in BATCH_PATHS:
            limit = MAX_BATCH_BYTES
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


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"内容超过 {limit // 1024} KB，请压缩或拆分后重发")


def _query_fault(query: bytes) -> InvalidInput | None:
    """A parameter twice: proxies, gateways and we might each believe another one of them (ASVS 5.0 V15.3.7)."""
    if not query:
        return None
    text = query.decode("latin-1")
    try:
        names = [name for name, _ in parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)]
    except ValueError:
        return InvalidInput(f"网址中的参数最多 {MAX_QUERY_FIELDS} 个")
    return InvalidInput("网址中同一个参数只能出现一次，请去掉重复的") if len(set(names)) < len(names) else None


async def _refuse(error: CertsvcError, status: int, scope: Scope, receive: Receive, send: Send) -> None:
    document = problem_document(code=error.code, title=error.title_zh, status=status, detail=error.detail)
    await answer(document)(scope, receive, send)


def _with_headers(send: Send, state: MutableMapping[str, Any], *, private: bool) -> Send:
    """Add what is missing; answers of the API are nobody's to keep (RFC 6749 §5.1, personal data)."""
    wanted = (*SECURITY_HEADERS, (b"cache-control", b"no-store")) if private else SECURITY_HEADERS

    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            extra = [pair for pair in wanted if pair[0] not in present]
            quota: Quota | None = state.get(QUOTA)
            message = {**message, "headers": [*message["headers"], *extra, *(quota.headers() if quota else ())]}
        await send(message)

    return sender
