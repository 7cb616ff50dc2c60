"""Whom a scene is meant for: officers, clerks and what stands in for them (闸机、自助终端), or everyone who scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles

if TYPE_CHECKING:
    from certsvc.catalog.model import SceneSpec
    from certsvc.commands.ports import Principal

SCANNERS = (roles.OFFICER, roles.CLERK, roles.SCAN)
"""Who may scan a code."""

OFFICER, CLERK = "officer", "clerk"
AUDIENCES: dict[str, tuple[str, ...]] = {OFFICER: ("officer", "clerk", "public"), CLERK: ("clerk", "public")}
"""Kind of reader -> audiences whose scenes that reader may see, the own one first."""


def reader_of(caller: Principal) -> str:
    """What kind of reader a caller is; systems read as a clerk does."""
    return OFFICER if roles.OFFICER in caller.roles else CLERK


def is_for(scene: SceneSpec, reader: str) -> bool:
    """Whether the scene is meant for this kind of reader."""
    return scene.audience in AUDIENCES[reader]
