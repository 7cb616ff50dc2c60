"""Rules about the parts of a CMS that its signature does not cover (RFC 5652 §5).

Versions, parameters and padding are outside the signed attributes, and pyHanko does not look at all of them. A change
there is a change of the file, so each of them must have the one value that the standard gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1crypto import cms, core

if TYPE_CHECKING:
    from asn1crypto import algos

MAX_CERTIFICATES = 64
"""Certificates in one signature; stops path building over made-up forests."""

_NO_PARAMETERS = (b"", b"\x05\x00")
_WITHOUT_PARAMETERS = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "shake256"})
_SIGNATURES_WITH_PARAMETERS = frozenset({"rsassa_pss"})


def cms_problem(contents: bytes) -> str:
    """Why ``contents`` (DER and the zeros of the hole) is not one clean SignedData of one signer; empty when it is.

    Raises:
        ValueError, TypeError, KeyError: ASN.1 that cannot be read at all.
    """
    size = der_size(contents)
    if size > len(contents) or contents[size:].strip(b"\x00"):
        return "bytes after the signature are not zeros"
    info = cms.ContentInfo.load(contents[:size], strict=True)
    if info["content_type"].native != "signed_data":
        return "not a SignedData"
    signed_data = info["content"]
    signers = signed_data["signer_infos"]
    if len(signers) != 1:
        return "not exactly one signer"
    return _signed_data_problem(signed_data, signers[0])


def der_size(data: bytes) -> int:
    """Length of the first DER element; ValueError for indefinite or non-minimal lengths."""
    if len(data) < 2:
        msg = "no DER element"
        raise ValueError(msg)
    first = data[1]
    if first < 0x80:
        return 2 + first
    count = first & 0x7F
    digits = data[2 : 2 + count]
    if not 1 <= count <= 4 or len(digits) != count or digits[0] == 0 or int.from_bytes(digits, "big") < 0x80:
        msg = "length is not DER"
        raise ValueError(msg)
    return 2 + count + int.from_bytes(digits, "big")


def _signed_data_problem(signed_data: cms.SignedData, signer: cms.SignerInfo) -> str:
    if signed_data["version"].native not in {"v1", "v3", "v4", "v5"}:
        return "version of SignedData"
    certificates = signed_data["certificates"]
    if not isinstance(certificates, core.Void) and len(certificates) > MAX_CERTIFICATES:
        return "too many certificates"
    digest = signer["digest_algorithm"]
    announced = [algorithm["algorithm"].native for algorithm in signed_data["digest_algorithms"]]
    if digest["algorithm"].native not in announced:
        return "digest algorithm is not announced"
    if any(_has_parameters(algorithm) for algorithm in (*signed_data["digest_algorithms"], digest)):
        return "parameters of the digest algorithm"
    identifier = "v1" if signer["sid"].name == "issuer_and_serial_number" else "v3"
    # PKCS#7 of old writers says 1 with either identifier; RFC 5652 §5.3 gives each its own version.
    if signer["version"].native != identifier:
        return "version of SignerInfo"
    return _signature_algorithm_problem(signer["signature_algorithm"])


def _signature_algorithm_problem(algorithm: algos.SignedDigestAlgorithm) -> str:
    name = str(algorithm["algorithm"].native)
    if name in _SIGNATURES_WITH_PARAMETERS:
        return ""
    return "parameters of the signature algorithm" if _parameters(algorithm) not in _NO_PARAMETERS else ""


def _has_parameters(algorithm: algos.DigestAlgorithm) -> bool:
    name = algorithm["algorithm"].native
    return name in _WITHOUT_PARAMETERS and _parameters(algorithm) not in _NO_PARAMETERS


def _parameters(algorithm: core.Sequence) -> bytes:
    value = algorithm["parameters"]
    return b"" if isinstance(value, core.Void) else bytes(value.dump())
