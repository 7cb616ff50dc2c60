"""异议申诉: a holder disputes what was done with a license, or what it says.

Laws: ``filed → in_review → upheld | rejected``; ``filed | in_review → withdrawn``, by the holder. The clock runs from
filing; past it nothing changes by itself, the list shows it as late. Whoever made the use in dispute does not decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certsvc.clock import local_day

ANSWER_DAYS = 15
"""Days to the answer, the day of filing not counted (个人信息保护法 50 wants one in time and names no number)."""

MAX_OPEN_DISPUTES = 20
"""Undecided disputes of one account: stops one account from burying a department."""


class DisputeState(StrEnum):
    """What became of it."""

    FILED = "filed"
    IN_REVIEW = "in_review"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


DISPUTE_ZH: dict[DisputeState, str] = {
    DisputeState.FILED: "已提交",
    DisputeState.IN_REVIEW: "核查中",
    DisputeState.UPHELD: "异议成立",
    DisputeState.REJECTED: "异议不成立",
    DisputeState.WITHDRAWN: "已由本人终止",
}

UNDECIDED = frozenset({DisputeState.FILED, DisputeState.IN_REVIEW})


class DisputeAbout(StrEnum):
    """What is disputed."""

    SCAN = "scan"
    FETCH = "fetch"
    CONTENT = "content"
    """what the license says"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispute:
    """One dispute.

    Attributes:
        use_id: the scan or fetch; empty when the content is disputed.
        used_by: account or system that made the use, which therefore does not decide.
        authority_code: who answers: the body that used the license, or the issuer.
        text, answer: in the words of the holder and of the body.
        due_on: last day for the answer.
    """

    dispute_id: str
    version_id: str
    holder_subject: str
    about: DisputeAbout
    use_id: str
    used_by: str
    authority_code: str
    text: str
    filed_at: datetime
    due_on: date
    state: DisputeState = DisputeState.FILED
    handler: str = ""
    answer: str = ""
    taken_at: datetime | None = None
    closed_at: datetime | None = None

    def late(self, now: datetime) -> bool:
        """Whether its last day is over and nobody has decided."""
        return self.state in UNDECIDED and local_day(now) > self.due_on
