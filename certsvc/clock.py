"""The only source of time.

Every command takes one ``now`` from a :class:`Clock` and uses it throughout. Times are aware and in UTC; a *day* is a
day in Asia/Shanghai, because that is where a license's last day ends.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A laptop that slept an hour is an hour older; ``CLOCK_MONOTONIC`` would not know and the clock seem set."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Tells the time."""

    @property
    def boot(self) -> str:
        """What :meth:`monotonic` counts from: readings under the same word compare, under the empty one none do."""
        ...

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def sure(self) -> datetime:
        """The present moment, for what must not be made or accepted at a doubtful one: issuing, sealing, redeeming.

        Raises:
            ClockInDoubt: by a clock that is watched (``commands/clocks/watched.py``).
        """
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards and that nobody can set, for ages and leases."""
        ...


class SystemClock:
    """The machine's clock."""

    def __init__(self) -> None:
        """Learn which start of the machine this is."""
        self._boot = _read_boot()

    @property
    def boot(self) -> str:
        """The id of this start of the machine, where it tells one (Linux)."""
        return self._boot

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)

    def sure(self) -> datetime:
        """As :meth:`now`: nobody watches this clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine started, those that it slept too where it counts them."""
        return time.clock_gettime(_UPTIME)


class FixedClock:
    """A clock that stands still until it is moved; the tests' clock, and that of ``--at``."""

    def __init__(self, at: datetime) -> None:
        """Start at ``at``, which must be aware."""
        self._at = check_aware(at)

    def now(self) -> datetime:
        """The moment the clock was last set to."""
        return self._at

    @property
    def boot(self) -> str:
        """Its seconds compare with no other clock's."""
        return ""

    def sure(self) -> datetime:
        """The moment the clock was last set to."""
        return self._at

    def monotonic(self) -> float:
        """The same moment in seconds."""
        return self._at.timestamp()

    def advance(self, by: timedelta) -> None:
        """Move the clock by ``by``."""
        self._at += by


def check_aware(at: datetime) -> datetime:
    """Return ``at`` in UTC; a naive one is our own mistake (RuntimeError)."""
    if at.tzinfo is None:
        msg = "naive datetime: every time in certsvc is aware"
        raise RuntimeError(msg)
    return at.astimezone(UTC)


def local_day(at: datetime) -> date:
    """The calendar day of ``at`` in Asia/Shanghai."""
    return check_aware(at).astimezone(SHANGHAI).date()


def beijing_time(at: datetime) -> str:
    """``2026年1月1日 08:00:05``: a moment for people, in Asia/Shanghai, as the pages write it."""
    t = check_aware(at).astimezone(SHANGHAI)
    return f"{t.year}年{t.month}月{t.day}日 {t:%H:%M:%S}"


def end_of_day(day: date) -> datetime:
    """The first moment after ``day`` in Asia/Shanghai, in UTC: a license valid until ``day`` ends here."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC) + timedelta(days=1)


def rfc3339(at: datetime) -> str:
    """``2026-01-01T00:00:00.000000Z``: one spelling of a moment, so that canonical bytes are canonical."""
    return check_aware(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime:
    """Read what :func:`rfc3339` (or any offset-bearing RFC 3339 writer) wrote; ValueError otherwise."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        msg = "the time has no offset: write 2026-01-01T00:00:00Z or 2026-01-01T08:00:00+08:00"
        raise ValueError(msg)
    return at.astimezone(UTC)


def _read_boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
