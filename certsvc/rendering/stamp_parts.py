"""What stamps of every shape are made of: a turned character, a straight row, an ellipse.

Units: millimetres with the origin in the centre of the stamp and y upwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.rendering.fonts import EM
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.pdf import num

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family

STAMP_RED = (230 / 255, 0.0, 18 / 255)
"""RGB 230,0,18."""
BORDER_MM = 1.1
_DESCENT = 0.12
"""Share of the em box below the baseline."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A character in a box: the middle of its foot, the turn in radians (anticlockwise), and the box's size."""

    char: str
    foot: tuple[float, float]
    turn: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a straight row stands: height of its middle, height of its characters, half of its greatest width."""

    middle: float
    height: float
    half: float


def cell_path(cell: Cell, family: Family) -> str:
    """The character, filling its cell; the family must have measured it before."""
    cos, sin = math.cos(cell.turn), math.sin(cell.turn)
    sx, sy = cell.width, cell.height
    x0, y0 = -sx * family.widths[cell.char] / EM / 2, _DESCENT * sy
    x, y = cell.foot
    matrix = (sx * cos, sx * sin, -sy * sin, sy * cos, x + x0 * cos - y0 * sin, y + x0 * sin + y0 * cos)
    return glyph_path(family, cell.char, matrix) + "\nf"


def row(text: str, where: str, family: Family, place: RowPlace) -> str:
    """A straight line of text around x = 0, narrowed to its room; MissingGlyph names ``where``."""
    total = family.width(text, where) / EM
    sx = min(place.height, 2 * place.half / total) if total else place.height
    x, parts = -total * sx / 2, []
    for char in text:
        parts.append(glyph_path(family, char, (sx, 0, 0, place.height, x, place.middle - 0.38 * place.height)))
        x += family.widths[char] / EM * sx
    return "\n".join(parts) + "\nf"


def ellipse(a: float, b: float) -> str:
    """Four Bézier quarters; 0.5523 is the usual constant (error under 0.03 %)."""
    c, d = a * 0.55228, b * 0.55228
    curves = ((c, b, a, d, a, 0), (a, -d, c, -b, 0, -b), (-c, -b, -a, -d, -a, 0), (-a, d, -c, b, 0, b))
    return f"0 {num(b)} m " + " ".join(" ".join(num(v) for v in curve) + " c" for curve in curves) + " h"
