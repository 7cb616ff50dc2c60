"""Receipts of verifications: compact JWS (RFC 7515, ES256) under keys of their own, readable long after.

A receipt is a statement of this service about what it saw and did, so its keys sign nothing else, and its ``typ`` keeps
it from being taken for a token. Keys are called ``receipt-<n>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import InvalidInput
from certsvc.signing.statements import StatementKeys, read_statement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from joserfc.jwk import KeySet

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing

RECEIPT_TYPE = "verification-receipt+jwt"
ANSWER_TYPE = "license-answer+jwt"
MAX_RECEIPT_CHARS = 16 * 1024
"""Longest receipt that is read; ours have two to eight thousand characters."""


class JwsReceipts:
    """Implements ``ports.ReceiptSigner`` over the key ring. Threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids) -> None:
        """Sign in the name of ``issuer``."""
        self._keys = StatementKeys(ring, "receipt", "回执", issuer=issuer, ids=ids)
        self._issuer = issuer

    def sign(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS over the claims, with ``iss``, ``iat`` and ``jti`` added.

        Raises:
            Unavailable: no key ``receipt-<n>`` was made.
            SigningError: the key operation failed.
        """
        return self._keys.sign(RECEIPT_TYPE, claims, now=now)

    def sign_answer(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """The same over an answer about a license: a statement of this service too, and no receipt."""
        return self._keys.sign(ANSWER_TYPE, claims, now=now)

    def read(self, receipt: str) -> Mapping[str, object]:
        """The claims of a receipt of ours.

        Raises:
            InvalidInput: malformed, changed, or signed by somebody else.
        """
        claims = read_receipt(receipt, self._keys.key_set)
        if claims.get("iss") != self._issuer:
            msg = "这不是本服务出具的核验回执"
            raise InvalidInput(msg)
        return claims

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), newest first."""
        return self._keys.jwks()


def read_receipt(receipt: str, keys: KeySet) -> Mapping[str, object]:
    """The claims of a receipt under published ``keys``.

    Raises:
        InvalidInput: malformed, changed, under another key, or a JWS that is no receipt.
    """
    return read_statement(receipt, keys, RECEIPT_TYPE, "核验回执", max_chars=MAX_RECEIPT_CHARS)
