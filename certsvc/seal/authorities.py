"""What an issuing CA is to the register: its name, and which of its certificates were revoked (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorityFacts:
    """One CA that is kept here.

    Attributes:
        ca_id: its id in addresses.
        name: common name of its subject.
        key_identifier: hex subjectKeyIdentifier of its certificate.
    """

    ca_id: str
    name: str
    key_identifier: str
    algorithm: str
    valid_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokedEntry:
    """One entry of a CRL.

    Attributes:
        serial: lower-case hex.
        reason: a name of RFC 5280 §5.3.1 such as ``keyCompromise``.
    """

    serial: str
    at: datetime
    reason: str
