"""CSV as offices have it: UTF-8 with or without a mark, or GB 18030 (and so GBK and GB 2312)."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from certsvc.catalog.text_cells import plain_cell
from certsvc.commands.imports.table import RawRow, bad_file, check_cells, headed, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.commands.imports.table import OpenTable

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of a CSV file; a hundred thousand rows have a third of it. Stops files that fill memory as text."""
TEXT_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_csv(data: bytes) -> OpenTable:
    """Heading and rows.

    Raises:
        TooLarge: more bytes, rows, columns or characters than the limits.
        InvalidInput: no text in an encoding that is taken, or no CSV.
    """
    if len(data) > MAX_BYTES:
        raise too_large(f"CSV 超过 {MAX_BYTES // 1024 // 1024} MB，请拆成几个文件")
    return headed("csv", _rows(_text(data)))


def _text(data: bytes) -> str:
    if data.startswith(TEXT_MARKS):
        raise bad_file("encoding", "文件是 UTF-16 编码，请另存为“CSV UTF-8”后上传")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise bad_file("encoding", "文件不是 UTF-8 或 GB18030 编码的文本，请另存为“CSV UTF-8”或 XLSX 后上传")


def _rows(text: str) -> Iterator[RawRow]:
    first = text.partition("\n")[0]
    delimiter = "\t" if "\t" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield RawRow(number=number, cells=check_cells(tuple(plain_cell(cell) for cell in cells), number))
    except csv.Error as error:
        detail = f"第 {number + 1} 行不是规范的 CSV（引号或换行有误），请用表格软件另存后上传"
        raise bad_file("csv_broken", detail) from error
