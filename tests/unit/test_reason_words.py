"""Every reason has words, and the families that must never be mixed up are apart."""

from __future__ import annotations

import pytest

from certsvc.seal.families import NEXT_STEP, Family
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Reason

APART = (
    (Family.ENDED, {Reason.LICENSE_RESCINDED, Reason.LICENSE_WITHDRAWN, Reason.LICENSE_REVOKED}),
    (Family.EXPIRED, {Reason.LICENSE_EXPIRED}),
    (Family.CHANGED, {Reason.CHANGED_AFTER_SEALING, Reason.DIGEST_MISMATCH, Reason.NOT_OUR_BYTES}),
    (Family.FOREIGN, {Reason.NOT_OURS, Reason.UNTRUSTED_CHAIN, Reason.NOT_RECOGNISED}),
    (Family.LATER, {Reason.CANNOT_CHECK_NOW, Reason.TIMED_OUT, Reason.REVOCATION_UNKNOWN}),
)


def test_every_reason_has_words_and_every_family_a_next_step() -> None:
    assert set(WORDS) == set(Reason)
    assert set(NEXT_STEP) == set(Family)
    for words in WORDS.values():
        assert all((words.zh, words.en, words.short_zh, words.short_en, words.next_zh, words.next_en))


@pytest.mark.parametrize(("family", "reasons"), APART)
def test_what_must_not_be_mixed_up_is_a_family_of_its_own(family: Family, reasons: set[Reason]) -> None:
    assert {WORDS[reason].family for reason in reasons} == {family}
    assert NEXT_STEP[family] not in [step for other, step in NEXT_STEP.items() if other is not family]


def test_each_way_to_end_has_a_short_word_of_its_own() -> None:
    ended = [one for one, words in WORDS.items() if words.family is Family.ENDED and one.name.startswith("LICENSE_")]
    assert len({WORDS[one].short_zh for one in ended}) == len(ended) == 5


def test_only_what_holds_may_tell_the_reader_to_rely_on_it() -> None:
    assert {reason for reason in Reason if WORDS[reason].family is Family.OK} == {
        Reason.OK,
        Reason.OK_SIGNED_DOCUMENT,
        Reason.OK_RECOGNISED,
        Reason.LICENSE_RENEWAL_PENDING,
    }
