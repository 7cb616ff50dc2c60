"""The port of parked events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.license.parked import ParkedEvent


class Parked(Protocol):
    """Events that came in and could not be carried out."""

    def add(self, event: ParkedEvent) -> None:
        """Keep one."""
        ...

    def get(self, parked_id: str) -> ParkedEvent | None:
        """One."""
        ...

    def waiting(self, *, client_id: str | None, after: str, limit: int) -> Sequence[ParkedEvent]:
        """Those that wait, of one client or of all, in order of their ids behind ``after``."""
        ...

    def end(self, parked_id: str, *, state: str, by: str, now: datetime) -> bool:
        """Mark one as ``replayed`` or ``dropped``; False when it no longer waits."""
        ...
