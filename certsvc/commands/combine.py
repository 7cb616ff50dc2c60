"""Like questions that come together, answered by one piece of work: a group commit where the database has none.

A thread that asks while nobody works becomes the worker and takes along whatever waits; those who come meanwhile wait,
and the first of them is the next worker. So nobody waits for a clock, and a lone question is answered at once. An
answer is given after the work has ended, thus after its commit.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from certsvc.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QuestionT = TypeVar("QuestionT")
AnswerT = TypeVar("AnswerT")

MOST = 32
"""Questions of one piece of work: the first waits for the last (a flood must not make everybody wait for all)."""
WAIT_S = 15.0
"""Longer than a statement of the database may take; then whoever waits is told to come back."""


class Combiner(Generic[QuestionT, AnswerT]):
    """Threads may share it."""

    def __init__(self, work: Callable[[Sequence[QuestionT]], Sequence[AnswerT]], *, most: int = MOST) -> None:
        """``work`` gives an answer to each question, in their order; when it raises, it has done nothing.

        Only Unavailable may leave open whether it has.
        """
        self._work = work
        self._most = most
        self._guard = threading.Lock()
        self._busy = False
        self._waiting: deque[_Place[QuestionT, AnswerT]] = deque()

    def ask(self, question: QuestionT) -> AnswerT:
        """The answer, or what the work raised about this question.

        Raises:
            Unavailable: no answer in time; whether the work was done is unknown.
        """
        place: _Place[QuestionT, AnswerT] = _Place(question)
        with self._guard:
            self._waiting.append(place)
            works, self._busy = not self._busy, True
        if not works:
            if not place.called.acquire(timeout=WAIT_S) and not self._gives_up(place):
                place.called.acquire()
            works = place.works
        if works:
            self._lead()
        if place.error is not None:
            raise place.error
        return place.answers[0]

    def _gives_up(self, place: _Place[QuestionT, AnswerT]) -> bool:
        """Whether the place is still in the queue; then it leaves it and Unavailable is raised."""
        with self._guard:
            if place.works or place not in self._waiting:
                return False
            self._waiting.remove(place)
        raise Unavailable("当前请求较多，请稍后重试")

    def _lead(self) -> None:
        """Work for everybody who waits, then hand the work on."""
        with self._guard:
            taken = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            self._answer(taken)
        finally:
            with self._guard:
                follower = self._waiting[0] if self._waiting else None
                self._busy = follower is not None
                if follower is not None:
                    follower.works = True
                    follower.called.release()
            for place in taken:
                if not place.answers and place.error is None:
                    place.error = Unavailable("处理中断，结果未知，请稍后重试")
                place.called.release()

    def _answer(self, taken: list[_Place[QuestionT, AnswerT]]) -> None:
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
            place.answers.append(answer)


class _Place(Generic[QuestionT, AnswerT]):
    """One who asks."""

    __slots__ = ("answers", "called", "error", "question", "works")

    def __init__(self, question: QuestionT) -> None:
        self.question = question
        self.answers: list[AnswerT] = []
        self.error: Exception | None = None
        self.works = False
        self.called = threading.Lock()
        self.called.acquire()
