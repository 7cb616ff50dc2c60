"""Payloads about matters, policies and staff; they name bodies and systems, and nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class MattersImported(Payload):
    """A version of the list of matters (事项清单) was imported."""

    NAME: ClassVar[str] = "matters.imported.v1"
    version: int
    digest: str
    """SHA-256 of the file"""
    matters: int
    added: int
    changed: int
    ended: int
    orphans: int
    """policies that point to nothing, or partly so, from now on"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyMoved(Payload):
    """Base of the steps of a policy (用证策略)."""

    policy_id: str
    matter_code: str
    authority_code: str
    """USCC of the body that uses it"""
    license_type: str
    keys: list[str]
    bases: list[str]
    state: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRequested(PolicyMoved):
    """A body asked for what one of its matters needs."""

    NAME: ClassVar[str] = "policy.requested.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyApproved(PolicyMoved):
    """A body that issues the type agreed."""

    NAME: ClassVar[str] = "policy.approved.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRefused(PolicyMoved):
    """A body that issues the type did not agree."""

    NAME: ClassVar[str] = "policy.refused.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyOpened(PolicyMoved):
    """It counts from its day on."""

    NAME: ClassVar[str] = "policy.opened.v1"
    opened_on: str = ""
    """``YYYY-MM-DD``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyClosed(PolicyMoved):
    """It counts no more, or will never count."""

    NAME: ClassVar[str] = "policy.closed.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffChanged(Payload):
    """Accounts of the people of a client system (经办人) were registered or stopped."""

    NAME: ClassVar[str] = "staff.changed.v1"
    client_id: str
    authority_code: str
    set: int
    stopped: int


MATTER_PAYLOADS: tuple[type[Payload], ...] = (
    MattersImported,
    PolicyRequested,
    PolicyApproved,
    PolicyRefused,
    PolicyOpened,
    PolicyClosed,
    StaffChanged,
)
