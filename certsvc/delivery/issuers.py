"""Processes that only issue, beside one that accepts, answers and relays: so a service on one machine uses its cores.

They are what ``certsvc worker`` is, started and ended by the process that serves. Two lines lead to each: one over
which it is woken, whose end tells it to stop, and one over which it tells what became of requests. A killed one is
started again; what it held is taken up when its lease ends, as that of any worker. When the process that serves is
killed, the lines end and they end too, after the batch at hand.
"""

from __future__ import annotations

import multiprocessing
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from certsvc.commands.issuance.process_request import Processed

    Told = Callable[[Sequence[Processed]], object]

log = structlog.get_logger("certsvc.issuers")

AGAIN_S = 2.0
"""Pause before a process that ended is started again: one that cannot start must not keep a core busy."""


class Issue(Protocol):
    """What such a process does; it is pickled."""

    def __call__(self, wakes: socket.socket, tells: Connection) -> None:
        """Issue until ``wakes`` ends; :class:`Processed` of each batch goes to ``tells``."""
        ...


@dataclass(frozen=True, slots=True)
class _Issuer:
    process: BaseProcess
    wakes: socket.socket
    tells: Connection


class Issuers:
    """Implements what ``Loops`` needs of them; threads may share it."""

    def __init__(self, issue: Issue, processes: int) -> None:
        """``issue`` in so many processes."""
        self._issue = issue
        self._count = processes
        self._running: dict[int, _Issuer] = {}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, told: Told) -> None:
        """Start them; ``told`` is called with what became of requests, in threads of this class."""
        for slot in range(self._count):
            self._running[slot] = self._begin(slot)
            thread = threading.Thread(target=self._keep, args=(slot, told), name=f"issuer-{slot}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self) -> None:
        """Tell them that there is work; never waits."""
        for one in list(self._running.values()):
            with suppress(OSError):  # full: it has been told often enough; gone: the next one looks for itself
                one.wakes.send(b"!")

    @property
    def alive(self) -> bool:
        """Whether all of them run."""
        return all(one.process.is_alive() for one in list(self._running.values()))

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [one.process.pid for one in list(self._running.values()) if one.process.pid is not None]

    def close(self, timeout_s: float) -> None:
        """Let them finish the batch at hand; one that does not within the time is killed."""
        self._stop.set()
        for one in list(self._running.values()):
            with suppress(OSError):
                one.wakes.shutdown(socket.SHUT_RDWR)
        for one in list(self._running.values()):
            one.process.join(timeout_s)
            if one.process.is_alive():
                log.error("an issuing process does not end", action="issuer.killed", pid=one.process.pid)
                one.process.kill()
        for thread in self._threads:
            thread.join(timeout_s)

    def _begin(self, slot: int) -> _Issuer:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        hears, tells = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=self._issue, args=(theirs, tells), name=f"issuer-{slot}")
        process.start()
        theirs.close()
        tells.close()
        return _Issuer(process, ours, hears)

    def _begun(self, slot: int) -> bool:
        try:
            self._running[slot] = self._begin(slot)
        except Exception:
            # Whoever keeps it must not end by this: nothing would be issued until the service is started anew.
            log.exception("an issuing process cannot be started", action="issuer.not_started")
            return False
        return True

    def _listen(self, one: _Issuer, told: Told) -> None:
        """Hand on what it tells, until it has ended."""
        while True:
            said = one.tells.recv()
            try:
                told(said)
            except Exception:
                log.exception("what became of requests was not counted", action="issuer.not_told")

    def _keep(self, slot: int, told: Told) -> None:
        """Listen to one; when it has ended, start another one."""
        while True:
            one = self._running[slot]
            with suppress(EOFError, OSError):
                self._listen(one, told)
            one.process.join()
            one.wakes.close()
            one.tells.close()
            if self._stop.is_set():
                return
            log.error("an issuing process ended", action="issuer.died", code=one.process.exitcode)
            if self._stop.wait(AGAIN_S):
                return
            while not self._begun(slot):
                if self._stop.wait(AGAIN_S):
                    return
            if self._stop.is_set():  # closed meanwhile, without it
                with suppress(OSError):
                    self._running[slot].wakes.shutdown(socket.SHUT_RDWR)
