"""审管双推送: which license events a regulator is told of, and the inspection results that it sends back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.identifiers.region import Region

if TYPE_CHECKING:
    from collections.abc import Mapping


class PushKind(StrEnum):
    """What happened to a license."""

    ISSUED = "issued"
    """制发、登记"""
    CHANGED = "changed"
    """变更、延续、补办、更正: a version that follows another"""
    ENDED = "ended"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    """恢复、恢复效力"""


KIND_OF_ACTION: Mapping[str, PushKind] = {
    "issued": PushKind.ISSUED,
    "registered": PushKind.ISSUED,
    "suspended": PushKind.SUSPENDED,
    "resumed": PushKind.RESUMED,
    "reinstated": PushKind.RESUMED,
    "rescinded": PushKind.ENDED,
    "withdrawn": PushKind.ENDED,
    "revoked": PushKind.ENDED,
    "cancelled": PushKind.ENDED,
    "voided": PushKind.ENDED,
}
"""Action of a license event (``license.<action>.v1``) -> what a regulator is told.

A version that follows another is *changed*; that the one before was superseded or corrected is the same news.
"""


class OversightState(StrEnum):
    """Where a regulator's subscription stands."""

    ASKED = "asked"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Oversight:
    """A regulator's subscription: types, region, kinds of event, and the fields of the license that come with them.

    Attributes:
        region: GB/T 2260; licenses whose issuer lies in it.
        fields: type slug -> keys that are given.
        after: events behind this position come.
        reason: why it was refused or ended, for people or as a code.
    """

    oversight_id: str
    client_id: str
    authority_code: str
    region: str
    kinds: tuple[PushKind, ...]
    fields: Mapping[str, tuple[str, ...]]
    state: OversightState
    reason: str
    decided_by: str
    after: int
    created_at: datetime
    changed_at: datetime

    def covers(self, type_slug: str, region: str) -> bool:
        """Whether licenses of this type from this region are its business."""
        return type_slug in self.fields and Region(self.region).contains(Region(region))

    def wants(self, kind: PushKind, type_slug: str, region: str) -> bool:
        """Whether it is told of this."""
        return self.state is OversightState.ACTIVE and kind in self.kinds and self.covers(type_slug, region)


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """That a regulator was told of one event: ids only, the fields are fetched by reference."""

    push_id: str
    oversight_id: str
    event_id: str
    position: int
    kind: PushKind
    version_id: str
    at: datetime


class ResultOutcome(StrEnum):
    """检查结果."""

    PASSED = "passed"
    """合格"""
    CORRECT = "correct"
    """责令改正"""
    CORRECTED = "corrected"
    """已改正"""
    FAILED = "failed"
    """不合格"""
    CASE = "case"
    """立案查处"""
    NOT_FOUND = "not_found"
    """查无、停业"""


OUTCOME_ZH: Mapping[ResultOutcome, str] = {
    ResultOutcome.PASSED: "合格",
    ResultOutcome.CORRECT: "责令改正",
    ResultOutcome.CORRECTED: "已改正",
    ResultOutcome.FAILED: "不合格",
    ResultOutcome.CASE: "立案查处",
    ResultOutcome.NOT_FOUND: "未找到检查对象",
}


class Suggestion(StrEnum):
    """处罚建议 to the issuer; nothing moves by it."""

    NONE = ""
    SUSPEND = "suspend"
    REVOKE = "revoke"


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectionResult:
    """What a regulator's own system reports about a license.

    Attributes:
        result_no: its number there; with the client it names the result.
        body_hash: of what was sent, to tell a repeat from another result under the same number.
        restricted: kept from the holder until ``disclosed_on`` (None: for good), and its outcome from events.
        task, document_no, next_step, basis: words that may name people.
    """

    result_id: str
    client_id: str
    result_no: str
    body_hash: str
    version_id: str
    authority_code: str
    outcome: ResultOutcome
    checked_on: date
    restricted: bool
    disclosed_on: date | None
    suggestion: Suggestion
    task: str
    document_no: str
    next_step: str
    basis: str
    at: datetime

    def open_to_holder(self, today: date) -> bool:
        """Whether the holder may see it on this day."""
        return not self.restricted or (self.disclosed_on is not None and self.disclosed_on <= today)
