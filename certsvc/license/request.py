"""A request for issuance and its life: ``accepted → issued | refused | failed (retryable)``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from certsvc.license.model import Decision, Holder
from certsvc.license.stock import StockEntry

if TYPE_CHECKING:
    from collections.abc import Mapping


class RequestState(StrEnum):
    """Where a request stands."""

    ACCEPTED = "accepted"
    ISSUED = "issued"
    REFUSED = "refused"
    FAILED = "failed"
    """will be tried again at ``next_try_at``"""


class Action(StrEnum):
    """What the approval asks for."""

    ISSUE = "issue"
    """新办"""
    CHANGE = "change"
    """变更: a new version that keeps the end date"""
    RENEW = "renew"
    """延续: a new version with a later end date"""
    REPLACE = "replace"
    """补办: a new version with the same number"""
    SPLIT = "split"
    """分立: one part of what one license becomes; each part is a request of its own under one ``case_no``"""
    MERGE = "merge"
    """合并: a new version of ``previous`` that takes in ``absorbs``"""
    CORRECT = "correct"
    """更正: the right file for one that was made wrongly"""
    CONVERT = "convert"
    """转为正式: the formal license for a provisional opinion"""
    PROVISIONAL = "provisional"
    """模拟审批: an opinion without legal force for a project"""


class Lane(IntEnum):
    """Which queue a request waits in: the workers take from the first while anything waits there."""

    LIVE = 0
    """somebody waits for it"""
    BACKFILL = 1
    """存量 and bulk renewals: what is left of the workers' time"""


FIRST_ACTIONS: frozenset[Action] = frozenset({Action.ISSUE, Action.PROVISIONAL})
"""Actions that follow nothing; every other is a link of ``license/links.py`` of the same name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StockClaim:
    """What an approved import says of a license that was issued before (存量).

    Attributes:
        first_issued_on: 首次发证日期, which may lie before the issue of the version that is brought in.
        suspension: the decision under which it is suspended now, or None.
        checks: name and day of the last periodic checks that it passed, as far as they are known.
    """

    entry: StockEntry
    first_issued_on: date
    suspension: Decision | None = None
    checks: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuancePayload:
    """What an approval says, after validation against the catalog.

    Attributes:
        previous: 证照标识 of the version to follow; empty for the actions that follow nothing.
        absorbs: 证照标识 of the versions that a merge takes in beside ``previous``.
        case_no: 办件编号 that holds together the licenses of one case (联办件), and the parts of a split.
        project_code: 项目代码 of a provisional opinion and of its conversion.
        decision: the issuer's decision behind a correction.
        number: given number, or empty when the service makes it.
        region: GB/T 2260 code used in numbers and metadata (证照所属管辖属地编码).
        stock: for 存量; then ``authority_code`` is the issuer of the time, and its successor seals.
    """

    authority_code: str
    business_no: str
    type_slug: str
    action: Action
    holder: Holder
    data: Mapping[str, str]
    issued_on: date | None
    valid_from: date | None
    valid_until: date | None
    number: str
    region: str
    matter_code: str
    previous: str
    absorbs: tuple[str, ...] = ()
    case_no: str = ""
    project_code: str = ""
    decision: Decision | None = None
    stock: StockClaim | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuanceRequest:
    """One accepted request.

    Attributes:
        caller: client id; deduplication is scoped to it.
        body_hash: hex SHA-256 of the RFC 8785 form of the body as sent.
        idempotency_key, event_source, event_id: empty when not given.
        photo_id: id of the stored photo, or empty.
        attempts: how many times a worker has begun.
        reason_code, reason_detail: why refused or failed.
        version_id: the license version made for it, once issued.
        traceparent: of the caller's request (W3C Trace Context), or empty.
    """

    request_id: str
    caller: str
    payload: IssuancePayload
    body_hash: str
    idempotency_key: str
    event_source: str
    event_id: str
    photo_id: str
    state: RequestState
    attempts: int
    reason_code: str
    reason_detail: str
    version_id: str
    created_at: datetime
    updated_at: datetime
    lane: Lane = Lane.LIVE
    traceparent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedRequest:
    """A request that one worker holds under a lease; ``claim_token`` guards every later write."""

    request: IssuanceRequest
    claim_token: str
