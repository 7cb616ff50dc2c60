"""Breaks and places text: CJK wrapping with 避头尾, Latin words kept whole, shrinking, alignment.

Units: boxes and positions in points with the origin at the *lower* left of the page; widths of text in 1/1000 em.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import EM

if TYPE_CHECKING:
    from certsvc.catalog.model import Box, TableColumn
    from certsvc.rendering.fonts import Family

MM = 72 / 25.4
"""Points per millimetre."""

LEADING = 1.32
"""Distance of baselines in font sizes; 公文 sets body text between 1.2 and 1.5."""

BASELINE_DROP = 0.36
"""How far the baseline lies below the middle of a line of CJK text, in font sizes (em box 0.88 above, 0.12 below)."""

TALL_PADDING = 0.3
"""White above the first line of a tall box, in font sizes."""

MOST_SPACING = 0.12
"""Font sizes by which characters of a full line may move apart to meet the right edge."""

SHRINK_STEP = 0.5
"""Points by which the size falls when a value does not fit."""

MAX_VALUE_CHARS = 4000
"""Longer than any field of the catalog; stops a value from eating the processor in the line breaker."""

NOT_AT_START = frozenset("。，、；：！？）》〉」』】〕〗”’…—·％‰℃.,;:!?)]}%")
"""避头: never first on a line (GB/T 15834 §5.1)."""
NOT_AT_END = frozenset("（《〈「『【〔〖“‘([{￥$")
"""避尾: never last on a line."""

LEVEL, DOWN, TURNED = 0, 1, 2
"""How a line runs."""

_UNITS = re.compile(r"[0-9A-Za-z\u00C0-\u024F\u02B0-\u036F\u0370-\u052F\u1E00-\u1FFF'’\-./@_&+#:=?~]+|\s|.", re.DOTALL)
"""Words that stay whole, then single characters: Latin with its marks (Nguyễn, Oʼ), Greek and Cyrillic."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in points, lower left origin."""

    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> float:
        """Height of the horizontal centre line."""
        return self.y + self.h / 2

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.y + self.h


class Line(NamedTuple):
    """One line of text to be shown at (x, y).

    Attributes:
        spacing: points added after every character.
        mode: ``LEVEL``, ``DOWN`` (upright characters one below the other; x is their middle, y the top of the first),
            or ``TURNED`` (a line turned clockwise by 90°).
    """

    family: Family
    size: float
    x: float
    y: float
    text: str
    spacing: float = 0.0
    mode: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value goes, and how.

    Attributes:
        where: what errors call it: the printed label, or the source.
        tall: set from the top instead of around the middle.
        vertical, columns, flow: as in :class:`certsvc.catalog.model.FaceItem`.
        limit: width in 1/1000 em of one point.
        baseline: where a single line of the full size stands.
    """

    where: str
    family: Family
    rect: Rect
    size: float
    min_size: float
    align: str
    tall: bool = False
    vertical: bool = False
    columns: tuple[TableColumn, ...] = ()
    flow: bool = False
    limit: float = field(init=False, repr=False, compare=False)
    baseline: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Measure once what every value that fits on one line needs."""
        object.__setattr__(self, "limit", self.rect.w * EM)
        object.__setattr__(self, "baseline", _first_baseline(self, self.size, 1))


def rect_of(box: Box, page_height: float) -> Rect:
    """The box in points, turned to the lower left origin."""
    return Rect(box.x * MM, page_height - (box.y + box.h) * MM, box.w * MM, box.h * MM)


def place(slot: Slot, text: str) -> list[Line]:
    """The lines of ``text`` in the slot, shrunk as little as possible.

    Raises:
        MissingGlyph: a character that no font of the family has.
        RenderingError: too long even at the smallest size.
    """
    family, rect, size = slot.family, slot.rect, slot.size
    if len(text) > MAX_VALUE_CHARS:
        raise too_long(slot.where)
    if "\n" not in text:
        total = family.width(text, slot.where)
        if total * size <= slot.limit:
            x = rect.x
            if slot.align != "left":
                slack = rect.w - total * size / EM
                x += slack if slot.align == "right" else slack / 2
            return [Line(family, size, x, slot.baseline, text)] if text else []
    else:
        family.width(text.replace("\n", ""), slot.where)
    units = [clusters_of(part) for part in text.split("\n")]
    while True:
        last = size <= slot.min_size
        room = max(1, int((rect.h * 1.02 - size) / (size * LEADING)) + 1) if rect.h >= size else 1
        lines = break_lines(units, family, rect.w * EM / size, room, split_words=last)
        if lines is not None:
            return _set_lines(slot, size, lines)
        if last:
            raise too_long(slot.where)
        size = max(slot.min_size, size - SHRINK_STEP)


