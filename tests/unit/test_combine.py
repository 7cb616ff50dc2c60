"""Questions that come together are answered together, each with its own answer or its own error, and none is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from certsvc.api.desks import _Desk
from certsvc.commands.combine import MOST, MOST_WAITING, Combiner
from certsvc.errors import Forbidden, Unavailable

THREADS = ThreadPoolExecutor(8)


def asked(combiner: Combiner[int, Any], question: int) -> Future[Any]:
    """What comes of a question; a second answer would raise where it is given."""
    future: Future[Any] = Future()

    def told(place: Any) -> None:
        if place.error is not None:
            future.set_exception(place.error)
        else:
            future.set_result(place.answer)

    combiner.ask(question, told)
    return future


def detail_or_answer(future: Future[Any]) -> Any:
    try:
        return future.result(10)
    except Forbidden as error:
        return error.detail


def test_every_question_has_its_own_answer_and_many_share_one_work() -> None:
    works: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def work(questions: Sequence[int]) -> list[int]:
        works.append(len(questions))
        first.set()
        assert go_on.wait(60)
        return [question * 2 for question in questions]

    combiner = Combiner(work, THREADS.submit)
    leader = asked(combiner, 1000)
    assert first.wait(60)
    others = [asked(combiner, n) for n in range(99)]
    go_on.set()
    assert leader.result(10) == 2000
    assert [one.result(10) for one in others] == [2 * n for n in range(99)]
    assert works == [1, MOST, MOST, MOST, 99 - 3 * MOST]
    assert asked(combiner, 7).result(10) == 14, "it works on when everybody has gone"


def test_threads_that_ask_at_once_are_all_answered() -> None:
    combiner: Combiner[int, int] = Combiner(lambda questions: [-one for one in questions], THREADS.submit)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: asked(combiner, n).result(10), range(2000)))
    assert answers == [-n for n in range(2000)]


@pytest.mark.parametrize("raises", [True, False])
def test_an_error_stays_with_the_question_that_made_it(raises: bool) -> None:
    def work(questions: Sequence[int]) -> list[int | Exception]:
        if raises and 13 in questions:
            raise Forbidden("13")
        return [Forbidden("13") if one == 13 else one for one in questions]

    combiner: Combiner[int, int] = Combiner(work, THREADS.submit)
    futures = [asked(combiner, n % 20) for n in range(400)]
    assert [detail_or_answer(one) for one in futures] == ["13" if n % 20 == 13 else n % 20 for n in range(400)]


def test_what_may_have_been_committed_is_not_done_again() -> None:
    done: list[int] = []

    def work(questions: Sequence[int]) -> list[int]:
        done.extend(questions)
        raise Unavailable("结果未知")

    combiner = Combiner(work, THREADS.submit)
    for future in [asked(combiner, n) for n in range(200)]:
        with pytest.raises(Unavailable):
            future.result(10)
    assert sorted(done) == list(range(200))


def test_a_work_that_is_broken_off_tells_those_who_wait_and_the_next_are_answered() -> None:
    first, go_on = threading.Event(), threading.Event()

    def work(questions: Sequence[int]) -> list[int]:
        if 1 in questions:
            first.set()
            assert go_on.wait(60)
            raise KeyboardInterrupt
        return list(questions)

    combiner = Combiner(work, THREADS.submit)
    broken = asked(combiner, 1)
    assert first.wait(60)
    others = [asked(combiner, n) for n in range(2, 40)]
    go_on.set()
    with pytest.raises(Unavailable):
        broken.result(10)
    assert [one.result(10) for one in others] == list(range(2, 40))


def test_who_waits_too_long_is_told_and_not_worked_for() -> None:
    done: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def work(questions: Sequence[int]) -> list[int]:
        done.extend(questions)
        first.set()
        assert go_on.wait(60)
        return list(questions)

    combiner = Combiner(work, THREADS.submit)
    told: list[Any] = []
    leader = combiner.ask(1, told.append)
    assert first.wait(60)
    late = combiner.ask(2, told.append)
    combiner.give_up(leader)
    combiner.give_up(late)
    assert told == [late], "who is worked for is told by the work"
    assert isinstance(late.error, Unavailable)
    go_on.set()
    until = time.monotonic() + 60
    while len(told) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert (told, leader.answer, done) == ([late, leader], 1, [1])


def test_more_than_a_bound_do_not_wait() -> None:
    left: list[Callable[[], None]] = []
    combiner: Combiner[int, int] = Combiner(list, left.append)
    futures = [asked(combiner, n) for n in range(MOST_WAITING)]
    with pytest.raises(Unavailable):
        asked(combiner, 0)
    assert len(left) == 1, "one thread was asked for"
    left[0]()
    assert [one.result(0) for one in futures] == list(range(MOST_WAITING))


def test_where_no_thread_is_given_nobody_waits() -> None:
    def refuse(_: Callable[[], None]) -> None:
        raise RuntimeError("cannot schedule new futures after shutdown")

    combiner: Combiner[int, int] = Combiner(list, refuse)
    with pytest.raises(Unavailable):
        asked(combiner, 1).result(0)


def test_whoever_says_when_to_begin_is_worked_for_then_with_all_who_have_come() -> None:
    works: list[list[int]] = []
    told: list[Any] = []
    asked_to_begin: list[int] = []

    def work(questions: Sequence[int]) -> list[int]:
        works.append(list(questions))
        if len(works) == 1:  # two come meanwhile
            put(3)
            put(4)
        return list(questions)

    def put(question: int) -> None:
        combiner.put(question, told.append, partial(asked_to_begin.append, question))

    combiner: Combiner[int, int] = Combiner(work, lambda lead: lead())
    put(1)
    put(2)
    assert works == []
    combiner.begin()
    assert works == [[1, 2]], "those who came meanwhile are left to the first of them"
    assert asked_to_begin == [3]
    combiner.begin()
    combiner.begin()
    assert works == [[1, 2], [3, 4]]
    assert [place.answer for place in told] == [1, 2, 3, 4]


def test_who_is_gone_with_its_loop_holds_nobody_up() -> None:
    told: list[Any] = []

    def work(questions: Sequence[int]) -> list[int]:
        if 1 in questions:
            combiner.put(2, told.append, gone)
            combiner.put(3, told.append, gone)
        return list(questions)

    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    combiner: Combiner[int, int] = Combiner(work, THREADS.submit)
    combiner.put(1, told.append, gone)
    combiner.begin()
    until = time.monotonic() + 10
    while len(told) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert sorted(place.answer for place in told) == [1, 2, 3]


def test_all_who_ask_in_one_turn_of_the_event_loop_go_together() -> None:
    works: list[int] = []

    def work(questions: Sequence[int]) -> list[int]:
        works.append(len(questions))
        return [-one for one in questions]

    desk: _Desk[int, int] = _Desk("gathering", work)

    async def late(question: int) -> int:
        await asyncio.sleep(0)  # as one whose request is read a turn later
        return await desk.ask(question)

    async def ask() -> list[int]:
        first = await asyncio.gather(*(desk.ask(n) for n in range(10)), *(late(n) for n in range(10, 20)))
        return [*first, await desk.ask(20)]

    assert asyncio.run(ask()) == [-n for n in range(21)]
    assert works == [20, 1]
    assert asyncio.run(desk.ask(7)) == -7, "from another loop"
