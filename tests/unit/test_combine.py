"""Questions that come together are answered together, each with its own answer or its own error, and none is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from certsvc.commands.combine import MOST, Combiner
from certsvc.errors import Forbidden, Unavailable


def test_every_question_has_its_own_answer_and_many_share_one_work() -> None:
    works: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def work(questions: Sequence[int]) -> list[int]:
        works.append(len(questions))
        first.set()
        assert go_on.wait(10)
        return [question * 2 for question in questions]

    combiner = Combiner(work)
    with ThreadPoolExecutor(100) as pool:
        leader = pool.submit(combiner.ask, 1000)
        assert first.wait(10)
        others = [pool.submit(combiner.ask, n) for n in range(99)]
        while len(combiner._waiting) < 99:
            time.sleep(0.01)
        go_on.set()
        assert leader.result(10) == 2000
        assert [one.result(10) for one in others] == [2 * n for n in range(99)]
    assert works == [1, MOST, MOST, MOST, 99 - 3 * MOST]
    assert combiner.ask(7) == 14, "it works on when everybody has gone"


def test_an_error_stays_with_the_question_that_made_it() -> None:
    def work(questions: Sequence[int]) -> list[int]:
        if 13 in questions:
            raise Forbidden("13")
        return list(questions)

    combiner = Combiner(work)

    def ask(n: int) -> object:
        try:
            return combiner.ask(n)
        except Forbidden as error:
            return error.detail

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, [n % 20 for n in range(400)]))
    assert answers == ["13" if n % 20 == 13 else n % 20 for n in range(400)]


def test_what_may_have_been_committed_is_not_done_again() -> None:
    done: list[int] = []

    def work(questions: Sequence[int]) -> list[int]:
        done.extend(questions)
        raise Unavailable("结果未知")

    combiner = Combiner(work)

    def ask(n: int) -> str:
        with pytest.raises(Unavailable):
            combiner.ask(n)
        return "told"

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(ask, range(200))) == ["told"] * 200
    assert sorted(done) == list(range(200))


def test_a_work_that_is_broken_off_tells_those_who_wait() -> None:
    def work(_: Sequence[int]) -> list[int]:
        raise KeyboardInterrupt

    combiner = Combiner(work)
    with pytest.raises(KeyboardInterrupt):
        combiner.ask(1)
    assert not combiner._busy
