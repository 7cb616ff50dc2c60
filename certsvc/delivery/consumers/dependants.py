"""Flag what depends on a license that ended, and take the flag back when it is reinstated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.issuance.dependants import sync_dependants
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import (
    LicenseCancelled,
    LicenseReinstated,
    LicenseRescinded,
    LicenseRevoked,
    LicenseWithdrawn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

NAME = "dependants"

_LOOKED_AT = frozenset(
    PREFIX + payload.NAME
    for payload in (LicenseRescinded, LicenseWithdrawn, LicenseRevoked, LicenseCancelled, LicenseReinstated)
)


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Bring the flags in step with how the licenses stand now; other events leave nothing."""
    for event in events:
        if event.type not in _LOOKED_AT:
            continue
        version = tx.licenses.by_identifier(event.subject)
        if version is not None and not version.provisional:
            sync_dependants(deps, tx, version, deps.clock.now())
