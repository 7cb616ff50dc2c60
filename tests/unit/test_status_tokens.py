"""Signed status lists: both forms read by a reader of our own, no byte of them can be changed, keys may change."""

from __future__ import annotations

import random
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_pages import NOW, Workshop, open_workshop
from status_reader import ReadList, Tag, cbor, packed, read_cwt, read_jwt

from certsvc.clock import SystemClock
from certsvc.errors import InvalidInput, Unavailable
from certsvc.ids import SystemIds
from certsvc.license.status_list import ENTRIES, StatusClaims, compress
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.service_keys import create_service_key
from certsvc.signing.statements import StatementKeys
from certsvc.signing.status_tokens import StatusTokens

ISSUER = "https://zz.example"
BUDGET = 16 * 1024
"""Bytes for the status of one million licenses with one in a hundred ended, as CWT with one bit."""

DRAFT_CWT = (
    "d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b63"
    "7774a1044231325850a502782168747470733a2f2f6578616d706c652e636f6d2f73"
    "74617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c019fffda2"
    "646269747301636c73744a78dadbb918000217015d584093fa4d01032b18c35e2fe1"
    "101b77fd6cc9440022caa4694450c4e4e9feab4e99d1fa6d9772ce2bf3a12e0323de"
    "d7c982c5e101a5e67f0cbc1e2b6f57ce99c279"
)
"""The example of draft-ietf-oauth-status-list §5.2; its key is not printed there."""


def claims_of(values: dict[int, int], bits: int = 1) -> StatusClaims:
    return StatusClaims(
        uri=f"{ISSUER}/v1/status-lists/1",
        aggregation_uri=f"{ISSUER}/v1/status-lists",
        bits=bits,
        lst=compress(packed(values.items(), bits)),
        issued_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )


def check(found: ReadList, names: dict[str, object], values: dict[int, int]) -> None:
    """What stands in a list of either form, by the names of its form."""
    at = int(NOW.timestamp())
    told = {name: found.claims[key] for name, key in names.items()}
    assert told == {
        "iss": ISSUER,
        "sub": f"{ISSUER}/v1/status-lists/1",
        "iat": at,
        "exp": at + 24 * 3600,
        "ttl": 30,
    }
    assert set(found.claims) - set(names.values()) in ({"status_list"}, {65533})
    assert len(found.array) * 8 == ENTRIES * found.bits
    for index in {*values, 5, ENTRIES - 1}:
        assert found.status(index) == values.get(index, 0)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("status"))


@pytest.fixture(scope="module")
def tokens(workshop: Workshop) -> StatusTokens:
    return StatusTokens(workshop.ring, issuer=ISSUER, ids=SystemIds())


@pytest.fixture(scope="module")
def signed(tokens: StatusTokens) -> bytes:
    return tokens.sign_cwt(claims_of({7: 1}))


@pytest.mark.parametrize(("bits", "values"), [(1, {0: 1, 9: 1, 1_048_575: 1}), (2, {0: 1, 9: 2, 1_048_575: 1})])
def test_both_forms_say_the_same_to_an_independent_reader(
    tokens: StatusTokens, bits: int, values: dict[int, int]
) -> None:
    claims = claims_of(values, bits)
    jwt, cwt = tokens.sign_jwt(claims), tokens.sign_cwt(claims)
    by_name = {name: name for name in ("iss", "sub", "iat", "exp", "ttl")}
    check(read_jwt(jwt, tokens.keys()), {**by_name}, values)
    check(read_cwt(cwt, tokens.keys()), {"iss": 1, "sub": 2, "iat": 6, "exp": 4, "ttl": 65534}, values)
    assert read_jwt(jwt, tokens.keys()).kid == read_cwt(cwt, tokens.keys()).kid
    assert read_jwt(jwt, tokens.keys()).claims["status_list"]["aggregation_uri"] == f"{ISSUER}/v1/status-lists"


