"""PDFs as people upload them: made by ReportLab with embedded fonts, changed by qpdf; none by our own writer."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2 as pdfium
from PIL import Image, ImageChops
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PROJECT = Path(__file__).resolve().parents[2]
A4 = (595.28, 841.89)
A4_WIDE = (841.89, 595.28)
A3 = (841.89, 1190.55)
LINES = (
    "示例市文化和旅游局",
    "关于示例事项的批复",
    "示例有限公司：经研究，同意你单位的申请。",
    "（盖章）",
    "2026年3月1日",
)


@lru_cache
def _font() -> str:
    file = next((PROJECT / ".fonts").rglob("NotoSerifSC_400*.ttf"))
    pdfmetrics.registerFont(TTFont("upload-song", str(file)))
    return "upload-song"


@lru_cache
def letter(pages: int = 1, *, size: tuple[float, float] = A4, lines: Sequence[str] = LINES) -> bytes:
    """A letter with embedded fonts; every page says its number."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size, pageCompression=1, invariant=1)
    for number in range(1, pages + 1):
        canvas.setFont(_font(), 16)
        for row, line in enumerate(lines):
            canvas.drawString(72, size[1] - 100 - 60 * row, line)
        canvas.drawString(72, 60, f"第{number}页")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def changed(data: bytes, change: Callable[[pikepdf.Pdf], None] | None = None, *, streams: bool = False) -> bytes:
    """``data`` after ``change``, with object and cross-reference streams or without."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        if change is not None:
            change(document)
        mode = pikepdf.ObjectStreamMode.generate if streams else pikepdf.ObjectStreamMode.disable
        with warnings.catch_warnings():
            # One attack is a widget that no form has: qpdf says so, and that is the point of it.
            warnings.filterwarnings("ignore", message=".*not reachable from /AcroForm.*")
            document.save(out, object_stream_mode=mode)
    return out.getvalue()


def with_page(data: bytes, entries: dict[str, Any], *, page: int = 0) -> bytes:
    """``data`` with entries in the dictionary of a page."""

    def change(document: pikepdf.Pdf) -> None:
        for key, value in entries.items():
            document.pages[page].obj[key] = value

    return changed(data, change)


def picture(data: bytes, page: int = 0, *, dpi: float = 72) -> Image.Image:
    """A page as PDFium shows it, annotations and form fields drawn."""
    document = pdfium.PdfDocument(data)
    try:
        document.init_forms()
        shown: Image.Image = document[page].render(scale=dpi / 72, may_draw_forms=True).to_pil().convert("RGB")
        return shown
    finally:
        document.close()


def red_box(shown: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around everything in the red of stamps: left, top, right, bottom."""
    r, g, b = (
        band.point(lambda v, low=low: 255 if (v > 180 if low else v < 110) else 0)
        for band, low in zip(shown.split(), (True, False, False), strict=True)
    )
    return ImageChops.multiply(ImageChops.multiply(r, g), b).getbbox()
