"""A phone of its own making: what docs/offline-codes.md says, written again without our signing room.

It builds and reads codes byte by byte (naive base45, a small CBOR reader), so that the page can be followed by others.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from status_reader import cbor

from certsvc.ids import SystemIds
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import MasterKey
from certsvc.signing.service_keys import create_service_key

NOW = datetime(2026, 7, 1, 2, 3, 4, tzinfo=UTC)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
PREFIX = "ELC1:"


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """And back."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base45(data: bytes) -> str:
    """RFC 9285 §4, by division."""
    out = ""
    for at in range(0, len(data), 2):
        part = data[at : at + 2]
        value = int.from_bytes(part, "big")
        for _ in range(3 if len(part) == 2 else 2):
            value, rest = divmod(value, 45)
            out += ALPHABET[rest]
    return out


def unbase45(text: str) -> bytes:
    """And back; ValueError for what is none."""
    out = b""
    for at in range(0, len(text), 3):
        part = text[at : at + 3]
        value = sum(ALPHABET.index(character) * 45**n for n, character in enumerate(part))
        out += value.to_bytes(len(part) - 1, "big")
    return out


@dataclass
class Phone:
    """A device with a key."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> dict[str, Any]:
        """As ``crypto.subtle.exportKey("jwk", publicKey)`` gives it."""
        numbers = self.key.public_key().public_numbers()
        x, y = (b64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        return {"crv": "P-256", "ext": True, "key_ops": ["verify"], "kty": "EC", "x": x, "y": y}

    @property
    def point(self) -> bytes:
        """The compressed public point."""
        numbers = self.key.public_key().public_numbers()
        return bytes((2 + numbers.y % 2,)) + numbers.x.to_bytes(32, "big")

    def sign(self, message: bytes) -> bytes:
        """As ``crypto.subtle.sign({name: "ECDSA", hash: "SHA-256"}, …)`` gives it."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def code(self, core: bytes, at: float) -> str:
        """The text that is drawn as QR at the Unix time ``at``."""
        time = struct.pack(">I", int(at))
        signature = self.sign(
            b"\x84\x6aSignature1\x43\xa1\x01\x26\x58\x20" + hashlib.sha256(core).digest() + b"\x45\x1a" + time
        )
        head = b"\x58" + bytes((len(core),)) if len(core) < 256 else b"\x59" + struct.pack(">H", len(core))
        return PREFIX + base45(
            b"\x82" + head + core + b"\x84\x43\xa1\x01\x26\xa0\x45\x1a" + time + b"\x58\x40" + signature
        )


def read_code(text: str, jwks: dict[str, Any]) -> dict[str, Any]:
    """What a code says by the page's words, once both signatures held; raises for anything else."""
    assert text.startswith(PREFIX)
    data = unbase45(text.removeprefix(PREFIX))
    core, (protected, unprotected, payload, signature) = cbor(data)
    assert (cbor(protected), unprotected) == ({1: -7}, {})
    tagged = cbor(core)
    assert tagged.number == 18
    core_protected, core_unprotected, claims_bytes, core_signature = tagged.value
    header = cbor(core_protected)
    assert (set(header), header[1], core_unprotected) == ({1, 4}, -7, {})
    (jwk,) = [one for one in jwks["keys"] if unb64(one["kid"])[:8] == header[4]]
    issuer = _public(unb64(jwk["x"]), unb64(jwk["y"]))
    _verify(issuer, core_signature, _structure(core_protected, b"", claims_bytes))
    claims: dict[Any, Any] = cbor(claims_bytes)
    key = claims[8][1]
    device = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), (b"\x03" if key[-3] else b"\x02") + key[-2])
    _verify(device, signature, _structure(protected, hashlib.sha256(core).digest(), payload))
    return {"claims": claims, "shown_at": cbor(payload), "bytes": len(data)}


def _structure(protected: bytes, external: bytes, payload: bytes) -> bytes:
    """RFC 9052 §4.4."""
    return b"\x84\x6aSignature1" + _bstr(protected) + _bstr(external) + _bstr(payload)


def _bstr(data: bytes) -> bytes:
    if len(data) < 24:
        return bytes((0x40 + len(data),)) + data
    return (b"\x58" + bytes((len(data),)) if len(data) < 256 else b"\x59" + struct.pack(">H", len(data))) + data


def _public(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    ).public_key()


def _verify(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def service_ring(directory: Path, *key_ids: str) -> SoftwareKeyRing:
    """A key ring with nothing but these service keys."""
    master = MasterKey(bytes(32))
    for key_id in key_ids:
        create_service_key(directory, key_id, "p256", key_id, master=master, now=NOW, ids=SystemIds(), sandbox=True)
    return SoftwareKeyRing(directory, master, profile="sandbox")
