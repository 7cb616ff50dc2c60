"""Wycheproof's verdicts on the primitives (C2SP, Apache-2.0): valid accepted, invalid refused, acceptable either.

Every file of the subset is met by a test, or named with the reason why nothing of this service is asked by it. How many
vectors each file asks with is counted, and so are the valid ones that are refused by design.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.errors import ConfigurationError, InvalidInput, Unauthenticated
from certsvc.signing.jws import ASYMMETRIC, load_public_keys, verify_jws
from certsvc.signing.primitives import load_public_key, verify_signature
from certsvc.signing.statements import raw_signature_holds, read_p256_jwk

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "wycheproof-subset"
SIGNATURES = {
    "ecdsa_secp256k1_sha256_test.json": (109, 476),
    "ecdsa_secp256r1_sha256_test.json": (113, 484),
    "ecdsa_secp384r1_sha384_test.json": (105, 504),
    "ed25519_test.json": (78, 151),
    "rsa_pss_2048_sha256_mgf1_32_test.json": (1, 108),
    "rsa_signature_2048_sha256_test.json": (3, 259),
    "rsa_signature_3072_sha256_test.json": (2, 259),
    "rsa_signature_4096_sha512_test.json": (1, 259),
}
"""Groups, and vectors: all of them are asked."""
RAW = "ecdsa_secp256r1_sha256_p1363_test.json"
PSS = "rsa_pss_misc_test.json"
JOSE = {
    "json_web_crypto_test.json": (49, {18, 33}),
    "json_web_key_test.json": (26, {5}),
}
"""Vectors that are a JWS, and those that are taken: the valid ones under ``ES256`` and ``RS256``.

Refused beside the invalid ones, by design: every valid ``HS*``, since shared secrets are on no list of this service.
The 34 vectors of JWE in ``json_web_crypto`` have nothing to ask here: no encrypted token is read.
"""
ELSEWHERE = {"json_web_signature_test.json": "tests/unit/test_signing_tokens.py"}
NOT_OURS = {
    "hmac_sha256_test.json": "what is signed with a shared secret is framed here (id.timestamp.body, lengths of "
    "names), so no vector's message can be given to it; Standard Webhooks has vectors of its own",
    "hmac_sm3_test.json": "nothing here is authenticated with HMAC-SM3",
}
DIGESTS = {"SHA-1": "sha1", "SHA-224": "sha224", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
STRONG = {"SHA-256", "SHA-384", "SHA-512"}


def groups(name: str) -> list[dict[str, Any]]:
    path = VECTORS / name
    assert path.is_file(), f"the vectors made by others are absent: put them beside the project at {VECTORS}"
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["testGroups"]
    return found


def test_every_file_is_asked_or_named() -> None:
    known = {*SIGNATURES, RAW, PSS, *JOSE, *ELSEWHERE, *NOT_OURS}
    assert {path.name for path in VECTORS.glob("*.json")} == known
    root = Path(__file__).resolve().parents[2]
    assert all(name in (root / where).read_text(encoding="utf-8") for name, where in ELSEWHERE.items())


def verified(group: dict[str, Any], test: dict[str, Any]) -> bool:
    key = load_public_key(bytes.fromhex(group["publicKeyDer"]))
    digest = DIGESTS[group.get("sha", "SHA-256")]
    data, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
    return verify_signature(key, signature, data, digest, pss_salt=group.get("sLen"))


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_signatures(name: str) -> None:
    found = groups(name)
    asked = [(group, test) for group in found for test in group["tests"]]
    assert (len(found), len(asked)) == SIGNATURES[name]
    wrong = [
        (test["tcId"], test["comment"], test["result"])
        for group, test in asked
        if test["result"] != "acceptable" and verified(group, test) != (test["result"] == "valid")
    ]
    assert not wrong


def test_one_strong_digest_serves_message_and_mask_and_every_other_pair_is_refused() -> None:
    """All of these are valid signatures: SHA-1 and SHA-224 are refused since they are weak, mixed pairs as unused."""
    told = Counter(
        ((strong := group["sha"] in STRONG and group["mgfSha"] == group["sha"]), verified(group, test) == strong)
        for group in groups(PSS)
        for test in group["tests"]
    )
    assert told == {(True, True): 18, (False, True): 132}


def test_raw_signatures_of_statements_and_devices() -> None:
    """``r`` and ``s`` side by side, as ES256 has them; keys where the file has them as JWK are read as such."""
    found, wrong, jwks = groups(RAW), [], 0
    for group in found:
        key = load_public_key(bytes.fromhex(group["publicKeyDer"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        if "publicKeyJwk" in group:
            jwks += 1
            assert read_p256_jwk(group["publicKeyJwk"]).public_numbers() == key.public_numbers()
        for test in group["tests"]:
            holds = raw_signature_holds(key, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            if holds != (test["result"] == "valid"):
                wrong.append((test["tcId"], test["comment"], test["result"]))
    assert not wrong
    assert (len(found), sum(len(group["tests"]) for group in found), jwks) == (112, 262, 103)


def is_taken(key: dict[str, Any], token: Any) -> bool:
    try:
        keys = load_public_keys(json.dumps(key if "keys" in key else {"keys": [key]}))
        verify_jws(token if isinstance(token, str) else json.dumps(token), keys, ASYMMETRIC)
    except (Unauthenticated, ConfigurationError, InvalidInput):
        return False
    return True


@pytest.mark.parametrize("name", sorted(JOSE))
def test_tokens_and_their_keys(name: str) -> None:
    """Among the invalid ones: a key whose private half can be computed (ROCA), 1024 bits, an exponent of 1."""
    asked = [
        (test, group.get("public") or group["private"])
        for group in groups(name)
        for test in group["tests"]
        if "jws" in test
    ]
    taken = {test["tcId"] for test, key in asked if is_taken(key, test["jws"])}
    assert (len(asked), taken) == JOSE[name]
    assert {test["result"] for test, _ in asked if test["tcId"] in taken} == {"valid"}
