"""Receipts: what they state can be read by anyone with the published keys, and nothing of them can be changed."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_pages import NOW, Workshop, open_workshop

from certsvc.errors import InvalidInput, Unavailable
from certsvc.ids import SystemIds
from certsvc.seal.trust_list import TrustList
from certsvc.signing.jws import load_public_keys
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.receipts import JwsReceipts, read_receipt
from certsvc.signing.tokens import JwtTokenService
from certsvc.signing.trust_files import directory_anchors

ISSUER = "https://zz.example"
CLAIMS = {"asked": {"kind": "file", "sha256": "00" * 32}, "text": "核验通过", "not_checked": ["revocation"]}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("receipts"))


@pytest.fixture(scope="module")
def receipts(workshop: Workshop) -> JwsReceipts:
    return JwsReceipts(workshop.ring, issuer=ISSUER, ids=SystemIds())


@pytest.fixture(scope="module")
def signed(receipts: JwsReceipts) -> str:
    return receipts.sign(CLAIMS, now=NOW)


def test_it_is_read_again_and_by_a_reader_that_has_only_the_published_keys(receipts: JwsReceipts, signed: str) -> None:
    claims = receipts.read(signed)
    assert {name: claims[name] for name in CLAIMS} == CLAIMS
    assert (claims["iss"], claims["iat"]) == (ISSUER, int(NOW.timestamp()))
    assert read_receipt(signed, load_public_keys(json.dumps(receipts.keys()))) == claims


def test_plain_ecdsa_agrees(receipts: JwsReceipts, signed: str) -> None:
    """Without any JOSE library: base64, two numbers, one verification."""

    def raw(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    head, body, value = signed.split(".")
    keys: Any = receipts.keys()["keys"]
    (jwk,) = keys
    assert json.loads(raw(head))["kid"] == jwk["kid"]
    x, y = (int.from_bytes(raw(jwk[name]), "big") for name in ("x", "y"))
    r, s = (int.from_bytes(raw(value)[at : at + 32], "big") for at in (0, 32))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_no_character_can_be_changed(receipts: JwsReceipts, signed: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda char: char != signed[at]))
    with pytest.raises(InvalidInput):
        receipts.read(signed[:at] + other + signed[at + 1 :])


def test_an_access_token_is_no_receipt(workshop: Workshop, receipts: JwsReceipts) -> None:
    tokens = JwtTokenService(workshop.ring, key_id="receipt-1", issuer=ISSUER, audience=ISSUER, ids=SystemIds())
    with pytest.raises(InvalidInput):
        receipts.read(tokens.issue({"sub": "x"}, now=NOW, lifetime_s=60))


def test_another_service_of_the_same_keys_is_not_taken_for_this_one(workshop: Workshop, signed: str) -> None:
    other = JwsReceipts(workshop.ring, issuer="https://other.example", ids=SystemIds())
    with pytest.raises(InvalidInput, match="不是本服务"):
        other.read(signed)


def test_without_a_key_it_says_what_to_do(workshop: Workshop, tmp_path: Path) -> None:
    class Without(SoftwareKeyRing):
        def key_ids(self) -> tuple[str, ...]:
            return tuple(one for one in super().key_ids() if not one.startswith("receipt-"))

    ring = Without(workshop.keys.directory, workshop.master, profile="sandbox")
    with pytest.raises(Unavailable, match="keys create receipt-1"):
        JwsReceipts(ring, issuer=ISSUER, ids=SystemIds()).sign({}, now=NOW)


def test_the_trust_list_is_named_by_a_digest_over_its_anchors(workshop: Workshop) -> None:
    found = directory_anchors((workshop.keys.trust_dir,))
    listed = sorted(hashlib.sha256(der).digest() for der in workshop.anchors.certificates)
    assert TrustList(anchors=found).fingerprint() == hashlib.sha256(b"".join(listed)).hexdigest()
