"""A person's private key under two locks: the person's PIN inside, the master key outside.

    magic "CSPK" | version 1 | KEK id (8) | nonce (12) | AES-256-GCM under the master key's subkey of
        { log2 N | r | p | salt (16) | nonce (12) | AES-256-GCM under scrypt(PIN, salt) of PKCS#8 DER }

Both layers are bound to the signer's id. A copy of the database opens nothing without the master key; with the master
key each guess of a PIN costs one scrypt (RFC 7914). What six digits can and cannot stop is said in ADR 0014.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from certsvc.errors import IntegrityError, PinRefused, SignerUnavailable
from certsvc.signing.master_key import KEK_ID_BYTES, KeyUse

if TYPE_CHECKING:
    from certsvc.ids import Ids
    from certsvc.signing.master_key import MasterKey

SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P = 15, 8, 3
"""32 MiB and some 0.2 s per guess (OWASP's equivalent of N=2^17, p=1): slows the guessing of a PIN by someone who has
both the database and the master key. Kept in each blob, so that it can be raised for new keys."""

MAX_LOG_N, MAX_R, MAX_P = 18, 16, 8
"""No blob of ours asks for more: a forged one must not fill the memory."""

AT_ONCE = BoundedSemaphore(4)
"""Derivations at one time: a flood of confirmations must not take 32 MiB each without limit."""

_MAGIC = b"CSPK\x01"
_NONCE = 12
_SALT = 16
_TAG = 16
_INNER = struct.Struct(">BBB")


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters of scrypt."""

    log_n: int = SCRYPT_LOG_N
    r: int = SCRYPT_R
    p: int = SCRYPT_P


def wrap(pkcs8: bytes, pin: str, signer_id: str, master: MasterKey, ids: Ids, cost: Cost | None = None) -> bytes:
    """The wrapped key."""
    cost = cost or Cost()
    owner = signer_id.encode("ascii")
    salt, nonce = ids.salt(), ids.salt()[:_NONCE]
    head = _INNER.pack(cost.log_n, cost.r, cost.p) + salt
    inner = head + nonce + AESGCM(_derive(pin, salt, cost)).encrypt(nonce, pkcs8, head + owner)
    outer_head = _MAGIC + master.kek_id
    outer_nonce = ids.salt()[:_NONCE]
    sealed = AESGCM(master.subkey(KeyUse.PEOPLE)).encrypt(outer_nonce, inner, outer_head + owner)
    return outer_head + outer_nonce + sealed


def unwrap(blob: bytes, pin: str, signer_id: str, master: MasterKey) -> bytes:
    """The private key in PKCS#8.

    Raises:
        PinRefused: the PIN does not open it.
        SignerUnavailable: the key was destroyed.
        IntegrityError: not a wrapped key, another master key's, another signer's, or damaged.
    """
    if not blob:
        msg = "签名密钥已销毁，请重新申请电子签名"
        raise SignerUnavailable(msg)
    owner, head_size = signer_id.encode("ascii"), len(_MAGIC) + KEK_ID_BYTES
    head = blob[:head_size]
    if not blob.startswith(_MAGIC) or head[len(_MAGIC) :] != master.kek_id:
        raise _damaged()
    nonce, sealed = blob[head_size : head_size + _NONCE], blob[head_size + _NONCE :]
    try:
        inner = AESGCM(master.subkey(KeyUse.PEOPLE)).decrypt(nonce, sealed, head + owner)
    except (InvalidTag, ValueError) as error:
        raise _damaged() from error
    start = _INNER.size + _SALT
    if len(inner) < start + _NONCE + _TAG:
        raise _damaged()
    cost = Cost(*_INNER.unpack_from(inner))
    if not (1 <= cost.log_n <= MAX_LOG_N and 1 <= cost.r <= MAX_R and 1 <= cost.p <= MAX_P):
        raise _damaged()
    inner_head, inner_nonce = inner[:start], inner[start : start + _NONCE]
    key = _derive(pin, inner_head[_INNER.size :], cost)
    try:
        return AESGCM(key).decrypt(inner_nonce, inner[start + _NONCE :], inner_head + owner)
    except InvalidTag as error:
        msg = "PIN 不正确"
        raise PinRefused(msg) from error


def _derive(pin: str, salt: bytes, cost: Cost) -> bytes:
    with AT_ONCE:
        return Scrypt(salt=salt, length=32, n=1 << cost.log_n, r=cost.r, p=cost.p).derive(pin.encode("utf-8"))


def _damaged() -> IntegrityError:
    return IntegrityError("签名密钥的保存内容已损坏，或主密钥不是制作时的那一个：请从备份恢复")
