"""The rows of a spreadsheet as openpyxl reads them back."""

from __future__ import annotations

import io

from openpyxl import load_workbook


def sheet_rows(data: bytes) -> list[tuple[str, ...]]:
    """Header and rows; an empty cell is an empty text."""
    sheet = load_workbook(io.BytesIO(data)).active
    return [tuple("" if value is None else value for value in row) for row in sheet.iter_rows(values_only=True)]
