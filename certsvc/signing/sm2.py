"""SM2 signatures with SM3 (GB/T 32918.2; STANDARDS.md 4.1): keys, signing, verifying.

The mathematics is that of GmSSL through gmssl-pyx, by its call over a digest (PERFORMANCE A: eleven times its call over
a message). This module computes ``e = SM3(Z ‖ M)``: Z depends on the key alone, so its SM3 state is kept per key and
copied per message. What a signature may look like is decided here and not by the library: DER of two integers in
[1, n-1], shortest form, nothing behind it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import gmssl_pyx

from certsvc.errors import ConfigurationError, SigningError
from certsvc.signing.der import tlv
from certsvc.signing.sm2_curve import ORDER, POINT_BYTES, A, B, G
from certsvc.signing.sm2_oids import CURVE_NAME
from certsvc.signing.sm2_signer import NoSigner, Sm2Signer
from certsvc.signing.sm2_tables import NoTables, Sm2Tables

if TYPE_CHECKING:
    from typing import Self

DEFAULT_ID = b"1234567812345678"
"""The signer's ID of GB/T 35276 where the parties agreed on none."""

KEY_BYTES = 32
RAW_BYTES = 64
"""Length of a signature written as r ‖ s (STANDARDS.md 3.4: 同智伟业)."""

MAX_DER = 72
"""SEQUENCE header 2, and twice INTEGER header 2, sign byte 1, value 32."""

_UNCOMPRESSED = b"\x04"
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
_SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")
_ALGORITHM = tlv(0x30, _EC_PUBLIC_KEY, _SM2_CURVE)
_POINT_HEAD = bytes.fromhex("034200") + _UNCOMPRESSED
_SPKI_HEAD = bytes.fromhex("3059") + _ALGORITHM + _POINT_HEAD
# Some makers of certificates name the curve as the algorithm too.
_SPKI_HEAD_CURVE_TWICE = bytes.fromhex("305a") + tlv(0x30, _SM2_CURVE, _SM2_CURVE) + _POINT_HEAD
_SEQUENCE, _INTEGER, _OCTET_STRING, _BIT_STRING, _CONTEXT_1 = 0x30, 0x02, 0x04, 0x03, 0xA1
_SIGN_BIT = 0x80
_HEADER = 2
_PKCS8_HEAD = tlv(_INTEGER, b"\x00") + _ALGORITHM


