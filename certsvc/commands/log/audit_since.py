"""What leaves of earlier releases say of rows, and from when on leaves name them by digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certsvc.commands.evidence.rows import (
    ANSWERED,
    ARCHIVE,
    CO_HOLDER,
    DELEGATION,
    FETCH,
    GRANT,
    MATERIAL,
    RELATION,
    SCAN,
    SHOW,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

OLD: Mapping[str, tuple[str, str]] = {
    "fetch.given": (FETCH, "fetch_id"),
    "fetch.refused": (FETCH, "fetch_id"),
    "scan.answered": (SCAN, "scan_id"),
    "challenge.collected": (SCAN, "scan_id"),
    "show.made": (SHOW, "show_id"),
    "grant.made": (GRANT, "grant_id"),
    "seal.used": (ANSWERED, "reservation_id"),
    "seal.failed": (ANSWERED, "reservation_id"),
    "seal.unknown": (ANSWERED, "reservation_id"),
    "delegation.offered": (DELEGATION, "delegation_id"),
    "relation.stated": (RELATION, ""),
    "archive.made": (ARCHIVE, ""),
    "material.registered": (MATERIAL, ""),
    "co_holder.added": (CO_HOLDER, "co_holder_id"),
}
"""Kinds whose leaves always named a row, and where in their content; without a name it is what the leaf is about."""

REPEATED = frozenset({SHOW, ANSWERED, DELEGATION})
"""What leaves of earlier releases may name more than once: a code of a bundle, a result that was settled later."""


def old_id(said: Mapping[str, Any], name: str) -> str:
    """Which row a leaf of an earlier release names."""
    return str(said["content"].get(name, "") if name else said["subject"])


@dataclass(slots=True)
class Since:
    """From when leaves name the rows of a noun by digest, and whether there are leaves that do not."""

    digests: datetime | None = None
    before: bool = False
    last_event: int = 0
    unreadable: set[str] = field(default_factory=set)
    young: set[str] = field(default_factory=set)
