"""Uploads are read as what their bytes are; whatever is wrong with one is a problem with a code, never a crash."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from certsvc.catalog.text_cells import safe_cell
from certsvc.commands.imports import archive, table, xlsx_table
from certsvc.commands.imports.open_table import form_of, open_upload
from certsvc.commands.imports.table import RawRow
from certsvc.errors import CertsvcError, InvalidInput, TooLarge

HEADER = ("姓名", "编号")
PHOTO = b"\xff\xd8\xff\xe0photo"


def read(data: bytes) -> tuple[tuple[str, ...], list[RawRow]]:
    opened = open_upload(data)
    return opened.header, list(opened.rows)


def code_of(data: bytes) -> str:
    """The code of the problem that reading meets."""
    with pytest.raises((InvalidInput, TooLarge)) as caught:
        read(data)
    [problem] = caught.value.problems
    assert problem.detail
    return problem.code


def xlsx(rows: list[list[Any]], change: Callable[[Workbook], None] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def zipped(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


TEXT = "姓名,编号\r\n张示例,001\r\n\r\n李示例,002\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_csv_is_read_in_the_encodings_of_offices(encoding: str) -> None:
    header, rows = read(TEXT.encode(encoding))
    assert header == HEADER
    assert [(row.number, row.cells) for row in rows] == [(2, ("张示例", "001")), (4, ("李示例", "002"))]


def test_tabs_quotes_and_line_breaks_in_cells_are_read() -> None:
    assert read("姓名\t编号\n张\t1\n".encode())[1][0].cells == ("张", "1")
    assert read('姓名,编号\n"张,示\n例","他说""好"""\n'.encode())[1][0].cells == ("张,示\n例", '他说"好"')


@pytest.mark.parametrize("text", ["=1+1", "+86", "-5", "@x", "\tx", "'quoted", "plain", ""])
def test_what_we_write_against_formulas_is_undone_when_it_comes_back(text: str) -> None:
    written = safe_cell(text)
    assert not written.startswith(("=", "+", "-", "@", "\t"))
    assert read(f"a,b\n1,{written}\n".encode())[1][0].cells == tuple(cell for cell in ("1", text) if cell)


def test_cells_of_a_spreadsheet_are_text_and_numbers_are_told_apart() -> None:
    rows: list[list[Any]] = [
        ["姓名", "编号"],
        ["张", 123456789012345678],
        [date(2020, 1, 2), 7],
        [datetime.combine(date(2020, 1, 2), time(3, 4)), "007"],
        [1.5, True],
    ]
    found = read(xlsx(rows))[1]
    assert [row.cells for row in found] == [
        ("张", "1.234567890123457e+17"),
        ("2020-01-02", "7"),
        ("2020-01-02 03:04:00", "007"),
        ("1.5", "True"),
    ]
    assert [set(row.numeric) for row in found] == [{1}, {1}, set(), {0}]


def formula(book: Workbook) -> None:
    book.active["A2"] = '=HYPERLINK("https://evil.example")'


def test_formulas_are_refused_and_never_evaluated() -> None:
    assert code_of(xlsx([list(HEADER), ["x", "1"]], formula)) == "formula"


def with_part(data: bytes, name: str, content: bytes = b"x") -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as made:
        made.writestr(name, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/macrosheets/sheet1.xml", "macros"),
        ("xl/externalLinks/externalLink1.xml", "external_links"),
        ("xl/embeddings/oleObject1.bin", "embedded"),
        ("xl/activeX/activeX1.xml", "embedded"),
    ],
)
def test_workbooks_that_could_do_anything_are_refused(part: str, code: str) -> None:
    assert code_of(with_part(xlsx([list(HEADER), ["x", "1"]]), part)) == code


