"""Receipts of verifications: compact JWS (RFC 7515, ES256) under keys of their own, readable long after.

A receipt is a statement of this service about what it saw and did, so its keys ``receipt-<n>`` sign nothing else, and
its ``typ`` keeps it from being taken for a token.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from joserfc.jwk import ECKey, KeySet

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput, Unauthenticated
from certsvc.signing.jws import read_claims, verify_jws
from certsvc.signing.statement_keys import ALGORITHM, StatementKeys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.trust import TrustAnchors

RECEIPT_TYPE = "verification-receipt+jwt"
MAX_RECEIPT_CHARS = 16 * 1024
"""Longest receipt that is read; ours have two to eight thousand characters."""


class JwsReceipts:
    """Implements ``ports.ReceiptSigner`` over the key ring. Threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids, anchors: TrustAnchors) -> None:
        """Sign in the name of ``issuer``; ``anchors`` are what verdicts stand on."""
        self._issuer = issuer
        self._ids = ids
        self._signing = StatementKeys(ring, "receipt", "回执")
        self._keys = KeySet([ECKey.import_key({**jwk}) for jwk in self._signing.public()])
        listed = sorted(hashlib.sha256(der).digest() for der in anchors.certificates)
        self._anchors = {"sha256": hashlib.sha256(b"".join(listed)).hexdigest(), "anchors": len(listed)}

    def sign(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS over the claims, with ``iss``, ``iat`` and ``jti`` added.

        Raises:
            Unavailable: no key ``receipt-<n>`` was made.
            SigningError: the key operation failed.
        """
        body = {
            "iss": self._issuer,
            "iat": int(check_aware(now).timestamp()),
            "jti": self._ids.token(),
            **claims,
        }
        return self._signing.sign_compact(RECEIPT_TYPE, body)

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
        return self._signing.jwks()

    def trust_list(self) -> Mapping[str, object]:
        """Digest over the SHA-256 of every configured anchor, sorted, and how many there are."""
        return self._anchors


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
