"""Threads of a process that do something turn after turn, until they are told to stop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import structlog

from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from certsvc.events.told import Told
    from certsvc.meters import Meters

log = structlog.get_logger("certsvc.loops")

IDLE_WAIT_S = 0.2
"""Pause when nothing waits; a request accepted in this process wakes the loop at once."""

TOLD_WAIT_S = 2.0
"""The same while the database tells at once what other processes leave: what becomes due by itself (another try, a
lease that ran out) is found by then, and a message that was lost costs no more."""

ERROR_WAIT_S = 1.0


class Listener(Protocol):
    """Hears what other processes leave in the database."""

    def listen(self, told: Callable[[Told], None], hearing: threading.Event, stop: threading.Event) -> None:
        """Until ``stop``: say what is there to do; ``hearing`` is set while it hears at all."""
        ...


class Bell:
    """Wakes everybody who waits for it, each at a place of its own: one who was quick takes it from nobody."""

    def __init__(self) -> None:
        self._places: list[threading.Event] = []

    def place(self) -> threading.Event:
        """Set at every ring until its owner clears it."""
        place = threading.Event()
        self._places.append(place)
        return place

    def ring(self) -> None:
        """Wake all."""
        for place in self._places:
            place.set()


class Turns:
    """The threads; what goes wrong in a turn is counted and told, and the next turn comes all the same."""

    def __init__(self, meters: Meters) -> None:
        """Count troubles in ``meters``."""
        self._meters = meters
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._hearing = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether every thread still runs (readiness)."""
        return all(thread.is_alive() for thread in self._threads)

    def _spawn(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _every(self, wait_s: float, once: Callable[[], object], told: threading.Event | None = None) -> None:
        """Again and again after this pause; while the database tells, only when ``told``, or after a longer one."""
        while not self._stop.wait(wait_s):
            if told is not None and self._hearing.is_set():
                told.wait(TOLD_WAIT_S)
                told.clear()
            try:
                once()
            except CertsvcError as error:
                self._trouble(error)
            except Exception:
                self._meters.troubles.add(code="crashed")
                log.exception("loop failed", action="loop.crashed")

    def _troubled(self, code: str) -> None:
        self._meters.troubles.add(code=code)

    def _trouble(self, error: CertsvcError) -> None:
        self._meters.troubles.add(code=error.code)
        log.warning("loop waits", action="loop.error", reason=error.code)

    def _repeat(self, once: Callable[[], int], wake: threading.Event | None = None, *, often: bool = False) -> None:
        """Turn after turn; one that found nothing waits until it is woken, or for a moment.

        ``often``: nobody tells it, so it never waits for long.
        """
        wake = wake or threading.Event()
        while not self._stop.is_set():
            try:
                busy = once()
            except CertsvcError as error:
                self._trouble(error)
                self._stop.wait(ERROR_WAIT_S)
                continue
            except Exception:
                self._meters.troubles.add(code="crashed")
                log.exception("loop failed", action="loop.crashed")
                self._stop.wait(ERROR_WAIT_S)
                continue
            if not busy:
                wake.wait(TOLD_WAIT_S if self._hearing.is_set() and not often else IDLE_WAIT_S)
                wake.clear()
