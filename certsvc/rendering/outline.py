"""Glyph outlines as PDF path operators, for text that is a picture: ring text of a stamp, the sandbox watermark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.rendering.pdf import num

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family


class _PathPen:
    """Receives an outline in font units and writes it scaled, turned and moved."""

    def __init__(self, matrix: tuple[float, float, float, float, float, float]) -> None:
        self._m = matrix
        self._at: tuple[float, float] = (0.0, 0.0)
        self.operators: list[str] = []

    def _map(self, point: tuple[float, float]) -> str:
        a, b, c, d, e, f = self._m
        x, y = point
        return f"{num(a * x + c * y + e)} {num(b * x + d * y + f)}"

    def moveTo(self, point: tuple[float, float]) -> None:  # noqa: N802 - the pen protocol's names
        self._at = point
        self.operators.append(f"{self._map(point)} m")

    def lineTo(self, point: tuple[float, float]) -> None:  # noqa: N802
        self._at = point
        self.operators.append(f"{self._map(point)} l")

    def curveTo(self, *points: tuple[float, float]) -> None:  # noqa: N802
        self._at = points[-1]
        self.operators.append(" ".join(self._map(p) for p in points) + " c")

    def qCurveTo(self, *points: tuple[float, float]) -> None:  # noqa: N802
        """One quadratic curve, raised to a cubic one: PDF has only those."""
        (cx, cy), (x, y) = points
        x0, y0 = self._at
        self.curveTo(
            (x0 + 2 * (cx - x0) / 3, y0 + 2 * (cy - y0) / 3), (x + 2 * (cx - x) / 3, y + 2 * (cy - y) / 3), (x, y)
        )

    def closePath(self) -> None:  # noqa: N802
        self.operators.append("h")

    def endPath(self) -> None:  # noqa: N802
        self.closePath()


def glyph_path(family: Family, char: str, matrix: tuple[float, float, float, float, float, float]) -> str:
    """Path of ``char``, which the family knows, under ``matrix`` given for an em of 1; no painting operator."""
    face = family.fallback.get(char, family.faces[0])
    a, b, c, d, e, f = matrix
    k = 1 / face.upem
    pen = _PathPen((a * k, b * k, c * k, d * k, e, f))
    face.draw(face.gids[char], pen)
    return "\n".join(pen.operators)
