"""No private key, PIN or master key in anything that leaves the signing room: logs, errors, exports, dumps."""

from __future__ import annotations

import base64
import io
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto.keys import PrivateKeyInfo
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from signing_pages import (
    ALL_FORMATS,
    MAKER,
    NOW,
    SM2_SEAL,
    Workshop,
    one_page,
    open_workshop,
    seal_draft,
)

from certsvc.clock import FixedClock
from certsvc.commands.ports import TrustChoice
from certsvc.errors import CertsvcError
from certsvc.ids import SystemIds
from certsvc.signing.authority import answer_ocsp, make_crl, open_ca
from certsvc.signing.certificate_requests import make_request
from certsvc.signing.keyfile import decrypt_key
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.seal_object import make_seal
from certsvc.signing.sm2 import Sm2PrivateKey
from certsvc.signing.strict import StrictInspector
from certsvc.signing.timestamps import DevelopmentTsa, TimestampClient

SHORTEST = 16
"""Bytes of a secret that count as a leak: half of an SM2 or P-256 key."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def secrets(workshop: Workshop) -> tuple[bytes, ...]:
    """Every private number of the PKI, with the RSA primes, and the master key's subkeys."""
    found: list[bytes] = []
    for path in workshop.keys.directory.rglob("*.key"):
        der = decrypt_key(path.read_bytes(), path.stem, workshop.master).pkcs8
        if Sm2PrivateKey.is_pkcs8(der):
            found.append(bytes(PrivateKeyInfo.load(der)["private_key"].parsed["private_key"].contents))
            continue
        numbers = serialization.load_der_private_key(der, password=None).private_numbers()  # type: ignore[union-attr]
        for name in ("d", "p", "q", "private_value"):
            if hasattr(numbers, name):
                value: int = getattr(numbers, name)
                found.append(value.to_bytes((value.bit_length() + 7) // 8, "big"))
    assert len(found) > 20
    return tuple(found)


def leaks(secrets: tuple[bytes, ...], where: bytes) -> bool:
    """Whether half of a secret stands in ``where``: raw, in hexadecimal, in base64 or as Python shows bytes."""
    for secret in secrets:
        for part in (secret[:SHORTEST], secret[-SHORTEST:]):
            inner = base64.b64encode(part)[2:-4]
            spellings = (part, part.hex().encode(), part.hex().upper().encode(), repr(part)[2:-1].encode(), inner)
            if any(spelling in where for spelling in spellings):
                return True
    return False


def test_the_search_itself_finds_a_leak(secrets: tuple[bytes, ...]) -> None:
    for spelled in (secrets[0], secrets[-1].hex().encode(), repr(secrets[0]).encode(), base64.b64encode(secrets[1])):
        assert leaks(secrets, b"text before " + spelled + b" and behind")
    assert not leaks(secrets, b"text without any")


def test_nothing_that_is_written_or_handed_out_carries_a_key(workshop: Workshop, secrets: tuple[bytes, ...]) -> None:
    ring, clock = workshop.ring, FixedClock(NOW)
    ca = open_ca(workshop.keys.directory, "dev-issuer-sm2", workshop.master)
    tsa = DevelopmentTsa(ring, "tsa-1", clock, SystemIds())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "示例")])
    out = [workshop.sealed(*pair)[1] for pair in ALL_FORMATS]
    out += [make_seal(seal_draft(workshop.seals[SM2_SEAL], ring), ring, MAKER)]
    out += [make_request(ring, key_id, subject) for key_id in ring.key_ids()]
    out += [make_crl(ca, {}, number=1, now=NOW), answer_ocsp(ca, b"", {}, [], NOW)]
    out += [TimestampClient(("x",), lambda _, body: tsa(body), SystemIds()).token(b"data").der]
    out += [path.read_bytes() for path in workshop.keys.directory.rglob("*") if path.is_file()]
    assert len(out) > 60
    for data in out:
        assert not leaks(secrets, data)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that any logger says, from DEBUG up."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def failing_calls(workshop: Workshop, directory: Path) -> list[Callable[[], object]]:
    """Calls that go wrong with keys in their frames."""
    seal = workshop.seals[SM2_SEAL]
    (directory / "private").mkdir()
    (directory / "certs").mkdir()
    good = (workshop.keys.directory / "private" / "token-1.key").read_bytes()
    (directory / "private" / "token-1.key").write_bytes(good)
    other = (workshop.keys.directory / "certs" / "tsa-1.pem").read_bytes()
    (directory / "certs" / "token-1.pem").write_bytes(other)
    return [
        lambda: workshop.ring.sign_digest(seal.key_id, "sha256", b""),
        lambda: workshop.ring.sign_digest("nobody", "sm3", b""),
        lambda: workshop.sealer.seal(one_page(10), seal, "sm2-cms", signed_at=NOW),
        lambda: SoftwareKeyRing(directory, workshop.master, profile="sandbox"),
        lambda: SoftwareKeyRing(workshop.keys.directory, workshop.master, profile="production"),
        lambda: make_seal(seal_draft(seal, workshop.ring), workshop.ring, "token-1"),
        lambda: open_ca(workshop.keys.directory, "nobody", workshop.master),
    ]


def test_errors_and_logs_carry_no_key(
    workshop: Workshop, secrets: tuple[bytes, ...], tmp_path: Path, logged: io.StringIO
) -> None:
    for call in failing_calls(workshop, tmp_path):
        with pytest.raises(CertsvcError) as caught:
            call()
        told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        # The frames of this file hold the secrets that are searched for.
        product = [frame for frame in told.stack if "test_signing_secrecy" not in frame.filename]
        shown = [f"{frame.line} {frame.locals}" for frame in product]
        assert not leaks(secrets, "\n".join((*shown, *told.format_exception_only())).encode())
        assert product
    _, sealed = workshop.sealed("sm2-cms", SM2_SEAL)
    StrictInspector(workshop.ring, workshop.anchors).inspect(sealed, TrustChoice(), NOW + timedelta(hours=1))
    assert not leaks(secrets, logged.getvalue().encode())


def test_what_objects_show_of_themselves_carries_no_key(workshop: Workshop, secrets: tuple[bytes, ...]) -> None:
    ring = workshop.ring
    shown = [repr(ring), repr(workshop.master), repr(vars(ring)), repr(workshop)]
    shown += [repr(ring.certificate(key_id)) for key_id in ring.key_ids()]
    assert not leaks(secrets, "".join(shown).encode())
