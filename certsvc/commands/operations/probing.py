"""Ask a dependency without being held up by it: each is asked by one thread at a time, and waited for a moment only.

Readiness is public, and a scraper gives up after ten seconds: neither a stranger nor a hanging HSM may use up the
process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from certsvc.errors import CertsvcError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = structlog.get_logger("certsvc.operations")

OK = "ok"
UNUSED = "unused"
"""The shape, or this process, has no such dependency."""
DEADLINE_S = 4.0
"""A dependency that has not answered by then does not: all are asked at once, so a probe of everything takes no more,
and what follows still fits into the ten seconds of a scraper. Long enough for a peak that holds every connection of
the pool for a moment: a process that is slow is not to be taken out of a city that needs it."""
KEPT_S = {"keys": 5.0}
"""How long an answer is told again: an HSM does one thing at a time, and a flood of questions would keep it from
sealing (strangers may ask). The others stand many questions."""


class Prober:
    """Asks by name; threads may share it. The answer is ``ok``, ``unused``, or the code of what is wrong."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._last: dict[str, _Question] = {}

    def ask(
        self, questions: Mapping[str, Callable[[], bool | None]], monotonic: Callable[[], float]
    ) -> Mapping[str, str]:
        """Put all of the questions at once.

        Args:
            questions: by name of the dependency: gives None or True when it is well, False when there is none, and
                raises an error of ours.
            monotonic: the seconds of the clock.
        """
        asked = {name: self._begun(name, question, monotonic) for name, question in questions.items()}
        until = monotonic() + DEADLINE_S
        return {name: one.answer(min(until, one.begun + DEADLINE_S) - monotonic()) for name, one in asked.items()}

    def _begun(self, name: str, question: Callable[[], bool | None], monotonic: Callable[[], float]) -> _Question:
        """The one that is on its way, the last one when its answer still stands, or a new one."""
        now = monotonic()
        with self._guard:
            last = self._last.get(name)
            if last is not None and (not last.over.is_set() or now < last.begun + KEPT_S.get(name, 0)):
                return last
            one = self._last[name] = _Question(begun=now)
        try:
            threading.Thread(target=one.put, args=(name, question), name=f"probe-{name}", daemon=True).start()
        except RuntimeError:  # no thread is to be had: whoever asks next may have more luck
            one.over.set()
        return one


class _Question:
    """One question to one dependency."""

    def __init__(self, *, begun: float) -> None:
        self.begun = begun
        self.over = threading.Event()
        self._found = Unavailable.code

    def put(self, name: str, question: Callable[[], bool | None]) -> None:
        try:
            self._found = UNUSED if question() is False else OK
        except CertsvcError as error:
            self._found = error.code
        except Exception as error:
            self._found = CertsvcError.code
            log.exception("a probe crashed", action="operations.crashed", dependency=name, exc_info=error)
        finally:
            self.over.set()

    def answer(self, within_s: float) -> str:
        """What was found, or that there is no answer."""
        return self._found if self.over.wait(max(0.0, within_s)) else Unavailable.code
