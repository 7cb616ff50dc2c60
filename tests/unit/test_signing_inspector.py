"""The inspector over pages of our own: passed when untouched, refused with its own reason when not."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from signing_pages import (
    EC_SEAL,
    NOW,
    RSA_SEAL,
    Workshop,
    catalog_object,
    one_page,
    open_workshop,
    page_object,
    prepare,
    signature_object,
    text_field,
)
from signing_strangers import Stranger, make_stranger, sealed_by, timestamped_by, with_revision

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.errors import ConfigurationError, InvalidInput
from certsvc.seal.prepared import PreparedPdf
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason, SubIndication
from certsvc.signing.bytes_rules import MAX_FILE_BYTES
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.trust import TrustAnchors

FORMAT = "pades-b-b"
STRANGER_HOLE = 4000


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def inspector(workshop: Workshop) -> PdfInspector:
    return PdfInspector(TrustAnchors.from_directory(workshop.keys.trust_dir))


def seal_page(workshop: Workshop, seal_id: str = EC_SEAL, **how: object) -> tuple[PreparedPdf, bytes]:
    sealer, seal = LicenseSealer(workshop.ring), workshop.seals[seal_id]
    prepared = one_page(sealer.reserved_bytes(seal, FORMAT), **how)  # type: ignore[arg-type]
    return prepared, sealer.seal(prepared, seal, FORMAT, signed_at=NOW)


def look(inspector: PdfInspector, data: bytes) -> FileFindings:
    return inspector.inspect(data, TrustChoice(), NOW + timedelta(hours=1))


def look_at_stranger(inspector: PdfInspector, stranger: Stranger, directory: Path, **how: str) -> FileFindings:
    data = sealed_by(stranger, one_page(STRANGER_HOLE, docmdp=0), directory, **how)
    return inspector.inspect(data, TrustChoice(extra_anchors=(stranger.root_pem,)), NOW)


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL])
@pytest.mark.parametrize("docmdp", [0, 1])
def test_a_page_of_ours_passes_and_says_what_was_not_checked(
    workshop: Workshop, inspector: PdfInspector, seal_id: str, docmdp: int
) -> None:
    _, sealed = seal_page(workshop, seal_id, docmdp=docmdp)
    findings = look(inspector, sealed)
    assert findings.indication is Indication.TOTAL_PASSED
    assert findings.reason is Reason.OK
    assert findings.sub_indication is None
    assert (findings.integrity, findings.coverage, findings.modification, findings.trust) == (Check.GOOD,) * 4
    assert findings.not_checked == ("revocation",)
    (report,) = findings.signatures
    assert report.kind == "seal"
    assert report.format == "ETSI.CAdES.detached"
    assert report.coverage == "entire_file"
    assert report.modification == "none"
    assert report.signer == workshop.seals[seal_id].name
    assert report.claimed_time == NOW
    expected = workshop.ring.certificate(workshop.seals[seal_id].key_id).certificate.fingerprint(hashes.SHA256())
    assert report.signer_cert_sha256 == expected.hex()


@pytest.mark.parametrize("count", [100, pytest.param(400, marks=pytest.mark.slow)])
def test_any_changed_byte_fails(workshop: Workshop, inspector: PdfInspector, count: int) -> None:
    prepared, sealed = seal_page(workshop)
    chance = random.Random(20260301)
    # Every region: around the hole, the whole head of the CMS, its end with the padding, and places anywhere.
    start, end = prepared.hole_start, prepared.hole_end
    places = {*range(start - 12, start + 140), *range(end - 160, end + 8), *range(12)}
    places |= {chance.randrange(len(sealed)) for _ in range(count)}
    for place in sorted(places):
        for new in {sealed[place] ^ 1, sealed[place] ^ 0x20, chance.choice(b"0123456789abcdef")} - {sealed[place]}:
            changed = sealed[:place] + bytes((new,)) + sealed[place + 1 :]
            findings = look(inspector, changed)
            assert findings.indication is not Indication.TOTAL_PASSED, (place, sealed[place], new)
            assert findings.reason is not Reason.OK


def test_changed_content_is_a_digest_mismatch(workshop: Workshop, inspector: PdfInspector) -> None:
    _, sealed = seal_page(workshop, text="Example license 001")
    findings = look(inspector, sealed.replace(b"Example license 001", b"Example license 007"))
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.sub_indication is SubIndication.HASH_FAILURE
    assert findings.reason is Reason.DIGEST_MISMATCH
    assert findings.integrity is Check.BAD
    assert findings.trust is Check.GOOD


@pytest.mark.parametrize("tail", [b"\n", b" ", b"\x00", b"x", b"%%EOF\n", b"\n%PDF-1.7\n%%EOF", b"\x00" * 5000])
def test_appended_bytes_fail(workshop: Workshop, inspector: PdfInspector, tail: bytes) -> None:
    _, sealed = seal_page(workshop)
    findings = look(inspector, sealed + tail)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason in {Reason.NOT_FULLY_COVERED, Reason.MALFORMED}
    assert findings.integrity is not Check.GOOD


def test_text_behind_the_end_fails_even_when_the_seal_covers_it(workshop: Workshop, inspector: PdfInspector) -> None:
    sealer, seal = LicenseSealer(workshop.ring), workshop.seals[EC_SEAL]
    signature = signature_object(sealer.reserved_bytes(seal, FORMAT))
    page = with_revision(one_page(8, docmdp=0).data, {7: signature})
    for tail, passes in ((b"", True), (b" \n\x00", True), (b"<p>hidden</p>\n", False)):
        findings = look(inspector, sealer.seal(prepare(page + tail), seal, FORMAT, signed_at=NOW))
        assert (findings.indication is Indication.TOTAL_PASSED) == passes
        if not passes:
            assert findings.reason is Reason.NOT_FULLY_COVERED


@pytest.mark.parametrize("cut", [1, 2, 10, 300, 2000])
def test_a_cut_file_fails(workshop: Workshop, inspector: PdfInspector, cut: int) -> None:
    _, sealed = seal_page(workshop)
    assert look(inspector, sealed[:-cut]).indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize("docmdp", [0, 1])
@pytest.mark.parametrize(
    "objects",
    [
        {4: b"<< /Length 38 >>\nstream\nBT /F1 24 Tf 72 720 Td (Forged) Tj ET \nendstream"},
        {5: b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"},
        {8: b"(an object that nobody uses)"},
        {},
        {2: b"<< /Type /Pages /Kids [ 3 0 R 3 0 R ] /Count 2 >>"},
    ],
    ids=["page text", "font", "unused object", "nothing", "page tree"],
)
def test_an_appended_revision_fails(
    workshop: Workshop, inspector: PdfInspector, objects: dict[int, bytes], docmdp: int
) -> None:
    _, sealed = seal_page(workshop, docmdp=docmdp)
    findings = look(inspector, with_revision(sealed, objects))
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason is Reason.CHANGED_AFTER_SEALING
    assert findings.modification is Check.BAD
    assert findings.integrity is Check.BAD
    assert findings.trust is Check.GOOD


@pytest.mark.parametrize("rect", [b"[ 0 0 0 0 ]", b"[ 50 600 550 800 ]"], ids=["invisible", "visible"])
@pytest.mark.parametrize("docmdp", [0, 1])
def test_an_empty_signature_field_added_behind_the_seal_fails(
    workshop: Workshop, inspector: PdfInspector, docmdp: int, rect: bytes
) -> None:
    _, sealed = seal_page(workshop, docmdp=docmdp)
    appearance = b"<< /Type /XObject /Subtype /Form /BBox [ 0 0 500 200 ] /Length 9 >>\nstream\n1 0 0 rg \nendstream"
    widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /P 3 0 R /F 4 /Rect %b /AP << /N 9 0 R >> >>" % rect
    objects = {1: catalog_object(6, 8, docmdp=docmdp), 3: page_object(6, 8), 8: widget, 9: appearance}
    forged = with_revision(sealed, objects)
    findings = look(inspector, forged)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason is Reason.CHANGED_AFTER_SEALING


def with_second_seal(workshop: Workshop, sealed: bytes, docmdp: int, changed: dict[int, bytes]) -> bytes:
    """``sealed`` with a revision of ``changed`` and a second seal over everything."""
    sealer, seal = LicenseSealer(workshop.ring), workshop.seals[RSA_SEAL]
    widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /V 10 0 R /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>"
    objects = {1: catalog_object(6, 8, 9, docmdp=docmdp), 3: page_object(6, 8, 9), 9: widget, **changed}
    objects[10] = signature_object(sealer.reserved_bytes(seal, FORMAT))
    return sealer.seal(prepare(with_revision(sealed, objects)), seal, FORMAT, signed_at=NOW)


@pytest.mark.parametrize(
    ("docmdp", "changed", "passes"),
    [
        (0, {}, True),
        (0, {8: text_field("999999")}, False),
        (2, {}, True),
        (2, {8: text_field("999999")}, False),
        (1, {}, False),
    ],
    ids=["approved twice", "field changed", "certified P=2", "certified P=2, field changed", "certified P=1"],
)
def test_a_second_seal_may_follow_when_the_first_allows_it_and_nothing_else_changed(
    workshop: Workshop, inspector: PdfInspector, docmdp: int, changed: dict[int, bytes], passes: bool
) -> None:
    _, sealed = seal_page(workshop, docmdp=docmdp, amount="100")
    findings = look(inspector, with_second_seal(workshop, sealed, docmdp, changed))
    assert [report.kind for report in findings.signatures] == ["seal", "seal"]
    assert [report.valid for report in findings.signatures] == [Check.GOOD, Check.GOOD]
    assert (findings.indication is Indication.TOTAL_PASSED) == passes
    assert findings.reason is (Reason.OK if passes else Reason.CHANGED_AFTER_SEALING)


def with_timestamp(sealed: bytes, tsa: Stranger, directory: Path, changed: dict[int, bytes]) -> bytes:
    """``sealed`` with a document timestamp in a revision of its own."""
    widget = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Time) /V 10 0 R /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>"
    objects = {1: catalog_object(6, 9, docmdp=0), 3: page_object(6, 9), 9: widget, **changed}
    objects[10] = signature_object(6000, sub_filter="ETSI.RFC3161", kind="DocTimeStamp")
    return timestamped_by(tsa, prepare(with_revision(sealed, objects)), directory)


def test_a_timestamp_may_follow_the_seal_and_must_be_trusted(
    workshop: Workshop, inspector: PdfInspector, tmp_path: Path
) -> None:
    _, sealed = seal_page(workshop, docmdp=0)
    tsa = make_stranger(timestamps=True, usages=("digital_signature",))
    data = with_timestamp(sealed, tsa, tmp_path, {})
    # openssl writes the machine's time: at NOW as the time of now it would be a timestamp of the future.
    findings = inspector.inspect(data, TrustChoice(extra_anchors=(tsa.root_pem,), at=NOW), SystemClock().now())
    assert findings.indication is Indication.TOTAL_PASSED
    assert [report.kind for report in findings.signatures] == ["seal", "timestamp"]
    assert [report.modification for report in findings.signatures] == ["lta_updates", "none"]
    assert look(inspector, data).reason is Reason.UNTRUSTED_CHAIN


def test_a_timestamp_cannot_cover_a_field_that_was_drawn_behind_the_seal(
    workshop: Workshop, inspector: PdfInspector, tmp_path: Path
) -> None:
    _, sealed = seal_page(workshop, docmdp=0)
    tsa = make_stranger(timestamps=True, usages=("digital_signature",))
    appearance = b"<< /Type /XObject /Subtype /Form /BBox [ 0 0 500 200 ] /Length 9 >>\nstream\n1 0 0 rg \nendstream"
    drawn = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Two) /P 3 0 R /F 4 /AP << /N 12 0 R >>"
    drawn += b" /Rect [ 50 600 550 800 ] >>"
    fields = {1: catalog_object(6, 9, 11, docmdp=0), 3: page_object(6, 9, 11), 11: drawn, 12: appearance}
    data = with_timestamp(sealed, tsa, tmp_path, fields)
    findings = inspector.inspect(data, TrustChoice(extra_anchors=(tsa.root_pem,)), NOW)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason is Reason.CHANGED_AFTER_SEALING


def test_a_file_with_a_timestamp_and_no_seal_proves_nothing(inspector: PdfInspector, tmp_path: Path) -> None:
    tsa = make_stranger(timestamps=True, usages=("digital_signature",))
    page = with_revision(
        one_page(8, docmdp=0).data, {7: signature_object(6000, sub_filter="ETSI.RFC3161", kind="DocTimeStamp")}
    )
    data = timestamped_by(tsa, prepare(page), tmp_path)
    findings = inspector.inspect(data, TrustChoice(extra_anchors=(tsa.root_pem,)), NOW)
    assert [report.kind for report in findings.signatures] == ["timestamp"]
    assert findings.signatures[0].valid is Check.GOOD
    assert findings.indication is Indication.INDETERMINATE
    assert findings.reason is Reason.ONLY_TIMESTAMPS


def test_a_signature_that_only_the_permissions_name_is_told(workshop: Workshop, inspector: PdfInspector) -> None:
    sealer, seal = LicenseSealer(workshop.ring), workshop.seals[EC_SEAL]
    good = one_page(sealer.reserved_bytes(seal, FORMAT), amount="1")
    hidden = replace(good, data=good.data.replace(b"/DocMDP 7 0 R", b"/DocMDP 8 0 R"))
    findings = look(inspector, sealer.seal(hidden, seal, FORMAT, signed_at=NOW))
    assert findings.indication is Indication.INDETERMINATE
    assert findings.reason is Reason.UNSUPPORTED_SIGNATURE
    assert {report.kind for report in findings.signatures} == {"unknown", "seal"}


def test_a_byte_range_that_no_signature_owns_is_told(workshop: Workshop, inspector: PdfInspector) -> None:
    _, sealed = seal_page(workshop, text="a page about /ByteRange")
    findings = look(inspector, sealed)
    assert findings.indication is Indication.TOTAL_PASSED
    assert findings.not_checked == ("revocation", "unlisted_byte_range")


def test_a_second_catalog_in_the_trailer_fails(workshop: Workshop, inspector: PdfInspector) -> None:
    _, sealed = seal_page(workshop)
    catalog = (
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [ 6 0 R ] /SigFlags 3 >> /Perms << /DocMDP 7 0 R >> >>"
    )
    forged = with_revision(sealed, {8: catalog}).replace(b"/Root 1 0 R /Prev", b"/Root 8 0 R /Prev")
    assert look(inspector, forged).indication is not Indication.TOTAL_PASSED


def test_judging_inside_an_event_loop_is_our_own_mistake(workshop: Workshop, inspector: PdfInspector) -> None:
    _, sealed = seal_page(workshop)

    async def judge() -> FileFindings:
        return look(inspector, sealed)

    with pytest.raises(RuntimeError):
        asyncio.run(judge())


def test_a_cms_swapped_in_from_another_file_of_ours_fails(workshop: Workshop, inspector: PdfInspector) -> None:
    first, sealed = seal_page(workshop, text="Example license 001")
    second, other = seal_page(workshop, text="Example license 002")
    assert (first.hole_start, first.hole_end) == (second.hole_start, second.hole_end)
    swapped = sealed[: first.hole_start] + other[first.hole_start : first.hole_end] + sealed[first.hole_end :]
    findings = look(inspector, swapped)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason is Reason.DIGEST_MISMATCH


def test_the_hole_spelt_otherwise_fails(workshop: Workshop, inspector: PdfInspector) -> None:
    prepared, sealed = seal_page(workshop)
    start, end = prepared.hole_start, prepared.hole_end
    digits = sealed[start + 1 : end - 1]
    spaced = digits[:-2] + b"  "
    mixed = digits[:40] + digits[40:].upper()
    for changed in (spaced, mixed, digits[:-1] + b"1", digits[:-4] + b"beef"):
        assert look(inspector, sealed[: start + 1] + changed + sealed[end - 1 :]).indication is Indication.TOTAL_FAILED


def test_without_the_anchor_integrity_is_still_good_and_the_chain_is_missing(workshop: Workshop) -> None:
    _, sealed = seal_page(workshop)
    other = make_stranger()
    findings = PdfInspector(TrustAnchors(()).with_extra([other.root_pem])).inspect(sealed, TrustChoice(), NOW)
    assert findings.indication is Indication.INDETERMINATE
    assert findings.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert findings.reason is Reason.UNTRUSTED_CHAIN
    assert (findings.integrity, findings.coverage, findings.modification) == (Check.GOOD,) * 3
    assert findings.trust is not Check.GOOD


def test_an_attack_is_seen_also_under_an_unknown_ca(workshop: Workshop) -> None:
    _, sealed = seal_page(workshop)
    findings = PdfInspector(TrustAnchors(())).inspect(with_revision(sealed, {8: b"(x)"}), TrustChoice(), NOW)
    assert findings.indication is Indication.TOTAL_FAILED
    assert findings.reason is Reason.CHANGED_AFTER_SEALING


def test_the_moment_is_the_callers_or_now(workshop: Workshop, inspector: PdfInspector) -> None:
    _, sealed = seal_page(workshop)
    late, early = NOW + timedelta(days=3 * 365 + 1), NOW - timedelta(days=1)
    expired = inspector.inspect(sealed, TrustChoice(), late)
    assert expired.indication is Indication.INDETERMINATE
    assert expired.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert expired.reason is Reason.CERT_EXPIRED
    assert expired.integrity is Check.GOOD
    assert inspector.inspect(sealed, TrustChoice(at=NOW), late).indication is Indication.TOTAL_PASSED
    not_yet = inspector.inspect(sealed, TrustChoice(), early)
    assert (not_yet.sub_indication, not_yet.reason) == (SubIndication.NOT_YET_VALID, Reason.CERT_NOT_YET_VALID)


def test_a_stranger_passes_under_an_anchor_that_the_caller_brought(inspector: PdfInspector, tmp_path: Path) -> None:
    findings = look_at_stranger(inspector, make_stranger(), tmp_path)
    assert findings.indication is Indication.TOTAL_PASSED
    assert findings.not_checked == ("revocation",)


def test_the_revocation_of_a_pinned_certificate_is_not_applicable(inspector: PdfInspector, tmp_path: Path) -> None:
    stranger = make_stranger()
    data = sealed_by(stranger, one_page(STRANGER_HOLE), tmp_path)
    pinned = inspector.inspect(data, TrustChoice(extra_anchors=(stranger.pem,)), NOW)
    assert pinned.indication is Indication.TOTAL_PASSED
    assert pinned.not_checked == ()
    late = inspector.inspect(data, TrustChoice(extra_anchors=(stranger.pem,)), NOW + timedelta(days=400))
    assert late.not_checked == ("certificate_period",)


def test_a_pinned_certificate_cannot_issue_another_one(inspector: PdfInspector, tmp_path: Path) -> None:
    pinned = make_stranger()
    findings = look_at_stranger(inspector, make_stranger(issuer=pinned), tmp_path)
    assert findings.indication is Indication.INDETERMINATE
    assert findings.reason is Reason.UNTRUSTED_CHAIN


def test_an_expired_certificate_has_its_own_reason(inspector: PdfInspector, tmp_path: Path) -> None:
    stranger = make_stranger(begins=NOW - timedelta(days=100), ends=NOW - timedelta(days=1))
    findings = look_at_stranger(inspector, stranger, tmp_path)
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.CERT_EXPIRED)
    assert findings.trust is Check.BAD


@pytest.mark.parametrize("usage", ["key_encipherment", "key_agreement"])
def test_a_certificate_for_encryption_only_has_its_own_reason(
    inspector: PdfInspector, tmp_path: Path, usage: str
) -> None:
    findings = look_at_stranger(inspector, make_stranger(usages=(usage,)), tmp_path)
    assert findings.indication is Indication.INDETERMINATE
    assert findings.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    assert findings.reason is Reason.WRONG_KEY_USAGE


@pytest.mark.parametrize(
    ("stranger", "digest"),
    [
        (lambda: make_stranger(key=rsa.generate_private_key(65537, 1024)), "sha256"),  # noqa: S505
        (lambda: make_stranger(key=ec.generate_private_key(ec.SECP224R1())), "sha256"),
        (lambda: make_stranger(root_key=rsa.generate_private_key(65537, 1024)), "sha256"),  # noqa: S505
        (make_stranger, "sha1"),
        (make_stranger, "sha224"),
        (lambda: make_stranger(digest=hashes.SHA224()), "sha256"),
    ],
    ids=["RSA-1024", "P-224", "CA with RSA-1024", "SHA-1", "SHA-224", "certificate under SHA-224"],
)
def test_weak_algorithms_have_their_own_reason(
    inspector: PdfInspector, tmp_path: Path, stranger: object, digest: str
) -> None:
    findings = look_at_stranger(inspector, stranger(), tmp_path, digest=digest)  # type: ignore[operator]
    assert findings.indication is Indication.INDETERMINATE
    assert findings.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    assert findings.reason is Reason.WEAK_ALGORITHM
    assert findings.integrity is Check.UNKNOWN


def test_a_signature_of_an_unknown_format_is_told_and_not_skipped(workshop: Workshop, inspector: PdfInspector) -> None:
    prepared = one_page(2000, sub_filter="Example.unknown")
    findings = look(inspector, prepared.fill(b"\x30\x03\x02\x01\x04"))
    assert findings.indication is Indication.INDETERMINATE
    assert findings.reason is Reason.UNSUPPORTED_SIGNATURE
    assert findings.integrity is Check.UNKNOWN
    assert [report.kind for report in findings.signatures] == ["unknown"]
    assert "Example.unknown" in findings.detail


def test_a_page_with_an_empty_hole_does_not_pass(inspector: PdfInspector) -> None:
    assert look(inspector, one_page(2000).data).indication is not Indication.TOTAL_PASSED


def test_files_that_are_no_sealed_pdf_have_their_reasons(inspector: PdfInspector) -> None:
    plain = with_revision(one_page(10).data, {1: b"<< /Type /Catalog /Pages 2 0 R >>"})
    assert look(inspector, b"").reason is Reason.NOT_A_PDF
    assert look(inspector, b"PK\x03\x04").reason is Reason.NOT_A_PDF
    assert look(inspector, b"\n%PDF-1.7\n").reason is Reason.NOT_A_PDF
    assert look(inspector, b"%PDF-1.7\n").reason is Reason.MALFORMED
    assert look(inspector, plain).reason is Reason.NO_SIGNATURE
    assert look(inspector, b"%PDF-" + b"\x00" * MAX_FILE_BYTES).reason is Reason.TOO_LARGE


def test_an_anchor_that_is_none_is_the_callers_mistake(inspector: PdfInspector, tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n"
    for bad in (b"", b"no PEM", broken):
        with pytest.raises(InvalidInput):
            inspector.inspect(b"%PDF-", TrustChoice(extra_anchors=(bad,)), NOW)
    with pytest.raises(ConfigurationError):
        TrustAnchors.from_directory(tmp_path)
    (tmp_path / "bad.pem").write_bytes(broken)
    with pytest.raises(ConfigurationError, match=r"bad\.pem"):
        TrustAnchors.from_directory(tmp_path)
