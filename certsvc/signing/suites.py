"""What goes with the algorithm of a key: its digest, the identifiers in DER, the size of its signature."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import core

from certsvc.signing.der import tlv
from certsvc.signing.sm2_oids import SM2_WITH_SM3, SM3

_SEQUENCE = 0x30
_NULL = b"\x05\x00"


def _identifier(oid: str, parameters: bytes = b"") -> bytes:
    return tlv(_SEQUENCE, core.ObjectIdentifier(oid).dump(), parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """One signature algorithm with its digest.

    Attributes:
        digest: hashlib's name of the digest of documents and of signed attributes.
        digest_identifier, signature_identifier: AlgorithmIdentifiers in DER.
        signature_size: most bytes that a signature can take.
    """

    digest: str
    digest_identifier: bytes
    signature_identifier: bytes
    signature_size: int


_SHA256 = _identifier("2.16.840.1.101.3.4.2.1")
_SHA256_WITH_RSA = _identifier("1.2.840.113549.1.1.11", _NULL)

SUITES: dict[str, Suite] = {
    "p256": Suite(
        digest="sha256",
        digest_identifier=_SHA256,
        signature_identifier=_identifier("1.2.840.10045.4.3.2"),
        # SEQUENCE header 2, and twice INTEGER header 2, sign byte 1, value 32.
        signature_size=72,
    ),
    "rsa2048": Suite(
        digest="sha256",
        digest_identifier=_SHA256,
        signature_identifier=_SHA256_WITH_RSA,
        signature_size=256,
    ),
    "rsa3072": Suite(
        digest="sha256",
        digest_identifier=_SHA256,
        signature_identifier=_SHA256_WITH_RSA,
        signature_size=384,
    ),
    "sm2": Suite(
        digest="sm3",
        digest_identifier=_identifier(SM3),
        signature_identifier=_identifier(SM2_WITH_SM3),
        signature_size=72,
    ),
}
"""Every algorithm of a key of ours. ``sm3`` is both the digest and, with Z, part of the signature (GB/T 32918.2)."""
