"""Offline codes: COSE_Sign1 around CWT claims, a device's COSE_Sign1 beside it, base45 (docs/offline-codes.md).

A code has one spelling. Everything around the claims is a fixed pattern of bytes and compared as such, the claims are
parsed only when the issuer's signature over them held, and must then be what this file would write: there is no other
header, no other algorithm, no tag and no byte behind the end that could be taken for something.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import cbor2

from certsvc.errors import InvalidInput, SigningError, Unauthenticated
from certsvc.license.offline import (
    KEY_BYTES,
    MAX_BYTES,
    MAX_TEXT,
    MIN_BYTES,
    PREFIX,
    TOKEN_BYTES,
    OfflineCode,
    OfflineCore,
)
from certsvc.license.status_list import StatusEntry
from certsvc.seal.verdict import Reason
from certsvc.signing.base45 import decode, encode
from certsvc.signing.device_keys import load_point
from certsvc.signing.jws import decode_segment
from certsvc.signing.statements import StatementKeys, raw_signature_holds, read_p256_jwk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing

KID_BYTES = 8
"""Of the thumbprint of the issuer's key (RFC 7638)."""
SIGNATURE_BYTES = 64
"""``r`` and ``s`` in 32 bytes each (RFC 9053 §2.1), as WebCrypto gives them."""

# Claims of CWT (RFC 8392 §4, RFC 8747 §3.1), and four of our own in the range for private use.
_EXP, _IAT, _CTI, _CNF = 4, 6, 7, 8
_TYPE, _NAME, _LAST_DAY, _STATUS = -65537, -65538, -65539, -65540
_EPOCH = date(1970, 1, 1)

# {1: -7, 4: kid}: ES256 and the key's id, and nothing else (RFC 9052 §3.1).
_PROTECTED = b"\x4d\xa2\x01\x26\x04\x48"
_CORE_START = b"\xd2\x84" + _PROTECTED
_SIGNATURE = b"\x58\x40"
_CORE_TAIL = len(_SIGNATURE) + SIGNATURE_BYTES
# {1: -7}, an empty map, and the time as a CBOR integer of four bytes in a byte string of five.
_PROOF_START = b"\x84\x43\xa1\x01\x26\xa0\x45\x1a"
_TIME_BYTES = 4
_PAIR = b"\x82"
PROOF_BYTES = len(_PROOF_START) + _TIME_BYTES + len(_SIGNATURE) + SIGNATURE_BYTES
# RFC 9052 §4.4; the device signs with the digest of the core as external data, so that its time goes with one core.
_SIGNED = b"\x84\x6aSignature1"
_DEVICE_SIGNED = _SIGNED + b"\x43\xa1\x01\x26\x58\x20"
_LONG, _SHORT = b"\x59", b"\x58"
_ONE_BYTE = 256
_KEY_START = {0x02: False, 0x03: True}
_POINT = {False: b"\x02", True: b"\x03"}


class CodeKeys:
    """The issuer keys that codes are checked against, parsed once; by the first bytes of their thumbprints."""

    def __init__(self, jwks: Iterable[Mapping[str, Any]]) -> None:
        """From the keys of a JWKS (RFC 7517); InvalidInput for anything but P-256 keys with a ``kid``."""
        self._keys = {key_id_of(str(jwk.get("kid", ""))): read_p256_jwk(jwk) for jwk in jwks}

    def of(self, key_id: bytes) -> ec.EllipticCurvePublicKey | None:
        """The key with this id."""
        return self._keys.get(key_id)


