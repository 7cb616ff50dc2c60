"""好差评: a completed service, its rating code, and the 整改 that a bad mark opens (pure).

Laws:

1. A service has one code; it is used once, within :data:`RATING_DAYS` days, by whoever holds it, without a login. It is
   told once, when it is made; a lost one is made anew on record, and the old one ends.
2. A mark of :data:`BAD_MARK` or less opens a 整改: ``open → answered → closed``. The department answers; a supervisor
   calls back (回访) and closes it, or opens it again once more with a new last day when the caller is not content.
3. A mark is never changed, by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certsvc.clock import local_day

RATING_DAYS = 30
MAX_CODES = 3
"""Codes of one service, the first one with them: stops a body from making codes until its own people hold one."""
MEND_WORKDAYS = 15
"""工作日 to the answer to a bad mark, the day of the mark not counted."""
BEST_MARK, WORST_MARK, BAD_MARK = 5, 1, 2
MAX_REASONS = 6
MAX_TEXT = 500
"""Characters that one anonymous hand may leave; bounds what a found code can write."""

MARK_ZH: dict[int, str] = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}


class Channel(StrEnum):
    """Where the service was had."""

    COUNTER = "counter"
    ONLINE = "online"
    MOBILE = "mobile"
    KIOSK = "kiosk"
    PHONE = "phone"


CHANNEL_ZH: dict[Channel, str] = {
    Channel.COUNTER: "政务服务大厅",
    Channel.ONLINE: "政务服务网",
    Channel.MOBILE: "移动端",
    Channel.KIOSK: "自助终端",
    Channel.PHONE: "热线电话",
}


class RatingReason(StrEnum):
    """What was good or bad about it; the first five go with good marks, the others with bad ones."""

    FAST = "fast"
    CLEAR = "clear"
    KIND = "kind"
    FEW_PAPERS = "few_papers"
    ONE_TRIP = "one_trip"
    SLOW = "slow"
    UNCLEAR = "unclear"
    RUDE = "rude"
    EXTRA_PAPERS = "extra_papers"
    MANY_TRIPS = "many_trips"
    REFUSED_LICENSE = "refused_license"


REASON_ZH: dict[RatingReason, str] = {
    RatingReason.FAST: "办得快",
    RatingReason.CLEAR: "说得清楚",
    RatingReason.KIND: "态度好",
    RatingReason.FEW_PAPERS: "少交材料",
    RatingReason.ONE_TRIP: "一次办成",
    RatingReason.SLOW: "办得慢、超时",
    RatingReason.UNCLEAR: "说不清、问不到",
    RatingReason.RUDE: "态度不好",
    RatingReason.EXTRA_PAPERS: "要求提供指南以外的材料",
    RatingReason.MANY_TRIPS: "多次跑、来回跑",
    RatingReason.REFUSED_LICENSE: "有电子证照仍要纸质件",
}
GOOD_REASONS = frozenset(
    {
        RatingReason.FAST,
        RatingReason.CLEAR,
        RatingReason.KIND,
        RatingReason.FEW_PAPERS,
        RatingReason.ONE_TRIP,
    }
)


class MendState(StrEnum):
    """Where a 整改 stands; empty for a service without one."""

    NONE = ""
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


MEND_ZH: dict[MendState, str] = {
    MendState.NONE: "",
    MendState.OPEN: "待整改",
    MendState.ANSWERED: "待回访",
    MendState.CLOSED: "已办结",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One completed service.

    Attributes:
        token: 128 bits by which it is rated (``/r/<token>``), while its code has just been made; else empty.
        codes: how many codes were made for it, each in the place of the one before.
        handler: who served, personal.
        mark: 0 until it is rated.
        text, answer, follow_up: words of the caller, the department and the supervisor, personal.
        content: whether the caller was content when called back; None before.
        rounds: how often the 整改 was opened.
    """

    service_id: str
    token: str
    authority_code: str
    matter_code: str
    case_no: str
    channel: Channel
    handler: str
    completed_at: datetime
    expires_at: datetime
    codes: int = 1
    mark: int = 0
    reasons: tuple[str, ...] = ()
    text: str = ""
    rated_at: datetime | None = None
    mend: MendState = MendState.NONE
    due_on: date | None = None
    rounds: int = 0
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    follow_up: str = ""
    content: bool | None = None
    followed_by: str = ""
    followed_at: datetime | None = None

    def may_be_rated(self, now: datetime) -> bool:
        """Whether its code still takes a mark."""
        return self.mark == 0 and now < self.expires_at

    def late(self, now: datetime) -> bool:
        """Whether its 整改 is past its last day."""
        return self.mend is MendState.OPEN and self.due_on is not None and local_day(now) > self.due_on


MAX_ROUNDS = 2
"""A 整改 is opened again once; a third would be a quarrel, which is a complaint's matter."""


def reasons_fault(mark: int, reasons: tuple[RatingReason, ...]) -> str:
    """What is wrong with the reasons for this mark, in Chinese; empty when nothing is."""
    good = mark > BAD_MARK
    wrong = [REASON_ZH[reason] for reason in reasons if (reason in GOOD_REASONS) != good]
    if wrong:
        return f"“{'、'.join(wrong)}”与所选的满意程度不符，请重新选择"
    return "" if len(set(reasons)) == len(reasons) else "同一原因请只选一次"
