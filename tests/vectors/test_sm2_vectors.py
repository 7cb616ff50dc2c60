"""SM3, SM2 and certificates made by others: botan, Tongsuo (Apache-2.0, BSD-2), with the verdicts that came along."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import pytest
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from sm2_oracle import public_point, verifies

from certsvc.signing.primitives import load_public_key, verify_signature
from certsvc.signing.sm2 import Sm2PublicKey, raw_to_der

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "sm2-sm3-ses"
MISSING = f"the vectors made by others are absent: put them beside the project at {VECTORS}"
STANDARD_CURVE = "1.2.156.10197.1.301"


def verdicts() -> dict[str, str]:
    path = VECTORS / "VERDICTS.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["expected"] for row in csv.DictReader(file)}


VERDICTS = verdicts()
CERTIFICATES = sorted(name for name in VERDICTS if name.startswith("tongsuo/"))


def test_the_vectors_are_there_and_complete() -> None:
    assert len(VERDICTS) == 26, MISSING
    assert len(CERTIFICATES) == 16


def pairs(path: Path, first: str, second: str) -> list[tuple[bytes, bytes]]:
    text = path.read_text(encoding="ascii")
    found = re.findall(rf"^{first} = *([0-9A-Fa-f]*)\n{second} = *([0-9A-Fa-f]+)$", text, re.MULTILINE)
    return [(bytes.fromhex(one), bytes.fromhex(other)) for one, other in found]


def test_sm3_gives_all_their_digests() -> None:
    botan = pairs(VECTORS / "botan" / "hash__sm3.vec", "In", "Out")
    tongsuo = pairs(VECTORS / "tongsuo" / "recipes__30-test_evp_data__evpmd_sm3.txt", "Input", "Output")
    assert (len(botan), len(tongsuo)) == (139, 8)
    for data, digest in (*botan, *tongsuo):
        assert hashlib.new("sm3", data).digest() == digest


def test_the_botan_signature_on_the_standard_curve_verifies_and_its_neighbours_do_not() -> None:
    text = (VECTORS / "botan" / "pubkey__sm2_sig.vec").read_text(encoding="ascii")
    curve = text.split(f"Oid = {STANDARD_CURVE}")[1].split("Oid =")[0]
    blocks = [dict(re.findall(r"^(\w+) = (\S+)$", block, re.MULTILINE)) for block in curve.split("\n\n")]
    cases = [block for block in blocks if "Signature" in block]
    seen = {}
    for case in cases:
        point = public_point(int(case["x"], 16))
        key = Sm2PublicKey(point, signer_id=case["Ident"].encode("ascii"))
        raw, message = bytes.fromhex(case["Signature"]), bytes.fromhex(case["Msg"])
        seen[case["Hash"]] = key.verify(raw_to_der(raw), message)
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        assert seen[case["Hash"]] == verifies(point, r, s, message, case["Ident"].encode("ascii"))
    assert seen["SM3"]
    assert not any(good for name, good in seen.items() if name != "SM3"), "another digest makes another signature"


def load_all(name: str) -> list[asn1_x509.Certificate]:
    data = (VECTORS / name).read_bytes()
    ders = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
    return [asn1_x509.Certificate.load(der) for der in ders]


def sound(certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate) -> bool:
    key = load_public_key(issuer["tbs_certificate"]["subject_public_key_info"].dump())
    signature = certificate["signature_value"].native
    return verify_signature(key, signature, certificate["tbs_certificate"].dump(), "sm3")


@pytest.mark.parametrize("name", CERTIFICATES)
def test_every_certificate_has_the_verdict_that_came_with_it(name: str) -> None:
    names = [*CERTIFICATES, "tongsuo/certs__sm2-chain-ca.crt", "tongsuo/certs__sm2__chain-ca.crt"]
    everyone = [one for other in names for one in load_all(other)]
    certificate = load_all(name)[0]
    issuers = [one for one in everyone if one.subject.dump() == certificate.issuer.dump()]
    good = any(sound(certificate, issuer) for issuer in issuers)
    expected = VERDICTS[name]
    assert good == (expected in {"crypto-valid", "expired"})
    if expected == "expired":
        assert certificate.not_valid_after.year == 2001
