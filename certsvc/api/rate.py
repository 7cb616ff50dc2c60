"""How often one caller may come: a fixed window per authenticated subject, else per client address.

Never per a header that the caller chooses: a guess at a token or a secret counts against the address it comes from.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from certsvc.errors import RateLimited

if TYPE_CHECKING:
    from certsvc.clock import Clock

log = structlog.get_logger("certsvc.api")

WINDOW_S = 60.0

MAX_TRACKED = 100_000
"""Callers counted at once; the least recently seen is forgotten first, so the table cannot be grown without bound."""

GUESS_SHARE = 10
"""Failed sign-ins an address may make in a window: one such part of the rate (password and token guessing)."""


QUOTA = "quota"
"""Where a request's state holds its caller's :class:`Quota`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """What is left to a caller: ``left`` calls within the next ``reset_s`` seconds."""

    limit: int
    left: int
    reset_s: int

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As response headers (draft-ietf-httpapi-ratelimit-headers, sections 2 and 3)."""
        return (
            (b"ratelimit-policy", b'"caller";q=%d;w=%d' % (self.limit, WINDOW_S)),
            (b"ratelimit", b'"caller";r=%d;t=%d' % (self.left, self.reset_s)),
        )


class RateLimiter:
    """Counts calls; threads may share it."""

    def __init__(self, clock: Clock, *, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._lock = threading.Lock()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, key: str) -> Quota:
        """Count a call of ``key``; RateLimited when it came too often in this window."""
        return self._count(key, self._per_minute)

    def count_guess(self, address: str) -> None:
        """Count a failed sign-in from an address; RateLimited when there were too many."""
        self._count(f"guess:{address}", max(1, self._per_minute // GUESS_SHARE))

    def check_guesses(self, address: str) -> None:
        """RateLimited while an address has used up its failed sign-ins."""
        with self._lock:
            start, count = self._windows.get(f"guess:{address}", (0.0, 0))
        left_s = WINDOW_S - (self._clock.monotonic() - start)
        if left_s > 0 and count >= max(1, self._per_minute // GUESS_SHARE):
            wait_s = math.ceil(left_s)
            raise RateLimited(f"登录失败次数过多，请 {wait_s} 秒后再试", retry_after_s=wait_s)

    def _count(self, key: str, limit: int) -> Quota:
        now = self._clock.monotonic()
        with self._lock:
            start, count = self._windows.get(key, (now, 0))
            if now - start >= WINDOW_S:
                start, count = now, 0
            self._windows[key] = (start, count + 1)
            self._windows.move_to_end(key)
            while len(self._windows) > MAX_TRACKED:
                self._windows.popitem(last=False)
        wait_s = math.ceil(start + WINDOW_S - now)
        if count == limit:  # the first of a window: the others say nothing new, and would fill the log
            log.warning("too many calls", action="access.rate_limited", counted=key.partition(":")[0])
        if count >= limit:
            raise RateLimited(f"请求过于频繁，请 {wait_s} 秒后再试", retry_after_s=wait_s)
        return Quota(limit=limit, left=limit - count - 1, reset_s=wait_s)
