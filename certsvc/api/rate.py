"""How often one caller may come: a fixed window per authenticated subject, else per client address.

Never per a header that the caller chooses: a guess at a token or a secret counts against the address it comes from.
Never against a login alone: logins are no secrets, and whoever knows one could keep its owner out by guessing wrongly.
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

LOGIN_RATES = 1
"""Failed sign-ins at one login, from all addresses together, in a window: so many rates. Past that an address that
failed there once is not heard again in its window (guessing from many addresses)."""
MAX_LOGIN = 128
"""Characters of a login under which failed sign-ins are counted."""


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

    def count_guess(self, address: str, login: str = "") -> None:
        """Count a failed sign-in from an address, at a login if it named one; RateLimited when there were too many."""
        if login:
            self._count_login(login[:MAX_LOGIN])
            self._add(_pair(address, login))
        self._count(f"guess:{address}", self._most_guesses)

    def check_guesses(self, address: str, login: str = "") -> None:
        """RateLimited while an address has used up its failed sign-ins.

        That is one at a ``login`` at which everybody together has failed :data:`LOGIN_RATES` rates of times: a botnet
        has one guess per address and window. Who has not failed is always heard: no stranger locks a client out.
        """
        count, left_s = self._standing(f"guess:{address}")
        over = count >= self._most_guesses
        if login and not over:
            known, left_s = self._standing(_pair(address, login))
            over = known > 0 and self._standing(f"login:{login[:MAX_LOGIN]}")[0] >= self._most_at_login
        if over:
            wait_s = math.ceil(left_s)
            raise RateLimited(f"登录失败次数过多，请 {wait_s} 秒后再试", retry_after_s=wait_s)

    @property
    def _most_guesses(self) -> int:
        return max(1, self._per_minute // GUESS_SHARE)

    @property
    def _most_at_login(self) -> int:
        return self._per_minute * LOGIN_RATES

    def _count_login(self, login: str) -> None:
        if self._add(f"login:{login}")[0] == self._most_at_login:
            # Whose it is stays out of the log: a login may be a person's.
            log.warning("guesses at one login from many addresses", action="access.guessed_login")

    def _standing(self, key: str) -> tuple[int, float]:
        """How often in the running window, and the seconds left of it."""
        with self._lock:
            start, count = self._windows.get(key, (0.0, 0))
        left_s = WINDOW_S - (self._clock.monotonic() - start)
        return (count, left_s) if left_s > 0 else (0, 0.0)

    def _add(self, key: str) -> tuple[int, int]:
        """Count one; how many there were before in this window, and the seconds until the next."""
        now = self._clock.monotonic()
        with self._lock:
            start, count = self._windows.get(key, (now, 0))
            if now - start >= WINDOW_S:
                start, count = now, 0
            self._windows[key] = (start, count + 1)
            self._windows.move_to_end(key)
            while len(self._windows) > MAX_TRACKED:
                self._windows.popitem(last=False)
        return count, math.ceil(start + WINDOW_S - now)

    def _count(self, key: str, limit: int) -> Quota:
        count, wait_s = self._add(key)
        if count == limit:  # the first of a window: the others say nothing new, and would fill the log
            log.warning("too many calls", action="access.rate_limited", counted=key.partition(":")[0])
        if count >= limit:
            raise RateLimited(f"请求过于频繁，请 {wait_s} 秒后再试", retry_after_s=wait_s)
        return Quota(limit=limit, left=limit - count - 1, reset_s=wait_s)


def _pair(address: str, login: str) -> str:
    """Key of what an address failed at a login; the address, which is no caller's choice, ends at the first blank."""
    return f"guess:{address} {login[:MAX_LOGIN]}"
