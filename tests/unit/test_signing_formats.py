"""One contract for every signature format: what it seals passes, what is changed afterwards does not."""

from __future__ import annotations

import hashlib
import random
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sm2_oracle
from cryptography.hazmat.primitives import hashes, serialization
from signing_pages import (
    ALL_FORMATS,
    EC_SEAL,
    MAKER,
    NOW,
    RSA_SEAL,
    SES,
    SM2_SEAL,
    Workshop,
    one_page,
    open_workshop,
    seal_draft,
    seal_twice,
    text_field,
)
from signing_strangers import with_revision

from certsvc.commands.ports import TrustChoice
from certsvc.errors import SigningError
from certsvc.rendering.next_update import prepare_next
from certsvc.seal.marks import NextField, NextSignature
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.seal_object import export_seal, make_seal
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.ses import read_signature
from certsvc.signing.ses_format import SesV4
from certsvc.signing.trust import TrustAnchors

formats = pytest.mark.parametrize(("format_name", "seal_id"), ALL_FORMATS)
LATER = NOW + timedelta(hours=1)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


def look(workshop: Workshop, data: bytes, anchors: TrustAnchors | None = None) -> FileFindings:
    return PdfInspector(anchors or workshop.anchors).inspect(data, TrustChoice(), LATER)


def contents(sealed: bytes, start: int, end: int) -> bytes:
    return bytes.fromhex(sealed[start + 1 : end - 1].decode("ascii"))


@formats
@pytest.mark.parametrize("docmdp", [0, 1])
def test_what_a_format_seals_passes(workshop: Workshop, format_name: str, seal_id: str, docmdp: int) -> None:
    _, sealed = workshop.sealed(format_name, seal_id, docmdp=docmdp)
    findings = look(workshop, sealed)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK)
    assert (findings.integrity, findings.coverage, findings.modification, findings.trust) == (Check.GOOD,) * 4
    (report,) = findings.signatures
    assert (report.kind, report.coverage, report.modification) == ("seal", "entire_file", "none")
    assert report.format == workshop.sealer.sub_filter(format_name)
    assert report.signer == workshop.seals[seal_id].name
    assert report.claimed_time == NOW
    assert report.digest_algorithm == ("sm3" if seal_id == SM2_SEAL else "sha256")
    certificate = workshop.ring.certificate(workshop.seals[seal_id].key_id).certificate
    assert report.signer_cert_sha256 == certificate.fingerprint(hashes.SHA256()).hex()


@formats
def test_the_reserved_bytes_hold_every_signature_and_cost_no_use_of_the_key(
    workshop: Workshop, format_name: str, seal_id: str
) -> None:
    seal = workshop.seals[seal_id]
    before = workshop.ring.operations(seal.key_id)
    reserved = workshop.sealer.reserved_bytes(seal, format_name)
    assert workshop.ring.operations(seal.key_id) == before
    for number in range(20):
        prepared, sealed = workshop.sealed(format_name, seal_id, text=f"License {number}")
        assert prepared.capacity == reserved
        assert sealed[prepared.hole_end - 20 : prepared.hole_end - 1] == b"0" * 19, "the margin is never used"
    assert workshop.ring.operations(seal.key_id) == before + 20


@formats
def test_a_hole_that_is_too_small_is_refused_before_the_key_is_used(
    workshop: Workshop, format_name: str, seal_id: str
) -> None:
    seal = workshop.seals[seal_id]
    small = one_page(workshop.sealer.reserved_bytes(seal, format_name) - 65)
    before = workshop.ring.operations(seal.key_id)
    with pytest.raises(SigningError, match="签名空间"):
        workshop.sealer.seal(small, seal, format_name, signed_at=NOW)
    assert workshop.ring.operations(seal.key_id) == before


@formats
def test_changed_content_is_a_digest_mismatch(workshop: Workshop, format_name: str, seal_id: str) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    findings = look(workshop, sealed.replace(b"Example license 001", b"Example license 007"))
    assert (findings.indication, findings.reason) == (Indication.TOTAL_FAILED, Reason.DIGEST_MISMATCH)
    assert findings.integrity is Check.BAD


