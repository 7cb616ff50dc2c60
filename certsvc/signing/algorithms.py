"""Which digests, signature algorithms and key sizes count as strong enough: an allow-list, never a block-list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from pyhanko.sign.validation.utils import CMSAlgorithmUsagePolicy
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)

from certsvc.signing.primitives import SM3
from certsvc.signing.sm2 import Sm2PublicKey
from certsvc.signing.sm2_oids import SIGNATURE_NAMES

if TYPE_CHECKING:
    from datetime import datetime

    from asn1crypto import algos, keys

ALLOWED_DIGESTS = frozenset(
    {"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "shake256", "shake256_len", "sm3"}
)
"""Collision resistance of 128 bits and more; SHA-1, MD5 and SHA-224 are not (NIST SP 800-131A)."""

ALLOWED_SIGNATURES = frozenset({"rsassa_pkcs1v15", "rsassa_pss", "ecdsa", "ed25519", "ed448"}) | SIGNATURE_NAMES

MIN_RSA_BITS = 2048
MIN_EC_BITS = 256


class AllowedAlgorithms(CMSAlgorithmUsagePolicy):
    """The allow-list in the form in which pyHanko asks, for certificates and CMS alike."""

    def digest_algorithm_allowed(
        self,
        algo: algos.DigestAlgorithm,
        moment: datetime | None,  # noqa: ARG002  (what is weak today was never strong)
    ) -> AlgorithmUsageConstraint:
        """Whether a digest is on the list."""
        name = str(algo["algorithm"].native)
        if name in ALLOWED_DIGESTS:
            return AlgorithmUsageConstraint(allowed=True)
        return AlgorithmUsageConstraint(allowed=False, failure_reason=f"digest {name} is not on the allow-list")

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,  # noqa: ARG002
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        """Whether a signature algorithm, its digest and its key are strong enough."""
        try:
            name = str(algo.signature_algo)
        except ValueError:
            name = str(algo["algorithm"].native)
        reason = "" if name in ALLOWED_SIGNATURES else f"algorithm {name} is not on the allow-list"
        if not reason and public_key is not None:
            reason = weak_key(public_key)
        if not reason and (digest := _digest_of(algo)) and digest not in ALLOWED_DIGESTS:
            reason = f"digest {digest} is not on the allow-list"
        return AlgorithmUsageConstraint(allowed=not reason, failure_reason=reason or None)


def weak_key(public_key: keys.PublicKeyInfo) -> str:
    """Why the key is too weak, or an empty text."""
    kind = str(public_key.algorithm)
    if kind in {"rsa", "rsassa_pss"} and public_key.bit_size < MIN_RSA_BITS:
        return f"RSA key of {public_key.bit_size} bits"
    if kind == "ec" and public_key.bit_size < MIN_EC_BITS:
        return f"EC key of {public_key.bit_size} bits"
    return ""


def _digest_of(algo: algos.SignedDigestAlgorithm) -> str:
    try:
        return str(algo.hash_algo)
    except ValueError:
        return ""


class SignatureValidatorWithSm2(DefaultSignatureValidator):
    """pyHanko's primitives and, for the two OIDs of SM2 with SM3, ours: certificates, CRLs and CMS alike."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        """Raise InvalidSignature unless ``signature`` is one over ``signed_data``."""
        if signature_algorithm["algorithm"].native not in SIGNATURE_NAMES:
            super().validate_signature(signature, signed_data, public_key_info, signature_algorithm, context)
            return
        try:
            key = Sm2PublicKey.from_spki(public_key_info.dump())
        except ValueError as error:
            raise InvalidSignature from error
        # A digest alone cannot be verified: Z stands before the message.
        digest = context.contextual_md_algorithm
        if context.prehashed or digest not in {None, SM3} or not key.verify_lenient(signature, signed_data):
            raise InvalidSignature
