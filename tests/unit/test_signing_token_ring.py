"""Keys in a PKCS#11 token: a real SoftHSM in a directory of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key
from signing_pages import EC_SEAL, NOW, RSA_SEAL, Workshop, one_page, open_workshop

from certsvc.commands.ports import TrustChoice
from certsvc.errors import ConfigurationError, SigningError
from certsvc.ids import SystemIds
from certsvc.seal.verdict import Reason
from certsvc.signing.certificates import Draft, issue, load_private_key, pem
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.keyfile import decrypt_key
from certsvc.signing.primitives import load_public_key
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.token_ring import BUSY_S, TokenKeyRing

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN, LABEL = "4711-test", "seals"
SPKI_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
SPKI_EC = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")

pytestmark = pytest.mark.xdist_group("softhsm")


@dataclass(frozen=True, kw_only=True)
class Token:
    module: Path
    directory: Path
    workshop: Workshop

    def ring(self, *, label: str = LABEL, pin: str = PIN, directory: Path | None = None) -> TokenKeyRing:
        return TokenKeyRing(self.module, label, pin, directory or self.directory)


def new_token(label: str) -> None:
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    module = next((Path(name) for name in MODULES if Path(name).exists()), None)
    assert module is not None, "SoftHSM is missing: run make setup-test"
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    # SoftHSM knows its directory only by its environment.
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    for label in (LABEL, "loose", "empty"):
        new_token(label)
    workshop = open_workshop(tmp_path_factory.mktemp("ring"))
    directory = tmp_path_factory.mktemp("hsm")
    (directory / "certs").mkdir()
    made = Token(module=module, directory=directory, workshop=workshop)
    generate(made, LABEL, extractable=False)
    generate(made, "loose", extractable=True)
    yield made
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def generate(token: Token, label: str, *, extractable: bool) -> None:
    """An RSA and a P-256 key in the token, each with a certificate for the owner of a seal."""
    library = pkcs11.lib(str(token.module))
    attribute = pkcs11.Attribute
    hidden = {attribute.EXTRACTABLE: extractable, attribute.SENSITIVE: not extractable}
    with library.get_token(token_label=label).open(rw=True, user_pin=PIN) as session:
        public, _ = session.generate_keypair(
            pkcs11.KeyType.RSA, 2048, store=True, label="hsm-rsa", private_template=hidden
        )
        bits = encode_rsa_public_key(public)
        certify(token, "hsm-rsa", RSA_SEAL, "dev-issuer-rsa", sequence(SPKI_RSA + bit_string(bits)))
        curve = {attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        public, _ = parameters.generate_keypair(store=True, label="hsm-ec", private_template=hidden)
        certify(token, "hsm-ec", EC_SEAL, "dev-issuer-ec", encode_ec_public_key(public))


def sequence(content: bytes) -> bytes:
    size = len(content)
    head = bytes((0x30, size)) if size < 128 else b"\x30\x82" + size.to_bytes(2, "big")
    return head + content


def bit_string(content: bytes) -> bytes:
    body = b"\x00" + content
    return b"\x03\x82" + len(body).to_bytes(2, "big") + body


def certify(token: Token, key_id: str, seal_id: str, issuer: str, spki: bytes) -> None:
    workshop = token.workshop
    old = workshop.ring.certificate(workshop.seals[seal_id].key_id)
    path = workshop.keys.directory / "ca" / f"{issuer}.key"
    key = load_private_key(decrypt_key(path.read_bytes(), issuer, workshop.master).pkcs8)
    draft = Draft(
        subject=old.certificate.subject,
        issuer=old.certificate.issuer,
        public_key=load_public_key(spki),
        serial=SystemIds().cert_serial(),
        begins=NOW,
        ends=NOW + timedelta(days=365),
        extensions=tuple(
            (one.value, one.critical)
            for one in old.certificate.extensions
            if not isinstance(one.value, x509.SubjectKeyIdentifier)
        ),
    )
    target = token.directory / "certs" / f"{key_id}.pem"
    if not target.exists():
        target.write_bytes(pem(issue(draft, key), *old.issuers))


@pytest.mark.parametrize(("key_id", "seal_id"), [("hsm-rsa", RSA_SEAL), ("hsm-ec", EC_SEAL)])
def test_pages_are_sealed_in_the_token(token: Token, tmp_path: Path, key_id: str, seal_id: str) -> None:
    ring = token.ring()
    try:
        seal = replace(token.workshop.seals[seal_id], key_id=key_id)
        sealer = LicenseSealer(ring)
        page = one_page(sealer.reserved_bytes(seal, "pades-b-b"))
        sealed = sealer.seal(page, seal, "pades-b-b", signed_at=NOW)
        assert ring.operations(key_id) == 1
        findings = PdfInspector(token.workshop.anchors).inspect(sealed, TrustChoice(), NOW + timedelta(hours=1))
        assert findings.reason is Reason.OK
        (tmp_path / "x.pdf").write_bytes(sealed)
        said = subprocess.run(["pdfsig", "-nocert", "x.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Signature is Valid" in said.stdout
    finally:
        ring.close()


def test_openssl_accepts_the_tokens_signatures(token: Token, tmp_path: Path) -> None:
    ring = token.ring()
    try:
        for key_id in ring.key_ids():
            (tmp_path / "data").write_bytes(b"to be sealed")
            (tmp_path / "value").write_bytes(ring.sign_digest(key_id, "sha256", b"to be sealed"))
            public = ring.certificate(key_id).certificate.public_key()
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            (tmp_path / "public.pem").write_bytes(public.public_bytes(serialization.Encoding.PEM, form))
            command = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "value", "data"]
            assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    finally:
        ring.close()


def test_the_ring_lists_its_keys_and_leaves_nothing_to_copy(token: Token) -> None:
    ring = token.ring()
    try:
        assert ring.key_ids() == ("hsm-ec", "hsm-rsa")
        assert PIN not in repr(ring)
        with pytest.raises(RuntimeError):
            pickle.dumps(ring)
        with pytest.raises(SigningError, match="没有密钥"):
            ring.certificate("nobody")
        for digest in ("sha1", "sm3"):
            with pytest.raises(SigningError, match="摘要算法"):
                ring.sign_digest("hsm-ec", digest, b"")
    finally:
        ring.close()


def test_a_token_that_cannot_be_used_stops_the_start_with_its_reason(token: Token, tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    for name in ("hsm-rsa", "hsm-ec"):
        other = "hsm-ec" if name == "hsm-rsa" else "hsm-rsa"
        (tmp_path / "certs" / f"{name}.pem").write_bytes((token.directory / "certs" / f"{other}.pem").read_bytes())
    for how, complaint in (
        ({"pin": "0000"}, "PIN"),
        ({"label": "nobody"}, "无法登录"),
        ({"label": "loose"}, "可被导出"),
        ({"label": "empty"}, "没有私钥"),
        ({"directory": tmp_path}, "不匹配"),
    ):
        with pytest.raises(ConfigurationError, match=complaint) as caught:
            token.ring(**how)
        assert PIN not in caught.value.detail


def test_a_closed_ring_signs_nothing(token: Token) -> None:
    ring = token.ring()
    ring.close()
    with pytest.raises(SigningError, match="签名失败"):
        ring.sign_digest("hsm-ec", "sha256", b"x")


def test_a_probe_never_waits_behind_a_token_that_hangs(token: Token) -> None:
    ring = token.ring()
    try:
        ring.check()
        hanging = threading.Event()
        with ring._lock:  # as while a signature is on its way
            probe = threading.Thread(target=lambda: hanging.set() if refused(ring) else None)
            probe.start()
            probe.join(BUSY_S + 5)
        assert hanging.is_set(), "no signature came out: the token does not answer"
        ring.sign_digest("hsm-ec", "sha256", b"x")
        ring.check()
    finally:
        ring.close()


def test_a_token_that_signs_all_the_time_is_well(token: Token) -> None:
    ring = token.ring()
    try:
        with ring._lock:
            found: list[bool] = []
            probe = threading.Thread(target=lambda: found.append(refused(ring)))
            probe.start()
            probe.join(BUSY_S / 2)
            ring._finished += 1  # as after a signature, with the next one on its way
            probe.join(BUSY_S + 5)
        assert found == [False]
    finally:
        ring.close()


def refused(ring: TokenKeyRing) -> bool:
    try:
        ring.check()
    except SigningError:
        return True
    return False
