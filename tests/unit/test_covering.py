"""A later signature that shows on the page that was sealed: allowed by its policy, and told."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from signing_pages import NOW, catalog_object, one_page, page_object, prepare, signature_object
from signing_strangers import Stranger, make_stranger, sealed_by, with_revision

from certsvc.api.verdict_models import VerdictOut
from certsvc.cli.verify_report import Judged
from certsvc.cli.verify_words import print_verdicts
from certsvc.commands.ports import TrustChoice
from certsvc.commands.verifying.conclusion import conclude_without_register
from certsvc.seal.reason_words import REMARKS
from certsvc.seal.verdict import FileFindings, Indication, Reason, Remark
from certsvc.signing.covering import MAX_NODES, shows_on_the_sealed_page
from certsvc.signing.dangling import NullReader
from certsvc.signing.findings_json import dump_findings, load_findings
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.trust import TrustAnchors

RESERVED = 4000
INK = b"1 0 0 rg 0 0 500 200 re f"
FACE = b"<< /Type /XObject /Subtype /Form /BBox [ 0 0 500 200 ] /Length %d >>\nstream\n%b\nendstream" % (len(INK), INK)
OVER_THE_TEXT = b"/F 132 /Rect [ 50 600 550 800 ] /AP << /N 12 0 R >>"
FORESEEN = b"/Rect [ 0 0 9 9 ]"


@pytest.fixture(scope="module")
def stranger() -> Stranger:
    return make_stranger()


def judged(data: bytes, stranger: Stranger) -> FileFindings:
    choice = TrustChoice(extra_anchors=(stranger.root_pem,), at=NOW)
    return PdfInspector(TrustAnchors(())).inspect(data, choice, NOW)


def sealed_once(stranger: Stranger, directory: Path, *, later_field: str = "") -> bytes:
    """An approval over the page; ``later_field`` is a place of 9 by 9 points that it keeps free (object 8)."""
    page = one_page(RESERVED, docmdp=0, later_field=later_field)
    if not later_field:
        return sealed_by(stranger, page, directory)
    empty = b"/Rect [ 0 0 0 0 ]"
    at = page.data.rindex(empty)
    data = page.data[:at] + FORESEEN + page.data[at + len(empty) :]
    assert len(data) == len(page.data)
    return sealed_by(stranger, replace(page, data=data), directory)


def sealed_again(stranger: Stranger, directory: Path, look: bytes) -> bytes:
    """A second approval whose field is new and looks so."""
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /V 10 0 R /P 3 0 R " + look + b" >>"
    objects = {1: catalog_object(6, 9, docmdp=0), 3: page_object(6, 9), 9: field, 12: FACE}
    objects[10] = signature_object(RESERVED)
    first = sealed_once(stranger, directory)
    return sealed_by(stranger, prepare(with_revision(first, objects)), directory)


@pytest.mark.parametrize(
    ("look", "told"),
    [
        pytest.param(OVER_THE_TEXT, True, id="over the text"),
        pytest.param(OVER_THE_TEXT.replace(b"/F 132", b"/F 134"), False, id="hidden"),
        pytest.param(b"/F 132 /Rect [ 0 0 0 0 ]", False, id="without room"),
        pytest.param(b"/F 132 /Rect [ 50 600 50 800 ]", False, id="without width"),
    ],
)
def test_a_later_approval_that_shows_passes_and_is_told(
    look: bytes, told: bool, stranger: Stranger, tmp_path: Path
) -> None:
    findings = judged(sealed_again(stranger, tmp_path, look), stranger)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK), findings
    assert len(findings.signatures) == 2
    assert findings.remarks == ((Remark.LATER_SIGNATURE_SHOWS,) if told else ())
    assert load_findings(dump_findings(findings)) == findings


def test_a_place_that_the_seal_kept_free_was_agreed_to(stranger: Stranger, tmp_path: Path) -> None:
    first = sealed_once(stranger, tmp_path, later_field="Two")
    assert judged(first, stranger).remarks == ()
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /V 10 0 R /P 3 0 R /F 132 %b /AP << /N 12 0 R >> >>"
    objects = {8: field % FORESEEN, 10: signature_object(RESERVED), 12: FACE}
    findings = judged(sealed_by(stranger, prepare(with_revision(first, objects)), tmp_path), stranger)
    assert (findings.indication, findings.remarks) == (Indication.TOTAL_PASSED, ())


@pytest.mark.parametrize(
    ("look", "told"), [(b"[ 0 0 9 9 9 ]", True), (b"[ (0) (0) (9) (9) ]", True), (b"7", True), (b"[ 0 0 0 0 ]", False)]
)
def test_a_rectangle_that_cannot_be_told_counts_as_seen(
    look: bytes, told: bool, stranger: Stranger, tmp_path: Path
) -> None:
    first = sealed_once(stranger, tmp_path)
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /P 3 0 R /Rect %b >>" % look
    data = with_revision(first, {1: catalog_object(6, 9, docmdp=0), 3: page_object(6, 9), 9: field})
    assert shows_on_the_sealed_page(NullReader(io.BytesIO(data)), 0) is told


def test_a_page_tree_without_end_is_told_and_not_walked(stranger: Stranger, tmp_path: Path) -> None:
    first = sealed_once(stranger, tmp_path)
    kids = b"3 0 R " * (MAX_NODES + 1)
    data = with_revision(first, {2: b"<< /Type /Pages /Kids [ %b] /Count 1 >>" % kids})
    assert shows_on_the_sealed_page(NullReader(io.BytesIO(data)), 0)


def test_the_remark_has_words_wherever_a_verdict_is_read(stranger: Stranger, tmp_path: Path) -> None:
    assert set(REMARKS) == set(Remark)
    verdict = conclude_without_register(judged(sealed_again(stranger, tmp_path, OVER_THE_TEXT), stranger), NOW)
    zh, en = REMARKS[Remark.LATER_SIGNATURE_SHOWS]
    (remark,) = VerdictOut.of(verdict).remarks
    assert (remark.code, remark.text, remark.text_en) == ("later_signature_shows", zh, en)
    out = io.StringIO()
    print_verdicts(Console(file=out, width=200), [Judged(name="a.pdf", sha256="", verdict=verdict)])
    assert zh in out.getvalue()
