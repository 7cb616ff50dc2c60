"""A request for issuance and its life: ``accepted → issued | refused | failed (retryable)``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.license.model import Holder

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


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuancePayload:
    """What an approval says, after validation against the catalog.

    Attributes:
        previous: 证照标识 of the version to follow, for change, renew and replace.
        number: given number, or empty when the service makes it.
        region: GB/T 2260 code used in numbers and metadata (证照所属管辖属地编码).
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedRequest:
    """A request that one worker holds under a lease; ``claim_token`` guards every later write."""

    request: IssuanceRequest
    claim_token: str
