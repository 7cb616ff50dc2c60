"""Turns placed marks into drawings: stamp, slice of a 骑缝章, 成文日期, watermark, the mark of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import MM
from certsvc.rendering.mark_drawings import MULTIPLY, packed, stamp_drawing, turned
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.pdf import num
from certsvc.rendering.stamp import date_drop, stamp_size
from certsvc.rendering.watermark import SANDBOX_TEXT, check_sandbox_stamp, diagonal_grid
from certsvc.seal.marks import NextField, VisibleMark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.rendering.fonts import Family, FontBook
    from certsvc.seal.marks import Drawing
    from certsvc.seal.model import StampSpec
    from certsvc.seal.placing import PlacedMark

DATE_SIZE = 16.0
"""三号 (GB/T 9704-2012 §7.3.5.4)."""
MAX_TEXT = 60
"""Characters of a watermark; more runs off every page."""
_WATERMARK_SIZE = 20.0
_GREYS = {"watermark": "0.8 g", "sample": "0.88 g"}
_RAISED = {"watermark": 0.5, "sample": 0.0}
_DESCENT = 0.25
_FAMILY = "song"


class MarkBoard:
    """The ``MarkPainter`` port over the fonts of the page engine. Safe to share between threads."""

    def __init__(self, book: FontBook) -> None:
        """Draw with the fonts of ``book``."""
        self._book = book

    def drop(self, stamp: StampSpec) -> float:
        """How far below the centre of the stamp a date is set, in points: under the star, as 用印 has it."""
        return date_drop(stamp) * MM

    def date_size(self, text: str) -> tuple[float, float]:
        """Width and height of a date in points; MissingGlyph."""
        return _width(self._book.family(_FAMILY), text, "成文日期") * DATE_SIZE, DATE_SIZE * (1 + _DESCENT)

    def field(self, name: str, stamp: StampSpec, marks: Sequence[PlacedMark], *, lock: bool) -> NextField:
        """A new field that shows ``marks``; MissingGlyph or RenderingError for what cannot be drawn."""
        if any(mark.kind == "sample" for mark in marks):
            check_sandbox_stamp(stamp)
        drawn = _Drawn(self._book, stamp)
        # The first mark is the field's own: a reader jumps to it, so it is a stamp and no watermark.
        order = sorted(marks, key=lambda mark: mark.kind not in {"stamp", "slice"})
        shown = tuple(VisibleMark(page=mark.page, rect=mark.rect, drawing=drawn.of(mark)) for mark in order)
        return NextField(name=name, create=True, marks=shown, lock=lock)


class _Drawn:
    """The drawings of one field; equal ones are the same object, so that they are written once."""

    def __init__(self, book: FontBook, stamp: StampSpec) -> None:
        self._book, self._spec = book, stamp
        self._made: dict[tuple[object, ...], Drawing] = {}

    def of(self, mark: PlacedMark) -> Drawing:
        size = _seen_size(mark)
        key = (mark.kind, mark.part, mark.parts, mark.text, mark.rotate, size)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = turned(self._upright(mark, size), size, mark.rotate)
        return found

    def _upright(self, mark: PlacedMark, size: tuple[float, float]) -> Drawing:
        if mark.kind == "stamp":
            return self._stamp()
        if mark.kind == "slice":
            return self._slice(mark)
        family = self._book.family(_FAMILY)
        if mark.kind == "date":
            return _text(family, mark.text, DATE_SIZE, size, "成文日期")
        text = SANDBOX_TEXT if mark.kind == "sample" else mark.text
        if not text or len(text) > MAX_TEXT:
            msg = f"“水印”应为 1 至 {MAX_TEXT} 字"
            raise RenderingError(msg)
        return _watermark(family, text, size, mark.kind)

    def _stamp(self) -> Drawing:
        key = ("the stamp",)
        if key not in self._made:
            self._made[key] = stamp_drawing(self._spec, self._book.family("song-bold"))
        return self._made[key]

    def _slice(self, mark: PlacedMark) -> Drawing:
        w, h = (side * MM for side in stamp_size(self._spec))
        width = w / mark.parts
        return packed(
            f"/BBox[0 0 {width:.4f} {num(h)}]",
            f"1 0 0 1 {-width * mark.part:.4f} 0 cm /D Do",
            parts=(("D", self._stamp()),),
        )


def _seen_size(mark: PlacedMark) -> tuple[float, float]:
    left, lower, right, upper = mark.rect
    size = round(right - left, 2), round(upper - lower, 2)
    return size if mark.rotate % 180 == 0 else (size[1], size[0])


def _width(family: Family, text: str, where: str) -> float:
    return family.width(text, where) / EM


def _paths(family: Family, text: str, size: float, x: float, y: float) -> str:
    parts = []
    for char in text:
        if not char.isspace():
            parts.append(glyph_path(family, char, (size, 0, 0, size, x, y)))
        x += family.widths[char] / EM * size
    return "\n".join(parts) + "\nf"


def _text(family: Family, text: str, size: float, box: tuple[float, float], where: str) -> Drawing:
    _width(family, text, where)
    return packed(f"/BBox[0 0 {num(box[0])} {num(box[1])}]", "0 g\n" + _paths(family, text, size, 0, size * _DESCENT))


def _watermark(family: Family, text: str, box: tuple[float, float], kind: str) -> Drawing:
    """Diagonal lines of outlines over the whole page, multiplied with it: they hide nothing."""
    size = _WATERMARK_SIZE
    length = _width(family, text, "水印") * size
    line = packed(f"/BBox[0 {num(-size)} {num(length)} {num(size)}]", _paths(family, text, size, 0, 0))
    operators = "\n".join(["/M gs", _GREYS[kind], *diagonal_grid(box, length, size, raised=_RAISED[kind])])
    return packed(f"/BBox[0 0 {num(box[0])} {num(box[1])}]", operators, parts=(("L", line),), states=MULTIPLY)