def test_what_a_sheet_says_of_its_own_size_is_not_believed() -> None:
    data = xlsx([list(HEADER), ["x", "1"]])
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b'ref="A1:B2"' in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    assert [row.cells for row in read(zipped(parts))[1]] == [("x", "1")]
    far = sheet.replace(b'r="2"', b'r="1048576"').replace(b'r="A2"', b'r="A1048576"')
    parts["xl/worksheets/sheet1.xml"] = far.replace(b'r="B2"', b'r="B1048576"')
    assert code_of(zipped(parts)) == "too_large"


def test_limits_on_rows_columns_and_cells() -> None:
    assert code_of(b"a\n" + b"1\n" * (table.MAX_ROWS + 1)) == "too_large"
    assert code_of(b"a\n" + b"\n" * (table.MAX_BLANK_ROWS + 1)) == "too_large"
    wide = [["h"] * (table.MAX_COLUMNS + 1)]
    assert code_of(xlsx(wide)) == code_of(",".join(wide[0]).encode()) == "too_large"
    long = [list(HEADER), ["长" * (table.MAX_CELL + 1), "1"]]
    assert code_of(xlsx(long)) == code_of("\n".join(map(",".join, long)).encode()) == "too_large"


def test_a_zip_is_one_table_and_its_photos() -> None:
    data = zipped({"证照/表.csv": TEXT.encode(), "证照/照片/A001.JPG": PHOTO, "__MACOSX/x": b"", "证照/": b""})
    opened = open_upload(data)
    assert (opened.form, opened.header) == ("zip", HEADER)
    assert (opened.photos["a001.jpg"], len(opened.photos), list(opened.photos)) == (PHOTO, 1, ["a001.jpg"])
    with pytest.raises(KeyError):
        opened.photos["b.jpg"]
    inner = open_upload(zipped({"表.xlsx": xlsx([list(HEADER), ["x", "1"]])}))
    assert [row.cells for row in inner.rows] == [("x", "1")]


def test_names_that_a_chinese_system_wrote_in_gbk_are_read() -> None:
    data = gbk_archive([("表.csv".encode("gbk"), TEXT.encode()), ("照.jpg".encode("gbk"), PHOTO)])
    opened = open_upload(data)
    assert (opened.header, opened.photos["照.jpg"]) == (HEADER, PHOTO)


def gbk_archive(files: list[tuple[bytes, bytes]]) -> bytes:
    """A stored archive whose names are GBK and whose flags do not say so."""
    body, directory = b"", b""
    for name, data in files:
        crc, at = zlib.crc32(data), len(body)
        head = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, crc, len(data), len(data), len(name), 0)
        body += b"PK\x03\x04" + head + name + data
        central = struct.pack(
            "<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 33, crc, len(data), len(data), len(name), 0, 0, 0, 0, 0, at
        )
        directory += b"PK\x01\x02" + central + name
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


