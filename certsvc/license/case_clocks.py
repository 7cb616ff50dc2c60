"""The clock of an approval case (办件): 工作日 from 受理, stopped for 特殊环节, ended by 办结 (pure).

Laws, after 行政许可法 42 and 45:

1. The day on which counting begins or goes on is not counted; the day on which it stops is.  So a stop and its end on
   one day win nothing.
2. A case that is past its last day cannot be stopped: what is overdue stays so.
3. ``running ⇄ stopped``; either ``→ finished``, which is the end.
4. A stop or an end that is reported late counts from its receipt: whoever is timed does not date it back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_WORKDAYS = 20
"""行政许可法 42: twenty days from 受理, where nothing shorter was promised."""
MAX_WORKDAYS = 250
"""A year; a longer promise is a slip of a program."""
MOST_BEHIND = 1
"""工作日 that a stop or an end may lie before its receipt, for a night's transfer and a weekend. An older one counts
from the receipt: a body could else stop or end every overdue case on a day of its choice."""
MAX_STOPS = 20
"""Stops of one case: a program that stops again and again would keep every case in time."""


class CaseStep(StrEnum):
    """What an approval system reports."""

    ACCEPTED = "accepted"
    STOPPED = "stopped"
    RESUMED = "resumed"
    FINISHED = "finished"


class CaseState(StrEnum):
    """Where a case stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"


CASE_ZH: dict[CaseState, str] = {
    CaseState.RUNNING: "计时中",
    CaseState.STOPPED: "中止计时",
    CaseState.FINISHED: "已办结",
}


class StopReason(StrEnum):
    """Why a clock may stop: 材料补正, and what 行政许可法 45 names."""

    SUPPLEMENT = "supplement"
    HEARING = "hearing"
    BIDDING = "bidding"
    AUCTION = "auction"
    INSPECTION = "inspection"
    TESTING = "testing"
    QUARANTINE = "quarantine"
    APPRAISAL = "appraisal"
    EXPERTS = "experts"
    OTHER_LAW = "other_law"


STOP_ZH: dict[StopReason, str] = {
    StopReason.SUPPLEMENT: "材料补正",
    StopReason.HEARING: "听证",
    StopReason.BIDDING: "招标",
    StopReason.AUCTION: "拍卖",
    StopReason.INSPECTION: "检验",
    StopReason.TESTING: "检测",
    StopReason.QUARANTINE: "检疫",
    StopReason.APPRAISAL: "鉴定",
    StopReason.EXPERTS: "专家评审",
    StopReason.OTHER_LAW: "法律法规规定的其他程序",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseClock:
    """One case.

    Attributes:
        handler: who handles it there, personal.
        limit: 工作日 that it may take.
        used: of them, what was counted up to the last stop.
        counted_from: the day behind which counting began or went on.
        due_on: its last day while it runs; None while it is stopped; as it was when finished.
        stop_reason: word of :class:`StopReason` while stopped, else empty.
        last_at: of the newest step, as it counts; ``said_at`` as it was reported.
        late_reports: steps that were reported too late and count from their receipt.
    """

    case_id: str
    authority_code: str
    case_no: str
    matter_code: str
    handler: str
    limit: int
    used: int
    counted_from: date
    due_on: date | None
    state: CaseState
    stop_reason: str
    stops: int
    accepted_at: datetime
    last_at: datetime
    said_at: datetime
    late_reports: int = 0
    finished_at: datetime | None = None

    def late(self, now: datetime) -> bool:
        """Whether it is, or was when finished, past its last day."""
        if self.due_on is None:
            return False
        return local_day(self.finished_at or now) > self.due_on


def counts_at(
    case: CaseClock, step: CaseStep, said: datetime, now: datetime, after: Callable[[date, int], date]
) -> datetime:
    """From when a step counts that is said to have been at ``said`` and is received ``now``; never before the newest.

    An older 恢复 stays as it is reported: it costs the body days, and its receipt would give them back.
    """
    gains = step in {CaseStep.STOPPED, CaseStep.FINISHED}
    behind = after(local_day(said), MOST_BEHIND) < local_day(now)
    return max(now if gains and behind else said, case.last_at)


def begun(case: CaseClock, after: Callable[[date, int], date]) -> CaseClock:
    """The case with its last day."""
    return replace(case, due_on=after(case.counted_from, case.limit))


def stopped(case: CaseClock, reason: StopReason, at: datetime, between: Callable[[date, date], int]) -> CaseClock:
    """Counting stops; the day of the stop counts."""
    used = case.used + between(case.counted_from, local_day(at))
    return replace(
        case,
        state=CaseState.STOPPED,
        used=used,
        due_on=None,
        stop_reason=reason.value,
        stops=case.stops + 1,
        last_at=at,
    )


def resumed(case: CaseClock, at: datetime, after: Callable[[date, int], date]) -> CaseClock:
    """Counting goes on with the days that are left; with none left today is the last one."""
    today, left = local_day(at), case.limit - case.used
    return replace(
        case,
        state=CaseState.RUNNING,
        counted_from=today,
        due_on=after(today, left) if left > 0 else today,
        stop_reason="",
        last_at=at,
    )


def finished(case: CaseClock, at: datetime) -> CaseClock:
    """The end; a stop that was open ends with it."""
    return replace(case, state=CaseState.FINISHED, stop_reason="", last_at=at, finished_at=at)
