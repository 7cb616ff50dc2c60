"""电子监察: clocks of what is due, and the yellow and red cards that name who is late (pure).

Laws of a card, which ``tests/unit/test_supervision_rules.py`` tries:

1. A clock gets one yellow card before its last day is over and one red card after; a red one takes the yellow one's
   answer in with it (``merged``), so nothing is answered twice.
2. ``open → answered → accepted | returned``; ``returned → answered``. A department answers its own card with a
   整改说明, a supervisor accepts it or not; nobody does both.
3. A card changes nothing but itself: no license, request or case moves because of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_WORKDAYS = 3
"""工作日 to the 整改说明, the day of the card not counted [K]."""


class ClockKind(StrEnum):
    """What is timed, from which moment to which."""

    ISSUING = "issuing"
    DELIVERING = "delivering"
    TICKET = "ticket"
    DISPUTE = "dispute"
    ALERT = "alert"
    CASE = "case"
    MEND = "mend"
    COMPLAINT = "complaint"
    """受理 of a complaint"""
    COMPLAINT_ANSWER = "complaint_answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockRule:
    """How long something may take.

    Attributes:
        span_zh: from what to what.
        days: to the last day, the first one not counted; 0 where each row has a last day of its own.
        workdays: whether ``days`` are 工作日.
        warn: 工作日 before the last day on which a yellow card is due.
        law: where the number comes from.
    """

    name_zh: str
    span_zh: str
    days: int
    workdays: bool
    warn: int
    law: str


CLOCKS: dict[ClockKind, ClockRule] = {
    ClockKind.ISSUING: ClockRule(
        name_zh="制证",
        span_zh="制证申请受理 → 证照签发",
        days=5,
        workdays=True,
        warn=2,
        law="行政许可法第四十四条十个工作日内的前一半",
    ),
    ClockKind.DELIVERING: ClockRule(
        name_zh="送达",
        span_zh="证照签发 → 通知送达持证主体",
        days=5,
        workdays=True,
        warn=2,
        law="行政许可法第四十四条十个工作日内的后一半",
    ),
    ClockKind.TICKET: ClockRule(
        name_zh="缺证错证反馈",
        span_zh="窗口反馈 → 颁发机关答复",
        days=0,
        workdays=True,
        warn=1,
        law="本市数据异议办理要求",
    ),
    ClockKind.DISPUTE: ClockRule(
        name_zh="异议申诉",
        span_zh="提交异议 → 答复",
        days=0,
        workdays=False,
        warn=3,
        law="个人信息保护法第五十条",
    ),
    ClockKind.ALERT: ClockRule(
        name_zh="状态变更通报",
        span_zh="发出通报 → 用证部门确认",
        days=7,
        workdays=False,
        warn=2,
        law="本市用证管理要求",
    ),
    ClockKind.CASE: ClockRule(
        name_zh="审批办件",
        span_zh="受理 → 办结，扣除中止的时间",
        days=0,
        workdays=True,
        warn=2,
        law="行政许可法第四十二条、第四十五条",
    ),
    ClockKind.MEND: ClockRule(
        name_zh="差评整改",
        span_zh="收到差评 → 整改答复",
        days=0,
        workdays=True,
        warn=3,
        law="政务服务“好差评”制度",
    ),
    ClockKind.COMPLAINT: ClockRule(
        name_zh="投诉受理",
        span_zh="收到投诉 → 受理或不予受理",
        days=0,
        workdays=True,
        warn=1,
        law="政务服务投诉办理要求",
    ),
    ClockKind.COMPLAINT_ANSWER: ClockRule(
        name_zh="投诉办理",
        span_zh="投诉受理 → 办结答复",
        days=0,
        workdays=True,
        warn=3,
        law="政务服务投诉办理要求",
    ),
}
"""Every clock. The numbers without a paragraph are local rules [K]; they stand here and nowhere else."""


class Colour(StrEnum):
    """Of a card."""

    YELLOW = "yellow"
    RED = "red"


COLOUR_ZH: dict[Colour, str] = {Colour.YELLOW: "黄牌", Colour.RED: "红牌"}


class CardState(StrEnum):
    """What became of a card."""

    OPEN = "open"
    ANSWERED = "answered"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    MERGED = "merged"


CARD_ZH: dict[CardState, str] = {
    CardState.OPEN: "待说明",
    CardState.ANSWERED: "待审核",
    CardState.RETURNED: "退回重新说明",
    CardState.ACCEPTED: "已认可",
    CardState.MERGED: "并入红牌",
}
CARD_MOVES: dict[CardState, frozenset[CardState]] = {
    CardState.OPEN: frozenset({CardState.ANSWERED, CardState.MERGED}),
    CardState.ANSWERED: frozenset({CardState.ACCEPTED, CardState.RETURNED, CardState.MERGED}),
    CardState.RETURNED: frozenset({CardState.ANSWERED, CardState.MERGED}),
    CardState.ACCEPTED: frozenset(),
    CardState.MERGED: frozenset(),
}


def card_sources(target: CardState) -> frozenset[CardState]:
    """The states from which a card may come to ``target``."""
    return frozenset(state for state, targets in CARD_MOVES.items() if target in targets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """Something whose clock runs out, or has.

    Attributes:
        department: USCC of the body that is to act.
        handler: account, system or person there; empty when nobody took it up.
        about: license type or 事项编码, or empty.
        since: when its clock began.
        due_on: its last day, or None where the clock's rule says it.
    """

    subject: str
    department: str
    handler: str
    about: str
    since: datetime
    due_on: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One card.

    Attributes:
        subject: id of what is late.
        handler: who was at it when the card was opened, personal.
        answer: 整改说明, personal; ``ruling`` the supervisor's words.
        answer_due_on: last day for the answer.
    """

    card_id: str
    clock: ClockKind
    subject: str
    colour: Colour
    department: str
    handler: str
    about: str
    since: datetime
    due_on: date
    raised_at: datetime
    answer_due_on: date
    state: CardState = CardState.OPEN
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    ruling: str = ""
    ruled_by: str = ""
    ruled_at: datetime | None = None

    def unanswered(self, now: datetime) -> bool:
        """Whether the last day for its answer is over and there is none."""
        return self.state in {CardState.OPEN, CardState.RETURNED} and local_day(now) > self.answer_due_on


@dataclass(frozen=True, kw_only=True, slots=True)
class CardCount:
    """How many cards of a department, clock and colour stand in a state."""

    department: str
    clock: str
    colour: str
    state: str
    value: int


def last_due(colour: Colour, rule: ClockRule, today: date, after: Callable[[date, int], date]) -> date:
    """The latest last day that earns this colour today: red ones are over, yellow ones end within ``rule.warn``."""
    return today - timedelta(days=1) if colour is Colour.RED else after(today, rule.warn)


def due_after(rule: ClockRule, begun: date, after: Callable[[date, int], date]) -> date:
    """The last day of what began on ``begun``."""
    return after(begun, rule.days) if rule.workdays else begun + timedelta(days=rule.days)


def last_beginning(rule: ClockRule, due: date, after: Callable[[date, int], date]) -> date:
    """The latest day on which something may have begun whose last day is not after ``due``."""
    day = due
    while due_after(rule, day, after) > due:
        day -= timedelta(days=1)
    return day
