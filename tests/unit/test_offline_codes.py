"""Offline codes: read by a reader of our own making, in one spelling only, and no change to them passes."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offline_phone import NOW, Phone, base45, read_code, service_ring, unbase45

from certsvc.errors import InvalidInput, Unavailable
from certsvc.ids import SystemIds
from certsvc.license.offline import MAX_BYTES, MAX_TEXT, PREFIX, OfflineCode, OfflineCore, too_long
from certsvc.license.status_list import StatusEntry
from certsvc.seal.verdict import Reason
from certsvc.signing.device_keys import read_device_jwk, signed_by
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.offline_codes import (
    CodeKeys,
    OfflineCores,
    claims_of,
    device_message,
    open_code,
    open_core,
    presented,
    size_of,
)

AT = int(NOW.timestamp())


@dataclass
class Desk:
    """An issuer, and the phone of a holder."""

    cores: OfflineCores
    keys: CodeKeys
    phone: Phone
    ring: SoftwareKeyRing

    def core(self, **changes: Any) -> bytes:
        return self.cores.mint(replace(self.plain, **changes))

    @property
    def plain(self) -> OfflineCore:
        return OfflineCore(
            token=bytes(range(16)),
            type_slug="tour_guide",
            holder_masked="欧阳*",
            last_day=date(2028, 12, 31),
            status=StatusEntry(list_no=1, index=482113),
            device_key=self.phone.point,
            issued_at=AT - 3600,
            expires_at=AT + 3600,
        )

    def code(self, **changes: Any) -> str:
        return self.phone.code(self.core(**changes), AT)

    def open(self, text: str) -> OfflineCode | Reason:
        return open_code(text, self.keys)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    ring = service_ring(tmp_path_factory.mktemp("codes"), "code-1")
    cores = OfflineCores(ring, issuer="https://zz.example", ids=SystemIds())
    return Desk(cores, CodeKeys(list(cores.keys()["keys"])), Phone(), ring)  # type: ignore[call-overload]


def test_a_second_reader_finds_what_was_written(desk: Desk) -> None:
    text = desk.code()
    found = desk.open(text)
    assert isinstance(found, OfflineCode)
    assert (found.core, found.shown_at) == (desk.plain, AT)
    read = read_code(text, dict(desk.cores.keys()))
    assert read["claims"] == {
        4: AT + 3600,
        6: AT - 3600,
        7: bytes(range(16)),
        8: {1: {1: 2, -1: 1, -2: desk.phone.point[1:], -3: desk.phone.point[0] == 3}},
        -65537: "tour_guide",
        -65538: "欧阳*",
        -65539: (date(2028, 12, 31) - date(1970, 1, 1)).days,
        -65540: [1, 482113],
    }
    assert read["shown_at"] == AT
    assert read["bytes"] == size_of(desk.core())


def test_an_open_ended_license_says_no_last_day(desk: Desk) -> None:
    found = desk.open(desk.code(last_day=None))
    assert isinstance(found, OfflineCode)
    assert found.core.last_day is None


def test_what_a_device_signs_is_the_same_to_both_writers(desk: Desk) -> None:
    core = desk.core()
    signature = desk.phone.sign(device_message(core, AT))
    assert isinstance(desk.open(presented(core, AT, signature)), OfflineCode)


@pytest.mark.parametrize(
    "text", ["", " ", PREFIX, PREFIX + "AB", "elc1:" + "0" * 300, "HC1:6BF", "https://zz.example/s/A"]
)
def test_short_and_foreign_texts(desk: Desk, text: str) -> None:
    assert desk.open(text) == (Reason.CODE_UNKNOWN if text.startswith(PREFIX) else Reason.NOT_OURS)


def test_a_health_certificate_is_not_ours_whatever_prefix_it_is_given(desk: Desk) -> None:
    """HCERT: the same standards with zlib around, under another prefix and other keys."""
    claims = cbor2.dumps({1: "DE", 4: AT + 9999, 6: AT, -260: {1: {"ver": "1.3.0", "nam": {"fn": "Muster"}}}})
    message = cbor2.CBORTag(18, [cbor2.dumps({1: -7, 4: b"8bytekid"}), {}, claims, bytes(64)])
    packed = base45(zlib.compress(cbor2.dumps(message)))
    assert desk.open("HC1:" + packed) is Reason.NOT_OURS
    assert desk.open(PREFIX + packed) is Reason.CODE_UNKNOWN


def test_a_text_over_the_limit_is_refused_before_it_is_decoded(desk: Desk) -> None:
    text = desk.code()
    assert desk.open(text + "0" * (MAX_TEXT - len(text) + 1)) is Reason.CODE_UNKNOWN


def test_every_flipped_bit_is_refused(desk: Desk) -> None:
    data = unbase45(desk.code().removeprefix(PREFIX))
    rng = random.Random(7)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << rng.randrange(8)
        assert isinstance(desk.open(PREFIX + base45(bytes(changed))), Reason), at


def test_every_truncation_and_every_byte_behind_the_end_is_refused(desk: Desk) -> None:
    data = unbase45(desk.code().removeprefix(PREFIX))
    for end in range(len(data)):
        assert isinstance(desk.open(PREFIX + base45(data[:end])), Reason), end
    for tail in (b"\0", b"\xf6", b"\xa0"):
        assert desk.open(PREFIX + base45(data + tail)) is Reason.CODE_UNKNOWN


def test_a_core_alone_or_with_another_phones_signature_is_refused(desk: Desk) -> None:
    core = desk.core()
    assert desk.open(PREFIX + base45(core)) is Reason.CODE_UNKNOWN
    assert desk.open(Phone().code(core, AT)) is Reason.CODE_DEVICE_WRONG
    other = desk.core(token=bytes(16))
    data, strange = (unbase45(desk.phone.code(one, AT).removeprefix(PREFIX)) for one in (core, other))
    swapped = data[:-78] + strange[-78:]
    assert desk.open(PREFIX + base45(swapped)) is Reason.CODE_DEVICE_WRONG, "a signature goes with one core"


def test_an_issuer_that_is_not_known_is_told_apart(desk: Desk, tmp_path: Path) -> None:
    ring = service_ring(tmp_path, "code-1")
    strange = OfflineCores(ring, issuer="https://zz.example", ids=SystemIds())
    text = desk.phone.code(strange.mint(desk.plain), AT)
    assert desk.open(text) is Reason.CODE_KEY_UNKNOWN
    assert strange.open(text) is not Reason.CODE_KEY_UNKNOWN


def _signed(desk: Desk, claims: bytes, protected: bytes | None = None) -> bytes:
    """A core around these claims with a good signature of the issuer: what a mistake of ours could make."""
    keys = desk.cores._keys
    good = desk.core()[3:16]
    header = protected or good
    structure = cbor2.dumps(["Signature1", header, b"", claims])
    return cbor2.dumps(cbor2.CBORTag(18, [header, {}, claims, keys.sign_bytes(structure)]))


ODD: dict[str, Callable[[Desk], bytes]] = {
    "indefinite map": lambda desk: b"\xbf" + claims_of(desk.plain)[1:] + b"\xff",
    "keys in another order": lambda desk: cbor2.dumps(dict(reversed(cbor2.loads(claims_of(desk.plain)).items()))),
    "an integer spelled long": lambda desk: claims_of(desk.plain).replace(b"\x04\x1a", b"\x04\x1b\0\0\0\0", 1),
    "one claim more": lambda desk: cbor2.dumps({**cbor2.loads(claims_of(desk.plain)), -65541: 1}),
    "a claim twice": lambda desk: b"\xa9" + claims_of(desk.plain)[1:] + claims_of(desk.plain)[1:7],
    "bytes behind the map": lambda desk: claims_of(desk.plain) + b"\0",
    "a token of 15 bytes": lambda desk: claims_of(replace(desk.plain, token=bytes(15))),
    "a negative time": lambda desk: claims_of(replace(desk.plain, issued_at=-1)),
    "a tag around the time": lambda desk: cbor2.dumps({**cbor2.loads(claims_of(desk.plain)), 6: cbor2.CBORTag(1, AT)}),
    "no map": lambda _: cbor2.dumps([1, 2, 3] * 10),
    "no CBOR": lambda _: b"\x1c" * 120,
    "text that is no UTF-8": lambda desk: claims_of(desk.plain).replace(b"tour", b"t\xffur"),
    "nested deeply": lambda _: b"\x81" * 200 + b"\0",
}


@pytest.mark.parametrize("name", ODD)
def test_claims_that_we_would_not_write_are_refused_even_under_our_signature(desk: Desk, name: str) -> None:
    assert isinstance(open_core(_signed(desk, claims_of(desk.plain)), desk.keys), tuple), "the helper makes good ones"
    assert open_core(_signed(desk, ODD[name](desk)), desk.keys) is Reason.CODE_UNKNOWN


@pytest.mark.parametrize(
    "header",
    [
        {1: -7},
        {1: -35, 4: b"12345678"},
        {1: -7, 4: b"12345678", 2: [99], 99: 1},
        {1: -8, 4: b"12345678"},
        {1: 5, 4: b"12345678"},
    ],
    ids=["no key id", "ES384", "a critical header", "EdDSA", "HMAC"],
)
def test_other_headers_and_algorithms_are_refused_even_under_our_signature(desk: Desk, header: dict[int, Any]) -> None:
    named = {key: desk.core()[8:16] if key == 4 else value for key, value in header.items()}
    core = _signed(desk, claims_of(desk.plain), cbor2.dumps(named))
    assert open_core(core, desk.keys) is Reason.CODE_UNKNOWN


def test_the_budget_is_one_qr_of_version_15(desk: Desk) -> None:
    longest = max(n for n in range(60) if size_of(desk.core(holder_masked="司" * n, type_slug="x" * 28)) <= MAX_BYTES)
    assert longest >= 28
    text = desk.code(holder_masked="司" * longest, type_slug="x" * 28)
    assert len(text) <= MAX_TEXT == 590
    assert isinstance(desk.open(text), OfflineCode)
    core = desk.core(holder_masked="司" * (longest + 1), type_slug="x" * 28)
    assert "只能在线亮证" in too_long(size_of(core))
    assert desk.open(desk.phone.code(core, AT)) is Reason.CODE_UNKNOWN


def fuzzed(rng: random.Random, texts: list[str]) -> str:
    """One damaged or made-up code."""
    text = rng.choice(texts)
    data = bytearray(unbase45(text.removeprefix(PREFIX)))
    match rng.randrange(6):
        case 0:
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] ^= rng.randint(1, 255)
        case 1:
            del data[rng.randrange(len(data)) : rng.randrange(len(data) + 1)]
        case 2:
            other = unbase45(rng.choice(texts).removeprefix(PREFIX))
            cut = rng.randrange(1, min(len(data), len(other)))
            data = bytearray(data[:cut] + other[cut:])
        case 3:
            data = bytearray(rng.randbytes(rng.randint(0, MAX_BYTES + 5)))
        case 4:
            at = rng.randrange(len(data))
            data[at:at] = rng.randbytes(rng.randint(1, 8))
        case _:
            at = rng.randrange(len(PREFIX), len(text))
            return text[:at] + rng.choice("0AZ $%*+-./:a\0é") + text[at + 1 :]
    return PREFIX + base45(bytes(data))


def check_fuzzed(desk: Desk, count: int, seed: int) -> None:
    rng = random.Random(seed)
    texts = [desk.phone.code(desk.core(token=rng.randbytes(16), holder_masked=name), AT) for name in ("张*", "欧阳*")]
    texts += [Phone().code(desk.core(), AT)]
    good = {text for text in texts if isinstance(desk.open(text), OfflineCode)}
    assert len(good) == 2
    for n in range(count):
        text = fuzzed(rng, texts)
        assert text in good or isinstance(desk.open(text), Reason), (seed, n, text)


def test_two_thousand_damaged_codes_and_none_accepted(desk: Desk) -> None:
    check_fuzzed(desk, 2_000, seed=20261127)


@pytest.mark.slow
def test_a_hundred_thousand_damaged_codes_and_none_accepted(desk: Desk) -> None:
    check_fuzzed(desk, 100_000, seed=451)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.binary(max_size=MAX_BYTES + 10))
def test_no_bytes_at_all_make_the_parser_fail(desk: Desk, data: bytes) -> None:
    assert isinstance(desk.open(PREFIX + base45(data)), Reason)
    assert isinstance(open_core(data, desk.keys), Reason)


def test_a_devices_key_is_read_from_a_public_jwk_only() -> None:
    phone = Phone()
    point, thumbprint = read_device_jwk(phone.jwk)
    assert point == phone.point
    assert len(thumbprint) == 43
    assert signed_by(point, "A" * 86, b"x") is False
    private = phone.key.private_numbers().private_value
    for odd in (
        {**phone.jwk, "d": str(private)},
        {**phone.jwk, "crv": "P-384"},
        {**phone.jwk, "kty": "RSA"},
        {**phone.jwk, "x": phone.jwk["x"] + "="},
        {**phone.jwk, "y": phone.jwk["x"]},
        {**phone.jwk, "x": "AA"},
        {"kty": "oct", "k": "AAAA"},
        {},
    ):
        with pytest.raises(InvalidInput):
            read_device_jwk(odd)


def test_without_a_key_there_are_no_cores(desk: Desk, tmp_path: Path) -> None:
    cores = OfflineCores(service_ring(tmp_path, "status-1"), issuer="https://zz.example", ids=SystemIds())
    with pytest.raises(Unavailable, match="keys create code-1"):
        cores.mint(desk.plain)
    assert cores.open(desk.code()) is Reason.CODE_KEY_UNKNOWN


def test_a_new_key_signs_and_the_old_one_still_counts(desk: Desk, tmp_path: Path) -> None:
    before = OfflineCores(service_ring(tmp_path, "code-1"), issuer="https://zz.example", ids=SystemIds())
    old = desk.phone.code(before.mint(desk.plain), AT)
    after = OfflineCores(service_ring(tmp_path, "code-2"), issuer="https://zz.example", ids=SystemIds())
    new = desk.phone.code(after.mint(desk.plain), AT)
    opened = [after.open(text) for text in (old, new)]
    assert all(isinstance(one, OfflineCode) for one in opened)
    assert len({one.issuer for one in opened if isinstance(one, OfflineCode)}) == 2
    assert before.open(new) is Reason.CODE_KEY_UNKNOWN
