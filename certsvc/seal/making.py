"""The making of a seal: the key operations that it takes, what is ordered of the key ring, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from certsvc.seal.model import ReservationResult


@dataclass(frozen=True, kw_only=True, slots=True)
class SealMaking:
    """One committed permission for the key operations of a making, answered once.

    Attributes:
        purpose: ``key`` (key, certificate or request) or ``object`` (the seal maker's signature).
        digest: hex SHA-256 of the order.
    """

    making_id: str
    seal_id: str
    version: int
    key_id: str
    purpose: str
    digest: str
    actor: str
    reserved_at: datetime
    result: ReservationResult = ReservationResult.OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyOrder:
    """A key to be made, and whose it will be."""

    key_id: str
    algorithm: str
    name: str
    owner_code: str
    owner_name: str
    years: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectOrder:
    """A seal object (SESeal) to be made for a key; sizes in whole mm."""

    key_id: str
    seal_id: str
    name: str
    picture: bytes
    width_mm: int
    height_mm: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateFacts:
    """What the register needs of a key's certificate; ``serial`` and ``issuer_key_id`` in lower-case hex."""

    key_id: str
    serial: str
    issuer_key_id: str
    valid_from: datetime
    valid_until: datetime
