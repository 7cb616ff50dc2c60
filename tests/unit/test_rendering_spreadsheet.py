"""Spreadsheets hold what they were given, as text: opened again with another reader's eyes and in the raw XML."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from openpyxl import load_workbook
from rendering_spreadsheet_rows import sheet_rows

from certsvc.catalog.lists import PublicList, public_lists
from certsvc.catalog.loader import load_catalog
from certsvc.errors import RenderingError
from certsvc.rendering.spreadsheet import MAX_CELL, MAX_ROWS, workbook

LISTS = public_lists(load_catalog())
DANGEROUS = (
    "=1+1",
    '=HYPERLINK("https://example.invalid")',
    "+1",
    "-1",
    "@SUM(A1)",
    "#N/A",
    "{=1}",
    "\t=1",
    "TRUE",
    "007",
)


@pytest.mark.parametrize("made", LISTS, ids=lambda made: made.name)
def test_a_list_opened_again_has_the_same_rows(made: PublicList) -> None:
    data = workbook(made.title, made.header, made.rows)
    sheet = load_workbook(io.BytesIO(data)).active
    assert sheet.title == made.title
    assert sheet.freeze_panes == "A2"
    assert sheet_rows(data) == [made.header, *made.rows]


def test_nothing_is_ever_a_formula() -> None:
    data = workbook("表", DANGEROUS, (DANGEROUS,))
    assert sheet_rows(data) == [DANGEROUS, DANGEROUS]
    cells: list[Any] = [cell for row in load_workbook(io.BytesIO(data)).active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}
    starts = ("=", "+", "-", "@", "\t")
    assert [bool(cell.quotePrefix) for cell in cells] == [text.startswith(starts) for text in DANGEROUS * 2]
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        xml = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    assert "<f " not in xml


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    assert sheet_rows(workbook("表", ("甲\x00乙\x0b",), ())) == [("甲乙",)]


def test_what_a_sheet_cannot_hold_is_refused_and_not_cut() -> None:
    with pytest.raises(RenderingError, match="第 2 行第 1 列"):
        workbook("表", ("甲",), (("长" * (MAX_CELL + 1),),))
    with pytest.raises(RenderingError, match="行"):
        workbook("表", ("甲",), (("短",),) * (MAX_ROWS + 1))
