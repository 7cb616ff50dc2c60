"""The text of an upload as PDFium lays it out: what is hidden in it, and where a keyword stands. Runs in a worker."""

from __future__ import annotations

import ctypes
import difflib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARS = 500_000
"""Characters of one file; a book has as many. More is an attempt to eat the processor."""
MAX_KEYWORD = 50
MAX_HITS = 500
MAX_NEAR_WINDOWS = 20_000
"""Pieces of text that are compared with a keyword that was not found."""
NEAR_WORDS = 3
_LEAST_LIKE = 0.5
_INVISIBLE_MODES = frozenset({3, 7})
"""Neither filled nor stroked (ISO 32000-2 table 104)."""
_LEAST_ALPHA = 8
_OUTSIDE_POINTS = 1.0


class TooMuchText(ValueError):
    """More than :data:`MAX_CHARS`."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One normalised character and its box in user space: left, lower, right, upper."""

    char: str
    box: tuple[float, float, float, float]


def text_problem(document: pdfium.PdfDocument, pages: Iterable[tuple[float, float, float, float]]) -> str:
    """Why some text is not seen (``invisible``, ``transparent``, ``outside``), or not everywhere the same.

    The latter is ``unembedded``: a font that text uses is not in the file; one that is only listed does no harm.

    ``pages`` are the boxes that are seen. White text on white is not found out: only a picture of the page shows it.
    """
    left = MAX_CHARS
    for number, box in enumerate(pages):
        page = document[number]
        text = page.get_textpage()
        try:
            left -= text.count_chars()
            if left < 0:
                raise TooMuchText
            why = _problem_on(text, box)
        finally:
            text.close()
            page.close()
        if why:
            return why
    return ""


def _problem_on(text: pdfium.PdfTextPage, seen: tuple[float, float, float, float]) -> str:
    colour = [ctypes.c_uint() for _ in range(4)]
    modes: dict[int, int] = {}
    for index in range(text.count_chars()):
        if pdfium_c.FPDFText_IsGenerated(text, index) == 1 or _is_blank(pdfium_c.FPDFText_GetUnicode(text, index)):
            continue
        holder = pdfium_c.FPDFText_GetTextObject(text, index)
        place = ctypes.cast(holder, ctypes.c_void_p).value or 0
        if place not in modes:
            modes[place] = pdfium_c.FPDFTextObj_GetTextRenderMode(holder)
            if pdfium_c.FPDFFont_GetIsEmbedded(pdfium_c.FPDFTextObj_GetFont(holder)) != 1:
                return "unembedded"
        if modes[place] in _INVISIBLE_MODES:
            return "invisible"
        if (
            modes[place] == 0
            and pdfium_c.FPDFText_GetFillColor(text, index, *colour)
            and colour[3].value < _LEAST_ALPHA
        ):
            return "transparent"
        box = _box(text, index)
        if box is not None and (
            box[2] < seen[0] - _OUTSIDE_POINTS
            or box[0] > seen[2] + _OUTSIDE_POINTS
            or box[3] < seen[1] - _OUTSIDE_POINTS
            or box[1] > seen[3] + _OUTSIDE_POINTS
        ):
            return "outside"
    return ""


def _is_blank(code: int) -> bool:
    return code < 33 or chr(code).isspace()  # noqa: PLR2004  (control characters and the space)


def _box(text: pdfium.PdfTextPage, index: int) -> tuple[float, float, float, float] | None:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not pdfium_c.FPDFText_GetCharBox(text, index, left, right, bottom, top):
        return None
    return left.value, bottom.value, right.value, top.value


def letters_of(document: pdfium.PdfDocument, number: int) -> list[Letter]:
    """The visible characters of a page in reading order: full width as half width, without any white space."""
    page = document[number]
    text = page.get_textpage()
    try:
        found: list[Letter] = []
        high = 0
        for index in range(text.count_chars()):
            code = pdfium_c.FPDFText_GetUnicode(text, index)
            if 0xD800 <= code < 0xDC00:  # noqa: PLR2004  (the first half of a character beyond the basic plane)
                high = code
                continue
            if 0xDC00 <= code < 0xE000 and high:  # noqa: PLR2004
                code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
            high = 0
            box = _box(text, index)
            if box is None or _is_blank(code):
                continue
            found.extend(Letter(char, box) for char in normal(chr(code)))
        return found
    finally:
        text.close()
        page.close()


def normal(text: str) -> str:
    """Full width to half width, compatibility forms to plain ones, no white space, one case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if not char.isspace())


def find_keyword(document: pdfium.PdfDocument, keyword: str) -> dict[str, Any]:
    """Where the keyword stands on which page, and the words most like it when it stands nowhere."""
    wanted = normal(keyword)[:MAX_KEYWORD]
    hits: list[dict[str, Any]] = []
    windows: dict[str, int] = {}
    left = MAX_CHARS
    for number in range(len(document)):
        letters = letters_of(document, number)
        left -= len(letters)
        if left < 0:
            raise TooMuchText
        line = "".join(letter.char for letter in letters)
        at = line.find(wanted)
        while at >= 0 and len(hits) < MAX_HITS:
            hits.append({"page": number, "rect": _last_row(letters[at : at + len(wanted)])})
            at = line.find(wanted, at + len(wanted))
        if not hits and len(windows) < MAX_NEAR_WINDOWS:
            for row in _rows(letters):
                for start in range(max(1, len(row) - len(wanted) + 1)):
                    windows.setdefault(row[start : start + len(wanted)], number)
    near = [] if hits else _near(wanted, windows)
    return {"found": hits, "near": near}


def _rows(letters: list[Letter]) -> list[str]:
    """The text line by line: a line ends where the next character stands further left."""
    rows, last = [""], 0.0
    for letter in letters:
        if letter.box[0] < last - 1:
            rows.append("")
        rows[-1] += letter.char
        last = letter.box[0]
    return rows


def _last_row(letters: list[Letter]) -> list[float]:
    """The box of a keyword; where it runs over a line break, of what stands on the last line."""
    row = [letters[-1].box]
    for letter in reversed(letters[:-1]):
        follows = row[-1]
        same_row = letter.box[1] < follows[3] and letter.box[3] > follows[1] and letter.box[0] <= follows[0] + 1
        same_column = letter.box[0] < follows[2] and letter.box[2] > follows[0]
        if not same_row and not same_column:
            break
        row.append(letter.box)
    return [min(b[0] for b in row), min(b[1] for b in row), max(b[2] for b in row), max(b[3] for b in row)]


def _near(wanted: str, windows: dict[str, int]) -> list[tuple[str, int]]:
    shared = [text for text in windows if not set(wanted).isdisjoint(text)]
    like = difflib.get_close_matches(wanted, shared, n=NEAR_WORDS, cutoff=_LEAST_LIKE)
    return [(text, windows[text]) for text in like]
