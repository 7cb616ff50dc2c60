"""Approval of manual use (人工用印审批): m of n named people, or a 首席代表 alone within scope and term.

Laws:

* An approval is for one use of one seal over one digest, asked for one type, matter and region; it is used once.
* Who asks does not agree; everybody agrees or refuses once; the first refusal ends it.
* A 首席代表 agrees alone, for the seals of the appointing authority, within the types and matters and the term of the
  appointment; nobody appoints themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.seal.use import SealUse

APPROVAL_LIFETIME = timedelta(hours=24)
"""How long an approval may be waited for and used; an old yes must not lie around."""

MAX_TERM = timedelta(days=3 * 366)
"""Longest term of a 首席代表 appointment."""


class ApprovalState(StrEnum):
    """State of an approval; that it ran out is derived from its end."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    USED = "used"


APPROVAL_ZH: dict[ApprovalState, str] = {
    ApprovalState.WAITING: "待批准",
    ApprovalState.GRANTED: "已批准",
    ApprovalState.REFUSED: "不同意",
    ApprovalState.USED: "已用印",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """One person's answer.

    Attributes:
        represented_by: id of the appointment when a 首席代表 answered alone, or empty.
    """

    voter: str
    agrees: bool
    at: datetime
    represented_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UseApproval:
    """A manual use that was asked for.

    Attributes:
        digest: hex SHA-256 of the exact prepared content.
        purpose: what for, in the asker's words.
        needed, approvers: m and the n people, as the seal named them when it was asked.
        used_by: reservation that used it, or empty.
    """

    approval_id: str
    seal_id: str
    owner_code: str
    digest: str
    purpose: str
    type_slug: str
    matter_code: str
    region: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    needed: int
    approvers: tuple[str, ...]
    state: ApprovalState = ApprovalState.WAITING
    used_by: str = ""

    def after(self, votes: Sequence[Vote]) -> ApprovalState:
        """What the votes make of a waiting approval."""
        if any(not vote.agrees for vote in votes):
            return ApprovalState.REFUSED
        agreed = {vote.voter for vote in votes}
        alone = any(vote.represented_by for vote in votes)
        return ApprovalState.GRANTED if alone or len(agreed) >= self.needed else ApprovalState.WAITING

    def problem_of_use(self, seal_id: str, digest: str, use: SealUse, now: datetime) -> str:
        """Why this approval does not allow the use, as a sentence; empty when it does."""
        if self.seal_id != seal_id or self.digest != digest:
            return "批准的不是这枚印章或这份文件：内容有任何改动都须重新报批"
        # What the request did not name is bound by the digest alone.
        named = ((self.type_slug, use.type_slug), (self.matter_code, use.matter_code), (self.region, use.region))
        if any(asked and asked != used for asked, used in named):
            return "批准的证照类型、事项或区划与本次用印不一致，请重新报批"
        if self.state is ApprovalState.USED:
            return "这项批准已经用过，每项批准只能用印一次"
        if self.state is not ApprovalState.GRANTED:
            return f"用印申请当前为“{APPROVAL_ZH[self.state]}”，尚不能用印"
        if now >= self.expires_at:
            return "批准已超过时限，请重新报批"
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Representative:
    """A 首席代表: a person whom an authority lets decide about its seals, within types and matters, for a term.

    Attributes:
        scope_types, matters: what the appointment is for; empty means all.
        ends_at: the first moment after the term.
        dismissed_at: when it was ended early, or None.
    """

    representative_id: str
    owner_code: str
    person: str
    scope_types: tuple[str, ...]
    matters: tuple[str, ...]
    begins_at: datetime
    ends_at: datetime
    document_no: str
    appointed_by: str
    appointed_at: datetime
    dismissed_at: datetime | None = None

    def in_term(self, now: datetime) -> bool:
        """Whether the appointment is in force, whatever for."""
        return self.dismissed_at is None and self.begins_at <= now < self.ends_at

    def problem_of(self, owner_code: str, use: SealUse, now: datetime) -> str:
        """Why the appointment does not cover a use, as a sentence; empty when it does."""
        if self.owner_code != owner_code:
            return "首席代表的授权单位不是这枚印章的所有者"
        if not self.in_term(now):
            return "首席代表的授权不在任期内"
        if self.scope_types and use.type_slug not in self.scope_types:
            return "首席代表的授权不含这类证照"
        if self.matters and use.matter_code not in self.matters:
            return "首席代表的授权不含这个事项"
        return ""
