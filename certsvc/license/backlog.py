"""How much waits, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """How many wait, at most as many as were looked at, and since when the oldest does."""

    count: int
    oldest: datetime | None = None
