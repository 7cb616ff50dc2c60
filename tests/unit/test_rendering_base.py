"""Base pages: a PDF of any tool under the values; what acts, hides or stands against PDF/A is refused by name."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from rendering_samples import FONT_DIR, LANDSCAPE, PORTRAIT, VALUES, job, license_type, renderer
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from certsvc.catalog.model import FacePlan
from certsvc.errors import ConfigurationError
from certsvc.rendering.base_page import MAX_BASE_BYTES
from certsvc.rendering.raster import page_image
from certsvc.seal.model import StampSpec

A4 = (595.276, 841.89)
STAMP = StampSpec(ring_text="示例省教育厅")


def drawn(size: tuple[float, float] = A4, *, pages: int = 1, embed: bool = True, cmyk: bool = False) -> bytes:
    """A base page as a stranger's tool makes it: a green frame, a picture, a line of text."""
    pdfmetrics.registerFont(TTFont("base-serif", str(FONT_DIR / "DejaVuSerif.ttf")))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size, pageCompression=1, initialFontName="base-serif")
    for number in range(pages):
        canvas.setStrokeColorRGB(0, 0.5, 0.2)
        if cmyk:
            canvas.setStrokeColorCMYK(0.9, 0.1, 0.8, 0.1)
        canvas.setLineWidth(6)
        canvas.rect(20, 20, size[0] - 40, size[1] - 40)
        if not number:
            canvas.drawImage(ImageReader(io.BytesIO(job().photo or b"")), 40, 40, 36, 44)
        canvas.setFont("base-serif" if embed else "Helvetica", 20)
        canvas.drawString(100, size[1] - 80, f"BASE {number + 1}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def face(base: bytes, plan: FacePlan = PORTRAIT) -> FacePlan:
    return replace(plan, base=base, base_name="food.pdf")


def changed(change: Callable[[pikepdf.Pdf], Any], **save: Any) -> bytes:
    with pikepdf.open(io.BytesIO(drawn())) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, **save)
    return out.getvalue()


def text_of(data: bytes, tmp_path: Path) -> str:
    path = tmp_path / "page.pdf"
    path.write_bytes(data)
    subprocess.run(["qpdf", "--check", str(path)], check=True, capture_output=True)
    done = subprocess.run(["pdftotext", str(path), "-"], check=True, capture_output=True)
    return done.stdout.decode("utf-8")


def test_the_first_page_of_the_base_lies_under_the_values(tmp_path: Path) -> None:
    data = renderer().render(job(face(drawn(pages=2)), sandbox=False)).data
    text = text_of(data, tmp_path)
    assert "BASE 1" in text
    assert "BASE 2" not in text
    assert VALUES["holder_name"] in text
    assert PORTRAIT.title not in text  # the base brings its own
    image = page_image(data, 595)
    assert image.getpixel((20, 400)) == (0, 128, 51)  # the frame that the other tool drew
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == 1


def test_a_base_with_an_origin_of_its_own_is_moved_to_ours() -> None:
    def move(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].mediabox = [-100, -50, A4[0] - 100, A4[1] - 50]  # type: ignore[assignment]  # numbers become one
        pdf.pages[0].contents_add(b"1 0 0 1 -100 -50 cm", prepend=True)

    image = page_image(renderer().render(job(face(changed(move)), sandbox=False)).data, 595)
    assert image.getpixel((20, 400)) == (0, 128, 51)


def test_the_watermark_is_seen_over_an_opaque_base(tmp_path: Path) -> None:
    def cover(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].contents_add(b"1 g 0 0 700 900 re f", prepend=False)

    data = renderer().render(job(face(changed(cover)))).data
    grey = page_image(data, 300).convert("L").crop((20, 320, 280, 400)).histogram()
    assert sum(grey[220:236]) > 100
    assert "样本" in text_of(data, tmp_path)


def test_a_base_is_compiled_once_and_pages_stay_the_same_bytes() -> None:
    page = job(face(drawn()))
    assert renderer().render(page).data == renderer().render(page).data


def test_a_landscape_base_fits_a_landscape_face(tmp_path: Path) -> None:
    base = drawn((A4[1], A4[0]))
    assert "BASE 1" in text_of(renderer().render(job(face(base, LANDSCAPE))).data, tmp_path)


def unchanged(_: pikepdf.Pdf) -> None:
    """For files that differ only in how they are saved."""


def script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def names_script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=[]))


