"""Sealing: what it makes is checked by openssl, pdfsig and qpdf, and what it refuses stays unsealed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from signing_pages import EC_SEAL, NOW, RSA_SEAL, Workshop, one_page, open_workshop

from certsvc.errors import SigningError
from certsvc.seal.prepared import PreparedPdf
from certsvc.signing.cms import make_template
from certsvc.signing.pades import MARGIN_BYTES
from certsvc.signing.sealer import LicenseSealer

FORMAT = "pades-b-b"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture
def sealer(workshop: Workshop) -> LicenseSealer:
    return LicenseSealer(workshop.ring)


def sealed_page(workshop: Workshop, seal_id: str) -> tuple[PreparedPdf, bytes]:
    sealer, seal = LicenseSealer(workshop.ring), workshop.seals[seal_id]
    prepared = one_page(sealer.reserved_bytes(seal, FORMAT))
    return prepared, sealer.seal(prepared, seal, FORMAT, signed_at=NOW)


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL])
def test_pdfsig_and_qpdf_accept_a_sealed_page(workshop: Workshop, tmp_path: Path, seal_id: str) -> None:
    _, sealed = sealed_page(workshop, seal_id)
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    said = run("pdfsig", "-nocert", "sealed.pdf", cwd=tmp_path).stdout
    assert "Signature Validation: Signature is Valid." in said
    assert "Signature Type: ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    assert workshop.seals[seal_id].name in said
    assert run("qpdf", "--check", "sealed.pdf", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL])
def test_openssl_verifies_the_cms_over_the_covered_bytes_with_cades_rules(
    workshop: Workshop, tmp_path: Path, seal_id: str
) -> None:
    prepared, sealed = sealed_page(workshop, seal_id)
    (tmp_path / "cms.der").write_bytes(bytes.fromhex(sealed[prepared.hole_start + 1 : prepared.hole_end - 1].decode()))
    covered = sealed[: prepared.hole_start] + sealed[prepared.hole_end :]
    root = str(workshop.keys.trust_dir / "dev-root.pem")
    verify = ["openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", "cms.der", "-out", "out"]
    verify += ["-CAfile", root, "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-content", "covered"]
    (tmp_path / "covered").write_bytes(covered)
    done = run(*verify, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "CAdES Verification successful\n")
    (tmp_path / "covered").write_bytes(covered[:-1] + b" ")
    assert run(*verify, cwd=tmp_path).returncode != 0


def test_the_signed_attributes_are_those_of_pades_b_b_and_nothing_else(workshop: Workshop, tmp_path: Path) -> None:
    prepared, sealed = sealed_page(workshop, EC_SEAL)
    (tmp_path / "cms.der").write_bytes(bytes.fromhex(sealed[prepared.hole_start + 1 : prepared.hole_end - 1].decode()))
    text = run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", "cms.der", cwd=tmp_path).stdout
    signed = text.split("signedAttrs:")[1].split("signatureAlgorithm:")[0]
    objects = [line.split("object:")[1].split()[0] for line in signed.splitlines() if "object:" in line]
    assert sorted(objects) == ["contentType", "id-smime-aa-signingCertificateV2", "messageDigest"]
    certificates = text.split("certificates:")[1].split("crls:")[0]
    assert certificates.count("d.certificate:") == 2
    assert "开发根证书" not in certificates


def test_only_the_hole_differs_from_what_was_prepared(workshop: Workshop) -> None:
    prepared, sealed = sealed_page(workshop, RSA_SEAL)
    assert len(sealed) == len(prepared.data)
    assert sealed[: prepared.hole_start + 1] == prepared.data[: prepared.hole_start + 1]
    assert sealed[prepared.hole_end - 1 :] == prepared.data[prepared.hole_end - 1 :]
    assert sealed != prepared.data


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL])
def test_the_reserved_bytes_are_measured_without_using_the_key(workshop: Workshop, seal_id: str) -> None:
    seal = workshop.seals[seal_id]
    before = workshop.ring.operations(seal.key_id)
    reserved = LicenseSealer(workshop.ring).reserved_bytes(seal, FORMAT)
    assert workshop.ring.operations(seal.key_id) == before
    template = make_template(workshop.ring.certificate(seal.key_id))
    assert reserved == template.max_size + MARGIN_BYTES
    signatures = [workshop.ring.sign_digest(seal.key_id, "sha256", bytes((n,))) for n in range(50)]
    assert max(len(template.assemble(bytes(32), one)) for one in signatures) <= template.max_size
    assert max(len(one) for one in signatures) <= template.signature_size


def test_one_page_is_one_use_of_the_key(workshop: Workshop) -> None:
    key_id = workshop.seals[EC_SEAL].key_id
    before = workshop.ring.operations(key_id)
    sealed_page(workshop, EC_SEAL)
    assert workshop.ring.operations(key_id) == before + 1


def test_every_seal_of_the_declaration_can_seal(workshop: Workshop) -> None:
    for seal_id in workshop.seals:
        sealed_page(workshop, seal_id)


def test_the_sub_filter_is_that_of_pades(sealer: LicenseSealer) -> None:
    assert sealer.sub_filter(FORMAT) == "ETSI.CAdES.detached"
    with pytest.raises(SigningError, match="pades-b-b"):
        sealer.sub_filter("pades-b-x")


@pytest.mark.parametrize("days", [-1, 3 * 365 + 1])
def test_a_time_outside_the_certificate_is_refused_before_the_key_is_used(
    workshop: Workshop, sealer: LicenseSealer, days: int
) -> None:
    seal = workshop.seals[EC_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, FORMAT))
    before = workshop.ring.operations(seal.key_id)
    with pytest.raises(SigningError, match="不在有效期内"):
        sealer.seal(prepared, seal, FORMAT, signed_at=NOW + timedelta(days=days))
    assert workshop.ring.operations(seal.key_id) == before


def test_a_naive_time_is_our_own_mistake(workshop: Workshop, sealer: LicenseSealer) -> None:
    seal = workshop.seals[EC_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, FORMAT))
    with pytest.raises(RuntimeError):
        sealer.seal(prepared, seal, FORMAT, signed_at=NOW.replace(tzinfo=None))


def test_a_seal_never_signs_with_the_key_of_another_owner_or_algorithm(
    workshop: Workshop, sealer: LicenseSealer
) -> None:
    seal = workshop.seals[EC_SEAL]
    prepared = one_page(4000)
    for stolen, complaint in (
        (replace(seal, owner_code=workshop.seals[RSA_SEAL].owner_code), "不属于其所有者"),
        (replace(seal, algorithm="rsa2048"), "算法"),
        (replace(seal, key_id="nobody"), "没有密钥"),
    ):
        with pytest.raises(SigningError, match=complaint):
            sealer.seal(prepared, stolen, FORMAT, signed_at=NOW)


def test_a_hole_that_is_too_small_is_refused(workshop: Workshop, sealer: LicenseSealer) -> None:
    seal = workshop.seals[RSA_SEAL]
    prepared = one_page(sealer.reserved_bytes(seal, FORMAT) - MARGIN_BYTES - 1)
    before = workshop.ring.operations(seal.key_id)
    with pytest.raises(SigningError, match="签名空间"):
        sealer.seal(prepared, seal, FORMAT, signed_at=NOW)
    assert workshop.ring.operations(seal.key_id) == before


def test_a_page_whose_byte_range_is_not_its_hole_is_refused(workshop: Workshop, sealer: LicenseSealer) -> None:
    seal = workshop.seals[EC_SEAL]
    good = one_page(sealer.reserved_bytes(seal, FORMAT))
    numbers = b"%010d" % good.hole_start
    filled = good.data[: good.hole_start + 1] + b"1" + good.data[good.hole_start + 2 :]
    for bad in (
        replace(good, data=good.data.replace(numbers, b"%010d" % (good.hole_start - 2), 1)),
        replace(good, hole_start=good.hole_start - 2),
        replace(good, hole_end=good.hole_end + 2),
        replace(good, hole_start=good.hole_end, hole_end=good.hole_start),
        replace(good, data=filled),
        replace(good, data=good.data.replace(b"/ByteRange", b"/ByteRang_")),
    ):
        with pytest.raises(SigningError):
            sealer.seal(bad, seal, FORMAT, signed_at=NOW)
