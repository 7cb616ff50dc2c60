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
        self._wait_s = wait_s
        self._guard = threading.Lock()
        self._busy = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be alone inside the block; Unavailable when the turn does not come in time."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._guard:
            if not self._busy:
                self._busy = True
                return
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        if ticket.acquire(timeout=self._wait_s):
            return
        with self._guard:
            if ticket not in self._waiting:
                return  # handed to us in the very moment
            self._waiting.remove(ticket)
        raise Unavailable("数据库写入繁忙，请稍后重试")

    def _leave(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._busy = False
