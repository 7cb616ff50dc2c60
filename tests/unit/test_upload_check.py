"""What may not be stamped: every attack on a page's face is made here and refused by its code."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String
from reportlab.pdfgen.canvas import Canvas
from upload_documents import A3, A4_WIDE, changed, letter, with_page

from certsvc.rendering import upload_check
from certsvc.rendering.upload_check import TEXT, judge_upload
from certsvc.rendering.upload_text import find_keyword, normal

JS = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


def root(**entries: Any) -> Callable[[pikepdf.Pdf], None]:
    """Entries in the catalog."""

    def change(document: pikepdf.Pdf) -> None:
        for key, value in entries.items():
            document.Root["/" + key] = value

    return change


def note(**entries: Any) -> Callable[[pikepdf.Pdf], None]:
    """An annotation on the second page."""

    def change(document: pikepdf.Pdf) -> None:
        one = Dictionary(Type=Name.Annot, Rect=[10, 10, 90, 90], **entries)
        document.pages[1].obj["/Annots"] = Array([document.make_indirect(one)])

    return change


def field(kind: str, **entries: Any) -> Callable[[pikepdf.Pdf], None]:
    """A form field."""

    def change(document: pikepdf.Pdf) -> None:
        widget = Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name("/" + kind), T=String("a"), Rect=[10, 10, 90, 30], **entries
        )
        made = document.make_indirect(widget)
        document.pages[0].obj["/Annots"] = Array([made])
        document.Root["/AcroForm"] = Dictionary(Fields=Array([made]))

    return change


def draws(operators: str) -> Callable[[pikepdf.Pdf], None]:
    """More operators on the first page, in its own font."""

    def change(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        font = next(name for name in page.obj["/Resources"]["/Font"].keys() if "+" in name)  # noqa: SIM118
        states = Dictionary(Clear=Dictionary(ca=0))
        page.obj["/Resources"]["/ExtGState"] = states
        page.contents_add(document.make_stream(operators.replace("/F ", font + " ").encode("ascii")))

    return change


def action(kind: str, **entries: Any) -> Dictionary:
    return Dictionary(S=Name("/" + kind), **entries)


def attach(document: pikepdf.Pdf) -> None:
    spec = pikepdf.AttachedFileSpec(
        document, b"x", description="", filename="secret.txt", mime_type="text/plain", creation_date="", mod_date=""
    )
    document.attachments["secret.txt"] = spec


def pattern_font(document: pikepdf.Pdf) -> None:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    pattern = document.make_stream(b"BT /H 9 Tf (x) Tj ET")
    for key, value in {
        "/PatternType": 1,
        "/PaintType": 1,
        "/TilingType": 1,
        "/BBox": Array([0, 0, 9, 9]),
        "/XStep": 9,
        "/YStep": 9,
        "/Resources": Dictionary(Font=Dictionary(H=font)),
    }.items():
        pattern[key] = value
    document.pages[0].obj["/Resources"]["/Pattern"] = Dictionary(P=pattern)


def external(document: pikepdf.Pdf) -> None:
    stream = document.make_stream(b"")
    stream["/F"] = String("//server/picture.jpg")
    document.pages[0].obj["/Resources"]["/XObject"] = Dictionary(X=stream)


def stranger_widget(document: pikepdf.Pdf) -> None:
    """Looks like a signature's widget, belongs to no field, and is drawn by printers only (Print and NoView)."""
    look = document.make_stream(b"1 g 0 0 200 40 re f", Subtype=Name.Form, BBox=Array([0, 0, 200, 40]))
    widget = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, F=36, Rect=[72, 500, 272, 540], AP=Dictionary(N=look)
    )
    document.pages[0].obj["/Annots"] = Array([document.make_indirect(widget)])


def alternate(document: pikepdf.Pdf) -> None:
    made = [document.make_stream(b"\0", Subtype=Name.Image, Width=1, Height=1) for _ in range(2)]
    made[0]["/Alternates"] = Array([Dictionary(Image=made[1], DefaultForPrinting=True)])
    document.pages[0].obj["/Resources"]["/XObject"] = Dictionary(X=made[0])


