"""How a license stands around midnight in Asia/Shanghai, on leap days, and with every kind of fact."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from store_records import make_fact, make_version

from certsvc.clock import SHANGHAI, local_day
from certsvc.license.dues import DueKind, dues_of
from certsvc.license.facts import Fact, FactKind, TwinState, twin_state
from certsvc.license.standing import CheckRule, Light, Rules, add_months, check_due, standing
from certsvc.license.states import ENDED, STANDING_STATES, State, decidable

RULES = Rules(renewal_closes_days=30, checks=(CheckRule(name="年审", months=12, overdue_zh="逾期未年审"),))
NO_CHECKS = Rules(renewal_closes_days=30)
LAST = date(2028, 2, 29)


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """A moment in Asia/Shanghai, told in UTC."""
    return datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI).astimezone(UTC)


def fact(kind: FactKind, n: int = 1, **changes: Any) -> Fact:
    """A fact of license 1; ``n`` orders them."""
    values: dict[str, Any] = {"code": "", "text": "", **changes}
    return make_fact(n, kind=kind, **values)


def applied(on: date, last: date = LAST) -> Fact:
    return fact(FactKind.RENEWAL_APPLIED, on=on, due=last)


REFUSED = fact(FactKind.RENEWAL_REFUSED, 2, due=LAST)
CLOSED = fact(FactKind.RENEWAL_CLOSED, 3, due=LAST)
IN_TIME, LATE = date(2028, 1, 30), date(2028, 1, 31)


@pytest.mark.parametrize(
    ("name", "now", "facts", "expected"),
    [
        ("the last second of a leap day", at(2028, 2, 29, 23, 59, 59), (), ("valid", True, "green")),
        ("midnight after it", at(2028, 3, 1, 0, 0, 0), (), ("expired", False, "red")),
        ("midnight in UTC is eight in the morning", datetime(2028, 2, 29, 0, tzinfo=UTC), (), ("valid", True, "green")),
        (
            "four in the afternoon UTC ends the day",
            datetime(2028, 2, 29, 16, tzinfo=UTC),
            (),
            ("expired", False, "red"),
        ),
        ("the second before the first day", at(2026, 3, 1, 23, 59, 59), (), ("not_yet_valid", False, "red")),
        ("the first second", at(2026, 3, 2, 0, 0, 0), (), ("valid", True, "green")),
        ("renewal in time, before the end", at(2028, 2, 29), (applied(IN_TIME),), ("valid", True, "green")),
        ("renewal in time, after the end", at(2028, 3, 1), (applied(IN_TIME),), ("renewal_pending", True, "amber")),
        ("and years later", at(2031, 3, 1), (applied(IN_TIME),), ("renewal_pending", True, "amber")),
        ("one day too late", at(2028, 3, 1), (applied(LATE),), ("expired", False, "red")),
        ("refused", at(2028, 3, 1), (applied(IN_TIME), REFUSED), ("expired", False, "red")),
        ("refused before the end", at(2028, 2, 29), (applied(IN_TIME), REFUSED), ("valid", True, "green")),
        ("withdrawn by the applicant", at(2028, 3, 1), (applied(IN_TIME), CLOSED), ("expired", False, "red")),
        (
            "of the period before",
            at(2028, 3, 1),
            (applied(date(2025, 1, 1), date(2026, 3, 1)),),
            ("expired", False, "red"),
        ),
    ],
)
def test_a_period_ends_at_the_end_of_its_last_day(
    name: str, now: datetime, facts: tuple[Fact, ...], expected: tuple[str, bool, str]
) -> None:
    found = standing(make_version(1, valid_until=LAST), facts, NO_CHECKS, now)
    assert (found.code, found.good, found.light.value) == expected, name


DUE = date(2027, 3, 2)
SET = fact(FactKind.PROMISE_SET, code="A", due=DUE)
MORE = fact(FactKind.SUPPLEMENT_SET, 2, code="B", due=DUE)
LATER = fact(FactKind.PROMISE_SET, 4, code="A", due=date(2027, 12, 31))
MET = fact(FactKind.OBLIGATION_MET, 5, code="A")
BROKEN = fact(FactKind.OBLIGATION_BROKEN, 6, code="A")
DORMANT = fact(FactKind.DORMANT_BEGUN, due=DUE)
AWAKE = fact(FactKind.DORMANT_ENDED, 2)
PARENT = fact(FactKind.PARENT_ENDED, reference="lic_9", text="（营业执照）已吊销")
BACK = fact(FactKind.PARENT_BACK, 2, reference="lic_9")
EVE, DAY_AFTER = at(2027, 3, 2, 23, 59, 59), at(2027, 3, 3, 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "now", "facts", "codes", "light"),
    [
        ("an open promise is for information", EVE, (SET,), ["obligation_open"], "green"),
        ("overdue at midnight", DAY_AFTER, (SET,), ["obligation_overdue"], "amber"),
        ("both kinds", DAY_AFTER, (SET, MORE), ["obligation_overdue", "obligation_overdue"], "amber"),
        ("a later deadline replaces the first", DAY_AFTER, (SET, LATER), ["obligation_open"], "green"),
        ("met", DAY_AFTER, (SET, MET), [], "green"),
        ("broken", EVE, (SET, BROKEN), ["obligation_broken"], "amber"),
        ("broken and then met", DAY_AFTER, (SET, BROKEN, MET), [], "green"),
        ("dormant is valid, amber", EVE, (DORMANT,), ["dormant"], "amber"),
        ("dormancy ends with its last day", DAY_AFTER, (DORMANT,), [], "green"),
        ("dormancy ended by a filing", EVE, (DORMANT, AWAKE), [], "green"),
        ("the parent ended", EVE, (PARENT,), ["parent_ended"], "amber"),
        ("the parent is back", EVE, (PARENT, BACK), [], "green"),
    ],
)
def test_facts_turn_the_light_amber_and_end_nothing(
    name: str, now: datetime, facts: tuple[Fact, ...], codes: list[str], light: str
) -> None:
    found = standing(make_version(1, valid_until=None), facts, NO_CHECKS, now)
    assert [flag.code for flag in found.flags] == codes, name
    assert (found.good, found.code, found.light.value) == (True, "valid", light), name


@pytest.mark.parametrize("state", sorted(State))
def test_no_fact_and_no_date_makes_an_ended_license_good_or_a_standing_one_ended(state: State) -> None:
    everything = (SET, BROKEN, DORMANT, PARENT, applied(IN_TIME))
    project = "2601-990100-04-01-123456" if state is State.PROVISIONAL else ""
    version = make_version(1, state=state, project_code=project)
    found = standing(version, everything, RULES, at(2027, 6, 1))
    assert found.good == (state is State.VALID)
    assert (found.light is Light.RED) == (state is not State.VALID)
    assert found.code == state.value
    if state in ENDED:
        assert found.flags == ()
    assert (state in STANDING_STATES) == (state not in ENDED)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(9999, 6, 1), 12, date.max),
    ],
)
def test_months_are_counted_on_the_calendar(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def check(on: date, n: int, **changes: Any) -> Fact:
    return fact(FactKind.CHECK_PASSED, n, code="年审", on=on, **changes)


def test_a_check_counts_from_issue_then_from_the_last_one_that_was_passed() -> None:
    version = make_version(1, first_issued_on=date(2024, 2, 29), valid_until=None)
    rule = RULES.checks[0]
    assert check_due(version, (), rule) == date(2025, 2, 28)
    passed = check(date(2025, 2, 20), 1)
    assert check_due(version, (passed,), rule) == date(2026, 2, 20)
    said = check(date(2026, 2, 1), 2, due=date(2027, 3, 31))
    assert check_due(version, (passed, said), rule) == date(2027, 3, 31)
    failed = dataclasses.replace(said, kind=FactKind.CHECK_FAILED, on=date(2026, 6, 1), due=None)
    assert check_due(version, (passed, said, failed), rule) == date(2027, 3, 31)
    now = at(2027, 3, 31, 23, 59)
    assert [flag.code for flag in standing(version, (passed, said, failed), RULES, now).flags] == ["check_failed"]
    overdue = standing(version, (passed, said), RULES, now + timedelta(minutes=1))
    assert [(flag.code, flag.zh) for flag in overdue.flags] == [("check_overdue", "逾期未年审")]


def test_of_two_checks_on_one_day_the_later_note_counts() -> None:
    version = make_version(1, valid_until=None)
    failed = fact(FactKind.CHECK_FAILED, 1, code="年审", on=date(2026, 5, 1))
    found = standing(version, (failed, check(date(2026, 5, 1), 2)), RULES, at(2026, 5, 2))
    assert found.flags == ()


def test_a_suspension_that_is_over_is_flagged_and_still_red() -> None:
    version = make_version(1, state=State.SUSPENDED, suspended_until=date(2026, 6, 30))
    eve = standing(version, (), NO_CHECKS, at(2026, 6, 30, 23, 59))
    over = standing(version, (), NO_CHECKS, at(2026, 7, 1, 0, 0))
    assert (eve.good, eve.flags) == (False, ())
    assert (over.good, [flag.code for flag in over.flags]) == (False, ["suspension_over"])


def test_papers_follow_the_version_they_were_printed_for() -> None:
    version = make_version(1)
    first = fact(FactKind.TWIN_PRINTED, 1, code="S1", text="正本", version_id="ver_000000")
    mine = fact(FactKind.TWIN_PRINTED, 2, code="S2", text="正本")
    back = fact(FactKind.TWIN_RECALLED, 3, code="S1")
    assert twin_state((), version) is TwinState.NONE
    assert twin_state((mine,), version) is TwinState.IN_STEP
    assert twin_state((first, mine), version) is TwinState.REPLACED
    assert twin_state((first, mine, back), version) is TwinState.IN_STEP
    assert twin_state((first, back), version) is TwinState.NONE


@pytest.mark.parametrize(
    ("name", "now", "facts", "expected"),
    [
        ("sixty-one days before", at(2027, 12, 30), (), []),
        ("thirty days before applications close", at(2027, 12, 31), (), [DueKind.EXPIRY_NEAR]),
        ("the last second", at(2028, 2, 29, 23, 59, 59), (), [DueKind.EXPIRY_NEAR]),
        ("expired", at(2028, 3, 1), (), [DueKind.EXPIRED]),
        ("applied for", at(2028, 2, 1), (applied(IN_TIME),), []),
        ("pending", at(2028, 3, 1), (applied(IN_TIME),), []),
        ("refused", at(2028, 3, 1), (applied(IN_TIME), REFUSED), [DueKind.EXPIRED]),
        ("obligation near", at(2027, 2, 1), (SET,), [DueKind.OBLIGATION_DUE]),
        ("obligation overdue", at(2027, 3, 3), (SET,), [DueKind.OBLIGATION_OVERDUE]),
        ("obligation met", at(2027, 3, 3), (SET, MET), []),
    ],
)
def test_what_is_due(name: str, now: datetime, facts: tuple[Fact, ...], expected: list[DueKind]) -> None:
    version = make_version(1, valid_until=LAST)
    assert [due.kind for due in dues_of(version, facts, NO_CHECKS, now)] == expected, name
    for state in ENDED:
        assert dues_of(dataclasses.replace(version, state=state), facts, NO_CHECKS, now) == (), "the dead owe nothing"


SPAN_DAYS = 40 * 365
KINDS = [kind for kind in FactKind if kind is not FactKind.PARENT_BACK]


def test_no_time_limit_ends_a_license_by_itself() -> None:
    """Any facts, any dates, any day of forty years: what was not ended by a decision can still be decided about.

    Red without a decision is only what the dates on the page say, and a renewal in time takes even that away.
    """
    chance = random.Random(20260301)
    lights: set[tuple[str, str]] = set()
    for n in range(4_000):
        state = chance.choice(sorted(STANDING_STATES))
        start = date(2026, 3, 2)
        last = chance.choice([None, start + timedelta(days=chance.randrange(1, 3000))])
        until = start + timedelta(days=chance.randrange(1, 900)) if state is State.SUSPENDED else None
        project = "2601-990100-04-01-123456" if state is State.PROVISIONAL else ""
        version = make_version(
            1, state=state, valid_from=start, valid_until=last, suspended_until=until, project_code=project
        )
        facts = [
            fact(
                kind,
                index,
                code=chance.choice(["年审", "CN-1", ""]),
                on=start + timedelta(days=chance.randrange(2000)),
                due=chance.choice([last, start + timedelta(days=chance.randrange(2000)), None]),
            )
            for index, kind in enumerate(chance.sample(KINDS, chance.randrange(6)), start=1)
        ]
        now = at(2026, 3, 2) + timedelta(days=chance.randrange(SPAN_DAYS))
        before = decidable(version.state, version.paper)
        stands = standing(version, facts, RULES, now)
        assert version.state is state
        assert decidable(version.state, version.paper) == before
        assert before, "every standing state leads somewhere by a decision"
        lights.add((stands.code, stands.light.value))
        if state is State.VALID and stands.light is Light.RED:
            assert stands.code in {"expired", "not_yet_valid"}, n
            assert stands.code != "expired" or (last is not None and local_day(now) > last)
    assert {code for code, _ in lights} >= {"valid", "expired", "renewal_pending", "suspended", "provisional"}
    assert ("valid", "amber") in lights
