"""Inspection records of the officer's own authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.uses import Scan

MAX_ROWS = 100
"""Rows of one answer; bounds the page an officer scrolls."""


def own_inspections(deps: Deps, caller: Principal) -> Sequence[Scan]:
    """The newest scans made by the caller's authority."""
    roles.require(caller, roles.OFFICER, roles.CLERK)
    with deps.uow.read() as tx:
        return tx.showing.scans_by_authority(caller.authority_code, limit=MAX_ROWS)
