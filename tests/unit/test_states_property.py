"""Random walks over the table of moves: no sequence of requests takes a step that the law does not know."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.errors import IllegalMove
from certsvc.license.states import ENDED, MOVE_BY_NAME, MOVES, STATE_ZH, Paper, State, Who, decidable, lawful

V, S = State.VALID, State.SUSPENDED
LAW: dict[tuple[State, State], set[str]] = {
    (V, S): {"suspend"},
    (S, V): {"resume", "reinstate"},
    (V, State.RESCINDED): {"rescind"},
    (S, State.RESCINDED): {"rescind"},
    (V, State.WITHDRAWN): {"withdraw"},
    (S, State.WITHDRAWN): {"withdraw"},
    (V, State.REVOKED): {"revoke"},
    (S, State.REVOKED): {"revoke"},
    (V, State.CANCELLED): {"cancel"},
    (S, State.CANCELLED): {"cancel"},
    (State.RESCINDED, State.CANCELLED): {"cancel"},
    (State.WITHDRAWN, State.CANCELLED): {"cancel"},
    (State.REVOKED, State.CANCELLED): {"cancel"},
    (V, State.VOIDED): {"void", "correct"},
    (S, State.VOIDED): {"void", "correct"},
    (State.RESCINDED, V): {"reinstate"},
    (State.WITHDRAWN, V): {"reinstate"},
    (State.REVOKED, V): {"reinstate"},
    (State.CANCELLED, V): {"reinstate"},
    (V, State.SUPERSEDED): {"supersede"},
}
"""Which step the law knows, written down a second time from DOMAIN.md 1, not read from the table under test."""

FORMAL_STATES = [state for state in State if state is not State.PROVISIONAL]
NAMES = st.sampled_from([*MOVE_BY_NAME, "expire", "issue", ""])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    start=st.sampled_from(FORMAL_STATES),
    asked=st.lists(NAMES, min_size=30, max_size=30),
)
def test_no_walk_takes_a_step_that_the_law_does_not_know(start: State, asked: list[str]) -> None:
    state = start
    for name in asked:
        try:
            move = lawful(name, state)
        except IllegalMove:
            assert not any(name in names for (source, _), names in LAW.items() if source is state), (name, state)
            continue
        assert name in LAW.get((state, move.target), set()), (name, state, move.target)
        state = move.target
        assert state is not State.PROVISIONAL


@settings(max_examples=200, derandomize=True, deadline=None)
@given(asked=st.lists(NAMES, min_size=40, max_size=40))
def test_what_was_superseded_or_voided_never_comes_back(asked: list[str]) -> None:
    for final in (State.SUPERSEDED, State.VOIDED):
        for name in asked:
            with pytest.raises(IllegalMove):
                lawful(name, final)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(asked=st.lists(NAMES, min_size=40, max_size=40))
def test_what_ended_is_in_force_again_only_by_a_review(asked: list[str]) -> None:
    state = State.VALID
    for name in asked:
        try:
            move = lawful(name, state)
        except IllegalMove:
            continue
        if state in ENDED and move.target not in ENDED:
            assert move.who is Who.REVIEW
        state = move.target


def test_the_table_holds_every_step_of_the_law_and_no_other() -> None:
    steps: dict[tuple[State, State], set[str]] = {}
    for move in MOVES:
        for source in move.sources if Paper.FORMAL in move.papers else ():
            if source is not State.PROVISIONAL:  # a state of the other kind of paper
                steps.setdefault((source, move.target), set()).add(move.name)
    assert steps == LAW


def test_a_refusal_names_exactly_the_moves_that_are_open() -> None:
    for state in State:
        with pytest.raises(IllegalMove) as caught:
            lawful("explode", state)
        told, _, offered = caught.value.detail.partition("可以办理：")
        assert STATE_ZH[state] in told
        for move in MOVES:
            names = {m.name for m in decidable(state, Paper.FORMAL)}
            assert (f"（{move.name}）" in offered) == (move.name in names), (state, move.name)
