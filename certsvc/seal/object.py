"""What is told about a seal object (SESeal, .esl) that somebody brings, without any ASN.1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from certsvc.seal.verdict import Check, Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class SealObjectReport:
    """A seal object and what was found about it (GB/T 38540, GM/T 0031).

    Attributes:
        version: 1, 4 or 5.
        maker_id: ``Vid`` of the header.
        maker: subject of the maker's certificate.
        picture_kind, width_mm, height_mm: the stamp's picture.
        signers: hex SHA-256 of the listed certificates, or their digests as written.
        valid: the maker's signature.
        trust: the maker's certificate, up to a configured anchor.
        in_period: whether the moment lies in the seal's period.
        own: whether it lists a certificate of a seal kept here.
        reason: ``ok``, or the first thing that does not hold.
    """

    version: int
    maker_id: str
    maker: str
    seal_id: str
    name: str
    created: datetime
    begins: datetime
    ends: datetime
    picture_kind: str
    width_mm: int
    height_mm: int
    signers: tuple[str, ...]
    valid: Check
    trust: Check
    in_period: Check
    own: bool
    reason: Reason
