"""Text and tables that may go on on further pages (续页): what fits stays in its box, the rest is set below each other.

Everything here is measured in points with the origin at the lower left of the page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.errors import RenderingError
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import (
    BASELINE_DROP,
    LEADING,
    MAX_VALUE_CHARS,
    MOST_SPACING,
    SHRINK_STEP,
    Line,
    Rect,
    break_lines,
    clusters_of,
    place,
    too_long,
)
from certsvc.rendering.table import Block, table_head, table_rows

if TYPE_CHECKING:
    from certsvc.rendering.fonts import Family
    from certsvc.rendering.layout import Slot

MAX_PAGES = 20
"""Pages of one license; more is a book, and every page costs time and room."""
MAX_FLOW_CHARS = 40_000
"""What the most pages hold in the usual size; stops a value from eating the line breaker."""
GOES_ON = "（下转续页）"
CONTINUED = "（续）"
_GOES_ON_SIZE = 9.0
FLOW_SIZE = 12.0
"""Largest size in points of text on a continuation page."""
_HEADING_GAP = 0.7


@dataclass(slots=True)
class Sheetful:
    """What stands on one page: lines, and the rules of tables.

    Attributes:
        special: whether some of the lines run downwards.
    """

    lines: list[Line] = field(default_factory=list)
    rules: list[tuple[float, float, float, float]] = field(default_factory=list)
    special: bool = False

    def put(self, block: Block, y: float) -> float:
        """Set a block with its upper edge at ``y``; returns its lower edge."""
        self.lines += [line._replace(y=line.y + y) for line in block.lines]
        self.rules += [(x0, y0 + y, x1, y1 + y) for x0, y0, x1, y1 in block.rules]
        return y - block.height


@dataclass(frozen=True, slots=True)
class Rest:
    """What did not fit: the slot that it belongs to and its remaining text or rows."""

    slot: Slot
    text: str
    skip: int = 0
    """rows of the table that are printed already"""
    heading: str = ""


def place_table(slot: Slot, text: str, bold: Family, page: Sheetful) -> Rest | None:
    """Set a table into its box, shrunk as little as possible; what does not fit is given back if it may flow.

    Raises:
        MissingGlyph, RenderingError: as for text, and rows that cannot be read.
    """
    if len(text) > MAX_FLOW_CHARS:
        raise too_long(slot.where)
    size, rect = slot.size, slot.rect
    while True:
        head, rows = table_head(slot, bold, size, rect), table_rows(slot, text, size, rect)
        height = sum(row.height for row in rows) + (head.height if head else 0.0)
        if height <= rect.h * 1.01:
            _stack(page, head, rows, rect)
            return None
        if size <= slot.min_size:
            break
        size = max(slot.min_size, size - SHRINK_STEP)
    if not slot.flow:
        raise too_long(slot.where)
    head, rows = table_head(slot, bold, slot.size, rect), table_rows(slot, text, slot.size, rect)
    room = rect.h - _GOES_ON_SIZE * LEADING - (head.height if head else 0.0)
    fitting = 0
    while fitting < len(rows) and rows[fitting].height <= room:
        room -= rows[fitting].height
        fitting += 1
    _stack(page, head if fitting else None, rows[:fitting], rect)
    page.lines.append(_goes_on(slot))
    return Rest(slot, text, fitting, f"{slot.where}{CONTINUED}")


def _stack(page: Sheetful, head: Block | None, rows: list[Block], rect: Rect) -> None:
    y = rect.top
    for block in ([head] if head else []) + rows:
        y = page.put(block, y)


def place_flow(slot: Slot, text: str, page: Sheetful) -> Rest | None:
    """Set text into its box if it fits at any of its sizes; else fill the box at full size and give back the rest."""
    if len(text) > MAX_FLOW_CHARS:
        raise too_long(slot.where)
    if len(text) <= MAX_VALUE_CHARS:
        try:
            page.lines += place(slot, text)
        except RenderingError:
            # MissingGlyph is raised again below, by the same measuring.
            slot.family.width(text.replace("\n", ""), slot.where)
        else:
            return None
    blocks, texts = text_blocks(slot, text, slot.size, slot.rect)
    room = slot.rect.h - _GOES_ON_SIZE * LEADING
    fitting = min(int(room / (slot.size * LEADING)), len(blocks))
    y = slot.rect.top
    for block in blocks[:fitting]:
        y = page.put(block, y)
    page.lines.append(_goes_on(slot))
    return Rest(slot, _after(text, texts[:fitting]), heading=f"{slot.where}{CONTINUED}")


def text_blocks(slot: Slot, text: str, size: float, rect: Rect) -> tuple[list[Block], list[str]]:
    """Lines of ``text`` as blocks as wide as ``rect``, and their bare texts."""
    family, pitch = slot.family, size * LEADING
    family.width(text.replace("\n", ""), slot.where)
    units = [clusters_of(part) for part in text.split("\n")]
    lines = break_lines(units, family, rect.w * EM / size, MAX_FLOW_CHARS, split_words=True) or []
    y, blocks = -pitch / 2 - BASELINE_DROP * size, []
    for line, width, goes_on in lines:
        spacing = (rect.w - width * size / EM) / (len(line) - 1) if goes_on and len(line) > 1 else 0.0
        spacing = spacing if spacing < MOST_SPACING * size else 0.0
        blocks.append(Block(pitch, (Line(family, size, rect.x, y, line, spacing),) if line else ()))
    return blocks, [line for line, _, _ in lines]


def _after(text: str, taken: list[str]) -> str:
    """What of ``text`` is left behind the lines ``taken``; only white space is lost between lines."""
    at = 0
    for line in taken:
        at = text.index(line, at) + len(line)
    return text[at:].lstrip()


def _goes_on(slot: Slot) -> Line:
    width = slot.family.width(GOES_ON, slot.where) * _GOES_ON_SIZE / EM
    rect = slot.rect
    return Line(slot.family, _GOES_ON_SIZE, rect.x + rect.w - width, rect.y + 0.2 * _GOES_ON_SIZE, GOES_ON)


def fill_pages(rests: list[Rest], bold: Family, first: Rect | None, body: Rect) -> list[Sheetful]:
    """Further pages with all that is left, each part under its heading.

    Args:
        rests: what is left, in order.
        bold: the family of headings.
        first: the room on the first page that is returned, when it differs (附页), or None.
        body: the room on every other page.

    Raises:
        RenderingError: more than ``MAX_PAGES``.
    """
    pages, rect = [Sheetful()], first or body
    y = rect.top

    def fresh() -> None:
        nonlocal y, rect
        pages.append(Sheetful())
        rect = body
        y = rect.top
        if len(pages) > MAX_PAGES:
            msg = f"“{rest.slot.where}”的内容超过 {MAX_PAGES} 页，请精简后重新提交"
            raise RenderingError(msg)

    for number, rest in enumerate(rests):
        slot, size = rest.slot, min(rest.slot.size, FLOW_SIZE)
        wide = Rect(body.x, 0, body.w, 0)
        head = table_head(slot, bold, size, wide) if slot.columns else None
        if slot.columns:
            blocks = table_rows(slot, rest.text, size, wide)[rest.skip :]
        else:
            blocks = text_blocks(slot, rest.text, size, wide)[0]
        bold.width(rest.heading, slot.where)
        title = Line(bold, size, body.x, -size * (0.5 + BASELINE_DROP), rest.heading)
        heading = Block(size * (LEADING + _HEADING_GAP), (title,))
        above = heading.height + (head.height if head else 0.0)
        if number and y - above - blocks[0].height < rect.y:
            fresh()
        y = pages[-1].put(heading, y)
        if head:
            y = pages[-1].put(head, y)
        for block in blocks:
            if y - block.height < rect.y:
                fresh()
                if head:
                    y = pages[-1].put(head, y)
            if y - block.height < rect.y:
                raise too_long(slot.where)
            y = pages[-1].put(block, y)
        y -= size
    return pages
