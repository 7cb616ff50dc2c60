"""SM2: the standard's example, openssl on the other side, and encodings that are none."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from signing_pages import SM2_SEAL, Workshop, open_workshop

from certsvc.errors import ConfigurationError, SigningError
from certsvc.signing.certificates import load_private_key
from certsvc.signing.primitives import load_public_key, spki_of, verify_signature
from certsvc.signing.sm2 import DEFAULT_ID, Sm2PrivateKey, Sm2PublicKey, is_strict_der, raw_to_der
from certsvc.signing.sm2_curve import ORDER

# GB/T 32918.5 / GM/T 0003.5, the example on the recommended curve.
D = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
P = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
E = bytes.fromhex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
R = bytes.fromhex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3")
S = bytes.fromhex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")
MESSAGE = b"message digest"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


def openssl(directory: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, check=False)


def pkeyutl(directory: Path, what: str, signature: str, *, distid: str = DEFAULT_ID.decode()) -> int:
    options = ["-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{distid}", "-in", "message"]
    if what == "-verify":
        options += ["-pubin", "-inkey", "public.pem", "-sigfile", signature]
    else:
        options += ["-inkey", "private.pem", "-out", signature]
    return openssl(directory, "pkeyutl", what, *options).returncode


def write_public(key: Sm2PublicKey, directory: Path) -> None:
    (directory / "public.der").write_bytes(key.spki)
    done = openssl(directory, "pkey", "-pubin", "-inform", "DER", "-in", "public.der", "-out", "public.pem")
    assert done.returncode == 0, done.stderr


def test_the_example_of_the_standard_holds() -> None:
    key = Sm2PublicKey(P)
    assert key.digest(MESSAGE) == E
    assert key.verify(raw_to_der(R + S), MESSAGE)
    assert not key.verify(raw_to_der(S + R), MESSAGE)
    assert not key.verify(raw_to_der(R + S), b"message digesT")
    assert not Sm2PublicKey(P, signer_id=b"ALICE123@YAHOO.COM").verify(raw_to_der(R + S), MESSAGE)
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004") + P
    assert key.spki == spki
    assert load_public_key(spki) == key


def test_the_examples_private_key_signs_what_its_public_key_accepts() -> None:
    private = Sm2PrivateKey(D, P)
    signatures = {private.sign(MESSAGE) for _ in range(20)}
    assert len(signatures) == 20, "every signature has its own nonce"
    assert all(Sm2PublicKey(P).verify(one, MESSAGE) and is_strict_der(one) for one in signatures)


def test_openssl_accepts_our_signatures_under_the_default_id_only(tmp_path: Path) -> None:
    key = Sm2PrivateKey.generate()
    write_public(key.public_key(), tmp_path)
    for size in (0, 1, 55, 64, 1000, 100_000):
        (tmp_path / "message").write_bytes(bytes(size))
        (tmp_path / "ours").write_bytes(key.sign(bytes(size)))
        if size:  # pkeyutl takes no empty message
            assert pkeyutl(tmp_path, "-verify", "ours") == 0
            assert pkeyutl(tmp_path, "-verify", "ours", distid="8765432187654321") != 0
    (tmp_path / "message").write_bytes(b"another")
    assert pkeyutl(tmp_path, "-verify", "ours") != 0


def test_we_accept_signatures_of_openssl_and_its_keys(tmp_path: Path) -> None:
    assert openssl(tmp_path, "genpkey", "-algorithm", "SM2", "-out", "private.pem").returncode == 0
    assert openssl(tmp_path, "pkey", "-in", "private.pem", "-pubout", "-outform", "DER", "-out", "p").returncode == 0
    assert (
        openssl(
            tmp_path, "pkcs8", "-topk8", "-nocrypt", "-in", "private.pem", "-outform", "DER", "-out", "k"
        ).returncode
        == 0
    )
    public = load_public_key((tmp_path / "p").read_bytes())
    assert isinstance(public, Sm2PublicKey)
    (tmp_path / "message").write_bytes(b"from the other side")
    assert pkeyutl(tmp_path, "-sign", "theirs") == 0
    assert verify_signature(public, (tmp_path / "theirs").read_bytes(), b"from the other side", "sm3")
    assert not verify_signature(public, (tmp_path / "theirs").read_bytes(), b"from another side", "sm3")
    private = load_private_key((tmp_path / "k").read_bytes())
    assert private.public_key() == public


def test_openssl_reads_our_private_keys(tmp_path: Path) -> None:
    key = Sm2PrivateKey.generate()
    (tmp_path / "k").write_bytes(key.pkcs8())
    done = openssl(tmp_path, "pkey", "-inform", "DER", "-in", "k", "-pubout", "-outform", "DER", "-check")
    assert done.returncode == 0
    assert done.stdout.endswith(key.public_key().point)
    assert Sm2PrivateKey.from_pkcs8(key.pkcs8()).public_key() == key.public_key()


def test_any_changed_bit_of_a_signature_is_refused() -> None:
    key = Sm2PrivateKey(D, P)
    good = key.sign(MESSAGE)
    public = key.public_key()
    for place in range(len(good)):
        for bit in range(8):
            changed = good[:place] + bytes((good[place] ^ 1 << bit,)) + good[place + 1 :]
            assert not public.verify(changed, MESSAGE), (place, bit)


def encoded(r: bytes, s: bytes) -> bytes:
    body = b"\x02" + bytes((len(r),)) + r + b"\x02" + bytes((len(s),)) + s
    return b"\x30" + bytes((len(body),)) + body


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x30\x00",
        encoded(b"\x00" + R, b"\x00" + S) + b"\x00",
        encoded(b"\x00\x00" + R, b"\x00" + S),
        encoded(R, b"\x00" + S),
        encoded(b"", b"\x00" + S),
        encoded(b"\x00", b"\x00" + S),
        encoded(b"\x00" + R, b"\x00" + ORDER.to_bytes(32, "big")),
        encoded(b"\x00" + R, b"\x00" + (int.from_bytes(S, "big") + ORDER).to_bytes(33, "big")[1:]),
        b"\x30\x81" + encoded(b"\x00" + R, b"\x00" + S)[1:],
        b"\x31" + encoded(b"\x00" + R, b"\x00" + S)[1:],
        encoded(b"\x00" + R, b"\x00" + S)[:-1],
        R + S,
    ],
)
def test_only_the_shortest_der_of_numbers_in_range_is_a_signature(signature: bytes) -> None:
    assert Sm2PublicKey(P).verify(encoded(b"\x00" + R, b"\x00" + S), MESSAGE)
    assert not Sm2PublicKey(P).verify(signature, MESSAGE)


def test_raw_values_are_accepted_only_where_seal_makers_write_them() -> None:
    assert Sm2PublicKey(P).verify_lenient(R + S, MESSAGE)
    assert not Sm2PublicKey(P).verify_lenient(S + R, MESSAGE)
    assert not Sm2PublicKey(P).verify_lenient((R + S)[:-1], MESSAGE)


@pytest.mark.parametrize("point", [b"", bytes(64), P[:-1], P[:-1] + b"\x14", b"\x04" + P + b"\x00"])
def test_what_is_no_point_of_the_curve_is_no_key(point: bytes) -> None:
    with pytest.raises(ValueError, match="SM2"):
        Sm2PublicKey(point)


@pytest.mark.parametrize("secret", [bytes(32), D[:-1], (ORDER - 1).to_bytes(32, "big"), b"\xff" * 32])
def test_a_number_out_of_range_is_no_private_key(secret: bytes) -> None:
    with pytest.raises(ValueError, match="SM2"):
        Sm2PrivateKey(secret, P)


def test_a_damaged_key_file_is_named_without_its_content() -> None:
    der = Sm2PrivateKey(D, P).pkcs8()
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(der[:-1] + bytes((der[-1] ^ 1,)))
    assert "SM2" in caught.value.detail
    assert D.hex() not in repr(caught.value)


def test_a_private_key_shows_nowhere_and_stays_in_its_process() -> None:
    key = Sm2PrivateKey(D, P)
    assert D.hex() not in repr(key).lower()
    with pytest.raises(RuntimeError):
        pickle.dumps(key)


def test_the_key_ring_signs_with_sm3_for_sm2_keys_and_with_nothing_else(workshop: Workshop, tmp_path: Path) -> None:
    key_id = workshop.seals[SM2_SEAL].key_id
    public = workshop.ring.certificate(key_id).public_key
    assert isinstance(public, Sm2PublicKey)
    write_public(public, tmp_path)
    (tmp_path / "message").write_bytes(b"to be sealed")
    (tmp_path / "ours").write_bytes(workshop.ring.sign_digest(key_id, "sm3", b"to be sealed"))
    assert pkeyutl(tmp_path, "-verify", "ours") == 0
    for other, digest in ((key_id, "sha256"), ("token-1", "sm3")):
        with pytest.raises(SigningError, match="摘要算法"):
            workshop.ring.sign_digest(other, digest, b"")


def test_certificates_carry_the_oids_of_the_standard(workshop: Workshop) -> None:
    text = subprocess.run(
        ["openssl", "x509", "-noout", "-text"],
        input=(workshop.keys.directory / "certs" / f"{workshop.seals[SM2_SEAL].key_id}.pem").read_bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "ASN1 OID: SM2" in text
    assert text.count("Signature Algorithm: SM2-with-SM3") == 2
    assert "Digital Signature, Non Repudiation" in text


def test_spki_of_every_algorithm_reads_back(workshop: Workshop) -> None:
    for key_id in workshop.ring.key_ids():
        public = workshop.ring.certificate(key_id)
        assert load_public_key(spki_of(public.public_key)) == public.public_key
        assert spki_of(public.public_key) in public.certificate.public_bytes(serialization.Encoding.DER)
