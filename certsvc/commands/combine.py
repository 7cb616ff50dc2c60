"""Like questions that come together, answered by one piece of work: a group commit where the database has none.

A question that comes while nobody works is answered at once, with whatever else waits by then; those that come
meanwhile are the next piece of work. So nobody waits for a clock, and no thread waits for an answer: each is told when
the work has ended, thus after its commit. Whoever asks may say itself when the work begins, when it knows that others
are about to ask (:meth:`Combiner.put`).
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

MOST = 32
"""Questions of one piece of work: the first waits for the last (a flood must not make everybody wait for all)."""
MOST_WAITING = 1024
"""Questions that may wait; more are told to come back at once (a flood must not fill the memory)."""
WAIT_S = 15.0
"""Longer than a statement of the database may take; then whoever still waits for its turn is told to come back."""
WORK_S = 25.0
"""How long whoever asked waits for work that has begun: above what the database needs to say that it cannot, or to be
given up. Only work that hangs elsewhere is left alone then, with nobody waiting for it."""
BUSY_ZH = "当前请求较多，请稍后重试"
UNKNOWN_ZH = "处理中断，结果未知，请稍后重试"


class Place(Generic[QuestionT, AnswerT]):
    """One who asks; ``told`` is called once, by the thread that worked, when there is an answer or an error."""

    __slots__ = ("answer", "begin", "error", "question", "told")

    def __init__(
        self,
        question: QuestionT,
        told: Callable[[Place[QuestionT, AnswerT]], object],
        begin: Callable[[], object] | None = None,
    ) -> None:
        self.question = question
        self.told = told
        self.begin = begin
        self.answer: AnswerT | None = None
        self.error: Exception | None = None


class Combiner(Generic[QuestionT, AnswerT]):
    """Threads may share it."""

    def __init__(
        self,
        work: Callable[[Sequence[QuestionT]], Sequence[AnswerT | Exception]],
        start: Callable[[Callable[[], None]], object],
        *,
        most: int = MOST,
    ) -> None:
        """Ask ``work`` in a thread that ``start`` gives.

        Args:
            work: gives each question, in their order, its answer or its error; when it raises, it has done nothing.
                Only Unavailable may leave open whether it has.
            start: carries out what it is given in another thread, once.
            most: questions of one piece of work.
        """
        self._work = work
        self._start = start
        self._most = most
        self._guard = threading.Lock()
        self._busy = False
        self._waiting: deque[Place[QuestionT, AnswerT]] = deque()

    def ask(
        self, question: QuestionT, told: Callable[[Place[QuestionT, AnswerT]], object]
    ) -> Place[QuestionT, AnswerT]:
        """Put a question; ``told`` is called with its place when that has the answer or the error.

        Raises:
            Unavailable: too many wait already.
        """
        place: Place[QuestionT, AnswerT] = Place(question, told)
        self._put(place)
        self.begin()
        return place

    def put(
        self,
        question: QuestionT,
        told: Callable[[Place[QuestionT, AnswerT]], object],
        begin: Callable[[], object],
    ) -> Place[QuestionT, AnswerT]:
        """As :meth:`ask`, but the work begins when whoever asks calls :meth:`begin`.

        ``begin`` is called when a piece of work has ended and this question is the first that waits: it sees to it
        that :meth:`begin` is called soon. When it raises RuntimeError, the work begins at once.
        """
        place = Place(question, told, begin)
        self._put(place)
        return place

    def begin(self) -> None:
        """Work for those who wait, if nobody does."""
        with self._guard:
            if self._busy or not self._waiting:
                return
            self._busy = True
        self._begin()

    def _put(self, place: Place[QuestionT, AnswerT]) -> None:
        with self._guard:
            if len(self._waiting) >= MOST_WAITING:
                raise Unavailable(BUSY_ZH)
            self._waiting.append(place)

    def give_up(self, place: Place[QuestionT, AnswerT]) -> None:
        """Tell one that has waited too long, if nobody works on it yet; whoever works on it tells it all the same."""
        with self._guard:
            if place not in self._waiting:
                return
            self._waiting.remove(place)
        place.error = Unavailable(BUSY_ZH)
        _tell(place)

    def _begin(self) -> None:
        try:
            self._start(self._lead)
        except RuntimeError:  # the process ends: no thread is given any more
            with self._guard:
                left, self._busy = list(self._waiting), False
                self._waiting.clear()
            for place in left:
                place.error = Unavailable(BUSY_ZH)
                _tell(place)

    def _lead(self) -> None:
        """Work as long as somebody waits who does not say itself when to begin."""
        try:
            while taken := self._take():
                self._work_for(taken)
                if self._left_to_the_first():
                    return
        except BaseException:
            self._begin()  # this thread ends; those who wait need another one
            raise

    def _left_to_the_first(self) -> bool:
        """Whether the first of those who wait says when to go on; then nobody works until it does."""
        with self._guard:
            begin = self._waiting[0].begin if self._waiting else None
            if begin is None:
                return False
            self._busy = False
        try:
            begin()
        except RuntimeError:  # whoever asked is gone with its loop; others wait behind it
            self.begin()
        return True

    def _work_for(self, taken: list[Place[QuestionT, AnswerT]]) -> None:
        try:
            self._answer(taken)
        finally:
            for place in taken:
                if place.answer is None and place.error is None:
                    place.error = Unavailable(UNKNOWN_ZH)
                _tell(place)

    def _take(self) -> list[Place[QuestionT, AnswerT]]:
        with self._guard:
            taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._busy = bool(taken)
        return taken

    def _answer(self, taken: list[Place[QuestionT, AnswerT]]) -> None:
        try:
            answers = self._work([place.question for place in taken])
        except Unavailable as error:
            # Whether it was committed may be unknown: it is not done again, and everybody is told.
            for place in taken:
                place.error = type(error)(error.detail)
            return
        except Exception as error:  # noqa: BLE001  (told to whom it is about)
            if len(taken) == 1:
                taken[0].error = error
                return
            # One question may have spoilt it for all: each alone, so that an error stays with its own.
            for place in taken:
                self._answer([place])
            return
        for place, answer in zip(taken, answers, strict=True):
            if isinstance(answer, Exception):
                place.error = answer
            else:
                place.answer = answer


def _tell(place: Place[QuestionT, AnswerT]) -> None:
    with suppress(RuntimeError):  # whoever asked is gone with its loop
        place.told(place)
