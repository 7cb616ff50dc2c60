"""Encryption of personal columns and their blind index (DESIGN.md 8)."""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from certsvc.errors import IntegrityError
from certsvc.signing.master_key import KeyUse

if TYPE_CHECKING:
    from certsvc.ids import Ids
    from certsvc.signing.master_key import MasterKey

_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16

MAX_CONTEXTS = 1000
"""How many derived column keys are kept: contexts are table.column names of ours, so more means a mistake."""


class ColumnCipher:
    """AES-256-GCM under one key per column, bound to the column's name, with a keyed digest for equality search.

    Each column has its own key, so that the limit of random 96-bit nonces (2^32 messages per key, NIST SP 800-38D
    §8.3) counts per column. A blob is ``version(1) || nonce(12) || ciphertext || tag(16)``.
    """

    def __init__(self, master: MasterKey, ids: Ids) -> None:
        """Derive the subkeys; ``ids`` gives the nonces."""
        self._columns = master.subkey(KeyUse.COLUMNS)
        self._blind = master.subkey(KeyUse.BLIND_INDEX)
        self._ids = ids
        self._by_context: dict[str, AESGCM] = {}

    def seal_text(self, text: str, context: str) -> bytes:
        """AES-256-GCM of ``text`` in UTF-8, bound to ``context`` (table.column)."""
        nonce = self._ids.salt()[:_NONCE_BYTES]
        sealed = self._aead(context).encrypt(nonce, text.encode("utf-8"), _VERSION + context.encode("utf-8"))
        return _VERSION + nonce + sealed

    def open_text(self, blob: bytes, context: str) -> str:
        """The text again.

        Raises:
            IntegrityError: the blob or its context was changed, or another master key wrote it.
        """
        if len(blob) < 1 + _NONCE_BYTES + _TAG_BYTES or blob[:1] != _VERSION:
            msg = f"加密字段 {context} 的内容格式不对：数据可能被改动"
            raise IntegrityError(msg)
        nonce, sealed = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        try:
            return self._aead(context).decrypt(nonce, sealed, _VERSION + context.encode("utf-8")).decode("utf-8")
        except (InvalidTag, UnicodeDecodeError) as error:
            msg = f"加密字段 {context} 无法解密：数据被改动，或主密钥不是加密时的那一个"
            raise IntegrityError(msg) from error

    def blind(self, text: str, context: str) -> bytes:
        """Keyed digest for equality search (HMAC-SHA-256), 32 bytes; other contexts give unrelated digests."""
        name = context.encode("utf-8")
        return hmac.digest(self._blind, struct.pack(">I", len(name)) + name + text.encode("utf-8"), "sha256")

    def _aead(self, context: str) -> AESGCM:
        found = self._by_context.get(context)
        if found is None:
            if len(self._by_context) >= MAX_CONTEXTS:
                msg = "too many encryption contexts: a context names a column, not a row"
                raise RuntimeError(msg)
            info = b"column/" + context.encode("utf-8")
            found = AESGCM(HKDFExpand(algorithm=hashes.SHA256(), length=32, info=info).derive(self._columns))
            self._by_context[context] = found
        return found
