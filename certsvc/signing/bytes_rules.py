"""Rules about the raw bytes of a sealed file that hold before and beside any parsing (RELIABILITY.md 1.2 d)."""

from __future__ import annotations

import re

MAX_FILE_BYTES = 20 * 1024 * 1024
"""Largest file that is judged; larger ones stop at the door."""

_BYTE_RANGE_NUMBERS = 4
_MAGIC = b"%PDF-"
_END = b"%%EOF"
_BLANK = b"\x00\t\n\x0c\r "
_BYTE_RANGE_KEY = re.compile(rb"/ByteRange\b")
_ONE_CASE_HEX = re.compile(rb"(?:[0-9a-f]*|[0-9A-F]*)")


def looks_like_pdf(data: bytes) -> bool:
    """Whether the file starts with ``%PDF-`` at its very first byte (ISO 32000-2 §7.5.2)."""
    return data.startswith(_MAGIC)


def ends_cleanly(data: bytes) -> bool:
    """Whether nothing but white space and NUL follows the last ``%%EOF``: text may hide behind the end."""
    return data.rstrip(_BLANK).endswith(_END)


def byte_range_count(data: bytes) -> int:
    """How many ``/ByteRange`` keys stand in the raw bytes, to compare with the signatures found."""
    return len(_BYTE_RANGE_KEY.findall(data))


def hole_problem(data: bytes, byte_range: tuple[int, ...], contents: bytes) -> str:
    """Why the gap of ``byte_range`` is not exactly the ``/Contents`` of its signature, or an empty text.

    The gap must be ``<``, the hexadecimal digits of ``contents`` in one case, ``>``: no signature covers the gap, so
    every other spelling could carry something that nobody signed.
    """
    if len(byte_range) != _BYTE_RANGE_NUMBERS or byte_range[0] != 0 or min(byte_range) < 0:
        return "ByteRange is not [0 a b c]"
    _, start, end, rest = byte_range
    if not 0 < start < end or end + rest > len(data):
        return "ByteRange leaves the file"
    hexed = data[start + 1 : end - 1]
    if data[start : start + 1] != b"<" or data[end - 1 : end] != b">":
        return "the gap is not a hexadecimal string"
    if len(hexed) != 2 * len(contents) or not _ONE_CASE_HEX.fullmatch(hexed):
        return "the gap holds more than the signature"
    if bytes.fromhex(hexed.decode("ascii")) != contents:
        return "the gap is not the signature of this field"
    return ""
