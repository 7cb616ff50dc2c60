"""Forms that others write: CMS of GB/T 35275 in its variants, seal objects of v1 and v5, digests in a seal's list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sm2_oracle
from cryptography.hazmat.primitives import serialization
from signing_pages import MAKER, NOW, SES, SM2_SEAL, Workshop, one_page, open_workshop, seal_draft

from certsvc.commands.ports import TrustChoice
from certsvc.errors import InvalidInput, SigningError
from certsvc.seal.prepared import PreparedPdf
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason
from certsvc.signing.der import generalized_time, integer, tlv
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.seal_object import import_seal, make_seal, verify_seal
from certsvc.signing.ses import read_seal

VENDOR = "GM.sm2cms.detached"
HOLE = 6000
OID = {
    "signed": bytes.fromhex("060a2a811ccf550601040202"),
    "gm_data": bytes.fromhex("060a2a811ccf550601040201"),
    "data": bytes.fromhex("06092a864886f70d010701"),
    "pkcs7_signed": bytes.fromhex("06092a864886f70d010702"),
    "sm3": bytes.fromhex("06082a811ccf55018311"),
    "sm2_sm3": bytes.fromhex("06082a811ccf55018375"),
    "sm2_sign": bytes.fromhex("06092a811ccf5501822d01"),
    "content_type": bytes.fromhex("06092a864886f70d010903"),
    "message_digest": bytes.fromhex("06092a864886f70d010904"),
}
SEQ, SET, OCT = 0x30, 0x31, 0x04


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


def leaf(workshop: Workshop) -> bytes:
    found = workshop.ring.certificate(workshop.seals[SM2_SEAL].key_id)
    return found.certificate.public_bytes(serialization.Encoding.DER)


def gm_cms(
    workshop: Workshop,
    content: bytes | None,
    signed: bytes,
    *,
    attributes: bytes = b"",
    outer: str = "signed",
    inner: str = "gm_data",
    algorithm: str = "sm2_sign",
    raw: bool = False,
    with_null: bool = True,
) -> bytes:
    """A SignedData of one signer over ``signed``, put together by hand."""
    der = leaf(workshop)
    fields = sm2_oracle.parse(der).children[0].children
    digest = tlv(SEQ, OID["sm3"], b"\x05\x00" if with_null else b"")
    value = workshop.ring.sign_digest(workshop.seals[SM2_SEAL].key_id, "sm3", signed)
    if raw:
        value = b"".join(number.to_bytes(32, "big") for number in sm2_oracle.signature_numbers(value))
    signer = tlv(
        SEQ,
        integer(1),
        tlv(SEQ, fields[3].whole, fields[1].whole),
        digest,
        tlv(0xA0, attributes) if attributes else b"",
        tlv(SEQ, OID[algorithm]),
        tlv(OCT, value),
    )
    inside = tlv(0xA0, tlv(OCT, content)) if content is not None else b""
    body = tlv(SEQ, integer(1), tlv(SET, digest), tlv(SEQ, OID[inner], inside), tlv(0xA0, der), tlv(SET, signer))
    return tlv(SEQ, OID[outer], tlv(0xA0, body))


def attributes_for(digest: bytes, inner: str = "data") -> bytes:
    return tlv(SEQ, OID["content_type"], tlv(SET, OID[inner])) + tlv(
        SEQ, OID["message_digest"], tlv(SET, tlv(OCT, digest))
    )


def covered(page: PreparedPdf) -> bytes:
    return page.data[: page.hole_start] + page.data[page.hole_end :]


def look(workshop: Workshop, data: bytes) -> FileFindings:
    return PdfInspector(workshop.anchors).inspect(data, TrustChoice(), NOW)


def vendor_form(workshop: Workshop, page: PreparedPdf, **how: object) -> bytes:
    """GM.sm2cms.detached of 点聚: the SM3 of the covered bytes inside, no signed attributes."""
    digest = page.digest("sm3")
    return gm_cms(workshop, digest, digest, **how)  # type: ignore[arg-type]


def detached_form(workshop: Workshop, page: PreparedPdf, **how: object) -> bytes:
    return gm_cms(workshop, None, covered(page), **how)  # type: ignore[arg-type]


def attribute_form(workshop: Workshop, page: PreparedPdf, **how: object) -> bytes:
    attributes = attributes_for(page.digest("sm3"))
    return gm_cms(workshop, None, tlv(SET, attributes), attributes=attributes, inner="data", **how)  # type: ignore[arg-type]


def attributes_over_content(workshop: Workshop, page: PreparedPdf, **how: object) -> bytes:
    digest = page.digest("sm3")
    attributes = attributes_for(hashlib.new("sm3", digest).digest(), "gm_data")
    return gm_cms(workshop, digest, tlv(SET, attributes), attributes=attributes, **how)  # type: ignore[arg-type]


FORMS = (vendor_form, detached_form, attribute_form, attributes_over_content)
Form = Callable[..., bytes]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sub_filter", [VENDOR, "adbe.pkcs7.detached"])
@pytest.mark.parametrize("how", [{}, {"raw": True}, {"algorithm": "sm2_sm3", "with_null": False}])
def test_the_forms_of_others_pass(workshop: Workshop, form: Form, sub_filter: str, how: dict[str, object]) -> None:
    page = one_page(HOLE, sub_filter=sub_filter)
    findings = look(workshop, page.fill(form(workshop, page, **how)))
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK), findings
    (report,) = findings.signatures
    assert (report.format, report.coverage, report.digest_algorithm) == (sub_filter, "entire_file", "sm3")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("every", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_any_changed_byte_of_such_a_form_fails(workshop: Workshop, form: Form, every: int) -> None:
    page = one_page(HOLE, sub_filter=VENDOR)
    der = form(workshop, page)
    assert look(workshop, page.fill(der)).reason is Reason.OK
    head = range(200)  # what names the form, its version and its algorithms
    passed = []
    for place in sorted({*head, *range(0, len(der), every)}):
        changed = der[:place] + bytes((der[place] ^ (1 << place % 8),)) + der[place + 1 :]
        if look(workshop, page.fill(changed)).indication is Indication.TOTAL_PASSED:
            passed.append(place)
    assert not passed


@pytest.mark.parametrize("form", FORMS)
def test_such_a_form_over_another_page_fails(workshop: Workshop, form: Form) -> None:
    page = one_page(HOLE, sub_filter=VENDOR, text="Example license 001")
    other = one_page(HOLE, sub_filter=VENDOR, text="Example license 002")
    findings = look(workshop, other.fill(form(workshop, page)))
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason in {Reason.DIGEST_MISMATCH, Reason.BAD_SIGNATURE}
    assert findings.integrity is Check.BAD


def test_a_revision_behind_such_a_form_fails(workshop: Workshop) -> None:
    from signing_strangers import with_revision

    page = one_page(HOLE, sub_filter=VENDOR, docmdp=0)
    data = page.fill(vendor_form(workshop, page))
    assert look(workshop, with_revision(data, {8: b"(x)"})).reason is Reason.CHANGED_AFTER_SEALING


def bits(value: bytes) -> bytes:
    return tlv(3, b"\x00", value)


def seal_info(workshop: Workshop, **changes: object) -> sm2_oracle.Node:
    der = make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring, **changes), workshop.ring, MAKER)
    return sm2_oracle.parse(der)


def version_1(workshop: Workshop) -> bytes:
    """The same seal as GM/T 0031-2014 writes it: UTCTime, no list type, certificate and algorithm signed too."""
    info, certificate, algorithm, _ = seal_info(workshop).children
    header, seal_id, properties, picture = info.children
    mark, _, vid = header.children
    kind, name, _, listed, *times = properties.children
    utc = [tlv(0x17, time.content[2:]) for time in times]
    old = tlv(
        SEQ,
        tlv(SEQ, mark.whole, integer(1), vid.whole),
        seal_id.whole,
        tlv(SEQ, kind.whole, name.whole, listed.whole, *utc),
        picture.whole,
    )
    value = workshop.ring.sign_digest(MAKER, "sm3", tlv(SEQ, old, certificate.whole, algorithm.whole))
    return tlv(SEQ, old, tlv(SEQ, certificate.whole, algorithm.whole, bits(value)))


def test_a_seal_object_made_here_is_read_verified_and_accepted_by_a_second_implementation(workshop: Workshop) -> None:
    der = make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring), workshop.ring, MAKER)
    assert sm2_oracle.seal_verifies(sm2_oracle.parse(der))
    seal = import_seal(der)
    assert (seal.version, seal.maker_id, seal.seal_id) == (4, "CERTSVC", SM2_SEAL)
    assert (seal.picture.kind, seal.picture.width_mm, seal.picture.height_mm) == ("PNG", 42, 42)
    assert seal.certificates == (leaf(workshop),)
    report = verify_seal(seal, workshop.anchors, NOW)
    assert (report.valid, report.trust, report.in_period, report.reason) == (Check.GOOD,) * 3 + (Reason.OK,)
    later = verify_seal(seal, workshop.anchors, NOW + timedelta(days=366))
    assert (later.valid, later.in_period, later.reason) == (Check.GOOD, Check.BAD, Reason.CERT_EXPIRED)


def test_a_changed_byte_anywhere_in_a_seal_object_makes_it_invalid(workshop: Workshop) -> None:
    der = make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring), workshop.ring, MAKER)
    accepted = []
    for place in range(len(der)):
        changed = der[:place] + bytes((der[place] ^ (1 << place % 8),)) + der[place + 1 :]
        try:
            if verify_seal(import_seal(changed), workshop.anchors, NOW).reason is Reason.OK:
                accepted.append((place, len(der), der[place - 8 : place + 8].hex()))
        except InvalidInput:
            continue
    assert not accepted


def test_a_version_1_seal_is_read_and_verified(workshop: Workshop) -> None:
    seal = import_seal(version_1(workshop))
    assert (seal.version, seal.begins) == (1, NOW - timedelta(days=1))
    assert verify_seal(seal, workshop.anchors, NOW).reason is Reason.OK


def ses_page(workshop: Workshop, seal: bytes, *, version: int = 4, timestamp: bytes = b"", at: datetime = NOW) -> bytes:
    """A page with a SES_Signature put together by hand over ``seal``."""
    page = one_page(HOLE, sub_filter="GM.sm2seal")
    digest, key_id = page.digest("sm3"), workshop.seals[SM2_SEAL].key_id
    certificate = tlv(OCT, leaf(workshop))
    common = (integer(version), seal)
    if version == 1:
        time = bits(tlv(0x17, NOW.strftime("%y%m%d%H%M%SZ").encode()))
        to_sign = tlv(SEQ, *common, time, bits(digest), tlv(0x16, b"x"), certificate, OID["sm2_sm3"])
        der = tlv(SEQ, to_sign, bits(workshop.ring.sign_digest(key_id, "sm3", to_sign)))
    else:
        to_sign = tlv(SEQ, *common, generalized_time(at), bits(digest), tlv(0x16, b"x"))
        value = bits(workshop.ring.sign_digest(key_id, "sm3", to_sign))
        extra = tlv(0xA0, bits(timestamp)) if timestamp else b""
        der = tlv(SEQ, to_sign, certificate, OID["sm2_sm3"], value, extra)
    return page.fill(der)


def test_pages_sealed_in_versions_1_and_5_pass(workshop: Workshop) -> None:
    first = look(workshop, ses_page(workshop, version_1(workshop), version=1))
    assert (first.indication, first.reason) == (Indication.TOTAL_PASSED, Reason.OK), first
    info, certificate, algorithm, value = seal_info(workshop).children
    header, *rest = info.children
    mark, _, maker_id = header.children
    body = tlv(SEQ, tlv(SEQ, mark.whole, integer(5), maker_id.whole), *(one.whole for one in rest))
    signed = bits(workshop.ring.sign_digest(MAKER, "sm3", body))
    fifth = tlv(SEQ, body, certificate.whole, algorithm.whole, signed, tlv(0xA0, bits(b"")))
    assert read_seal(fifth).version == 5
    found = look(workshop, ses_page(workshop, fifth, version=5))
    assert (found.indication, found.reason) == (Indication.TOTAL_PASSED, Reason.OK)
    # In a seal that signs that it is of version 4, somebody else put the field there.
    fourth = tlv(SEQ, info.whole, certificate.whole, algorithm.whole, value.whole, tlv(0xA0, bits(b"")))
    assert look(workshop, ses_page(workshop, fourth)).indication is Indication.TOTAL_FAILED


def with_digest_list(workshop: Workshop, digest: bytes) -> bytes:
    info, certificate, algorithm, _ = seal_info(workshop).children
    header, seal_id, properties, picture = info.children
    kind, name, _, _, *times = properties.children
    listed = tlv(SEQ, tlv(SEQ, tlv(0x13, b"1.2.156.10197.1.401"), tlv(OCT, digest)))
    changed = tlv(SEQ, kind.whole, name.whole, integer(2), listed, *(time.whole for time in times))
    body = tlv(SEQ, header.whole, seal_id.whole, changed, picture.whole)
    value = workshop.ring.sign_digest(MAKER, "sm3", body)
    return tlv(SEQ, body, certificate.whole, algorithm.whole, bits(value))


def test_a_seal_may_list_digests_of_certificates(workshop: Workshop) -> None:
    good = with_digest_list(workshop, hashlib.new("sm3", leaf(workshop)).digest())
    assert look(workshop, ses_page(workshop, good)).reason is Reason.OK
    bad = look(workshop, ses_page(workshop, with_digest_list(workshop, bytes(32))))
    assert (bad.indication, bad.reason) == (Indication.TOTAL_FAILED, Reason.BAD_SIGNATURE)
    assert bad.detail == "signer is not in the seal's list"


def test_a_signer_that_the_seal_does_not_list_fails_though_its_signature_is_good(workshop: Workshop) -> None:
    other = workshop.ring.certificate("seal-11990100MB000102XT-sm2-1").certificate
    findings = look(workshop, ses_page(workshop, seal_info(workshop, certificates=(other,)).whole))
    assert (findings.indication, findings.detail) == (Indication.TOTAL_FAILED, "signer is not in the seal's list")


def test_a_signing_time_outside_the_seals_period_fails(workshop: Workshop) -> None:
    seal = seal_info(workshop, ends=NOW - timedelta(hours=1)).whole
    findings = look(workshop, ses_page(workshop, seal))
    assert (findings.indication, findings.detail) == (
        Indication.TOTAL_FAILED,
        "signed outside the period of the seal",
    )


def test_a_seal_whose_maker_is_unknown_is_not_trusted(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = open_workshop(tmp_path_factory.mktemp("stranger"))
    info = seal_info(workshop).children[0]
    maker = stranger.ring.certificate(MAKER).certificate.public_bytes(serialization.Encoding.DER)
    value = stranger.ring.sign_digest(MAKER, "sm3", info.whole)
    forged = tlv(SEQ, info.whole, tlv(OCT, maker), OID["sm2_sm3"], bits(value))
    findings = look(workshop, ses_page(workshop, forged))
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.UNTRUSTED_CHAIN)
    assert findings.detail == "maker of the seal"
    assert findings.integrity is Check.GOOD


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"certificates": ()}, "签章人证书"),
        ({"seal_id": "印章"}, "ASCII"),
        ({"ends": NOW - timedelta(days=2)}, "有效期"),
        ({"picture": b"GIF89a"}, "PNG"),
        ({"width_mm": 5}, "毫米"),
    ],
)
def test_a_seal_that_cannot_be_is_refused_by_name(
    workshop: Workshop, changes: dict[str, object], complaint: str
) -> None:
    before = workshop.ring.operations(MAKER)
    with pytest.raises(InvalidInput, match=complaint):
        make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring, **changes), workshop.ring, MAKER)
    assert workshop.ring.operations(MAKER) == before


def test_only_an_sm2_key_makes_seals(workshop: Workshop) -> None:
    with pytest.raises(SigningError, match="SM2"):
        make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring), workshop.ring, "token-1")


def test_no_key_makes_the_seal_that_it_signs_with(workshop: Workshop) -> None:
    seal = workshop.seals[SM2_SEAL]
    with pytest.raises(SigningError, match="不能为自己制作印章"):
        make_seal(seal_draft(seal, workshop.ring), workshop.ring, seal.key_id)


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"\x30\x80\x00\x00", b"esl", b"\x30\x03\x02\x01\x01" * 3])
def test_what_is_no_seal_is_refused_in_chinese(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="印章文件无法读取"):
        import_seal(data)


def test_the_format_name_is_the_one_of_the_plan(workshop: Workshop) -> None:
    assert workshop.sealer.filter(SES) == "Gomain.GMPkiLite"
