"""The first words of a verdict: nobody who reads only those takes less than "may be relied on" for that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from certsvc.cli.verify_words import LOOKS, what_it_is
from certsvc.clock import beijing_time
from certsvc.seal.families import NEXT_STEP, Family
from certsvc.seal.headlines import MARK_ZH, Mark, headline_of, next_step, only_added_to
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch, SignatureReport, Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSED, FAILED, OPEN = Indication.TOTAL_PASSED, Indication.TOTAL_FAILED, Indication.INDETERMINATE
EXACT, NONE, UNASKED = RegistryMatch.EXACT, RegistryMatch.NONE, RegistryMatch.NOT_CHECKED


def verdict(
    indication: Indication = PASSED, reason: Reason = Reason.OK, match: RegistryMatch = EXACT, **changes: Any
) -> Verdict:
    values: dict[str, Any] = {
        "sub_indication": None,
        "detail": "",
        "integrity": Check.GOOD,
        "coverage": Check.GOOD,
        "modification": Check.GOOD,
        "trust": Check.GOOD,
        "status": Check.GOOD,
        "checked_at": NOW,
        **changes,
    }
    return Verdict(indication=indication, reason=reason, registry_match=match, **values)


def signature(intact: Check = Check.GOOD, valid: Check = Check.GOOD) -> SignatureReport:
    return SignatureReport(
        field_name="Seal1",
        format="pades",
        kind="seal",
        intact=intact,
        valid=valid,
        trust=Check.GOOD,
        coverage="entire_revision",
        modification="other",
        signer="示例",
        signer_cert_sha256="",
        digest_algorithm="sha256",
        claimed_time=None,
        reason=Reason.OK,
    )


@pytest.mark.parametrize(
    ("name", "given", "mark", "zh"),
    [
        ("good on the register", verdict(), Mark.PASSED, "通过"),
        (
            "no register here",
            verdict(reason=Reason.OK_REGISTER_NOT_ASKED, match=UNASKED),
            Mark.SEAL_ONLY,
            "印章有效（未与登记比对）",
        ),
        (
            "under the caller's anchors",
            verdict(match=NONE),
            Mark.SEAL_ONLY,
            "印章有效（登记中没有）",
        ),
        ("recognised", verdict(reason=Reason.OK_RECOGNISED, match=NONE), Mark.PASSED, "通过"),
        ("good then", verdict(as_of=NOW), Mark.PASSED, "当时通过"),
        (
            "good then, revoked now",
            verdict(as_of=NOW, later=Reason.LICENSE_REVOKED),
            Mark.SINCE_CHANGED,
            "当时通过，现在已吊销",
        ),
        (
            "good then, a check overdue now",
            verdict(as_of=NOW, later=Reason.LICENSE_CHECK_OVERDUE),
            Mark.PASSED,
            "当时通过，现在定期检查逾期",
        ),
        (
            "suspended then, good now",
            verdict(FAILED, Reason.LICENSE_SUSPENDED, as_of=NOW, later=Reason.OK),
            Mark.FAILED,
            "当时不通过，现在正常",
        ),
        ("changed", verdict(FAILED, Reason.DIGEST_MISMATCH, NONE), Mark.FAILED, "不通过"),
        ("no answer", verdict(OPEN, Reason.CANNOT_CHECK_NOW, NONE), Mark.OPEN, "无法判定"),
        ("no PDF", verdict(FAILED, Reason.NOT_A_PDF, NONE), Mark.UNREADABLE, "不是 PDF 文件，无法核验"),
        ("damaged", verdict(OPEN, Reason.MALFORMED, NONE), Mark.UNREADABLE, "文件已损坏，无法核验"),
    ],
)
def test_the_first_words(name: str, given: Verdict, mark: Mark, zh: str) -> None:
    assert (headline_of(given).mark, headline_of(given).zh) == (mark, zh), name


def test_every_mark_has_words_and_only_what_passed_is_green() -> None:
    assert set(MARK_ZH) == set(LOOKS) == set(Mark)
    assert [mark for mark, (colour, _) in LOOKS.items() if colour == "green"] == [Mark.PASSED]
    concluding = set(Mark) - {Mark.OPEN, Mark.UNREADABLE}
    assert len({LOOKS[mark][1] for mark in concluding}) == len(concluding)


def test_the_next_step_follows_what_has_changed_since() -> None:
    revoked = next_step(verdict(as_of=NOW, later=Reason.LICENSE_REVOKED))
    assert revoked[0] == "当时可以采信；证照现在已吊销，现在的事项请勿采信。"
    assert "Do not rely on it" in revoked[1]
    assert "再核验一次" in next_step(verdict(FAILED, Reason.LICENSE_SUSPENDED, as_of=NOW, later=Reason.OK))[0]
    assert next_step(verdict()) == NEXT_STEP[Family.OK]
    assert next_step(verdict(match=NONE)) == NEXT_STEP[Family.SEAL_ONLY]
    unregistered = next_step(verdict(FAILED, Reason.LICENSE_NOT_REGISTERED_THEN, NONE, as_of=NOW))
    assert "登记以后的时刻" in unregistered[0]


def test_bytes_behind_the_seal_are_told_from_bytes_changed_under_it() -> None:
    added = {"integrity": Check.BAD, "coverage": Check.BAD}
    assert only_added_to(verdict(FAILED, Reason.NOT_FULLY_COVERED, NONE, signatures=(signature(),), **added))
    broken = (signature(), signature(intact=Check.BAD))
    assert not only_added_to(verdict(FAILED, Reason.DIGEST_MISMATCH, NONE, signatures=broken, **added))
    forged = (signature(valid=Check.BAD),)
    assert not only_added_to(verdict(FAILED, Reason.BAD_SIGNATURE, NONE, signatures=forged, **added))
    assert not only_added_to(verdict(FAILED, Reason.NO_SIGNATURE, NONE, **added))
    assert not only_added_to(verdict(signatures=(signature(),)))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pdf", b"", "文件是空的"),
        ("a.png", b"\x89PNG\r\n", "二维码"),
        ("photo.pdf", b"\xff\xd8\xff\xe0", "二维码"),
        ("seal.ESL", b"garbage", "印章数据"),
        ("a.pdf", b"garbage", None),
    ],
)
def test_what_is_no_pdf_is_called_by_what_it_seems_to_be(name: str, data: bytes, said: str | None) -> None:
    hint = what_it_is(name, data)
    assert (hint is None) if said is None else (hint is not None and said in hint.short_zh + hint.zh)


def test_moments_are_told_in_beijing_time() -> None:
    assert beijing_time(datetime(2026, 1, 1, 16, 0, 5, 999, tzinfo=UTC)) == "2026年1月2日 00:00:05"
