"""Policies of one matter and type against a small model: days, openings and closings in any order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.license.matters import ListedMatter, MatterChangeKind, compare
from certsvc.license.policies import IN_HAND, POLICY_SOURCES, POLICY_ZH, Policy, PolicyState, in_force

START = datetime(2026, 3, 2, 4, tzinfo=UTC)
"""Noon in Shanghai, so that a day more is a day more there too."""


def make(n: int, at: datetime) -> Policy:
    return Policy(
        policy_id=f"pol_{n:03d}",
        matter_code="M",
        authority_code="A",
        type_slug="t",
        keys=("number",),
        bases=("duty",),
        quota=None,
        purpose="示例",
        state=PolicyState.REQUESTED,
        requested_by="a",
        requested_at=at,
    )


@dataclass
class Model:
    """What counts, told as a list of days on which something begins or ends: nothing of it looks at states."""

    begins: list[tuple[date, int]] = field(default_factory=list)
    closed: dict[int, date] = field(default_factory=dict)

    def counting(self, day: date) -> int | None:
        begun = [(first, n) for first, n in self.begins if first <= day and n not in self.closed]
        return max(begun)[1] if begun else None

    def seed_counts(self, day: date) -> bool:
        """Until one has begun and was not closed before it could."""
        return not any(first <= min(day, self.closed.get(n, day)) for first, n in self.begins)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "approve", "refuse", "open", "close", "wait"]), st.integers(0, 3)), max_size=40
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_only_lawful_steps_are_taken_and_what_counts_is_the_newest_that_has_begun(
    steps: list[tuple[str, int]],
) -> None:
    targets = {
        "approve": PolicyState.APPROVED,
        "refuse": PolicyState.REFUSED,
        "open": PolicyState.OPEN,
        "close": PolicyState.CLOSED,
    }
    policies: dict[int, Policy] = {}
    model, now = Model(), START
    for name, number in steps:
        now += timedelta(seconds=1)
        today = (now + timedelta(hours=8)).date()
        if name == "wait":
            now += timedelta(days=number)
            continue
        if name == "ask":
            if not any(one.state in IN_HAND for one in policies.values()):
                policies[len(policies)] = make(len(policies), now)
            continue
        chosen = list(policies)[-1 - number :][:1]
        if not chosen:
            continue
        n = chosen[0]
        one, target = policies[n], targets[name]
        if one.state not in POLICY_SOURCES[target]:
            continue
        if target is PolicyState.OPEN:
            day = today + timedelta(days=number)
            policies[n] = replace(one, state=target, opened_at=now, opened_on=day)
            model.begins.append((day, n))
        elif target is PolicyState.CLOSED:
            policies[n] = replace(one, state=target, closed_at=now)
            if any(begun == n for _, begun in model.begins):
                model.closed[n] = today
        else:
            policies[n] = replace(one, state=target)
        for ahead in range(6):
            day = today + timedelta(days=ahead)
            counts = in_force(list(policies.values()), day)
            expected = model.counting(day)
            assert (counts.policy_id if counts else None) == (f"pol_{expected:03d}" if expected is not None else None)
        spoken = any(one.began(today) for one in policies.values())
        assert spoken == (not model.seed_counts(today))


def test_every_state_has_a_name_and_only_the_open_can_count() -> None:
    assert set(POLICY_ZH) == set(PolicyState)
    reached = dict(POLICY_SOURCES)
    assert reached[PolicyState.OPEN] == {PolicyState.APPROVED}
    assert PolicyState.REQUESTED not in reached
    assert not any({PolicyState.REFUSED, PolicyState.CLOSED} & sources for sources in reached.values())


DAYS = st.none() | st.dates(date(2026, 2, 25), date(2026, 3, 10))
MATTERS = st.builds(
    ListedMatter, code=st.just("M"), name=st.sampled_from("ab"), authority_code=st.sampled_from("xy"), ends_on=DAYS
)


@given(old=MATTERS, new=MATTERS)
def test_a_change_is_an_end_exactly_when_what_was_handled_is_handled_no_more(
    old: ListedMatter, new: ListedMatter
) -> None:
    day = date(2026, 3, 2)
    kind = compare(old, new, day)
    was, now = old.in_force(day), new.in_force(day)
    assert (kind is MatterChangeKind.ENDED) == (was and not now)
    assert (kind is MatterChangeKind.RESTORED) == (now and not was)
    assert (kind is None) == (old == new)
    assert compare(None, new, day) is MatterChangeKind.ADDED
