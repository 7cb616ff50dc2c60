"""Text that is the same on every page of a type: title, labels, notes. Shown once, from constant subsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.rendering.fonts import EM
from certsvc.rendering.pdf import num, text_string
from certsvc.rendering.subset import Subset

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family, FontFace
    from certsvc.rendering.pdf import FileWriter

NARROWEST = 60.0
"""Percent to which a label may be condensed before its size falls."""


@dataclass(frozen=True, slots=True)
class _Piece:
    family: Family
    size: float
    x: float
    y: float
    text: str
    colour: str
    spacing: float
    scale: float


@dataclass(slots=True)
class StaticText:
    """Collects constant text and writes its fonts and operators."""

    _pieces: list[_Piece] = field(default_factory=list)

    def add(self, family: Family, size: float, x: float, y: float, text: str, *, colour: str) -> None:
        """A line at its natural width; ``colour`` is three PDF numbers."""
        self._pieces.append(_Piece(family, size, x, y, text, colour, 0.0, 100.0))

    def spread(
        self, family: Family, size: float, x: float, y: float, text: str, *, width: float, colour: str, where: str
    ) -> None:
        """A line letter-spaced (or condensed) so that it fills ``width`` points exactly, as on Chinese forms."""
        natural = family.width(text, where) * size / EM
        gaps = len(text) - 1
        if natural > width:
            scale = max(NARROWEST, 100 * width / natural)
            if natural * scale / 100 > width:
                size *= width / (natural * scale / 100)
            self._pieces.append(_Piece(family, size, x, y, text, colour, 0.0, scale))
        else:
            spacing = (width - natural) / gaps if gaps else 0.0
            self._pieces.append(_Piece(family, size, x, y, text, colour, spacing, 100.0))

    def write(self, out: FileWriter) -> tuple[bytes, str]:
        """Write the fonts; returns the font resources and the text operators."""
        by_face: dict[FontFace, list[str]] = {}
        runs = [(piece, piece.family.runs(piece.text)) for piece in self._pieces]
        for _, parts in runs:
            for face, text in parts:
                by_face.setdefault(face, []).append(text)
        subsets = {face: Subset(face, "".join(texts)) for face, texts in by_face.items()}
        names = {face: f"F{index}" for index, face in enumerate(subsets)}
        resources = b"".join(
            b"/%s %d 0 R" % (names[face].encode(), subset.write(out, pack=True)) for face, subset in subsets.items()
        )
        operators: list[str] = []
        for piece, parts in runs:
            # ActualText keeps a spread label one word for those who copy it: "名　　称" is 名称.
            actual = text_string(piece.text).decode("ascii")
            operators.append(f"/Span<</ActualText{actual}>>BDC BT {piece.colour} rg")
            operators.append(f"{num(piece.spacing)} Tc {num(piece.scale)} Tz {num(piece.x)} {num(piece.y)} Td")
            for face, text in parts:
                operators.append(f"/{names[face]} {num(piece.size)} Tf {subsets[face].show(text)} Tj")
            operators.append("ET EMC")
        return b"/Font<<" + resources + b">>", "\n".join(operators)
