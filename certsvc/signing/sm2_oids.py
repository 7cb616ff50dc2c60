"""Teaches asn1crypto the names of the Chinese algorithms (STANDARDS.md 4.3, 9): once, at import, for this process.

asn1crypto reads an algorithm that it does not know as a bare dotted text and then fails in the middle of a certificate;
pyHanko stands on asn1crypto. Whoever parses what may be SM2 imports this module first.
"""

from __future__ import annotations

from asn1crypto import algos, cms, keys

SM2_CURVE = "1.2.156.10197.1.301"
"""The curve sm2p256v1, parameter of ``id-ecPublicKey``."""

SM2_SIGN = "1.2.156.10197.1.301.1"
"""SM2 signature without a named digest; writers of GB/T 35275 put it where others put :data:`SM2_WITH_SM3`."""

SM3 = "1.2.156.10197.1.401"
SM2_WITH_SM3 = "1.2.156.10197.1.501"

GM_DATA = "1.2.156.10197.6.1.4.2.1"
"""GB/T 35275 content type ``data``."""

GM_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2"
"""GB/T 35275 content type ``signedData``."""

CURVE_NAME = "sm2p256v1"
DIGEST_NAME = "sm3"
"""As hashlib and cryptography call it, because pyHanko passes the name on to them."""

SIGNATURE_NAMES = frozenset({"sm3_sm2", "sm2_sign"})
"""asn1crypto names of the two OIDs by which an SM2 signature with SM3 goes."""

COORDINATE_BYTES = 32


def _register(kind: type, oid: str, name: str) -> None:
    kind._map[oid] = name  # type: ignore[attr-defined]  # noqa: SLF001  (asn1crypto has no other way for these classes)
    if kind._reverse_map is not None:  # type: ignore[attr-defined]  # noqa: SLF001
        kind._reverse_map[name] = oid  # type: ignore[attr-defined]  # noqa: SLF001


keys.NamedCurve.register(CURVE_NAME, SM2_CURVE, COORDINATE_BYTES)
_register(algos.DigestAlgorithmId, SM3, DIGEST_NAME)
_register(algos.SignedDigestAlgorithmId, SM2_WITH_SM3, "sm3_sm2")
_register(algos.SignedDigestAlgorithmId, SM2_SIGN, "sm2_sign")
_register(cms.ContentType, GM_DATA, "gm_data")
_register(cms.ContentType, GM_SIGNED_DATA, "gm_signed_data")
