"""Text in cells that spreadsheets open: never a formula, whoever wrote it (CSV injection, CWE-1236)."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these would run in the reader's program."""
_QUOTED = "'"


def safe_cell(text: str) -> str:
    """The text as it may stand in a CSV file."""
    return _QUOTED + text if text.startswith(FORMULA_STARTS) else text


def plain_cell(text: str) -> str:
    """What :func:`safe_cell` made of it, undone, when the file comes back."""
    return text[1:] if text.startswith(_QUOTED) and text[1:].startswith(FORMULA_STARTS) else text
