"""Payloads of signers and signing rounds: ids and codes only; names, titles and reasons stay in the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerIssued(Payload):
    """A person has an e-signature with a certificate."""

    NAME: ClassVar[str] = "signer.issued.v1"
    signer_id: str
    algorithm: str
    issuer_key_id: str
    serial: str
    """of the certificate, lower-case hexadecimal"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerStopped(Payload):
    """停用: the person's signature signs nothing until it is resumed."""

    NAME: ClassVar[str] = "signer.stopped.v1"
    signer_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerResumed(Payload):
    """恢复."""

    NAME: ClassVar[str] = "signer.resumed.v1"
    signer_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerWithdrawn(Payload):
    """注销: the key is destroyed and the certificate revoked; what was signed before stays good."""

    NAME: ClassVar[str] = "signer.withdrawn.v1"
    signer_id: str
    issuer_key_id: str
    serial: str
    """empty when there was no certificate yet"""
    reason: str
    """as in CRLs (RFC 5280 §5.3.1)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignerExpired(Payload):
    """The certificate ended; the key is destroyed."""

    NAME: ClassVar[str] = "signer.expired.v1"
    signer_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningRequested(Payload):
    """A round was opened over a document."""

    NAME: ClassVar[str] = "signing.requested.v1"
    round_id: str
    authority_code: str
    sha256: str
    """of the document that is to be signed, with its empty fields"""
    participants: int
    seal_id: str
    deadline: str
    """RFC 3339"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningSigned(Payload):
    """One participant signed."""

    NAME: ClassVar[str] = "signing.signed.v1"
    round_id: str
    step_id: str
    signer_id: str
    sha256: str
    left_to_sign: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningDeclined(Payload):
    """One participant declined, which ended the round; the reason is read by its creator."""

    NAME: ClassVar[str] = "signing.declined.v1"
    round_id: str
    step_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningExpired(Payload):
    """The deadline passed before everybody had signed."""

    NAME: ClassVar[str] = "signing.expired.v1"
    round_id: str
    left_to_sign: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningCancelled(Payload):
    """The creator cancelled the round."""

    NAME: ClassVar[str] = "signing.cancelled.v1"
    round_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningUnsealed(Payload):
    """Everybody signed, and the seal was refused for good, which ended the round; the parties read why."""

    NAME: ClassVar[str] = "signing.unsealed.v1"
    round_id: str
    authority_code: str
    sha256: str
    """of the document with all signatures of people"""
    seal_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningCompleted(Payload):
    """Everybody signed and the seal, if one was asked for, is on."""

    NAME: ClassVar[str] = "signing.completed.v1"
    round_id: str
    authority_code: str
    sha256: str
    seal_id: str


SIGNING_PAYLOADS: tuple[type[Payload], ...] = (
    SignerIssued,
    SignerStopped,
    SignerResumed,
    SignerWithdrawn,
    SignerExpired,
    SigningRequested,
    SigningSigned,
    SigningDeclined,
    SigningExpired,
    SigningCancelled,
    SigningUnsealed,
    SigningCompleted,
)