class Sm2PublicKey:
    """A point of the curve, with Z and the SM3 state behind it computed once."""

    __slots__ = ("_state", "_tables", "point")

    curve = CURVE_NAME

    def __init__(self, point: bytes, *, signer_id: bytes = DEFAULT_ID) -> None:
        """Take 64 bytes x ‖ y; ValueError when they are not a point of the curve."""
        try:
            self.point = bytes(gmssl_pyx.normalize_sm2_public_key(bytes(point)))
        except (gmssl_pyx.GmsslInnerError, ValueError, TypeError) as error:
            msg = "not a point of the SM2 curve"
            raise ValueError(msg) from error
        bits = (8 * len(signer_id)).to_bytes(2, "big")
        z = hashlib.new("sm3", b"".join((bits, signer_id, A, B, G, self.point))).digest()
        self._state = hashlib.new("sm3", z)
        self._tables: Sm2Tables | None = None

    @classmethod
    def from_spki(cls, der: bytes) -> Self:
        """The key in a SubjectPublicKeyInfo; ValueError for any other encoding or algorithm."""
        for head in (_SPKI_HEAD, _SPKI_HEAD_CURVE_TWICE):
            if len(der) == len(head) + POINT_BYTES and der.startswith(head):
                return cls(der[len(head) :])
        msg = "not the SubjectPublicKeyInfo of an SM2 key"
        raise ValueError(msg)

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo in DER."""
        return _SPKI_HEAD + self.point

    @property
    def bits(self) -> bytes:
        """The uncompressed point, as key identifiers are computed from (RFC 5280 §4.2.1.2)."""
        return _UNCOMPRESSED + self.point

    def digest(self, data: bytes) -> bytes:
        """``e = SM3(Z ‖ data)``: what is signed."""
        state = self._state.copy()
        state.update(data)
        return state.digest()

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether the DER ``signature`` is one over ``data``; an encoding that is not the shortest is none."""
        return is_strict_der(signature) and self._verify_digest(signature, self.digest(data))

    def verify_lenient(self, signature: bytes, data: bytes) -> bool:
        """As :meth:`verify`, and r ‖ s in 64 raw bytes too: some seal makers write that (STANDARDS.md 3.4)."""
        if len(signature) == RAW_BYTES:
            signature = raw_to_der(signature)
        return self.verify(signature, data)

    def prepare(self, signature: bytes, data: bytes) -> bool:
        """Check with tables from now on, for a key that is asked often; False when that is not possible here.

        ``signature`` over ``data`` is one that GmSSL found good: the tables must find so too, and must refuse it for
        other data, or they are not used.
        """
        try:
            tables = Sm2Tables(self.point)
            r, s = _numbers(signature)
            good = tables.holds(self.digest(data), r, s) and not tables.holds(self.digest(data + b"\x00"), r, s)
        except (NoTables, ValueError):
            return False
        if good:
            self._tables = tables
        return good

    def _verify_digest(self, signature: bytes, digest: bytes) -> bool:
        if self._tables is not None:
            r, s = _numbers(signature)
            try:
                return self._tables.holds(digest, r, s)
            except ValueError:
                return False
        try:
            return bool(gmssl_pyx.sm2_verify_sm3_digest(self.point, digest, signature))
        except gmssl_pyx.GmsslInnerError:
            return False

    def __eq__(self, other: object) -> bool:
        """Same point."""
        return isinstance(other, Sm2PublicKey) and other.point == self.point

    def __hash__(self) -> int:
        """Of the point."""
        return hash(self.point)


class Sm2PrivateKey:
    """A private key that shows nothing of itself."""

    __slots__ = ("_public", "_secret", "_signer")

    def __init__(self, secret: bytes, point: bytes) -> None:
        """Take 32 bytes and their point; ValueError when the number is out of range or the point is none.

        That the two belong together is proven by a trial signature where keys are loaded.
        """
        if len(secret) != KEY_BYTES or not 1 <= int.from_bytes(secret, "big") <= ORDER - 2:
            msg = "not an SM2 private key"
            raise ValueError(msg)
        self._secret = bytes(secret)
        self._public = Sm2PublicKey(point)
        self._signer: Sm2Signer | None = None

    @classmethod
    def generate(cls) -> Self:
        """A new key from the library's random source (that of the operating system)."""
        point, secret = gmssl_pyx.sm2_key_generate()
        return cls(secret, point)

    @classmethod
    def from_pkcs8(cls, der: bytes) -> Self:
        """The key in a PKCS#8 PrivateKeyInfo that carries its public key; ValueError otherwise."""
        # Both lengths are fixed, so that there is one encoding, which is the one that pkcs8() writes.
        blank = _pkcs8(bytes(KEY_BYTES), bytes(POINT_BYTES))
        if len(der) == len(blank):
            start = blank.index(tlv(_OCTET_STRING, bytes(KEY_BYTES))) + _HEADER
            secret, point = der[start : start + KEY_BYTES], der[-POINT_BYTES:]
            if _pkcs8(secret, point) == der:
                return cls(secret, point)
        msg = "not the PKCS#8 form of an SM2 key with its public key"
        raise ValueError(msg)

    @staticmethod
    def is_pkcs8(der: bytes) -> bool:
        """Whether a PrivateKeyInfo names the SM2 curve."""
        return _PKCS8_HEAD in der[: len(_PKCS8_HEAD) + 4]

    def pkcs8(self) -> bytes:
        """PKCS#8 DER in clear; for encryption right away, never for a file."""
        return _pkcs8(self._secret, self._public.point)

    def public_key(self) -> Sm2PublicKey:
        """The public half."""
        return self._public

    def prepare(self) -> bool:
        """Sign by the shorter way from now on, for a key that is used often; False when that is not possible here.

        A trial signature must be good, or the way is not gone.
        """
        try:
            signer = Sm2Signer(self._secret)
            if not self._public.verify(raw_to_der(signer.sign(self._public.digest(b"trial"))), b"trial"):
                return False
        except (NoSigner, SigningError):
            return False
        self._signer = signer
        return True

    def sign(self, data: bytes) -> bytes:
        """A DER signature over ``data`` with the default ID; SigningError when the library fails."""
        digest = self._public.digest(data)
        if self._signer is not None:
            return raw_to_der(self._signer.sign(digest))
        try:
            return bytes(gmssl_pyx.sm2_sign_sm3_digest(self._secret, digest))
        except gmssl_pyx.GmsslInnerError as error:
            msg = "SM2 签名运算失败"
            raise SigningError(msg) from error

    def __repr__(self) -> str:
        """Without the key: no log line can carry it."""
        return "Sm2PrivateKey(…)"

    def __reduce__(self) -> str:
        """Refuse to be pickled: keys stay in their process."""
        msg = "a private key cannot be pickled"
        raise RuntimeError(msg)


