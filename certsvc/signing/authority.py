"""Statements of an issuing CA about its certificates: CRL (RFC 5280 §5) and OCSP responses (RFC 6960), as bytes.

The CA's key is used through :class:`CaSigner`; serving the bytes over HTTP is other rooms' business. Both are assembled
here in DER, because no library at hand signs them with SM2.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from asn1crypto import core, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certsvc.clock import check_aware
from certsvc.signing.certificates import (
    algorithm_of,
    extensions_der,
    load_private_key,
    public_key_of,
    read_chain,
    time_der,
)
from certsvc.signing.der import (
    BIT_STRING,
    CONTEXT_0,
    CONTEXT_1,
    OCTET_STRING,
    SEQUENCE,
    generalized_time,
    integer,
    tlv,
)
from certsvc.signing.keyfile import decrypt_key, read_file
from certsvc.signing.primitives import key_identifier, sign
from certsvc.signing.revocation import EXPIRED_KEPT
from certsvc.signing.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from datetime import datetime
    from pathlib import Path

    from certsvc.signing.master_key import MasterKey

VALIDITY = timedelta(hours=24)
"""How long a CRL or an answer stands: nextUpdate. A revocation is seen everywhere after at most this time."""

MAX_OCSP_REQUEST = 4096
"""Bytes of a request; one certificate takes about 100."""

MAX_OCSP_QUESTIONS = 10
MAX_NONCE = 128
"""RFC 9654: a nonce has at most 128 octets."""

_CONTEXT_2, _GOOD, _UNKNOWN = 0xA2, b"\x80\x00", b"\x82\x00"
_ENUMERATED = 0x0A
_BASIC = "1.3.6.1.5.5.7.48.1.1"
_NONCE = "1.3.6.1.5.5.7.48.1.2"
_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"
_HASHES = {"sha1": "sha1", "sha256": "sha256", "sm3": "sm3"}


class RevocationReason(IntEnum):
    """CRLReason of RFC 5280 §5.3.1, those that a seal certificate can have."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    PRIVILEGE_WITHDRAWN = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """When and why a certificate was revoked."""

    at: datetime
    reason: RevocationReason = RevocationReason.UNSPECIFIED


@dataclass(frozen=True, kw_only=True, slots=True)
class CaSigner:
    """An issuing CA: its certificate, and a call that signs with its key (digest name, data)."""

    certificate: x509.Certificate
    sign: Callable[[str, bytes], bytes]

    @property
    def algorithm(self) -> str:
        """Algorithm of the CA's key."""
        return algorithm_of(public_key_of(self.certificate))


def open_ca(directory: Path, key_id: str, master: MasterKey) -> CaSigner:
    """The CA ``key_id`` of a development PKI (``ca/`` of a ring's directory).

    Raises:
        ConfigurationError: no such CA, or another master key.
    """
    key = load_private_key(decrypt_key(read_file(directory / "ca" / f"{key_id}.key"), key_id, master).pkcs8)
    certificate = read_chain(directory / "ca" / f"{key_id}.pem")[0]
    return CaSigner(certificate=certificate, sign=lambda digest, data: sign(key, digest, data))


def make_crl(ca: CaSigner, revoked: Mapping[int, Revocation], *, number: int, now: datetime) -> bytes:
    """The CRL of ``ca`` in DER: serial -> revocation; ``number`` grows with every CRL.

    It says that it keeps what expired, since the CA began: ``revoked`` are all revocations ever.
    """
    moment = check_aware(now).replace(microsecond=0)
    suite = SUITES[ca.algorithm]
    entries = [
        tlv(SEQUENCE, integer(serial), time_der(one.at), _entry_extensions(one))
        for serial, one in sorted(revoked.items())
    ]
    kept = x509.UnrecognizedExtension(x509.ObjectIdentifier(EXPIRED_KEPT), _began(ca))
    extensions = extensions_der(((_authority(ca), False), (x509.CRLNumber(number), False), (kept, False)))
    body = tlv(
        SEQUENCE,
        integer(1),
        suite.signature_identifier,
        ca.certificate.subject.public_bytes(),
        time_der(moment),
        time_der(moment + VALIDITY),
        tlv(SEQUENCE, *entries) if entries else b"",
        tlv(CONTEXT_0, extensions),
    )
    return _signed(ca, body)