def too_long(where: str) -> RenderingError:
    """The refusal of a value without room."""
    msg = f"“{where}”的内容过长，以最小字号仍超出版面，请精简后重新提交"
    return RenderingError(msg)


def _first_baseline(slot: Slot, size: float, count: int) -> float:
    """Where the first of ``count`` lines stands."""
    rect, pitch = slot.rect, size * LEADING
    if slot.tall:
        # A full box gives up its white at the top before it runs over its foot.
        slack = rect.h - size - pitch * (count - 1)
        return rect.top - slot.size * (0.5 + BASELINE_DROP) - min(TALL_PADDING * slot.size, max(0.0, slack))
    return rect.middle - size * BASELINE_DROP + pitch * (count - 1) / 2


def _set_lines(slot: Slot, size: float, lines: list[tuple[str, int, bool]]) -> list[Line]:
    rect, pitch = slot.rect, size * LEADING
    y = _first_baseline(slot, size, len(lines))
    placed = []
    for text, width, goes_on in lines:
        x, spacing = rect.x, 0.0
        if slot.align != "left":
            slack = rect.w - width * size / EM
            x += slack if slot.align == "right" else slack / 2
        elif goes_on and len(text) > 1:
            # 两端对齐, unless the line is so short that it would fall apart.
            spacing = (rect.w - width * size / EM) / (len(text) - 1)
            spacing = spacing if spacing < MOST_SPACING * size else 0.0
        if text:
            placed.append(Line(slot.family, size, x, y, text, spacing))
        y -= pitch
    return placed


def clusters_of(text: str) -> list[str]:
    """Pieces that may not be torn apart: words, and characters with the punctuation that clings to them.

    Spaces between do not loosen it: no line ends with an opening mark and its space (UAX 14, LB13 and LB14).
    """
    clusters: list[str] = []
    glue = False
    for unit in _UNITS.findall(text):
        if clusters and unit[0] in NOT_AT_START:
            while len(clusters) > 1 and clusters[-1].isspace():
                space = clusters.pop()
                clusters[-1] += space
            clusters[-1] += unit
        elif glue:
            clusters[-1] += unit
        else:
            clusters.append(unit)
        glue = unit[-1] in NOT_AT_END or (glue and unit.isspace())
    return clusters


def break_lines(
    paragraphs: list[list[str]], family: Family, limit: float, room: int, *, split_words: bool
) -> list[tuple[str, int, bool]] | None:
    """Greedy lines no wider than ``limit`` (1/1000 em), or None when there are more than ``room``.

    Each comes with its width and whether it goes on in the next line.
    """
    lines: list[tuple[str, int, bool]] = []
    for clusters in paragraphs:
        pieces = _pieces(clusters, family, limit, split_words=split_words)
        if pieces is None:
            return None
        line, used = "", 0
        for piece, width in pieces:
            if used + width > limit and line:
                lines.append((*_trimmed(line, used, family), True))
                line, used = ("", 0) if piece.isspace() else (piece, width)
            else:
                line, used = line + piece, used + width
        lines.append((*_trimmed(line, used, family), False))
        if len(lines) > room:
            return None
    return lines


def _pieces(clusters: list[str], family: Family, limit: float, *, split_words: bool) -> list[tuple[str, int]] | None:
    """Clusters with their widths; one wider than a line is torn into characters, or refused (None)."""
    widths = family.widths
    pieces: list[tuple[str, int]] = []
    for cluster in clusters:
        width = sum(map(widths.__getitem__, cluster))
        if width <= limit:
            pieces.append((cluster, width))
        elif split_words:
            pieces.extend((char, widths[char]) for char in cluster)
        else:
            return None
    return pieces


def _trimmed(line: str, used: int, family: Family) -> tuple[str, int]:
    bare = line.rstrip()
    return bare, used - sum(map(family.widths.__getitem__, line[len(bare) :]))
