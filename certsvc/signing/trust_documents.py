"""The trust list as a signed document for other instances and cities, and what a certificate in it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1crypto import x509

from certsvc.errors import InvalidInput
from certsvc.signing.judgement import common_name
from certsvc.signing.jws import load_public_keys
from certsvc.signing.statements import StatementKeys, read_statement
from certsvc.signing.trust import is_ca

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing

TRUST_LIST_TYPE = "trust-list+jwt"
MAX_EXPORT_CHARS = 8 * 1024 * 1024
"""Longest export that is read: a thousand anchors with certificates of two kilobytes have half of it."""


class JwsTrustLists:
    """Implements ``trust_ports.TrustDocuments``: keys ``trust-<n>`` sign trust lists and nothing else."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids) -> None:
        """Sign in the name of ``issuer``."""
        self._keys = StatementKeys(ring, "trust", "信任列表", issuer=issuer, ids=ids)

    def sign(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS over the claims; Unavailable when no key ``trust-<n>`` was made."""
        return self._keys.sign(TRUST_LIST_TYPE, claims, now=now)

    def read(self, text: str, jwks: str) -> Mapping[str, object]:
        """The claims of an export under the publisher's keys.

        Raises:
            InvalidInput: malformed, changed, under another key, or a JWS that is no trust list.
            ConfigurationError: ``jwks`` is no set of public keys.
        """
        return read_statement(text, load_public_keys(jwks), TRUST_LIST_TYPE, "信任列表", max_chars=MAX_EXPORT_CHARS)

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), newest first."""
        return self._keys.jwks()

    def check_certificate(self, der: bytes, *, authority: bool) -> str:
        """The common name; InvalidInput for what path building could not use, or no CA where one is needed."""
        try:
            certificate = x509.Certificate.load(der, strict=True)
            _ = (certificate.subject.hashable, certificate.public_key.algorithm, certificate.not_valid_after)
            may_issue, name = is_ca(certificate), common_name(certificate)
        except (ValueError, TypeError, KeyError) as error:
            msg = "信任列表中的证书无法读取：应为 X.509 证书（DER）"
            raise InvalidInput(msg) from error
        if authority and not may_issue:
            msg = "中间证书应为签发机构（CA）证书"
            raise InvalidInput(msg)
        return name

    def certificate_ends(self, der: bytes) -> datetime:
        """The end of its period; InvalidInput for what is no certificate."""
        try:
            ends: datetime = x509.Certificate.load(der, strict=True).not_valid_after
        except (ValueError, TypeError, KeyError) as error:
            msg = "信任列表中的证书无法读取：应为 X.509 证书（DER）"
            raise InvalidInput(msg) from error
        return ends
