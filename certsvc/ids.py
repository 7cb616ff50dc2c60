"""The only source of ids, serials, tokens and nonces."""

from __future__ import annotations

import secrets
import time
from typing import Protocol

TOKEN_BYTES = 16
"""128 bits: the least that cannot be guessed by counting (RELIABILITY 2, token guessing)."""

CERT_SERIAL_BYTES = 16
"""X.509 serials: at least 64 bits of randomness, at most 20 octets (RFC 5280 §4.1.2.2)."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)
"""Every ten bits as text: a license takes a dozen ids, and half as many steps per id."""


class Ids(Protocol):
    """Makes identifiers."""

    def new(self, prefix: str) -> str:
        """A new sortable id such as ``lic_01J…``; the prefix names the noun."""
        ...

    def token(self) -> str:
        """A new 128-bit random token in URL-safe text without padding (22 characters)."""
        ...

    def secret(self) -> str:
        """A new 256-bit secret in URL-safe text (43 characters)."""
        ...

    def salt(self) -> bytes:
        """16 random bytes."""
        ...

    def cert_serial(self) -> int:
        """A new positive X.509 serial number of 127 random bits."""
        ...


class SystemIds:
    """Ids from the operating system's random source."""

    def new(self, prefix: str) -> str:
        """``prefix_`` and 26 characters: 48 bits of milliseconds, then 80 random bits (the ULID layout)."""
        value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
        return prefix + "_" + "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])

    def token(self) -> str:
        """A new 128-bit token."""
        return secrets.token_urlsafe(TOKEN_BYTES)

    def secret(self) -> str:
        """A new 256-bit secret."""
        return secrets.token_urlsafe(32)

    def salt(self) -> bytes:
        """16 random bytes."""
        return secrets.token_bytes(16)

    def cert_serial(self) -> int:
        """A new positive serial."""
        return int.from_bytes(secrets.token_bytes(CERT_SERIAL_BYTES), "big") >> 1 or 1