def page_action(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].obj.AA = pikepdf.Dictionary(O=pikepdf.Dictionary(S=pikepdf.Name.Named))


def link(pdf: pikepdf.Pdf) -> None:
    annotation = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9])
    pdf.pages[0].obj.Annots = pikepdf.Array([annotation])


def layers(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OCProperties = pikepdf.Dictionary(OCGs=[], D=pikepdf.Dictionary())


def fields(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = pikepdf.Dictionary(Fields=[pdf.make_indirect(pikepdf.Dictionary(T="x"))])


def attachment(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["x.txt"] = b"x"


def postscript(pdf: pikepdf.Pdf) -> None:
    stream = pdf.make_stream(b"showpage", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.PS)
    pdf.pages[0].Resources.XObject = pikepdf.Dictionary(P=stream)


def outside(pdf: pikepdf.Pdf) -> None:
    stream = pdf.make_stream(b"", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 1, 1], F="\\\\x")
    pdf.pages[0].Resources.XObject = pikepdf.Dictionary(P=stream)


def rotated(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].rotate(90, relative=False)


def looped(pdf: pikepdf.Pdf) -> None:
    form = pdf.make_stream(b"/A Do", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form, BBox=[0, 0, 9, 9])
    form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(A=form))
    pdf.pages[0].Resources.XObject = pikepdf.Dictionary(A=form)


def bomb(pdf: pikepdf.Pdf) -> None:
    stream = pdf.make_stream(b"0 " * 20_000_000, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
    pdf.pages[0].Resources.XObject = pikepdf.Dictionary(B=stream)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        pytest.param(b"", None, id="none"),
        pytest.param(b"%PDF-1.7 but nothing else", "已损坏", id="damaged"),
        pytest.param(b"<html>", "已损坏", id="no pdf"),
        pytest.param(b"%PDF-1.7\n" + b"%" * (MAX_BASE_BYTES + 1), "2 MB", id="too large"),
        pytest.param(drawn((500, 700)), "210 x 297", id="wrong size"),
        pytest.param(drawn((A4[1], A4[0])), "210 x 297", id="wrong orientation"),
        pytest.param(drawn(embed=False), "没有嵌入", id="font outside"),
        pytest.param(drawn(cmyk=True), "CMYK", id="cmyk"),
        pytest.param(changed(script), "脚本", id="open action"),
        pytest.param(changed(names_script), "脚本", id="named script"),
        pytest.param(changed(page_action), "动作", id="page action"),
        pytest.param(changed(link), "链接", id="link"),
        pytest.param(changed(layers), "图层", id="layers"),
        pytest.param(changed(fields), "表单", id="fields"),
        pytest.param(changed(attachment), "附件", id="attachment"),
        pytest.param(changed(postscript), "脚本", id="postscript"),
        pytest.param(changed(outside), "外部", id="file outside"),
        pytest.param(changed(rotated), "旋转", id="rotated"),
        pytest.param(changed(looped), "互相引用", id="loop"),
        pytest.param(changed(bomb), "MB", id="bomb"),
        pytest.param(changed(unchanged, encryption=pikepdf.Encryption(owner="x", user="y")), "加密", id="locked"),
        pytest.param(changed(unchanged, encryption=pikepdf.Encryption(owner="x", user="")), "加密", id="owner"),
    ],
)
def test_an_unfit_base_is_refused_with_its_file_and_the_reason(base: bytes, reason: str | None) -> None:
    plan = face(base)
    if reason is None:
        renderer().prove([license_type(plan)], STAMP)
        return
    with pytest.raises(ConfigurationError, match=rf"food_business.*food\.pdf.*{reason}"):
        renderer().prove([license_type(plan)], STAMP)


def test_a_refused_base_leaves_what_runs_untouched() -> None:
    good = job(face(drawn()))
    before = renderer().render(good).data
    with pytest.raises(ConfigurationError):
        renderer().prove([good.license_type, license_type(face(b"%PDF-broken"))], STAMP)
    assert renderer().render(good).data == before


def test_a_type_without_a_base_is_proved_too() -> None:
    renderer().prove([license_type(), license_type(LANDSCAPE)], STAMP)
    with pytest.raises(ConfigurationError, match=r"food_business.*主色"):
        renderer().prove([license_type(replace(PORTRAIT, accent="green"))], STAMP)
    with pytest.raises(ConfigurationError, match=r"food_business.*U\+E000"):
        renderer().prove([license_type(replace(PORTRAIT, title="证\ue000"))], STAMP)
