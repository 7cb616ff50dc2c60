"""Rules about the parts of a CMS that its signature does not cover (RFC 5652 §5).

Versions, parameters and padding are outside the signed attributes, and pyHanko does not look at all of them. A change
there is a change of the file, so each of them must have the one value that the standard gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1crypto import cms, core, x509

from certsvc.signing.der import BIT_STRING, Element, check_nesting, element_size

if TYPE_CHECKING:
    from asn1crypto import algos

MAX_CERTIFICATES = 64
"""Certificates in one signature; stops path building over made-up forests."""

CERTIFICATE_PARTS = 3
"""tbsCertificate, signatureAlgorithm, signatureValue (RFC 5280 §4.1)"""

_NO_PARAMETERS = (b"", b"\x05\x00")
_WITHOUT_PARAMETERS = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "shake256", "sm3"})
_SIGNATURES_WITH_PARAMETERS = frozenset({"rsassa_pss"})


def cms_problem(contents: bytes) -> str:
    """Why ``contents`` (DER and the zeros of the hole) is not one clean SignedData of one signer; empty when it is.

    Raises:
        ValueError, TypeError, KeyError: ASN.1 that cannot be read at all.
    """
    size = element_size(contents)
    if size > len(contents) or contents[size:].strip(b"\x00"):
        return "bytes after the signature are not zeros"
    check_nesting(contents[:size])
    info = cms.ContentInfo.load(contents[:size], strict=True)
    if info["content_type"].native != "signed_data":
        return "not a SignedData"
    signed_data = info["content"]
    signers = signed_data["signer_infos"]
    if len(signers) != 1:
        return "not exactly one signer"
    return _signed_data_problem(signed_data, signers[0])


def is_plain(certificate: x509.Certificate) -> bool:
    """Whether the frame of a certificate, which its own signature does not cover, is as RFC 5280 §4.1.1 has it.

    Three parts, no unused bits in the last. Readers, asn1crypto among them, ignore the count and what follows.
    """
    try:
        parts = Element.read(certificate.dump()).children()
    except ValueError:
        return False
    return len(parts) == CERTIFICATE_PARTS and parts[-1].tag == BIT_STRING and parts[-1].content[:1] == b"\x00"


def signer_problem(signer: cms.SignerInfo, certificate: x509.Certificate) -> str:
    """Why the signer identifier does not name ``certificate`` to the byte; names compare without case otherwise."""
    sid = signer["sid"]
    if sid.name != "issuer_and_serial_number" or sid.chosen["issuer"].dump() == certificate.issuer.dump():
        return ""
    return "issuer of the signer identifier"


def _signed_data_problem(signed_data: cms.SignedData, signer: cms.SignerInfo) -> str:
    # Writers that name the signer by its key identifier often state 1 where RFC 5652 §5.1 wants 3.
    tolerated = {"v1"} if signer["sid"].name == "subject_key_identifier" else set()
    if signed_data["version"].native not in {_expected_version(signed_data, signer)} | tolerated:
        return "version of SignedData"
    certificates = signed_data["certificates"]
    if not isinstance(certificates, core.Void):
        if len(certificates) > MAX_CERTIFICATES:
            return "too many certificates"
        if not all(is_plain(choice.chosen) for choice in certificates if isinstance(choice.chosen, x509.Certificate)):
            return "frame of a certificate"
    digest = signer["digest_algorithm"]
    announced = [algorithm["algorithm"].native for algorithm in signed_data["digest_algorithms"]]
    if digest["algorithm"].native not in announced:
        return "digest algorithm is not announced"
    if len(set(announced)) != len(announced):
        return "digest algorithm is announced twice"
    if any(_has_parameters(algorithm) for algorithm in (*signed_data["digest_algorithms"], digest)):
        return "parameters of the digest algorithm"
    identifier = "v1" if signer["sid"].name == "issuer_and_serial_number" else "v3"
    # PKCS#7 of old writers says 1 with either identifier; RFC 5652 §5.3 gives each its own version.
    if signer["version"].native != identifier:
        return "version of SignerInfo"
    return _signature_algorithm_problem(signer["signature_algorithm"])


def _expected_version(signed_data: cms.SignedData, signer: cms.SignerInfo) -> str:
    """RFC 5652 §5.1: which version a SignedData of this content must state."""
    kinds = set()
    if not isinstance(signed_data["certificates"], core.Void):
        kinds = {choice.name for choice in signed_data["certificates"]}
    if "other" in kinds:
        return "v5"
    if "v2_attr_cert" in kinds:
        return "v4"
    is_data = signed_data["encap_content_info"]["content_type"].native == "data"
    return "v1" if is_data and signer["version"].native == "v1" and "v1_attr_cert" not in kinds else "v3"


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
