"""Where a certificate says that its revocation status can be asked: CRL distribution points and OCSP responders.

RFC 5280 §4.2.1.13 and §4.2.2.1; RFC 6960 §4.1. Only the questions are made here. Whether a host may be asked at all is
the operator's list, and asking is the delivery room's business.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from asn1crypto import algos, ocsp

from certsvc.seal.verdict import RevocationQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asn1crypto import x509

MAX_URL_CHARS = 512
"""Longer addresses are made to trouble us, not to be asked."""

MAX_PER_CERTIFICATE = 4
"""Addresses of one certificate that are tried."""

_SCHEMES = ("http://", "https://")
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)


def queries_of(certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[RevocationQuery, ...]:
    """The questions about ``certificate``, lists first; an extension that cannot be read asks nothing."""
    try:
        found = [*_lists(certificate), *_responders(certificate, issuer)]
    except _UNREADABLE:
        return ()
    return tuple(found[:MAX_PER_CERTIFICATE])


def _lists(certificate: x509.Certificate) -> Iterator[RevocationQuery]:
    for point in certificate.crl_distribution_points:
        url = point.url
        if url is not None and _may_be_asked(url):
            yield RevocationQuery(kind="crl", url=url)


def _responders(certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[RevocationQuery]:
    for url in certificate.ocsp_urls:
        if _may_be_asked(url):
            yield RevocationQuery(kind="ocsp", url=url, request=ocsp_request(certificate, issuer))


def _may_be_asked(url: str) -> bool:
    return len(url) <= MAX_URL_CHARS and url.isascii() and url.isprintable() and url.lower().startswith(_SCHEMES)


def ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """An OCSPRequest about one certificate in DER (RFC 6960 §4.1.1), identified by SHA-1 as responders expect it."""
    key = bytes(issuer["tbs_certificate"]["subject_public_key_info"]["public_key"].contents[1:])
    names = (("issuer_name_hash", issuer.subject.dump()), ("issuer_key_hash", key))
    identity = {
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha1"}),
        "serial_number": certificate.serial_number,
        **{field: hashlib.sha1(data, usedforsecurity=False).digest() for field, data in names},
    }
    asked = ocsp.Request({"req_cert": ocsp.CertId(identity)})
    return bytes(ocsp.OCSPRequest({"tbs_request": ocsp.TBSRequest({"request_list": [asked]})}).dump())
