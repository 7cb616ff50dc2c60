"""The high-water mark of the register's time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockMark:
    """A moment that the register has seen.

    Attributes:
        at: the latest moment that a process wrote down.
        boot, boot_s: which start of which machine wrote it, and how many seconds after that start; ``boot`` is empty
            where the machine does not tell.
        epoch: how often an operator confirmed the clock; 0 at first.
    """

    at: datetime
    boot: str
    boot_s: float
    epoch: int
