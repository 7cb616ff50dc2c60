"""What every reader of an upload gives: a heading and rows of text, with the limits that stand for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from certsvc.errors import FieldProblem, InvalidInput, TooLarge

MAX_ROWS = 100_000
"""Rows of one table; more are sent as several files. Bounds the work of one check and the size of one answer."""
MAX_COLUMNS = 200
"""Columns of a table; no type has half as many. Stops rows that are padded to sixteen thousand cells."""
MAX_CELL = 4_000
"""Characters of a cell; the longest field of a type has fewer. Stops cells made to fill memory."""
MAX_BLANK_ROWS = 100_000
"""Blank rows between and behind the others: spreadsheets keep formatted rows. Stops a file of a million of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRow:
    """One row as it was read.

    Attributes:
        number: as a spreadsheet counts; the heading is row 1.
        cells: text of every cell; of a date ``2020-01-01``.
        numeric: indexes of cells that a spreadsheet held as numbers, so that digits may be lost.
    """

    number: int
    cells: tuple[str, ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTable:
    """An upload that is being read.

    Attributes:
        form: ``csv``, ``xlsx`` or ``zip``.
        header: the cells of row 1.
        rows: the others, read as they are asked for; reading may raise what opening raises.
        photos: photos by file name, read when they are asked for.
    """

    form: str
    header: tuple[str, ...]
    rows: Iterator[RawRow]
    photos: Mapping[str, bytes] = field(default_factory=dict)


def bad_file(code: str, detail: str) -> InvalidInput:
    """The refusal of a file as a whole."""
    return InvalidInput(detail, problems=(FieldProblem(pointer="/file", code=code, detail=detail),))


def too_large(detail: str) -> TooLarge:
    """The refusal of what passes a limit."""
    return TooLarge(detail, problems=(FieldProblem(pointer="/file", code="too_large", detail=detail),))


def check_cells(cells: tuple[str, ...], number: int) -> tuple[str, ...]:
    """The cells without blank ones at the end; TooLarge for too many, or for one that is too long."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > MAX_COLUMNS:
        raise too_large(f"第 {number} 行超过 {MAX_COLUMNS} 列，请删去多余的列")
    for index, cell in enumerate(cells, start=1):
        if len(cell) > MAX_CELL:
            raise too_large(f"第 {number} 行第 {index} 列超过 {MAX_CELL} 字，请精简")
    return cells


def headed(form: str, rows: Iterator[RawRow], photos: Mapping[str, bytes] | None = None) -> OpenTable:
    """A table from its rows, the first of which is its heading.

    Raises:
        InvalidInput: there is no heading.
    """
    first = next(rows, None)
    if first is None or first.number != 1 or not any(cell.strip() for cell in first.cells):
        raise bad_file("no_heading", "第 1 行应为列名；请下载模板，在模板中填写后上传")
    return OpenTable(
        form=form,
        header=tuple(cell.strip() for cell in first.cells),
        rows=_limited(rows),
        photos=photos or {},
    )


def _limited(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    """Rows that hold something, up to the limit."""
    blank = seen = 0
    for row in rows:
        if not any(cell.strip() for cell in row.cells):
            blank += 1
            if blank > MAX_BLANK_ROWS:
                raise too_large(f"空行超过 {MAX_BLANK_ROWS} 行，请删去表格中间和末尾的空行")
            continue
        seen += 1
        if seen > MAX_ROWS:
            raise too_large(f"超过 {MAX_ROWS} 行，请拆成几个文件分别上传")
        yield row
