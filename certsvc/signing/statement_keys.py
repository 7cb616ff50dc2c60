"""ES256 keys for one kind of statement of this service, called ``<kind>-<n>``.

Keys of one kind sign nothing else. The highest number signs, all of them verify, and none is removed, so that a
statement outlives the change of its key.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.errors import InvalidInput, Unavailable
from certsvc.signing.jws import encode_segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.signing.keyring import KeyRing

ALGORITHM = "ES256"

_COORDINATE_BYTES = 32


class StatementKeys:
    """The keys of one kind in a ring. Threads may share one."""

    def __init__(self, ring: KeyRing, kind: str, zh: str) -> None:
        """Find ``<kind>-<n>``; ``zh`` is what people call the statements.

        Raises:
            InvalidInput: one of them is no P-256 key.
        """
        self._ring = ring
        self._kind = kind
        self._zh = zh
        pattern = re.compile(rf"{re.escape(kind)}-([1-9]\d{{0,5}})")
        numbered = sorted((int(match[1]), match[0]) for match in map(pattern.fullmatch, ring.key_ids()) if match)
        self._jwks = {key_id: self._jwk(key_id) for _, key_id in reversed(numbered)}

    def kid(self) -> str:
        """The thumbprint of the key that signs.

        Raises:
            Unavailable: none was made.
        """
        return self._jwks[self._signing_key()]["kid"]

    def sign(self, data: bytes) -> bytes:
        """``r`` and ``s`` in 32 bytes each (RFC 7518 §3.4, RFC 9053 §2.1) over the SHA-256 of ``data``.

        Raises:
            Unavailable: no key was made.
            SigningError: the key operation failed.
        """
        r, s = decode_dss_signature(self._ring.sign_digest(self._signing_key(), "sha256", data))
        return b"".join(number.to_bytes(_COORDINATE_BYTES, "big") for number in (r, s))

    def sign_compact(self, media_type: str, claims: Mapping[str, object]) -> str:
        """A compact JWS (RFC 7515) over ``claims`` with this ``typ``; raises as :meth:`sign`."""
        header = {"alg": ALGORITHM, "kid": self.kid(), "typ": media_type}
        signed = f"{encode_segment(_json(header))}.{encode_segment(_json(claims))}"
        return f"{signed}.{encode_segment(self.sign(signed.encode('ascii')))}"

    def jwks(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), newest first."""
        return {"keys": list(self._jwks.values())}

    def public(self) -> tuple[dict[str, str], ...]:
        """Every public key as JWK, newest first."""
        return tuple(self._jwks.values())

    def _signing_key(self) -> str:
        if not self._jwks:
            msg = f"没有{self._zh}签名密钥：请运维运行 certsvc keys create {self._kind}-1"
            raise Unavailable(msg)
        return next(iter(self._jwks))

    def _jwk(self, key_id: str) -> dict[str, str]:
        key = self._ring.certificate(key_id).public_key
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            msg = f"{self._zh}密钥 {key_id} 应为 p256 密钥"
            raise InvalidInput(msg)
        numbers = key.public_numbers()
        x, y = (encode_segment(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
        bare = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        # RFC 7638: the thumbprint names the key wherever its JWKS is kept.
        thumbprint = encode_segment(hashlib.sha256(_json(bare)).digest())
        return {**bare, "kid": thumbprint, "use": "sig", "alg": ALGORITHM}


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