class OfflineCores:
    """Makes cores and opens codes; threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids) -> None:
        """Sign under the highest key ``code-<n>``."""
        self._keys = StatementKeys(ring, "code", "离线亮证码", issuer=issuer, ids=ids)
        self._known = CodeKeys(self._jwks())

    def mint(self, core: OfflineCore) -> bytes:
        """The core with the issuer's signature; Unavailable without a key, SigningError when it failed."""
        protected = _PROTECTED + key_id_of(self._keys.kid())
        payload = _byte_string(claims_of(core))
        signature = self._keys.sign_bytes(_SIGNED + protected + b"\x40" + payload)
        return b"\xd2\x84" + protected + b"\xa0" + payload + _SIGNATURE + signature

    def open(self, text: str) -> OfflineCode | Reason:
        """The code in ``text``, or why it is none of ours."""
        return open_code(text, self._known)

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS, newest first."""
        return self._keys.jwks()

    def _jwks(self) -> list[Mapping[str, Any]]:
        return cast("list[Mapping[str, Any]]", self._keys.jwks()["keys"])


def size_of(core: bytes) -> int:
    """Bytes of a code with this core: with the device's signature and without the prefix."""
    return 1 + len(_byte_string(core)) + PROOF_BYTES


def device_message(core: bytes, shown_at: int) -> bytes:
    """What the device signs (ECDSA with SHA-256): the Sig_structure over its time and the digest of the core."""
    return _DEVICE_SIGNED + hashlib.sha256(core).digest() + b"\x45\x1a" + shown_at.to_bytes(_TIME_BYTES, "big")


def presented(core: bytes, shown_at: int, signature: bytes) -> str:
    """The text of a code, as a device puts it together.

    Raises:
        SigningError: it is too long for one QR, or the signature is not ``r`` and ``s`` in 64 bytes.
    """
    proof = _PROOF_START + shown_at.to_bytes(_TIME_BYTES, "big") + _SIGNATURE + signature
    data = _PAIR + _byte_string(core) + proof
    if len(data) > MAX_BYTES or len(signature) != SIGNATURE_BYTES:
        raise SigningError(f"二维码内容超过 {MAX_BYTES} 字节，或设备签名不是 64 字节")
    return PREFIX + encode(data)


def open_code(text: str, keys: CodeKeys) -> OfflineCode | Reason:
    """The code in ``text``, or the reason why not: foreign, damaged or forged, under an unknown key, another device's.

    Both signatures held when a code is returned. Times and the state of the license are for the caller to judge.
    """
    if not text.startswith(PREFIX):
        return Reason.NOT_OURS
    data = decode(text[len(PREFIX) :]) if len(text) <= MAX_TEXT else None
    if data is None or not MIN_BYTES <= len(data) <= MAX_BYTES:
        return Reason.CODE_UNKNOWN
    split = len(data) - PROOF_BYTES
    core, proof = _item(data[1:split]), data[split:]
    time_at = len(_PROOF_START)
    signed_at, tail = proof[time_at : time_at + _TIME_BYTES], proof[time_at + _TIME_BYTES :]
    if data[:1] != _PAIR or core is None or not proof.startswith(_PROOF_START) or not tail.startswith(_SIGNATURE):
        return Reason.CODE_UNKNOWN
    opened = open_core(core, keys)
    if isinstance(opened, Reason):
        return opened
    shown_at = int.from_bytes(signed_at, "big")
    if shown_at < _ONE_BYTE**2:
        return Reason.CODE_UNKNOWN  # a shorter integer would be its one spelling
    device, signature = load_point(opened[0].device_key), tail[len(_SIGNATURE) :]
    if device is None or not raw_signature_holds(device, signature, device_message(core, shown_at)):
        return Reason.CODE_DEVICE_WRONG
    return OfflineCode(core=opened[0], shown_at=shown_at, issuer=opened[1])