def test_our_cwt_has_the_form_of_the_drafts_example(signed: bytes) -> None:
    theirs, ours = cbor(bytes.fromhex(DRAFT_CWT)), cbor(signed)
    assert isinstance(theirs, Tag)
    assert theirs.number == ours.number == 18
    assert theirs.value[0] == ours.value[0]  # the protected header, byte for byte
    assert set(theirs.value[1]) == set(ours.value[1]) == {4}
    their_claims, our_claims = cbor(theirs.value[2]), cbor(ours.value[2])
    assert set(their_claims) == set(our_claims) - {1}
    assert zlib.decompress(their_claims[65533]["lst"]).hex() == "b9a3"
    assert len(theirs.value[3]) == len(ours.value[3]) == 64


def test_a_million_licenses_with_one_in_a_hundred_ended_fit_the_budget(tokens: StatusTokens) -> None:
    for seed in range(3):
        ended = random.Random(seed).sample(range(ENTRIES), 10_000)
        assert len(tokens.sign_cwt(claims_of(dict.fromkeys(ended, 1)))) < BUDGET
        # Every one of 2^20 entries in use is the worst a list can have at that rate.
        ended = random.Random(seed).sample(range(ENTRIES), ENTRIES // 100)
        assert len(tokens.sign_cwt(claims_of(dict.fromkeys(ended, 1)))) < BUDGET


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_no_signed_byte_can_be_changed(tokens: StatusTokens, signed: bytes, data: st.DataObject) -> None:
    message = cbor(signed)
    protected, _, payload, signature = message.value
    part = data.draw(st.sampled_from([protected, payload, signature]))
    start = signed.index(part)
    at = start + data.draw(st.integers(0, len(part) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != signed[at]))
    with pytest.raises(InvalidSignature):
        read_cwt(signed[:at] + bytes([other]) + signed[at + 1 :], tokens.keys())


def test_a_new_key_signs_and_lists_of_the_old_one_are_still_read(tmp_path: Path) -> None:
    workshop = open_workshop(tmp_path)
    before = StatusTokens(workshop.ring, issuer=ISSUER, ids=SystemIds())
    old = before.sign_jwt(claims_of({}))
    create_service_key(
        workshop.keys.directory,
        "status-2",
        "p256",
        "状态列表签名",
        master=workshop.master,
        now=SystemClock().now(),
        ids=SystemIds(),
        sandbox=True,
    )
    ring = SoftwareKeyRing(workshop.keys.directory, workshop.master, profile="sandbox")
    after = StatusTokens(ring, issuer=ISSUER, ids=SystemIds())
    new = after.sign_cwt(claims_of({}))
    first, second = (one["kid"] for one in after.keys()["keys"])  # type: ignore[attr-defined]
    assert read_cwt(new, after.keys()).kid == first
    assert read_jwt(old, after.keys()).kid == second
    with pytest.raises(ValueError, match="not enough values"):
        read_cwt(new, before.keys())


def test_without_a_key_it_says_what_to_do(workshop: Workshop) -> None:
    class Without(SoftwareKeyRing):
        def key_ids(self) -> tuple[str, ...]:
            return tuple(one for one in super().key_ids() if not one.startswith("status-"))

    tokens = StatusTokens(
        Without(workshop.keys.directory, workshop.master, profile="sandbox"), issuer=ISSUER, ids=SystemIds()
    )
    assert tokens.keys() == {"keys": []}
    for sign in (tokens.sign_jwt, tokens.sign_cwt):
        with pytest.raises(Unavailable, match="keys create status-1"):
            sign(claims_of({}))


def test_a_key_of_another_kind_is_refused_at_the_start(tmp_path: Path) -> None:
    workshop = open_workshop(tmp_path)
    create_service_key(
        workshop.keys.directory,
        "status-2",
        "rsa2048",
        "状态列表签名",
        master=workshop.master,
        now=SystemClock().now(),
        ids=SystemIds(),
        sandbox=True,
    )
    ring = SoftwareKeyRing(workshop.keys.directory, workshop.master, profile="sandbox")
    with pytest.raises(InvalidInput, match="status-2 应为 p256"):
        StatementKeys(ring, "status", "状态列表", issuer=ISSUER, ids=SystemIds())
