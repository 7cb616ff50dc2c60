"""Lets threads through one at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turnstile:
    """A lock that is handed on in turn.

    A connection pool gives its only connection to whoever asks at the right moment, so a thread that writes in a loop
    (the sequencer) would starve every other writer until it times out.
    """

    def __init__(self, *, wait_s: float) -> None:
        """Wait at most ``wait_s`` seconds to be let in."""
        self.wait_s = wait_s
        self._guard = threading.Lock()
        self._busy = False
        self._waiting: deque[_Ticket] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be alone inside the block; Unavailable when the turn does not come in time."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self, *, shares: bool = False) -> None:
        """Wait for the turn; whoever returns from here calls :meth:`leave` or :meth:`pass_on`.

        Args:
            shares: whether the turn may come by :meth:`pass_on`.
        """
        with self._guard:
            if not self._busy:
                self._busy = True
                return
            ticket = _Ticket(shares=shares)
            self._waiting.append(ticket)
        if ticket.called.acquire(timeout=self.wait_s):
            return
        with self._guard:
            if ticket not in self._waiting:
                return  # handed to us in the very moment
            self._waiting.remove(ticket)
        raise Unavailable("数据库写入繁忙，请稍后重试")

    def leave(self) -> None:
        """Let the next one in."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().called.release()
            else:
                self._busy = False

    def pass_on(self) -> bool:
        """Let the next one in, if it is there and shares; False when the turn is still ours."""
        with self._guard:
            if not self._waiting or not self._waiting[0].shares:
                return False
            self._waiting.popleft().called.release()
            return True


class _Ticket:
    """One who waits."""

    __slots__ = ("called", "shares")

    def __init__(self, *, shares: bool) -> None:
        self.shares = shares
        self.called = threading.Lock()
        self.called.acquire()
