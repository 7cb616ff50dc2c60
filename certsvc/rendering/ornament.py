"""The border of a permit: two double lines with a band of interlaced waves between, in the accent colour.

All of it is constant per page size, so it is drawn as a small tile that is repeated (form XObjects). No gradients, no
emblem (DOMAIN.md 6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError
from certsvc.rendering.layout import MM
from certsvc.rendering.pdf import num, stream

if TYPE_CHECKING:
    from certsvc.rendering.pdf import FileWriter

OUTER_MM = 9.0
"""Distance of the outer line from the edge of the sheet: printers leave about 5 mm white."""
BAND_MM = 6.4
STRANDS = 5
PERIOD_MM = 8.0
GROUND_MM = 58.0
"""Radius of the pale rosette in the middle."""
GROUND_HEIGHT = 0.5
STYLES = ("classic", "plain")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page in points."""

    width: float
    height: float


def parse_colour(text: str) -> tuple[float, float, float]:
    """``#rrggbb`` as three numbers from 0 to 1; ConfigurationError for anything else."""
    digits = text.removeprefix("#")
    try:
        value = bytes.fromhex(digits)
    except ValueError:
        value = b""
    if len(value) != 3:  # noqa: PLR2004 - red, green, blue
        msg = f"版面主色“{text}”无效，请写成 #RRGGBB"
        raise ConfigurationError(msg)
    return value[0] / 255, value[1] / 255, value[2] / 255


def mixed(colour: tuple[float, float, float], share: float) -> str:
    """The colour thinned with white: ``share`` 1 is the colour itself; three PDF numbers."""
    return " ".join(f"{1 - (1 - c) * share:.3f}" for c in colour)


def write_border(out: FileWriter, sheet: Sheet, style: str, accent: tuple[float, float, float]) -> int:
    """Write the border's form XObjects; returns the number of the outermost, drawn at the page's origin."""
    if style not in STYLES:
        msg = f"版面样式“{style}”不存在，可用：{'、'.join(STYLES)}"
        raise ConfigurationError(msg)
    lines = _lines(sheet, accent, plain=style == "plain")
    box = b"/Type/XObject/Subtype/Form/BBox[0 0 %s %s]" % (num(sheet.width).encode(), num(sheet.height).encode())
    if style == "plain":
        return out.add(stream(box + b"/Resources<<>>", lines.encode("ascii"), pack=True))
    band, o = BAND_MM * MM, (OUTER_MM + 1.6) * MM
    corner = band
    runs = {"H": sheet.width - 2 * (o + corner), "V": sheet.height - 2 * (o + corner)}
    forms: list[bytes] = [b"/G %d 0 R" % out.add(_ground(accent))]
    draw = [f"q 1 0 0 1 {num(sheet.width / 2)} {num(sheet.height * GROUND_HEIGHT)} cm /G Do Q", lines]
    for key, length in runs.items():
        tile_number = out.add(_tile(length, band, accent))
        forms.append(b"/%s %d 0 R" % (key.encode(), tile_number))
    h, v = runs["H"], runs["V"]
    x0, y0, x1, y1 = o, o, sheet.width - o, sheet.height - o
    # (a b c d e f) for the four sides: bottom, top, left, right; each side starts after a corner.
    for key, matrix in (
        ("H", f"1 0 0 1 {num(x0 + corner)} {num(y0)}"),
        ("H", f"1 0 0 1 {num(x0 + corner)} {num(y1 - band)}"),
        ("V", f"0 1 -1 0 {num(x0 + band)} {num(y0 + corner)}"),
        ("V", f"0 1 -1 0 {num(x1)} {num(y0 + corner)}"),
    ):
        count = _periods(h if key == "H" else v)
        step = (h if key == "H" else v) / count
        cells = " ".join(f"/{key} Do 1 0 0 1 {num3(step)} 0 cm" for _ in range(count))
        draw.append(f"q {matrix} cm {cells} Q")
    corner_number = out.add(_corner(band, accent))
    forms.append(b"/C %d 0 R" % corner_number)
    for cx, cy in ((x0, y0), (x1 - band, y0), (x0, y1 - band), (x1 - band, y1 - band)):
        draw.append(f"q 1 0 0 1 {num(cx)} {num(cy)} cm /C Do Q")
    resources = b"/Resources<</XObject<<" + b"".join(forms) + b">>>>"
    return out.add(stream(box + resources, "\n".join(draw).encode("ascii"), pack=True))


def num3(value: float) -> str:
    """Three decimals, for steps that add up along a side."""
    return f"{value:.3f}"


def _periods(length: float) -> int:
    return max(1, round(length / (PERIOD_MM * MM)))


