"""Statements of this service that outlive their keys: JWS and COSE (RFC 7515, RFC 9052), each kind under own keys.

Keys are called ``<kind>-<n>``: the highest signs, all of them verify, and none is removed, so that a statement outlives
the change of its key. The ``typ`` keeps one kind from being taken for another, or for a token.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, KeySet

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput, Unauthenticated, Unavailable
from certsvc.signing.jws import decode_segment, encode_segment, read_claims, verify_jws
from certsvc.signing.primitives import verify_signature

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing

ALGORITHM = "ES256"
_COORDINATE_BYTES = 32
_INTEGERS = 4
"""Bytes of the heads of a SEQUENCE and of its first INTEGER, or of two INTEGERs."""
_POSITIVE = frozenset(bytes((first,)) for first in range(1, 0x80))
"""First bytes of a positive number that needs no zero in front of them."""


class StatementKeys:
    """The keys of one kind of statement. Threads may share one."""

    def __init__(self, ring: KeyRing, kind: str, name_zh: str, *, issuer: str, ids: Ids) -> None:
        """Sign in the name of ``issuer`` with the highest key ``<kind>-<n>`` of ``ring``."""
        self._ring = ring
        self._kind = kind
        self._name = name_zh
        self._issuer = issuer
        self._ids = ids
        pattern = re.compile(rf"{re.escape(kind)}-([1-9]\d{{0,5}})")
        numbered = sorted((int(match[1]), match[0]) for match in map(pattern.fullmatch, ring.key_ids()) if match)
        self._jwks = {key_id: self._jwk(key_id) for _, key_id in reversed(numbered)}
        self.key_set = KeySet([ECKey.import_key({**jwk}) for jwk in self._jwks.values()])

    def sign(self, typ: str, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS of type ``typ`` over the claims, with ``iss``, ``iat`` and ``jti`` added.

        Raises:
            Unavailable: no key of this kind was made.
            SigningError: the key operation failed.
        """
        body = {
            "iss": self._issuer,
            "iat": int(check_aware(now).timestamp()),
            "jti": self._ids.token(),
            **claims,
        }
        return self.sign_compact(typ, body)

    def sign_compact(self, typ: str, claims: Mapping[str, object]) -> str:
        """A compact JWS over the claims as they are; raises as :meth:`sign`."""
        header = {"alg": ALGORITHM, "kid": self.kid(), "typ": typ}
        signed = f"{encode_segment(_json(header))}.{encode_segment(_json(claims))}"
        return f"{signed}.{encode_segment(self.sign_bytes(signed.encode('ascii')))}"

    def sign_bytes(self, data: bytes) -> bytes:
        """``r`` and ``s`` in 32 bytes each (RFC 7518 §3.4, RFC 9053 §2.1) over the SHA-256 of ``data``."""
        return _raw(self._ring.sign_digest(self._signing_key(), "sha256", data))

    def kid(self) -> str:
        """The thumbprint of the key that signs; Unavailable when none was made."""
        return self._jwks[self._signing_key()]["kid"]

    def jwks(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), newest first."""
        return {"keys": list(self._jwks.values())}

    def _signing_key(self) -> str:
        if not self._jwks:
            msg = f"没有{self._name}签名密钥：请运维运行 certsvc keys create {self._kind}-1"
            raise Unavailable(msg)
        return next(iter(self._jwks))

    def _jwk(self, key_id: str) -> dict[str, str]:
        key = self._ring.certificate(key_id).public_key
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            msg = f"{self._name}密钥 {key_id} 应为 p256 密钥"
            raise InvalidInput(msg)
        return {**p256_jwk(key), "use": "sig", "alg": ALGORITHM}


def p256_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """A P-256 key as JWK (RFC 7518 §6.2); its ``kid`` is the thumbprint, which names it wherever it is kept."""
    numbers = key.public_numbers()
    x, y = (encode_segment(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    bare = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return {**bare, "kid": encode_segment(hashlib.sha256(_json(bare)).digest())}  # RFC 7638


def read_p256_jwk(jwk: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    """The key of a JWK; InvalidInput for any other kind, and for a point that is not on the curve."""
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        raise InvalidInput("公钥应为 P-256 的 JWK（kty 为 EC，crv 为 P-256）")
    try:
        x, y = (decode_segment(str(jwk.get(name, ""))) for name in ("x", "y"))
        numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
        if len(x) == len(y) == _COORDINATE_BYTES:
            return numbers.public_key()
    except (Unauthenticated, ValueError) as error:
        raise InvalidInput("公钥无法读取：x、y 应为 base64url，且在 P-256 曲线上") from error
    raise InvalidInput("公钥的 x、y 应各为 32 字节的 base64url")


def raw_signature_holds(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether ``r`` and ``s`` in 32 bytes each are a signature of ``key`` over the SHA-256 of ``data``."""
    return len(signature) == 2 * _COORDINATE_BYTES and verify_signature(key, _der(signature), data, "sha256")


def _raw(der: bytes) -> bytes:
    """The DER of a key of ours as ``r`` and ``s`` in 32 bytes each; by places, not as numbers."""
    second = _INTEGERS + der[_INTEGERS - 1]
    r, s = der[_INTEGERS:second], der[second + 2 :]
    return r[-_COORDINATE_BYTES:].rjust(_COORDINATE_BYTES, b"\0") + s[-_COORDINATE_BYTES:].rjust(
        _COORDINATE_BYTES, b"\0"
    )


def _der(raw: bytes) -> bytes:
    """``r`` and ``s`` as the DER of two integers."""
    r, s = raw[:_COORDINATE_BYTES].lstrip(b"\0"), raw[_COORDINATE_BYTES:].lstrip(b"\0")
    # Without a first byte that has no sign bit the number would be negative, or none at all.
    if r[:1] not in _POSITIVE:
        r = b"\0" + r
    if s[:1] not in _POSITIVE:
        s = b"\0" + s
    return b"\x30%c\x02%c%b\x02%c%b" % (len(r) + len(s) + _INTEGERS, len(r), r, len(s), s)


def read_statement(text: str, keys: KeySet, typ: str, name_zh: str, *, max_chars: int) -> Mapping[str, object]:
    """The claims of a statement of type ``typ`` under ``keys``.

    Raises:
        InvalidInput: malformed, too long, changed, under another key, or a JWS of another type.
    """
    try:
        found = verify_jws(text.strip(), keys, (ALGORITHM,), max_chars=max_chars)
        claims = read_claims(found.payload)
    except Unauthenticated as error:
        msg = f"{name_zh}无效：签名不符，或内容被改动过"
        raise InvalidInput(msg) from error
    if found.header.get("typ") != typ:
        msg = f"这不是{name_zh}"
        raise InvalidInput(msg)
    return claims


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
