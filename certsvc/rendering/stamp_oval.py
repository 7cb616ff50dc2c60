"""Oval stamps: 发票专用章 (40 x 30), 收讫章 and others (45 x 30, 30 x 20); name above, code across, kind below."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.pdf import num
from certsvc.rendering.stamp_parts import BORDER_MM, Cell, RowPlace, cell_path, ellipse, row

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.model import StampSpec

USUAL_MM = (40.0, 30.0)
"""发票专用章; the other usual size is 45 x 30."""
SIDES_MM = (20.0, 50.0)
MAX_CODE_CHARS = 20
"""An 18-character 统一社会信用代码, and room for two more."""
_STEPS = 720
_LOWEST = math.radians(112)
"""Ring text may reach this far down on either side, in the ellipse's own parameter from the top."""
_TALLEST, _SMALLEST = 4.2, 2.4
_FILL, _WIDEST = 0.92, 0.95
_MAX_PITCH = 1.75
"""Distance of neighbours in character heights, in short names."""


def check_oval(stamp: StampSpec, width: float, height: float) -> None:
    """RenderingError for a size that no oval seal has."""
    if not (SIDES_MM[0] <= height < width <= SIDES_MM[1]) or stamp.date_line:
        msg = f"“印章尺寸”：椭圆印章宽应大于高，边长 {SIDES_MM[0]:g} 至 {SIDES_MM[1]:g} 毫米，且没有日期行"
        raise RenderingError(msg)


def draw_oval(stamp: StampSpec, width: float, height: float, family: Family) -> list[str]:
    """Operators in mm around the origin."""
    k = height / USUAL_MM[1]
    out = [f"{num(BORDER_MM)} w", ellipse(width / 2 - BORDER_MM / 2, height / 2 - BORDER_MM / 2), "S"]
    family.width(stamp.ring_text, "印章环文")
    cells = oval_layout(stamp.ring_text, width, height)
    out += [cell_path(cell, family) for cell in cells]
    inner = cells[0].height + BORDER_MM + 0.9 * k
    across = width / 2 - inner - 1.4 * k
    if stamp.number:
        out.append(row(stamp.number, "印章编号", family, RowPlace(-0.6 * k, 3.2 * k, across)))
    if stamp.second_line:
        middle = -8.4 * k
        # The row may use the chord of the border's inner edge at its foot.
        share = (-middle + 1.9 * k) / (height / 2 - BORDER_MM - 0.5 * k)
        half = (width / 2 - BORDER_MM - 0.5 * k) * math.sqrt(max(0.0, 1 - share * share))
        out.append(row(stamp.second_line, "印章第二行", family, RowPlace(middle, 3.6 * k, half * 0.9)))
    return out


def oval_layout(text: str, width: float, height: float) -> list[Cell]:
    """Cells along the ellipse, equally far apart on the arc of their feet, symmetric to the top."""
    k, count = height / USUAL_MM[1], len(text)
    tall = max(_SMALLEST, min(_TALLEST, _TALLEST - 0.08 * (count - 12))) * k
    inset = BORDER_MM + 0.9 * k + tall
    a, b = width / 2 - inset, height / 2 - inset
    arc = _arc(a, b)
    whole = arc[-1][1]
    pitch = min(tall * _MAX_PITCH, 2 * whole / max(1, count - 1)) if count > 1 else tall
    wide = min(tall * _WIDEST, pitch * _FILL)
    cells = []
    for i, char in enumerate(text):
        along = (i - (count - 1) / 2) * pitch
        t = math.copysign(_at(arc, abs(along)), along)
        # The normal of the ellipse, not the ray from its centre, says where "up" is.
        nx, ny = b * math.sin(t), a * math.cos(t)
        cells.append(Cell(char, (a * math.sin(t), b * math.cos(t)), -math.atan2(nx, ny), wide, tall))
    return cells


def _arc(a: float, b: float) -> list[tuple[float, float]]:
    """Pairs of parameter (from the top) and length of arc up to it."""
    points, length, last = [(0.0, 0.0)], 0.0, (0.0, b)
    for i in range(1, _STEPS + 1):
        t = _LOWEST * i / _STEPS
        here = (a * math.sin(t), b * math.cos(t))
        length += math.dist(last, here)
        points.append((t, length))
        last = here
    return points


def _at(arc: list[tuple[float, float]], length: float) -> float:
    """The parameter at ``length``."""
    for (t0, s0), (t1, s1) in itertools.pairwise(arc):
        if length <= s1:
            return t0 + (t1 - t0) * (length - s0) / (s1 - s0)
    return arc[-1][0]
