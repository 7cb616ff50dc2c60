"""Receipts of verifications: compact JWS (RFC 7515, ES256) under keys of their own, readable long after.

A receipt is a statement of this service about what it saw and did, so its keys sign nothing else, and its ``typ`` keeps
it from being taken for a token. Keys are called ``receipt-<n>``: the highest signs, all of them verify, and none is
removed, so that a receipt outlives the change of its key.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, KeySet

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput, Unauthenticated, Unavailable
from certsvc.signing.jws import encode_segment, read_claims, verify_jws

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.trust import TrustAnchors

RECEIPT_TYPE = "verification-receipt+jwt"
ALGORITHM = "ES256"
MAX_RECEIPT_CHARS = 16 * 1024
"""Longest receipt that is read; ours have two to eight thousand characters."""

_KEY_ID = re.compile(r"receipt-([1-9]\d{0,5})")
_COORDINATE_BYTES = 32


class JwsReceipts:
    """Implements ``ports.ReceiptSigner`` over the key ring. Threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids, anchors: TrustAnchors) -> None:
        """Sign in the name of ``issuer``; ``anchors`` are what verdicts stand on."""
        self._ring = ring
        self._issuer = issuer
        self._ids = ids
        numbered = sorted((int(match[1]), match[0]) for match in map(_KEY_ID.fullmatch, ring.key_ids()) if match)
        self._jwks = {key_id: self._jwk(key_id) for _, key_id in reversed(numbered)}
        self._keys = KeySet([ECKey.import_key({**jwk}) for jwk in self._jwks.values()])
        listed = sorted(hashlib.sha256(der).digest() for der in anchors.certificates)
        self._anchors = {"sha256": hashlib.sha256(b"".join(listed)).hexdigest(), "anchors": len(listed)}

    def sign(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS over the claims, with ``iss``, ``iat`` and ``jti`` added.

        Raises:
            Unavailable: no key ``receipt-<n>`` was made.
            SigningError: the key operation failed.
        """
        if not self._jwks:
            msg = "没有回执签名密钥：请运维运行 certsvc keys create receipt-1"
            raise Unavailable(msg)
        key_id = next(iter(self._jwks))
        header = {"alg": ALGORITHM, "kid": self._jwks[key_id]["kid"], "typ": RECEIPT_TYPE}
        body = {
            "iss": self._issuer,
            "iat": int(check_aware(now).timestamp()),
            "jti": self._ids.token(),
            **claims,
        }
        signed = f"{encode_segment(_json(header))}.{encode_segment(_json(body))}"
        r, s = decode_dss_signature(self._ring.sign_digest(key_id, "sha256", signed.encode("ascii")))
        raw = b"".join(number.to_bytes(_COORDINATE_BYTES, "big") for number in (r, s))
        return f"{signed}.{encode_segment(raw)}"

    def read(self, receipt: str) -> Mapping[str, object]:
        """The claims of a receipt of ours.

        Raises:
            InvalidInput: malformed, changed, or signed by somebody else.
        """
        claims = read_receipt(receipt, self._keys)
        if claims.get("iss") != self._issuer:
            msg = "这不是本服务出具的核验回执"
            raise InvalidInput(msg)
        return claims

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), newest first."""
        return {"keys": list(self._jwks.values())}

    def trust_list(self) -> Mapping[str, object]:
        """Digest over the SHA-256 of every configured anchor, sorted, and how many there are."""
        return self._anchors

    def _jwk(self, key_id: str) -> dict[str, str]:
        key = self._ring.certificate(key_id).public_key
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            msg = f"回执密钥 {key_id} 应为 p256 密钥"
            raise InvalidInput(msg)
        numbers = key.public_numbers()
        x, y = (encode_segment(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
        bare = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        # RFC 7638: the thumbprint names the key wherever its JWKS is kept.
        thumbprint = encode_segment(hashlib.sha256(_json(bare)).digest())
        return {**bare, "kid": thumbprint, "use": "sig", "alg": ALGORITHM}


def read_receipt(receipt: str, keys: KeySet) -> Mapping[str, object]:
    """The claims of a receipt under published ``keys``.

    Raises:
        InvalidInput: malformed, changed, under another key, or a JWS that is no receipt.
    """
    try:
        found = verify_jws(receipt.strip(), keys, (ALGORITHM,), max_chars=MAX_RECEIPT_CHARS)
        claims = read_claims(found.payload)
    except Unauthenticated as error:
        msg = "核验回执无效：签名不符，或内容被改动过"
        raise InvalidInput(msg) from error
    if found.header.get("typ") != RECEIPT_TYPE:
        msg = "这不是核验回执"
        raise InvalidInput(msg)
    return claims


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
