"""Note which changes the users of a license are to be told of (状态变更通报)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.alerting.raise_alerts import note_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

NAME = "use-alerts"


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Store the changes; a loop goes through the uses, page by page."""
    note_changes(deps, tx, events)
