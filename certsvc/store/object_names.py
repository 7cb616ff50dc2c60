"""Names of objects: an allow-list that both stores obey."""

from __future__ import annotations

import re

_SEGMENT = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,7}}")
"""An allow-list (path traversal): a segment starts with a letter or digit, so there is no ``..``, no hidden file, no
absolute path and no NUL; names are made by us from digests, so any other is our own mistake."""
PREFIX = re.compile(rf"(?:{_SEGMENT}/){{0,7}}(?:{_SEGMENT})?")


def check_name(name: str) -> str:
    """The name; RuntimeError when it is not one of ours."""
    if not NAME.fullmatch(name):
        msg = "not an object name of ours"
        raise RuntimeError(msg)
    return name


def check_prefix(prefix: str) -> str:
    """The beginning of names; RuntimeError when no name of ours can begin so."""
    if not PREFIX.fullmatch(prefix):
        msg = "not the beginning of an object name"
        raise RuntimeError(msg)
    return prefix
