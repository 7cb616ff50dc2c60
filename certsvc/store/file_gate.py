"""Lets the writing processes of one SQLite file in by turns.

SQLite tells a process that finds another one writing to come back, after pauses that grow to a tenth of a second: one
that writes often would keep the others out. Here whoever waits is next: a process takes the place of the next one
first, and gives it up when it has its turn, so no process has two turns while another one waits. SQLite's own lock
still decides; this only says who asks it when, and the kernel gives back what a killed process held.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOOK_S = 0.0005
"""Pause between two tries of the one thread that waits at the gate: a tenth of a short transaction."""


class FileGate:
    """For one thread of a process at a time; other processes have a gate of their own over the same files."""

    def __init__(self, database: Path) -> None:
        """A gate beside ``database``; its two files are made when it is first used, and are always empty."""
        self._names = tuple(database.with_name(f"{database.name}-{place}") for place in ("next", "turn"))
        self._files: tuple[int, int] | None = None
        self._held = False

    def take(self, wait_s: float) -> None:
        """Wait for the turn, at most so long; then, or where there can be no gate, go on without one."""
        if self._files is None:
            self._files = _opened(self._names)
            if self._files is None:
                return
        following, turn = self._files
        deadline = time.monotonic() + wait_s
        if _locked(following, deadline):
            self._held = _locked(turn, deadline)
            fcntl.flock(following, fcntl.LOCK_UN)

    def give(self) -> None:
        """Let the next process in."""
        if self._held and self._files is not None:
            self._held = False
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files back."""
        files, self._files, self._held = self._files, None, False
        for file in files or ():
            os.close(file)


def _opened(names: Sequence[Path]) -> tuple[int, int] | None:
    files: list[int] = []
    try:
        for name in names:
            files.append(os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # noqa: PERF401  (those before)
    except OSError:
        for file in files:
            os.close(file)
        return None
    return files[0], files[1]


def _locked(file: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another process has it
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_S)
        except OSError:  # this file system knows no such locks
            return False
        else:
            return True
