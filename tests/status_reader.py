"""An independent reader of status lists, from the words of the standards: CBOR, COSE_Sign1, JWS, bits."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc.license.status_list import ENTRIES, Mark, Status, StatusArray


@dataclass(frozen=True)
class Tag:
    """A tagged CBOR item."""

    number: int
    value: Any


@dataclass(frozen=True)
class ReadList:
    """What a list says, once its signature held."""

    header: dict[Any, Any]
    claims: dict[Any, Any]
    kid: str
    bits: int
    array: bytes

    def status(self, index: int) -> int:
        """The value of an entry (draft-ietf-oauth-status-list §4.1 step 3)."""
        if index * self.bits >= len(self.array) * 8:
            raise IndexError(index)
        word = int.from_bytes(self.array, "little")
        return word >> (index * self.bits) & ((1 << self.bits) - 1)


def raw(text: str) -> bytes:
    """base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(data: bytes) -> Any:
    """The one item in ``data`` (RFC 8949 §3), of the kinds that status lists have."""
    value, end = _item(data, 0)
    assert end == len(data)
    return value


def _item(data: bytes, at: int) -> tuple[Any, int]:
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if info >= 24:
        assert info <= 27
        size = 1 << (info - 24)
        info, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major == 0:
        return info, at
    if major == 1:
        return -1 - info, at
    if major == 2:
        assert at + info <= len(data)
        return data[at : at + info], at + info
    if major == 3:
        assert at + info <= len(data)
        return data[at : at + info].decode(), at + info
    if major == 4:
        items = []
        for _ in range(info):
            item, at = _item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        found: dict[Any, Any] = {}
        for _ in range(info):
            key, at = _item(data, at)
            assert key not in found
            found[key], at = _item(data, at)
        return found, at
    if major == 7:
        return {20: False, 21: True}[info], at
    assert major == 6
    value, at = _item(data, at)
    return Tag(info, value), at


def _head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes((major << 5 | length,))
    size = next(size for size in (1, 2, 4) if length < 1 << 8 * size)
    return bytes((major << 5 | 24 + (1, 2, 4).index(size),)) + length.to_bytes(size, "big")


def _key(jwks: Any, kid: str) -> ec.EllipticCurvePublicKey:
    (jwk,) = [one for one in jwks["keys"] if one["kid"] == kid]
    assert (jwk["kty"], jwk["crv"], jwk["use"], jwk["alg"]) == ("EC", "P-256", "sig", "ES256")
    x, y = (int.from_bytes(raw(jwk[name]), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _verify(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    assert len(signature) == 64
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def read_cwt(data: bytes, jwks: Any) -> ReadList:
    """A list as CWT; raises when anything of it is not as §5.2 and RFC 9052 §4.2, §4.4 have it."""
    message = cbor(data)
    assert message.number == 18
    protected, unprotected, payload, signature = message.value
    kid = unprotected[4].decode()
    signed = (
        _head(4, 4) + _head(3, 10) + b"Signature1" + _head(2, len(protected)) + protected
        + _head(2, 0) + _head(2, len(payload)) + payload
    )  # fmt: skip
    _verify(_key(jwks, kid), signature, signed)
    header, claims = cbor(protected), cbor(payload)
    assert header == {1: -7, 16: "application/statuslist+cwt"}
    listed = claims[65533]
    return ReadList(header, claims, kid, listed["bits"], zlib.decompress(listed["lst"]))


def read_jwt(data: bytes, jwks: Any) -> ReadList:
    """A list as JWT (§5.1)."""
    head, body, signature = data.decode().split(".")
    header, claims = json.loads(raw(head)), json.loads(raw(body))
    assert (header["alg"], header["typ"]) == ("ES256", "statuslist+jwt")
    _verify(_key(jwks, header["kid"]), raw(signature), f"{head}.{body}".encode())
    listed = claims["status_list"]
    return ReadList(header, claims, header["kid"], listed["bits"], zlib.decompress(raw(listed["lst"])))


def packed(values: Iterable[tuple[int, int]], bits: int, entries: int = ENTRIES) -> bytes:
    """The product's array with these indexes and values, as if places and indexes were the same.

    The value 3, which we do not use and the draft's vectors have, is both of ours at once.
    """
    array = StatusArray(bits, entries)
    array.follow(marks_of(values), lambda place: place)
    return bytes(array)


def marks_of(values: Iterable[tuple[int, int]]) -> list[Mark]:
    """Places with their values as the register tells them."""
    statuses = (Status.INVALID, Status.SUSPENDED)
    return [Mark(at // 32, status, 1 << at % 32) for at, value in values for status in statuses if value & status]
