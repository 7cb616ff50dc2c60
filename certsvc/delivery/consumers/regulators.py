"""Tell regulators of licenses in their charge (审管双推送)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.oversight.tell import tell_regulators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

NAME = "regulators"


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write the pushes; other events leave nothing."""
    tell_regulators(deps, tx, events)
