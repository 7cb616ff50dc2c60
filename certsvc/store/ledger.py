"""A ledger for comparing sets that are larger than memory: a private temporary SQLite file that nobody else sees.

It holds identifiers and digests only, is never synced, and is gone when it is closed or the process ends.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TABLE = """
CREATE TABLE counts (
    topic TEXT NOT NULL, key TEXT NOT NULL, wanted INTEGER NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (topic, key)
) WITHOUT ROWID
"""
_EXPECT = "INSERT INTO counts VALUES (?, ?, 1, 0) ON CONFLICT DO UPDATE SET wanted = wanted + 1"
_SEE = "INSERT INTO counts VALUES (?, ?, 0, 1) ON CONFLICT DO UPDATE SET seen = seen + 1"
_SAW = "SELECT 1 FROM counts WHERE topic = ? AND key = ? AND seen > 0"
_SHORT = "SELECT key, seen FROM counts WHERE topic = ? AND key > ? AND seen < wanted ORDER BY key LIMIT ?"
_OVER = "SELECT key, seen FROM counts WHERE topic = ? AND key > ? AND seen > wanted ORDER BY key LIMIT ?"
_EXPECTED = "SELECT key FROM counts WHERE topic = ? AND key > ? AND wanted > 0 ORDER BY key LIMIT ?"
_DRAWN = "SELECT key FROM counts WHERE topic = ? AND wanted > 0 ORDER BY random() LIMIT ?"


class DiskLedger:
    """Implements ``reconcile_ports.Ledger``; for one thread."""

    def __init__(self) -> None:
        """Begin an empty one; an empty name is SQLite's for a temporary file."""
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute(_TABLE)

    def expect(self, topic: str, keys: Iterable[str]) -> None:
        """These ought to be there, once for each time they are named."""
        self._connection.executemany(_EXPECT, ((topic, key) for key in keys))

    def see(self, topic: str, keys: Iterable[str]) -> None:
        """These are there."""
        self._connection.executemany(_SEE, ((topic, key) for key in keys))

    def saw(self, topic: str, key: str) -> bool:
        """Whether a key was seen."""
        return self._connection.execute(_SAW, (topic, key)).fetchone() is not None

    def short(self, topic: str, *, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """Keys behind ``after`` that were seen less often than expected, in order, and how often."""
        return self._connection.execute(_SHORT, (topic, after, limit)).fetchall()

    def over(self, topic: str, *, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """Keys behind ``after`` that were seen more often than expected, in order, and how often."""
        return self._connection.execute(_OVER, (topic, after, limit)).fetchall()

    def expected(self, topic: str, *, after: str, limit: int) -> Sequence[str]:
        """Keys behind ``after`` that are expected, in order."""
        return [key for (key,) in self._connection.execute(_EXPECTED, (topic, after, limit))]

    def drawn(self, topic: str, count: int) -> Sequence[str]:
        """At most ``count`` of the expected keys, drawn at random."""
        return [key for (key,) in self._connection.execute(_DRAWN, (topic, count))]

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()
