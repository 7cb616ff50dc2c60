"""What the store tells operators: how much waits, and since when. Counts and times only, nothing of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.license.backlog import Waiting
    from certsvc.license.request import Lane, RequestState
    from certsvc.seal.model import ReservationResult


class Operations(Protocol):
    """Backlogs. Every one is read through an index that holds the backlog only."""

    def queue(self) -> Sequence[tuple[Lane, RequestState, Waiting]]:
        """Requests that have not ended, by lane and state."""
        ...

    def unsequenced(self, *, most: int) -> Waiting:
        """Events that were committed and have no position yet."""
        ...

    def last_position(self) -> int:
        """The last position that an event was given."""
        ...

    def first_behind(self, position: int) -> datetime | None:
        """When the first event behind a position happened; None when there is none."""
        ...

    def deliveries(self, *, most: int) -> Waiting:
        """Deliveries of webhooks that wait for a try."""
        ...

    def failed_deliveries(self, *, most: int) -> int:
        """Deliveries that were given up and not replayed."""
        ...

    def reservations(self) -> Sequence[tuple[ReservationResult, Waiting]]:
        """Uses of seals that were reserved and have no answer, or an unknown one."""
        ...
