"""Strong entity tags and conditional requests (RFC 9110 §8.8.3, §13.1): files the same for everyone, and revisions."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from fastapi import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

MAX_TAGS_LENGTH = 4096
"""Characters of If-None-Match; a longer one is answered in full. Stops headers made to keep the reader busy."""

_REVISION = re.compile(r'"([0-9]{1,9})(?:-[0-9a-f]{16})?"')

NOT_MODIFIED: dict[int | str, dict[str, str]] = {304: {"description": "与 If-None-Match 所列的相同，无正文"}}
"""How it is described in the API document."""


def cached(
    request: Request, data: bytes, media_type: str, *, cache_control: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The file with its tag, or 304 without it when the caller has these very bytes."""
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    known = {"ETag": tag, "Cache-Control": cache_control, **(headers or {})}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=known)
    return Response(data, media_type=media_type, headers=known)


def tag_of(revision: int, form: str = "") -> str:
    """The tag of something that is counted up with each change.

    ``form`` is the SHA-256 (hex) of a file that is shown with it and was renewed, which is no change of it: what is
    shown differs, and If-Match goes by the revision alone.
    """
    return f'"{revision}-{form[:16]}"' if form else f'"{revision}"'


def revisions_of(if_match: str) -> frozenset[int] | None:
    """The revisions that If-Match allows (RFC 9110 §13.1.1, strong comparison); None when it allows any."""
    tags = [one.strip() for one in if_match.split(",")]
    if not if_match or "*" in tags:
        return None
    return frozenset(int(found[1]) for found in map(_REVISION.fullmatch, tags) if found)


def _matches(asked: str, tag: str) -> bool:
    """Weak comparison, as §13.1.2 has it; ``*`` matches what exists."""
    if len(asked) > MAX_TAGS_LENGTH:
        return False
    tags = {one.strip().removeprefix("W/") for one in asked.split(",")}
    return tag in tags or "*" in tags
