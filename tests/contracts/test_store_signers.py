"""Signers, rounds and codes keep their promises on both databases, also when many come at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from signer_records import (
    CODE,
    NAME,
    NOW,
    make_act_code,
    make_certificate,
    make_code,
    make_revision,
    make_round,
    make_signer,
    make_use,
)
from sqlalchemy import text

from certsvc.errors import IntegrityError, RateLimited
from certsvc.seal.model import ReservationResult
from certsvc.seal.signer import MAX_CODE_TRIES, MAX_PIN_TRIES, SignerState
from certsvc.seal.signing_round import RoundState, StepState
from certsvc.store.engine import Store

LEASE = 60


def dump(store: Store) -> bytes:
    """Every value of every table of this page, as bytes."""
    tables = (
        "signers",
        "signer_uses",
        "signing_rounds",
        "signing_steps",
        "signing_revisions",
        "signing_codes",
        "signer_codes",
    )
    with store._engines[-1].connect() as connection:
        rows = [row for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    return b"|".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for row in rows for value in row
    )


def together(work: Callable[[int], Any], count: int, threads: int = 16) -> Counter[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(work, range(count)))


def put(store: Store, **changes: Any) -> None:
    with store.uow() as tx:
        assert tx.signers.insert(make_signer(**changes))


# Signers


def test_a_signer_comes_back_and_nothing_personal_stands_in_the_database(store: Store) -> None:
    signer = make_signer()
    with store.uow() as tx:
        assert tx.signers.insert(signer)
        assert tx.signers.by_id(signer.signer_id) == signer
        assert list(tx.signers.of_person("999", f"{CODE}1", limit=9)) == [signer]
        assert list(tx.signers.of_person("111", f"{CODE}1", limit=9)) == []
        tx.signings.insert(make_round(seal=True))
        tx.signing_codes.insert(make_code(), "409173")
        tx.signer_codes.insert(make_act_code(), "517283")
    found = dump(store)
    assert b"sgn_000001" in found
    for secret in (NAME, CODE, "409173", "517283", "劳动合同", "示例事由", "ink of somebody", "BEGIN CERTIFICATE"):
        assert secret.encode() not in found


def test_a_person_has_one_living_signer_and_another_after_the_end(store: Store) -> None:
    put(store)
    with store.uow() as tx:
        again = make_signer(2, holder_code=make_signer(1).holder_code)
        assert not tx.signers.insert(again)
        assert tx.signers.insert(make_signer(3))
        assert tx.signers.withdraw("sgn_000001", reason="superseded", now=NOW)
        assert tx.signers.insert(again)


def test_of_fifty_applications_at_once_one_is_kept(store: Store) -> None:
    def apply(n: int) -> bool:
        with store.uow() as tx:
            return tx.signers.insert(make_signer(n + 1, holder_code=CODE))

    assert together(apply, 50)[True] == 1


def test_withdrawal_destroys_the_key_revokes_the_certificate_and_is_final(store: Store) -> None:
    put(store)
    with store.uow() as tx:
        assert tx.signers.withdraw("sgn_000001", reason="keyCompromise", now=NOW)
        assert not tx.signers.withdraw("sgn_000001", reason="superseded", now=NOW)
        assert not tx.signers.set_stopped("sgn_000001", stopped=True)
        assert not tx.signers.take_try("sgn_000001")
        assert not tx.signers.set_handwriting("sgn_000001", b"x")
        assert not tx.signers.reserve(make_use())
        found = tx.signers.by_id("sgn_000001")
        assert found is not None
        assert (found.state, found.wrapped_key, found.ended_at) == (SignerState.WITHDRAWN, b"", NOW)
        (line,) = tx.signers.revoked_certificates("dev-people-ec")
        assert (line.serial, line.revoked_at, line.reason) == ("ab0001", NOW, "keyCompromise")
        assert list(tx.signers.revoked_certificates()) == [line]
        assert list(tx.signers.revoked_certificates("dev-people-sm2")) == []
    assert b"wrapped 1" not in dump(store)


def test_a_signer_without_certificate_waits_for_it_and_revokes_nothing(store: Store) -> None:
    put(store, state=SignerState.APPLIED, certificate=None)
    put(store, n=2, state=SignerState.APPLIED, certificate=None)
    with store.uow() as tx:
        assert [one.signer_id for one in tx.signers.awaiting_certificates(limit=9)] == ["sgn_000001", "sgn_000002"]
        assert not tx.signers.reserve(make_use())
        assert tx.signers.issue("sgn_000001", make_certificate(7))
        assert not tx.signers.issue("sgn_000001", make_certificate(8))
        issued = tx.signers.by_id("sgn_000001")
        assert issued is not None
        assert issued.certificate == make_certificate(7)
        assert tx.signers.withdraw("sgn_000002", reason="superseded", now=NOW)
        assert list(tx.signers.revoked_certificates()) == []


def test_stop_and_resume_follow_the_table_and_a_stopped_signer_reserves_nothing(store: Store) -> None:
    put(store)
    with store.uow() as tx:
        assert not tx.signers.set_stopped("sgn_000001", stopped=False)
        assert tx.signers.set_stopped("sgn_000001", stopped=True)
        assert not tx.signers.set_stopped("sgn_000001", stopped=True)
        assert not tx.signers.reserve(make_use())
        assert tx.signers.set_stopped("sgn_000001", stopped=False)
        assert tx.signers.reserve(make_use())


def test_a_certificate_that_ended_ends_the_signer_once(store: Store) -> None:
    put(store, certificate=make_certificate(valid_until=NOW))
    with store.uow() as tx:
        assert list(tx.signers.ended_by(NOW - timedelta(seconds=1), limit=9)) == []
        assert not tx.signers.expire("sgn_000001", now=NOW - timedelta(seconds=1))
        assert list(tx.signers.ended_by(NOW, limit=9)) == ["sgn_000001"]
        assert tx.signers.expire("sgn_000001", now=NOW)
        assert not tx.signers.expire("sgn_000001", now=NOW)
        assert list(tx.signers.ended_by(NOW, limit=9)) == []
        assert not tx.signers.reserve(make_use(reserved_at=NOW))


def test_a_thousand_guesses_at_once_take_five_tries(postgres_store: Store) -> None:
    put(postgres_store)

    def guess(_n: int) -> bool:
        with postgres_store.uow() as tx:
            return tx.signers.take_try("sgn_000001")

    assert together(guess, 1000) == {True: MAX_PIN_TRIES, False: 1000 - MAX_PIN_TRIES}
    with postgres_store.uow.read() as tx:
        signer = tx.signers.by_id("sgn_000001")
    assert signer is not None
    assert signer.pin_tries == MAX_PIN_TRIES
    assert signer.locked


def test_tries_come_back_with_the_right_pin_and_never_below_none(store: Store) -> None:
    put(store)
    with store.uow() as tx:
        tx.signers.give_back("sgn_000001")
        assert [tx.signers.take_try("sgn_000001") for _ in range(MAX_PIN_TRIES + 1)] == [True] * MAX_PIN_TRIES + [False]
        tx.signers.give_back("sgn_000001")
        assert tx.signers.take_try("sgn_000001")
        tx.signers.right_pin("sgn_000001")
        assert tx.signers.take_try("sgn_000001")


def test_of_two_new_wrappings_of_one_key_the_first_wins(store: Store) -> None:
    put(store)
    with store.uow() as tx:
        assert tx.signers.rewrap("sgn_000001", old=b"wrapped 1", new=b"first")
        assert not tx.signers.rewrap("sgn_000001", old=b"wrapped 1", new=b"second")


def test_a_use_is_answered_once_and_what_has_no_answer_is_listed(store: Store) -> None:
    put(store)
    later = NOW + timedelta(seconds=1)
    with store.uow() as tx:
        for n in (1, 2, 3):
            assert tx.signers.reserve(make_use(n))
        assert tx.signers.answer("use_000001", ReservationResult.USED, signature_sha256="aa", now=NOW)
        assert not tx.signers.answer("use_000001", ReservationResult.FAILED, signature_sha256="", now=NOW)
        assert [one.use_id for one in tx.signers.unanswered(before=later, limit=9)] == ["use_000002", "use_000003"]
        assert [one.use_id for one in tx.signers.abandon("sig_000001", now=NOW)] == ["use_000002", "use_000003"]
        assert tx.signers.abandon("sig_000001", now=NOW) == []
        assert {one.result for one in tx.signers.unanswered(before=later, limit=9)} == {ReservationResult.UNKNOWN}


# Rounds


def test_a_round_comes_back_with_steps_revisions_and_seal(store: Store) -> None:
    signing = make_round(seal=True)
    with store.uow() as tx:
        tx.signings.insert(signing)
        tx.signings.insert(make_round(2))
        assert tx.signings.by_id(signing.round_id) == signing
        assert [one.round_id for one in tx.signings.of_creator("approval-platform", limit=9)] == [
            "sig_000002",
            "sig_000001",
        ]
        step = signing.steps[1]
        (found,) = tx.signings.of_person(step.holder_code_type, step.holder_code, limit=9)
        assert found == signing
        assert tx.signings.registered(signing.head.sha256) == (signing.round_id, signing.head)
        assert tx.signings.registered("ff" * 32) is None
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.signings.insert(signing)


def claim(store: Store, holder: str = "t", at: Any = NOW) -> bool:
    with store.uow() as tx:
        return tx.signings.claim("sig_000001", token=holder, now=at, lease_s=LEASE)


def sign(store: Store, index: int, holder: str = "t", number: int = 1) -> bool:
    signing = make_round()
    step = signing.steps[index]
    with store.uow() as tx:
        return tx.signings.sign(
            "sig_000001",
            token=holder,
            revision=make_revision(number, step.step_id),
            signer_id="sgn_000001",
            signature_sha256="ee" * 32,
        )


def test_a_document_is_claimed_by_one_at_a_time_and_by_another_when_the_lease_ran_out(store: Store) -> None:
    with store.uow() as tx:
        tx.signings.insert(make_round())
    assert together(lambda n: claim(store, f"t{n}"), 50)[True] == 1
    assert not claim(store, "u", NOW + timedelta(seconds=LEASE))
    assert claim(store, "u", NOW + timedelta(seconds=LEASE + 1))
    with store.uow() as tx:
        tx.signings.release("sig_000001", token="t0")
    assert not claim(store, "v", NOW + timedelta(seconds=LEASE + 1))
    with store.uow() as tx:
        tx.signings.release("sig_000001", token="u")
    assert claim(store, "v")


def test_a_signature_is_recorded_under_its_claim_over_the_document_before_it(store: Store) -> None:
    with store.uow() as tx:
        tx.signings.insert(make_round())
    assert not sign(store, 0), "without a claim"
    assert claim(store)
    assert not sign(store, 0, holder="other")
    assert not sign(store, 0, number=2), "over a document that is not there"
    assert sign(store, 0)
    assert not sign(store, 1, number=2), "the claim ended with the signature"
    for number, index in ((2, 1), (3, 2)):
        assert claim(store)
        assert sign(store, index, number=number)
    with store.uow.read() as tx:
        done = tx.signings.by_id("sig_000001")
    assert done is not None
    assert done.state is RoundState.COMPLETE
    assert {step.state for step in done.steps} == {StepState.SIGNED}
    assert [revision.number for revision in done.revisions] == [0, 1, 2, 3]
    assert not claim(store)


def test_of_fifty_signatures_at_once_one_is_recorded(store: Store) -> None:
    with store.uow() as tx:
        tx.signings.insert(make_round())

    def both(n: int) -> bool:
        return claim(store, f"t{n}") and sign(store, 0, holder=f"t{n}")

    found = together(both, 50)
    assert found[True] >= 1
    with store.uow.read() as tx:
        done = tx.signings.by_id("sig_000001")
    assert done is not None
    assert [revision.number for revision in done.revisions] == [0, 1]
    assert found[True] == 1


def test_with_a_seal_the_round_is_complete_only_when_it_is_on(store: Store) -> None:
    with store.uow() as tx:
        tx.signings.insert(make_round(seal=True))
    seal = make_revision(4, "")
    for number, index in ((1, 0), (2, 1), (3, 2)):
        assert claim(store)
        with store.uow() as tx:
            assert not tx.signings.seal("sig_000001", token="t", revision=replace(seal, number=number))
        assert sign(store, index, number=number)
    with store.uow() as tx:
        assert list(tx.round_seals.awaiting(NOW, limit=9)) == ["sig_000001"]
        assert list(tx.signings.overdue(NOW + timedelta(days=30), limit=9)) == []
        assert not tx.signings.expire("sig_000001", now=NOW + timedelta(days=30))
        tx.round_seals.put_off("sig_000001", "印章停用", due=NOW)
    assert claim(store, at=NOW + timedelta(days=30))
    with store.uow() as tx:
        assert tx.signings.seal("sig_000001", token="t", revision=seal)
        done = tx.signings.by_id("sig_000001")
        assert done is not None
        assert done.seal is not None
        assert (done.state, done.seal.trouble, done.seal.sealed_at) == (RoundState.COMPLETE, "", NOW)
        assert list(tx.round_seals.awaiting(NOW, limit=9)) == []


@pytest.mark.parametrize("move", ["decline", "expire", "cancel"])
def test_every_other_end_closes_the_steps_that_wait_and_is_final(store: Store, move: str) -> None:
    signing = make_round()
    with store.uow() as tx:
        tx.signings.insert(signing)
    assert claim(store)
    assert sign(store, 0)
    assert claim(store)
    late = signing.deadline
    with store.uow() as tx:
        ends: dict[str, Callable[[], bool]] = {
            "decline": lambda: tx.signings.decline("sig_000001", signing.steps[1].step_id, remark="不同意", now=NOW),
            "expire": lambda: tx.signings.expire("sig_000001", now=late),
            "cancel": lambda: tx.signings.cancel("sig_000001", now=NOW),
        }
        if move == "expire":
            assert not tx.signings.expire("sig_000001", now=late - timedelta(seconds=1))
            assert list(tx.signings.overdue(late, limit=9)) == ["sig_000001"]
        assert ends[move]()
        assert not any(end() for end in ends.values())
        ended = tx.signings.by_id("sig_000001")
    assert ended is not None
    rest = {"decline": StepState.CLOSED, "expire": StepState.EXPIRED, "cancel": StepState.CLOSED}[move]
    second = StepState.DECLINED if move == "decline" else rest
    assert [step.state for step in ended.steps] == [StepState.SIGNED, second, rest]
    assert ended.steps[1].remark == ("不同意" if move == "decline" else "")
    assert not sign(store, 1, number=2), "a signature under way finds the round ended"
    assert not claim(store, "x")


def test_a_refusal_after_the_deadline_is_too_late_and_so_is_a_claim(store: Store) -> None:
    signing = make_round()
    with store.uow() as tx:
        tx.signings.insert(signing)
        assert not tx.signings.decline("sig_000001", signing.steps[0].step_id, remark="x", now=signing.deadline)
    assert not claim(store, at=signing.deadline)


# Codes


def check(store: Store, text_: str, **changes: Any) -> str:
    values = {"document_sha256": "ab" * 32, "signer_id": "sgn_000001", "now": NOW + timedelta(seconds=9), **changes}
    with store.uow() as tx:
        return tx.signing_codes.check("stp_000010", text=text_, **values)


@pytest.fixture
def coded(store: Store) -> Store:
    with store.uow() as tx:
        tx.signings.insert(make_round())
        tx.signing_codes.insert(make_code(1), "111111")
        tx.signing_codes.insert(make_code(2), "222222")
    return store


def test_only_the_newest_code_is_right_for_its_document_its_signer_and_its_time(coded: Store) -> None:
    assert check(coded, "111111") == ""
    assert check(coded, "222222", document_sha256="cd" * 32) == ""
    assert check(coded, "222222", signer_id="sgn_000002") == ""
    assert check(coded, "222222", now=NOW + timedelta(minutes=5)) == ""
    assert check(coded, "222222") == "otc_000002"
    with coded.uow() as tx:
        assert tx.signing_codes.use("otc_000002", now=NOW)
        assert not tx.signing_codes.use("otc_000002", now=NOW)
        assert tx.signing_codes.made_since("stp_000010", NOW) == 2
        assert tx.signing_codes.made_since("stp_000010", NOW + timedelta(seconds=2)) == 1
    assert check(coded, "222222") == ""


def test_five_looks_kill_a_code_also_when_many_come_at_once(coded: Store) -> None:
    together(lambda n: check(coded, f"{n:06d}"), 200)
    assert check(coded, "222222") == ""
    with coded._engines[-1].connect() as connection:
        tries = connection.execute(text("SELECT tries FROM signing_codes WHERE code_id = 'otc_000002'")).scalar()
    assert tries == MAX_CODE_TRIES


def test_of_fifty_uses_of_a_right_code_one_counts(coded: Store) -> None:
    def use(_n: int) -> bool:
        with coded.uow() as tx:
            return tx.signing_codes.use("otc_000002", now=NOW)

    assert together(use, 50)[True] == 1


def test_the_code_of_an_act_is_right_for_its_matter_and_its_time_and_once(store: Store) -> None:
    with store.uow() as tx:
        tx.signer_codes.insert(make_act_code(1), "111111")
        tx.signer_codes.insert(make_act_code(2), "222222")
        tx.signer_codes.insert(make_act_code(3, matter="pin:sgn_000001"), "333333")

    def look(matter: str, text_: str, at: Any = NOW) -> str:
        with store.uow() as tx:
            return tx.signer_codes.check(matter, text=text_, now=at)

    assert look("apply:person-1", "111111") == ""
    assert look("apply:person-1", "333333") == ""
    assert look("apply:person-2", "222222") == ""
    assert look("apply:person-1", "222222", NOW + timedelta(minutes=5)) == ""
    assert look("apply:person-1", "222222") == "otc_a00002"
    with store.uow() as tx:
        assert tx.signer_codes.use("otc_a00002", now=NOW)
        assert not tx.signer_codes.use("otc_a00002", now=NOW)
    assert look("apply:person-1", "222222") == ""
    assert look("pin:sgn_000001", "333333") == "otc_a00003"


@pytest.mark.parametrize("kind", ["signing_codes", "signer_codes"])
def test_of_fifty_who_take_a_turn_at_once_one_gets_it_and_one_more_after_the_pause(store: Store, kind: str) -> None:
    def take(seconds: int) -> bool:
        at = NOW + timedelta(seconds=seconds)
        with store.uow() as tx:
            return bool(getattr(tx, kind).take_turn("a matter", now=at, after=at - timedelta(seconds=30)))

    assert together(lambda _: take(0), 50) == {True: 1, False: 49}
    assert not take(30)
    assert together(lambda _: take(31), 50) == {True: 1, False: 49}
    with store.uow() as tx:
        assert getattr(tx, kind).take_turn("another", now=NOW, after=NOW)


def test_a_turn_is_given_back_when_its_transaction_fails(store: Store) -> None:
    def refused() -> None:
        with store.uow() as tx:
            assert tx.signer_codes.take_turn("a matter", now=NOW, after=NOW)
            raise RateLimited("验证码获取次数过多")

    with pytest.raises(RateLimited):
        refused()
    with store.uow() as tx:
        assert tx.signer_codes.take_turn("a matter", now=NOW, after=NOW)


def all_signed(store: Store, n: int, **changes: Any) -> str:
    """A round that lacks its seal alone."""
    signing = make_round(n, (1,), seal=True, **changes)
    with store.uow() as tx:
        tx.signings.insert(signing)
        assert tx.signings.claim(signing.round_id, token="t", now=NOW, lease_s=LEASE)
        revision = make_revision(1, signing.steps[0].step_id)
        assert tx.signings.sign(
            signing.round_id, token="t", revision=revision, signer_id="sgn_000001", signature_sha256="ee" * 32
        )
    return signing.round_id


def test_seals_are_tried_in_turn_the_longest_untried_first_and_not_before_they_are_due(store: Store) -> None:
    one, two, three = (all_signed(store, n, created_at=NOW + timedelta(seconds=n)) for n in (1, 2, 3))
    later = NOW + timedelta(minutes=1)

    def waiting(at: Any, limit: int = 9) -> list[str]:
        with store.uow.read() as tx:
            return list(tx.round_seals.awaiting(at, limit=limit))

    assert waiting(NOW) == [one, two, three]
    with store.uow() as tx:
        assert tx.round_seals.tried(one, now=later) == 1
        assert tx.round_seals.tried(one, now=later) == 2
        assert tx.round_seals.tried(two, now=later - timedelta(seconds=1)) == 1
    assert waiting(later) == [three, two, one], "tries that never came back are behind the others"
    assert waiting(later, limit=1) == [three]
    with store.uow() as tx:
        tx.round_seals.put_off(two, "印章停用", due=later + timedelta(seconds=1))
    assert waiting(later) == [three, one]
    assert waiting(later + timedelta(seconds=1)) == [three, two, one]


def test_a_seal_that_is_refused_for_good_ends_the_round_under_its_claim_only(store: Store) -> None:
    round_id = all_signed(store, 1)
    with store.uow() as tx:
        assert not tx.round_seals.refuse(round_id, token="t", trouble="印章已注销", now=NOW)
        assert tx.signings.claim(round_id, token="t", now=NOW, lease_s=LEASE)
        assert not tx.round_seals.refuse(round_id, token="other", trouble="印章已注销", now=NOW)
        assert tx.round_seals.refuse(round_id, token="t", trouble="印章已注销", now=NOW)
        assert not tx.round_seals.refuse(round_id, token="t", trouble="再说", now=NOW)
        assert not tx.signings.cancel(round_id, now=NOW)
        ended = tx.signings.by_id(round_id)
        assert list(tx.round_seals.awaiting(NOW, limit=9)) == []
    assert ended is not None
    assert ended.seal is not None
    assert (ended.state, ended.ended_at, ended.seal.trouble) == (RoundState.UNSEALED, NOW, "印章已注销")
    assert [step.state for step in ended.steps] == [StepState.SIGNED]


def test_a_round_that_people_still_sign_is_refused_no_seal(store: Store) -> None:
    with store.uow() as tx:
        tx.signings.insert(make_round(seal=True))
        assert tx.signings.claim("sig_000001", token="t", now=NOW, lease_s=LEASE)
        assert not tx.round_seals.refuse("sig_000001", token="t", trouble="印章已注销", now=NOW)
