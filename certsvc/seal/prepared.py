"""The page between rendering and signing: finished bytes with one hole for a signature.

``rendering`` makes a :class:`PreparedPdf`, ``signing`` fills it; neither knows the other. The hole is the whole value
of ``/Contents`` *with* its angle brackets, so that ``/ByteRange`` is ``[0 hole_start hole_end len-hole_end]``
(ISO 32000-2 §12.8.1) and the digest covers every other byte of the file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash


class Prefix:
    """Bytes that many files begin with, digested once per algorithm and searched once per word.

    More than half of a license page is the same for every holder (fonts, stamp, colour profile): a page that says so
    costs only the digest of the rest.
    """

    __slots__ = ("_found", "_states", "data")

    def __init__(self, data: bytes) -> None:
        """Take the bytes; nothing is computed before it is asked for."""
        self.data = data
        self._states: dict[str, _Hash] = {}
        self._found: dict[bytes, bool] = {}

    def state(self, algorithm: str) -> _Hash:
        """A hash object of ``algorithm`` that has taken in the bytes; each call gives a copy of its own."""
        known = self._states.get(algorithm)
        if known is None:
            known = self._states[algorithm] = hashlib.new(algorithm, self.data)
        return known.copy()

    def holds(self, word: bytes) -> bool:
        """Whether ``word`` stands anywhere in the bytes."""
        found = self._found.get(word)
        if found is None:
            found = self._found[word] = word in self.data
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedPdf:
    """One PDF, complete but for the hex string of its signature.

    Attributes:
        data: the file, with ``<000…0>`` in the hole.
        hole_start: offset of the ``<``.
        hole_end: offset after the ``>``.
        page_count: how many pages the file has.
        prefix: what the file begins with, when many do; only a help, compared with ``data`` before it is used.
    """

    data: bytes
    hole_start: int
    hole_end: int
    page_count: int = 1
    prefix: Prefix | None = field(default=None, repr=False, compare=False)
    _digests: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        """To another process without the prefix, which every process has, and with the digests that are known."""
        return _received, (self.data, self.hole_start, self.hole_end, self.page_count, self._digests)

    @property
    def byte_range(self) -> tuple[int, int, int, int]:
        """The four numbers of ``/ByteRange``."""
        return (0, self.hole_start, self.hole_end, len(self.data) - self.hole_end)

    @property
    def capacity(self) -> int:
        """How many bytes of DER fit in the hole."""
        return (self.hole_end - self.hole_start - 2) // 2

    def known_prefix(self) -> Prefix | None:
        """The prefix, if the covered bytes before the hole do begin with it."""
        prefix = self.prefix
        if prefix is None or len(prefix.data) > self.hole_start or not self.data.startswith(prefix.data):
            return None
        return prefix

    def digest(self, algorithm: str) -> bytes:
        """Digest of the covered bytes; ``algorithm`` is a hashlib name (``sha256``, ``sm3``)."""
        found = self._digests.get(algorithm)
        if found is None:
            prefix = self.known_prefix()
            state, done = (prefix.state(algorithm), len(prefix.data)) if prefix else (hashlib.new(algorithm), 0)
            view = memoryview(self.data)
            state.update(view[done : self.hole_start])
            state.update(view[self.hole_end :])
            found = self._digests[algorithm] = state.digest()
        return found

    def fill(self, der: bytes) -> bytes:
        """The finished file with ``der`` in the hole, padded with zeros; RuntimeError when it does not fit."""
        if len(der) > self.capacity:
            msg = f"signature of {len(der)} bytes does not fit the hole of {self.capacity}"
            raise RuntimeError(msg)
        hexed = der.hex().encode("ascii").ljust(self.capacity * 2, b"0")
        view = memoryview(self.data)
        return b"".join((view[: self.hole_start], b"<", hexed, b">", view[self.hole_end :]))


def _received(data: bytes, hole_start: int, hole_end: int, page_count: int, digests: dict[str, bytes]) -> PreparedPdf:
    page = PreparedPdf(data=data, hole_start=hole_start, hole_end=hole_end, page_count=page_count)
    page._digests.update(digests)  # noqa: SLF001  (its own)
    return page
