"""The sandbox mark: 样本 仅供测试 不具有法律效力 across every page, so that no test paper is taken for real.

The diagonal lines are outlines under the text: they hide nothing and do not disturb extraction. One line at the head
of the page is real text, so that machines see it too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import EM
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.pdf import num, stream

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.rendering.ornament import Sheet
    from certsvc.rendering.pdf import FileWriter
    from certsvc.seal.model import StampSpec

SANDBOX_TEXT = "样本 仅供测试 不具有法律效力"
SANDBOX_PREFIX = "示例"
"""Every synthetic authority's name starts so, and with it every stamp of the sandbox."""

_GREY = "0.9 g"
_SIZE = 23.0
_ANGLE = 32.0
_ROW = 112.0
"""Points between two lines, measured across."""


def check_sandbox_stamp(stamp: StampSpec) -> None:
    """RenderingError when a sandbox stamp could be taken for a real one."""
    if not stamp.ring_text.startswith(SANDBOX_PREFIX):
        msg = f"测试环境的“印章环文”必须以“{SANDBOX_PREFIX}”开头"
        raise RenderingError(msg)


def write_watermark(out: FileWriter, family: Family, sheet: Sheet) -> int:
    """Write the watermark's form XObjects; returns the number of the one drawn at the page's origin."""
    length = family.width(SANDBOX_TEXT, "样本标记") / EM * _SIZE
    x, glyphs = 0.0, []
    for char in SANDBOX_TEXT:
        if not char.isspace():
            glyphs.append(glyph_path(family, char, (_SIZE, 0, 0, _SIZE, x, 0)))
        x += family.widths[char] / EM * _SIZE
    box = f"/Type/XObject/Subtype/Form/BBox[0 {num(-_SIZE)} {num(length)} {num(_SIZE)}]/Resources<<>>"
    line = out.add(stream(box.encode("ascii"), ("\n".join(glyphs) + "\nf").encode("ascii"), pack=True))
    draw = [_GREY, *diagonal_grid((sheet.width, sheet.height), length, _SIZE)]
    whole = f"/Type/XObject/Subtype/Form/BBox[0 0 {num(sheet.width)} {num(sheet.height)}]"
    resources = b"/Resources<</XObject<</L %d 0 R>>>>" % line
    return out.add(stream(whole.encode("ascii") + resources, "\n".join(draw).encode("ascii"), pack=True))


def diagonal_grid(page: tuple[float, float], length: float, size: float, *, raised: float = 0.0) -> list[str]:
    """Operators that draw the form ``/L``, a line of text of ``length`` and ``size``, in rising rows over a page.

    ``raised`` moves the rows, in shares of their distance, so that two patterns do not lie on each other.
    """
    turn = math.radians(_ANGLE)
    cos, sin = math.cos(turn), math.sin(turn)
    reach = math.hypot(*page) / 2
    step = length + size * 3
    draw = []
    rows = math.ceil(reach / _ROW)
    for row in range(-rows, rows + 1):
        shift = 0.5 if row % 2 else 0.0
        columns = math.ceil(reach / step) + 1
        for column in range(-columns, columns + 1):
            along, across = (column + shift) * step - length / 2, (row + raised) * _ROW
            px = page[0] / 2 + along * cos - across * sin
            py = page[1] / 2 + along * sin + across * cos
            if _touches(page, (px, py), (px + length * cos, py + length * sin), size):
                draw.append(f"q {cos:.4f} {sin:.4f} {-sin:.4f} {cos:.4f} {num(px)} {num(py)} cm /L Do Q")
    return draw


def _touches(page: tuple[float, float], start: tuple[float, float], end: tuple[float, float], size: float) -> bool:
    """Whether a rising line of text can be seen on the page (by its bounding box)."""
    return end[0] > 0 and start[0] < page[0] and end[1] + size > 0 and start[1] - size < page[1]