@formats
@pytest.mark.parametrize("count", [80, pytest.param(310, marks=pytest.mark.slow)])
def test_a_changed_byte_anywhere_fails(workshop: Workshop, format_name: str, seal_id: str, count: int) -> None:
    prepared, sealed = workshop.sealed(format_name, seal_id)
    chance = random.Random(format_name + seal_id)
    start, end = prepared.hole_start, prepared.hole_end
    places = {*range(start - 12, start + 40), *range(end - 30, end + 8)}
    places |= {chance.randrange(start, end) for _ in range(count * 4 // 5)}
    places |= {chance.randrange(len(sealed)) for _ in range(count // 5)}
    for place in sorted(places):
        for new in {sealed[place] ^ 1, chance.choice(b"0123456789abcdef")} - {sealed[place]}:
            changed = sealed[:place] + bytes((new,)) + sealed[place + 1 :]
            findings = look(workshop, changed)
            assert findings.indication is not Indication.TOTAL_PASSED, (place, sealed[place], new)


@formats
@pytest.mark.parametrize("objects", [{}, {4: b"<< /Length 0 >>\nstream\n\nendstream"}, {8: b"(nobody's)"}])
def test_an_appended_revision_fails(
    workshop: Workshop, format_name: str, seal_id: str, objects: dict[int, bytes]
) -> None:
    _, sealed = workshop.sealed(format_name, seal_id, docmdp=0)
    findings = look(workshop, with_revision(sealed, objects))
    assert (findings.indication, findings.reason) == (Indication.TOTAL_FAILED, Reason.CHANGED_AFTER_SEALING)


@formats
@pytest.mark.parametrize("tail", [b"\n", b"x", b"\x00" * 100])
def test_appended_bytes_fail(workshop: Workshop, format_name: str, seal_id: str, tail: bytes) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    assert look(workshop, sealed + tail).indication is Indication.TOTAL_FAILED


@formats
def test_a_signature_moved_to_another_page_fails(workshop: Workshop, format_name: str, seal_id: str) -> None:
    prepared, sealed = workshop.sealed(format_name, seal_id, text="Example license 001")
    other, _ = workshop.sealed(format_name, seal_id, text="Example license 002")
    stolen = sealed[prepared.hole_start : prepared.hole_end]
    findings = look(workshop, other.data[: other.hole_start] + stolen + other.data[other.hole_end :])
    assert (findings.indication, findings.reason) == (Indication.TOTAL_FAILED, Reason.DIGEST_MISMATCH)


@formats
def test_without_its_anchor_a_file_is_sound_and_untrusted(workshop: Workshop, format_name: str, seal_id: str) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    findings = look(workshop, sealed, TrustAnchors(()))
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.UNTRUSTED_CHAIN)
    assert (findings.integrity, findings.trust) == (Check.GOOD, Check.UNKNOWN)


@formats
def test_an_expired_certificate_has_its_own_reason(workshop: Workshop, format_name: str, seal_id: str) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    for days, reason in ((4 * 365, Reason.CERT_EXPIRED), (-10, Reason.CERT_NOT_YET_VALID)):
        findings = PdfInspector(workshop.anchors).inspect(sealed, TrustChoice(), NOW + timedelta(days=days))
        assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, reason)
        assert findings.integrity is Check.GOOD


@pytest.mark.parametrize(("format_name", "seal_id"), [("sm2-cms", EC_SEAL), (SES, RSA_SEAL)])
def test_chinese_formats_refuse_other_keys(workshop: Workshop, format_name: str, seal_id: str) -> None:
    with pytest.raises(SigningError, match=r"sm2|没有印章数据"):
        workshop.sealer.seal(one_page(4000), workshop.seals[seal_id], format_name, signed_at=NOW)


def test_openssl_verifies_the_sm2_cms_piece_by_piece(workshop: Workshop, tmp_path: Path) -> None:
    """Openssl cms knows no ID for SM2, so digest, signed attributes and structure are given to it one by one."""
    prepared, sealed = workshop.sealed("sm2-cms", SM2_SEAL)
    der = contents(sealed, prepared.hole_start, prepared.hole_end)
    info = sm2_oracle.parse(der)
    assert not der[len(info.whole) :].strip(b"\x00")
    signed_data = info.children[1].children[0]
    _, digest_algorithms, content, certificates, signers = signed_data.children
    (signer,) = signers.children
    _, _, digest_algorithm, attributes, signature_algorithm, value = signer.children
    oids = [digest_algorithms.children[0], digest_algorithm, signature_algorithm]
    assert [one.children[0].content.hex() for one in oids] == ["2a811ccf55018311"] * 2 + ["2a811ccf55018375"]
    assert content.content == bytes.fromhex("06092a864886f70d010701")
    covered = sealed[: prepared.hole_start] + sealed[prepared.hole_end :]
    assert hashlib.new("sm3", covered).digest() in attributes.content
    signed = b"\x31" + attributes.whole[1:]
    (tmp_path / "signed").write_bytes(signed)
    (tmp_path / "value").write_bytes(value.content)
    leaf = workshop.ring.certificate(workshop.seals[SM2_SEAL].key_id).certificate
    assert leaf.public_bytes(serialization.Encoding.DER) in [one.whole for one in certificates.children]
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    command += ["-certin", "-inkey", "leaf.pem", "-sigfile", "value", "-in", "signed"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "cms").write_bytes(info.whole)
    text = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", "cms"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "SM2-with-SM3" in text
    assert "signingTime" in text


def test_a_second_implementation_accepts_our_ses_signatures(workshop: Workshop) -> None:
    for number in range(5):
        prepared, sealed = workshop.sealed(SES, SM2_SEAL, text=f"License {number}")
        der = sm2_oracle.parse(contents(sealed, prepared.hole_start, prepared.hole_end)).whole
        covered = sealed[: prepared.hole_start] + sealed[prepared.hole_end :]
        assert sm2_oracle.ses_v4_verifies(der, covered)
        assert not sm2_oracle.ses_v4_verifies(der, covered + b" ")


def test_a_ses_signature_says_when_and_over_what(workshop: Workshop) -> None:
    prepared, sealed = workshop.sealed(SES, SM2_SEAL)
    der = sm2_oracle.parse(contents(sealed, prepared.hole_start, prepared.hole_end)).whole
    read = read_signature(der)
    assert (read.version, read.signed_at, read.data_hash) == (4, NOW, prepared.digest("sm3"))
    assert read.seal.name == workshop.seals[SM2_SEAL].name


def ses_sealer(workshop: Workshop, directory: Path, **changes: object) -> LicenseSealer:
    seal = workshop.seals[SM2_SEAL]

    class Given:
        def seal_of(self, _: str) -> bytes:
            return made

    made = make_seal(seal_draft(seal, workshop.ring, **changes), workshop.ring, MAKER)
    return LicenseSealer(workshop.ring, (SesV4(Given()),))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [("ended", "不在有效期内"), ("not begun", "不在有效期内"), ("other signer", "签章人列表")],
)
def test_a_seal_object_that_does_not_cover_the_use_is_refused_before_the_key_is_used(
    workshop: Workshop, tmp_path: Path, change: str, complaint: str
) -> None:
    other = workshop.ring.certificate("seal-11990100MB000102XT-sm2-1").certificate
    kinds: dict[str, dict[str, object]] = {
        "ended": {"ends": NOW - timedelta(hours=1)},
        "not begun": {"begins": NOW + timedelta(hours=1)},
        "other signer": {"certificates": (other,)},
    }
    changes = kinds[change]
    sealer, seal = ses_sealer(workshop, tmp_path, **changes), workshop.seals[SM2_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, SES), sub_filter="GM.sm2seal")
    before = workshop.ring.operations(seal.key_id)
    with pytest.raises(SigningError, match=complaint):
        sealer.seal(prepared, seal, SES, signed_at=NOW)
    assert workshop.ring.operations(seal.key_id) == before


