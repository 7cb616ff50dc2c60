"""Laws of clocks, cards, ratings and complaints, against plain counting of days."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.workdays import Workdays
from certsvc.clock import local_day
from certsvc.license.case_clocks import CaseClock, CaseState, StopReason, begun, finished, resumed, stopped
from certsvc.license.complaints import MOVES, ComplaintState
from certsvc.license.ratings import RatingReason, reasons_fault
from certsvc.license.supervision import (
    CARD_MOVES,
    CLOCKS,
    CardState,
    ClockKind,
    Colour,
    card_sources,
    due_after,
    last_beginning,
    last_due,
)

DAYS: Workdays = load_catalog().workdays
SOME_DAY = st.dates(date(2026, 1, 1), date(2026, 12, 1))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def case(day: date, limit: int) -> CaseClock:
    made = CaseClock(
        case_id="c",
        authority_code="a",
        case_no="n",
        matter_code="m",
        handler="",
        limit=limit,
        used=0,
        counted_from=day,
        due_on=None,
        state=CaseState.RUNNING,
        stop_reason="",
        stops=0,
        accepted_at=noon(day),
        last_at=noon(day),
        said_at=noon(day),
    )
    return begun(made, DAYS.after)


def counted(start: date, stops: list[tuple[date, date]], last: date) -> int:
    """Working days behind ``start`` up to ``last``, day by day: none from behind a stop up to its end."""
    day, used = start, 0
    while day < last:
        day += timedelta(days=1)
        used += DAYS.is_worked(day) and not any(begin < day <= end for begin, end in stops)
    return used


def test_the_spring_festival_is_not_counted() -> None:
    """12 February 2026: 13 and the worked Saturday 14, then 24 to 26; off are 15 to 23."""
    assert case(date(2026, 2, 12), 5).due_on == date(2026, 2, 26)


@given(SOME_DAY, st.integers(1, 30), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20)), max_size=4))
def test_a_clock_counts_what_a_plain_count_of_days_counts(start: date, limit: int, plan: list[tuple[int, int]]) -> None:
    now, clock, day, stops = start, case(start, limit), start, []
    for run, pause in plan:
        day = now + timedelta(days=run)
        if clock.due_on is not None and day > clock.due_on:
            break
        clock = stopped(clock, StopReason.HEARING, noon(day), DAYS.between)
        assert (clock.state, clock.due_on, clock.late(noon(day + timedelta(days=900)))) == (
            CaseState.STOPPED,
            None,
            False,
        )
        now = day + timedelta(days=pause)
        stops.append((day, now))
        clock = resumed(clock, noon(now), DAYS.after)
    assert clock.due_on is not None
    assert counted(start, stops, clock.due_on) <= limit
    if clock.due_on > now or not stops:
        assert counted(start, stops, clock.due_on) == limit
        assert DAYS.is_worked(clock.due_on)
    assert not finished(clock, noon(clock.due_on)).late(noon(clock.due_on))
    assert finished(clock, noon(clock.due_on + timedelta(days=1))).late(noon(start))


@given(SOME_DAY)
def test_a_stop_that_ends_on_its_day_wins_nothing(start: date) -> None:
    clock, day = case(start, 10), start + timedelta(days=3)
    again = resumed(stopped(clock, StopReason.SUPPLEMENT, noon(day), DAYS.between), noon(day), DAYS.after)
    assert again.due_on == clock.due_on


@given(st.sampled_from(sorted(ClockKind)), st.sampled_from(sorted(Colour)), SOME_DAY, st.integers(0, 40))
def test_a_card_is_due_exactly_when_its_last_day_says_so(
    kind: ClockKind, colour: Colour, today: date, ago: int
) -> None:
    rule = CLOCKS[kind]
    if not rule.days:
        rule = dataclasses.replace(rule, days=5)
    start = today - timedelta(days=ago)
    due = due_after(rule, start, DAYS.after)
    limit = last_due(colour, rule, today, DAYS.after)
    assert (start <= last_beginning(rule, limit, DAYS.after)) == (due <= limit)
    if colour is Colour.RED:
        assert (due <= limit) == (due < today)
    elif due >= today:
        assert (due <= limit) == (DAYS.between(today, due) <= rule.warn and due <= limit)


def test_cards_end_accepted_or_merged_and_nothing_leads_back_to_open() -> None:
    assert {state for state, targets in CARD_MOVES.items() if not targets} == {CardState.ACCEPTED, CardState.MERGED}
    assert not card_sources(CardState.OPEN)
    assert card_sources(CardState.ACCEPTED) == {CardState.ANSWERED}


def test_complaints_end_in_the_archive_only() -> None:
    reached = {ComplaintState.FILED}
    for _ in MOVES:
        reached |= {move.target for move in MOVES.values() if move.sources & reached}
    assert reached == set(ComplaintState)
    left = {state for move in MOVES.values() for state in move.sources}
    assert set(ComplaintState) - left == {ComplaintState.ARCHIVED}


@pytest.mark.parametrize(
    ("mark", "reasons", "fits"),
    [
        (5, (RatingReason.FAST,), True),
        (3, (), True),
        (2, (RatingReason.SLOW, RatingReason.RUDE), True),
        (2, (RatingReason.FAST,), False),
        (4, (RatingReason.RUDE,), False),
        (1, (RatingReason.RUDE, RatingReason.RUDE), False),
    ],
)
def test_reasons_go_with_the_mark(mark: int, reasons: tuple[RatingReason, ...], fits: bool) -> None:
    assert (reasons_fault(mark, reasons) == "") is fits


def test_working_days_between_agree_with_working_days_after() -> None:
    day = date(2026, 1, 1)
    for count in range(1, 200):
        last = DAYS.after(day, count)
        assert DAYS.between(day, last) == count
        assert DAYS.between(day, last - timedelta(days=1)) == count - 1
    assert DAYS.between(day, day) == DAYS.between(day, day - timedelta(days=3)) == 0
    assert local_day(noon(day)) == day