ATTACKS: dict[str, tuple[str, Callable[[pikepdf.Pdf], None]]] = {
    "a script when the file opens": ("scripts", root(OpenAction=JS)),
    "a script by name": ("scripts", root(Names=Dictionary(JavaScript=Dictionary(Names=Array([String("a"), JS]))))),
    "a script behind a link": ("scripts", note(Subtype=Name.Link, A=JS)),
    "a script after a harmless action": ("scripts", root(OpenAction=action("GoTo", D=Array([0, Name.Fit]), Next=JS))),
    "actions of a page": ("actions", lambda d: d.pages[0].obj.__setitem__("/AA", Dictionary(O=JS))),
    "a program to start": ("actions", root(OpenAction=action("Launch", F=String("calc.exe")))),
    "a link to a program": ("actions", note(Subtype=Name.Link, A=action("Launch", F=String("calc.exe")))),
    "a link to a file": ("actions", note(Subtype=Name.Link, A=action("URI", URI=String("file:///etc/passwd")))),
    "a link to a script": ("actions", note(Subtype=Name.Link, A=action("URI", URI=String("javascript:x")))),
    "an address that opens by itself": ("actions", root(OpenAction=action("Named", N=Name.Print))),
    "an attachment": ("embedded_files", attach),
    "an attachment as a note": ("embedded_files", note(Subtype=Name.FileAttachment)),
    "a text field": ("form_fields", field("Tx", V=String("100"))),
    "a button": ("form_fields", field("Btn")),
    "an empty signature field": ("form_fields", field("Sig")),
    "a dynamic form": ("xfa", root(AcroForm=Dictionary(Fields=Array(), XFA=String("x")))),
    "layers": ("optional_content", root(OCProperties=Dictionary(OCGs=Array(), D=Dictionary()))),
    "a comment": ("annotations", note(Subtype=Name.Text, Contents=String("x"))),
    "free text": ("annotations", note(Subtype=Name.FreeText, Contents=String("100 元"))),
    "a picture that can be moved": ("annotations", note(Subtype=Name.Stamp)),
    "another face on paper: a widget of no form": ("form_fields", stranger_widget),
    "another picture on paper": ("optional_content", alternate),
    "a link with a picture": ("annotations", note(Subtype=Name.Link, AP=Dictionary())),
    "text in no colour": ("hidden_text", draws("BT /F 12 Tf 3 Tr 72 300 Td <0102> Tj ET")),
    "text for clipping only": ("hidden_text", draws("BT /F 12 Tf 7 Tr 72 300 Td <0102> Tj ET")),
    "text that is transparent": ("hidden_text", draws("q /Clear gs BT /F 12 Tf 72 300 Td <0102> Tj ET Q")),
    "text outside the page": ("hidden_text", draws("BT /F 12 Tf 900 300 Td <0102> Tj ET")),
    "a font in a pattern": ("unembedded_fonts", pattern_font),
    "a stream outside the file": ("external_content", external),
    "a page of a kilometre": ("page_size", lambda d: d.pages[0].obj.__setitem__("/MediaBox", Array([0, 0, 3e6, 9]))),
    "a unit of its own": ("page_size", lambda d: d.pages[0].obj.__setitem__("/UserUnit", 2)),
    "a crooked page": ("page_size", lambda d: d.pages[0].obj.__setitem__("/Rotate", 45)),
}


