"""What revocation data at hand says of a certificate: CRLs of a directory, CRLs and OCSP responses inside a file.

Nothing is fetched. Data counts only when its issuer's signature is good (RSA, ECDSA, SM2) and ``thisUpdate`` is not in
the future. Such data says "revoked" at any age: what its issuer revoked stays so. It says "not revoked" only when:

* ``nextUpdate`` is not over at the moment of judging and no more than :data:`LONGEST_WINDOW` after ``thisUpdate``
  (RFC 5280 §5.1.2.4-5; RFC 6960 §4.2.2.1).
* It speaks of the certificate still: publishers drop what expired (RFC 5280 §3.3). It was made before the certificate
  ended, or says itself that it keeps expired ones from then on (``expiredCertsOnCRL`` of X.509; RFC 6960 §4.4.4).
* It is fresh at the moment of judging where it came with the file: whoever made the file chose it, and last month's
  list would hide what happened since.
* A responder that the issuer appointed counts while its certificate is in its period and not revoked by the lists.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from asn1crypto import core, crl, ocsp, x509
from cryptography.x509 import CRLReason, ReasonFlags, load_der_x509_crl
from cryptography.x509.ocsp import OCSPResponseStatus, load_der_ocsp_response

from certsvc.signing.primitives import load_public_key, verify_signature
from certsvc.signing.sm2_oids import SM2_WITH_SM3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
_SIGNING = frozenset({"digital_signature", "non_repudiation"})
"""Key usages of which a responder's certificate has one, where it has the extension (RFC 5280 §4.2.1.12)."""

_HOLD = "certificate_hold"
_NARROWING = frozenset({"2.5.29.27", "2.5.29.28"})
"""deltaCRLIndicator and issuingDistributionPoint (RFC 5280 §5.2.4-5)."""

EXPIRED_KEPT = "2.5.29.60"
"""expiredCertsOnCRL (X.509): a GeneralizedTime."""

FRESH = timedelta(days=7)
"""How old a list inside a file may be to say "not revoked": seal CAs publish daily to weekly."""

LONGEST_WINDOW = timedelta(days=400)
"""From ``thisUpdate`` to ``nextUpdate``; roots publish yearly. A list for decades could never be replaced."""

SKEW = timedelta(minutes=5)
"""How far a publisher's clock may run ahead."""

MAX_INDEXED = 64
"""Lists whose entries are kept in memory by their digest: a list of 20,000 is read once, not per signature."""

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


@dataclass(frozen=True, slots=True)
class _Times:
    """When data was made, until when it is good, and from when on it keeps certificates that expired."""

    made: datetime | None
    ends: datetime | None
    keeps: datetime | None = None