def test_a_seal_that_ended_after_the_signing_stays_good_in_the_file(workshop: Workshop, tmp_path: Path) -> None:
    sealer, seal = ses_sealer(workshop, tmp_path, ends=NOW + timedelta(minutes=5)), workshop.seals[SM2_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, SES), sub_filter="GM.sm2seal")
    sealed = sealer.seal(prepared, seal, SES, signed_at=NOW)
    assert look(workshop, sealed).reason is Reason.OK


def test_a_seal_without_an_object_cannot_sign(workshop: Workshop) -> None:
    seal = replace(workshop.seals[SM2_SEAL], key_id="seal-maker-1")
    with pytest.raises(SigningError, match="没有印章数据"):
        workshop.sealer.reserved_bytes(seal, SES)


@pytest.mark.parametrize("first", [EC_SEAL, RSA_SEAL])
@pytest.mark.parametrize("second", ["ses-v4", "sm2-cms"])
def test_two_seals_on_one_page_pass_together(workshop: Workshop, tmp_path: Path, first: str, second: str) -> None:
    seal = workshop.seals[first]
    page = one_page(workshop.sealer.reserved_bytes(seal, "pades-b-b"), docmdp=2)
    pair = ((seal, "pades-b-b"), (workshop.seals[SM2_SEAL], second))
    sealed = seal_twice(workshop.sealer, prepare_next, page, pair, NextField(name="印章二", create=True), signed_at=NOW)
    findings = look(workshop, sealed)
    assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK)
    assert [(one.coverage, one.modification) for one in findings.signatures] == [
        ("entire_revision", "form_filling"),
        ("entire_file", "none"),
    ]
    (tmp_path / "two.pdf").write_bytes(sealed)
    assert (
        subprocess.run(["qpdf", "--check", "two.pdf"], cwd=tmp_path, capture_output=True, check=False).returncode == 0
    )
    said = subprocess.run(["pdfsig", "-nocert", "two.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Validation: Signature is Valid." in said.stdout
    changed = sealed.replace(b"Example license 001", b"Example license 007")
    assert look(workshop, changed).reason is Reason.DIGEST_MISMATCH
    edited = with_revision(sealed, {8: text_field("1")})
    assert look(workshop, edited).indication is Indication.TOTAL_FAILED


def test_a_field_that_was_there_from_the_start_is_signed_without_touching_page_or_form(workshop: Workshop) -> None:
    seal = workshop.seals[EC_SEAL]
    sealer = workshop.sealer
    page = one_page(sealer.reserved_bytes(seal, "pades-b-b"), docmdp=2, later_field="Seal2")
    pair = ((seal, "pades-b-b"), (workshop.seals[SM2_SEAL], SES))
    sealed = seal_twice(sealer, prepare_next, page, pair, NextField(name="Seal2"), signed_at=NOW)
    assert look(workshop, sealed).reason is Reason.OK
    update = sealed[len(page.data) :]
    assert update.count(b" 0 obj") == 2
    assert b"/Filter/Gomain.GMPkiLite/SubFilter/GM.sm2seal" in update


@pytest.mark.parametrize(
    ("docmdp", "name", "complaint"),
    [(1, "Seal2", "不允许任何修改"), (2, "Nobody", "没有名为"), (2, "Seal1", "不是空的签名域")],
)
def test_a_second_seal_is_refused_where_it_may_not_be(
    workshop: Workshop, docmdp: int, name: str, complaint: str
) -> None:
    seal = workshop.seals[EC_SEAL]
    page = one_page(workshop.sealer.reserved_bytes(seal, "pades-b-b"), docmdp=docmdp, later_field="Seal2")
    pair = ((seal, "pades-b-b"), (workshop.seals[SM2_SEAL], "sm2-cms"))
    with pytest.raises(SigningError, match=complaint):
        seal_twice(workshop.sealer, prepare_next, page, pair, NextField(name=name), signed_at=NOW)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"%PDF-1.7\nstartxref\n9\n%%EOF", b"startxref\nx\n%%EOF"])
def test_a_broken_file_is_never_prepared_for_another_seal(data: bytes) -> None:
    wanted = NextSignature(filter="A", sub_filter="B", signed_at=NOW, signer="", reserved_bytes=10)
    with pytest.raises(SigningError):
        prepare_next(data, NextField(name="x", create=True), wanted)


def test_a_seal_is_replaced_whole_when_it_is_made_again(workshop: Workshop, tmp_path: Path) -> None:
    draft = seal_draft(workshop.seals[SM2_SEAL], workshop.ring)
    first, second = (make_seal(draft, workshop.ring, MAKER) for _ in range(2))
    export_seal(tmp_path, "one", first)
    path = export_seal(tmp_path, "one", second)
    assert path.read_bytes() == second != first
    assert [one.name for one in tmp_path.iterdir()] == ["one.esl"]
