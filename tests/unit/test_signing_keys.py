"""Keys: the master key, encrypted files, the development PKI and the key ring."""

from __future__ import annotations

import pickle
import shutil
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto.keys import PrivateKeyInfo
from cryptography.hazmat.primitives import serialization
from signing_pages import DEV_TOML, EC_SEAL, NOW, RSA_SEAL, Workshop, open_workshop
from stdnum.cn import uscc

from certsvc.clock import FixedClock
from certsvc.errors import ConfigurationError, SigningError
from certsvc.ids import SystemIds
from certsvc.seal.model import SealState
from certsvc.signing.certificates import owner_code_of, pkcs8, read_chain
from certsvc.signing.declaration import load_declaration, load_seal_declarations
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.keyfile import DevelopmentKeysRefused, decrypt_key, write_new
from certsvc.signing.keyring import SoftwareKeyRing, verify
from certsvc.signing.master_key import KeyUse, MasterKey, create_master_key, load_master_key
from certsvc.signing.sm2 import Sm2PrivateKey, Sm2PublicKey


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture
def ring_copy(workshop: Workshop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(workshop.keys.directory, tmp_path / "ring"))


def files_below(directory: Path) -> dict[Path, bytes]:
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_created_master_key_is_read_back_and_never_overwritten(tmp_path: Path) -> None:
    made = create_master_key(tmp_path / "new" / "master.key", SystemIds())
    read = load_master_key(tmp_path / "new" / "master.key")
    assert read.kek_id == made.kek_id
    assert stat.S_IMODE((tmp_path / "new" / "master.key").stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="已存在"):
        create_master_key(tmp_path / "new" / "master.key", SystemIds())


def test_raw_and_hexadecimal_spellings_are_the_same_master_key(tmp_path: Path) -> None:
    key = bytes(range(32))
    (tmp_path / "raw").write_bytes(key)
    (tmp_path / "hex").write_text(key.hex().upper() + "\n", encoding="ascii")
    assert load_master_key(tmp_path / "raw").kek_id == load_master_key(tmp_path / "hex").kek_id


@pytest.mark.parametrize("content", [b"", b"short", b"\x00" * 31, b"\x00" * 33, b"g" * 64, b"0" * 5000])
def test_a_master_key_file_of_another_shape_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigurationError, match="主密钥文件"):
        load_master_key(tmp_path / "key")


def test_a_missing_master_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        load_master_key(tmp_path / "nowhere")


def test_every_use_has_its_own_subkey_and_the_key_shows_nowhere() -> None:
    key = bytes(range(100, 132))
    master = MasterKey(key)
    subkeys = {master.subkey(use) for use in KeyUse}
    assert len(subkeys) == len(KeyUse)
    assert key not in subkeys
    assert key.hex() not in repr(master)
    with pytest.raises(RuntimeError):
        pickle.dumps(master)


def test_running_again_changes_no_file_and_makes_no_key(workshop: Workshop, ring_copy: Path) -> None:
    before = files_below(ring_copy)
    again = init_dev_keys(DEV_TOML, ring_copy, workshop.master, FixedClock(NOW + timedelta(days=30)), SystemIds())
    assert again.made == ()
    assert files_below(ring_copy) == before


def test_a_certificate_lost_in_a_crash_is_made_again_for_the_same_key(workshop: Workshop, ring_copy: Path) -> None:
    lost = ring_copy / "certs" / "seal-11990000MB0000019F-1.pem"
    public = read_chain(lost)[0].public_key()
    lost.unlink()
    again = init_dev_keys(DEV_TOML, ring_copy, workshop.master, FixedClock(NOW), SystemIds())
    assert again.made == ()
    assert read_chain(lost)[0].public_key() == public


