"""What watching the clock needs: the high-water mark of the register's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from certsvc.license.clock_mark import ClockMark


class ClockMarks(Protocol):
    """The one mark."""

    def mark(self) -> ClockMark | None:
        """The mark; None before the first process wrote one."""
        ...

    def database_now(self) -> datetime | None:
        """The time of the database's own clock; None where it has none but this machine's (SQLite)."""
        ...

    def database_elsewhere(self) -> bool:
        """Whether the database stands on another machine, as far as its address tells, so that its clock is another."""
        ...

    def raise_mark(self, mark: ClockMark) -> bool:
        """Move the mark on within its epoch; False when it stands there or later, or the epoch is over."""
        ...

    def confirm(self, mark: ClockMark) -> bool:
        """Begin the epoch of ``mark`` at its moment, be it earlier; False when that epoch or a later one has begun."""
        ...

    def undo_future(self, now: datetime, *, apart: timedelta, longest_lease: timedelta, longest_wait: timedelta) -> int:
        """Undo what a clock that was ahead wrote; how many rows.

        Codes, offline cores and grants that were made later than ``apart`` from now end; what is leased for longer
        than ``longest_lease``, or waits for longer than ``longest_wait``, is due now.
        """
        ...
