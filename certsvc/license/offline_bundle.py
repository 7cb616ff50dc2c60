"""Offline bundles: what a file says, and which of its parts changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RESIGN_S = 60
"""A device that asks again within this time is told that its file is the newest; until then one file serves all."""

STATUS = "status/"
"""In front of the number of a status list, in the names of parts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartVersion:
    """When a part last changed: ``digest`` is of its content, ``version`` counts over all parts."""

    name: str
    digest: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleClaims:
    """What a file states.

    Attributes:
        since: the version that the reader has; 0 for a full file.
        as_of: the register was read at this moment or later.
        parts: every part that there is, and the version in which it last changed.
        data: those that changed behind ``since``.
    """

    version: int
    since: int
    as_of: datetime
    parts: Mapping[str, int]
    data: Mapping[str, Any]


def claims_since(
    since: int, version: int, as_of: datetime, parts: Mapping[str, int], values: Mapping[str, Any]
) -> BundleClaims:
    """What a reader at ``since`` is told; everything when that version was never given out here."""
    behind = since if 0 < since <= version else 0
    data = {name: values[name] for name, changed in parts.items() if changed > behind}
    return BundleClaims(version=version, since=behind, as_of=as_of, parts=parts, data=data)
