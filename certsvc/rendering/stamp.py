"""Draws the picture of a seal (印模) as vectors: border, ring text, star, second line, number.

Measures follow 国发〔1999〕25号: a circle of the nominal diameter, border 1.0-1.2 mm, a star of 14 mm in a circle of
42 mm, the owner's registered name in Song along the ring, left to right. Never an emblem.

Units: millimetres with the origin in the centre of the stamp and y upwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import EM
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.pdf import num

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.seal.model import StampSpec

STAMP_RED = (230 / 255, 0.0, 18 / 255)
"""RGB 230,0,18."""

NOMINAL_MM = 42.0
"""Every measure below is for this diameter and grows with the stamp."""
BORDER_MM = 1.1
STAR_MM = 14.0
RING_GAP_MM = 0.95
"""Clear space between border and ring text."""

MAX_RING_CHARS = 40
"""More do not stay legible in 42 mm; the longest registered names of authorities have about 30."""
MAX_LINE_CHARS = 16

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


def ring_layout(text: str, diameter: float = NOMINAL_MM) -> list[RingGlyph]:
    """Cells of the ring text that never overlap: long names get smaller, then narrower characters."""
    k, count = diameter / NOMINAL_MM, len(text)
    height = next(size for most, size in _RING_HEIGHTS if count <= most) * k
    inner = diameter / 2 - (BORDER_MM + RING_GAP_MM) * k - height
    span = min(MAX_PITCH * (count - 1), 226.0 + 2.2 * count, MAX_SPAN) if count > 1 else 0.0
    pitch = span / (count - 1) if count > 1 else MAX_PITCH
    room = 2 * inner * math.tan(math.radians(min(pitch, 60) / 2))
    width = min(height * _WIDEST, room * FILL)
    return [RingGlyph(char, i * pitch - span / 2, inner, height, width) for i, char in enumerate(text)]


def check_stamp(stamp: StampSpec) -> None:
    """RenderingError for texts that the stamp has no room for."""
    if not 1 <= len(stamp.ring_text) <= MAX_RING_CHARS:
        msg = f"“印章环文”应为 1 至 {MAX_RING_CHARS} 字，请按登记的规范简称设置"
        raise RenderingError(msg)
    for where, text in (("印章第二行", stamp.second_line), ("印章编号", stamp.number)):
        if len(text) > MAX_LINE_CHARS:
            msg = f"“{where}”不得超过 {MAX_LINE_CHARS} 字"
            raise RenderingError(msg)


def stamp_operators(stamp: StampSpec, family: Family) -> bytes:
    """PDF operators that draw the stamp in millimetres around the origin.

    Raises:
        MissingGlyph: a character of the stamp that no font has.
        RenderingError: a text without room.
    """
    check_stamp(stamp)
    k = stamp.diameter_mm / NOMINAL_MM
    red = " ".join(num(c) for c in STAMP_RED)
    line = BORDER_MM * k
    out = [
        f"{red} rg {red} RG {num(line)} w",
        _circle(stamp.diameter_mm / 2 - line / 2),
        "S",
        _star(STAR_MM * k / 2),
        "f",
    ]
    family.width(stamp.ring_text, "印章环文")
    ring = ring_layout(stamp.ring_text, stamp.diameter_mm)
    out.extend(_ring_glyph(cell, family) for cell in ring)
    if stamp.second_line:
        half = _half_room(ring, -11.4 * k, k)
        out.append(_row(stamp.second_line, "印章第二行", family, middle=-9.6 * k, height=3.5 * k, half=half))
    if stamp.number:
        out.append(_row(stamp.number, "印章编号", family, middle=-14.6 * k, height=2.9 * k, half=6.5 * k))
    return "\n".join(out).encode("ascii")


def _half_room(ring: list[RingGlyph], lower: float, k: float) -> float:
    """Half the width of a row under the star whose lower edge is at ``lower``, clear of the ring text."""
    clear = ring[0].inner - 0.6 * k
    inside = math.sqrt(clear * clear - lower * lower) if clear > -lower else 0.0
    last = ring[-1]
    open_half = 180 - last.angle - math.degrees(math.atan(last.width / 2 / last.inner)) - 4
    beside = -lower * math.tan(math.radians(max(0.0, min(open_half, 60.0))))
    return max(inside, min(beside, 11.0 * k))


def _ring_glyph(cell: RingGlyph, family: Family) -> str:
    """The glyph turned so that its foot points to the centre."""
    turn = math.radians(-cell.angle)
    cos, sin = math.cos(turn), math.sin(turn)
    sx, sy = cell.width, cell.height
    advance = family.widths[cell.char] / EM
    # Em coordinates: x from -advance/2, y so that the em box (-0.12 .. 0.88) fills the cell.
    x0, y0 = -sx * advance / 2, cell.inner + 0.12 * sy
    matrix = (sx * cos, sx * sin, -sy * sin, sy * cos, x0 * cos - y0 * sin, x0 * sin + y0 * cos)
    return glyph_path(family, cell.char, matrix) + "\nf"


def _row(text: str, where: str, family: Family, *, middle: float, height: float, half: float) -> str:
    """A straight line of text around x = 0, narrowed to ``2 * half``."""
    total = family.width(text, where) / EM
    sx = min(height, 2 * half / total) if total else height
    x, parts = -total * sx / 2, []
    for char in text:
        parts.append(glyph_path(family, char, (sx, 0, 0, height, x, middle - 0.38 * height)))
        x += family.widths[char] / EM * sx
    return "\n".join(parts) + "\nf"


def _circle(radius: float) -> str:
    """Four Bézier quarters; 0.5523 is the usual constant (error under 0.03 %)."""
    r, c = radius, radius * 0.55228
    p = [(0, r), (c, r, r, c, r, 0), (r, -c, c, -r, 0, -r), (-c, -r, -r, -c, -r, 0), (-r, c, -c, r, 0, r)]
    first, *curves = [" ".join(num(v) for v in point) for point in p]
    return f"{first} m " + " ".join(f"{curve} c" for curve in curves) + " h"


def _star(radius: float) -> str:
    """A five-point star with one point up; inner radius after the pentagram."""
    inner = radius * math.sin(math.radians(18)) / math.sin(math.radians(54))
    points = []
    for i in range(10):
        r = radius if i % 2 == 0 else inner
        angle = math.radians(90 - 36 * i)
        points.append(f"{num(r * math.cos(angle))} {num(r * math.sin(angle))}")
    return f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:]) + " h"
