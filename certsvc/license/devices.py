"""Devices with a key of their own: a holder's that shows without network, an officer's that checks without network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class DeviceKind(StrEnum):
    """What a device is for."""

    HOLDER = "holder"
    """shows licenses of the person whose device it is"""
    OFFICER = "officer"
    """checks codes in the name of an officer or clerk and their authority"""


class DeviceState(StrEnum):
    """``pending`` until the key was proven, then ``active``, then ``blocked`` for good."""

    PENDING = "pending"
    ACTIVE = "active"
    BLOCKED = "blocked"


MAX_DEVICES = {DeviceKind.HOLDER: 5, DeviceKind.OFFICER: 3}
"""Active devices of one person: a thief of a session must not fill a drawer with keys unnoticed."""

MAX_LISTED = 200
"""Devices in one answer."""

CHALLENGE_LIFETIME = timedelta(minutes=10)
"""How long the challenge of an enrolment may be answered."""

MAX_BLOCKED_TOLD = 10_000
"""Blocked devices of holders named in an offline bundle, newest first; a day of a large city has some hundreds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One enrolled device.

    Attributes:
        subject: whose it is.
        authority_code: USCC of the officer's authority; empty for a holder's.
        name: what its owner calls it; personal.
        public_key: P-256 point, compressed.
        thumbprint: of the key (RFC 7638), by which one key is one device.
        challenge: what an enrolment must sign; empty once it did.
        blocked_by: subject of who blocked it.
    """

    device_id: str
    kind: DeviceKind
    state: DeviceState
    subject: str
    authority_code: str
    name: str
    public_key: bytes
    thumbprint: str
    challenge: str
    created_at: datetime
    confirmed_at: datetime | None = None
    blocked_at: datetime | None = None
    blocked_by: str = ""

    def blocked_before(self, moment: datetime) -> bool:
        """Whether it was blocked at ``moment``."""
        return self.blocked_at is not None and self.blocked_at <= moment


def possession_message(device_id: str, challenge: str) -> bytes:
    """What a device signs to prove that it has its key; never mistaken for a code, which begins with another byte."""
    return f"certsvc-device-v1\n{device_id}\n{challenge}".encode("ascii")
