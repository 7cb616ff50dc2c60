"""A clock that is watched: true ages whatever is set, doubt beyond the tolerance, belief again when it is right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from set_clock import SetClock

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.clocks.watched import TOLERANCE, Trouble, WatchedClock
from certsvc.errors import ClockInDoubt
from certsvc.license.clock_mark import ClockMark

DAY, HOUR, MINUTES = 86_400.0, 3_600.0, 300.0
SETS = (MINUTES, -MINUTES, DAY, -DAY, -HOUR, 3.0, -3.0)


def compare(clock: WatchedClock, mark: ClockMark | None = None, database_s: float | None = None) -> Trouble | None:
    """Compare with a mark, and with a database that is so many seconds ahead of the machine."""
    machine = clock.reading().machine
    database = None if database_s is None else machine + timedelta(seconds=database_s)
    return clock.compare(mark, database, asked=clock.monotonic()).trouble


def mark_of(inner: SetClock, *, behind_s: float = 0.0, boot: str = "", epoch: int = 0) -> ClockMark:
    return ClockMark(at=inner.at - timedelta(seconds=behind_s), boot=boot, boot_s=inner.seconds - behind_s, epoch=epoch)


@pytest.mark.parametrize("by", SETS)
def test_a_clock_that_is_set_is_noticed_at_once_and_the_time_goes_on_as_it_was(by: float) -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    inner.pass_time(10)
    before = clock.sure()
    inner.set_by(by)
    inner.pass_time(61)
    assert abs(clock.now() - before - timedelta(seconds=61)) < timedelta(milliseconds=50), "a true age"
    with pytest.raises(ClockInDoubt) as told:
        clock.sure()
    assert "certsvc clock confirm" in told.value.detail
    inner.set_by(-by)
    assert abs(clock.sure() - inner.at) < timedelta(milliseconds=50), "right again"


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(-1.9, 1.9)), max_size=30))
def test_small_steps_are_followed_slowly_and_never_backwards(steps: list[tuple[float, float]]) -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    begun, last = inner.seconds, clock.now()
    first = last
    for seconds, by in steps:
        inner.pass_time(seconds)
        inner.set_by(by)
        now = clock.now()
        assert now >= last - timedelta(milliseconds=1)
        passed = timedelta(seconds=inner.seconds - begun)
        assert abs(now - first - passed) <= passed / 2000 + timedelta(milliseconds=2), "ages stay true"
        last = now


def test_clocks_that_nobody_sets_tell_the_time_unchanged() -> None:
    fixed = FixedClock(SystemClock().now())
    clock = WatchedClock(fixed)
    for days in (0.1, 31, 400):
        fixed.advance(timedelta(days=days))
        assert clock.sure() == clock.now() == fixed.now()
    assert abs(WatchedClock(SystemClock()).sure() - SystemClock().now()) < timedelta(seconds=1)


@pytest.mark.parametrize("by", [-MINUTES, -HOUR, -DAY])
def test_a_process_that_starts_behind_the_mark_is_in_doubt_until_the_time_is_behind_it(by: float) -> None:
    inner = SetClock()
    mark = mark_of(inner)
    inner.set_by(by)
    clock = WatchedClock(inner)
    assert compare(clock, mark) is Trouble.BEHIND
    assert clock.now() >= mark.at, "nothing is dated before what the register has seen"
    inner.set_by(-by + 60)
    assert compare(clock, mark) is Trouble.BEHIND, "codes of the minute before the mark may still be good"
    inner.pass_time(70)
    assert compare(clock, mark) is None
    assert clock.sure() == inner.at


@pytest.mark.parametrize("by", SETS)
def test_a_process_of_the_same_start_of_the_machine_knows_the_time_exactly(by: float) -> None:
    inner = SetClock()
    mark = mark_of(inner, boot=inner.boot)
    inner.pass_time(1000)
    true = inner.at
    inner.set_by(by)
    clock = WatchedClock(inner)
    assert compare(clock, mark) is Trouble.JUMPED
    assert abs(clock.now() - true) < timedelta(milliseconds=1)
    inner.set_by(-by)
    assert compare(clock, mark) is None
    assert clock.sure() == true


def test_a_machine_that_was_down_for_long_is_believed_at_its_first_look() -> None:
    inner = SetClock()
    mark = mark_of(inner, boot="another start")
    inner.pass_time(30 * DAY)
    clock = WatchedClock(inner)
    assert compare(clock, mark) is None
    assert clock.sure() == inner.at


@pytest.mark.parametrize("by", SETS)
def test_a_machine_that_disagrees_with_the_database_is_in_doubt(by: float) -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    assert compare(clock, database_s=by) is Trouble.DATABASE
    assert compare(clock, database_s=0.5) is None
    assert clock.sure() == inner.at
    assert compare(clock, database_s=by) is Trouble.DATABASE, "in a process that runs, too"


def test_a_slow_answer_of_the_database_is_no_difference() -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    asked, database = clock.monotonic(), inner.at
    inner.pass_time(9)
    assert clock.compare(None, database, asked=asked).trouble is None


def test_a_confirmation_gives_every_process_its_own_clock_again() -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    assert compare(clock, mark_of(inner, boot=inner.boot)) is None
    inner.set_by(-HOUR)
    confirmed = mark_of(inner, boot=inner.boot, epoch=1)
    with pytest.raises(ClockInDoubt):
        clock.sure()
    assert compare(clock, confirmed) is None
    assert clock.sure() == inner.at


@pytest.mark.parametrize("fresh", [False, True])
def test_a_machine_that_stood_still_goes_on_when_a_clock_elsewhere_bears_it_out(fresh: bool) -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    mark = mark_of(inner, boot=inner.boot)
    assert compare(clock, mark) is None
    inner.set_by(HOUR)  # paused for an hour: the seconds stood still, NTP has set the clock since
    if fresh:
        clock = WatchedClock(inner)
    found = clock.compare(mark, inner.at, asked=clock.monotonic(), elsewhere=True)
    assert (found.trouble, found.rested) == (Trouble.JUMPED, True)
    with pytest.raises(ClockInDoubt):
        clock.sure()
    assert clock.go_on(found).trouble is None
    inner.pass_time(1)
    assert clock.sure() == inner.at
    assert compare(clock, mark_of(inner, boot=inner.boot)) is None


@pytest.mark.parametrize(
    ("by", "database_s", "elsewhere"),
    [(HOUR, 0.0, False), (HOUR, -HOUR, True), (HOUR, -10.0, True), (-HOUR, 0.0, True), (-HOUR, HOUR, True)],
)
def test_a_clock_that_was_set_is_not_taken_for_a_machine_that_stood_still(
    by: float, database_s: float, elsewhere: bool
) -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    mark = mark_of(inner, boot=inner.boot)
    assert compare(clock, mark) is None
    inner.set_by(by)
    database = inner.at + timedelta(seconds=database_s)
    found = clock.compare(mark, database, asked=clock.monotonic(), elsewhere=elsewhere)
    assert found.trouble is not None
    assert not found.rested


def test_a_false_source_that_moves_one_clock_after_the_other_is_not_believed() -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    mark = mark_of(inner, boot=inner.boot)
    assert compare(clock, mark) is None
    true = inner.at
    inner.set_by(HOUR)
    for database in (true, inner.at):
        found = clock.compare(mark, database, asked=clock.monotonic(), elsewhere=True)
        assert (found.trouble, found.rested) == (Trouble.JUMPED, False), "the database said that no time had passed"
    inner.set_by(-HOUR)
    assert compare(clock, mark) is None


def test_a_look_that_failed_is_no_belief() -> None:
    inner = SetClock()
    clock = WatchedClock(inner)
    clock.doubt_if_never_compared()
    with pytest.raises(ClockInDoubt):
        clock.sure()
    assert compare(clock) is None
    clock.doubt_if_never_compared()
    assert clock.sure() == inner.at


def test_the_tolerance_is_below_a_tenth_of_a_codes_life() -> None:
    assert timedelta(seconds=6) >= TOLERANCE
