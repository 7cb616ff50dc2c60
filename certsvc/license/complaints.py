"""投诉: filed, 受理 or 不予受理, 办理, 回访, 归档 (pure).

Laws, in :data:`MOVES`: each step has who takes it and within how many 工作日; what is late gets a card and nothing else
happens by itself. Whoever is complained about answers; a supervisor calls back and files it away. A complaint about
``不予受理`` is a new one to the supervisor: the refusal stays on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certsvc.clock import local_day

ACCEPT_WORKDAYS = 2
HANDLE_WORKDAYS = 15
MAX_OPEN = 10
"""Complaints of one account that nobody answered yet: stops one account from burying a department."""
MAX_TEXT = 1000


class ComplaintState(StrEnum):
    """Where a complaint stands."""

    FILED = "filed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ANSWERED = "answered"
    FOLLOWED = "followed"
    ARCHIVED = "archived"


COMPLAINT_ZH: dict[ComplaintState, str] = {
    ComplaintState.FILED: "待受理",
    ComplaintState.ACCEPTED: "办理中",
    ComplaintState.DECLINED: "不予受理",
    ComplaintState.ANSWERED: "待回访",
    ComplaintState.FOLLOWED: "待归档",
    ComplaintState.ARCHIVED: "已归档",
}


class Who(StrEnum):
    """Who takes a step."""

    DEPARTMENT = "department"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, kw_only=True, slots=True)
class ComplaintMove:
    """One step: from where to where, by whom, and the 工作日 that the step behind it has (0: no clock).

    Attributes:
        writes: what it writes besides state and moments; the words of other steps stay as they are stored.
    """

    target: ComplaintState
    sources: frozenset[ComplaintState]
    who: Who
    writes: frozenset[str]
    next_workdays: int = 0


MOVES: dict[str, ComplaintMove] = {
    "accept": ComplaintMove(
        target=ComplaintState.ACCEPTED,
        sources=frozenset({ComplaintState.FILED}),
        who=Who.DEPARTMENT,
        writes=frozenset({"handler"}),
        next_workdays=HANDLE_WORKDAYS,
    ),
    "decline": ComplaintMove(
        target=ComplaintState.DECLINED,
        sources=frozenset({ComplaintState.FILED}),
        who=Who.DEPARTMENT,
        writes=frozenset({"handler", "answer"}),
    ),
    "answer": ComplaintMove(
        target=ComplaintState.ANSWERED,
        sources=frozenset({ComplaintState.ACCEPTED}),
        who=Who.DEPARTMENT,
        writes=frozenset({"handler", "answer"}),
    ),
    "follow_up": ComplaintMove(
        target=ComplaintState.FOLLOWED,
        sources=frozenset({ComplaintState.ANSWERED}),
        who=Who.SUPERVISOR,
        writes=frozenset({"follow_up", "content"}),
    ),
    "reopen": ComplaintMove(
        target=ComplaintState.ACCEPTED,
        sources=frozenset({ComplaintState.ANSWERED}),
        who=Who.SUPERVISOR,
        writes=frozenset({"follow_up", "content"}),
        next_workdays=HANDLE_WORKDAYS,
    ),
    "archive": ComplaintMove(
        target=ComplaintState.ARCHIVED,
        sources=frozenset({ComplaintState.FOLLOWED, ComplaintState.DECLINED}),
        who=Who.SUPERVISOR,
        writes=frozenset({"archive_no"}),
    ),
}
RUNNING = frozenset({ComplaintState.FILED, ComplaintState.ACCEPTED})
"""States with a clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Complaint:
    """One complaint.

    Attributes:
        authority_code: the body complained about, which answers.
        filed_by: account that filed it: the holder's own, or a counter's.
        name, contact, text: of whoever complains, personal.
        due_on: last day of the next step, or None.
        answer, follow_up: words of the department and of the supervisor, personal.
        content: whether the one who complained was content when called back.
        archive_no: 归档号, given when it is filed away.
    """

    complaint_id: str
    authority_code: str
    matter_code: str
    case_no: str
    filed_by: str
    name: str
    contact: str
    text: str
    filed_at: datetime
    due_on: date | None
    state: ComplaintState = ComplaintState.FILED
    handler: str = ""
    answer: str = ""
    follow_up: str = ""
    content: bool | None = None
    archive_no: str = ""
    moved_at: datetime | None = None
    closed_at: datetime | None = None

    def late(self, now: datetime) -> bool:
        """Whether the next step is past its last day."""
        return self.state in RUNNING and self.due_on is not None and local_day(now) > self.due_on
