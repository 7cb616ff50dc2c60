"""A contact sheet: many pages on one picture, each with a caption, for people who want to see everything at once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from certsvc.errors import RenderingError
from certsvc.rendering.raster import page_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GROUND, FRAME, INK = (236, 238, 241), (196, 200, 206), (40, 44, 52)
GAP_PX = 14
CAPTION_PX = 15
MAX_CELLS = 400
"""A sheet of more is a wall that nobody reads, and a picture that eats memory."""
_COLOURS = (256, 128, 64, 32)
"""Numbers of colours that are tried until the picture is small enough."""
_CUT = "…"


def contact_sheet(
    pages: Sequence[tuple[str, bytes]],
    font: Path,
    *,
    columns: int = 12,
    width_px: int = 170,
    max_bytes: int = 1_500_000,
) -> bytes:
    """A PNG of the first pages of some PDF files, row by row: upright pages first, then lying ones, in their order.

    Args:
        pages: caption and file.
        font: a TrueType file that has the captions' characters.
        columns: how many stand beside each other.
        width_px: width of each.
        max_bytes: fewer colours are used until the picture has no more.

    Raises:
        RenderingError: no page, too many, or a picture that stays too large.
        InvalidInput: a file that is no PDF.
    """
    if not 1 <= len(pages) <= MAX_CELLS:
        msg = f"总览图应有 1 至 {MAX_CELLS} 页"
        raise RenderingError(msg)
    columns = min(columns, len(pages))
    thumbs = [(caption, page_image(data, width_px)) for caption, data in pages]
    thumbs.sort(key=lambda thumb: -thumb[1].height)
    rows = [thumbs[i : i + columns] for i in range(0, len(thumbs), columns)]
    heights = [max(image.height for _, image in row) + CAPTION_PX + 2 * GAP_PX for row in rows]
    sheet = Image.new("RGB", (columns * (width_px + GAP_PX) + GAP_PX, sum(heights) + GAP_PX), GROUND)
    draw, letters = ImageDraw.Draw(sheet), ImageFont.truetype(str(font), CAPTION_PX - 2)
    top = GAP_PX
    for row, height in zip(rows, heights, strict=True):
        foot = top + height - CAPTION_PX - 2 * GAP_PX
        for column, (caption, image) in enumerate(row):
            left = GAP_PX + column * (width_px + GAP_PX)
            sheet.paste(image, (left, foot - image.height))
            draw.rectangle((left - 1, foot - image.height - 1, left + width_px, foot), outline=FRAME)
            text = _fitting(caption, letters, width_px)
            draw.text((left + (width_px - letters.getlength(text)) / 2, foot + 4), text, fill=INK, font=letters)
        top += height
    return _small(sheet, max_bytes)


def _fitting(text: str, letters: ImageFont.FreeTypeFont, width: int) -> str:
    """The caption, cut where it would run into its neighbour."""
    if letters.getlength(text) <= width:
        return text
    while text and letters.getlength(text + _CUT) > width:
        text = text[:-1]
    return text + _CUT


def _small(sheet: Image.Image, max_bytes: int) -> bytes:
    for colours in _COLOURS:
        out = io.BytesIO()
        sheet.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            out, "PNG", optimize=True
        )
        if out.tell() <= max_bytes:
            return out.getvalue()
    msg = f"总览图超过 {max_bytes // 1000} kB，请减小每页宽度"
    raise RenderingError(msg)
