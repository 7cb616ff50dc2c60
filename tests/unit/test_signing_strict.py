"""The strict verification of our own pages: the same answer as pyHanko's, and no change ever accepted."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from rendering_samples import SIGNATURE, job, renderer
from signing_pages import EC_SEAL, NOW, RSA_SEAL, SM2_SEAL, Workshop, open_workshop
from signing_strangers import with_revision

from certsvc.commands.ports import TrustChoice
from certsvc.seal.prepared import PreparedPdf
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.authority import make_crl, open_ca
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.strict import StrictInspector
from certsvc.signing.trust import TrustAnchors

FORMS = [("pades-b-b", EC_SEAL), ("pades-b-b", RSA_SEAL), ("pades-b-b", SM2_SEAL), ("sm2-cms", SM2_SEAL)]
forms = pytest.mark.parametrize(("format_name", "seal_id"), FORMS)
LATER = NOW + timedelta(hours=1)
FAST_COUNT, SLOW_COUNT = 500, 5000
"""Mutations per form: 2,000 and 20,000 in all (RELIABILITY S4)."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("ring"))


@pytest.fixture(scope="module")
def strict(workshop: Workshop) -> StrictInspector:
    return StrictInspector(workshop.ring, workshop.anchors)


def page(workshop: Workshop, format_name: str, seal_id: str, **changes: object) -> tuple[PreparedPdf, bytes]:
    """A page of the real renderer, and sealed."""
    seal = workshop.seals[seal_id]
    field = replace(
        SIGNATURE,
        signed_at=NOW,
        sub_filter=workshop.sealer.sub_filter(format_name),
        reserved_bytes=workshop.sealer.reserved_bytes(seal, format_name),
    )
    prepared = renderer().render(job(signature=field, stamp=seal.stamp, **changes))  # type: ignore[arg-type]
    return prepared, workshop.sealer.seal(prepared, seal, format_name, signed_at=NOW)


def confirmed(strict: StrictInspector, sealed: bytes) -> None:
    """Have pyHanko judge the first page of a certificate, after which matches count."""
    assert strict.inspect(sealed, TrustChoice(), LATER).reason is Reason.OK


@forms
def test_the_fast_answer_is_the_slow_answer_to_the_last_field(
    workshop: Workshop, format_name: str, seal_id: str
) -> None:
    strict = StrictInspector(workshop.ring, workshop.anchors)
    _, first = page(workshop, format_name, seal_id)
    prepared, second = page(workshop, format_name, seal_id, document_id=bytes(16))
    assert strict.match(first, LATER) is None, "nothing is matched before pyHanko judged a page of the certificate"
    slow = PdfInspector(workshop.anchors)
    assert strict.inspect(first, TrustChoice(), LATER) == slow.inspect(first, TrustChoice(), LATER)
    matched = strict.match(second, LATER)
    assert matched is not None
    assert matched == slow.inspect(second, TrustChoice(), LATER) == strict.inspect(second, TrustChoice(), LATER)
    assert strict.inspect_sealed(prepared, second, TrustChoice(), LATER) == matched


@forms
def test_outside_the_period_pyhanko_answers(
    workshop: Workshop, strict: StrictInspector, format_name: str, seal_id: str
) -> None:
    _, sealed = page(workshop, format_name, seal_id)
    confirmed(strict, sealed)
    for days, reason in ((4 * 365, Reason.CERT_EXPIRED), (-1, Reason.CERT_NOT_YET_VALID)):
        moment = NOW + timedelta(days=days)
        assert strict.match(sealed, moment) is None
        assert strict.inspect(sealed, TrustChoice(), moment).reason is reason


Way = Callable[[], bytes]


def changes_of_bytes(chance: random.Random, prepared: PreparedPdf, sealed: bytes) -> list[Way]:
    """Ways to change bytes in place; each call gives another change."""
    start, end, size = prepared.hole_start, prepared.hole_end, len(sealed)

    def put(place: int, new: bytes) -> bytes:
        return sealed[:place] + new + sealed[place + len(new) :]

    def bit(low: int, high: int) -> bytes:
        place = chance.randrange(low, high)
        return put(place, bytes((sealed[place] ^ (1 << chance.randrange(8)),)))

    def hex_digit() -> bytes:
        place = chance.randrange(start + 1, end - 1)
        return put(place, chance.choice(b"0123456789abcdefABCDEF \n").to_bytes(1, "big"))

    def case() -> bytes:
        letters = [place for place in range(start + 1, start + 3000) if sealed[place] in b"abcdef"]
        place = chance.choice(letters)
        return put(place, sealed[place : place + 1].upper())

    def padding() -> bytes:
        return put(end - 2 - chance.randrange(100), chance.choice(b"123456789abcdefA ").to_bytes(1, "big"))

    def byte_range() -> bytes:
        place = sealed.index(b"/ByteRange[0 ") + 13 + chance.randrange(20)
        return put(place, chance.choice(b"0123456789 ").to_bytes(1, "big"))

    anywhere, inside = (lambda: bit(0, size)), (lambda: bit(start, end))
    before, behind = (lambda: bit(start - 300, start + 1)), (lambda: bit(end - 1, end + 300))
    return [anywhere, inside, before, behind, hex_digit, case, padding, byte_range]


