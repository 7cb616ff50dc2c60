"""An upload is what its bytes say that it is, whatever its name: CSV, XLSX, or a ZIP of one of them and photos."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from certsvc.commands.imports.archive import open_archive
from certsvc.commands.imports.csv_table import open_csv
from certsvc.commands.imports.table import bad_file
from certsvc.commands.imports.xlsx_table import is_xlsx, open_xlsx
from certsvc.commands.stamping.archive import ZIP_MAGIC

if TYPE_CHECKING:
    from certsvc.commands.imports.table import OpenTable

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Compound files: .xls, and .xlsx with a password."""
_PDF = b"%PDF"


def form_of(data: bytes) -> str:
    """``csv``, ``xlsx`` or ``zip``.

    Raises:
        InvalidInput: empty, or of a kind that is not taken.
    """
    if not data.strip():
        raise bad_file("empty", "文件是空的，请在模板中填写后上传")
    if data.startswith(_OLD_OFFICE):
        raise bad_file("old_format", "文件是旧版 .xls 或有密码，请去掉密码并另存为 .xlsx 后上传")
    if data.startswith(_PDF):
        raise bad_file("not_a_table", "文件是 PDF，请上传 CSV、XLSX，或装有它们和照片的 ZIP")
    if not data.startswith(ZIP_MAGIC):
        return "csv"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except Exception as error:  # a damaged directory makes the library raise many things
        raise bad_file("zip_broken", "ZIP 或 XLSX 已损坏，请重新生成后上传") from error
    return "xlsx" if is_xlsx(names) else "zip"


def open_upload(data: bytes) -> OpenTable:
    """Heading, rows and photos of an upload.

    Raises:
        TooLarge, InvalidInput: what its reader refuses, with a code and what to do; rows may raise the same later.
    """
    match form_of(data):
        case "zip":
            return open_archive(data, _open_plain)
        case "xlsx":
            return open_xlsx(data)
        case _:
            return open_csv(data)


def _open_plain(data: bytes) -> OpenTable:
    """A table within an archive; no archive again."""
    form = form_of(data)
    if form == "zip":
        raise bad_file("no_table", "压缩包中的表不是 CSV 或 XLSX，请核对")
    return open_xlsx(data) if form == "xlsx" else open_csv(data)
