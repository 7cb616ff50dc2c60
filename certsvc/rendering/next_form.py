"""Continuation pages (续页): the same border, title, number, identifier and code, and room for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.rendering.face_form import INK, MARGIN_MM, draw_caption, draw_sandbox_line
from certsvc.rendering.fonts import EM
from certsvc.rendering.layout import MM, Line, Rect, Slot
from certsvc.rendering.ornament import mixed
from certsvc.rendering.pdf import stream
from certsvc.rendering.static_text import StaticText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import FacePlan
    from certsvc.rendering.fonts import FontBook
    from certsvc.rendering.ornament import Sheet
    from certsvc.rendering.pdf import FileWriter

MARK = "（续页）"
PAGE_NUMBER_TOP_MM = 25.0
"""The page number stands over the title, on every page at the same place."""
CODE_MM = 26.0
_TITLE_SIZE, _HEAD_SIZE, _NUMBER_SIZE = 20.0, 10.0, 9.0
_HEAD = (("number", "证照编号", 48.0), ("identifier", "证照标识", 54.5))
"""Source, label, and height of the middle in mm from the top."""
_LABEL_MM = 20.0
_BODY_MM = (62.0, 26.0)
"""White above and below the running text."""


@dataclass(frozen=True, slots=True)
class NextPage:
    """Where things go on every page but the first."""

    body: Rect
    code: Rect
    head: tuple[tuple[str, Slot], ...]


def next_page(book: FontBook, sheet: Sheet) -> NextPage:
    """The places on a continuation page."""
    left, right = MARGIN_MM * MM, sheet.width - MARGIN_MM * MM
    code = Rect(right - CODE_MM * MM, sheet.height - (28 + CODE_MM) * MM, CODE_MM * MM, CODE_MM * MM)
    top, foot = (mm * MM for mm in _BODY_MM)
    x = left + _LABEL_MM * MM
    head = tuple(
        (
            source,
            Slot(
                label,
                book.family("song"),
                Rect(x, sheet.height - (middle + 3) * MM, code.x - x - 3 * MM, 6 * MM),
                _HEAD_SIZE,
                5.0,
                "left",
            ),
        )
        for source, label, middle in _HEAD
    )
    return NextPage(Rect(left, foot, right - left, sheet.height - top - foot), code, head)


def write_next_form(
    out: FileWriter,
    face: FacePlan,
    book: FontBook,
    sheet: Sheet,
    *,
    forms: Mapping[str, int],
    accent: tuple[float, float, float],
    sandbox: bool,
) -> int:
    """Write the form of a continuation page; ``forms`` are those drawn below its text, in their order."""
    text, places = StaticText(), next_page(book, sheet)
    bold, colour = book.family("song-bold"), mixed(accent, 1.0)
    title = face.title + MARK
    room = places.code.x - MARGIN_MM * MM - 4 * MM
    size = min(_TITLE_SIZE, room * EM / bold.width(title, "证照名称"))
    text.add(bold, size, MARGIN_MM * MM, sheet.height - 41 * MM, title, colour=colour)
    for (_, slot), (_, label, _) in zip(places.head, _HEAD, strict=True):
        bold.width(label, label)
        text.add(bold, _HEAD_SIZE, MARGIN_MM * MM, slot.rect.middle - 0.36 * _HEAD_SIZE, label, colour=INK)
    draw_caption(book, text, places.code)
    if sandbox:
        draw_sandbox_line(book, sheet, text)
    fonts, operators = text.write(out)
    drawn = "\n".join(f"/{name} Do" for name in forms)
    objects = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in forms.items())
    box = f"/Type/XObject/Subtype/Form/BBox[0 0 {sheet.width:.2f} {sheet.height:.2f}]".encode("ascii")
    resources = b"/Resources<<" + fonts + b"/XObject<<" + objects + b">>>>"
    return out.add(stream(box + resources, f"{drawn}\n{operators}".encode("ascii"), pack=True))


def page_number(book: FontBook, sheet: Sheet, number: int, count: int) -> Line:
    """``第1页 共3页``."""
    family, text = book.family("hei"), f"第{number}页 共{count}页"
    width = family.width(text, "页码") * _NUMBER_SIZE / EM
    return Line(family, _NUMBER_SIZE, (sheet.width - width) / 2, sheet.height - PAGE_NUMBER_TOP_MM * MM, text)
