"""What a reader that repairs tables would find behind a seal, and the reader of this room would not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from signing_pages import NOW, catalog_object, one_page
from signing_strangers import Stranger, make_stranger, sealed_by, with_revision

from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import FileFindings, Indication, Reason
from certsvc.signing import unlisted
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.trust import TrustAnchors

INK = b"0 0 500 800 re f"
PAGE = b"%b\n<< /Length %d >>\nstream\n%b\nendstream\nendobj\n"
GENUINE = b"abc"


@pytest.fixture(scope="module")
def stranger() -> Stranger:
    return make_stranger()


@pytest.fixture(scope="module")
def sealed(stranger: Stranger, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sealed_by(stranger, one_page(4000), tmp_path_factory.mktemp("sealed"))


def with_store(sealed: bytes, held: bytes) -> bytes:
    """A sealed page and a store whose one certificate is ``held``."""
    return with_revision(
        sealed,
        {
            1: catalog_object(6, docmdp=1)[:-2] + b"/DSS 20 0 R >>",
            20: b"<< /Type /DSS /Certs [ 21 0 R ] >>",
            21: b"<< /Length %d >>\nstream\n%b\nendstream" % (len(held), held),
        },
    )


def judged(data: bytes, stranger: Stranger) -> FileFindings:
    choice = TrustChoice(extra_anchors=(stranger.root_pem,), at=NOW)
    return PdfInspector(TrustAnchors(())).inspect(data, choice, NOW)


@pytest.mark.parametrize(
    "header",
    [
        b"\n4 0 obj",
        b"\n 4  0\tobj",
        b"4\r0 obj",
        b"x4 0obj",
        b"4 0%c\nobj",
        b"4 %c\r0 % c\nobj",
        b"4 0" + b" " * 999 + b"obj",
    ],
)
def test_no_object_stands_behind_a_seal_that_no_table_places(header: bytes, sealed: bytes, stranger: Stranger) -> None:
    """A reader that repairs the table takes it for the content of the page."""
    findings = judged(with_store(sealed, PAGE % (header, len(INK), INK)), stranger)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_FAILED, Reason.NOT_FULLY_COVERED)


@pytest.mark.parametrize("text", [GENUINE, b"endobj", b"4 objects", b"1 0 R objects", b"4 0 oBj"])
def test_words_of_a_certificate_that_are_no_object_may_stand_there(
    text: bytes, sealed: bytes, stranger: Stranger
) -> None:
    assert judged(with_store(sealed, text), stranger).reason is Reason.OK


def respelled(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """The last table, with something in it spelled otherwise."""

    def change(data: bytes) -> bytes:
        at = data.rindex(b"\nxref\n1 1\n")
        assert old in data[at:]
        return data[:at] + data[at:].replace(old, new, 1)

    return change


def with_pointer(spelling: bytes) -> Callable[[bytes], bytes]:
    """The last ``startxref``, its number ``spelling`` of the first and the other digits."""

    def change(data: bytes) -> bytes:
        at = data.rindex(b"startxref\n") + len(b"startxref\n")
        digits = data[at:].split()[0]
        return data[:at] + spelling % (digits[:1], digits[1:]) + b"\n%%EOF\n"

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_pointer(b"%b_%b"), id="underscore"),
        pytest.param(with_pointer(b"+%b%b"), id="sign"),
        pytest.param(respelled(b"20 1\n", b"99999999 0\n20 1\n"), id="a part beyond every number"),
        pytest.param(respelled(b"20 1\n", b"2147483640 0\n20 1\n"), id="a part beyond 31 bits"),
        pytest.param(respelled(b"20 1\n", b"4294967300 0\n20 1\n"), id="a part beyond 32 bits"),
        pytest.param(respelled(b" 00000 n \n", b" 00000 n X"), id="an entry that runs on"),
        pytest.param(respelled(b"1 1\n", b"+1 1\n"), id="a part with a sign"),
        pytest.param(respelled(b"1 1\n", b"%c\n1 1\n"), id="a comment"),
    ],
)
def test_a_table_that_other_readers_repair_may_not_follow(
    change: Callable[[bytes], bytes], sealed: bytes, stranger: Stranger
) -> None:
    """What they find then may stand in the sealed part, where nobody looked for it."""
    genuine = with_store(sealed, GENUINE)
    findings = judged(change(genuine), stranger)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_FAILED, Reason.NOT_FULLY_COVERED)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_pointer(b"00%b%b"), id="zeros"),
        pytest.param(respelled(b" 00000 n \n", b" 00000 n\r\n"), id="another line end"),
        pytest.param(respelled(b" 00000 n \n", b" 00000 n\n"), id="a short line end"),
        pytest.param(respelled(b"1 1\n", b"0 0\n1 1\n"), id="an empty part"),
        pytest.param(respelled(b"1 1\n", b"1 1 \r\n"), id="a space"),
    ],
)
def test_spellings_that_every_reader_takes_may_follow(
    change: Callable[[bytes], bytes], sealed: bytes, stranger: Stranger
) -> None:
    assert judged(change(with_store(sealed, GENUINE)), stranger).reason is Reason.OK


def test_more_words_than_are_looked_at_are_refused(
    sealed: bytes, stranger: Stranger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(unlisted, "MAX_WORDS", 50)
    assert judged(with_store(sealed, b" obj" * 40), stranger).reason is Reason.OK
    assert judged(with_store(sealed, b" obj" * 60), stranger).reason is Reason.NOT_FULLY_COVERED
