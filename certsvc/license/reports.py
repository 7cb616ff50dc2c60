"""Reports upward (汇聚): what became of a license version, and whether the province has taken note of it.

There is one report per version and state. A license that comes into a state again is reported again in the same row,
under a new number and a later place, so the province never takes an old state for the present one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.license.states import State

SCHEDULE = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
)
"""Pauses after failed tries; the last one is repeated for ever, since a report is never given up."""


class ReportState(StrEnum):
    """Where a report stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


REPORT_STATE_ZH: dict[ReportState, str] = {
    ReportState.WAITING: "待上报",
    ReportState.ACCEPTED: "已接收",
    ReportState.REJECTED: "被退回",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One report.

    Attributes:
        identifier: 证照标识 of the version.
        state: that the version came into.
        report_id: id of the event that said so; the province knows a repeated report by it.
        position: of that event: reports of one license are sent in this order.
        attempts: failed tries since it last began to wait.
        ready_at: when it is sent, or sent again.
        reason: why the province rejected it; empty otherwise.
        acknowledged_at: when the province accepted or rejected it.
    """

    identifier: str
    state: State
    report_id: str
    position: int
    status: ReportState
    attempts: int
    ready_at: datetime
    reason: str = ""
    acknowledged_at: datetime | None = None


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failed tries."""
    return SCHEDULE[min(max(attempts, 1), len(SCHEDULE)) - 1]
