"""综合窗口: what a counter answers for each row of a matter's material list, and what it took.

One row has exactly one answer. Without a basis the counter learns from it whether paper is needed and nothing else: a
holder without the license, one whose license ended, and one whom nobody knows are answered alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class RowAnswer(StrEnum):
    """The six answers (DOMAIN.md 4)."""

    LICENSE = "exempt_license"
    DATA = "exempt_data"
    PROMISE = "promise"
    LATER = "later"
    BRING = "bring"
    NOT_APPLICABLE = "not_applicable"


ANSWER_ZH: dict[RowAnswer, str] = {
    RowAnswer.LICENSE: "免提交（证照）",
    RowAnswer.DATA: "免提交（数据核验）",
    RowAnswer.PROMISE: "告知承诺替代",
    RowAnswer.LATER: "容缺后补",
    RowAnswer.BRING: "需提交",
    RowAnswer.NOT_APPLICABLE: "不适用",
}
EXEMPT = frozenset({RowAnswer.LICENSE, RowAnswer.DATA})
"""免提交: paper taken for these counts as 应免未免."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ways:
    """How a row could be answered, for this holder and now.

    Attributes:
        applies: the material is asked of holders of this kind.
        electronic: the matter's policy lets a license or a datum answer it.
        asked: the register could be asked; False is an outage.
        license: a license that the policy allows is in force.
        data: a datum that the policy allows is there, of a license in force.
        promise, later: the list allows 告知承诺, 容缺.
    """

    applies: bool
    electronic: bool
    asked: bool
    license: bool
    data: bool
    promise: bool
    later: bool


def decide(ways: Ways) -> RowAnswer:
    """The answer of a row; what spares the applicant most comes first.

    In an outage nobody pays for our fault: what the register might answer is accepted and checked later.
    """
    if not ways.applies:
        return RowAnswer.NOT_APPLICABLE
    if ways.electronic and not ways.asked:
        return RowAnswer.LATER
    if ways.electronic and ways.license:
        return RowAnswer.LICENSE
    if ways.electronic and ways.data:
        return RowAnswer.DATA
    if ways.promise:
        return RowAnswer.PROMISE
    return RowAnswer.LATER if ways.later else RowAnswer.BRING


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRow:
    """One row of a 收件清单 as it was answered.

    Attributes:
        material: id of the material in the matter's list.
        why, next_step: sentences for the clerk.
        days: working days to bring it later; 0 where it is not brought later.
        promise: text of the 告知承诺 that was offered, or empty.
    """

    material: str
    name: str
    paper: str
    answer: RowAnswer
    why: str
    next_step: str
    days: int = 0
    promise: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterCase:
    """One case (办件) at one counter, and where its list stands.

    Attributes:
        counter_code: USCC of the body whose counter took it; a case number is unique there.
        authority_code: USCC of the body of the matter.
        version: of its newest sheet, from 1.
        exempt: rows of that sheet which are 免提交.
        outage: whether that sheet was made while the register could not be asked.
    """

    case_id: str
    counter_code: str
    case_no: str
    matter_code: str
    authority_code: str
    holder_code: str
    holder_code_type: str
    version: int
    exempt: int
    outage: bool
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One version of a 收件清单; ``slip_no`` is the number of the 系统故障容缺受理单, or empty."""

    case_id: str
    version: int
    rows: tuple[SheetRow, ...]
    slip_no: str
    operator: str
    at: datetime


class TakingKind(StrEnum):
    """What was done with a row."""

    PAPER = "paper"
    """the paper was taken"""
    PROMISE = "promise"
    """告知承诺 read and confirmed"""
    LATER = "later"
    """容缺: to be brought by a day"""


class PaperReason(StrEnum):
    """Why paper was taken although the row is 免提交."""

    HOLDER_WISH = "holder_wish"
    FETCH_FAILED = "fetch_failed"
    DIFFERS = "differs"
    UNCLEAR = "unclear"
    LAW = "law"
    OTHER = "other"


PAPER_REASON_ZH: dict[PaperReason, str] = {
    PaperReason.HOLDER_WISH: "申请人坚持提交",
    PaperReason.FETCH_FAILED: "系统调取不成功",
    PaperReason.DIFFERS: "电子证照与实际不一致",
    PaperReason.UNCLEAR: "电子证照内容不全或不清",
    PaperReason.LAW: "法律法规要求收取原件",
    PaperReason.OTHER: "其他",
}

MATCHING: dict[TakingKind, frozenset[RowAnswer]] = {
    TakingKind.PAPER: frozenset(RowAnswer) - {RowAnswer.NOT_APPLICABLE},
    TakingKind.PROMISE: frozenset({RowAnswer.PROMISE}),
    TakingKind.LATER: frozenset({RowAnswer.LATER}),
}
"""Which rows a kind of taking is for."""


class Flag(StrEnum):
    """How a deadline stands; it flags, and ends nothing by itself (DOMAIN.md 1.1)."""

    OPEN = "open"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    DONE = "done"


FLAG_ZH: dict[Flag, str] = {
    Flag.OPEN: "待补",
    Flag.DUE_SOON: "即将到期",
    Flag.OVERDUE: "逾期未补",
    Flag.DONE: "已补齐",
}
MAX_HOLDER_CHECKS = 20
"""Checks a day of one clerk for one applicant: stops looking, under ever new case numbers, what somebody holds."""
WARN_DAYS = 2
"""Days before the last day from which a deadline is 即将到期, and its event goes out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taking:
    """What a clerk noted about one row of a case; once per material.

    Attributes:
        counts: 应免未免: paper taken for a 免提交 row.
        reason: a ``PaperReason``, or empty.
        text: the clerk's words; of a promise the text that was confirmed.
        due_on: last day for what is brought later.
    """

    taking_id: str
    case_id: str
    counter_code: str
    authority_code: str
    matter_code: str
    case_no: str
    material: str
    sheet_version: int
    kind: TakingKind
    counts: bool
    reason: str
    text: str
    due_on: date | None
    operator: str
    at: datetime
    warned_at: datetime | None = None
    done_at: datetime | None = None

    def flag(self, today: date) -> Flag | None:
        """How its deadline stands; None without one."""
        if self.due_on is None:
            return None
        if self.done_at is not None:
            return Flag.DONE
        if today > self.due_on:
            return Flag.OVERDUE
        return Flag.DUE_SOON if (self.due_on - today).days <= WARN_DAYS else Flag.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterTally:
    """应免未免 of one matter at one counter in a period."""

    counter_code: str
    authority_code: str
    matter_code: str
    cases: int
    exempt: int
    taken: int
