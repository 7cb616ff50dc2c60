"""What the CAs kept here publish, asked over HTTP with the tools of others: openssl and asn1crypto."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import crl, ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from fixtures_city import ServedCity

from certsvc.app_keys import own_authorities
from certsvc.clock import SystemClock
from certsvc.commands.seals.authorities import crl_of, ocsp_of
from certsvc.errors import NotFound
from certsvc.ids import SystemIds
from certsvc.settings import Settings
from certsvc.signing.certificates import read_chain
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import load_master_key
from certsvc.signing.timestamps import TimestampClient

EC, SM2 = "dev-issuer-ec", "dev-issuer-sm2"
KEYS = {EC: "seal-11990000MB0000019F-1", SM2: "seal-11990100MB000102XT-sm2-1"}


def chain_of(city: ServedCity, ca_id: str) -> tuple[x509.Certificate, ...]:
    return read_chain(city.service.settings.keys / "certs" / f"{KEYS[ca_id]}.pem")


def revoke(city: ServedCity, ca_id: str) -> None:
    leaf, issuer = chain_of(city, ca_id)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
    city.execute(
        "INSERT INTO revocations (issuer_key_id, serial, reason, revoked_at, seal_id, key_id) VALUES "
        f"('{identifier}', '{leaf.serial_number:x}', 'keyCompromise', '2026-06-01 00:00:00.000000+00:00', 's', 'k')"
    )


def question(city: ServedCity, ca_id: str, *, serial: int | None = None, digest: str = "sha1") -> bytes:
    leaf, issuer = chain_of(city, ca_id)
    parsed = asn1_x509.Certificate.load(issuer.public_bytes(serialization.Encoding.DER))
    bits = bytes(parsed["tbs_certificate"]["subject_public_key_info"]["public_key"].contents[1:])
    name = issuer.subject.public_bytes()
    cert_id = {
        "hash_algorithm": {"algorithm": digest},
        "issuer_name_hash": hashlib.new(digest, name).digest(),
        "issuer_key_hash": hashlib.new(digest, bits).digest(),
        "serial_number": leaf.serial_number if serial is None else serial,
    }
    asked = {"tbs_request": {"request_list": [{"req_cert": cert_id}]}}
    return bytes(ocsp.OCSPRequest(asked).dump())


def standing(answer: bytes) -> str:
    parsed = ocsp.OCSPResponse.load(answer)
    assert parsed["response_status"].native == "successful"
    (single,) = parsed.response_data["responses"]
    return str(single["cert_status"].name)


@pytest.mark.parametrize("ca_id", [EC, SM2])
def test_a_revocation_on_record_is_in_the_next_crl_and_in_the_next_answer(city: ServedCity, ca_id: str) -> None:
    client = city.client
    path = f"/v1/authorities/{ca_id}"
    first = client.get(f"{path}/crl")
    assert first.headers["content-type"] == "application/pkix-crl"
    assert crl.CertificateList.load(first.content)["tbs_cert_list"]["revoked_certificates"].native is None
    again = client.get(f"{path}/crl")
    assert again.content == first.content  # one signature serves everybody until something is revoked
    asked = question(city, ca_id)
    good = client.post(f"{path}/ocsp", content=asked, headers={"content-type": "application/ocsp-request"})
    assert (good.status_code, good.headers["content-type"]) == (200, "application/ocsp-response")
    assert standing(good.content) == "good"
    revoke(city, ca_id)
    listed = crl.CertificateList.load(client.get(f"{path}/crl").content)
    (entry,) = listed["tbs_cert_list"]["revoked_certificates"]
    assert entry["user_certificate"].native == chain_of(city, ca_id)[0].serial_number
    assert entry.crl_reason_value.native == "key_compromise"
    numbers = [crl.CertificateList.load(one).crl_number_value.native for one in (first.content, listed.dump())]
    assert numbers[0] < numbers[1]
    assert standing(client.post(f"{path}/ocsp", content=asked).content) == "revoked"
    in_address = base64.urlsafe_b64encode(asked).decode().rstrip("=")
    assert standing(client.get(f"{path}/ocsp/{in_address}").content) == "revoked"


def test_openssl_reads_the_crl_and_finds_it_signed_by_the_ca(small_city: ServedCity, tmp_path: Path) -> None:
    revoke(small_city, EC)
    (tmp_path / "ca.crl").write_bytes(small_city.client.get(f"/v1/authorities/{EC}/crl").content)
    der = small_city.client.get(f"/v1/authorities/{EC}/certificate").content
    certificate = x509.load_der_x509_certificate(der)
    (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    run = subprocess.run(
        ["openssl", "crl", "-inform", "DER", "-in", "ca.crl", "-CAfile", "ca.pem", "-noout", "-text"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "verify OK" in run.stderr
    assert "Key Compromise" in run.stdout


def test_a_serial_that_nobody_issued_is_unknown_and_never_good(small_city: ServedCity) -> None:
    asked = question(small_city, EC, serial=4711)
    assert standing(small_city.client.post(f"/v1/authorities/{EC}/ocsp", content=asked).content) == "unknown"
    other = question(small_city, SM2)
    assert standing(small_city.client.post(f"/v1/authorities/{EC}/ocsp", content=other).content) == "unknown"


def test_a_persons_certificate_is_answered_from_the_register(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    with deps.uow.read() as tx:
        assert not tx.signers.issued("dev-people-ec", "abc")
    ids = {row["ca_id"] for row in small_city.client.get("/v1/authorities").json()}
    assert {EC, SM2, "dev-people-ec", "dev-people-sm2"} <= ids
    assert crl_of(deps, "dev-people-ec")


@pytest.mark.parametrize("ca_id", ["nobody", "..", "dev-root/../x", "a" * 64])
def test_an_unknown_authority_is_told_and_leads_to_no_file(small_city: ServedCity, ca_id: str) -> None:
    deps = small_city.service.deps
    asks: tuple[Callable[[], bytes], ...] = (
        lambda: crl_of(deps, ca_id),
        lambda: ocsp_of(deps, ca_id, b""),
        lambda: deps.authorities.crl(ca_id, (), now=deps.clock.now()),
    )
    for ask in asks:
        with pytest.raises(NotFound):
            ask()
    assert small_city.client.get(f"/v1/authorities/{ca_id}/crl").status_code in {404, 422}


@pytest.mark.parametrize("body", [b"", b"\x30\x00", b"junk" * 100, b"\x30\x82\xff\xff"])
def test_what_is_no_question_gets_an_answer_that_says_so(small_city: ServedCity, body: bytes) -> None:
    answer = small_city.client.post(f"/v1/authorities/{EC}/ocsp", content=body)
    assert answer.status_code == 200
    assert ocsp.OCSPResponse.load(answer.content)["response_status"].native == "malformed_request"
    assert small_city.client.post(f"/v1/authorities/{EC}/ocsp", content=b"x" * 5000).status_code == 413


def test_the_sandbox_gives_timestamps_that_a_client_takes(small_city: ServedCity) -> None:
    def post(url: str, body: bytes) -> bytes:
        return bytes(small_city.client.post(url, content=body).content)

    token = TimestampClient(["/v1/timestamps"], post, SystemIds()).token(b"data")
    assert abs((token.at - SystemClock().now()).total_seconds()) < 60


def test_production_keeps_no_ca_and_gives_no_timestamps(small_city: ServedCity) -> None:
    settings = small_city.service.settings
    outside = Path(str(settings.var_dir) + "-master.key")
    outside.write_bytes(settings.master_key.read_bytes())
    production = Settings(profile="production", var_dir=settings.var_dir, master_key_file=outside)
    master = load_master_key(settings.master_key)
    ring = SoftwareKeyRing(settings.keys, master, profile="sandbox")
    none = own_authorities(production, master, ring, SystemClock(), SystemIds())
    assert none.known() == ()
    with pytest.raises(NotFound):
        none.timestamp(b"")
    with pytest.raises(NotFound):
        none.crl(EC, (), now=SystemClock().now())