def secret_number(der: bytes) -> bytes:
    """The private number of a PKCS#8 key: d of RSA, the scalar of curves."""
    if Sm2PrivateKey.is_pkcs8(der):
        return bytes(PrivateKeyInfo.load(der)["private_key"].parsed["private_key"].contents)
    numbers = serialization.load_der_private_key(der, password=None).private_numbers()  # type: ignore[union-attr]
    secret: int = numbers.d if hasattr(numbers, "d") else numbers.private_value  # type: ignore[union-attr]
    return secret.to_bytes((secret.bit_length() + 7) // 8, "big")


def test_private_keys_stand_on_disk_only_encrypted_and_only_for_their_owner(workshop: Workshop) -> None:
    written = files_below(workshop.keys.directory)
    keys = [path for path in written if path.suffix == ".key"]
    declared = load_declaration(DEV_TOML)
    groups = (
        declared.issuers,
        declared.people_issuers,
        declared.seals,
        declared.tokens,
        declared.makers,
        declared.timestampers,
    )
    assert len(keys) == 2 + sum(len(group) for group in groups)
    everything = b"".join(written.values())
    for path in keys:
        assert stat.S_IMODE((workshop.keys.directory / path).stat().st_mode) == 0o600
        der = decrypt_key(written[path], path.stem, workshop.master).pkcs8
        raw = secret_number(der)
        for hidden in (der, raw, raw.hex().encode(), raw[:16]):
            assert hidden not in everything
    assert b"PRIVATE KEY" not in everything


def openssl_accepts(below: Path, above: Path, *, sm2: bool) -> tuple[int, str]:
    """One link of a chain. openssl gives the SM2 ID to the certificate it is asked about only, hence link by link."""
    command = ["openssl", "verify", "-x509_strict", "-partial_chain", "-attime", str(int(NOW.timestamp()))]
    command += ["-vfyopt", "distid:1234567812345678"] if sm2 else []
    done = subprocess.run([*command, "-trusted", str(above), str(below)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_every_link_of_every_chain_is_one_that_openssl_accepts(workshop: Workshop, tmp_path: Path) -> None:
    directory = workshop.keys.directory
    for path in sorted((directory / "certs").glob("*.pem")):
        sm2 = workshop.ring.certificate(path.stem).algorithm == "sm2"
        root = directory / "trust" / ("dev-root-sm2.pem" if sm2 else "dev-root.pem")
        leaf, issuer = read_chain(path)
        for name, certificate in (("leaf.pem", leaf), ("issuer.pem", issuer)):
            (tmp_path / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        for below, above in ((tmp_path / "leaf.pem", tmp_path / "issuer.pem"), (tmp_path / "issuer.pem", root)):
            assert openssl_accepts(below, above, sm2=sm2)[0] == 0
        stranger = directory / "trust" / ("dev-root.pem" if sm2 else "dev-root-sm2.pem")
        assert openssl_accepts(tmp_path / "issuer.pem", stranger, sm2=sm2)[0] != 0


def test_a_seal_certificate_says_whose_it_is_and_what_it_may_do(workshop: Workshop) -> None:
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus"],
        input=(workshop.keys.directory / "certs" / "seal-11990000MB0000027A-1.pem").read_bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "O=示例省教育厅,organizationIdentifier=NTRCN-11990000MB0000027A,CN=示例省教育厅电子证照专用章" in text
    assert "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation" in text
    assert "CA:FALSE" in text
    assert "Authority Key Identifier" in text
    certificate = workshop.ring.certificate("seal-11990000MB0000027A-1").certificate
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=3 * 365)


def test_the_declared_seals_are_ready_for_the_register(workshop: Workshop) -> None:
    seals = load_seal_declarations(DEV_TOML, workshop.ring)
    assert [seal.seal_id for seal in seals] == [item.seal_id for item in load_declaration(DEV_TOML).seals]
    assert {"p256", "rsa2048", "rsa3072", "sm2"} == {seal.algorithm for seal in seals}
    for seal in seals:
        public = workshop.ring.certificate(seal.key_id)
        assert seal.state is SealState.ACTIVE
        assert uscc.is_valid(seal.owner_code)
        assert seal.stamp.ring_text == seal.owner_name
        assert owner_code_of(public.certificate) == seal.owner_code
        assert public.algorithm == seal.algorithm
        assert seal.valid_from == NOW
        assert seal.seal_id.startswith(f"seal_{seal.owner_code}") or seal.seal_id == "seal_sharing"


def test_another_master_key_is_named_as_the_problem(workshop: Workshop) -> None:
    with pytest.raises(ConfigurationError, match=r"主密钥与密钥 .* 不匹配"):
        SoftwareKeyRing(workshop.keys.directory, MasterKey(bytes(32)), profile="sandbox")


def test_a_changed_key_file_does_not_open(workshop: Workshop, ring_copy: Path) -> None:
    path = ring_copy / "private" / "token-1.key"
    # Alone in the ring, so that the keys before it are not proven anew for each of hundreds of changes.
    for other in path.parent.glob("*.key"):
        if other != path:
            other.unlink()
    assert SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox").key_ids() == ("token-1",)
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        path.write_bytes(good[:position] + bytes((good[position] ^ 1,)) + good[position + 1 :])
        with pytest.raises(ConfigurationError):
            SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")


def test_a_key_file_under_another_name_does_not_open(workshop: Workshop, ring_copy: Path) -> None:
    private = ring_copy / "private"
    (private / "token-1.key").rename(private / "seal-11990000MB0000019F-1.key")
    with pytest.raises(ConfigurationError, match="损坏或被改动"):
        SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")


def test_a_certificate_of_another_key_stops_the_start(workshop: Workshop, ring_copy: Path) -> None:
    certs = ring_copy / "certs"
    shutil.copy(certs / "seal-11990000MB0000019F-1.pem", certs / "token-1.pem")
    with pytest.raises(ConfigurationError, match="与其证书不匹配"):
        SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")


def test_a_chain_with_the_wrong_issuer_stops_the_start(workshop: Workshop, ring_copy: Path) -> None:
    certs = ring_copy / "certs"
    leaf = read_chain(certs / "token-1.pem")[0].public_bytes(serialization.Encoding.PEM)
    other = (ring_copy / "ca" / "dev-issuer-rsa.pem").read_bytes()
    (certs / "token-1.pem").write_bytes(leaf + other)
    with pytest.raises(ConfigurationError, match="证书链不连续"):
        SoftwareKeyRing(ring_copy, workshop.master, profile="sandbox")


def test_production_refuses_development_keys_even_when_their_class_byte_is_changed(
    workshop: Workshop, ring_copy: Path
) -> None:
    with pytest.raises(DevelopmentKeysRefused):
        SoftwareKeyRing(ring_copy, workshop.master, profile="production")
    for path in (ring_copy / "private").glob("*.key"):
        data = bytearray(path.read_bytes())
        data[5] = 1
        path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="损坏或被改动"):
        SoftwareKeyRing(ring_copy, workshop.master, profile="production")


def test_an_empty_directory_is_no_key_ring(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="没有密钥"):
        SoftwareKeyRing(tmp_path, workshop.master, profile="sandbox")


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL])
def test_openssl_accepts_the_key_rings_signature(workshop: Workshop, tmp_path: Path, seal_id: str) -> None:
    key_id = workshop.seals[seal_id].key_id
    public = workshop.ring.certificate(key_id).public_key
    assert not isinstance(public, Sm2PublicKey)
    before = workshop.ring.operations(key_id)
    (tmp_path / "data").write_bytes(b"to be sealed")
    (tmp_path / "signature").write_bytes(workshop.ring.sign_digest(key_id, "sha256", b"to be sealed"))
    (tmp_path / "public.pem").write_bytes(
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    command = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "data"]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    assert workshop.ring.operations(key_id) == before + 1
    assert not verify(public, (tmp_path / "signature").read_bytes(), b"something else", "sha256")


