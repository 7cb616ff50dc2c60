"""The lives of signers and rounds: every law of the tables, over every way they can go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signer_records import CODE, NOW, make_certificate, make_revision, make_round, make_signer

from certsvc.errors import InvalidInput
from certsvc.seal.pin import MAX_PIN, MIN_PIN, check_pin
from certsvc.seal.signer import ENDED, LIVING, SIGNER_MOVES, SIGNER_STATE_ZH, SignerState, can
from certsvc.seal.signing_round import (
    ROUND_MOVES,
    ROUND_STATE_ZH,
    STEP_MOVES,
    STEP_STATE_ZH,
    RoundState,
    SigningRound,
    StepState,
)

ORDERS = st.lists(st.integers(1, 4), min_size=1, max_size=7).map(tuple)


def sign(signing: SigningRound, index: int) -> SigningRound:
    """The round after the step at ``index`` signed."""
    step = signing.steps[index]
    done = replace(step, state=StepState.SIGNED, signed_at=NOW)
    steps = (*signing.steps[:index], done, *signing.steps[index + 1 :])
    revision = make_revision(signing.head.number + 1, step.step_id)
    return replace(signing, steps=steps, revisions=(*signing.revisions, revision))


# Signers


def test_nothing_leads_out_of_the_end_and_every_state_is_reached() -> None:
    assert set(SignerState) == LIVING | ENDED
    assert not LIVING & ENDED
    for sources, target in SIGNER_MOVES.values():
        assert not sources & ENDED
        assert target not in sources
    assert {target for _, target in SIGNER_MOVES.values()} == set(SignerState) - {SignerState.APPLIED}
    assert set(SIGNER_STATE_ZH) == set(SignerState)


@given(st.lists(st.sampled_from(sorted(SIGNER_MOVES)), max_size=12))
def test_a_signer_that_has_ended_stays_ended_and_signs_only_after_it_was_issued(moves: list[str]) -> None:
    state, issued, ended = SignerState.APPLIED, False, False
    for move in moves:
        if not can(state, move):
            continue
        assert not ended
        state = SIGNER_MOVES[move][1]
        issued = issued or move == "issue"
        ended = state in ENDED
        assert issued or state is not SignerState.ACTIVE


def test_an_unknown_move_is_our_own_mistake() -> None:
    with pytest.raises(RuntimeError):
        can(SignerState.ACTIVE, "freeze")


def test_a_signer_has_expired_the_moment_its_certificate_ends() -> None:
    signer = make_signer(certificate=make_certificate(valid_until=NOW))
    assert signer.state_at(NOW - timedelta(microseconds=1)) is SignerState.ACTIVE
    assert signer.state_at(NOW) is SignerState.EXPIRED
    withdrawn = replace(signer, state=SignerState.WITHDRAWN)
    assert withdrawn.state_at(NOW) is SignerState.WITHDRAWN


def test_a_signer_shows_nothing_personal_and_no_key_in_its_repr() -> None:
    text = repr(make_signer())
    for secret in ("示例", CODE, "wrapped", "PNG", "CERTIFICATE"):
        assert secret not in text


# Rounds


def test_every_move_of_a_round_begins_open_and_ends_it() -> None:
    assert {move[1] for move in ROUND_MOVES.values()} == set(RoundState) - {RoundState.OPEN}
    assert all(move[0] is RoundState.OPEN for move in ROUND_MOVES.values())
    assert {move[1] for move in STEP_MOVES.values()} == set(StepState) - {StepState.WAITING}
    assert set(ROUND_STATE_ZH) == set(RoundState)
    assert set(STEP_STATE_ZH) == set(StepState)


@given(ORDERS, st.randoms())
def test_people_sign_in_order_in_parallel_where_equal_and_every_round_can_be_finished(
    orders: tuple[int, ...], random: Random
) -> None:
    signing = make_round(orders=orders)
    signed: list[int] = []
    while not signing.all_signed:
        ready = signing.ready()
        waiting = [step for step in signing.steps if step.state is StepState.WAITING]
        assert ready, "an open round always has somebody to sign"
        assert {step.order for step in ready} == {min(step.order for step in waiting)}
        assert len(ready) == sum(1 for step in waiting if step.order == ready[0].order)
        chosen = random.choice(ready)
        signed.append(chosen.order)
        signing = sign(signing, signing.steps.index(chosen))
    assert signed == sorted(orders)
    assert signing.ready() == ()


@given(ORDERS, st.booleans())
def test_the_seal_is_awaited_only_when_all_have_signed(orders: tuple[int, ...], seal: bool) -> None:
    signing = make_round(orders=orders, seal=seal)
    while not signing.all_signed:
        assert not signing.awaits_seal
        signing = sign(signing, signing.steps.index(signing.ready()[0]))
    assert signing.awaits_seal is seal


@given(ORDERS)
def test_the_deadline_binds_people_and_not_the_seal(orders: tuple[int, ...]) -> None:
    signing = make_round(orders=orders, seal=True)
    late = signing.deadline
    while not signing.all_signed:
        assert signing.state_at(late) is RoundState.EXPIRED
        assert signing.state_at(late - timedelta(microseconds=1)) is RoundState.OPEN
        signing = sign(signing, signing.steps.index(signing.ready()[0]))
    assert signing.state_at(late) is RoundState.OPEN


@given(ORDERS, st.randoms())
def test_a_person_may_confirm_what_was_there_since_the_own_turn_and_nothing_older(
    orders: tuple[int, ...], random: Random
) -> None:
    signing = make_round(orders=orders)
    while not signing.all_signed:
        for step in signing.ready():
            allowed = signing.may_confirm(step)
            assert signing.head.sha256 in allowed
            before = sum(1 for other in signing.steps if other.order < step.order)
            assert all(one.sha256 not in allowed for one in signing.revisions[:before])
            assert all(one.sha256 in allowed for one in signing.revisions[before:])
        signing = sign(signing, signing.steps.index(random.choice(signing.ready())))


def test_a_round_that_has_ended_is_nobodys_turn() -> None:
    for state in set(RoundState) - {RoundState.OPEN}:
        assert make_round(state=state).ready() == ()


# PINs


@given(st.text(alphabet="0123456789", min_size=MIN_PIN, max_size=MAX_PIN))
def test_an_accepted_pin_is_no_run_no_repetition_and_no_part_of_the_document_number(pin: str) -> None:
    refused: list[InvalidInput] = []
    try:
        check_pin(pin, holder_code=CODE)
    except InvalidInput as refusal:
        refused.append(refusal)
    for one in refused:
        assert one.problems[0].pointer == "/pin"
        assert pin not in one.detail
        return
    assert len(set(pin)) > 1
    assert pin not in CODE
    assert pin not in "01234567890123456789"
    assert pin not in "98765432109876543210"


@pytest.mark.parametrize(
    "pin",
    [
        "",
        "12345",
        "1234567890123",
        "12345a",
        "１２３４５６",
        "123456",
        "654321",
        "000000",
        "121212",
        "123123",
        "890123",
    ],
)
def test_what_a_stranger_would_try_first_is_refused(pin: str) -> None:
    with pytest.raises(InvalidInput):
        check_pin(pin, holder_code="")


def test_birthdays_are_refused_in_every_usual_spelling() -> None:
    for pin in ("900101", "19900101", "01011990", "199001"):
        with pytest.raises(InvalidInput, match=r"证件号码|简单"):
            check_pin(pin, holder_code=CODE)
    check_pin("802467", holder_code=CODE)