class RevocationData:
    """The data at hand for one moment of judging."""

    def __init__(
        self,
        crls: Sequence[bytes],
        ocsps: Sequence[bytes],
        moment: datetime,
        *,
        brought_crls: Sequence[bytes] = (),
        brought_ocsps: Sequence[bytes] = (),
        now: datetime | None = None,
    ) -> None:
        """Keep the data; parts that cannot be read are no data.

        ``brought_…`` came with the file. ``now`` is the time of the machine where ``moment`` is an earlier one.
        """
        self._crls = (*((der, False) for der in crls), *((der, True) for der in brought_crls))
        self._ocsps = (*((der, False) for der in ocsps), *((der, True) for der in brought_ocsps))
        self._moment = moment
        self._now = max(moment, now or moment)

    def status(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationStatus:
        """The standing of ``certificate`` by everything that ``issuer`` signed; revoked wins over good."""
        by_lists = self._from_crls(certificate, issuer)
        found = [*by_lists, *self._from_ocsps(certificate, issuer)]
        revoked = [one for one in found if one.standing is Standing.REVOKED]
        if revoked:
            return min(revoked, key=lambda one: one.since or self._moment)
        return GOOD if found else UNKNOWN

    def _from_crls(self, certificate: x509.Certificate, issuer: x509.Certificate) -> list[RevocationStatus]:
        found = []
        for der, brought in self._crls:
            try:
                status = self._from_crl(der, certificate, issuer, brought=brought)
            except _UNREADABLE:
                continue
            if status is not None:
                found.append(status)
        return found

    def _from_crl(
        self, der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, *, brought: bool
    ) -> RevocationStatus | None:
        parsed = crl.CertificateList.load(der)
        body = parsed["tbs_cert_list"]
        usage = issuer.key_usage_value
        if body["issuer"].dump() != issuer.subject.dump() or (usage is not None and "crl_sign" not in usage.native):
            return None
        # Some extensions narrow what the list speaks of (delta, one distribution point), critical as they must be or
        # not: such a list is no proof, and none with a critical one that nobody here reads (RFC 5280 §5.2).
        narrowed = any(
            extension["critical"].native or extension["extn_id"].dotted in _NARROWING
            for extension in body["crl_extensions"] or ()
        )
        times = _Times(body["this_update"].native, body["next_update"].native, _keeps_expired(body))
        if narrowed or self._is_of_the_future(times):
            return None
        if not _signed_by(issuer, parsed["signature_algorithm"], parsed["signature"].native, body.dump()):
            return None
        since = _entries(der).get(certificate.serial_number)
        if since is not None:
            # A suspension may be over since: it holds for as long as its list.
            lifted = not self._in_time(times) and _is_suspended(der, certificate.serial_number)
            return None if lifted else RevocationStatus(Standing.REVOKED, since)
        return GOOD if self._may_say_good(times, certificate, brought=brought) else None

    def _from_ocsps(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[RevocationStatus]:
        for der, brought in self._ocsps:
            try:
                yield from self._from_ocsp(der, certificate, issuer, brought=brought)
            except _UNREADABLE:
                continue

    def _from_ocsp(
        self, der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, *, brought: bool
    ) -> Iterator[RevocationStatus]:
        response = ocsp.OCSPResponse.load(der)
        if response["response_status"].native != "successful":
            return
        basic = response.basic_ocsp_response
        body = basic["tbs_response_data"]
        signature, algorithm = basic["signature"].native, basic["signature_algorithm"]
        signers = [issuer, *self._delegated(basic, issuer, body["produced_at"].native)]
        if not any(_signed_by(signer, algorithm, signature, body.dump()) for signer in signers):
            return
        for one in body["responses"]:
            cutoff = one.archive_cutoff_value
            keeps = cutoff.native if cutoff is not None else None
            times = _Times(one["this_update"].native, one["next_update"].native, keeps)
            if not _is_about(one["cert_id"], certificate, issuer) or self._is_of_the_future(times):
                continue
            if one["cert_status"].name == "revoked":
                told = one["cert_status"].chosen
                if self._in_time(times) or told["revocation_reason"].native != _HOLD:
                    yield RevocationStatus(Standing.REVOKED, told["revocation_time"].native)
            elif one["cert_status"].name == "good" and self._may_say_good(times, certificate, brought=brought):
                yield GOOD

    def _delegated(
        self, basic: ocsp.BasicOCSPResponse, issuer: x509.Certificate, produced_at: datetime
    ) -> list[x509.Certificate]:
        """Responders that the issuer itself appointed, in force when they answered (RFC 6960 §4.2.2.2)."""
        return [
            one
            for one in _appointed(basic, issuer)
            if one.not_valid_before <= produced_at <= one.not_valid_after
            and not any(status.standing is Standing.REVOKED for status in self._from_crls(one, issuer))
        ]

    def _is_of_the_future(self, times: _Times) -> bool:
        return times.made is None or times.made > self._now + SKEW

    def _in_time(self, times: _Times) -> bool:
        if times.made is None or times.ends is None:
            return False
        return times.ends >= self._moment and times.ends - times.made <= LONGEST_WINDOW

    def _may_say_good(self, times: _Times, certificate: x509.Certificate, *, brought: bool) -> bool:
        if times.made is None or not self._in_time(times):
            return False
        ended = certificate.not_valid_after
        if times.made > ended and (times.keeps is None or times.keeps > ended):
            return False
        return not brought or times.made >= self._moment - FRESH


def is_answer(kind: str, body: bytes) -> bool:
    """Whether a body is a list (``crl``), or an OCSP answer that answers: an error page is none."""
    try:
        if kind == "ocsp":
            return load_der_ocsp_response(body).response_status is OCSPResponseStatus.SUCCESSFUL
        load_der_x509_crl(body)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=MAX_INDEXED)
def _entries(der: bytes) -> dict[int, datetime]:
    """Serial numbers of a list, each with its date."""
    listed = load_der_x509_crl(der)
    return {entry.serial_number: entry.revocation_date_utc for entry in listed}


def _keeps_expired(body: crl.TbsCertList) -> datetime | None:
    """From when on a list keeps certificates that expired, or None (expiredCertsOnCRL of X.509)."""
    for extension in body["crl_extensions"] or ():
        if extension["extn_id"].dotted == EXPIRED_KEPT:
            kept: datetime = core.GeneralizedTime.load(extension["extn_value"].contents, strict=True).native
            return kept
    return None


def _is_suspended(der: bytes, serial: int) -> bool:
    """Whether a list holds a certificate for a time only (certificateHold, RFC 5280 §5.3.1)."""
    entry = load_der_x509_crl(der).get_revoked_certificate_by_serial_number(serial)
    reasons = [one.value.reason for one in entry.extensions if isinstance(one.value, CRLReason)] if entry else []
    return ReasonFlags.certificate_hold in reasons


def _appointed(basic: ocsp.BasicOCSPResponse, issuer: x509.Certificate) -> list[x509.Certificate]:
    """Responder certificates inside an answer that the issuer itself gave that purpose (RFC 6960 §4.2.2.2)."""
    found = []
    for certificate in basic["certs"] or ():
        purposes, usage = certificate.extended_key_usage_value, certificate.key_usage_value
        if purposes is None or _OCSP_SIGNING not in purposes.native or certificate.ca:
            continue
        if usage is not None and not _SIGNING & set(usage.native):
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
