"""Base45 (RFC 9285): bytes in the alphanumeric alphabet of QR codes, and read back in one spelling only.

All pairs of bytes of a text are computed at once: they stand side by side in one large number, each in a lane of its
own that no product leaves, so that a multiplication or shift of the number is one of every pair.
"""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE = 45
_SQUARE = _BASE * _BASE
_BYTES = 1 << 8
_FOREIGN = 255
_VALUES = bytes(ALPHABET.find(chr(n)) % _BYTES for n in range(_BYTES))
"""Value of every ASCII character; what is not in the alphabet is found at -1, which is :data:`_FOREIGN` here."""
_LETTERS = ALPHABET.encode("ascii").ljust(_BYTES, b"?")
_GAP = b"\xff"

_PAIRS = 256
"""Pairs that are computed at once; the longest code has 195."""
_LANE, _NARROW = 4, 3
"""Bytes of a lane: of writing, and of reading, where a lane is the three characters of a pair."""

# Division by 45 as a product that stays in its lane: of every word below 2^16, and of what that leaves.
_BY_BASE, _BASE_SHIFT = 46_604, 21
_AGAIN, _AGAIN_SHIFT = 1_457, 16


def _lanes(value: int, width: int) -> int:
    """``value`` in each lane of ``width`` bytes."""
    return int.from_bytes(value.to_bytes(width, "little") * _PAIRS, "little")


_DIGITS, _RESTS = _lanes(0x3F, _LANE), _lanes(0x7FF, _LANE)
_GAPS = _lanes(_GAP[0] << 24, _LANE)
_FIRST = _lanes(0xFF, _NARROW)


def encode(data: bytes) -> str:
    """The text of ``data``: three characters for two bytes, two for a last single one."""
    whole = len(data) & ~1
    text = b"".join([_pairs(data[at : at + 2 * _PAIRS]) for at in range(0, whole, 2 * _PAIRS)])
    if len(data) > whole:
        text = text[: whole // 2 * 3] + bytes((_LETTERS[data[-1] % _BASE], _LETTERS[data[-1] // _BASE]))
    return text.decode("ascii")


def _pairs(data: bytes) -> bytes:
    """The characters of the whole pairs of ``data``."""
    count = len(data) // 2
    spread = bytearray(_LANE * count)
    spread[0::_LANE], spread[1::_LANE] = data[1::2], data[0 : 2 * count : 2]
    words = int.from_bytes(spread, "little")
    rests = words * _BY_BASE >> _BASE_SHIFT & _RESTS
    third = rests * _AGAIN >> _AGAIN_SHIFT & _DIGITS
    gaps = _GAPS >> 8 * _LANE * (_PAIRS - count)
    digits = words - rests * _BASE | rests - third * _BASE << 8 | third << 16 | gaps
    return digits.to_bytes(_LANE * count, "little").translate(_LETTERS, _GAP)


def decode(text: str) -> bytes | None:
    """The bytes of ``text``; None for anything that :func:`encode` does not write.

    Every text has one reading and every bytes one text: a value over the range of its bytes is refused.
    """
    if not text.isascii():
        return None
    values = text.encode("ascii").translate(_VALUES)
    whole, rest = divmod(len(values), _NARROW)
    if rest == 1 or _FOREIGN in values:
        return None
    end = _NARROW * whole
    last = values[-2] + _BASE * values[-1] if rest else 0
    parts = [_words(values[at : min(at + _NARROW * _PAIRS, end)]) for at in range(0, end, _NARROW * _PAIRS)]
    if last >= _BYTES or None in parts:
        return None
    return b"".join([part for part in parts if part is not None]) + (bytes((last,)) if rest else b"")


def _words(values: bytes) -> bytes | None:
    """The pairs of bytes of whole triples; None when one is over the range of its pair."""
    digits = int.from_bytes(values, "little")
    # At most 91,124: a lane holds it.
    words = (digits & _FIRST) + (digits >> 8 & _FIRST) * _BASE + (digits >> 16 & _FIRST) * _SQUARE
    spread = words.to_bytes(len(values), "little")
    if any(spread[2::_NARROW]):
        return None
    data = bytearray(len(values) // _NARROW * 2)
    data[0::2], data[1::2] = spread[1::_NARROW], spread[0::_NARROW]
    return bytes(data)