def open_core(core: bytes, keys: CodeKeys) -> tuple[OfflineCore, bytes] | Reason:
    """What the issuer signed, and the key's id; or why not. A core alone proves no device."""
    start = len(_CORE_START)
    key_id, rest = core[start : start + KID_BYTES], core[start + KID_BYTES :]
    if not core.startswith(_CORE_START) or rest[:1] != b"\xa0" or rest[-_CORE_TAIL:][: len(_SIGNATURE)] != _SIGNATURE:
        return Reason.CODE_UNKNOWN
    payload, signature = rest[1:-_CORE_TAIL], rest[-SIGNATURE_BYTES:]
    claims = _item(payload)
    if claims is None:
        return Reason.CODE_UNKNOWN
    key = keys.of(key_id)
    if key is None:
        return Reason.CODE_KEY_UNKNOWN
    if not raw_signature_holds(key, signature, _SIGNED + _PROTECTED + key_id + b"\x40" + payload):
        return Reason.CODE_UNKNOWN
    found = _core_of(claims)
    return Reason.CODE_UNKNOWN if found is None else (found, key_id)


def claims_of(core: OfflineCore) -> bytes:
    """The claims in deterministic CBOR (RFC 8949 §4.2.1): the order below is that of the encoded keys."""
    last_day = {} if core.last_day is None else {_LAST_DAY: (core.last_day - _EPOCH).days}
    key = {1: 2, -1: 1, -2: core.device_key[1:], -3: _KEY_START[core.device_key[0]]}  # RFC 9053 §7.1.1
    return cbor2.dumps(
        {
            _EXP: core.expires_at,
            _IAT: core.issued_at,
            _CTI: core.token,
            _CNF: {1: key},
            _TYPE: core.type_slug,
            _NAME: core.holder_masked,
            **last_day,
            _STATUS: [core.status.list_no, core.status.index],
        }
    )


@lru_cache(maxsize=64)  # asked for at every core
def key_id_of(thumbprint: str) -> bytes:
    """The id of a key in a code, from the ``kid`` of its JWK; InvalidInput when that is no thumbprint."""
    try:
        return decode_segment(thumbprint)[:KID_BYTES]
    except Unauthenticated as error:
        raise InvalidInput("公钥缺少 kid，或 kid 不是指纹（RFC 7638）") from error


def _core_of(claims: bytes) -> OfflineCore | None:
    """The claims that our key signed; None unless they are spelled as :func:`claims_of` would."""
    try:
        values = cbor2.loads(claims)
        point = values[_CNF][1]
        core = OfflineCore(
            token=values[_CTI],
            type_slug=values[_TYPE],
            holder_masked=values[_NAME],
            last_day=_EPOCH + timedelta(days=values[_LAST_DAY]) if _LAST_DAY in values else None,
            status=StatusEntry(list_no=values[_STATUS][0], index=values[_STATUS][1]),
            device_key=_POINT[point[-3]] + point[-2],
            issued_at=values[_IAT],
            expires_at=values[_EXP],
        )
        same = claims_of(core) == claims
    except (cbor2.CBORDecodeError, KeyError, IndexError, TypeError, ValueError, OverflowError):
        return None
    return core if same and _shape_holds(core) else None


def _shape_holds(core: OfflineCore) -> bool:
    """Whether lengths and kinds are right: what a signature of ours over something odd would leave."""
    texts: tuple[object, ...] = (core.type_slug, core.holder_masked)
    numbers: tuple[object, ...] = (core.issued_at, core.expires_at, core.status.list_no, core.status.index)
    return (
        (len(core.token), len(core.device_key)) == (TOKEN_BYTES, KEY_BYTES)
        and all(isinstance(text, str) for text in texts)
        and all(type(number) is int and number >= 0 for number in numbers)
    )


def _byte_string(data: bytes) -> bytes:
    """``data`` as a CBOR byte string; every one of ours has at least 24 bytes."""
    size = len(data)
    return (_SHORT + bytes((size,)) if size < _ONE_BYTE else _LONG + size.to_bytes(2, "big")) + data


def _item(data: bytes) -> bytes | None:
    """The content of the one byte string that ``data`` is, in its shortest form; None for anything else."""
    content = data[2:] if data[:1] == _SHORT else data[3:]
    return content if len(content) >= 24 and _byte_string(content) == data else None  # noqa: PLR2004