def load_pkcs8(der: bytes) -> Sm2PrivateKey:
    """The key of a key file; ConfigurationError when it is none."""
    try:
        return Sm2PrivateKey.from_pkcs8(der)
    except ValueError as error:
        msg = "密钥文件中的 SM2 私钥无法使用：请从备份恢复"
        raise ConfigurationError(msg) from error


def is_strict_der(signature: bytes) -> bool:
    """Whether ``signature`` is the one DER encoding of two integers in [1, n-1]."""
    if not _HEADER < len(signature) <= MAX_DER or signature[0] != _SEQUENCE or signature[1] != len(signature) - _HEADER:
        return False
    rest = signature[_HEADER:]
    for _ in range(2):
        if len(rest) < _HEADER + 1 or rest[0] != _INTEGER:
            return False
        size = rest[1]
        digits, rest = rest[_HEADER : _HEADER + size], rest[_HEADER + size :]
        if not 1 <= size == len(digits) or digits[0] & _SIGN_BIT:
            return False
        if size > 1 and digits[0] == 0 and not digits[1] & _SIGN_BIT:
            return False
        if not 1 <= int.from_bytes(digits, "big") < ORDER:
            return False
    return not rest


def _numbers(signature: bytes) -> tuple[int, int]:
    """The two integers of a signature in strict DER."""
    half = 2 * _HEADER + signature[_HEADER + 1]
    first, second = signature[2 * _HEADER : half], signature[half + _HEADER :]
    return int.from_bytes(first, "big"), int.from_bytes(second, "big")


def raw_to_der(raw: bytes) -> bytes:
    """R ‖ s as DER."""
    half = len(raw) // 2
    return tlv(_SEQUENCE, _integer(raw[:half]), _integer(raw[half:]))


def _integer(value: bytes) -> bytes:
    digits = value.lstrip(b"\x00") or b"\x00"
    return tlv(_INTEGER, b"\x00" + digits if digits[0] & _SIGN_BIT else digits)


def _pkcs8(secret: bytes, point: bytes) -> bytes:
    public = tlv(_CONTEXT_1, tlv(_BIT_STRING, b"\x00" + _UNCOMPRESSED + point))
    ec_key = tlv(_SEQUENCE, tlv(_INTEGER, b"\x01"), tlv(_OCTET_STRING, secret), public)
    return tlv(_SEQUENCE, _PKCS8_HEAD, tlv(_OCTET_STRING, ec_key))
