"""Offline bundles: one signed file of what an officer's device needs without network (docs/offline-codes.md).

A COSE_Sign1 (tag 18) whose payload is a map in deterministic CBOR. A file names every part that there is with the
version in which it last changed, and carries those that changed behind the version asked about; so a file of a few
hundred bytes proves that all the rest is still as it was.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cbor2

from certsvc.errors import InvalidInput
from certsvc.license.offline import STATUS_AMBER_S, STATUS_STALE_S
from certsvc.license.status_list import ENTRIES
from certsvc.signing.offline_codes import CodeKeys, key_id_of
from certsvc.signing.statements import StatementKeys, raw_signature_holds, read_p256_jwk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certsvc.ids import Ids
    from certsvc.license.offline_bundle import BundleClaims
    from certsvc.signing.keyring import KeyRing

TYPE = "application/elc-bundle+cbor"
FORMAT = 1
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
"""Largest file that is read: a hundred million licenses have some 15 MB of status lists. Stops endless files."""

_ALG, _KID, _TYP, _ES256, _COSE_SIGN1 = 1, 4, 16, -7, 18
_SUB, _STATUS_LIST = 2, 65533
_LIST_BYTES = ENTRIES // 8


class OfflineBundles:
    """Signs bundles. Threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids) -> None:
        """Sign under the highest key ``bundle-<n>``."""
        self._keys = StatementKeys(ring, "bundle", "离线数据", issuer=issuer, ids=ids)
        self._issuer = issuer

    def sign(self, claims: BundleClaims) -> bytes:
        """The file; Unavailable without a key, SigningError when it failed."""
        payload = _cbor(
            {
                "format": FORMAT,
                "iss": self._issuer,
                "version": claims.version,
                "since": claims.since,
                "as_of": int(claims.as_of.timestamp()),
                "parts": dict(claims.parts),
                "data": dict(claims.data),
            }
        )
        protected = _cbor({_ALG: _ES256, _KID: key_id_of(self._keys.kid()), _TYP: TYPE})
        signature = self._keys.sign_bytes(_cbor(["Signature1", protected, b"", payload]))
        return _cbor(cbor2.CBORTag(_COSE_SIGN1, [protected, {}, payload, signature]))

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS, newest first."""
        return self._keys.jwks()


def fingerprint(value: object) -> str:
    """Hex SHA-256 of a part in deterministic CBOR: whether it changed."""
    return hashlib.sha256(_cbor(value)).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleFile:
    """What one file says."""

    version: int
    since: int
    as_of: datetime
    issuer: str
    parts: Mapping[str, int]
    data: Mapping[str, Any]


@dataclass(kw_only=True, slots=True)
class BundleState:
    """What a device holds after a full file and those that followed it, made ready for checks.

    Attributes:
        as_of: everything held is what the service said at this moment.
        lists: number of a status list -> its array, one bit per entry.
        blocked: ids (``license/offline.py device_key_id``) of showing devices that were reported lost.
    """

    version: int = 0
    as_of: datetime | None = None
    issuer: str = ""
    held: dict[str, tuple[int, Any]] = field(default_factory=dict)
    code_keys: CodeKeys = field(default_factory=lambda: CodeKeys(()))
    lists: dict[int, bytes] = field(default_factory=dict)
    blocked: frozenset[bytes] = frozenset()

    def apply(self, file: BundleFile) -> None:
        """Take a file up, or refuse it and stay as before.

        Raises:
            InvalidInput: older than what is held, another issuer's, or parts are missing: then a full one is needed.
        """
        if self.as_of is not None and (file.as_of < self.as_of or file.issuer != self.issuer):
            raise InvalidInput("离线数据比现有的旧，或不是同一机关的：请取最新的离线数据")
        held = {
            name: (version, file.data[name]) if name in file.data else self.held.get(name, (0, None))
            for name, version in file.parts.items()
        }
        missing = [name for name, version in file.parts.items() if held[name][0] != version]
        if missing:
            raise InvalidInput(f"离线数据缺少 {'、'.join(missing)}：请取完整的离线数据（不带 since）")
        keys, lists, blocked = _ready(held)
        self.version, self.as_of, self.issuer, self.held = file.version, file.as_of, file.issuer, held
        self.code_keys, self.lists, self.blocked = keys, lists, blocked

    def part(self, name: str) -> Any:
        """A part; None when there is none."""
        return self.held.get(name, (0, None))[1]

    @property
    def amber_s(self) -> int:
        """How old status data may be before the green goes."""
        return int((self.part("policy") or {}).get("status_amber_s", STATUS_AMBER_S))

    @property
    def stale_s(self) -> int:
        """How old status data may be before they prove nothing; never more than the format allows."""
        return min(STATUS_STALE_S, int((self.part("policy") or {}).get("status_stale_s", STATUS_STALE_S)))


def read_bundle(data: bytes, jwks: Iterable[Mapping[str, Any]]) -> BundleFile:
    """What a bundle says, once its signature under one of ``jwks`` held.

    Raises:
        InvalidInput: not a bundle, too large, under another key, or changed.
    """
    if len(data) > MAX_BUNDLE_BYTES:
        raise InvalidInput(f"离线数据超过 {MAX_BUNDLE_BYTES // 1024 // 1024} MB，不予读取")
    try:
        protected, payload, signature = _parts_of(data)
        header = cbor2.loads(protected)
        keys = {key_id_of(str(jwk.get("kid", ""))): jwk for jwk in jwks}
        known = set(header) == {_ALG, _KID, _TYP} and (header[_ALG], header[_TYP]) == (_ES256, TYPE)
        jwk = keys.get(header[_KID]) if known else None
        held = jwk is not None and raw_signature_holds(
            read_p256_jwk(jwk), signature, _cbor(["Signature1", protected, b"", payload])
        )
    except (cbor2.CBORDecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput("这不是离线数据文件，或文件已损坏") from error
    if not held:
        raise InvalidInput("离线数据的签名不符：文件被改动过，或不是此机关签发的")
    said = cbor2.loads(payload)
    if said["format"] != FORMAT:
        raise InvalidInput("离线数据的格式较新，请升级程序后再读")
    return BundleFile(
        version=said["version"],
        since=said["since"],
        as_of=datetime.fromtimestamp(said["as_of"], UTC),
        issuer=said["iss"],
        parts=said["parts"],
        data=said["data"],
    )


def _parts_of(data: bytes) -> tuple[bytes, bytes, bytes]:
    tagged = cbor2.loads(data)
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != _COSE_SIGN1 or _cbor(tagged) != data:
        raise InvalidInput("这不是离线数据文件，或不是规范的编码")
    protected, unprotected, payload, signature = tagged.value
    if unprotected or not all(isinstance(one, bytes) for one in (protected, payload, signature)):
        raise InvalidInput("这不是离线数据文件")
    return protected, payload, signature


def _ready(held: Mapping[str, tuple[int, Any]]) -> tuple[CodeKeys, dict[int, bytes], frozenset[bytes]]:
    lists = {
        value["list"]: array_of(value["cwt"], value["uri"])
        for name, (_, value) in held.items()
        if name.startswith("status/")
    }
    keys = CodeKeys(held["code_keys"][1] if "code_keys" in held else ())
    return keys, lists, frozenset(held["blocked_devices"][1] if "blocked_devices" in held else ())


def array_of(cwt: bytes, uri: str) -> bytes:
    """The array in a Status List Token that came inside a signed bundle; InvalidInput when it is none of one bit."""
    claims = cbor2.loads(cbor2.loads(cwt).value[2])
    listed = claims[_STATUS_LIST]
    array = zlib.decompressobj().decompress(listed["lst"], _LIST_BYTES + 1)
    if claims[_SUB] != uri or listed["bits"] != 1 or len(array) != _LIST_BYTES:
        raise InvalidInput("离线数据中的状态列表与其地址不符，或不是每项一位")
    return array


def _cbor(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)
