"""Checks SM2 signatures of one key with tables of its multiples, made once (docs/decisions/0017).

The mathematics is that of pycryptodome: its C code for curves ``y² = x³ - 3x + b``, of which SM2's is one. It keeps
tables of the point that a curve is told to have as its generator, so it is given the curve twice: once with the base
point and once with the public key in that place. A check takes a fifth of GmSSL's time, and what GmSSL signed is
checked by another library.

Everything here is public: points, signatures, digests. No secret may come to this module, whose arithmetic takes a
time that depends on the numbers. The entry to the C code is not part of pycryptodome's public interface, so a version
without it must be expected: there are no tables then, and GmSSL checks.
"""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any

from certsvc.signing.sm2_curve import COORDINATE_BYTES, ORDER, POINT_BYTES, PRIME, B, G

if TYPE_CHECKING:
    from types import ModuleType

_LIBRARY = "Crypto.PublicKey._nist_ecc"
_POINTERS = "Crypto.Util._raw_api"
_BITS = 256
_INFINITY = bytes(POINT_BYTES)
"""How the library writes the neutral element."""


class NoTables(Exception):
    """The library has no such entry in this version, or the entry does not do what it did."""


class Sm2Tables:
    """Tables of one public key (67 kB, 1.5 ms). Nothing in them changes: threads may share them."""

    __slots__ = ("_base", "_curve")

    def __init__(self, point: bytes) -> None:
        """Take 64 bytes x ‖ y of a point of the curve; NoTables when the library cannot be used for it."""
        try:
            self._base, self._curve = _base(), _Curve(point)
            # The generator is one point more, here its sum with itself: whatever the library does not do shows at once.
            if self._base.multiple(1) != G or self._curve.multiple(ORDER - 1) != _negative(point):
                raise NoTables
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise NoTables from error

    def holds(self, digest: bytes, r: int, s: int) -> bool:
        """Whether ``(r, s)``, both in [1, n-1], is a signature over ``digest`` (GB/T 32918.2 §7.1, steps B5 to B7)."""
        t = (r + s) % ORDER
        if t == 0:
            return False
        total = self._base.multiple(s, plus=self._curve.multiple(t))
        if total == _INFINITY:
            return False
        x = int.from_bytes(total[:COORDINATE_BYTES], "big")
        return (int.from_bytes(digest, "big") + x) % ORDER == r


class _Curve:
    """The curve with ``generator`` in the place of its generator, for which the library keeps tables."""

    __slots__ = ("_calls", "_context", "_generator", "_pointers", "_size")

    def __init__(self, generator: bytes) -> None:
        library, self._pointers = _modules()
        x, y = (int.from_bytes(half, "big") for half in (generator[:COORDINATE_BYTES], generator[COORDINATE_BYTES:]))
        made = library._new_curve(PRIME, int.from_bytes(B, "big"), ORDER, x, y, _BITS, "", "SM2", None)  # noqa: SLF001
        self._calls: Any = library.EcLib
        self._context: Any = made.context
        self._size: Any = self._pointers.c_size_t(COORDINATE_BYTES)
        self._generator: Any = self._point(generator)

    def multiple(self, factor: int, *, plus: bytes = b"") -> bytes:
        """``factor`` times the generator, and ``plus`` added when there is one: x ‖ y, zeros for the neutral point."""
        calls, size, pointers = self._calls, self._size, self._pointers
        place = pointers.VoidPointer()
        # A copy: to take a point in again would have the library prove again that it lies on the curve.
        failed = calls.clone(place.address_of(), self._generator.get())
        made = pointers.SmartPointer(place.get(), calls.free_point)
        failed = failed or calls.scalar_public(made.get(), factor.to_bytes(COORDINATE_BYTES, "big"), size)
        if plus:
            # Named, so that it lives as long as the call.
            other = self._point(plus)
            failed = failed or calls.add(made.get(), other.get())
        x, y = pointers.create_string_buffer(COORDINATE_BYTES), pointers.create_string_buffer(COORDINATE_BYTES)
        failed = failed or calls.get_xy(x, y, size, made.get())
        if failed:
            msg = f"error {failed} of the library"
            raise ValueError(msg)
        return bytes(pointers.get_raw_buffer(x)) + bytes(pointers.get_raw_buffer(y))

    def _point(self, point: bytes) -> Any:
        """A point of the library, given back to it when Python drops the object; ValueError when it is none."""
        place, x, y = self._pointers.VoidPointer(), point[:COORDINATE_BYTES], point[COORDINATE_BYTES:]
        failed = self._calls.new_point(place.address_of(), x, y, self._size, self._context.get())
        if failed:
            msg = f"error {failed} of the library: no point of the curve"
            raise ValueError(msg)
        return self._pointers.SmartPointer(place.get(), self._calls.free_point)


@functools.cache
def _base() -> _Curve:
    return _Curve(G)


def _modules() -> tuple[Any, Any]:
    library: ModuleType = importlib.import_module(_LIBRARY)
    return library, importlib.import_module(_POINTERS)


def _negative(point: bytes) -> bytes:
    y = PRIME - int.from_bytes(point[COORDINATE_BYTES:], "big")
    return point[:COORDINATE_BYTES] + y.to_bytes(COORDINATE_BYTES, "big")
