"""Lets threads through one at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.store.file_gate import FileGate


class Turnstile:
    """A lock that is handed on in turn.

    A connection pool gives its only connection to whoever asks at the right moment, so a thread that writes in a loop
    (the sequencer) would starve every other writer until it times out.
    """

    def __init__(self, *, wait_s: float, gate: FileGate | None = None) -> None:
        """Wait at most ``wait_s`` seconds to be let in; ``gate`` stands before other processes that write."""
        self.wait_s = wait_s
        self._gate = gate
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
            ticket = _Ticket(shares=shares)
            if self._busy:
                self._waiting.append(ticket)
            else:
                self._busy = True
                ticket.called.release()
        if not ticket.called.acquire(timeout=self.wait_s):
            with self._guard:
                late = ticket in self._waiting
                if late:
                    self._waiting.remove(ticket)
            if late:  # else it was handed to us in the very moment
                raise Unavailable("数据库写入繁忙，请稍后重试")
        if self._gate is not None and not ticket.passed_on:
            self._gate.take(self.wait_s)

    def leave(self) -> None:
        """Let the next one in: of another process, if one waits, and of this one after it."""
        if self._gate is not None:
            self._gate.give()
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
            ticket = self._waiting.popleft()
            ticket.passed_on = True
            ticket.called.release()
            return True


class _Ticket:
    """One who waits."""

    __slots__ = ("called", "passed_on", "shares")

    def __init__(self, *, shares: bool) -> None:
        self.shares = shares
        self.passed_on = False
        self.called = threading.Lock()
        self.called.acquire()
