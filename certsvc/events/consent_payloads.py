"""Payloads of challenges, delegations and disputes; they name licenses and bodies, and nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeAnswered(Payload):
    """反扫: a holder agreed to be looked at, or did not."""

    NAME: ClassVar[str] = "challenge.answered.v1"
    challenge_id: str
    authority_code: str
    """USCC of the body that asked"""
    scene: str
    matter_code: str
    """one of the two is empty"""
    outcome: str
    """``confirmed`` or ``declined``"""
    identifier: str
    """证照标识; empty when declined"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegationAccepted(Payload):
    """代亮: a delegate may show from now on."""

    NAME: ClassVar[str] = "delegation.accepted.v1"
    delegation_id: str
    level: str
    """``family``, ``manager`` or ``staff``"""
    licenses: int
    until: str
    """last day"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegationEnded(Payload):
    """代亮: a delegation ended before its last day."""

    NAME: ClassVar[str] = "delegation.ended.v1"
    delegation_id: str
    level: str
    reason: str
    """``grantor``, ``delegate``, ``above``, ``representative`` or ``death``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFiled(Payload):
    """异议申诉: a holder disputes a use of a license, or what it says."""

    NAME: ClassVar[str] = "dispute.filed.v1"
    dispute_id: str
    identifier: str
    about: str
    """``scan``, ``fetch`` or ``content``"""
    authority_code: str
    """USCC of the body that answers"""
    due_on: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeClosed(Payload):
    """A dispute was decided, or the holder let it go."""

    NAME: ClassVar[str] = "dispute.closed.v1"
    dispute_id: str
    identifier: str
    about: str
    authority_code: str
    outcome: str
    """``upheld``, ``rejected`` or ``withdrawn``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentAsked(Payload):
    """用证申请: a system asked a named holder; the event names neither the holder nor any license."""

    NAME: ClassVar[str] = "consent.asked.v1"
    request_id: str
    client_id: str
    authority_code: str
    """USCC of the body that asked"""
    matter_code: str
    lapses_at: str
    """when it is too late to answer"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentAnswered(Payload):
    """用证申请: everybody who was asked has confirmed, or one declined."""

    NAME: ClassVar[str] = "consent.answered.v1"
    request_id: str
    client_id: str
    authority_code: str
    """USCC of the body that asked"""
    matter_code: str
    outcome: str
    """``confirmed`` or ``declined``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentPartyAdded(Payload):
    """用证申请: one more has to confirm, a co-holder of what the holder agreed to; the event names nobody."""

    NAME: ClassVar[str] = "consent.party_added.v1"
    request_id: str
    party_id: str
    client_id: str
    authority_code: str
    """USCC of the body that asked"""
    matter_code: str
    lapses_at: str
    """when it is too late to answer"""


CONSENT_PAYLOADS: tuple[type[Payload], ...] = (
    ChallengeAnswered,
    DelegationAccepted,
    DelegationEnded,
    DisputeFiled,
    DisputeClosed,
    ConsentAsked,
    ConsentAnswered,
    ConsentPartyAdded,
)
