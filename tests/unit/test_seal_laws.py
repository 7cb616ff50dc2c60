"""The table of moves, scope and rules of a use, odd use, and approvals: pure laws."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_records import T0, make_seal

from certsvc.commands.access import roles
from certsvc.errors import Forbidden, IllegalMove
from certsvc.events.seal_payloads import SEAL_MOVED
from certsvc.seal.approval import ApprovalState, Representative, UseApproval, Vote
from certsvc.seal.life import (
    IN_USE,
    OVER,
    SEAL_MOVE,
    SEAL_MOVES,
    UNDER_WAY,
    Who,
    lawful_move,
    moves_from,
    needs_of,
)
from certsvc.seal.model import SealState
from certsvc.seal.odd import BURST_FLOOR, BUSY_HOURS_LEAST, OddRule, look_now, odd_burst, odd_tries, rule_for
from certsvc.seal.rules import SealRules, UseHours
from certsvc.seal.use import Against, SealUse, refusal_of

OPENING = {move.name: move.target for move in SEAL_MOVES if not move.sources}


def test_every_state_is_reached_and_the_three_groups_share_none() -> None:
    assert {move.target for move in SEAL_MOVES} == set(SealState)
    assert set(SealState) == IN_USE | UNDER_WAY | OVER
    assert len(IN_USE) + len(UNDER_WAY) + len(OVER) == len(SealState)
    for move in SEAL_MOVES:
        assert not move.sources & OVER, f"{move.name} leads out of an end"
        assert move.target not in move.sources
        assert move.event in SEAL_MOVED
        assert move.asked <= (move.who is not Who.SERVICE)
        assert needs_of(move, None) == needs_of(move, SealState.ACTIVE) == move.needs


@given(
    first=st.sampled_from(sorted(OPENING)), names=st.lists(st.sampled_from([m.name for m in SEAL_MOVES]), max_size=40)
)
def test_no_sequence_of_moves_leaves_the_table_or_comes_back_from_an_end(first: str, names: list[str]) -> None:
    state, ended = OPENING[first], False
    for name in names:
        if state not in SEAL_MOVE[name].sources:
            with pytest.raises(IllegalMove, match="可以办理"):
                lawful_move(name, state)
            continue
        move = lawful_move(name, state)
        assert not ended
        assert state in move.sources
        state = move.target
        ended = state in OVER
    assert ended == (not moves_from(state) and state in OVER)


def test_roles_that_must_be_apart_are_refused_by_name_and_the_others_are_not() -> None:
    apart = {frozenset(pair) for pair in roles.EXCLUSIVE}
    duties = sorted(roles.SEAL_DUTIES | roles.THREE_OFFICERS)
    together = {frozenset(pair) for pair in itertools.combinations(duties, 2)} - apart
    assert together == {
        frozenset({roles.SEAL_APPLICANT, roles.SEAL_KEEPER}),
        frozenset({roles.SEAL_APPLICANT, roles.SEAL_USE_APPROVER}),
        frozenset({roles.SEAL_APPROVER, roles.SEAL_USE_APPROVER}),
    }
    for pair in apart:
        with pytest.raises(Forbidden) as caught:
            roles.check_separation(pair)
        assert all(roles.ROLE_ZH[role] in caught.value.detail for role in pair)
    for pair in together:
        roles.check_separation(pair)


# Scope and rules -----------------------------------------------------------------------------------------------------

MONDAY_NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # 12:00 in Shanghai
OFFICE = UseHours(days=(1, 2, 3, 4, 5), begins=8 * 60 + 30, ends=18 * 60)
RULES = SealRules(matters=("M1",), regions=("990100",), hours=OFFICE, manual_needed=1, approvers=("a",), keepers=("k",))
FITTING = SealUse(type_slug="food-operation", matter_code="M1", region="990101")


def against(use: SealUse = FITTING, *, now: datetime = MONDAY_NOON, key_id: str = "key_001", **changes: object) -> str:
    seal = dataclasses.replace(make_seal(1, rules=RULES), **changes)  # type: ignore[arg-type]
    found = refusal_of(seal, use, now, key_id=key_id, type_name="食品经营许可证")
    if found is None:
        return ""
    assert len(found.detail) > 8
    return found.against.value


def test_a_use_within_every_rule_is_not_refused() -> None:
    assert against() == ""
    assert against(dataclasses.replace(FITTING, region="990100")) == ""
    assert against(dataclasses.replace(FITTING, manual=True, operator="k")) == ""
    assert against(dataclasses.replace(FITTING, manual=True, operator="x", represented_by="rep_1")) == ""


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"type_slug": "tour-guide"}, Against.TYPE),
        ({"type_slug": ""}, Against.TYPE),
        ({"matter_code": "M2"}, Against.MATTER),
        ({"matter_code": ""}, Against.MATTER),
        ({"region": "990200"}, Against.REGION),
        ({"region": "990000"}, Against.REGION),
        ({"region": ""}, Against.REGION),
        ({"manual": True, "operator": "x"}, Against.KEEPER),
    ],
)
def test_a_use_outside_one_rule_is_refused_for_it(changes: dict[str, object], wanted: Against) -> None:
    assert against(dataclasses.replace(FITTING, **changes)) == wanted  # type: ignore[arg-type]


def test_state_period_key_and_hours_speak_against_a_use() -> None:
    for state in set(SealState) - {SealState.ACTIVE}:
        assert against(state=state) == Against.STATE
    assert against(valid_until=MONDAY_NOON) == Against.PERIOD
    assert against(valid_from=MONDAY_NOON + timedelta(seconds=1)) == Against.PERIOD
    assert against(key_id="key_000") == Against.REPLACED
    assert against(now=MONDAY_NOON + timedelta(hours=6)) == Against.HOURS
    assert against(now=MONDAY_NOON + timedelta(hours=5, minutes=59)) == ""
    assert against(now=MONDAY_NOON - timedelta(days=1)) == Against.HOURS, "a Sunday"
    assert OFFICE.zh == "周一至周五 08:30-18:00"
    assert UseHours(days=(1, 3), begins=0, ends=1440).zh == "周一、周三 00:00-24:00"


# Odd use -------------------------------------------------------------------------------------------------------------


def test_tries_are_odd_at_their_limit_and_not_before() -> None:
    assert odd_tries({OddRule.SCOPE: 9, OddRule.HOURS: 2, OddRule.APPROVAL: 4}) is None
    assert odd_tries({OddRule.SCOPE: 10}) is OddRule.SCOPE
    assert odd_tries({OddRule.HOURS: 3}) is OddRule.HOURS
    assert odd_tries({OddRule.APPROVAL: 5}) is OddRule.APPROVAL


def test_only_what_is_a_sign_counts_as_a_try() -> None:
    assert rule_for(Against.REGION, manual=False) is OddRule.SCOPE
    assert rule_for(Against.HOURS, manual=False) is None, "the night is nobody's fault"
    assert rule_for(Against.HOURS, manual=True) is OddRule.HOURS
    for quiet in (Against.STATE, Against.PERIOD, Against.BUDGET, Against.RATE, Against.REPLACED):
        assert rule_for(quiet, manual=True) is None


def test_a_burst_is_five_times_the_busiest_hour_of_a_seal_that_is_known() -> None:
    busy = [50] * BUSY_HOURS_LEAST
    assert not odd_burst(250, busy)
    assert odd_burst(251, busy)
    assert not odd_burst(251, busy[1:]), "too little is known"
    assert not odd_burst(BURST_FLOOR - 1, [1] * BUSY_HOURS_LEAST)
    assert not odd_burst(251, [*busy, 60])
    assert look_now(250)
    assert not look_now(251)
    assert not look_now(150)


# Approvals -----------------------------------------------------------------------------------------------------------


def approval(**changes: object) -> UseApproval:
    one = UseApproval(
        approval_id="apr_1",
        seal_id="seal_001",
        owner_code="o",
        digest="d",
        purpose="p",
        type_slug="t",
        matter_code="m",
        region="r",
        asked_by="k",
        asked_at=T0,
        expires_at=T0 + timedelta(hours=1),
        needed=2,
        approvers=("a", "b", "c"),
        state=ApprovalState.GRANTED,
    )
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


USE = SealUse(type_slug="t", matter_code="m", region="r", manual=True)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=3, unique_by=lambda vote: vote[0]))
def test_two_of_three_grant_and_one_no_refuses(votes: list[tuple[str, bool]]) -> None:
    after = approval().after([Vote(voter=voter, agrees=agrees, at=T0) for voter, agrees in votes])
    if not all(agrees for _, agrees in votes):
        assert after is ApprovalState.REFUSED
    else:
        assert after is (ApprovalState.GRANTED if len(votes) >= 2 else ApprovalState.WAITING)


def test_an_approval_fits_one_seal_one_content_one_use_in_its_time() -> None:
    assert approval().problem_of_use("seal_001", "d", USE, T0) == ""
    for problem in (
        approval().problem_of_use("seal_002", "d", USE, T0),
        approval().problem_of_use("seal_001", "e", USE, T0),
        approval().problem_of_use("seal_001", "d", dataclasses.replace(USE, type_slug="u"), T0),
        approval().problem_of_use("seal_001", "d", dataclasses.replace(USE, region=""), T0),
        approval().problem_of_use("seal_001", "d", USE, T0 + timedelta(hours=1)),
        *(
            approval(state=state).problem_of_use("seal_001", "d", USE, T0)
            for state in (ApprovalState.WAITING, ApprovalState.REFUSED, ApprovalState.USED)
        ),
    ):
        assert problem


def test_a_representative_stands_for_one_owner_within_scope_and_term() -> None:
    one = Representative(
        representative_id="rep_1",
        owner_code="o",
        person="a",
        scope_types=("t",),
        matters=("m",),
        begins_at=T0,
        ends_at=T0 + timedelta(days=1),
        document_no="1",
        appointed_by="x",
        appointed_at=T0,
    )
    assert one.problem_of("o", USE, T0) == ""
    assert one.problem_of("p", USE, T0)
    assert one.problem_of("o", USE, T0 - timedelta(seconds=1))
    assert one.problem_of("o", USE, T0 + timedelta(days=1))
    assert one.problem_of("o", dataclasses.replace(USE, type_slug="u"), T0)
    assert one.problem_of("o", dataclasses.replace(USE, matter_code=""), T0)
    assert dataclasses.replace(one, dismissed_at=T0).problem_of("o", USE, T0)
    alone = Vote(voter="a", agrees=True, at=T0, represented_by="rep_1")
    assert approval().after([alone]) is ApprovalState.GRANTED
