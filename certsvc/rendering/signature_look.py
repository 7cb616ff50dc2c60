"""What the field of a person's signature shows: the handwriting, and in words who, when and why.

The words are drawn as outlines: the field needs no font, and nothing in it can be read differently than it looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import beijing_time
from certsvc.rendering.fonts import EM
from certsvc.rendering.mark_drawings import packed, png_drawing
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.pdf import num

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.marks import Drawing
    from certsvc.seal.signing_page import SignatureLook

LARGEST, SMALLEST = 9.0, 4.0
"""Points of the words; the smallest is what can be read on paper."""
LEADING = 1.32
SAMPLE_ZH = "样本 仅供测试"
_PAD = 2.0
_PICTURE_SHARE = 0.46
"""Of the width goes to the handwriting, of what the words leave."""
_INK = "0.06 0.09 0.16 rg"
_SAMPLE = "0.49 0.29 0 rg"
_BASELINE = 0.86
_STEP = 0.25


def signature_drawing(look: SignatureLook, family: Family, width: float, height: float, *, sandbox: bool) -> Drawing:
    """The look of a signature in a box of ``width`` x ``height`` points, lower left corner at the origin.

    Raises:
        MissingGlyph: a character that no font has.
    """
    lines = [look.name, beijing_time(look.signed_at), look.reason, *([SAMPLE_ZH] if sandbox else [])]
    picture, ratio = png_drawing(look.handwriting)
    left = _PAD + (width - 3 * _PAD) * _PICTURE_SHARE
    room = width - left - 2 * _PAD
    size, rows = _fitted(lines, family, room, height - 2 * _PAD)
    operators = [_picture(ratio, (left - _PAD, height - 2 * _PAD))]
    top = height / 2 + len(rows) * size * LEADING / 2
    for index, (text, sample) in enumerate(rows):
        y = top - (index + _BASELINE) * size * LEADING
        operators.append(_line(text, family, (left + _PAD, y), size, _SAMPLE if sample else _INK))
    return packed(f"/BBox[0 0 {num(width)} {num(height)}]", "\n".join(operators), parts=(("H", picture),))


def _picture(ratio: float, room: tuple[float, float]) -> str:
    """The handwriting, whose box is ``ratio`` x 1, as large as it fits, in the middle of its room."""
    scale = min(room[0] / ratio, room[1])
    x, y = _PAD + (room[0] - ratio * scale) / 2, _PAD + (room[1] - scale) / 2
    return f"q {scale:.4f} 0 0 {scale:.4f} {num(x)} {num(y)} cm /H Do Q"


def _fitted(lines: list[str], family: Family, width: float, height: float) -> tuple[float, list[tuple[str, bool]]]:
    """The largest size at which the lines, broken where they must, fit; and the rows."""
    size = LARGEST
    while True:
        rows = [(row, line == SAMPLE_ZH) for line in lines for row in _broken(line, family, width * EM / size)]
        if len(rows) * size * LEADING <= height or size <= SMALLEST:
            return size, rows
        size -= _STEP


def _broken(text: str, family: Family, width: float) -> list[str]:
    """``text`` in rows of at most ``width`` (1/1000 em)."""
    rows, row = [], ""
    for char in text:
        if row and family.width(row + char, "签名") > width:
            rows.append(row.rstrip())
            row = "" if char == " " else char
        else:
            row += char
    return [*rows, row]


def _line(text: str, family: Family, at: tuple[float, float], size: float, colour: str) -> str:
    x, paths = at[0], []
    for char in text:
        if char != " ":
            paths.append(glyph_path(family, char, (size, 0, 0, size, x, at[1])))
        x += family.width(char, "签名") * size / EM
    return "\n".join([colour, *paths, "f"])
