"""An update with marks on a file of others: bytes kept, drawn in place, accepted by qpdf, pdfsig, pyHanko and by us."""

from __future__ import annotations

import hashlib
import io
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image, ImageDraw
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signing_pages import EC_SEAL, NOW, RSA_SEAL, SM2_SEAL, Workshop, one_page, open_workshop
from upload_documents import A4, changed, letter, picture, red_box, with_page

from certsvc.commands.ports import TrustChoice
from certsvc.errors import InvalidInput, SigningError, TooLarge
from certsvc.rendering.fonts import FontBook
from certsvc.rendering.mark_drawings import png_drawing, stamp_drawing, turned
from certsvc.rendering.next_update import prepare_next
from certsvc.seal.marks import Drawing, NextField, NextSignature, VisibleMark
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.inspector import PdfInspector

FORM = "pades-b-b"
SIDE = 45 * 72 / 25.4
PLACE = (400.0, 100.0, 400 + SIDE, 100 + SIDE)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def stamp(workshop: Workshop, repo_root: Path) -> Drawing:
    book = FontBook([repo_root / ".fonts", *(path for path in (repo_root / ".fonts").iterdir() if path.is_dir())])
    return stamp_drawing(workshop.seals[RSA_SEAL].stamp, book.family("song-bold"))


def wanted(workshop: Workshop, seal_id: str = RSA_SEAL, form: str = FORM, **more: Any) -> NextSignature:
    seal = workshop.seals[seal_id]
    return NextSignature(
        filter=workshop.sealer.filter(form),
        sub_filter=workshop.sealer.sub_filter(form),
        signed_at=NOW,
        signer=seal.name,
        reserved_bytes=workshop.sealer.reserved_bytes(seal, form),
        **more,
    )


def seal(workshop: Workshop, data: bytes, field: NextField, seal_id: str = RSA_SEAL, **more: Any) -> bytes:
    form = "sm2-cms" if seal_id == SM2_SEAL else FORM
    prepared = prepare_next(data, field, wanted(workshop, seal_id, form, **more))
    assert prepared.data.startswith(data)
    return workshop.sealer.seal(prepared, workshop.seals[seal_id], form, signed_at=NOW)


def passes(workshop: Workshop, sealed: bytes, tmp_path: Path, signatures: int = 1, empty_fields: int = 0) -> None:
    """Ours, qpdf, pdfsig, and pyHanko under its default difference policy all accept the file."""
    findings = PdfInspector(workshop.anchors).inspect(sealed, TrustChoice(), NOW)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK), findings
    assert len(findings.signatures) == signatures
    path = tmp_path / f"{hashlib.sha256(sealed).hexdigest()[:12]}.pdf"
    path.write_bytes(sealed)
    checked = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    said = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=False).stdout
    assert said.count("Signature #") - said.count("field is not signed") == signatures, said
    assert said.count("field is not signed") == empty_fields, said
    reader = PdfFileReader(io.BytesIO(sealed))
    roots = [asn1_x509.Certificate.load(der) for der in workshop.anchors.certificates]
    for embedded in reader.embedded_signatures:
        if (
            embedded.signer_cert.public_key.algorithm == "ec"
            and embedded.signer_cert.public_key.curve[1] != "secp256r1"
        ):
            continue
        context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=NOW)
        status = validate_pdf_signature(embedded, context)
        assert status.bottom_line, str(status)
        assert "Signature is Valid" in said


VARIANTS = {
    "classic": lambda: changed(letter(3)),
    "reportlab": lambda: letter(3),
    "object streams": lambda: changed(letter(3), streams=True),
    "a form that is there": lambda: changed(letter(3), lambda d: d.Root.__setitem__("/AcroForm", empty_form(d))),
    "annotations that are there": lambda: changed(letter(3), add_link),
    "one array of annotations for all pages": lambda: changed(letter(3), share_annotations),
}


def empty_form(document: pikepdf.Pdf) -> Any:
    return document.make_indirect(pikepdf.Dictionary(Fields=document.make_indirect(pikepdf.Array())))


def link() -> pikepdf.Dictionary:
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[10, 10, 20, 20],
        Border=[0, 0, 0],
        A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://example.com/"),
    )


def add_link(document: pikepdf.Pdf) -> None:
    document.pages[0].obj["/Annots"] = document.make_indirect(pikepdf.Array([document.make_indirect(link())]))