def changes_of_length(chance: random.Random, prepared: PreparedPdf, sealed: bytes, other: bytes) -> list[Way]:
    """Ways to add, take away and swap; each call gives another change."""
    start, end, size = prepared.hole_start, prepared.hole_end, len(sealed)

    def swapped() -> bytes:
        return sealed[:start] + other[start:end] + sealed[end:]

    def revision() -> bytes:
        body = chance.choice([b"<</Type/Catalog>>", b"(x)", b"<</Length 0>>stream\n\nendstream", b"null"])
        return with_revision(sealed, {chance.randrange(1, 60): body})

    def tail() -> bytes:
        return sealed + bytes(chance.choice(b" \n\x00x%") for _ in range(chance.randrange(1, 9)))

    def cut() -> bytes:
        return sealed[: -chance.randrange(1, 400)]

    def inserted() -> bytes:
        place = chance.randrange(size)
        return sealed[:place] + bytes((chance.randrange(256),)) + sealed[place:]

    def removed() -> bytes:
        place = chance.randrange(size)
        return sealed[:place] + sealed[place + 1 :]

    return [swapped, revision, tail, cut, inserted, removed]


def accepted_changes(
    workshop: Workshop, strict: StrictInspector, form: tuple[str, str], count: int, *, slow: bool
) -> list[int]:
    format_name, seal_id = form
    prepared, sealed = page(workshop, format_name, seal_id)
    # The swapped signature is a good one of ours over another page of the same length.
    _, other = page(workshop, format_name, seal_id, document_id=bytes(16))
    confirmed(strict, sealed)
    chance = random.Random(f"{format_name} {seal_id} 20260301")
    ways = changes_of_bytes(chance, prepared, sealed) + changes_of_length(chance, prepared, sealed, other)
    accepted = []
    for number in range(count):
        changed = ways[number % len(ways)]()
        if changed == sealed:
            continue
        passed = strict.match(changed, LATER) is not None
        if slow and not passed:
            passed = strict.inspect(changed, TrustChoice(), LATER).indication is Indication.TOTAL_PASSED
        if passed:
            accepted.append(number)
    return accepted


@pytest.mark.parametrize("form", FORMS)
def test_no_change_is_accepted(workshop: Workshop, strict: StrictInspector, form: tuple[str, str]) -> None:
    assert not accepted_changes(workshop, strict, form, FAST_COUNT, slow=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", FORMS)
def test_none_of_twenty_thousand_changes_is_accepted(
    workshop: Workshop, strict: StrictInspector, form: tuple[str, str]
) -> None:
    assert not accepted_changes(workshop, strict, form, SLOW_COUNT, slow=True)


@forms
def test_every_byte_around_and_inside_the_hole_counts(
    workshop: Workshop, strict: StrictInspector, format_name: str, seal_id: str
) -> None:
    prepared, sealed = page(workshop, format_name, seal_id)
    confirmed(strict, sealed)
    assert strict.match(sealed, LATER) is not None
    for place in range(prepared.hole_start - 400, prepared.hole_end + 300):
        changed = sealed[:place] + bytes((sealed[place] ^ 1,)) + sealed[place + 1 :]
        assert strict.match(changed, LATER) is None, place


@forms
def test_a_page_that_is_not_the_prepared_one_is_not_matched_with_it(
    workshop: Workshop, strict: StrictInspector, format_name: str, seal_id: str
) -> None:
    prepared, sealed = page(workshop, format_name, seal_id)
    other, _ = page(workshop, format_name, seal_id, document_id=bytes(16))
    confirmed(strict, sealed)
    changed = sealed.replace(b"%%EOF", b"%%EOf")
    findings = strict.inspect_sealed(prepared, changed, TrustChoice(), LATER)
    assert findings.indication is Indication.TOTAL_FAILED
    slow = PdfInspector(workshop.anchors).inspect(sealed, TrustChoice(), LATER)
    assert strict.inspect_sealed(other, sealed, TrustChoice(), LATER) == slow


def test_a_page_of_another_key_ring_goes_to_pyhanko(
    workshop: Workshop, strict: StrictInspector, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = open_workshop(tmp_path_factory.mktemp("stranger"))
    _, sealed = page(stranger, "pades-b-b", EC_SEAL)
    assert strict.match(sealed, LATER) is None
    findings = strict.inspect(sealed, TrustChoice(), LATER)
    assert (findings.indication, findings.reason) == (Indication.INDETERMINATE, Reason.UNTRUSTED_CHAIN)


def test_a_certificate_that_no_anchor_stands_behind_is_never_matched(workshop: Workshop) -> None:
    strict = StrictInspector(workshop.ring, TrustAnchors(()))
    _, sealed = page(workshop, "pades-b-b", EC_SEAL)
    for _ in range(2):
        assert strict.inspect(sealed, TrustChoice(), LATER).reason is Reason.UNTRUSTED_CHAIN
        assert strict.match(sealed, LATER) is None


def test_where_revocation_data_counts_nothing_is_matched(
    workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("crls")
    ca = open_ca(workshop.keys.directory, "dev-issuer-ec", workshop.master)
    (place / "ec.crl").write_bytes(make_crl(ca, {}, number=1, now=NOW))
    strict = StrictInspector(workshop.ring, workshop.anchors.with_crls(place))
    _, sealed = page(workshop, "pades-b-b", EC_SEAL)
    for _ in range(2):
        assert strict.inspect(sealed, TrustChoice(), LATER).reason is Reason.OK
        assert strict.match(sealed, LATER) is None


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF\n", bytes(1000)])
def test_what_is_no_page_of_ours_has_pyhankos_answer(strict: StrictInspector, data: bytes) -> None:
    assert strict.match(data, LATER) is None
    assert strict.inspect(data, TrustChoice(), LATER).indication is not Indication.TOTAL_PASSED
