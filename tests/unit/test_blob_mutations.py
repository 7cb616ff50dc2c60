"""Changed CMS, SES, seal objects and certificates: none is accepted, none crashes, each takes under a second.

A blob is changed below the file: bits, bytes, lengths, and whole DER elements taken out, doubled, swapped or given
another tag. "Accepted" is what the verifier's own functions answer about the blob and the bytes it speaks of.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from signing_pages import EC_SEAL, MAKER, NOW, RSA_SEAL, SES, SM2_SEAL, Workshop, open_workshop, seal_draft

from certsvc.commands.ports import TrustChoice
from certsvc.seal.prepared import PreparedPdf
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.chains import judge_certificate
from certsvc.signing.der import Element, element_size, tlv
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.revoked import UseTime
from certsvc.signing.seal_object import make_seal
from certsvc.signing.trust import NO_EVIDENCE, TrustStore

REFUSALS = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What parsers raise; the inspector turns every one into a refusal."""

SECONDS_EACH = 1.0
CONSTRUCTED = 0x20
UNORDERED = frozenset({0x31, 0xA0})
"""SET OF, and the certificates of a CMS: many writers do not sort them, and their order says nothing."""


@dataclass(frozen=True)
class Blob:
    """A good blob, the question that accepts it, and how many changes of it CI and the full run try."""

    good: bytes
    accepts: Callable[[bytes], bool]
    in_ci: int
    in_full: int
    same: Callable[[bytes], bool] = lambda _: False
    """Whether a changed blob says what the good one says, to every reader"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("blobs"))


@pytest.fixture(scope="module")
def blobs(workshop: Workshop) -> dict[str, Blob]:
    store = TrustStore(workshop.anchors, NOW, NO_EVIDENCE)
    sm2 = workshop.ring.certificate(workshop.seals[SM2_SEAL].key_id)
    rsa = workshop.ring.certificate(workshop.seals[RSA_SEAL].key_id)
    beside = [[_der(one) for one in public.issuers] for public in (sm2, rsa)]
    seal_object = make_seal(seal_draft(workshop.seals[SM2_SEAL], workshop.ring), workshop.ring, MAKER)
    found = {
        "ses": _in_file(workshop, SES, SM2_SEAL),
        "sm2-cms": _in_file(workshop, "sm2-cms", SM2_SEAL),
        "seal object": Blob(seal_object, lambda data: _passes(workshop, data), 600, 50_000),
        "sm2 certificate": Blob(_der(sm2.certificate), lambda data: _chains(data, beside[0], store), 300, 50_000),
        "rsa certificate": Blob(_der(rsa.certificate), lambda data: _chains(data, beside[1], store), 300, 50_000),
    }
    for seal_id in (EC_SEAL, RSA_SEAL):
        found[f"cms {seal_id}"] = _in_file(workshop, "pades-b-b", seal_id)
    return found


NAMES = ("ses", "sm2-cms", "seal object", "sm2 certificate", "rsa certificate", f"cms {EC_SEAL}", f"cms {RSA_SEAL}")


@pytest.mark.parametrize("name", NAMES)
def test_no_changed_blob_is_accepted(blobs: dict[str, Blob], name: str) -> None:
    none_accepted(blobs[name], blobs[name].in_ci, seed=5)


def test_a_certificate_with_a_part_too_many_or_too_few_is_not_accepted(blobs: dict[str, Blob]) -> None:
    for name in ("sm2 certificate", "rsa certificate"):
        parts = [part.whole for part in Element.read(blobs[name].good).children()]
        assert len(parts) == 3
        for wrong in ([*parts, parts[2]], [*parts, parts[1]], [*parts, b"\x05\x00"], parts[:2], [parts[0], *parts]):
            assert not blobs[name].accepts(tlv(0x30, *wrong))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_no_changed_blob_of_two_hundred_thousand_is_accepted(blobs: dict[str, Blob], name: str) -> None:
    none_accepted(blobs[name], blobs[name].in_full, seed=6)


def test_the_full_run_is_two_hundred_thousand(blobs: dict[str, Blob]) -> None:
    assert sum(blob.in_full for blob in blobs.values()) >= 200_000


def none_accepted(blob: Blob, count: int, seed: int) -> None:
    chance = random.Random(seed)
    assert blob.accepts(blob.good)
    for number in range(count):
        changed = change(blob.good, chance)
        if changed == blob.good or blob.same(changed):
            continue
        accepted, took = _asked(blob, changed)
        assert not accepted, (seed, number)
        if took >= SECONDS_EACH:  # a costly blob costs each time; a collection of the whole process's garbage does not
            took = _asked(blob, changed)[1]
        assert took < SECONDS_EACH, (seed, number)


def _asked(blob: Blob, changed: bytes) -> tuple[bool, float]:
    """Whether it is accepted, and the seconds that this thread computed: a busy machine is no fault of the blob."""
    begun = time.thread_time()
    try:
        accepted = blob.accepts(changed)
    except REFUSALS:
        accepted = False
    return accepted, time.thread_time() - begun


# How a blob is changed ------------------------------------------------------------------------------------------------


def change(der: bytes, chance: random.Random) -> bytes:
    """One change; a third of them keep the DER well-formed."""
    pick = chance.randrange(6)
    at = chance.randrange(len(der))
    if pick == 0:
        return der[:at] + bytes([der[at] ^ 1 << chance.randrange(8)]) + der[at + 1 :]
    if pick == 1:
        return der[:at] + chance.randbytes(chance.randrange(1, 5)) + der[at + chance.randrange(5) :]
    if pick == 2:
        return der[: chance.randrange(len(der))]
    if pick == 3:
        return der + chance.choice([b"\x01", b"\x30\x00", der[:20]])
    return rebuilt(der, chance)


def rebuilt(der: bytes, chance: random.Random) -> bytes:
    """The same tree of elements but for one place: taken out, doubled, swapped, another tag, another value."""
    return _walk(der, chance, chance.randrange(1, 6), chance.randrange(5))


def _walk(der: bytes, chance: random.Random, depth: int, how: int) -> bytes:
    node = Element.read(der, nesting=False)
    if node.tag & CONSTRUCTED and depth > 0:
        parts = [part.whole for part in _children(node)]
        if parts:
            at = chance.randrange(len(parts))
            if depth > 1:
                parts[at] = _walk(parts[at], chance, depth - 1, how)
            elif how == 0:
                del parts[at]
            elif how == 1:
                parts.insert(at, parts[at])
            elif how == 2 and node.tag not in UNORDERED:
                chance.shuffle(parts)
            else:
                parts[at] = _leaf(parts[at], chance, how)
            return tlv(node.tag, *parts)
    return _leaf(der, chance, how)


def _leaf(der: bytes, chance: random.Random, how: int) -> bytes:
    node = Element.read(der, nesting=False)
    if how == 3:
        return tlv(node.tag ^ chance.choice([1, 2, 0x20, 0x80]), node.content)
    if not node.content:
        return tlv(node.tag, b"\x00")
    at = chance.randrange(len(node.content))
    return tlv(
        node.tag, node.content[:at], bytes([node.content[at] ^ 1 << chance.randrange(8)]), node.content[at + 1 :]
    )


def _children(node: Element) -> list[Element]:
    try:
        return list(node.children(node.tag))
    except ValueError:
        return []


# What accepts ---------------------------------------------------------------------------------------------------------


def _contents(data: bytes, start: int, end: int) -> bytes:
    raw = bytes.fromhex(data[start + 1 : end - 1].decode("ascii"))
    return raw[: element_size(raw)]


def _in_file(workshop: Workshop, form: str, seal_id: str) -> Blob:
    prepared, sealed = workshop.sealed(form, seal_id)
    good = _contents(sealed, prepared.hole_start, prepared.hole_end)
    signer = _der(workshop.ring.certificate(workshop.seals[seal_id].key_id).certificate)
    same = (lambda _: False) if form == SES else (lambda der: _same_but_helpers(good, der, signer))
    return _filled(workshop, prepared, good, 250, 15_000, same)


def _same_but_helpers(good: bytes, der: bytes, signer: bytes) -> bool:
    """Whether a CMS lacks or repeats nothing but certificates of issuers: help on the way, which nobody signed.

    RFC 5652 §5.1: there may be fewer than are needed, and more. Every other byte is the same.
    """
    try:
        (outer, helpers), (least, others) = _parted(good), _parted(der)
    except ValueError:
        return False
    return outer == least and signer in others and set(others) <= set(helpers)


def _parted(der: bytes) -> tuple[list[bytes], list[bytes]]:
    """What a SignedData holds without its certificates, and these; ValueError unless it is DER."""
    kind, content = Element.read(der).children()
    [signed] = content.children(0xA0)
    parts = signed.children()
    bags = [part for part in parts if part.tag == 0xA0]
    if len(bags) != 1:
        raise ValueError
    rest = [part.whole if part is not bags[0] else b"" for part in parts]
    return [kind.whole, *rest], [part.whole for part in bags[0].children(0xA0)]


def _filled(
    workshop: Workshop,
    prepared: PreparedPdf,
    good: bytes,
    in_ci: int,
    in_full: int,
    same: Callable[[bytes], bool],
) -> Blob:
    """A CMS is judged in its page: coverage, digest and signature are one question there."""

    def accepts(der: bytes) -> bool:
        if len(der) > prepared.capacity:
            return False
        return _passes(workshop, prepared.fill(der))

    return Blob(good, accepts, in_ci, in_full, same)


def _passes(workshop: Workshop, data: bytes) -> bool:
    findings = PdfInspector(workshop.anchors).inspect(data, TrustChoice(), NOW)
    return findings.indication is Indication.TOTAL_PASSED


def _chains(der: bytes, beside: list[bytes], store: TrustStore) -> bool:
    chain = asyncio.run(judge_certificate(der, beside, store, UseTime(claimed=NOW)))
    return chain.outcome.reason is Reason.OK


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
