"""A visit (检查): officers who have shown who they are, for a task, at a place, for some hours.

Laws of the state machine, which ``tests/unit/test_visit_states.py`` tries at random:

* a visit is ``open`` from its beginning; it is ``closed`` by one of its officers, and ``lapsed`` once its last moment
  has passed; neither leads back;
* departments join an open visit only, and only those that it named; an officer is in one open visit at a time;
* what was recorded in it stays; a correction is another row behind it, with a reason;
* the one who was visited marks an ended visit, once, within :data:`RATING_DAYS` days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

MAX_HOURS = 12
"""A visit is over by then: a forgotten one must not open data the next day."""
RATING_DAYS = 30
MAX_DEPARTMENTS = 10
MAX_CORRECTIONS = 50
"""Corrections of one record; more are a slip of a program."""
MAX_PICTURES = 9
"""Pictures of one scan: stops a device that sends the same moment over and over."""
BEST_MARK, WORST_MARK, BAD_MARK = 5, 1, 2
"""好差评: 5 非常满意 … 1 非常不满意; from ``BAD_MARK`` down a mark is 差评."""


class TaskKind(StrEnum):
    """Why officers come."""

    ROUTINE = "routine"
    """日常检查"""
    RANDOM = "random"
    """双随机"""
    SPECIAL = "special"
    """专项检查"""
    COMPLAINT = "complaint"
    """投诉举报核查"""
    CASE = "case"
    """案件调查"""


TASK_ZH: dict[TaskKind, str] = {
    TaskKind.ROUTINE: "日常检查",
    TaskKind.RANDOM: "双随机检查",
    TaskKind.SPECIAL: "专项检查",
    TaskKind.COMPLAINT: "投诉举报核查",
    TaskKind.CASE: "案件调查",
}


class VisitState(StrEnum):
    """Where a visit stands."""

    OPEN = "open"
    CLOSED = "closed"
    LAPSED = "lapsed"
    """derived: past its last moment without having been closed"""


VISIT_ZH: dict[VisitState, str] = {
    VisitState.OPEN: "检查进行中",
    VisitState.CLOSED: "检查已结束",
    VisitState.LAPSED: "已超过有效时间",
}


class Outcome(StrEnum):
    """What came out of looking at one license."""

    QUALIFIED = "qualified"
    """合格"""
    RECTIFY = "rectify"
    """责令改正, with a day"""
    FIRST_EXEMPT = "first_exempt"
    """首违不罚"""
    FILED = "filed"
    """立案"""
    TRANSFERRED = "transferred"
    """移送"""


OUTCOME_ZH: dict[Outcome, str] = {
    Outcome.QUALIFIED: "合格",
    Outcome.RECTIFY: "责令改正",
    Outcome.FIRST_EXEMPT: "首违不罚",
    Outcome.FILED: "立案",
    Outcome.TRANSFERRED: "移送",
}
TOLD_BY_DOCUMENT = frozenset({Outcome.FILED, Outcome.TRANSFERRED})
"""What its party learns by a document that is served, not from a page: the ledger must not run ahead of a case."""
TOLD_BY_DOCUMENT_ZH = "以执法机关送达的文书为准"


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitOfficer:
    """An officer in a visit, as the register knew the person when joining.

    Attributes:
        subject: the account, or empty for a second officer without one.
        left_at: set when the visit ends.
    """

    visit_id: str
    badge: str
    subject: str
    authority_code: str
    unit: str
    kinds: tuple[str, ...]
    region: str
    joined_at: datetime
    left_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One visit.

    Attributes:
        token: 128 bits by which the one who is visited sees who came (``/o/<token>``); kept encrypted.
        authority_code: USCC of the body that leads.
        departments: USCCs of the bodies that may join (联合检查), without the leading one.
        task_no: number of the task or of the 检查通知书.
        region: GB/T 2260 code of the place.
        place: address in words, personal where somebody lives there.
        kinds: 执法类别 of the leading body's officers for this visit.
        target: blind index of the one who is visited, or empty while nobody is named.
        target_name: name of that one, personal, or empty.
        repeat_reason: why this one is visited again so soon, or empty.
    """

    visit_id: str
    token: str
    authority_code: str
    departments: tuple[str, ...]
    opened_by: str
    task_kind: TaskKind
    task_no: str
    region: str
    place: str
    kinds: tuple[str, ...]
    target: bytes
    target_name: str
    repeat_reason: str
    opened_at: datetime
    valid_until: datetime
    closed_at: datetime | None = None
    officers: tuple[VisitOfficer, ...] = ()

    def state(self, now: datetime) -> VisitState:
        """Where it stands at ``now``."""
        if self.closed_at is not None:
            return VisitState.CLOSED
        return VisitState.OPEN if now < self.valid_until else VisitState.LAPSED

    def ended_at(self, now: datetime) -> datetime | None:
        """When it ended, or None while it is open."""
        if self.closed_at is not None:
            return self.closed_at
        return self.valid_until if now >= self.valid_until else None

    def may_join(self, authority_code: str, now: datetime) -> bool:
        """Whether officers of this body may join."""
        named = authority_code == self.authority_code or authority_code in self.departments
        return named and self.state(now) is VisitState.OPEN

    def may_be_rated(self, now: datetime) -> bool:
        """Whether the one who was visited may mark it."""
        ended = self.ended_at(now)
        return ended is not None and now < ended + timedelta(days=RATING_DAYS)

    def team(self, authority_code: str) -> tuple[VisitOfficer, ...]:
        """The officers of one body in it."""
        return tuple(one for one in self.officers if one.authority_code == authority_code)


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """In what somebody scans: an open visit, as which officer, and with how many of the same body.

    Attributes:
        visit: without its officers.
        team: officers of the own body in it, the own person among them.
    """

    visit: Visit
    officer: VisitOfficer
    team: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What came out of one scan; a correction is another one with the same ``scan_id`` and the next ``seq``.

    Attributes:
        seq: 0 for the first.
        reason: why it is corrected; empty for the first.
        due_on: last day of a 责令改正, else None.
        note: of the officer, personal.
        badge: of whoever recorded it.
    """

    inspection_id: str
    scan_id: str
    seq: int
    visit_id: str
    version_id: str
    authority_code: str
    badge: str
    actor: str
    outcome: Outcome
    due_on: date | None
    note: str
    reason: str
    at: datetime

    def says_the_same(self, other: Inspection) -> bool:
        """Whether the same thing was recorded, so that a repeat may be answered by what is there."""
        said = ("scan_id", "seq", "outcome", "due_on", "note", "reason", "authority_code")
        return all(getattr(self, name) == getattr(other, name) for name in said)


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture of one scan; its bytes are an encrypted object.

    Attributes:
        sha256: of the normalised JPEG, in hex.
        until: when it is removed.
    """

    picture_id: str
    scan_id: str
    authority_code: str
    actor: str
    sha256: str
    size: int
    object_name: str
    at: datetime
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """The mark that the one who was visited gives."""

    visit_id: str
    holder: bytes
    """blind index of who marked it"""
    mark: int
    text: str
    at: datetime


def due_fault(outcome: Outcome, due_on: date | None, today: date, *, longest_days: int) -> str:
    """What is wrong with the day of a 责令改正, in Chinese; empty when nothing is."""
    if outcome is not Outcome.RECTIFY:
        return "只有责令改正才有改正期限" if due_on is not None else ""
    if due_on is None:
        return "责令改正应填写改正期限"
    if not today <= due_on <= today + timedelta(days=longest_days):
        return f"改正期限应在今天起 {longest_days} 天以内"
    return ""
