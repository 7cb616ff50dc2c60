"""Random lives of a visit: it ends once, nothing leads back, and it is marked after its end and in time only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.catalog.type_file import TASKS
from certsvc.license.officers import badge_fault, masked_badge
from certsvc.license.visits import (
    OUTCOME_ZH,
    RATING_DAYS,
    TASK_ZH,
    VISIT_ZH,
    Outcome,
    TaskKind,
    Visit,
    VisitState,
    due_fault,
)

T0 = datetime(2026, 1, 15, 16, 30, tzinfo=UTC)
LEAD, INVITED, STRANGER = "11990000MB00000430", "11990000MB0000019F", "11990000MB0000078J"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(min_value=1, max_value=20_000)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=30,
)


def make_visit() -> Visit:
    return Visit(
        visit_id="vis_1",
        token="t",
        authority_code=LEAD,
        departments=(INVITED,),
        opened_by="officer-1",
        task_kind=TaskKind.ROUTINE,
        task_no="示例检〔2026〕1号",
        region="990100",
        place="",
        kinds=("文化和旅游",),
        target=b"",
        target_name="",
        repeat_reason="",
        opened_at=T0,
        valid_until=T0 + timedelta(hours=8),
    )


@settings(max_examples=300, derandomize=True, deadline=None)
@given(steps=STEPS)
def test_no_life_of_a_visit_leads_back(steps: list[tuple[str, int]]) -> None:
    visit, now, seen = make_visit(), T0, [VisitState.OPEN]
    for name, minutes in steps:
        if name == "wait":
            now += timedelta(minutes=minutes)
        elif visit.state(now) is VisitState.OPEN:
            visit = replace(visit, closed_at=now)
        state = visit.state(now)
        if state is not seen[-1]:
            assert seen[-1] is VisitState.OPEN, "an end is an end"
            seen.append(state)
        is_open = state is VisitState.OPEN
        assert is_open == (visit.closed_at is None and now < T0 + timedelta(hours=8))
        assert visit.may_join(LEAD, now) == visit.may_join(INVITED, now) == is_open
        assert not visit.may_join(STRANGER, now)
        ended = visit.ended_at(now)
        assert (ended is None) == is_open
        assert ended is None or ended <= now
        assert visit.may_be_rated(now) == (ended is not None and now - ended < timedelta(days=RATING_DAYS))
    assert len(seen) <= 2


@pytest.mark.parametrize(
    ("outcome", "due", "good"),
    [
        (Outcome.RECTIFY, None, False),
        (Outcome.RECTIFY, date(2026, 1, 15), False),
        (Outcome.RECTIFY, date(2026, 1, 16), True),
        (Outcome.RECTIFY, date(2027, 1, 17), True),
        (Outcome.RECTIFY, date(2027, 1, 18), False),
        (Outcome.QUALIFIED, None, True),
        (Outcome.QUALIFIED, date(2026, 1, 20), False),
        (Outcome.FILED, date(2026, 1, 20), False),
    ],
)
def test_only_an_order_to_rectify_has_a_day_and_it_needs_one(outcome: Outcome, due: date | None, good: bool) -> None:
    assert (due_fault(outcome, due, date(2026, 1, 16), longest_days=366) == "") == good


@pytest.mark.parametrize(
    ("badge", "sandbox", "good"),
    [
        ("9900000001", True, True),
        ("9900000001", False, False),
        ("33010000001", False, True),
        ("3301000", False, False),
        ("330100000012345", False, False),
        ("1001000001", False, False),
        ("83010000001", False, False),
        ("3301000000１", False, False),
        ("33-0100001", False, False),
        ("", True, False),
    ],
)
def test_a_badge_has_digits_and_begins_with_a_province(badge: str, sandbox: bool, good: bool) -> None:
    assert (badge_fault(badge, sandbox=sandbox) == "") == good


def test_a_masked_badge_cannot_be_copied() -> None:
    assert masked_badge("9900000001") == "99****0001"
    for digits in range(8, 15):
        assert masked_badge("1" * digits).count("*") == digits - 6


def test_every_word_is_translated_and_the_catalog_knows_the_same_tasks() -> None:
    assert set(OUTCOME_ZH) == set(Outcome)
    assert set(TASK_ZH) == set(TaskKind)
    assert set(VISIT_ZH) == set(VisitState)
    assert tuple(TaskKind) == TASKS