def test_unknown_keys_and_weak_digests_are_refused(workshop: Workshop) -> None:
    with pytest.raises(SigningError, match="没有密钥"):
        workshop.ring.sign_digest("seal-of-nobody", "sha256", b"")
    with pytest.raises(SigningError, match="摘要算法 sha1"):
        workshop.ring.sign_digest("token-1", "sha1", b"")


def test_a_key_ring_does_not_leave_its_process(workshop: Workshop) -> None:
    with pytest.raises(RuntimeError):
        pickle.dumps(workshop.ring)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    assert write_new(tmp_path / "one", b"first", SystemIds())
    assert not write_new(tmp_path / "one", b"second", SystemIds())
    assert (tmp_path / "one").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('algorithm = "rsa2048"', 'algorithm = "rsa1024"', "rsa1024"),
        ('kind = "01"', 'kind = "07"', "印章类型代码"),
        ("daily_budget = 1000000", 'daily_budget = "many"', "daily_budget"),
        ("[root]", '[root]\nnotes = "x"', "notes"),
        ('key_id = "token-1"', 'key_id = "../token"', "不合规"),
        ('key_id = "token-1"', 'key_id = "dev-root"', "重复"),
        ('issues = ["p256"]', "issues = []", "p256"),
        ("[sm2_root]", "[other_root]", "other_root"),
        ('issues = ["p256"]', 'issues = ["p256", "sm2"]', "全部使用 SM2"),
        ('key_id = "dev-issuer-ec"\nalgorithm = "p256"', 'key_id = "dev-issuer-ec"\nalgorithm = "sm2"', "全部使用 SM2"),
        ("[root]", "[root", "TOML"),
    ],
)
def test_a_slip_in_the_declaration_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = DEV_TOML.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "dev.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=complaint):
        load_declaration(tmp_path / "dev.toml")


def test_pkcs8_of_a_ring_key_is_what_was_encrypted(workshop: Workshop) -> None:
    data = (workshop.keys.directory / "private" / "token-1.key").read_bytes()
    der = decrypt_key(data, "token-1", workshop.master).pkcs8
    assert pkcs8(serialization.load_der_private_key(der, password=None)) == der  # type: ignore[arg-type]
