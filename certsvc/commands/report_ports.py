"""What reporting upward needs: its rows, and the province's endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.license.reports import Report, ReportState


class Reports(Protocol):
    """Reports, one per license version and state."""

    def queue(self, reports: Sequence[Report]) -> None:
        """Store reports that wait; a row with an older position begins anew, one with the same or a later stays."""
        ...

    def due(self, *, now: datetime, limit: int) -> Sequence[Report]:
        """What may be sent now, in order of position, without those behind another waiting one of the same license."""
        ...

    def accept(self, report: Report, *, now: datetime) -> bool:
        """The province took it; False when it does not wait under this id any more."""
        ...

    def reject(self, report: Report, reason: str, *, now: datetime) -> bool:
        """The province refused it; False as in :meth:`accept`."""
        ...

    def put_off(self, report: Report, *, ready_at: datetime) -> bool:
        """It was not answered: one more failed try; False as in :meth:`accept`."""
        ...

    def of(self, status: ReportState | None, *, after: int, limit: int) -> Sequence[Report]:
        """Reports behind a position, of one status or all, in order."""
        ...

    def again(self, identifier: str | None, *, now: datetime) -> int:
        """Let rejected reports of a license, or all, wait again; how many."""
        ...

    def counts(self) -> Mapping[ReportState, int]:
        """How many there are of each status."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """What the province answered about one report."""

    accepted: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What became of one sending.

    Attributes:
        about: answers by report id; a report without one was not taken note of.
        away: how long the province asks us, or has us, stay away; zero when it answered in its own time.
        refused: it will not have the sending as a whole (400, 413, 422): smaller ones may pass.
    """

    about: Mapping[str, Acknowledgement]
    away: timedelta = timedelta(0)
    refused: str = ""


class Province(Protocol):
    """The province's endpoint for reports."""

    def send(self, items: Sequence[Mapping[str, object]], *, now: datetime) -> Answered:
        """Send reports in order.

        Raises:
            Unavailable: no answer, or none that can be used; all of them are sent again later.
        """
        ...
