"""Which pages of a file look different from the part of it that was sealed. Runs in a worker."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
from PIL import ImageChops

from certsvc.errors import InvalidInput, TooLarge
from certsvc.rendering.raster import page_image

if TYPE_CHECKING:
    from PIL import Image

WIDTH_PX = 800
"""Small type of an A4 page can be read, and twenty pages are drawn twice within the time limit of a worker."""

MAX_COMPARED_PAGES = 20
"""Pages drawn twice; stops long files that only cost time."""

MAX_CHANGED_PAGES = 4
"""Pairs of pictures in an answer; the first few tell what was done to a file."""


def changed_pages(sealed: bytes, now: bytes) -> tuple[dict[str, Any], bytes]:
    """The pages that differ, as facts and the PNG of all pairs one after another."""
    try:
        counts = (_page_count(sealed), _page_count(now))
        compared = min(max(counts), MAX_COMPARED_PAGES)
        pages: list[dict[str, Any]] = []
        blob, more = io.BytesIO(), False
        for number in range(compared):
            before = page_image(sealed, WIDTH_PX, page=number) if number < counts[0] else None
            after = page_image(now, WIDTH_PX, page=number) if number < counts[1] else None
            if _same(before, after):
                continue
            if len(pages) == MAX_CHANGED_PAGES:
                more = True
                break
            sizes = [_write(picture, blob) for picture in (before, after)]
            pages.append({"number": number + 1, "region": _region(before, after), "sizes": sizes})
    except (InvalidInput, TooLarge, pdfium.PdfiumError):
        return {"drawn": False}, b""
    facts = {"drawn": True, "pages": pages, "counts": counts, "compared": compared, "more": more}
    return facts, blob.getvalue()


def _page_count(data: bytes) -> int:
    document = pdfium.PdfDocument(data)
    try:
        return len(document)
    finally:
        document.close()


def _same(before: Image.Image | None, after: Image.Image | None) -> bool:
    if before is None or after is None or before.size != after.size:
        return False
    return ImageChops.difference(before, after).getbbox() is None


def _region(before: Image.Image | None, after: Image.Image | None) -> list[float] | None:
    """The smallest box around all that differs, in parts of the page; None for a whole page."""
    if before is None or after is None or before.size != after.size:
        return None
    box = ImageChops.difference(before, after).getbbox()
    if box is None:
        return None
    (left, top, right, bottom), (width, height) = box, before.size
    return [round(part, 4) for part in (left / width, top / height, right / width, bottom / height)]


def _write(picture: Image.Image | None, blob: io.BytesIO) -> int:
    """How many bytes the PNG has; none for no page."""
    start = blob.tell()
    if picture is not None:
        picture.save(blob, "PNG")
    return blob.tell() - start
