"""XLSX (ISO/IEC 29500) read cell by cell, without running or following anything in it.

Formulas are refused, not evaluated: what a person saw when the data was checked is what is read. Macros, links to other
files and embedded objects are refused with the file. Limits on the packed archive stand before a part is unpacked.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from certsvc.commands.imports.archive import check_members
from certsvc.commands.imports.table import MAX_COLUMNS, RawRow, bad_file, check_cells, headed, too_large
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.commands.imports.table import OpenTable

MAX_BYTES = 64 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes of all parts unpacked: a hundred thousand rows of twenty columns have a quarter of it."""
MAX_PARTS = 1_000
MAX_STRING_BYTES = 128 * 1024 * 1024
"""Bytes of the shared strings unpacked; they are held in memory together."""
MAX_SHEET_ROW = 1_048_576
"""The last row that a spreadsheet has."""
WORKBOOK = "xl/workbook.xml"
_STRINGS = "xl/sharedstrings.xml"
_REFUSED = (
    ("vbaproject", "macros", "文件含有宏，请另存为不含宏的 .xlsx"),
    ("macrosheets", "macros", "文件含有宏表，请另存为不含宏的 .xlsx"),
    ("externallinks", "external_links", "文件链接了其他文件，请断开链接（粘贴为数值）后上传"),
    ("embeddings", "embedded", "文件嵌入了其他文件或对象，请删除后上传"),
    ("activex", "embedded", "文件含有控件，请删除后上传"),
)

warnings.filterwarnings("ignore", module="openpyxl")
# Its warnings quote cells, and what they are about is no matter of ours: styles, extensions, dates out of range.


def open_xlsx(data: bytes) -> OpenTable:
    """Heading and rows of the first sheet.

    Raises:
        TooLarge: more bytes, parts, rows, columns or characters than the limits.
        InvalidInput: broken, encrypted, with macros, links, objects or formulas.
    """
    if len(data) > MAX_BYTES:
        raise too_large(f"XLSX 超过 {MAX_BYTES // 1024 // 1024} MB，请拆成几个文件")
    _check_parts(data)
    return headed("xlsx", _rows(data))


def is_xlsx(names: set[str]) -> bool:
    """Whether an archive with these members is a workbook."""
    return WORKBOOK in names and "[Content_Types].xml" in names


def _check_parts(data: bytes) -> None:
    """Refuse a workbook by its parts, before any is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_members(archive, most=MAX_PARTS, unpacked=MAX_UNPACKED)
            members = archive.infolist()
            types = archive.read("[Content_Types].xml")
    except CertsvcError:
        raise
    except Exception as error:
        raise _broken() from error
    for member in members:
        name = member.filename.lower()
        for word, code, detail in _REFUSED:
            if word in name:
                raise bad_file(code, detail)
        if name == _STRINGS and member.file_size > MAX_STRING_BYTES:
            raise too_large("文件中的文字过多，请拆成几个文件")
    if b"macroEnabled" in types:
        raise bad_file("macros", "文件是启用宏的工作簿，请另存为 .xlsx")


def _rows(data: bytes) -> Iterator[RawRow]:
    """Every row of the first sheet; whatever the library makes of a damaged file is "broken"."""
    try:
        yield from _cells(data)
    except (CertsvcError, GeneratorExit):
        raise
    except Exception as error:
        raise _broken() from error


def _cells(data: bytes) -> Iterator[RawRow]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    try:
        if not book.worksheets:
            raise bad_file("no_sheet", "文件中没有工作表，请在模板中填写后上传")
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size is not believed
        heading = _row(1, next(sheet.iter_rows(max_row=1, max_col=MAX_COLUMNS + 1), ()))
        yield heading
        # No wider than the heading, and one more to see that a row goes on: a cell far out must not widen every row.
        rows = sheet.iter_rows(min_row=2, max_col=len(heading.cells) + 1, max_row=MAX_SHEET_ROW)
        for number, row in enumerate(rows, start=2):
            yield _row(number, row)
    finally:
        book.close()


def _row(number: int, row: tuple[Any, ...]) -> RawRow:
    texts: list[str] = []
    numeric: set[int] = set()
    for index, cell in enumerate(row):
        value = cell.value
        if value is None:
            texts.append("")
            continue
        if cell.data_type == "f" or not isinstance(value, str | int | float | bool | date | time):
            where = f"第 {number} 行第 {index + 1} 列"
            raise bad_file("formula", f"{where}是公式，请选中全表“复制—选择性粘贴—数值”后上传")
        if isinstance(value, int | float) and not isinstance(value, bool):
            numeric.add(index)
        texts.append(_text(value))
    return RawRow(number=number, cells=check_cells(tuple(texts), number), numeric=frozenset(numeric))


def _text(value: object) -> str:
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004  (exact in a double)
        return str(int(value))
    return str(value)


def _broken() -> CertsvcError:
    return bad_file("xlsx_broken", "XLSX 已损坏、已加密或不规范，请用表格软件另存为 .xlsx 后上传")
