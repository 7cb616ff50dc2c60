"""Files that pages are made of: which kinds are served, how they are named by their content, how they are answered."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MEDIA_TYPES: dict[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
"""What is served; a file of another kind in a folder is not."""

VERSION_LENGTH = 16
"""Hex digits of the digest in static addresses; a change of any file gives every file a new address."""

CACHE_FOREVER = "public, max-age=31536000, immutable"
CACHE_ASK = "no-cache"
CACHE_NEVER = "no-store"
"""For addresses that hold a code: neither the page nor its address stays behind."""

MISSING_ZH = "没有这个文件"


def digest(data: bytes) -> str:
    """The name of a content."""
    return hashlib.sha256(data).hexdigest()[:VERSION_LENGTH]


def answer(
    request: Request, body: bytes, media_type: str, etag: str, headers: Mapping[str, str], status: int = 200
) -> Response:
    """``body``, or 304 when the browser holds it already (RFC 9110 §13.1.2)."""
    head = {**headers, "ETag": etag}
    if status == 200 and etag in request.headers.get("if-none-match", ""):  # noqa: PLR2004
        return Response(status_code=304, headers=head)
    return Response(body, status_code=status, media_type=media_type, headers=head)


def no_file() -> Response:
    """For an address under which nothing is served."""
    return Response(MISSING_ZH, status_code=404, media_type="text/plain; charset=utf-8")
