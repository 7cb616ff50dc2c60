"""Wycheproof's verdicts on the primitives (C2SP, Apache-2.0): valid accepted, invalid refused, acceptable either."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from certsvc.signing.primitives import load_public_key, verify_signature

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "wycheproof-subset"
SIGNATURES = {
    "ecdsa_secp256k1_sha256_test.json": 109,
    "ecdsa_secp256r1_sha256_test.json": 113,
    "ecdsa_secp384r1_sha384_test.json": 105,
    "ed25519_test.json": 78,
    "rsa_pss_2048_sha256_mgf1_32_test.json": 1,
    "rsa_pss_misc_test.json": 150,
    "rsa_signature_2048_sha256_test.json": 3,
    "rsa_signature_3072_sha256_test.json": 2,
    "rsa_signature_4096_sha512_test.json": 1,
}
DIGESTS = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def groups(name: str) -> list[dict[str, Any]]:
    path = VECTORS / name
    assert path.is_file(), f"the vectors made by others are absent: put them beside the project at {VECTORS}"
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["testGroups"]
    return found


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_signatures(name: str) -> None:
    found = groups(name)
    assert len(found) == SIGNATURES[name]
    wrong, used = [], 0
    for group in found:
        digest = DIGESTS.get(group.get("sha", "SHA-256"))
        # Weak digests are refused by design, and one digest serves message and mask: other pairs are not used here.
        if digest is None or group.get("mgfSha", group.get("sha")) != group.get("sha"):
            continue
        key = load_public_key(bytes.fromhex(group.get("publicKeyDer") or group["publicKeyDer"]))
        for test in group["tests"]:
            used += 1
            data, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
            accepted = verify_signature(key, signature, data, digest, pss_salt=group.get("sLen"))
            if test["result"] != "acceptable" and accepted != (test["result"] == "valid"):
                wrong.append((test["tcId"], test["comment"], test["result"]))
    assert not wrong
    assert used


@pytest.mark.parametrize(("name", "digest"), [("hmac_sha256_test.json", "sha256"), ("hmac_sm3_test.json", "sm3")])
def test_message_authentication(name: str, digest: str) -> None:
    for group in groups(name):
        for test in group["tests"]:
            made = hmac.new(bytes.fromhex(test["key"]), bytes.fromhex(test["msg"]), digest)
            same = made.digest()[: group["tagSize"] // 8].hex() == test["tag"]
            assert same == (test["result"] == "valid")
