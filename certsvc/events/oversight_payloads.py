"""Payloads of 审管双推送: ids, types and states; what a regulator may read is fetched by reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class OversightChanged(Payload):
    """A regulator's subscription was asked for, approved, refused, or has ended; told to its own client only."""

    NAME: ClassVar[str] = "oversight.changed.v1"
    oversight_id: str
    authority_code: str
    state: str
    types: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class OversightPushed(Payload):
    """Something happened to a license in a regulator's charge; the id of this event fetches the fields.

    By webhook it goes to the subscriber's own client only.
    """

    NAME: ClassVar[str] = "oversight.pushed.v1"
    oversight_id: str
    kind: str
    """issued, changed, ended, suspended or resumed"""
    identifier: str
    license_type: str
    event_id: str
    """of the license's event"""


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectionReported(Payload):
    """A regulator's system sent the result of an inspection (检查结果)."""

    NAME: ClassVar[str] = "inspection.reported.v1"
    result_id: str
    identifier: str
    license_type: str
    authority_code: str
    checked_on: str
    outcome: str
    """empty where the result is restricted"""
    restricted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectionSuggested(Payload):
    """A regulator suggests to the issuer to suspend or revoke (处罚建议); nothing moves by it."""

    NAME: ClassVar[str] = "inspection.suggested.v1"
    result_id: str
    identifier: str
    license_type: str
    authority_code: str
    issuer_code: str
    suggestion: str
    """suspend or revoke; empty where the result is restricted: the issuer reads it with the license"""


OVERSIGHT_PAYLOADS: tuple[type[Payload], ...] = (
    OversightChanged,
    OversightPushed,
    InspectionReported,
    InspectionSuggested,
)
