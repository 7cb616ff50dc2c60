"""Every reason has words, and the families that must never be mixed up are apart."""

from __future__ import annotations

from pathlib import Path

import pytest

import certsvc.web
from certsvc.cli.verify_words import NOT_CHECKED_ZH
from certsvc.commands.verifying.conclusion import FILE_CHECKS, LICENSE_STATE, REGISTER
from certsvc.commands.verifying.seal_objects import SEAL_STATE
from certsvc.seal.differences import COMPARED_WORDS, Compared
from certsvc.seal.families import NEXT_STEP, Family
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import SEAL_MAKER, SEAL_TIMESTAMP, Reason
from certsvc.signing.inspector import NOT_CHECKED_EXTRA_BYTE_RANGE, NOT_CHECKED_PERIOD, NOT_CHECKED_REVOCATION

WORDS_OF_PAGE = Path(certsvc.web.__file__).parent / "pages" / "static" / "js" / "words_check.js"

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


def test_what_was_not_checked_has_words_on_the_page_and_on_the_command_line() -> None:
    names = {
        NOT_CHECKED_REVOCATION,
        NOT_CHECKED_PERIOD,
        NOT_CHECKED_EXTRA_BYTE_RANGE,
        SEAL_MAKER,
        SEAL_TIMESTAMP,
        SEAL_STATE,
        REGISTER,
        LICENSE_STATE,
        *FILE_CHECKS,
    }
    assert names <= set(NOT_CHECKED_ZH)
    page = WORDS_OF_PAGE.read_text(encoding="utf-8")
    assert {one for one in names if f'"what.{one}": ["' not in page} == set()


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
        Reason.OK_OFFLINE,
        Reason.LICENSE_RENEWAL_PENDING,
        Reason.OK_COPY,
    }


def test_the_next_step_is_that_of_the_reason_where_refreshing_does_not_help() -> None:
    refreshed = {one for one, words in WORDS.items() if words.next_zh == NEXT_STEP[Family.CODE][0]}
    assert refreshed == {Reason.CODE_EXPIRED, Reason.CODE_USED, Reason.CODE_REPEATED}


def test_who_may_object_is_told_where() -> None:
    advised = {words.next_zh for words in WORDS.values() if "异议申诉" in words.next_zh + words.zh}
    assert advised
    assert all("/holder" in step for step in advised)


def test_what_is_said_of_a_changed_file_does_not_contradict_itself() -> None:
    """Its content was changed: so nobody may say beside it that its seal is good, or that there is none."""
    page = WORDS_OF_PAGE.read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if '"is.registry_match.other_bytes"' in line]
    assert "印章属实" not in row
    assert "没有完好" not in COMPARED_WORDS[Compared.NO_SEAL][0]
    assert "盖章以后内容被改动" in WORDS[Reason.DIGEST_MISMATCH].zh
