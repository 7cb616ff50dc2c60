"""The PKI of ``pki.toml``: every way in which a certificate is not what it should be has its own reason.

``openssl verify`` judges the same chains: where it refuses, we must not pass.
"""

from __future__ import annotations

import asyncio
import subprocess
import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from signing_pages import one_page

from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.seal.verdict import FileFindings, Indication
from certsvc.signing.chains import judge_certificate
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.revoked import UseTime
from certsvc.signing.trust import TrustAnchors, TrustStore

HOLE = 8000
CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "pki.toml").read_text(encoding="utf-8"))["case"]
NOW = SystemClock().now().replace(microsecond=0) + timedelta(days=1)
"""The moment of judging. openssl writes the machine's time into a signature, so the signing was a day before."""

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Party:
    """A key with its certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass
class Pki:
    """What a case declares, made."""

    root: Party
    between: list[Party]
    leaf: Party
    crls: list[bytes] = field(default_factory=list)


def new_key(kind: str = "p256") -> Key:
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))


def certify(
    name: str,
    key: Key,
    issuer: Party | None,
    *,
    days: tuple[float, float] = (-500, 500),
    usages: tuple[str, ...] | None = (),
    ca: bool = False,
    path_length: int | None = None,
    digest: Any = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> Party:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject)
    builder = builder.serial_number(x509.random_serial_number())
    begins, ends = (NOW + timedelta(days=one) for one in days)
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if usages is not None:
        named = {usage: usage in usages for usage in USAGES}
        builder = builder.add_extension(x509.KeyUsage(**named, encipher_only=False, decipher_only=False), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    signer = issuer.key if issuer else key
    return Party(key, builder.sign(signer, digest or hashes.SHA256()))


def crl_of(issuer: Party, signer: Key, entries: dict[int, float], *, stale: bool = False) -> bytes:
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    ends = NOW - timedelta(hours=2) if stale else NOW + timedelta(days=7)
    builder = builder.last_update(NOW - timedelta(days=3 if stale else 0, hours=1)).next_update(ends)
    for serial, days in entries.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW + timedelta(days=days)).build())
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


def made(case: dict[str, Any]) -> Pki:
    ca_usages = ("key_cert_sign", "crl_sign")
    length = case.get("root_path_length")
    bound = case.get("root_name_constraint")
    root = certify(
        "Root",
        new_key(),
        None,
        days=(-5000, 5000),
        usages=tuple(case.get("root_usages", ca_usages)),
        ca=True,
        path_length=length,
        extensions=((x509.NameConstraints([x509.DNSName(bound)], None), True),) if bound else (),
    )
    between: list[Party] = []
    issuer = root
    for number in range(2 if case.get("extra_intermediate") else 1):
        constraint = case.get("name_constraint")
        names = [x509.DNSName(constraint)] if constraint else []
        extensions = ((x509.NameConstraints(names, None), True),) if constraint else ()
        is_ca = case.get("intermediate_ca", True)
        issuer = certify(
            f"Intermediate {number}",
            new_key(),
            issuer,
            days=tuple(case.get("intermediate_days", (-900, 900))),
            usages=tuple(case.get("intermediate_usages", ca_usages)) if is_ca else ("digital_signature",),
            ca=is_ca,
            extensions=extensions,
        )
        between.insert(0, issuer)
    more: list[tuple[x509.ExtensionType, bool]] = []
    if case.get("leaf_unknown_critical"):
        more.append((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7"), b"\x05\x00"), True))
    if "leaf_dns" in case:
        more.append((x509.SubjectAlternativeName([x509.DNSName(case["leaf_dns"])]), False))
    if "leaf_purposes" in case:
        purposes = [x509.ObjectIdentifier(one) for one in case["leaf_purposes"]]
        more.append((x509.ExtendedKeyUsage(purposes), case.get("leaf_purposes_critical", True)))
    usages = tuple(case.get("leaf_usages", ("digital_signature", "content_commitment")))
    leaf = certify(
        "示例印章",
        new_key(case.get("leaf_key", "p256")),
        issuer,
        days=tuple(case.get("leaf_days", (-300, 300))),
        usages=None if case.get("leaf_no_usages") else usages,
        ca=case.get("leaf_ca", False),
        digest=hashes.SHA224() if case.get("leaf_digest") == "sha224" else None,
        extensions=tuple(more),
    )
    if case.get("leaf_broken"):
        der = bytearray(leaf.der)
        der[-1] ^= 1
        leaf = Party(leaf.key, x509.load_der_x509_certificate(bytes(der)))
    return Pki(root, between, leaf, list(lists(case, root, between, leaf)))


def lists(case: dict[str, Any], root: Party, between: list[Party], leaf: Party) -> list[bytes]:
    ended: dict[int, float] = {}
    if "revoked_days" in case:
        ended[leaf.certificate.serial_number] = case["revoked_days"]
    if case.get("revoked_other"):
        ended[leaf.certificate.serial_number ^ 1] = -100
    above = {}
    if "intermediate_revoked_days" in case:
        above[between[0].certificate.serial_number] = case["intermediate_revoked_days"]
    signer = new_key() if case.get("crl_impostor") else between[0].key
    return [
        crl_of(between[0], signer, ended, stale=bool(case.get("crl_stale"))),
        crl_of(root, root.key, above),
    ]


def sealed(pki: Pki, case: dict[str, Any], directory: Path) -> bytes:
    """A page with a CMS by openssl at the claimed time."""
    key = pki.leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "leaf.key").write_bytes(key)
    (directory / "leaf.pem").write_bytes(pki.leaf.pem)
    (directory / "between.pem").write_bytes(b"".join(party.pem for party in pki.between))
    prepared = one_page(HOLE, docmdp=0)
    covered = prepared.data[: prepared.hole_start] + prepared.data[prepared.hole_end :]
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-nosmimecap", "-cades", "-md", "sha256"]
    command += ["-signer", str(directory / "leaf.pem"), "-inkey", str(directory / "leaf.key")]
    if case.get("intermediate_sent", True):
        command += ["-certfile", str(directory / "between.pem")]
    done = subprocess.run(command, input=covered, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return prepared.fill(done.stdout)


def anchors_of(pki: Pki, case: dict[str, Any]) -> TrustAnchors:
    root = pki.root
    if case.get("root_impostor"):
        root = certify("Root", new_key(), None, days=(-5000, 5000), usages=("key_cert_sign", "crl_sign"), ca=True)
    anchors = [root.der] if case.get("anchored", True) else [certify("Other", new_key(), None, ca=True).der]
    if case.get("intermediate_anchored"):
        anchors = [pki.between[0].der]
    if case.get("leaf_anchored"):
        anchors.append(pki.leaf.der)
    return TrustAnchors(tuple(anchors), (), tuple(pki.crls))


def openssl_says(pki: Pki, case: dict[str, Any], directory: Path) -> str:
    trusted = x509.load_der_x509_certificate(anchors_of(pki, case).certificates[0])
    (directory / "root.pem").write_bytes(trusted.public_bytes(Encoding.PEM))
    names = []
    for number, der in enumerate(pki.crls):
        (directory / f"{number}.crl").write_bytes(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM))
        names += ["-CRLfile", str(directory / f"{number}.crl")]
    command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-CAfile", str(directory / "root.pem")]
    command += ["-no-CApath", "-no-CAstore", "-crl_check_all", *names, "-untrusted", str(directory / "between.pem")]
    done = subprocess.run([*command, str(directory / "leaf.pem")], capture_output=True, check=False)
    return "ok" if done.returncode == 0 else (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_case_has_its_reason_and_openssl_agrees(case: dict[str, Any], tmp_path: Path) -> None:
    pki = made(case)
    data = sealed(pki, case, tmp_path)
    findings: FileFindings = PdfInspector(anchors_of(pki, case)).inspect(data, TrustChoice(), NOW)
    assert findings.reason.value == case["reason"], findings
    assert (findings.indication is Indication.TOTAL_PASSED) == (case["reason"] == "ok")
    expected = set(case.get("not_checked", ()))
    if case["reason"] == "ok":
        assert set(findings.not_checked) == expected
    if case["openssl"]:
        assert case["openssl"] in openssl_says(pki, case, tmp_path)


@pytest.mark.parametrize("case", [one for one in CASES if "leaf_key" not in one], ids=lambda case: case["name"])
def test_a_certificate_alone_is_judged_like_that_of_a_signed_page(case: dict[str, Any]) -> None:
    """GM formats and seal objects ask about a certificate alone; its key is weighed where the signature is read."""
    pki = made(case)
    anchors = anchors_of(pki, case)
    beside = [party.der for party in pki.between] if case.get("intermediate_sent", True) else []
    used = UseTime(claimed=NOW - timedelta(days=1))
    found = asyncio.run(judge_certificate(pki.leaf.der, beside, TrustStore(anchors, NOW), used))
    assert found.outcome.reason.value == case["reason"]


def test_the_file_names_every_kind_that_must_be_told_apart() -> None:
    wanted = {"ok", "cert_expired", "cert_not_yet_valid", "cert_revoked", "cert_revoked_after_signing"}
    assert wanted | {"untrusted_chain", "wrong_key_usage", "weak_algorithm"} == {case["reason"] for case in CASES}
    assert len({case["name"] for case in CASES}) == len(CASES)
