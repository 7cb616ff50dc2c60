"""Offline codes (docs/offline-codes.md): what a core says, what fits in one QR, the times by which a code is judged.

Pure: no CBOR and no key here (``signing/offline_codes.py``), and no words (``seal/reason_words.py``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.license.states import State

if TYPE_CHECKING:
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.status_list import StatusEntry

PREFIX = "ELC1:"
"""In front of every offline code; all of it stands in the alphanumeric alphabet of QR. The digit is the format."""

MAX_BYTES = 390
"""Core, its signature and the device's: with :data:`PREFIX` in base45 one QR of version 15 at level M (600 characters,
ISO/IEC 18004 table 7)."""

MAX_TEXT = len(PREFIX) + MAX_BYTES // 2 * 3
"""Characters of the longest code; anything longer is refused before it is decoded. Stops oversized input."""

MIN_BYTES = 160
"""Nothing shorter can hold two signatures and a device key."""

TOKEN_BYTES = 16
DEVICE_ID_BYTES = 8
KEY_BYTES = 33
"""A P-256 point in compressed form (SEC 1 §2.3.3)."""

CORE_LIFETIME_S = 24 * 3600
"""How long a core is good at most: a lost phone shows no longer than that, wherever its block is not known."""

PROOF_AGE_S = 30
"""How old a device's signature may be; the device signs anew that often."""

TOLERANCE_S = 60
"""How far the clocks of two phones may differ; a screenshot is therefore good for up to 90 s, never longer."""

STATUS_AMBER_S = 4 * 3600
"""Status data older than this take the green away: the license may have ended since."""

STATUS_STALE_S = 24 * 3600
"""Status data older than this say nothing about a license that stands in them as valid (RELIABILITY 2)."""

MAX_CORES = 50
"""Cores in one request; a wallet has a handful of licenses. Bounds the signatures of one call."""

KEEP_CORES = timedelta(days=30)
"""How long a core is known after its end, so that inspections made without network can still be told whose code it
was (:data:`certsvc.license.inspections.MAX_AGE`)."""

ONLINE_ONLY = "只能在线亮证"


@dataclass(frozen=True, kw_only=True, slots=True)
class OfflineCore:
    """What the issuer signs.

    Attributes:
        token: 16 random bytes, unlike any other core's; the register keeps their digest.
        device_key: the showing device's P-256 point, compressed.
        holder_masked: the holder's name as anyone may see it; the only personal data of a code.
        last_day: the license's last day, or None for 长期.
        issued_at, expires_at: Unix seconds; the core is good from the one until before the other.
    """

    token: bytes
    type_slug: str
    holder_masked: str
    last_day: date | None
    status: StatusEntry
    device_key: bytes
    issued_at: int
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OfflineCode:
    """A code whose two signatures held.

    Attributes:
        shown_at: Unix seconds at which the device says it signed.
        issuer: key id of the issuer's key: the first 8 bytes of its thumbprint (RFC 7638).
    """

    core: OfflineCore
    shown_at: int
    issuer: bytes

    @property
    def mark(self) -> tuple[bytes, int]:
        """What is the same when the very same code is scanned again."""
        return self.core.token, self.shown_at


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedCore:
    """A core on the register.

    Attributes:
        token_sha256: hex SHA-256 of the token's 16 bytes; the token itself is kept nowhere.
    """

    core_id: str
    token_sha256: str
    version_id: str
    device_id: str
    issued_at: datetime
    expires_at: datetime


class TimeFault(StrEnum):
    """What speaks against the times of a code; the words are reason codes of a verdict."""

    LICENSE_EXPIRED = "license_expired"
    CODE_EXPIRED = "code_expired"
    CLOCK_DIFFERS = "clock_differs"


def time_fault(code: OfflineCode, at: datetime) -> TimeFault | None:
    """What speaks against the times of a code at ``at`` (aware); None when they are good.

    The device's signature is at most 30 s old, the core at most 24 h, and clocks may differ by 60 s.
    """
    now, core = at.timestamp(), code.core
    if core.last_day is not None and local_day(at) > core.last_day:
        return TimeFault.LICENSE_EXPIRED
    if max(core.issued_at, code.shown_at) > now + TOLERANCE_S:
        return TimeFault.CLOCK_DIFFERS
    if code.shown_at < now - PROOF_AGE_S - TOLERANCE_S:
        return TimeFault.CODE_EXPIRED
    good = now < core.expires_at <= core.issued_at + CORE_LIFETIME_S
    return None if good and code.shown_at >= core.issued_at - TOLERANCE_S else TimeFault.CODE_EXPIRED


def device_key_id(point: bytes) -> bytes:
    """The id by which a showing device is named when it was reported lost: 8 bytes of the digest of its point."""
    return hashlib.sha256(point).digest()[:DEVICE_ID_BYTES]


def why_online_only(version: LicenseVersion, how: Standing, now: datetime) -> str:
    """Why no core is made of this version, in Chinese; empty when one may be made.

    An offline reader sees one bit and the last day. What cannot be told by these is not shown offline.
    """
    if version.provisional:
        return "模拟审批意见不是正式证照，不能亮证"
    if not how.good:
        return f"证照当前状态为“{how.zh}”，{ONLINE_ONLY}"
    if version.state is not State.VALID or (version.valid_until is not None and local_day(now) > version.valid_until):
        return f"证照{how.zh}，离线不能说明，{ONLINE_ONLY}"
    if version.status_entry is None:
        return f"证照尚未编入状态列表，请稍后再取；目前{ONLINE_ONLY}"
    return ""


def core_end(version: LicenseVersion, now: datetime) -> datetime:
    """When a core that is made now ends: after 24 h, or with the license's last day."""
    end = now + timedelta(seconds=CORE_LIFETIME_S)
    return end if version.valid_until is None else min(end, end_of_day(version.valid_until))


def too_long(size: int) -> str:
    """Why a code of ``size`` bytes is not made; empty when it fits."""
    return (
        f"持证主体名称较长，一个二维码放不下（{size} 字节，最多 {MAX_BYTES} 字节），{ONLINE_ONLY}"
        if size > MAX_BYTES
        else ""
    )