def answer_ocsp(
    ca: CaSigner, request: bytes, revoked: Mapping[int, Revocation], issued: Container[int], now: datetime
) -> bytes:
    """The OCSP response of ``ca`` in DER to a request in DER; an error response for one that cannot be read.

    ``issued`` are the serials that the CA gave out: "good" means issued and not revoked, never "not on a list"
    (RFC 6960 §2.2).
    """
    try:
        questions, nonce = _questions(request)
    except (ValueError, TypeError, KeyError):
        return _failure(1)
    moment = check_aware(now).replace(microsecond=0)
    answers = [_answer(ca, one, revoked, issued, moment) for one in questions]
    suite = SUITES[ca.algorithm]
    responder = tlv(_CONTEXT_2, tlv(OCTET_STRING, key_identifier(public_key_of(ca.certificate))))
    extension = tlv(SEQUENCE, core.ObjectIdentifier(_NONCE).dump(), tlv(OCTET_STRING, tlv(OCTET_STRING, nonce)))
    body = tlv(
        SEQUENCE,
        responder,
        generalized_time(moment),
        tlv(SEQUENCE, *answers),
        tlv(CONTEXT_1, tlv(SEQUENCE, extension)) if nonce else b"",
    )
    value = tlv(BIT_STRING, b"\x00", ca.sign(suite.digest, body))
    basic = tlv(SEQUENCE, body, suite.signature_identifier, value)
    wrapped = tlv(SEQUENCE, core.ObjectIdentifier(_BASIC).dump(), tlv(OCTET_STRING, basic))
    return tlv(SEQUENCE, tlv(_ENUMERATED, b"\x00"), tlv(CONTEXT_0, wrapped))


def _questions(request: bytes) -> tuple[list[ocsp.CertId], bytes]:
    if len(request) > MAX_OCSP_REQUEST:
        msg = "request larger than the limit"
        raise ValueError(msg)
    asked = ocsp.OCSPRequest.load(request, strict=True)
    questions = [one["req_cert"] for one in asked["tbs_request"]["request_list"]]
    if not 1 <= len(questions) <= MAX_OCSP_QUESTIONS:
        msg = "no question, or too many"
        raise ValueError(msg)
    nonce = asked.nonce_value.native if asked.nonce_value is not None else b""
    if len(nonce) > MAX_NONCE:
        msg = "nonce larger than the limit"
        raise ValueError(msg)
    for one in questions:
        _ = (one["hash_algorithm"]["algorithm"].native, one["serial_number"].native)
    return questions, bytes(nonce)


def _answer(
    ca: CaSigner, asked: ocsp.CertId, revoked: Mapping[int, Revocation], known: Container[int], moment: datetime
) -> bytes:
    serial = int(asked["serial_number"].native)
    status = _UNKNOWN
    if _names(ca, asked):
        found = revoked.get(serial)
        if found is not None:
            reason = tlv(CONTEXT_0, tlv(_ENUMERATED, bytes((found.reason,)))) if found.reason else b""
            status = tlv(CONTEXT_1, generalized_time(found.at), reason)
        elif serial in known:
            status = _GOOD
    cutoff = tlv(SEQUENCE, core.ObjectIdentifier(_ARCHIVE_CUTOFF).dump(), tlv(OCTET_STRING, _began(ca)))
    return tlv(
        SEQUENCE,
        asked.dump(),
        status,
        generalized_time(moment),
        tlv(CONTEXT_0, generalized_time(moment + VALIDITY)),
        tlv(CONTEXT_1, tlv(SEQUENCE, cutoff)),
    )


def _began(ca: CaSigner) -> bytes:
    """Since when the CA's statements hold expired certificates too: since it began."""
    return generalized_time(ca.certificate.not_valid_before_utc)


def _names(ca: CaSigner, asked: ocsp.CertId) -> bool:
    """Whether the question is about a certificate of this CA: hashes of its name and key (RFC 6960 §4.1.1)."""
    name = _HASHES.get(str(asked["hash_algorithm"]["algorithm"].native))
    if name is None:
        return False
    subject = ca.certificate.subject.public_bytes()
    bits = _key_bits(ca.certificate)
    names = hashlib.new(name, subject, usedforsecurity=False).digest() == asked["issuer_name_hash"].native
    return bool(names and hashlib.new(name, bits, usedforsecurity=False).digest() == asked["issuer_key_hash"].native)


def _key_bits(certificate: x509.Certificate) -> bytes:
    parsed = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    key = parsed["tbs_certificate"]["subject_public_key_info"]["public_key"]
    return bytes(key.contents[1:])


def _entry_extensions(one: Revocation) -> bytes:
    if one.reason is RevocationReason.UNSPECIFIED:
        return b""
    encoded = x509.ReasonFlags(_REASON_NAMES[one.reason])
    return extensions_der(((x509.CRLReason(encoded), False),))


_REASON_NAMES = {
    RevocationReason.KEY_COMPROMISE: "keyCompromise",
    RevocationReason.AFFILIATION_CHANGED: "affiliationChanged",
    RevocationReason.SUPERSEDED: "superseded",
    RevocationReason.CESSATION_OF_OPERATION: "cessationOfOperation",
    RevocationReason.PRIVILEGE_WITHDRAWN: "privilegeWithdrawn",
}


def _authority(ca: CaSigner) -> x509.AuthorityKeyIdentifier:
    found = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found.value)


def _signed(ca: CaSigner, body: bytes) -> bytes:
    suite = SUITES[ca.algorithm]
    value = tlv(BIT_STRING, b"\x00", ca.sign(suite.digest, body))
    return tlv(SEQUENCE, body, suite.signature_identifier, value)


def _failure(status: int) -> bytes:
    return tlv(SEQUENCE, tlv(_ENUMERATED, bytes((status,))))