@pytest.mark.parametrize("streams", [False, True], ids=["classic", "streams"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_by_its_code(attack: str, streams: bool) -> None:
    code, change = ATTACKS[attack]
    assert judge_upload(changed(letter(2), streams=streams)).codes == []
    assert code in judge_upload(changed(letter(2), change, streams=streams)).codes


def test_every_reason_says_what_to_do_in_chinese() -> None:
    for code, detail in TEXT.items():
        assert code.isascii()
        assert any(word in detail for word in ("请", "后上传")), detail
    assert {code for code, _ in ATTACKS.values()} <= set(TEXT)


@pytest.mark.parametrize(
    "change",
    [
        note(Subtype=Name.Link, A=action("URI", URI=String("https://example.com"))),
        note(Subtype=Name.Link, A=action("GoTo", D=Array([0, Name.Fit]))),
        root(OpenAction=Array([0, Name.Fit])),
        root(PageLayout=Name.SinglePage),
    ],
    ids=["a link", "a link within", "a first view", "a layout"],
)
def test_what_office_programs_write_is_no_attack(change: Callable[[pikepdf.Pdf], None]) -> None:
    assert judge_upload(changed(letter(2), change)).codes == []


def test_text_outside_the_crop_box_is_hidden() -> None:
    assert judge_upload(with_page(letter(1), {"/CropBox": Array([0, 400, 595, 842])})).codes == ["hidden_text"]
    assert judge_upload(with_page(letter(1), {"/CropBox": Array([40, 40, 560, 800])})).codes == []


def test_a_font_that_text_uses_must_be_in_the_file() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 700, "not embedded")
    canvas.save()
    assert judge_upload(out.getvalue()).codes == ["unembedded_fonts"]


def encrypted(user: str) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(letter(1))) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="o", user=user))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_pdf"),
        (b"PK\x03\x04", "not_pdf"),
        (b"\n" + letter(1), "not_pdf"),
        (letter(1)[:-200], "broken"),
        (letter(1).replace(b"startxref\n", b"startxref\n9"), "broken"),
        (encrypted(""), "encrypted"),
        (encrypted("u"), "encrypted"),
        (changed(letter(1), lambda d: d.pages.__delitem__(0)), "no_pages"),
    ],
    ids=["empty", "zip", "junk first", "cut", "wrong table", "no user password", "user password", "no pages"],
)
def test_a_file_that_cannot_be_read_has_one_reason(data: bytes, code: str) -> None:
    assert judge_upload(data).codes == [code]


def test_the_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_check, "MAX_PAGES", 2)
    assert judge_upload(letter(3)).codes == ["too_many_pages"]
    monkeypatch.setattr(upload_check, "MAX_PAGES", 500)
    monkeypatch.setattr(upload_check, "MAX_NODES", 5)
    assert judge_upload(letter(3)).codes == ["too_complex"]


def test_pages_are_told_as_they_are_seen() -> None:
    data = with_page(letter(1, size=A3), {"/Rotate": 270, "/CropBox": Array([30, 20, 800, 1300])})
    assert judge_upload(data).pages == [((30.0, 20.0, 800.0, 1190.55), 270)]
    assert judge_upload(letter(1, size=A4_WIDE)).pages == [((0.0, 0.0, 841.89, 595.28), 0)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4000), st.binary(min_size=1, max_size=40))
def test_no_damage_makes_the_judge_fall_over(at: int, junk: bytes) -> None:
    data = changed(letter(1))
    place = at * len(data) // 4000
    judged = judge_upload(data[:place] + junk + data[place + len(junk) :])
    assert set(judged.codes) <= set(TEXT)


# Keywords -----------------------------------------------------------------------------------------------------------


def search(data: bytes, keyword: str) -> dict[str, Any]:
    document = pdfium.PdfDocument(data)
    try:
        return find_keyword(document, keyword)
    finally:
        document.close()


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_keyword_is_found_where_it_stands(rotate: int) -> None:
    data = with_page(letter(2), {"/Rotate": rotate, "/CropBox": Array([40, 40, 560, 800])})
    found = search(data, "（盖章）")["found"]
    assert [one["page"] for one in found] == [0, 1]
    left, lower, right, upper = found[0]["rect"]
    assert 70 < left < right < 140
    assert 550 < lower < upper < 580


@pytest.mark.parametrize("keyword", ["(盖章)", "（盖 章）", "盖\u3000章", " 盖章 "])
def test_width_of_characters_and_white_space_make_no_difference(keyword: str) -> None:
    assert len(search(letter(3), keyword)["found"]) == 3


def test_a_word_that_is_not_there_leads_to_those_like_it() -> None:
    said = search(letter(2), "关于示例事项的批复函")
    assert said["found"] == []
    assert said["near"][0] == ("关于示例事项的批复", 0)
    assert search(letter(1), "ＸＹＺ")["near"] == []


def test_normal_text_has_no_space_and_one_width() -> None:
    assert normal("２０２６ 年\n③ ＡＢ㈱") == "2026年3ab(株)"
