"""Base45 (RFC 9285): bytes in the alphanumeric alphabet of QR codes, by table, and read back in one spelling only."""

from __future__ import annotations

import struct

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE = 45
_SQUARE = _BASE * _BASE
_WORDS, _BYTES = 1 << 16, 1 << 8
_PAIRS = tuple(ALPHABET[n % _BASE] + ALPHABET[n // _BASE] for n in range(_SQUARE))
_FOREIGN = 255
_VALUES = bytes(ALPHABET.find(chr(n)) % _BYTES for n in range(_BYTES))
"""Value of every ASCII character; what is not in the alphabet is found at -1, which is :data:`_FOREIGN` here."""


def encode(data: bytes) -> str:
    """The text of ``data``: three characters for two bytes, two for a last single one.

    From two small tables: one of all 65,536 triples does not stay in a processor's cache, and took twice as long.
    """
    count, odd = divmod(len(data), 2)
    words = struct.unpack(f">{count}H", data[: 2 * count])
    text = "".join([_PAIRS[word % _SQUARE] + ALPHABET[word // _SQUARE] for word in words])
    return text + _PAIRS[data[-1]] if odd else text


def decode(text: str) -> bytes | None:
    """The bytes of ``text``; None for anything that :func:`encode` does not write.

    Every text has one reading and every bytes one text: a value over the range of its bytes is refused.
    """
    if not text.isascii():
        return None
    values = text.encode("ascii").translate(_VALUES)
    whole, rest = divmod(len(values), 3)
    if rest == 1 or _FOREIGN in values:
        return None
    end = 3 * whole
    words = [
        a + _BASE * b + _SQUARE * c for a, b, c in zip(values[0:end:3], values[1:end:3], values[2:end:3], strict=True)
    ]
    last = values[-2] + _BASE * values[-1] if rest else 0
    if last >= _BYTES or (words and max(words) >= _WORDS):
        return None
    return struct.pack(f">{whole}H", *words) + (bytes((last,)) if rest else b"")
