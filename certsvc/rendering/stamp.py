"""Draws the picture of a seal (印模) as vectors; every shape starts here.

Measures follow 国发〔1999〕25号: a circle of the nominal diameter, border 1.0-1.2 mm, a star of 14 mm in a circle of
42 mm, the owner's registered name in Song along the ring, left to right. Never an emblem: where the state emblem would
stand, the middle stays empty.

Units: millimetres with the origin in the centre of the stamp and y upwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering import stamp_oval, stamp_square
from certsvc.rendering.pdf import num
from certsvc.rendering.stamp_parts import BORDER_MM, STAMP_RED, Cell, RowPlace, cell_path, ellipse, row

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.model import StampSpec

NOMINAL_MM = 42.0
"""Every measure below is for this diameter and grows with the stamp, but for the border."""
BORDER_RANGE_MM = (1.0, 1.2)
STAR_MM = 14.0
RING_GAP_MM = 0.95
"""Clear space between border and ring text."""
DATE_DROP_MM = 7.2
"""How far below the centre the date of the document is set: under the star, above the second line (居中偏下)."""
SECOND_LINE_DROP_MM = 11.5
"""Clear of the date above it and of the number below it."""
NUMBER_DROP_MM = 15.5

DIAMETERS_MM = (30.0, 60.0)
"""国务院 has the largest seal; below 30 mm a ring text is not legible."""
MAX_RING_CHARS = 40
"""More do not stay legible in 42 mm; the longest registered names of authorities have about 30."""
MAX_LINE_CHARS = 16
SHAPES = ("round", "oval", "square")

_RING_HEIGHTS = ((12, 5.5), (17, 5.1), (24, 4.6), (math.inf, 4.0))
"""Most characters, and the height in mm that they get."""

MAX_SPAN = 300.0
"""Degrees that ring text may fill; the foot stays open."""
MAX_PITCH = 35.0
"""Degrees from one character to the next in short names."""
FILL = 0.94
"""Share of the room between neighbours that a character may take at its inner edge."""
_WIDEST = 0.98
"""Width of a ring character over its height at most: ring text is set slightly narrow."""
_LEAST_HALF = 4.0
"""Half the width in mm that a second line gets in any case."""
_FULL_WIDTH = str.maketrans("()", "（）")


@dataclass(frozen=True, slots=True)
class RingGlyph:
    """One cell of the ring text: its centre line stands at ``angle`` degrees clockwise from the top.

    Attributes:
        inner: radius of its lower edge.
        height, width: of the cell.
    """

    char: str
    angle: float
    inner: float
    height: float
    width: float

    def cell(self) -> Cell:
        """The same, in coordinates."""
        turn = math.radians(-self.angle)
        foot = (-self.inner * math.sin(turn), self.inner * math.cos(turn))
        return Cell(self.char, foot, turn, self.width, self.height)


def border_mm(diameter: float) -> float:
    """Width of the border line: 1.1 mm at 42 mm, and 1.0-1.2 mm at every size."""
    return min(max(BORDER_MM * diameter / NOMINAL_MM, BORDER_RANGE_MM[0]), BORDER_RANGE_MM[1])


def ring_layout(text: str, diameter: float = NOMINAL_MM) -> list[RingGlyph]:
    """Cells of the ring text that never overlap: long names get smaller, then narrower characters."""
    k, count = diameter / NOMINAL_MM, len(text)
    height = next(size for most, size in _RING_HEIGHTS if count <= most) * k
    inner = diameter / 2 - border_mm(diameter) - RING_GAP_MM * k - height
    span = min(MAX_PITCH * (count - 1), 226.0 + 2.2 * count, MAX_SPAN) if count > 1 else 0.0
    pitch = span / (count - 1) if count > 1 else MAX_PITCH
    room = 2 * inner * math.tan(math.radians(min(pitch, 60) / 2))
    width = min(height * _WIDEST, room * FILL)
    return [RingGlyph(char, i * pitch - span / 2, inner, height, width) for i, char in enumerate(text)]


def stamp_size(stamp: StampSpec) -> tuple[float, float]:
    """Outer width and height in mm."""
    if stamp.shape == "oval":
        usual = stamp_oval.USUAL_MM
    elif stamp.shape == "square":
        usual = stamp_square.USUAL_MM
    else:
        return stamp.diameter_mm, stamp.diameter_mm
    return stamp.width_mm or usual[0], stamp.height_mm or usual[1]


def date_drop(stamp: StampSpec) -> float:
    """How far below the centre of the stamp, in mm, a date is not under the star; 0 where there is nothing to avoid."""
    round_middle = stamp.shape == "round" and (stamp.star or stamp.date_line)
    return DATE_DROP_MM * stamp.diameter_mm / NOMINAL_MM if round_middle else 0.0


def check_stamp(stamp: StampSpec) -> None:
    """RenderingError for a shape or size that no seal has, and for texts without room."""
    if stamp.shape not in SHAPES:
        msg = f"“印章形状”{stamp.shape}无效，可用：{'、'.join(SHAPES)}"
        raise RenderingError(msg)
    if stamp.shape == "oval":
        stamp_oval.check_oval(stamp, *stamp_size(stamp))
    elif stamp.shape == "square":
        stamp_square.check_square(stamp, *stamp_size(stamp))
    elif not DIAMETERS_MM[0] <= stamp.diameter_mm <= DIAMETERS_MM[1]:
        msg = f"“印章直径”应为 {DIAMETERS_MM[0]:g} 至 {DIAMETERS_MM[1]:g} 毫米"
        raise RenderingError(msg)
    most = stamp_square.MAX_CHARS if stamp.shape == "square" else MAX_RING_CHARS
    if not 1 <= len(stamp.ring_text) <= most:
        msg = f"“印章环文”应为 1 至 {most} 字，请按登记的规范简称设置"
        raise RenderingError(msg)
    most = stamp_oval.MAX_CODE_CHARS if stamp.shape == "oval" else MAX_LINE_CHARS
    for where, text in (("印章第二行", stamp.second_line), ("印章编号", stamp.number), ("印章日期", stamp.date_line)):
        if len(text) > most:
            msg = f"“{where}”不得超过 {most} 字"
            raise RenderingError(msg)


def stamp_operators(stamp: StampSpec, family: Family) -> bytes:
    """PDF operators that draw the stamp in millimetres around the origin.

    Raises:
        MissingGlyph: a character of the stamp that no font has.
        RenderingError: a text without room, or a shape or size that no seal has.
    """
    check_stamp(stamp)
    if stamp.shape == "oval":
        parts = stamp_oval.draw_oval(stamp, *stamp_size(stamp), family)
    elif stamp.shape == "square":
        parts = stamp_square.draw_square(stamp, *stamp_size(stamp), family)
    else:
        parts = _draw_round(stamp, family)
    red = " ".join(num(c) for c in STAMP_RED)
    return "\n".join([f"{red} rg {red} RG", *parts]).encode("ascii")


def _draw_round(stamp: StampSpec, family: Family) -> list[str]:
    k, line = stamp.diameter_mm / NOMINAL_MM, border_mm(stamp.diameter_mm)
    radius = stamp.diameter_mm / 2 - line / 2
    out = [f"{num(line)} w", ellipse(radius, radius), "S"]
    family.width(stamp.ring_text, "印章环文")
    ring = ring_layout(stamp.ring_text, stamp.diameter_mm)
    if stamp.date_line:
        half = ring[0].inner - 1.2 * k
        out.append(row(stamp.date_line, "印章日期", family, RowPlace(middle=0, height=4.2 * k, half=half)))
        out.append(f"0.35 w {num(-half)} {num(3.4 * k)} m {num(half)} {num(3.4 * k)} l S")
        out.append(f"{num(-half)} {num(-3.4 * k)} m {num(half)} {num(-3.4 * k)} l S")
    elif stamp.star:
        out += [_star(STAR_MM * k / 2), "f"]
    out += [cell_path(glyph.cell(), family) for glyph in ring]
    if stamp.second_line:
        middle = -SECOND_LINE_DROP_MM * k
        place = RowPlace(middle, 3.4 * k, _half_room(ring, middle, k))
        out.append(row(stamp.second_line, "印章第二行", family, place))
    if stamp.number:
        number = stamp.number.translate(_FULL_WIDTH)
        out.append(row(number, "印章编号", family, RowPlace(-NUMBER_DROP_MM * k, 2.9 * k, 6.5 * k)))
    return out


def _half_room(ring: list[RingGlyph], middle: float, k: float) -> float:
    """Half the width of a row at ``middle`` that keeps clear of the ring text on both sides."""
    last = ring[-1]
    clear = last.inner - 0.6 * k
    end = last.angle + math.degrees(math.atan(last.width / 2 / last.inner)) + 3
    edge = [middle + step * 0.6 * k for step in range(-3, 4)]
    half = 11.0 * k
    while half > _LEAST_HALF * k and any(
        math.hypot(half, y) > clear and math.degrees(math.atan2(half, y)) < end for y in edge
    ):
        half -= 0.2 * k
    return half


def _star(radius: float) -> str:
    """A five-point star with one point up; inner radius after the pentagram."""
    inner = radius * math.sin(math.radians(18)) / math.sin(math.radians(54))
    points = []
    for i in range(10):
        r = radius if i % 2 == 0 else inner
        angle = math.radians(90 - 36 * i)
        points.append(f"{num(r * math.cos(angle))} {num(r * math.sin(angle))}")
    return f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:]) + " h"
