"""Signature primitives of every algorithm behind one function each: sign, verify, read a public key.

All verification of this room that is not pyHanko's own passes :func:`verify_signature`; it answers and never raises
for a bad signature, a bad encoding or a bad key.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from certsvc.errors import SigningError
from certsvc.signing.sm2 import Sm2PrivateKey, Sm2PublicKey

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | Sm2PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | Sm2PublicKey
AnyPublicKey = PublicKey | ed25519.Ed25519PublicKey
"""Public keys that may stand in certificates of others."""

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}

SM3 = "sm3"

_ECDSA = {name: ec.ECDSA(algorithm) for name, algorithm in HASHES.items()}
_PKCS1 = padding.PKCS1v15()


def sign(key: PrivateKey, digest: str, data: bytes) -> bytes:
    """Signature over ``data``: PKCS#1 v1.5 of RSA keys, DER of EC and SM2 keys.

    Raises:
        SigningError: a digest that the algorithm does not go with.
    """
    if isinstance(key, Sm2PrivateKey) != (digest == SM3) or (digest != SM3 and digest not in HASHES):
        msg = f"摘要算法 {digest} 与密钥算法不配：SM2 密钥用 sm3，其余用 {'、'.join(HASHES)}"
        raise SigningError(msg)
    if isinstance(key, Sm2PrivateKey):
        return key.sign(data)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, _PKCS1, HASHES[digest])
    return key.sign(data, _ECDSA[digest])


def verify_signature(
    public_key: AnyPublicKey, signature: bytes, data: bytes, digest: str, *, pss_salt: int | None = None
) -> bool:
    """Whether ``signature`` is one over ``data``.

    ``digest`` is ``sha256``, ``sha384``, ``sha512``, or ``sm3`` for SM2 keys; Ed25519 takes none and ignores it.
    ``pss_salt`` is the salt length of RSASSA-PSS (MGF1 with the same digest); None means PKCS#1 v1.5.
    """
    if isinstance(public_key, Sm2PublicKey):
        return digest == SM3 and public_key.verify(signature, data)
    try:
        if isinstance(public_key, ed25519.Ed25519PublicKey):
            public_key.verify(signature, data)
            return True
        chosen = HASHES.get(digest)
        if chosen is None:
            return False
        if isinstance(public_key, rsa.RSAPublicKey):
            scheme = _PKCS1 if pss_salt is None else padding.PSS(padding.MGF1(chosen), pss_salt)
            public_key.verify(signature, data, scheme, chosen)
        else:
            public_key.verify(signature, data, _ECDSA[digest])
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def load_public_key(spki: bytes) -> AnyPublicKey:
    """The key of a SubjectPublicKeyInfo; ValueError for an algorithm that this room does not verify."""
    try:
        return Sm2PublicKey.from_spki(spki)
    except ValueError:
        pass
    try:
        key = serialization.load_der_public_key(spki)
    except (UnsupportedAlgorithm, ValueError, TypeError) as error:
        msg = "public key of an unknown algorithm"
        raise ValueError(msg) from error
    if isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return key
    msg = "public key of an algorithm that is not used for seals"
    raise ValueError(msg)


def spki_of(public_key: AnyPublicKey) -> bytes:
    """SubjectPublicKeyInfo in DER."""
    if isinstance(public_key, Sm2PublicKey):
        return public_key.spki
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_identifier(public_key: AnyPublicKey) -> bytes:
    """SHA-1 of the public key's bits (RFC 5280 §4.2.1.2, method 1): a name, not a protection."""
    if isinstance(public_key, Sm2PublicKey):
        bits = public_key.bits
    elif isinstance(public_key, ec.EllipticCurvePublicKey):
        bits = public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    elif isinstance(public_key, rsa.RSAPublicKey):
        bits = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    else:
        bits = public_key.public_bytes_raw()
    return hashlib.sha1(bits, usedforsecurity=False).digest()
