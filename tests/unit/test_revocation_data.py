"""What lists and OCSP answers may say: "revoked" at any age, "not revoked" only for what they cover, in their time."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto import core, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from test_pki_cases import NOW, Party, certify, new_key

from certsvc.signing.revocation import RevocationData, RevocationStatus, Standing

CA = certify("Issuing", new_key(), None, days=(-4000, 4000), usages=("key_cert_sign", "crl_sign"), ca=True)
LEAF = certify("示例印章", new_key(), CA, usages=("digital_signature", "content_commitment"))


def day(number: float) -> datetime:
    return NOW + timedelta(days=number)


def crl(
    made: float,
    ends: float | None,
    *,
    revoked: float | None = None,
    reason: x509.ReasonFlags | None = None,
    leaf: Party = LEAF,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(CA.certificate.subject).last_update(day(made))
    builder = builder.next_update(day(ends if ends is not None else made + 1))
    if revoked is not None:
        entry = x509.RevokedCertificateBuilder().serial_number(leaf.certificate.serial_number)
        entry = entry.revocation_date(day(revoked))
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(CA.key, hashes.SHA256()).public_bytes(Encoding.DER)


def answer(
    made: float,
    ends: float | None,
    *,
    revoked: float | None = None,
    reason: str | None = None,
    cutoff: float | None = None,
    leaf: Party = LEAF,
    responder: Party = CA,
) -> bytes:
    """An OCSP answer in DER about ``leaf``."""
    issuer = asn1(CA)
    key = bytes(issuer["tbs_certificate"]["subject_public_key_info"]["public_key"].contents[1:])
    told: Any = ("good", core.Null())
    if revoked is not None:
        told = ("revoked", {"revocation_time": day(revoked), "revocation_reason": reason})
    single: dict[str, Any] = {
        "cert_id": {
            "hash_algorithm": {"algorithm": "sha1"},
            "issuer_name_hash": hashlib.sha1(issuer.subject.dump(), usedforsecurity=False).digest(),
            "issuer_key_hash": hashlib.sha1(key, usedforsecurity=False).digest(),
            "serial_number": leaf.certificate.serial_number,
        },
        "cert_status": ocsp.CertStatus(*told),
        "this_update": day(made),
    }
    if ends is not None:
        single["next_update"] = day(ends)
    if cutoff is not None:
        single["single_extensions"] = [{"extn_id": "archive_cutoff", "extn_value": core.GeneralizedTime(day(cutoff))}]
    body = ocsp.ResponseData(
        {
            "responder_id": ocsp.ResponderId("by_name", asn1(responder).subject),
            "produced_at": day(made),
            "responses": [single],
        }
    )
    assert isinstance(responder.key, ec.EllipticCurvePrivateKey)
    basic = {
        "tbs_response_data": body,
        "signature_algorithm": {"algorithm": "sha256_ecdsa"},
        "signature": responder.key.sign(body.dump(), ec.ECDSA(hashes.SHA256())),
        "certs": [asn1(responder)] if responder is not CA else None,
    }
    wrapped = {"response_type": "basic_ocsp_response", "response": ocsp.BasicOCSPResponse(basic)}
    return bytes(ocsp.OCSPResponse({"response_status": "successful", "response_bytes": wrapped}).dump())


def asn1(party: Party) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(party.der)


def status(*, crls: tuple[bytes, ...] = (), ocsps: tuple[bytes, ...] = (), leaf: Party = LEAF) -> RevocationStatus:
    return RevocationData(crls, ocsps, NOW).status(asn1(leaf), asn1(CA))


@pytest.mark.parametrize(("made", "ends"), [(-900, -10), (-900, 30), (-20, -10), (-20, 30), (-1, 6), (-1, 6000)])
def test_a_revocation_counts_at_any_age(made: float, ends: float) -> None:
    at = made - 1
    assert status(crls=(crl(made, ends, revoked=at),)) == RevocationStatus(Standing.REVOKED, day(at))
    assert status(ocsps=(answer(made, ends, revoked=at),)) == RevocationStatus(Standing.REVOKED, day(at))


def test_a_revocation_counts_beside_a_newer_list_that_dropped_it_and_without_an_end() -> None:
    old = crl(-20, -10, revoked=-21)
    assert status(crls=(crl(-1, 6), old)).standing is Standing.REVOKED
    assert status(ocsps=(answer(-20, None, revoked=-21),)).standing is Standing.REVOKED


def test_a_list_of_tomorrow_says_nothing() -> None:
    assert status(crls=(crl(1, 9, revoked=-3),)).standing is Standing.UNKNOWN
    assert status(ocsps=(answer(1, 9, revoked=-3),)).standing is Standing.UNKNOWN


def test_a_suspension_ends_with_its_list() -> None:
    hold = x509.ReasonFlags.certificate_hold
    assert status(crls=(crl(-1, 6, revoked=-3, reason=hold),)).standing is Standing.REVOKED
    assert status(crls=(crl(-20, -10, revoked=-21, reason=hold),)).standing is Standing.UNKNOWN
    assert status(crls=(crl(-1, 6), crl(-20, -10, revoked=-21, reason=hold))).standing is Standing.GOOD
    assert status(ocsps=(answer(-1, 6, revoked=-3, reason="certificate_hold"),)).standing is Standing.REVOKED
    assert status(ocsps=(answer(-20, -10, revoked=-3, reason="certificate_hold"),)).standing is Standing.UNKNOWN


@pytest.mark.parametrize(("made", "ends"), [(-20, -10), (-900, 1), (1, 9)])
def test_good_needs_the_time_of_its_list(made: float, ends: float) -> None:
    assert status(crls=(crl(made, ends),)).standing is Standing.UNKNOWN
    assert status(ocsps=(answer(made, ends),)).standing is Standing.UNKNOWN
    assert status(crls=(crl(-1, 6),)).standing is Standing.GOOD
    assert status(ocsps=(answer(-1, 6),)).standing is Standing.GOOD


def kept_since(number: float) -> tuple[x509.ExtensionType, bool]:
    value = core.GeneralizedTime(day(number)).dump()
    return (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.60"), value), False)


def test_a_list_made_after_a_certificate_ended_says_nothing_of_it() -> None:
    """RFC 5280 §3.3: a publisher drops what expired, revoked or not."""
    ended = certify("示例印章", new_key(), CA, days=(-300, -5), usages=("digital_signature",))
    assert status(crls=(crl(-1, 6),), leaf=ended).standing is Standing.UNKNOWN
    assert status(ocsps=(answer(-1, 6, leaf=ended),), leaf=ended).standing is Standing.UNKNOWN
    assert status(crls=(crl(-6, 1),), leaf=ended).standing is Standing.GOOD
    assert status(ocsps=(answer(-6, 1, leaf=ended),), leaf=ended).standing is Standing.GOOD
    assert status(crls=(crl(-1, 6, revoked=-30, leaf=ended),), leaf=ended).standing is Standing.REVOKED


@pytest.mark.parametrize(("since", "known"), [(-4000, True), (-6, True), (-4, False)])
def test_a_list_that_keeps_what_expired_says_good_of_it(since: float, known: bool) -> None:
    ended = certify("示例印章", new_key(), CA, days=(-300, -5), usages=("digital_signature",))
    expected = Standing.GOOD if known else Standing.UNKNOWN
    assert status(crls=(crl(-1, 6, extensions=(kept_since(since),)),), leaf=ended).standing is expected
    assert status(ocsps=(answer(-1, 6, cutoff=since, leaf=ended),), leaf=ended).standing is expected


@pytest.mark.parametrize("critical", [False, True])
@pytest.mark.parametrize("what", ["only CA certificates", "delta"])
def test_a_list_that_speaks_of_a_part_is_no_proof(what: str, critical: bool) -> None:
    part: x509.ExtensionType = x509.DeltaCRLIndicator(5)
    if what == "only CA certificates":
        part = x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=True,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
    assert status(crls=(crl(-1, 6, extensions=((part, critical),)),)).standing is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("usages", "ca", "purpose", "known"),
    [
        (("digital_signature",), False, True, True),
        (None, False, True, True),
        (("key_encipherment",), False, True, False),
        (("digital_signature", "key_cert_sign"), True, True, False),
        (("digital_signature",), False, False, False),
    ],
)
def test_a_responder_is_one_that_may_sign_and_is_no_ca(
    usages: tuple[str, ...] | None, ca: bool, purpose: bool, known: bool
) -> None:
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
    more = ((purposes, False),) if purpose else ()
    responder = certify("Responder", new_key(), CA, usages=usages, ca=ca, extensions=more)
    expected = Standing.GOOD if known else Standing.UNKNOWN
    assert status(ocsps=(answer(-1, 6, responder=responder),)).standing is expected
