"""Tables of text as XLSX (ISO/IEC 29500), for people who sort and filter.

Every cell is text. A cell that begins with ``=``, ``+``, ``-`` or ``@`` would run as a formula in the reader's program
(CSV injection, CWE-1236); it is written as a string with the quote prefix, so that it stays text when it is edited too.
"""

from __future__ import annotations

import io
import unicodedata
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from certsvc.catalog.text_cells import FORMULA_STARTS
from certsvc.errors import RenderingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.page_ports import TextSheet

MAX_CELL = 32_767
"""Characters of a cell (Excel); longer ones would be cut without a word."""
MAX_ROWS = 20_000
"""Stops a table that would hold a worker for long; the largest of ours has some 250 rows."""
MAX_SHEET_NAME = 31
_NARROWEST, _WIDEST = 8, 60
_PADDING = 2


@lru_cache(maxsize=8)
def workbook(title: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> bytes:
    """One sheet: a header that stays in view, filters, and the rows; the same table is written once and kept.

    Raises:
        RenderingError: more rows, or a longer cell, than a sheet takes.
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    if len(rows) > MAX_ROWS:
        raise RenderingError(f"{title}有 {len(rows)} 行，超过 {MAX_ROWS} 行，不能写成一张表")
    book = Workbook()
    sheet = book.active
    sheet.title = title[:MAX_SHEET_NAME]
    for number, row in enumerate((header, *rows), start=1):
        for column, text in enumerate(row, start=1):
            _write(sheet.cell(number, column), text, f"{title}第 {number} 行第 {column} 列", head=number == 1)
    for column, cells in enumerate(zip(header, *rows, strict=True), start=1):
        width = max(map(_columns, cells)) + _PADDING
        sheet.column_dimensions[get_column_letter(column)].width = min(max(width, _NARROWEST), _WIDEST)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    book.properties.creator = "certsvc"
    book.properties.title = title
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(cell: object, text: str, place: str, *, head: bool) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
    from openpyxl.styles import Alignment, Font

    if not isinstance(cell, Cell):
        raise TypeError(place)
    if len(text) > MAX_CELL:
        raise RenderingError(f"{place}超过 {MAX_CELL} 字，请精简")
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    cell.data_type = "s"  # after the value: the library guesses formulas and errors from its first character
    cell.number_format = "@"
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if text.startswith(FORMULA_STARTS):
        cell.quotePrefix = True
    if head:
        cell.font = Font(bold=True)


def _columns(text: str) -> int:
    """How many narrow characters wide the text is; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def book(sheets: Sequence[TextSheet]) -> bytes:
    """Several sheets, row by row; every column is text, so that codes that people write keep all their digits.

    Nothing is kept of it: the rows may be personal.
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    made = Workbook(write_only=True)
    for sheet in sheets:
        target = made.create_sheet(sheet.title[:MAX_SHEET_NAME])
        target.freeze_panes = "A2"
        for index, heading in enumerate(sheet.header, start=1):
            column = target.column_dimensions[get_column_letter(index)]
            column.width = min(max(_columns(heading) + _PADDING, _NARROWEST), _WIDEST)
            column.number_format = "@"
        for row in chain((sheet.header,), sheet.rows):
            target.append([_text_cell(target, text) for text in row])
    made.properties.creator = "certsvc"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _text_cell(sheet: object, text: str) -> object:
    """A cell that holds the text and nothing but text."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if len(text) > MAX_CELL:
        raise RenderingError(f"有一格超过 {MAX_CELL} 字，不能写成表格")
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"  # after the value: the library guesses formulas and errors from its first character
    cell.number_format = "@"
    if text.startswith(FORMULA_STARTS):
        cell.quotePrefix = True
    return cell
