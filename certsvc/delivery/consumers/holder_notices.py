"""Tell the holder that a license was issued, changed, ended or used, or that something is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.notices.tell import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

NAME = "holder-notices"


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write the notices, to be sent by whoever sends; other events leave nothing."""
    tell(deps, tx, events)
