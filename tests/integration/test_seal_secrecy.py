"""No byte of a private key leaves the key ring in clear: databases, files, logs, exports and answers are searched."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fixtures_city import ServedCity
from seal_people import APPLICANT, APPROVER, KEEPER, MAKER, SAID, seal_in_use, wanted

from certsvc.commands.seals.apply_seal import apply_seal, remake_seal
from certsvc.commands.seals.make_seal import accept_seal_certificate, make_seal
from certsvc.commands.seals.move_seal import move_seal
from certsvc.errors import InvalidInput
from certsvc.seal.version import Cause
from certsvc.signing.certificates import load_private_key, pkcs8
from certsvc.signing.keyfile import decrypt_key, read_file
from certsvc.signing.master_key import load_master_key
from certsvc.signing.sm2 import Sm2PrivateKey

ALGORITHMS = ("sm2", "p256", "rsa2048")


def numbers_of(der: bytes) -> list[bytes]:
    """The secret numbers of a private key, big-endian."""
    key = load_private_key(der)
    if isinstance(key, Sm2PrivateKey):
        return [key._secret]
    if isinstance(key, rsa.RSAPrivateKey):
        parts = key.private_numbers()
        return [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (parts.d, parts.p, parts.q)]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return [key.private_numbers().private_value.to_bytes(32, "big")]


def forms_of(secret: bytes) -> Iterator[bytes]:
    """How a secret could be written down; base64 from any of its three phases, so inside PEM and JSON too."""
    yield secret
    yield secret[::-1]
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield str(int.from_bytes(secret, "big")).encode()
    for skip in range(3):
        # PEM breaks its lines: of two pieces apart at least one stands in one line.
        for start in (skip, skip + 15):
            piece = secret[start : start + 12]
            yield base64.b64encode(piece)
            yield base64.urlsafe_b64encode(piece)


def found(secrets: dict[str, list[bytes]], place: str, data: bytes) -> list[str]:
    return [
        f"{name} in {place}"
        for name, values in secrets.items()
        for one in values
        for form in forms_of(one)
        if form in data
    ]


def dump(url: str) -> bytes:
    """Everything that stands in a database, as bytes."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    parts: list[bytes] = []
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'.encode()):
                parts += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
    return b"\n".join(parts)


def test_no_form_of_a_private_key_stands_anywhere_but_encrypted_in_its_file(
    city: ServedCity, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    deps, keys = city.service.deps, city.service.settings.keys
    texts: dict[str, bytes] = {}
    seals = {algorithm: seal_in_use(deps, algorithm=algorithm) for algorithm in ALGORITHMS}
    waiting = apply_seal(deps, APPLICANT, wanted(algorithm="sm2"), SAID).seal_id
    move_seal(deps, APPROVER, waiting, "approve", SAID)
    texts["request"] = make_seal(deps, MAKER, waiting, outside=True).request.encode()
    with pytest.raises(InvalidInput):
        accept_seal_certificate(deps, MAKER, waiting, b"-----BEGIN")
    remake_seal(deps, KEEPER, seals["p256"].seal_id, Cause.CERTIFICATE, None, SAID)
    city.issue("food_operation", "SECRET-1")

    master = load_master_key(city.service.settings.master_key)
    files = {path.stem: path for place in ("private", "pending") for path in (keys / place).glob("*.key")}
    assert {f"{waiting}-v1", *(seal.key_id for seal in seals.values())} <= set(files)
    clear = {name: decrypt_key(read_file(path), name, master).pkcs8 for name, path in files.items()}
    secrets = {name: numbers_of(der) for name, der in clear.items()}

    for who in ("keeper-1", "maker-1", "auditor-1"):
        headers = city.person(who)
        for path in ("", f"/{seals['sm2'].seal_id}", f"/{waiting}", f"/{waiting}/history"):
            texts[f"{who} {path}"] = city.client.get(f"/v1/seals{path}", headers=headers).content
        texts[f"{who} object"] = city.client.get(f"/v1/seals/{seals['sm2'].seal_id}/object", headers=headers).content
    city.drain()
    texts["events"] = city.client.get("/v1/events", params={"limit": 500}, headers=city.system()).content
    written = capfd.readouterr()
    texts["log"] = (written.out + written.err).encode()
    texts["database"] = dump(database_url)
    var = city.service.settings.var_dir
    texts |= {str(path.relative_to(var)): path.read_bytes() for path in var.rglob("*") if path.is_file()}

    assert b"BEGIN CERTIFICATE REQUEST" in texts["request"]
    assert seals["sm2"].key_id.encode() in texts["database"], "the search sees what is not hidden"
    assert "行政审批专用章".encode() in texts["keeper-1 object"]
    assert [hit for place, data in texts.items() for hit in found(secrets, place, data)] == []


def test_the_search_finds_a_key_in_every_form_that_it_looks_for() -> None:
    """A search that finds nothing is worth what it would have found."""
    from certsvc.signing.certificates import generate_key

    for algorithm in ALGORITHMS:
        key = generate_key(algorithm)
        der = pkcs8(key)
        secrets = {"key": numbers_of(der)}
        assert found(secrets, "der", der)
        assert found(secrets, "hex", der.hex().encode())
        pem = base64.encodebytes(der).replace(b"\n", b"")
        assert found(secrets, "base64", pem)
        if not isinstance(key, Sm2PrivateKey):
            clear = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            assert found(secrets, "PEM", clear), algorithm
