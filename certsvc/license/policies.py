"""用证策略: what a matter may ask for of a license type, and how that is agreed.

Laws: ``requested → approved | refused``; ``approved → open``; ``requested | approved | open → closed``. The body that
handles the matter requests, a body that issues the type decides (never who requested), the operator opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certsvc.clock import local_day

MAX_QUOTA = 1_000_000
"""Uses a day of one policy: more than any matter has cases, so a larger number is a mistake."""
MAX_OPEN_AHEAD_DAYS = 366
"""How far ahead a policy may be opened; a later day is a typing mistake in the year."""


class PolicyState(StrEnum):
    """How far it is."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    OPEN = "open"
    CLOSED = "closed"


POLICY_ZH: dict[PolicyState, str] = {
    PolicyState.REQUESTED: "待审批",
    PolicyState.APPROVED: "已同意，待开通",
    PolicyState.REFUSED: "不同意",
    PolicyState.OPEN: "已开通",
    PolicyState.CLOSED: "已关闭",
}

POLICY_SOURCES: dict[PolicyState, frozenset[PolicyState]] = {
    PolicyState.APPROVED: frozenset({PolicyState.REQUESTED}),
    PolicyState.REFUSED: frozenset({PolicyState.REQUESTED}),
    PolicyState.OPEN: frozenset({PolicyState.APPROVED}),
    PolicyState.CLOSED: frozenset({PolicyState.REQUESTED, PolicyState.APPROVED, PolicyState.OPEN}),
}
"""Target -> the states from which it is reached."""

IN_HAND = frozenset({PolicyState.REQUESTED, PolicyState.APPROVED})
"""One matter has one of these at a time for a type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One policy: what a matter may ask for of one type.

    Attributes:
        authority_code: USCC of the body that handles the matter and asked for it.
        keys: fields, standard fields, ``*copy`` and answers (``catalog/answer_keys.py``).
        bases: ``consent``, ``duty``.
        quota: uses a day, or None for any number.
        purpose: why the matter needs it, as its body says.
        decided_by, reason: who agreed or not; the reason of a refusal.
        opened_on: first day on which it counts.
        closed_on: day on which it was closed.
    """

    policy_id: str
    matter_code: str
    authority_code: str
    type_slug: str
    keys: tuple[str, ...]
    bases: tuple[str, ...]
    quota: int | None
    purpose: str
    state: PolicyState
    requested_by: str
    requested_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    opened_by: str = ""
    opened_at: datetime | None = None
    opened_on: date | None = None
    closed_by: str = ""
    closed_at: datetime | None = None
    close_reason: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """Matter and type."""
        return self.matter_code, self.type_slug

    @property
    def age(self) -> tuple[date, datetime, str]:
        """Order of policies of one pair that were opened: the greatest is the newest."""
        return self.opened_on or date.max, self.opened_at or self.requested_at, self.policy_id

    def began(self, day: date) -> bool:
        """Whether it counts on ``day``, or counted when it was closed: then the seed of its pair counts no more."""
        if self.opened_on is None:
            return False
        if self.state is PolicyState.CLOSED:
            return self.closed_at is not None and self.opened_on <= local_day(self.closed_at)
        return self.state is PolicyState.OPEN and self.opened_on <= day


def in_force(policies: list[Policy], day: date) -> Policy | None:
    """Of the open policies of one pair the one that counts on ``day``: the newest that has begun."""
    begun = [one for one in policies if one.state is PolicyState.OPEN and one.began(day)]
    return max(begun, key=lambda one: one.age, default=None)