def _lines(sheet: Sheet, accent: tuple[float, float, float], *, plain: bool) -> str:
    """A strong outer line with a hair line inside, and the mirror of it within the band."""
    strong, hair = mixed(accent, 1.0), mixed(accent, 0.75)
    rules = [(OUTER_MM, 1.7, strong), (OUTER_MM + 1.1, 0.45, hair)]
    if not plain:
        inner = OUTER_MM + 1.6 + BAND_MM
        rules += [(inner + 0.5, 0.45, hair), (inner + 1.5, 0.9, strong)]
    parts = []
    for inset, width, colour in rules:
        d = inset * MM
        parts.append(
            f"{colour} RG {num(width)} w {num(d)} {num(d)} {num(sheet.width - 2 * d)} {num(sheet.height - 2 * d)} re S"
        )
    return "\n".join(parts)


def _wave(length: float, middle: float, amplitude: float, phase: float, pieces: int = 8) -> str:
    """One period of a sine as Bézier pieces that join smoothly with the next period."""
    k, dx = 2 * math.pi / length, length / pieces
    parts = [f"0 {num3(middle + amplitude * math.sin(phase))} m"]
    for i in range(pieces):
        x0, x1 = i * dx, (i + 1) * dx
        y0, y1 = amplitude * math.sin(k * x0 + phase), amplitude * math.sin(k * x1 + phase)
        s0, s1 = amplitude * k * math.cos(k * x0 + phase), amplitude * k * math.cos(k * x1 + phase)
        third = dx / 3
        points = (x0 + third, middle + y0 + s0 * third, x1 - third, middle + y1 - s1 * third, x1, middle + y1)
        parts.append(" ".join(num3(v) for v in points) + " c")
    return " ".join(parts)


def _tile(side: float, band: float, accent: tuple[float, float, float]) -> bytes:
    """One period of the band: two families of waves against each other, and a quiet core."""
    length = side / _periods(side)
    middle, parts = band / 2, [f"{mixed(accent, 0.62)} RG 0.32 w 1 J"]
    for i in range(STRANDS):
        share = (i + 1) / STRANDS
        parts.append(_wave(length, middle, band * 0.47 * share, math.pi / 2) + " S")
        parts.append(_wave(length, middle, band * 0.47 * share, -math.pi / 2) + " S")
    parts.append(f"{mixed(accent, 0.35)} RG 0.25 w")
    for i in range(3):
        parts.append(_wave(length / 2, middle, band * 0.2, i * 2 * math.pi / 3) + " S")
        parts.append(
            f"q 1 0 0 1 {num3(length / 2)} 0 cm " + _wave(length / 2, middle, band * 0.2, i * 2 * math.pi / 3) + " S Q"
        )
    box = f"/Type/XObject/Subtype/Form/BBox[-1 -1 {num3(length + 1)} {num3(band + 1)}]/Resources<<>>"
    return stream(box.encode("ascii"), "\n".join(parts).encode("ascii"), pack=True)


def _corner(band: float, accent: tuple[float, float, float]) -> bytes:
    """A rosette of ellipses in a fine square."""
    r, parts = band / 2, [f"{mixed(accent, 0.62)} RG 0.32 w"]
    parts.append(f"{num(0.6)} {num(0.6)} {num(band - 1.2)} {num(band - 1.2)} re S")
    for i in range(12):
        angle = math.pi * i / 12
        cos, sin = math.cos(angle), math.sin(angle)
        parts.append(
            f"q {cos:.4f} {sin:.4f} {-sin:.4f} {cos:.4f} {num3(r)} {num3(r)} cm {_ellipse(r * 0.84, r * 0.34)} S Q"
        )
    box = f"/Type/XObject/Subtype/Form/BBox[0 0 {num3(band)} {num3(band)}]/Resources<<>>"
    return stream(box.encode("ascii"), "\n".join(parts).encode("ascii"), pack=True)


def _ground(accent: tuple[float, float, float]) -> bytes:
    """A very pale rosette behind the values (底纹)."""
    r, parts = GROUND_MM * MM, [f"{mixed(accent, 0.11)} RG 0.4 w"]
    for a, b, turns in ((r, r * 0.46, 36), (r * 0.46, r * 0.2, 18)):
        for i in range(turns):
            angle = math.pi * i / turns
            cos, sin = math.cos(angle), math.sin(angle)
            parts.append(f"q {cos:.4f} {sin:.4f} {-sin:.4f} {cos:.4f} 0 0 cm {_ellipse(a, b)} S Q")
    box = f"/Type/XObject/Subtype/Form/BBox[{num3(-r)} {num3(-r)} {num3(r)} {num3(r)}]/Resources<<>>"
    return stream(box.encode("ascii"), "\n".join(parts).encode("ascii"), pack=True)


def _ellipse(a: float, b: float) -> str:
    """Four Bézier quarters around the origin."""
    c, d = a * 0.55228, b * 0.55228
    curves = ((a, d, c, b, 0, b), (-c, b, -a, d, -a, 0), (-a, -d, -c, -b, 0, -b), (c, -b, a, -d, a, 0))
    return f"{num3(a)} 0 m " + " ".join(" ".join(num3(v) for v in curve) + " c" for curve in curves) + " h"
