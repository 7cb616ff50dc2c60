"""Clocks that a test sets: in this process, or in others through a file that they all map."""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from certsvc.clock import SystemClock

OFFSET = struct.Struct("d")


class SetClock:
    """A machine's clock that can be set, and seconds that cannot."""

    def __init__(self, at: datetime | None = None, *, boot: str = "first", seconds: float = 1000.0) -> None:
        self.at = at or datetime.now(UTC)
        self.boot = boot
        self.seconds = seconds

    def now(self) -> datetime:
        return self.at

    def sure(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def pass_time(self, seconds: float) -> None:
        """Time passes, for the clock as for everything."""
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds

    def set_by(self, seconds: float) -> None:
        """Somebody sets the clock; no time passes."""
        self.at += timedelta(seconds=seconds)


class FileClock:
    """The machine's clock, off by as many seconds as a file says now."""

    def __init__(self, path: Path) -> None:
        self._machine = SystemClock()
        with path.open("rb") as file:
            self._offset = mmap.mmap(file.fileno(), OFFSET.size, access=mmap.ACCESS_READ)

    @property
    def boot(self) -> str:
        return self._machine.boot

    def now(self) -> datetime:
        return self._machine.now() + timedelta(seconds=OFFSET.unpack(self._offset[:])[0])

    def sure(self) -> datetime:
        return self.now()

    def monotonic(self) -> float:
        return self._machine.monotonic()


def set_machine(path: Path, offset_s: float) -> None:
    """Set the clock of every process that maps the file."""
    if not path.exists():
        path.write_bytes(OFFSET.pack(0.0))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), OFFSET.size) as mapped:
        mapped[:] = OFFSET.pack(offset_s)
