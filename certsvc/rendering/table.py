r"""Tables on a page: rows from one value, drawn with a grid, a head that is repeated on every page.

A value is either lines of cells separated by ``|`` (``\|`` is the character itself) or a JSON list of lists of
strings (or of numbers). Missing cells at the end of a row are empty; too many are refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import BASELINE_DROP, LEADING, Line, break_lines, clusters_of, too_long

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.rendering.fonts import Family
    from certsvc.rendering.layout import Rect, Slot

MAX_ROWS = 600
"""What the most pages hold; stops a value from eating the processor."""
MAX_CELL_CHARS = 400
PADDING = 0.35
"""White on every side of a cell's text, in font sizes."""
RULE = 0.5
"""Width of the grid's lines in points."""
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """Something that stands on a page as a whole: a line of text, or a row of a table.

    Attributes:
        lines: their y is relative to the upper edge of the block (negative).
        rules: x0, y0, x1, y1, likewise.
    """

    height: float
    lines: tuple[Line, ...]
    rules: tuple[tuple[float, float, float, float], ...] = ()


def parse_rows(text: str, width: int, where: str) -> list[list[str]]:
    """The cells of a value, every row filled up to ``width`` cells.

    Raises:
        RenderingError: damaged JSON, too many rows, cells or characters; names ``where`` and the row.
    """
    rows = _json_rows(text, where) if text.lstrip().startswith("[") else _bar_rows(text)
    if len(rows) > MAX_ROWS:
        msg = f"“{where}”的表格有 {len(rows)} 行，最多 {MAX_ROWS} 行，请拆分"
        raise RenderingError(msg)
    for number, row in enumerate(rows, 1):
        if len(row) > width:
            msg = f"“{where}”的表格第 {number} 行有 {len(row)} 格，应不多于 {width} 格；格内的竖线请写成 \\|"
            raise RenderingError(msg)
        if any(len(cell) > MAX_CELL_CHARS for cell in row):
            msg = f"“{where}”的表格第 {number} 行有一格超过 {MAX_CELL_CHARS} 字，请精简"
            raise RenderingError(msg)
    return [row + [""] * (width - len(row)) for row in rows]


def _bar_rows(text: str) -> list[list[str]]:
    return [
        [cell.replace("\\|", "|").strip() for cell in _BAR.split(line)] for line in text.split("\n") if line.strip()
    ]


def _json_rows(text: str, where: str) -> list[list[str]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as exc:
        msg = f"“{where}”的表格不是有效的 JSON，应为由行组成的列表，每行是由文本组成的列表"
        raise RenderingError(msg) from exc
    plain = isinstance(rows, list) and all(
        isinstance(row, list) and all(isinstance(cell, str | int) for cell in row) for row in rows
    )
    if not plain:
        msg = f"“{where}”的表格应为由行组成的列表，每行是由文本组成的列表"
        raise RenderingError(msg)
    return [[str(cell) for cell in row] for row in rows]


def table_head(slot: Slot, bold: Family, size: float, rect: Rect) -> Block | None:
    """The row of titles, or None when no column has one."""
    titles = [column.title for column in slot.columns]
    return _row(slot, titles, bold, size, rect, centred=True) if any(titles) else None


def table_rows(slot: Slot, text: str, size: float, rect: Rect) -> list[Block]:
    """One block per row at ``size``, as wide as ``rect``."""
    rows = parse_rows(text, len(slot.columns), slot.where)
    return [_row(slot, row, slot.family, size, rect) for row in rows]


def _row(slot: Slot, cells: Sequence[str], family: Family, size: float, rect: Rect, *, centred: bool = False) -> Block:
    pitch, pad = size * LEADING, size * PADDING
    share = rect.w / sum(column.width for column in slot.columns)
    broken = []
    for column, cell in zip(slot.columns, cells, strict=True):
        family.width(cell.replace("\n", ""), slot.where)
        units = [clusters_of(part) for part in cell.split("\n")]
        limit = (column.width * share - 2 * pad) * EM / size
        lines = break_lines(units, family, limit, MAX_CELL_CHARS, split_words=True)
        if lines is None or limit < EM:
            raise too_long(slot.where)
        broken.append(lines)
    height = max(map(len, broken)) * pitch + 2 * pad
    placed: list[Line] = []
    rules = [(rect.x, -height, rect.x + rect.w, -height), (rect.x, 0.0, rect.x + rect.w, 0.0)]
    x = rect.x
    for column, lines in zip(slot.columns, broken, strict=True):
        room = column.width * share
        rules.append((x, 0.0, x, -height))
        align = "centre" if centred else column.align
        y = -(height - len(lines) * pitch) / 2 - pitch / 2 - BASELINE_DROP * size
        for text, width, _ in lines:
            slack = room - 2 * pad - width * size / EM
            shift = {"left": 0.0, "right": slack}.get(align, slack / 2)
            if text:
                placed.append(Line(family, size, x + pad + shift, y, text))
            y -= pitch
        x += room
    rules.append((rect.x + rect.w, 0.0, rect.x + rect.w, -height))
    return Block(height, tuple(placed), tuple(rules))