CSV = TEXT.encode()
BOMB = b"0" * (archive.RATIO_FLOOR + 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_format"),
        (b"%PDF-1.7\n", "not_a_table"),
        ("姓名,编号\n".encode("utf-16"), "encoding"),
        (b"\xff\xfe\xfd", "encoding"),
        (b"a,b\n\x81\x20\xff\n", "encoding"),
        (b"a,\0b\n", "encoding"),
        (b"\n1,2\n", "no_heading"),
        (b'a,b\n"x\n', "csv_broken"),
        (zipped({}), "no_table"),
        (zipped({"a.jpg": PHOTO}), "no_table"),
        (zipped({"a.csv": CSV, "b.csv": CSV}), "no_table"),
        (zipped({"a.csv": zipped({"b.csv": CSV})}), "no_table"),
        (zipped({"a.csv": CSV, "run.exe": b"MZ"}), "other_file"),
        (zipped({"../a.csv": CSV}), "file_name"),
        (zipped({"a.csv": CSV, "x/../../b.jpg": PHOTO}), "file_name"),
        (zipped({"/etc/a.csv": CSV}), "file_name"),
        (zipped({"a.csv": CSV, "C:/b.jpg": PHOTO}), "file_name"),
        (zipped({"a.csv": CSV, "..\\b.jpg": PHOTO}), "file_name"),
        (zipped({"a.csv": CSV, "x/p.jpg": PHOTO, "y/P.JPG": PHOTO}), "duplicate_name"),
        (zipped({"a.csv": CSV, "p.jpg": BOMB}), "too_large"),
        (zipped({"a.csv": CSV})[:-30], "zip_broken"),
        (zipped({"Xa.csv": CSV}).replace(b"Xa.csv", b"\0a.csv"), "zip_broken"),  # its name ends where it begins
        (with_part(xlsx([["a"]]), "xl/bomb.xml", BOMB), "too_large"),
        (xlsx([["a"], ["1"]])[:200], "zip_broken"),
        (zipped({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<bad"}), "xlsx_broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_not_taken_says_why(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_two_members_of_one_name_and_passwords_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.csv", CSV)
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("a.csv", CSV)
    assert code_of(out.getvalue()) == "duplicate_name"
    locked = bytearray(zipped({"a.csv": CSV}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert code_of(bytes(locked)) == "encrypted"


def test_a_photo_over_its_limit_and_too_many_members_are_refused() -> None:
    big = zipped({"a.csv": CSV, "p.jpg": bytes(archive.MAX_PHOTO_BYTES + 1)}, method=zipfile.ZIP_STORED)
    assert code_of(big) == "too_large"
    parts = {f"xl/{n}.xml": b"" for n in range(xlsx_table.MAX_PARTS)}
    assert code_of(zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"", **parts})) == "too_large"


GOOD = (xlsx([list(HEADER), ["张", "1"], [date(2020, 1, 1), 2]]), zipped({"a.csv": CSV, "p.jpg": PHOTO}), CSV)


def read_whatever(data: bytes) -> None:
    """Rows, or a refusal with a code and a sentence; photos too."""
    refusal = None
    try:
        opened = open_upload(data)
        for row in opened.rows:
            assert all(isinstance(cell, str) for cell in row.cells)
        for name in opened.photos:
            opened.photos[name]
    except CertsvcError as error:
        refusal = error
    if refusal is not None:
        assert refusal.problems
        assert all(problem.code and problem.detail for problem in refusal.problems)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_arbitrary_bytes_never_crash_a_reader(data: bytes) -> None:
    read_whatever(data)


@settings(max_examples=100, deadline=None)
@given(
    good=st.sampled_from(GOOD),
    edits=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.one_of(st.none(), st.integers(1, 2**14)),
)
def test_damaged_files_never_crash_a_reader(good: bytes, edits: list[tuple[int, int]], cut: int | None) -> None:
    data = bytearray(good)
    for place, value in edits:
        data[place % len(data)] = value
    read_whatever(bytes(data[: cut % len(data) + 1] if cut else data))


XML = st.sampled_from(
    [
        b"<",
        b">",
        b'"',
        b"&",
        b"r=",
        b"A1",
        b"<f>1+1</f>",
        b"<v>",
        b"</v>",
        b"1e999",
        b"-1",
        b't="s"',
        b"99999999999",
        b"\xff",
        b"&x;",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**14), XML), min_size=1, max_size=4))
def test_damaged_sheets_inside_a_sound_archive_never_crash_a_reader(edits: list[tuple[int, bytes]]) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD[0])) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    sheet = bytearray(parts["xl/worksheets/sheet1.xml"])
    for place, piece in edits:
        at = place % len(sheet)
        sheet[at : at + len(piece)] = piece
    parts["xl/worksheets/sheet1.xml"] = bytes(sheet)
    read_whatever(zipped(parts, method=zipfile.ZIP_STORED))


def test_the_form_is_what_the_bytes_are() -> None:
    assert [form_of(data) for data in GOOD] == ["xlsx", "zip", "csv"]
