"""Square stamps: 法人名章 (18 or 20 mm), 财务方章 (22 mm); characters in columns from right to left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.pdf import num
from certsvc.rendering.stamp_parts import BORDER_MM, Cell, cell_path

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.model import StampSpec

USUAL_MM = (20.0, 20.0)
SIDES_MM = (12.0, 40.0)
MAX_CHARS = 25
"""Five columns of five: more are not legible in 22 mm."""
GAP_MM = 0.7
"""Clear space inside the border."""
_BETWEEN = 0.05
"""Share of a cell that stays white at each of its edges; the em box brings white of its own."""


def check_square(stamp: StampSpec, width: float, height: float) -> None:
    """RenderingError for a size that no such seal has, or parts that it cannot show."""
    if not all(SIDES_MM[0] <= side <= SIDES_MM[1] for side in (width, height)):
        msg = f"“印章尺寸”：方章边长应为 {SIDES_MM[0]:g} 至 {SIDES_MM[1]:g} 毫米"
        raise RenderingError(msg)
    if stamp.number or stamp.date_line:
        msg = "“印章编号”和日期行不能用于方章，请留空"
        raise RenderingError(msg)
    if len(stamp.ring_text + stamp.second_line) > MAX_CHARS:
        msg = f"“印章环文”和“印章第二行”在方章中合计不得超过 {MAX_CHARS} 字"
        raise RenderingError(msg)


def columns(text: str) -> list[str]:
    """The columns from right to left: two of two, three of three; what is short is short at the right.

    A name of three characters has the surname alone in the right column, as name seals do.
    """
    count = math.ceil(math.sqrt(len(text)))
    least, more = divmod(len(text), count)
    sizes = [least] * (count - more) + [least + 1] * more
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return parts


def square_layout(text: str, width: float, height: float) -> list[Cell]:
    """Cells that fill the inside of the border, column by column from the right."""
    inset = BORDER_MM + GAP_MM
    inner_w, inner_h = width - 2 * inset, height - 2 * inset
    parts, cells = columns(text), []
    wide = inner_w / len(parts)
    for number, column in enumerate(parts):
        tall = inner_h / len(column)
        x = width / 2 - inset - wide * (number + 0.5)
        for line, char in enumerate(column):
            foot = height / 2 - inset - tall * (line + 1) + tall * _BETWEEN
            cells.append(Cell(char, (x, foot), 0.0, wide * (1 - 2 * _BETWEEN), tall * (1 - 2 * _BETWEEN)))
    return cells


def draw_square(stamp: StampSpec, width: float, height: float, family: Family) -> list[str]:
    """Operators in mm around the origin."""
    text = stamp.ring_text + stamp.second_line
    family.width(text, "印章环文")
    x, y = width / 2 - BORDER_MM / 2, height / 2 - BORDER_MM / 2
    frame = f"{num(BORDER_MM)} w {num(-x)} {num(-y)} {num(2 * x)} {num(2 * y)} re S"
    return [frame, *(cell_path(cell, family) for cell in square_layout(text, width, height))]
