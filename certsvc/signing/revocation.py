"""What revocation data at hand says of a certificate: CRLs of a directory, CRLs and OCSP responses inside a file.

Nothing is fetched. Data counts only when its issuer's signature is good (RSA, ECDSA, SM2) and when it is late enough: a
CRL or answer whose ``nextUpdate`` was over at the moment of judging says nothing about that moment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from asn1crypto import crl, ocsp, x509

from certsvc.signing.primitives import load_public_key, verify_signature
from certsvc.signing.sm2_oids import SM2_WITH_SM3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

_DIGESTS = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    SM2_WITH_SM3: "sm3",
}
_OCSP_SIGNING = "ocsp_signing"
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)


class Standing(Enum):
    """What is known of one certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """The standing of a certificate and, when revoked, since when."""

    standing: Standing
    since: datetime | None = None


UNKNOWN = RevocationStatus(Standing.UNKNOWN)
GOOD = RevocationStatus(Standing.GOOD)


class RevocationData:
    """The data at hand for one moment of judging."""

    def __init__(self, crls: Sequence[bytes], ocsps: Sequence[bytes], moment: datetime) -> None:
        """Keep the data; parts that cannot be read are no data."""
        self._crls = tuple(crls)
        self._ocsps = tuple(ocsps)
        self._moment = moment

    def status(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationStatus:
        """The standing of ``certificate`` by everything that ``issuer`` signed; revoked wins over good."""
        found = [*self._from_crls(certificate, issuer), *self._from_ocsps(certificate, issuer)]
        revoked = [one for one in found if one.standing is Standing.REVOKED]
        if revoked:
            return min(revoked, key=lambda one: one.since or self._moment)
        return GOOD if found else UNKNOWN

    def _from_crls(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[RevocationStatus]:
        for der in self._crls:
            try:
                status = self._from_crl(der, certificate, issuer)
            except _UNREADABLE:
                continue
            if status is not None:
                yield status

    def _from_crl(self, der: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationStatus | None:
        parsed = crl.CertificateList.load(der)
        body = parsed["tbs_cert_list"]
        usage = issuer.key_usage_value
        if body["issuer"].dump() != issuer.subject.dump() or (usage is not None and "crl_sign" not in usage.native):
            return None
        # A critical extension narrows what the list speaks of (delta, one distribution point): such a list is no proof.
        critical = any(extension["critical"].native for extension in body["crl_extensions"] or ())
        if critical or not self._late_enough(body["next_update"].native):
            return None
        if not _signed_by(issuer, parsed["signature_algorithm"], parsed["signature"].native, body.dump()):
            return None
        for entry in body["revoked_certificates"] or ():
            if entry["user_certificate"].native == certificate.serial_number:
                return RevocationStatus(Standing.REVOKED, entry["revocation_date"].native)
        return GOOD

    def _from_ocsps(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[RevocationStatus]:
        for der in self._ocsps:
            try:
                status = self._from_ocsp(der, certificate, issuer)
            except _UNREADABLE:
                continue
            if status is not None:
                yield status

    def _from_ocsp(
        self, der: bytes, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> RevocationStatus | None:
        response = ocsp.OCSPResponse.load(der)
        if response["response_status"].native != "successful":
            return None
        basic = response.basic_ocsp_response
        body = basic["tbs_response_data"]
        signature, algorithm = basic["signature"].native, basic["signature_algorithm"]
        signers = [issuer, *_delegated(basic, issuer)]
        if not any(_signed_by(signer, algorithm, signature, body.dump()) for signer in signers):
            return None
        for one in body["responses"]:
            if not _is_about(one["cert_id"], certificate, issuer) or not self._late_enough(one["next_update"].native):
                continue
            if one["cert_status"].name == "good":
                return GOOD
            if one["cert_status"].name == "revoked":
                return RevocationStatus(Standing.REVOKED, one["cert_status"].chosen["revocation_time"].native)
        return None

    def _late_enough(self, next_update: datetime | None) -> bool:
        return next_update is not None and next_update >= self._moment


def _delegated(basic: ocsp.BasicOCSPResponse, issuer: x509.Certificate) -> list[x509.Certificate]:
    """Responder certificates inside an answer that the issuer itself gave that purpose (RFC 6960 §4.2.2.2)."""
    found = []
    for certificate in basic["certs"] or ():
        purposes = certificate.extended_key_usage_value
        if purposes is None or _OCSP_SIGNING not in purposes.native:
            continue
        body = certificate["tbs_certificate"].dump()
        if _signed_by(issuer, certificate["signature_algorithm"], certificate["signature_value"].native, body):
            found.append(certificate)
    return found


def _is_about(asked: ocsp.CertId, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    name = str(asked["hash_algorithm"]["algorithm"].native)
    if asked["serial_number"].native != certificate.serial_number or name not in {"sha1", "sha256", "sm3"}:
        return False
    key = bytes(issuer["tbs_certificate"]["subject_public_key_info"]["public_key"].contents[1:])
    pairs = ((issuer.subject.dump(), "issuer_name_hash"), (key, "issuer_key_hash"))
    return all(hashlib.new(name, data, usedforsecurity=False).digest() == asked[field].native for data, field in pairs)


def _signed_by(signer: x509.Certificate, algorithm: object, signature: bytes, data: bytes) -> bool:
    digest = _DIGESTS.get(algorithm["algorithm"].dotted)  # type: ignore[index]
    if digest is None:
        return False
    key = load_public_key(signer["tbs_certificate"]["subject_public_key_info"].dump())
    return verify_signature(key, signature, data, digest)
