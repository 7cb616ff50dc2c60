"""Signs with one SM2 key that GmSSL has taken in once (docs/decisions/0094).

gmssl-pyx takes a secret with every call and has GmSSL compute the public key from it anew before it signs: a quarter of
the time. GmSSL's own functions, which stand in the same file, keep the key; they are called here. What they do with
secret and nonce is GmSSL's and the same as behind the call of gmssl-pyx.

They are no interface of gmssl-pyx, so only versions are used that were looked at, rooms are far larger than what is put
into them, and a key is used only when GmSSL's check, by its interface, found a trial signature good.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import gmssl_pyx

from certsvc.errors import SigningError

KNOWN_VERSIONS = frozenset({"2.1.0"})
"""Versions of gmssl-pyx whose functions take what they are given here; another is not tried."""

_ROOM = 4096
"""Bytes for a key, which takes 128, for a number of 32 and for a signature of 64."""
_SIGNATURE_BYTES = 64
_GOOD = 1


class NoSigner(Exception):
    """Another version of the library, one without these functions, or one that does not do what it did."""


class Sm2Signer:
    """One secret, as GmSSL keeps it. Nothing in it changes: threads may share it."""

    __slots__ = ("_key", "_sign")

    def __init__(self, secret: bytes) -> None:
        """Take 32 bytes of a secret in range; NoSigner when the library cannot be used so."""
        calls = _functions()
        number, self._key = ctypes.create_string_buffer(_ROOM), ctypes.create_string_buffer(_ROOM)
        calls.sm2_z256_from_bytes(number, secret)
        taken = calls.sm2_key_set_private_key(self._key, number)
        ctypes.memset(number, 0, _ROOM)
        if taken != _GOOD:
            raise NoSigner
        self._sign = calls.sm2_do_sign

    def sign(self, digest: bytes) -> bytes:
        """``r`` and ``s`` in 32 bytes each over the 32 bytes of ``digest``; SigningError when the library fails."""
        made = ctypes.create_string_buffer(_ROOM)
        if self._sign(self._key, digest, made) != _GOOD:
            msg = "SM2 签名运算失败"
            raise SigningError(msg)
        return made.raw[:_SIGNATURE_BYTES]

    def __repr__(self) -> str:
        """Without the key: no log line can carry it."""
        return "Sm2Signer(…)"

    def __reduce__(self) -> str:
        """Refuse to be pickled: keys stay in their process."""
        msg = "a private key cannot be pickled"
        raise RuntimeError(msg)


@functools.cache
def _functions() -> Any:
    """GmSSL's functions; each lets other threads run meanwhile."""
    if gmssl_pyx.__version__ not in KNOWN_VERSIONS:
        raise NoSigner
    try:
        calls = ctypes.CDLL(gmssl_pyx.gmsslext.__file__)
        for name, takes in (
            ("sm2_z256_from_bytes", (ctypes.c_void_p, ctypes.c_char_p)),
            ("sm2_key_set_private_key", (ctypes.c_void_p, ctypes.c_void_p)),
            ("sm2_do_sign", (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)),
        ):
            getattr(calls, name).argtypes = takes
        calls.sm2_z256_from_bytes.restype = None
    except (OSError, AttributeError, TypeError) as error:
        raise NoSigner from error
    return calls
