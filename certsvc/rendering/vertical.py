"""Vertical text (竖排): columns from right to left, upright characters below each other, Latin words turned.

Upright characters are set with the vertical writing mode of their font (Identity-V), so that readers and extraction
take a column for a line of text. Widths stand for heights here: an upright character is one em high, and a turned one
as high as it is wide.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import (
    BASELINE_DROP,
    DOWN,
    LEADING,
    LEVEL,
    MAX_VALUE_CHARS,
    SHRINK_STEP,
    TURNED,
    Line,
    break_lines,
    clusters_of,
    too_long,
)

if TYPE_CHECKING:
    from certsvc.rendering.layout import Slot

_CORNER = frozenset("，、。．")
"""Points that stand in the upper right of their cell."""
_TURNED = frozenset("（）《》〈〉「」『』【】〔〕〖〗“”‘’—…～－–·")
"""Full-width marks that are turned with the direction of reading."""
_CORNER_SHIFT = 0.58
_ASCENT = 0.88
_RUNS = re.compile(r"[^，、。．（）《》〈〉「」『』【】〔〕〖〗“”‘’—…～－–·\s]+|\s+|.", re.DOTALL)


def place_vertical(slot: Slot, text: str) -> list[Line]:
    """The columns of ``text`` in the slot, shrunk as little as possible.

    Raises:
        MissingGlyph: a character that no font of the family has.
        RenderingError: too long even at the smallest size.
    """
    family, rect, size = slot.family, slot.rect, slot.size
    if len(text) > MAX_VALUE_CHARS:
        raise too_long(slot.where)
    family.width(text.replace("\n", ""), slot.where)
    units = [clusters_of(part) for part in text.split("\n")]
    while True:
        last = size <= slot.min_size
        room = int((rect.w * 1.02 - size) / (size * LEADING)) + 1
        columns = break_lines(units, family, rect.h * EM / size, room, split_words=last) if room > 0 else None
        if columns is not None:
            return _set_columns(slot, size, columns)
        if last:
            raise too_long(slot.where)
        size = max(slot.min_size, size - SHRINK_STEP)


def _set_columns(slot: Slot, size: float, columns: list[tuple[str, int, bool]]) -> list[Line]:
    rect, pitch = slot.rect, size * LEADING
    x = rect.x + rect.w / 2 + pitch * (len(columns) - 1) / 2
    lines: list[Line] = []
    for text, height, _ in columns:
        slack = rect.h - height * size / EM
        share = {"left": 0.0, "right": 1.0}.get(slot.align, 0.5)
        lines += _column(slot, size, text, x, rect.top - slack * share)
        x -= pitch
    return lines


def _column(slot: Slot, size: float, text: str, x: float, y: float) -> list[Line]:
    family, lines = slot.family, []
    for run in _pieces(text):
        height = family.width(run, slot.where) * size / EM
        if run.isspace():
            pass
        elif run in _CORNER:
            shift = _CORNER_SHIFT * size
            lines.append(Line(family, size, x - size / 2 + shift, y - _ASCENT * size + shift, run, mode=LEVEL))
        elif run in _TURNED or not _upright(run[0], slot):
            lines.append(Line(family, size, x - BASELINE_DROP * size, y, run, mode=TURNED))
        else:
            lines.append(Line(family, size, x, y, run, mode=DOWN))
        y -= height
    return lines


def _pieces(text: str) -> list[str]:
    """Runs of one kind: marks alone, upright characters together, and what is turned together."""
    pieces: list[str] = []
    for run in _RUNS.findall(text):
        start = 0
        for at, (one, other) in enumerate(pairwise(run), 1):
            if _is_wide(one) != _is_wide(other):
                pieces.append(run[start:at])
                start = at
        pieces.append(run[start:])
    return pieces


def _is_wide(char: str) -> bool:
    """Whether ``char`` stands upright in a column: ideographs, kana and full-width forms."""
    return ord(char) >= 0x2E80  # noqa: PLR2004 - the first block of East Asian characters


def _upright(char: str, slot: Slot) -> bool:
    return _is_wide(char) and slot.family.widths[char] == EM
