"""The words of PDF: names, strings, numbers, objects, the cross-reference table (ISO 32000-2 §7).

Everything that comes from data goes through :func:`text_string`, :func:`name` or a glyph map: nothing from outside is
ever written into the file as syntax.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from certsvc.clock import SHANGHAI, check_aware

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
"""1.7: the version that PDF/A-3 (ISO 19005-3 §6.1.2) stands on, with four high bytes that say "binary"."""

_OBJECT_HEADS = tuple(b"%d 0 obj\n" % number for number in range(256))
_OBJECT_END = b"\nendobj\n"

_REGULAR = frozenset(b"!\"$&'*+,-.0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\\^_`abcdefghijklmnopqrstuvwxyz|~")


def text_string(text: str) -> bytes:
    """A text string object: a literal for printable ASCII, otherwise UTF-16BE in hexadecimal (§7.9.2.2)."""
    if text.isascii() and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        return f"({escaped})".encode("ascii")
    return b"<FEFF" + text.encode("utf-16-be", "surrogatepass").hex().upper().encode("ascii") + b">"


def name(text: str) -> bytes:
    """A name object; everything but regular characters becomes ``#xx`` (§7.3.5)."""
    return b"/" + b"".join(b"%c" % c if c in _REGULAR else b"#%02X" % c for c in text.encode("utf-8"))


@lru_cache(maxsize=512)
def constant_text(text: str) -> bytes:
    """:func:`text_string` of words that come back on every page: names of fields, seals and reasons, never data."""
    return text_string(text)


@lru_cache(maxsize=64)
def date_string(at: datetime) -> bytes:
    """A date in Asia/Shanghai, such as ``(D:20260101080000+08'00')`` (§7.9.4)."""
    t = check_aware(at).astimezone(SHANGHAI)
    return b"(D:%04d%02d%02d%02d%02d%02d+08'00')" % (t.year, t.month, t.day, t.hour, t.minute, t.second)


def num(value: float) -> str:
    """A number with at most two decimals (1/7000 inch), without a useless tail."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def stream(dictionary: bytes, data: bytes, *, pack: bool = False) -> bytes:
    """A stream object; ``pack`` deflates it (constant parts only: packing once is free, packing per page is not)."""
    if pack:
        data = zlib.compress(data, 9)
        dictionary += b"/Filter/FlateDecode"
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (dictionary, len(data), data)


def stream_pieces(dictionary: bytes, *data: bytes) -> tuple[bytes, ...]:
    """A stream object as it is, in pieces for :meth:`FileWriter.add`: large data is copied once, into the file."""
    return b"<<%s/Length %d>>stream\n" % (dictionary, sum(map(len, data))), *data, b"\nendstream"


def table_lines(offsets: Sequence[int]) -> bytes:
    """The lines of a cross-reference table for objects in use at ``offsets``."""
    return b"%010d 00000 n \n" * len(offsets) % tuple(offsets)


class FileWriter:
    """Collects objects in order of their numbers and closes the file with a classic cross-reference table."""

    def __init__(self, prefix: bytes = HEADER, offsets: Sequence[int] = (), lines: bytes = b"") -> None:
        """Go on after ``prefix``, which holds objects 1.. at ``offsets``; ``lines`` are those of their table.

        The last of them may stand there in part; then :meth:`go_on` comes first.
        """
        self.parts: list[bytes] = [prefix]
        self._offsets: list[int] = list(offsets)
        self._position, self._placed = len(prefix), 1
        self._firsts: list[int] = []
        self._number = len(self._offsets)
        self._lines, self._listed = lines, len(offsets) if lines else 0

    @property
    def next_number(self) -> int:
        """The number that the next object gets."""
        return self._number + 1

    @property
    def position(self) -> int:
        """The length of what is written so far."""
        self._place()
        return self._position

    @property
    def offsets(self) -> list[int]:
        """Where each object begins, in order of their numbers."""
        self._place()
        return self._offsets

    def _place(self) -> None:
        """Find the places of what was added since the last time: all at once, at a third of the cost of one by one."""
        ends = (*accumulate(map(len, self.parts[self._placed :]), initial=self._position),)
        self._offsets += [ends[first - self._placed] for first in self._firsts]
        self._firsts.clear()
        self._position, self._placed = ends[-1], len(self.parts)

    def add(self, *body: bytes) -> int:
        """Write one object, given in pieces that need not be joined before, and return its number."""
        parts = self.parts
        self._firsts.append(len(parts))
        number = self._number = self._number + 1
        parts.append(_OBJECT_HEADS[number] if number < len(_OBJECT_HEADS) else b"%d 0 obj\n" % number)
        parts += body
        parts.append(_OBJECT_END)
        return number

    def go_on(self, *body: bytes) -> None:
        """Write the rest of the object with which the prefix ends."""
        self.parts += (*body, _OBJECT_END)

    def expect(self, number: int) -> int:
        """Check that the next object gets the number that others already point to (RuntimeError: our mistake)."""
        if self.next_number != number:
            msg = f"object {number} was promised, but {self.next_number} comes next"
            raise RuntimeError(msg)
        return number

    def close(self, trailer: bytes) -> int:
        """Write table and trailer; returns the length of the file."""
        size, position = self._number + 1, self.position
        part = b"xref\n0 %d\n0000000000 65535 f \n%s%strailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (
            size,
            self._lines,
            table_lines(self._offsets[self._listed :]),
            size,
            trailer,
            position,
        )
        self.parts.append(part)
        return position + len(part)
