"""Requests, certificates from outside, CRLs, OCSP answers, rotation, and what revocation does to a verdict."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sm2_oracle
from asn1crypto import ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from signing_pages import ALL_FORMATS, EC_SEAL, NOW, RSA_SEAL, SM2_SEAL, Workshop, one_page, open_workshop

from certsvc.commands.ports import TrustChoice
from certsvc.errors import ConfigurationError, InvalidInput
from certsvc.ids import SystemIds
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason, SubIndication
from certsvc.signing.authority import (
    CaSigner,
    Revocation,
    RevocationReason,
    answer_ocsp,
    make_crl,
    open_ca,
)
from certsvc.signing.certificate_requests import (
    accept_certificate,
    expiring,
    make_request,
    retired_certificates,
)
from certsvc.signing.certificates import Draft, issue, pem, public_key_of
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.isolated import IsolatedInspector
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.own_certificates import OwnCertificates
from certsvc.signing.revocation import RevocationData, Standing
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.strict import StrictInspector
from certsvc.signing.trust import TrustAnchors

CA_OF = {EC_SEAL: "dev-issuer-ec", RSA_SEAL: "dev-issuer-rsa", SM2_SEAL: "dev-issuer-sm2"}
every_algorithm = pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL, SM2_SEAL])
SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.COMMON_NAME, "示例省教育厅电子证照专用章"),
    ]
)
DISTID = ("-vfyopt", "distid:1234567812345678")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


def openssl(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, text=True, check=False)


def ca_of(workshop: Workshop, seal_id: str) -> CaSigner:
    return open_ca(workshop.keys.directory, CA_OF[seal_id], workshop.master)


def leaf_of(workshop: Workshop, seal_id: str) -> x509.Certificate:
    return workshop.ring.certificate(workshop.seals[seal_id].key_id).certificate


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


@every_algorithm
def test_openssl_accepts_our_requests(workshop: Workshop, tmp_path: Path, seal_id: str) -> None:
    key_id = workshop.seals[seal_id].key_id
    before = workshop.ring.operations(key_id)
    (tmp_path / "request.pem").write_bytes(make_request(workshop.ring, key_id, SUBJECT))
    assert workshop.ring.operations(key_id) == before + 1
    options = DISTID if seal_id == SM2_SEAL else ()
    done = openssl(tmp_path, "req", "-in", "request.pem", "-verify", "-noout", "-subject", *options)
    assert done.returncode == 0
    assert "verify OK" in done.stderr
    if seal_id == SM2_SEAL:
        wrong = openssl(tmp_path, "req", "-in", "request.pem", "-verify", "-noout", "-vfyopt", "distid:8")
        assert "verify OK" not in wrong.stderr


def external_answer(workshop: Workshop, seal_id: str, *, days: int = 700, key_of: str = "") -> bytes:
    """The answer of a CA: here our own, with another serial and period."""
    ca = ca_of(workshop, seal_id)
    old = leaf_of(workshop, seal_id)
    from certsvc.signing.certificates import load_private_key
    from certsvc.signing.keyfile import decrypt_key

    path = workshop.keys.directory / "ca" / f"{CA_OF[seal_id]}.key"
    key = load_private_key(decrypt_key(path.read_bytes(), CA_OF[seal_id], workshop.master).pkcs8)
    draft = Draft(
        subject=old.subject,
        issuer=old.issuer,
        public_key=public_key_of(leaf_of(workshop, key_of or seal_id)),
        serial=SystemIds().cert_serial(),
        begins=NOW - timedelta(days=800),
        ends=NOW + timedelta(days=days),
        extensions=tuple((one.value, one.critical) for one in old.extensions),
    )
    return pem(issue(draft, key), ca.certificate)


@pytest.fixture
def ring_copy(workshop: Workshop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(workshop.keys.directory, tmp_path / "ring"))


@every_algorithm
def test_a_new_certificate_serves_and_what_the_old_one_sealed_stays_ours(
    workshop: Workshop, ring_copy: Path, seal_id: str
) -> None:
    seal = workshop.seals[seal_id]
    _, old_file = workshop.sealed("pades-b-b", seal_id)
    public = workshop.ring.certificate(seal.key_id)
    accept_certificate(ring_copy, public, external_answer(workshop, seal_id), NOW, SystemIds())
    ring = SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")
    assert ring.certificate(seal.key_id).certificate.serial_number != public.certificate.serial_number
    sealer = LicenseSealer(ring, retired=retired_certificates(ring_copy))
    findings = PdfInspector(workshop.anchors).inspect(old_file, TrustChoice(), NOW + timedelta(hours=1))
    assert findings.reason is Reason.OK
    assert sealer.is_own(findings.signatures[0].signer_cert_sha256)
    assert sealer.is_own(ring.certificate(seal.key_id).certificate.fingerprint(hashes.SHA256()).hex())
    assert not LicenseSealer(ring).is_own(findings.signatures[0].signer_cert_sha256)


@every_algorithm
def test_a_running_ring_and_what_leans_on_it_take_a_new_certificate_up(
    workshop: Workshop, ring_copy: Path, seal_id: str
) -> None:
    seal = workshop.seals[seal_id]
    ring = SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")
    sealer = LicenseSealer(ring, known=OwnCertificates(ring_copy))
    strict = StrictInspector(ring, workshop.anchors)
    old = ring.certificate(seal.key_id)
    assert sealer.is_own(old.fingerprint.hex())
    accept_certificate(ring_copy, old, external_answer(workshop, seal_id), NOW, SystemIds())
    new = ring.certificate(seal.key_id)
    assert new.certificate.serial_number != old.certificate.serial_number
    form = "sm2-cms" if seal.algorithm == "sm2" else "pades-b-b"
    prepared = one_page(sealer.reserved_bytes(seal, form), sub_filter=sealer.sub_filter(form))
    sealed = sealer.seal(prepared, seal, form, signed_at=NOW)
    # The inspector was asked nothing before: it knows the new one all the same.
    findings = strict.inspect(sealed, TrustChoice(), NOW)
    assert findings.signatures[0].signer_cert_sha256 == new.fingerprint.hex()
    assert sealer.is_own(new.fingerprint.hex())
    assert sealer.is_own(old.fingerprint.hex())


def test_a_certificate_that_does_not_fit_is_not_taken_up(workshop: Workshop, ring_copy: Path) -> None:
    ring = SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")
    key_id = workshop.seals[EC_SEAL].key_id
    path = ring_copy / "certs" / f"{key_id}.pem"
    good, proven = path.read_bytes(), ring.certificate(key_id)
    for bad in ((ring_copy / "certs" / "token-1.pem").read_bytes(), b"no certificate"):
        fresh = path.with_suffix(".new")
        fresh.write_bytes(bad)
        fresh.replace(path)
        assert ring.certificate(key_id) is proven
    path.unlink()
    assert ring.certificate(key_id) is proven
    path.write_bytes(good)
    assert ring.certificate(key_id).fingerprint == proven.fingerprint
    assert ring.sign_digest(key_id, "sha256", b"x")


def test_a_key_whose_seal_object_lists_its_certificate_gets_no_other_one(workshop: Workshop, ring_copy: Path) -> None:
    declared = workshop.ring.certificate(workshop.seals[SM2_SEAL].key_id)
    public = dataclasses.replace(declared, key_id="seal_01ABC-v2")
    (ring_copy / "seals").mkdir(exist_ok=True)
    (ring_copy / "seals" / f"{public.key_id}.esl").write_bytes(b"seal object")
    path = ring_copy / "certs" / f"{public.key_id}.pem"
    path.write_bytes(pem(declared.certificate, *declared.issuers))
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="换证"):
        accept_certificate(ring_copy, public, external_answer(workshop, SM2_SEAL), NOW, SystemIds())
    assert path.read_bytes() == before


def test_the_certificate_of_a_key_that_is_gone_stays_ours(workshop: Workshop, ring_copy: Path) -> None:
    gone = workshop.seals[EC_SEAL].key_id
    (ring_copy / "private" / f"{gone}.key").unlink()
    ring = SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")
    assert gone not in ring.key_ids()
    sealer = LicenseSealer(ring, retired=retired_certificates(ring_copy))
    assert sealer.is_own(leaf_of(workshop, EC_SEAL).fingerprint(hashes.SHA256()).hex())


def test_a_certificate_that_does_not_fit_is_refused_and_nothing_is_written(workshop: Workshop, ring_copy: Path) -> None:
    public = workshop.ring.certificate(workshop.seals[SM2_SEAL].key_id)
    path = ring_copy / "certs" / f"{public.key_id}.pem"
    before = path.read_bytes()
    leaf, ca = x509.load_pem_x509_certificates(external_answer(workshop, SM2_SEAL))
    stranger = workshop.ring.certificate(workshop.seals[EC_SEAL].key_id).issuers[0]
    for answer, complaint in (
        (external_answer(workshop, SM2_SEAL, key_of="seal_11990100MB000102XT_sm2"), "不匹配"),
        (external_answer(workshop, EC_SEAL), "不匹配"),
        (external_answer(workshop, SM2_SEAL, days=-1), "已过有效期"),
        (pem(leaf, stranger), "不连续"),
        (pem(ca, leaf), "不匹配"),
        (pem(leaf, *[ca] * 8), "1 至 8"),
        (b"", "PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "PEM"),
        (b"x" * 300_000, "超过"),
    ):
        with pytest.raises(InvalidInput, match=complaint):
            accept_certificate(ring_copy, public, answer, NOW, SystemIds())
    assert path.read_bytes() == before
    assert not (ring_copy / "certs" / "retired").exists()


def test_what_ends_soon_is_listed_the_soonest_first(workshop: Workshop) -> None:
    public = [workshop.ring.certificate(key_id) for key_id in workshop.ring.key_ids()]
    assert expiring(public, NOW, timedelta(days=30)) == ()
    soon = expiring(public, NOW + timedelta(days=3 * 365 - 20), timedelta(days=30))
    assert {one.key_id for one in soon} == {*(seal.key_id for seal in workshop.seals.values()), "token-1"}
    assert {one.days_left for one in soon} == {20}
    ended = expiring(public, NOW + timedelta(days=10 * 365 + 1), timedelta(days=30))
    assert min(one.days_left for one in ended) < 0
    assert list(ended) == sorted(ended, key=lambda one: (one.ends, one.key_id))


def crl_of(workshop: Workshop, seal_id: str, *, at: datetime = NOW, made: datetime = NOW, other: bool = False) -> bytes:
    serial = 4711 if other else leaf_of(workshop, seal_id).serial_number
    revoked = {serial: Revocation(at=at, reason=RevocationReason.KEY_COMPROMISE), 99: Revocation(at=at)}
    return make_crl(ca_of(workshop, seal_id), revoked, number=7, now=made)


@every_algorithm
def test_openssl_reads_our_crls_and_verifies_them(workshop: Workshop, tmp_path: Path, seal_id: str) -> None:
    der = crl_of(workshop, seal_id)
    (tmp_path / "crl").write_bytes(der)
    ca = ca_of(workshop, seal_id)
    (tmp_path / "ca.pem").write_bytes(pem(ca.certificate))
    text = openssl(tmp_path, "crl", "-inform", "DER", "-in", "crl", "-noout", "-text").stdout
    assert f"Serial Number: {leaf_of(workshop, seal_id).serial_number:X}" in text.replace("\n", " ") or text
    assert "Key Compromise" in text
    assert "X509v3 CRL Number: \n                7" in text
    if seal_id == SM2_SEAL:  # openssl crl takes no ID for SM2
        body, _, value = sm2_oracle.parse(der).children
        assert sm2_oracle.signed_by(der_of(ca.certificate), value.bits, body.whole)
        assert "SM2-with-SM3" in text
    else:
        done = openssl(tmp_path, "crl", "-inform", "DER", "-in", "crl", "-noout", "-CAfile", "ca.pem")
        assert "verify OK" in done.stderr


def test_a_crl_without_entries_is_well_formed(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "crl").write_bytes(make_crl(ca_of(workshop, EC_SEAL), {}, number=1, now=NOW))
    text = openssl(tmp_path, "crl", "-inform", "DER", "-in", "crl", "-noout", "-text").stdout
    assert "No Revoked Certificates" in text


def ocsp_question(workshop: Workshop, seal_id: str, directory: Path, *, nonce: bool = True) -> bytes:
    (directory / "ca.pem").write_bytes(pem(ca_of(workshop, seal_id).certificate))
    (directory / "leaf.pem").write_bytes(pem(leaf_of(workshop, seal_id)))
    options = () if nonce else ("-no_nonce",)
    done = openssl(directory, "ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-reqout", "question", *options)
    assert done.returncode == 0, done.stderr
    return (directory / "question").read_bytes()


@pytest.mark.parametrize("nonce", [True, False])
@pytest.mark.parametrize("state", ["good", "revoked", "unknown"])
@every_algorithm
def test_openssl_accepts_our_ocsp_answers(
    workshop: Workshop, tmp_path: Path, seal_id: str, state: str, nonce: bool
) -> None:
    question = ocsp_question(workshop, seal_id, tmp_path, nonce=nonce)
    serial = leaf_of(workshop, seal_id).serial_number
    revoked = {serial: Revocation(at=NOW, reason=RevocationReason.SUPERSEDED)} if state == "revoked" else {}
    issued = [serial] if state != "unknown" else []
    now = datetime.now(tz=NOW.tzinfo)
    answer = answer_ocsp(ca_of(workshop, seal_id), question, revoked, issued, now)
    (tmp_path / "answer").write_bytes(answer)
    command = ["ocsp", "-reqin", "question", "-respin", "answer", "-resp_text"]
    command += ["-CAfile", "ca.pem", "-partial_chain", "-trust_other", "-VAfile", "ca.pem"]
    if seal_id == SM2_SEAL:  # openssl ocsp takes no ID for SM2
        basic = ocsp.OCSPResponse.load(answer).basic_ocsp_response
        key = der_of(ca_of(workshop, seal_id).certificate)
        assert sm2_oracle.signed_by(key, basic["signature"].native, basic["tbs_response_data"].dump())
        command.append("-noverify")
    done = openssl(tmp_path, *command)
    assert f"Cert Status: {state}" in done.stdout, done.stderr
    digits = f"{serial:X}"  # openssl writes whole octets
    assert f"Serial Number: {digits.rjust(len(digits) + len(digits) % 2, '0')}" in done.stdout
    if seal_id != SM2_SEAL:
        assert "Response verify OK" in done.stderr
    if state == "revoked":
        assert "Revocation Reason: superseded" in done.stdout


@pytest.mark.parametrize("question", [b"", b"\x30\x00", b"\x30\x80\x00\x00", b"x" * 5000])
def test_a_question_that_cannot_be_read_gets_an_error_answer(workshop: Workshop, question: bytes) -> None:
    answer = ocsp.OCSPResponse.load(answer_ocsp(ca_of(workshop, EC_SEAL), question, {}, [], NOW))
    assert answer["response_status"].native == "malformed_request"


def test_another_cas_certificate_is_unknown_here(workshop: Workshop, tmp_path: Path) -> None:
    question = ocsp_question(workshop, RSA_SEAL, tmp_path)
    serial = leaf_of(workshop, RSA_SEAL).serial_number
    answer = ocsp.OCSPResponse.load(answer_ocsp(ca_of(workshop, EC_SEAL), question, {}, [serial], NOW))
    (one,) = answer.basic_ocsp_response["tbs_response_data"]["responses"]
    assert one["cert_status"].name == "unknown"


def judged(
    workshop: Workshop, data: bytes, crls: tuple[bytes, ...], tmp_path: Path, *, required: bool = False
) -> FileFindings:
    for number, der in enumerate(crls):
        (tmp_path / f"{number}.crl").write_bytes(der)
    anchors = workshop.anchors.with_crls(tmp_path, required=required)
    return PdfInspector(anchors).inspect(data, TrustChoice(), NOW + timedelta(hours=1))


def root_crl(workshop: Workshop, seal_id: str) -> bytes:
    name = "dev-root-sm2" if seal_id == SM2_SEAL else "dev-root"
    return make_crl(open_ca(workshop.keys.directory, name, workshop.master), {}, number=1, now=NOW)


@pytest.mark.parametrize(("format_name", "seal_id"), ALL_FORMATS)
def test_a_certificate_that_no_crl_names_was_checked(
    workshop: Workshop, tmp_path: Path, format_name: str, seal_id: str
) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    crls = (crl_of(workshop, seal_id, other=True), root_crl(workshop, seal_id))
    findings = judged(workshop, sealed, crls, tmp_path, required=True)
    assert (findings.indication, findings.not_checked) == (Indication.TOTAL_PASSED, ())
    half = judged(workshop, sealed, crls[:1], tmp_path / "..")
    assert half.not_checked == ("revocation",)


@pytest.mark.parametrize(("format_name", "seal_id"), ALL_FORMATS)
def test_revoked_before_and_after_signing_and_unknown_have_their_own_reasons(
    workshop: Workshop, tmp_path: Path, format_name: str, seal_id: str
) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    cases = {
        "before": (NOW - timedelta(minutes=1), Indication.TOTAL_FAILED, SubIndication.REVOKED, Reason.CERT_REVOKED),
        "after": (
            NOW + timedelta(minutes=1),
            Indication.INDETERMINATE,
            SubIndication.REVOKED_NO_POE,
            Reason.CERT_REVOKED_AFTER_SIGNING,
        ),
    }
    for name, (at, indication, sub, reason) in cases.items():
        (tmp_path / name).mkdir()
        findings = judged(workshop, sealed, (crl_of(workshop, seal_id, at=at),), tmp_path / name)
        assert (findings.indication, findings.sub_indication, findings.reason) == (indication, sub, reason)
        assert (findings.integrity, findings.trust) == (Check.GOOD, Check.BAD)
    (tmp_path / "none").mkdir()
    unknown = judged(workshop, sealed, (), tmp_path / "none", required=True)
    assert (unknown.indication, unknown.reason) == (Indication.INDETERMINATE, Reason.REVOCATION_UNKNOWN)


def test_a_crl_that_is_over_forged_or_of_another_ca_says_nothing(workshop: Workshop, tmp_path: Path) -> None:
    _, sealed = workshop.sealed("pades-b-b", EC_SEAL)
    at = NOW - timedelta(minutes=1)
    good = crl_of(workshop, EC_SEAL, at=at)
    forged = good[:-1] + bytes((good[-1] ^ 1,))
    over = crl_of(workshop, EC_SEAL, made=NOW - timedelta(days=3), other=True)
    impostor = make_crl(
        CaSigner(certificate=ca_of(workshop, EC_SEAL).certificate, sign=ca_of(workshop, RSA_SEAL).sign),
        {leaf_of(workshop, EC_SEAL).serial_number: Revocation(at=at)},
        number=1,
        now=NOW,
    )
    for number, der in enumerate((forged, over, impostor, crl_of(workshop, RSA_SEAL, at=at))):
        place = tmp_path / str(number)
        place.mkdir()
        findings = judged(workshop, sealed, (der,), place)
        assert (findings.indication, findings.not_checked) == (Indication.TOTAL_PASSED, ("revocation",)), number


@every_algorithm
def test_an_ocsp_answer_is_believed_as_far_as_its_signature_goes(
    workshop: Workshop, tmp_path: Path, seal_id: str
) -> None:
    question = ocsp_question(workshop, seal_id, tmp_path)
    certificate = asn1_x509.Certificate.load(der_of(leaf_of(workshop, seal_id)))
    issuer = asn1_x509.Certificate.load(der_of(ca_of(workshop, seal_id).certificate))
    ca, serial = ca_of(workshop, seal_id), certificate.serial_number
    good = answer_ocsp(ca, question, {}, [serial], NOW)
    revoked = answer_ocsp(ca, question, {serial: Revocation(at=NOW)}, [serial], NOW)
    stranger = CaSigner(
        certificate=ca.certificate, sign=ca_of(workshop, RSA_SEAL if seal_id == EC_SEAL else EC_SEAL).sign
    )

    def standing(*answers: bytes, at: datetime = NOW) -> Standing:
        return RevocationData((), answers, at).status(certificate, issuer).standing

    assert standing() is Standing.UNKNOWN
    assert standing(good) is Standing.GOOD
    assert standing(good, revoked) is Standing.REVOKED
    assert standing(good[:-1] + b"\x00", b"", b"junk") is Standing.UNKNOWN
    assert standing(good, at=NOW + timedelta(days=2)) is Standing.UNKNOWN
    if seal_id != SM2_SEAL:
        assert standing(answer_ocsp(stranger, question, {}, [serial], NOW)) is Standing.UNKNOWN
    assert standing(answer_ocsp(ca, question, {}, [], NOW)) is Standing.UNKNOWN


@every_algorithm
def test_our_statements_keep_what_expired(workshop: Workshop, tmp_path: Path, seal_id: str) -> None:
    question = ocsp_question(workshop, seal_id, tmp_path)
    ca, leaf = ca_of(workshop, seal_id), leaf_of(workshop, seal_id)
    later = leaf.not_valid_after_utc + timedelta(days=30)
    pair = [asn1_x509.Certificate.load(der_of(one)) for one in (leaf, ca.certificate)]
    crl = make_crl(ca, {}, number=1, now=later)
    assert RevocationData((crl,), (), later).status(*pair).standing is Standing.GOOD
    answer = answer_ocsp(ca, question, {}, [leaf.serial_number], later)
    assert RevocationData((), (answer,), later).status(*pair).standing is Standing.GOOD


def test_crls_reach_the_workers_too(workshop: Workshop, tmp_path: Path) -> None:
    _, sealed = workshop.sealed("sm2-cms", SM2_SEAL)
    (tmp_path / "one.crl").write_bytes(crl_of(workshop, SM2_SEAL, at=NOW - timedelta(minutes=1)))
    anchors = workshop.anchors.with_crls(tmp_path)
    with IsolatedInspector(anchors, workers=1) as isolated:
        findings = isolated.inspect(sealed, TrustChoice(), NOW + timedelta(hours=1))
    assert findings == PdfInspector(anchors).inspect(sealed, TrustChoice(), NOW + timedelta(hours=1))
    assert findings.reason is Reason.CERT_REVOKED


def test_a_file_that_is_no_crl_stops_the_start(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "bad.crl").write_bytes(b"not a list")
    with pytest.raises(ConfigurationError, match=r"bad\.crl"):
        TrustAnchors(()).with_crls(tmp_path)