def share_annotations(document: pikepdf.Pdf) -> None:
    shared = document.make_indirect(pikepdf.Array())
    for page in document.pages:
        page.obj["/Annots"] = shared


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_stamp_stands_where_it_was_put_and_everyone_accepts_it(
    workshop: Workshop, stamp: Drawing, tmp_path: Path, variant: str
) -> None:
    data = VARIANTS[variant]()
    field = NextField(name="印章", create=True, marks=(VisibleMark(page=1, rect=PLACE, drawing=stamp),))
    sealed = seal(workshop, data, field, reason="同意", location="示例市")
    passes(workshop, sealed, tmp_path)
    box = red_box(picture(sealed, 1))
    assert box is not None
    top = A4[1] - PLACE[3]
    assert all(abs(has - want) <= 2 for has, want in zip(box, (PLACE[0], top, PLACE[2], top + SIDE), strict=True)), box
    assert red_box(picture(sealed, 0)) is None
    assert red_box(picture(sealed, 2)) is None


@pytest.mark.parametrize("streams", [False, True])
def test_one_signature_has_many_marks_and_writes_their_drawing_once(
    workshop: Workshop, stamp: Drawing, tmp_path: Path, streams: bool
) -> None:
    data = changed(letter(5), streams=streams)
    marks = tuple(VisibleMark(page=page, rect=PLACE, drawing=stamp) for page in range(5))
    sealed = seal(workshop, data, NextField(name="Seal", create=True, marks=marks))
    passes(workshop, sealed, tmp_path)
    assert all(red_box(picture(sealed, page)) for page in range(5))
    assert sealed[len(data) :].count(b"/S/Transparency") == 1


def test_a_second_seal_with_marks_keeps_the_first_one_valid(workshop: Workshop, stamp: Drawing, tmp_path: Path) -> None:
    data = changed(letter(3), streams=True)
    marks = tuple(VisibleMark(page=page, rect=PLACE, drawing=stamp) for page in range(3))
    first = seal(workshop, data, NextField(name="A", create=True, marks=marks), EC_SEAL)
    moved = tuple(replace(mark, rect=(100, 300, 100 + SIDE, 300 + SIDE)) for mark in marks)
    second = seal(workshop, first, NextField(name="B", create=True, marks=moved, lock=True))
    passes(workshop, second, tmp_path, 2)
    with pytest.raises(SigningError, match="锁定"):
        seal(workshop, second, NextField(name="C", create=True, marks=moved))


def test_a_certification_brings_the_places_of_those_who_sign_later(
    workshop: Workshop, stamp: Drawing, tmp_path: Path
) -> None:
    later = NextField(name="Next", create=True, marks=(VisibleMark(page=1, rect=PLACE),))
    mark = VisibleMark(page=0, rect=PLACE, drawing=stamp)
    first = seal(
        workshop, letter(2), NextField(name="First", create=True, marks=(mark,)), EC_SEAL, docmdp=2, later=(later,)
    )
    passes(workshop, first, tmp_path, empty_fields=1)
    here = replace(mark, page=1)
    second = seal(workshop, first, NextField(name="Next", marks=(here,)))
    passes(workshop, second, tmp_path, 2)
    assert red_box(picture(first, 1)) is None
    assert red_box(picture(second, 1)) is not None
    with pytest.raises(SigningError, match="只允许在预留的签名域"):
        seal(workshop, first, NextField(name="Other", create=True, marks=(mark,)))
    with pytest.raises(SigningError, match="位置由文件给定"):
        seal(workshop, first, NextField(name="Next", marks=(replace(here, rect=(1, 1, 100, 100)),)))


def test_an_sm2_seal_marks_a_file_that_is_certified_by_nobody(
    workshop: Workshop, stamp: Drawing, tmp_path: Path
) -> None:
    mark = VisibleMark(page=0, rect=PLACE, drawing=stamp)
    sealed = seal(workshop, letter(1), NextField(name="Seal", create=True, marks=(mark,)), SM2_SEAL, docmdp=1)
    passes(workshop, sealed, tmp_path)
    with pytest.raises(SigningError, match="不允许任何修改"):
        seal(workshop, sealed, NextField(name="Again", create=True, marks=(mark,)))


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_a_stamp_is_upright_on_a_page_that_is_turned(
    workshop: Workshop, stamp: Drawing, tmp_path: Path, rotate: int
) -> None:
    data = with_page(letter(1), {"/Rotate": rotate})
    upright = picture(seal(workshop, letter(1), NextField(name="S", create=True, marks=(mark(stamp),))), dpi=144)
    drawing = turned(stamp, (SIDE, SIDE), rotate)
    sealed = seal(workshop, data, NextField(name="S", create=True, marks=(mark(drawing),)))
    passes(workshop, sealed, tmp_path)
    one, other = (crop_red(shown) for shown in (upright, picture(sealed, dpi=144)))
    # The same picture but for anti-aliasing, though the text of the page is turned.
    size = (100, 100)
    pairs = zip(one.resize(size).tobytes(), other.resize(size).tobytes(), strict=True)
    assert sum(abs(a - b) for a, b in pairs) / 10_000 < 20


def mark(drawing: Drawing) -> VisibleMark:
    return VisibleMark(page=0, rect=PLACE, drawing=drawing)


