"""The page between rendering and signing: finished bytes with one hole for a signature.

``rendering`` makes a :class:`PreparedPdf`, ``signing`` fills it; neither knows the other. The hole is the whole value
of ``/Contents`` *with* its angle brackets, so that ``/ByteRange`` is ``[0 hole_start hole_end len-hole_end]``
(ISO 32000-2 §12.8.1) and the digest covers every other byte of the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedPdf:
    """One PDF, complete but for the hex string of its signature.

    Attributes:
        data: the file, with ``<000…0>`` in the hole.
        hole_start: offset of the ``<``.
        hole_end: offset after the ``>``.
        page_count: how many pages the file has.
    """

    data: bytes
    hole_start: int
    hole_end: int
    page_count: int = 1

    @property
    def byte_range(self) -> tuple[int, int, int, int]:
        """The four numbers of ``/ByteRange``."""
        return (0, self.hole_start, self.hole_end, len(self.data) - self.hole_end)

    @property
    def capacity(self) -> int:
        """How many bytes of DER fit in the hole."""
        return (self.hole_end - self.hole_start - 2) // 2

    def digest(self, algorithm: str) -> bytes:
        """Digest of the covered bytes; ``algorithm`` is a hashlib name (``sha256``, ``sm3``)."""
        state = hashlib.new(algorithm)
        view = memoryview(self.data)
        state.update(view[: self.hole_start])
        state.update(view[self.hole_end :])
        return state.digest()

    def fill(self, der: bytes) -> bytes:
        """The finished file with ``der`` in the hole, padded with zeros; RuntimeError when it does not fit."""
        if len(der) > self.capacity:
            msg = f"signature of {len(der)} bytes does not fit the hole of {self.capacity}"
            raise RuntimeError(msg)
        hexed = der.hex().encode("ascii").ljust(self.capacity * 2, b"0")
        return b"".join((self.data[: self.hole_start], b"<", hexed, b">", self.data[self.hole_end :]))
