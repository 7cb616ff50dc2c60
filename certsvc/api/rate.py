"""How often one caller may come: a fixed window per authenticated subject, else per client address.

Never per a header that the caller chooses: a guess at a token or a secret counts against the address it comes from.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from certsvc.errors import RateLimited

if TYPE_CHECKING:
    from certsvc.clock import Clock

WINDOW_S = 60.0

MAX_TRACKED = 100_000
"""Callers counted at once; the least recently seen is forgotten first, so the table cannot be grown without bound."""

GUESS_SHARE = 10
"""Failed sign-ins an address may make in a window: one such part of the rate (password and token guessing)."""


class RateLimiter:
    """Counts calls; threads may share it."""

    def __init__(self, clock: Clock, *, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, key: str) -> None:
        """Count a call of ``key``; RateLimited when it came too often in this window."""
        self._count(key, self._per_minute)

    def count_guess(self, address: str) -> None:
        """Count a failed sign-in from an address; RateLimited when there were too many."""
        self._count(f"guess:{address}", max(1, self._per_minute // GUESS_SHARE))

    def check_guesses(self, address: str) -> None:
        """RateLimited while an address has used up its failed sign-ins."""
        with self._lock:
            start, count = self._windows.get(f"guess:{address}", (0.0, 0))
        fresh = self._clock.monotonic() - start < WINDOW_S
        if fresh and count >= max(1, self._per_minute // GUESS_SHARE):
            raise RateLimited("登录失败次数过多，请一分钟后再试")

    def _count(self, key: str, limit: int) -> None:
        now = self._clock.monotonic()
        with self._lock:
            start, count = self._windows.get(key, (now, 0))
            if now - start >= WINDOW_S:
                start, count = now, 0
            self._windows[key] = (start, count + 1)
            self._windows.move_to_end(key)
            while len(self._windows) > MAX_TRACKED:
                self._windows.popitem(last=False)
        if count >= limit:
            raise RateLimited("请求过于频繁，请一分钟后再试")