def crop_red(shown: Image.Image) -> Image.Image:
    box = red_box(shown)
    assert box is not None
    return shown.crop(box).getchannel("G")


def test_a_handwriting_keeps_its_alpha(workshop: Workshop, tmp_path: Path) -> None:
    drawn = Image.new("RGBA", (300, 100), (0, 0, 0, 0))
    ImageDraw.Draw(drawn).line((10, 50, 290, 50), fill=(220, 20, 20, 255), width=12)
    out = io.BytesIO()
    drawn.save(out, "PNG")
    drawing, ratio = png_drawing(out.getvalue())
    assert ratio == 3
    place = (60.0, 580.0, 240.0, 640.0)
    sealed = seal(
        workshop,
        letter(1),
        NextField(name="手写", create=True, marks=(VisibleMark(page=0, rect=place, drawing=drawing),)),
    )
    passes(workshop, sealed, tmp_path)
    box = red_box(picture(sealed))
    assert box is not None
    assert abs((box[1] + box[3]) / 2 - (A4[1] - 610)) < 2
    # Below the stroke the text of the letter is still there.
    before, after = picture(letter(1)), picture(sealed)
    below = (60, int(A4[1] - 600), 240, int(A4[1] - 580))
    assert before.crop(below).tobytes() == after.crop(below).tobytes()


def test_a_picture_that_is_none_or_a_bomb_is_refused() -> None:
    with pytest.raises(InvalidInput):
        png_drawing(b"\x89PNG\r\n\x1a\nnothing")
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    with pytest.raises(TooLarge):
        png_drawing(out.getvalue())
    with pytest.raises(TooLarge):
        png_drawing(b"\x89PNG" + bytes(2 * 1024 * 1024))


def test_the_signing_time_is_the_same_moment_in_every_zone(workshop: Workshop) -> None:
    utc = prepare_next(letter(1), NextField(name="S", create=True), wanted(workshop))
    from certsvc.clock import SHANGHAI

    shanghai = prepare_next(
        letter(1), NextField(name="S", create=True), replace(wanted(workshop), signed_at=NOW.astimezone(SHANGHAI))
    )
    assert utc.data == shanghai.data
    assert b"/M(D:20260301120506+08'00')" in utc.data
    assert NOW.utcoffset() == timedelta(0)


def test_what_a_file_does_not_have_is_refused(workshop: Workshop, stamp: Drawing) -> None:
    far = VisibleMark(page=3, rect=PLACE, drawing=stamp)
    with pytest.raises(SigningError, match="只有 1 页，没有第 4 页"):
        prepare_next(letter(1), NextField(name="S", create=True, marks=(far,)), wanted(workshop))
    with pytest.raises(SigningError, match="没有名为"):
        prepare_next(letter(1), NextField(name="S"), wanted(workshop))
    signed = seal(workshop, letter(1), NextField(name="S", create=True))
    with pytest.raises(SigningError, match="只能是第一个签名"):
        prepare_next(signed, NextField(name="T", create=True), wanted(workshop, docmdp=1))
    with pytest.raises(SigningError, match="已有名为"):
        prepare_next(
            signed, NextField(name="T", create=True), wanted(workshop, later=(NextField(name="S", create=True),))
        )


def test_a_file_that_needs_repair_is_refused(workshop: Workshop) -> None:
    good = letter(1)
    for bad in (b"junk\n" + good, good[: len(good) // 2], good.replace(b"startxref\n", b"startxref\n1"), b"%PDF-1.4\n"):
        with pytest.raises(SigningError):
            prepare_next(bad, NextField(name="S", create=True), wanted(workshop))
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(good)) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="o", user=""))
    with pytest.raises(SigningError, match="加密"):
        prepare_next(out.getvalue(), NextField(name="S", create=True), wanted(workshop))


def test_a_page_of_our_own_tests_is_certified_against_any_change(workshop: Workshop, stamp: Drawing) -> None:
    page = one_page(workshop.sealer.reserved_bytes(workshop.seals[EC_SEAL], FORM), docmdp=1)
    sealed = workshop.sealer.seal(page, workshop.seals[EC_SEAL], FORM, signed_at=NOW)
    with pytest.raises(SigningError, match="不允许任何修改"):
        prepare_next(sealed, NextField(name="S", create=True, marks=(mark(stamp),)), wanted(workshop))


def test_the_certificates_of_the_workshop_are_those_that_sign(workshop: Workshop) -> None:
    der = workshop.ring.certificate(workshop.seals[RSA_SEAL].key_id).certificate.public_bytes(Encoding.DER)
    sealed = seal(workshop, letter(1), NextField(name="S", create=True))
    embedded = PdfFileReader(io.BytesIO(sealed)).embedded_signatures[0]
    assert embedded.signer_cert.dump() == der
