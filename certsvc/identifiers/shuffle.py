"""A keyed permutation: numbers in a row become places that nobody without the key can tell apart from random ones.

A counter is never repeated and cheap however full its range is; the permutation takes its order away. It is a Feistel
network over two halves, so every key gives a bijection whatever the round functions are; these are tables that
SHAKE-256 draws from the key. It must never change: places that were given out stand in signed documents.
"""

from __future__ import annotations

import hashlib

ROUNDS = 10
"""As many as NIST SP 800-38G takes for FF1; four would do against those who see places only."""
KEY_BYTES = 32
_WORD_BYTES = 2


class Shuffle:
    """One permutation of the numbers below ``2 ** bits``."""

    __slots__ = ("_half", "_mask", "_tables", "size")

    def __init__(self, key: bytes, bits: int) -> None:
        """Draw the round tables; RuntimeError for a short key or an odd or large number of bits."""
        if len(key) != KEY_BYTES or bits % 2 or not 0 < bits <= 8 * 2 * _WORD_BYTES:
            msg = f"a shuffle takes a key of {KEY_BYTES} bytes and an even number of bits up to 32"
            raise RuntimeError(msg)
        self.size = 1 << bits
        self._half = bits // 2
        self._mask = (1 << self._half) - 1
        self._tables = tuple(self._table(key, number) for number in range(ROUNDS))

    def place(self, number: int) -> int:
        """Where ``number`` comes to stand; RuntimeError when it is not below ``size``."""
        if not 0 <= number < self.size:
            msg = f"{number} is not below {self.size}"
            raise RuntimeError(msg)
        left, right = number >> self._half, number & self._mask
        for table in self._tables:
            left, right = right, left ^ table[right]
        return left << self._half | right

    def _table(self, key: bytes, number: int) -> tuple[int, ...]:
        size = (self._mask + 1) * _WORD_BYTES
        drawn = hashlib.shake_256(key + bytes((2 * self._half, number))).digest(size)
        words = (int.from_bytes(drawn[at : at + _WORD_BYTES], "big") for at in range(0, size, _WORD_BYTES))
        return tuple(word & self._mask for word in words)
