"""Epochs of the evidence log: what is named anew when the log goes on from an older state than was published.

A database that came back from a backup, or from a replica that was behind, has fewer leaves than the log had. What is
appended then is another history, and two histories must not have one name (C2SP tlog-checkpoint: an origin is one
log). So the log goes on under another origin, and its tiles lie in other objects; up to where it was cut it is the old
log, and a consistency proof leads from the one into the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.events.tiles import HEIGHT, bundle_name, tile_name

if TYPE_CHECKING:
    from datetime import datetime

_NAMED = re.compile(r"(.+)/([0-9]{14})")
_FORM = "%Y%m%d%H%M%S"


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One continuation.

    Attributes:
        name: when it began, ``YYYYMMDDhhmmss`` in UTC as a number: two restores of one backup have two names.
        after: leaves that it has in common with the epoch before.
    """

    name: int
    after: int

    @classmethod
    def begun(cls, at: datetime, *, after: int) -> Epoch:
        """That which begins now; ``at`` in UTC."""
        return cls(name=int(at.strftime(_FORM)), after=after)


@dataclass(frozen=True, slots=True)
class Epochs:
    """Every continuation of a log, oldest first; none in most logs."""

    begun: tuple[Epoch, ...] = ()

    @property
    def newest(self) -> int:
        """The name of the epoch that grows; 0 for the first one."""
        return self.begun[-1].name if self.begun else 0

    def at(self, size: int) -> int:
        """The epoch in which the tree got this size."""
        return next((one.name for one in reversed(self.begun) if one.after < size), 0)

    def end_of(self, name: int) -> int | None:
        """Leaves up to which an epoch is part of the log of today; None: all of them, or no epoch of ours."""
        names = [0, *(one.name for one in self.begun)]
        if name not in names[:-1]:
            return None
        return min(one.after for one in self.begun[names.index(name) :])

    def tile_name(self, level: int, number: int) -> str:
        """The object of a full tile of hashes."""
        return tile_name(level, number, epoch=self.at(number + 1 << HEIGHT * (level + 1)))

    def bundle_name(self, number: int) -> str:
        """The object of a full bundle of entries."""
        return bundle_name(number, epoch=self.at(number + 1 << HEIGHT))


def origin_in(origin: str, epoch: int) -> str:
    """The name of the log in an epoch, from that in any other."""
    base = split_origin(origin)[0]
    return f"{base}/{epoch}" if epoch else base


def split_origin(origin: str) -> tuple[str, int]:
    """The name of the log in its first epoch, and the epoch."""
    match = _NAMED.fullmatch(origin)
    return (match[1], int(match[2])) if match else (origin, 0)
