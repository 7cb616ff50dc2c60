"""The constant part of a face: labels, rules, title, notes, captions. Everything here is drawn once per type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import BASELINE_DROP, LEADING, MM, TALL_PADDING, Rect, Slot, place, rect_of
from certsvc.rendering.ornament import Sheet, mixed
from certsvc.rendering.watermark import SANDBOX_TEXT

if TYPE_CHECKING:
    from certsvc.catalog.model import FaceItem, FacePlan
    from certsvc.rendering.fonts import FontBook
    from certsvc.rendering.static_text import StaticText

A4 = (210 * MM, 297 * MM)
INK = "0.1 0.1 0.1"
"""Text is near black: softer than pure black beside a coloured border, and one ink for all values."""
CODE_CAPTION = "扫码核验"
TITLE_SIZE, TITLE_GAP, TITLE_TOP_MM = 36.0, 0.32, 42.0
NOTE_SIZE = 7.8
MARGIN_MM = 25.0
TALL_LINES = 4.5
"""A box with room for more lines than this is filled from its top, and has no rule under it."""


def sheet_of(face: FacePlan) -> Sheet:
    """A4 upright or lying; ConfigurationError for any other orientation."""
    if face.orientation not in {"portrait", "landscape"}:
        msg = f"版面方向“{face.orientation}”无效，可用：portrait、landscape"
        raise ConfigurationError(msg)
    return Sheet(*A4) if face.orientation == "portrait" else Sheet(A4[1], A4[0])


def draw_item(item: FaceItem, book: FontBook, sheet: Sheet, text: StaticText, rules: list[str]) -> tuple[str, Slot]:
    """Print the label and the rule, and say where the value goes."""
    if item.vertical and (item.flow or item.columns):
        msg = f"版面项“{item.label or item.source}”：竖排文字不能同时为表格或续页内容"
        raise ConfigurationError(msg)
    rect = rect_of(item.box, sheet.height)
    tall = rect.h > TALL_LINES * item.size * LEADING or item.vertical or bool(item.columns) or item.flow
    slot = Slot(
        item.label or item.source,
        book.family(item.font),
        rect,
        item.size,
        item.min_size,
        item.align,
        tall=tall,
        vertical=item.vertical,
        columns=item.columns,
        flow=item.flow,
    )
    if item.label:
        y = rect.top - item.size * (0.5 + TALL_PADDING) if tall else rect.middle
        y -= item.size * BASELINE_DROP
        text.spread(
            book.family("song-bold"),
            item.size,
            item.label_x * MM,
            y,
            item.label,
            width=item.label_w * MM,
            colour=INK,
            where=item.label,
        )
    if item.label and not tall:
        rules.append(f"{num_rule(rect.x, rect.y, rect.x + rect.w)} S")
    return item.source, slot


def num_rule(x0: float, y: float, x1: float) -> str:
    """Path of a level line."""
    return f"{x0:.2f} {y:.2f} m {x1:.2f} {y:.2f} l"


def draw_title(face: FacePlan, book: FontBook, sheet: Sheet, text: StaticText, colour: str) -> None:
    """The large heading, letter-spaced, over the middle of the page."""
    family = book.family("song-bold")
    natural = family.width(face.title, "证照名称") / EM
    room = sheet.width - 2 * (MARGIN_MM + 6) * MM
    gaps = max(0, len(face.title) - 1) * TITLE_GAP
    size = min(TITLE_SIZE, room / (natural + gaps))
    width = size * (natural + gaps)
    y = sheet.height - TITLE_TOP_MM * MM
    text.spread(family, size, (sheet.width - width) / 2, y, face.title, width=width, colour=colour, where="证照名称")


def subtitle_slot(book: FontBook, sheet: Sheet) -> Slot:
    """Where 正本, 副本 and the like stand: under the title."""
    y = sheet.height - TITLE_TOP_MM * MM
    return Slot(
        "副标题", book.family("song"), Rect(sheet.width * 0.15, y - 30, sheet.width * 0.7, 16), 12.0, 7.0, "centre"
    )


def draw_subtitle(face: FacePlan, book: FontBook, sheet: Sheet, text: StaticText) -> None:
    """The small line under the title."""
    for line in place(subtitle_slot(book, sheet), face.subtitle):
        text.add(line.family, line.size, line.x, line.y, line.text, colour=INK)


def draw_notes(face: FacePlan, book: FontBook, sheet: Sheet, text: StaticText) -> None:
    """The small print at the foot; it grows upwards."""
    hei, left, width = book.family("hei"), MARGIN_MM * MM, sheet.width - 2 * MARGIN_MM * MM
    notes = Slot("附注", hei, Rect(left, 0, width, sheet.height), NOTE_SIZE, NOTE_SIZE, "left", tall=True)
    placed = place(notes, "\n".join(face.notes))
    lift = 22.5 * MM - placed[-1].y
    for line in placed:
        text.add(hei, line.size, line.x, line.y + lift, line.text, colour="0.35 0.35 0.35")


def draw_caption(book: FontBook, text: StaticText, code: Rect) -> None:
    """What the code is for, under it."""
    hei = book.family("hei")
    caption = Rect(code.x - 20, code.y - 11, code.w + 40, 10)
    for line in place(Slot("二维码说明", hei, caption, 8.0, 6.0, "centre"), CODE_CAPTION):
        text.add(hei, line.size, line.x, line.y, line.text, colour="0.25 0.25 0.25")


def draw_sandbox_line(book: FontBook, sheet: Sheet, text: StaticText) -> None:
    """The mark of the sandbox as real text, at the head of the page."""
    hei = book.family("hei")
    top = Slot("样本标记", hei, Rect(0, sheet.height - 7 * MM, sheet.width, 4 * MM), 8.0, 8.0, "centre")
    for line in place(top, SANDBOX_TEXT):
        text.add(hei, line.size, line.x, line.y, line.text, colour="0.55 0.55 0.55")


def accent_rules(accent: tuple[float, float, float]) -> str:
    """Colour and width of the rules under the values."""
    return f"{mixed(accent, 0.45)} RG 0.5 w"
