"""Pictures of pages: PDFium inside the process, for our own pages and stamps.

PDFium is not made for threads, so one lock guards it; a picture takes some 20-60 ms.
"""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pypdfium2 as pdfium

from certsvc.errors import InvalidInput, TooLarge

if TYPE_CHECKING:
    from PIL import Image

MAX_PREVIEW_BYTES = 16 * 1024 * 1024
"""Far more than any page of ours; stops a large file from holding the lock."""
MAX_PREVIEW_PIXELS = 16_000_000
"""A4 at 400 dpi; a page may declare any size, so its picture is limited, not its width."""
MAX_PREVIEW_PAGES = 50
_MIN_WIDTH = 16
_LOCK = threading.Lock()


def preview_png(
    data: bytes,
    width_px: int,
    *,
    page: int = 0,
    most_bytes: int = MAX_PREVIEW_BYTES,
    most_pages: int = MAX_PREVIEW_PAGES,
) -> bytes:
    """Page ``page`` (from 0) of a PDF as an opaque PNG, ``width_px`` wide; annotations such as the stamp are drawn.

    Raises:
        InvalidInput: no PDF, no such page, or a width without sense.
        TooLarge: a file, page number or picture over the limits.
    """
    if len(data) > most_bytes:
        msg = f"文件超过 {most_bytes // 1024 // 1024} MB，无法预览"
        raise TooLarge(msg)
    if width_px < _MIN_WIDTH or not 0 <= page < most_pages:
        msg = f"预览宽度应不小于 {_MIN_WIDTH} 像素，页码应为 1 至 {most_pages}"
        raise InvalidInput(msg)
    return _png(_page_image(data, page, width_px), 0)


def page_image(data: bytes, width_px: int, *, page: int = 0) -> Image.Image:
    """Like :func:`preview_png`, as a picture in memory: for contact sheets and comparisons."""
    return _page_image(data, page, width_px)


def page_png(data: bytes, *, size: tuple[int, int], dpi: int, transparent: bool) -> bytes:
    """The first page of a file of our own making in exactly ``size`` pixels."""
    with _LOCK:
        document = pdfium.PdfDocument(data)
        try:
            bitmap = _drawn(document[0], size, transparent=transparent)
            return _png(bitmap, dpi)
        finally:
            document.close()


def _page_image(data: bytes, number: int, width_px: int) -> Image.Image:
    with _LOCK:
        try:
            document = pdfium.PdfDocument(data)
        except pdfium.PdfiumError as exc:
            msg = "文件不是可读取的 PDF，无法预览"
            raise InvalidInput(msg) from exc
        try:
            if number >= len(document):
                msg = f"文件只有 {len(document)} 页，没有第 {number + 1} 页"
                raise InvalidInput(msg)
            document.init_forms()
            page = document[number]
            w, h = page.get_size()
            height = round(width_px * h / w) if w > 0 else 0
            if not 0 < width_px * height <= MAX_PREVIEW_PIXELS:
                msg = f"预览图超过 {MAX_PREVIEW_PIXELS // 10_000} 万像素，请减小宽度"
                raise TooLarge(msg)
            return _drawn(page, (width_px, height), transparent=False)
        except pdfium.PdfiumError as exc:
            msg = "PDF 页面无法绘制，无法预览"
            raise InvalidInput(msg) from exc
        finally:
            document.close()


def _drawn(page: pdfium.PdfPage, size: tuple[int, int], *, transparent: bool) -> Image.Image:
    kind = pdfium.raw.FPDFBitmap_BGRA if transparent else pdfium.raw.FPDFBitmap_BGR
    bitmap = pdfium.PdfBitmap.new_native(*size, kind)
    bitmap.fill_rect((0, 0, 0, 0) if transparent else (255, 255, 255, 255), 0, 0, *size)
    pdfium.raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, *size, 0, pdfium.raw.FPDF_ANNOT)
    if page.formenv:
        pdfium.raw.FPDF_FFLDraw(page.formenv, bitmap, page, 0, 0, *size, 0, pdfium.raw.FPDF_ANNOT)
    picture: Image.Image = bitmap.to_pil().copy()
    return picture


def _png(picture: Image.Image, dpi: int) -> bytes:
    out = io.BytesIO()
    more = {"dpi": (dpi, dpi)} if dpi else {}
    picture.save(out, "PNG", **more)
    return out.getvalue()
