"""What files stand on, and when they fail: read and told alike, and held to a model that goes day by day."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st
from signing_pages import ALL_FORMATS, EC_SEAL, NOW, RSA_SEAL, SM2_SEAL, Workshop, one_page, open_workshop

from certsvc.clock import FixedClock, local_day
from certsvc.errors import SigningError
from certsvc.ids import SystemIds
from certsvc.seal.care import (
    Loss,
    LossKind,
    Revoked,
    SignatureFacts,
    SignatureKind,
    first_bad_day,
    level_of,
    profile_of,
    with_seals,
)
from certsvc.signing.authority import make_crl, open_ca
from certsvc.signing.dangling import NullReader
from certsvc.signing.formats import FORMATS
from certsvc.signing.inventory import read_inventory
from certsvc.signing.long_term import (
    PadesTimestamped,
    ValidationData,
    add_document_timestamp,
    add_validation_data,
)
from certsvc.signing.revisions import security_store
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.timestamps import DevelopmentTsa, TimestampClient, Token

TSA = "tsa-1"
SEAL, STAMP, ARCHIVE = SignatureKind.SEAL, SignatureKind.TIMESTAMP, SignatureKind.ARCHIVE_TIMESTAMP
FIRST = date(2026, 1, 1)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("care"))


def client_of(workshop: Workshop) -> TimestampClient:
    tsa = DevelopmentTsa(workshop.ring, TSA, FixedClock(NOW), SystemIds())
    return TimestampClient(("direct",), lambda _, request: tsa(request), SystemIds())


def archived(workshop: Workshop, seal_id: str, *, lists: Sequence[str] = (), format_name: str = "pades-b-b") -> bytes:
    """A sealed page with validation data of these CAs and a document timestamp."""
    client = client_of(workshop)
    sealer = LicenseSealer(workshop.ring, (*FORMATS, PadesTimestamped(client)))
    seal = workshop.seals[seal_id]
    page = one_page(sealer.reserved_bytes(seal, format_name))
    sealed = sealer.seal(page, seal, format_name, signed_at=NOW)
    crls = [make_crl(open_ca(workshop.keys.directory, name, workshop.master), {}, number=1, now=NOW) for name in lists]
    kept = ValidationData(certificates=workshop.ring.certificate(TSA).issuers, crls=tuple(crls))
    return add_document_timestamp(add_validation_data(sealed, kept), client)


@pytest.mark.parametrize(("format_name", "seal_id"), ALL_FORMATS)
def test_what_the_sealer_tells_is_what_the_file_says(workshop: Workshop, format_name: str, seal_id: str) -> None:
    """Two ways to the same facts: from the key ring before there is a file, and from the bytes of it."""
    seal = workshop.seals[seal_id]
    _, sealed = workshop.sealed(format_name, seal_id)
    told = workshop.sealer.facts(seal, format_name, signed_at=NOW)
    (read,) = with_seals(workshop.sealer.read_facts(sealed), [seal_id])
    certificate = workshop.ring.certificate(seal.key_id).certificate
    # The test's pages state a time of their own in /M where the format has none inside.
    assert replace(read, signed_at=told.signed_at) == told
    assert (told.key, told.seal_id, told.tsa) == (seal.algorithm, seal_id, "")
    assert int(told.serial, 16) == certificate.serial_number
    assert told.certificate_until == certificate.not_valid_after_utc
    assert told.digest_algorithm == ("sm3" if seal.algorithm == "sm2" else "sha256")


@pytest.mark.parametrize("seal_id", [EC_SEAL, RSA_SEAL, SM2_SEAL])
def test_an_archived_file_is_read_with_its_timestamp(workshop: Workshop, seal_id: str) -> None:
    issuer = {EC_SEAL: "dev-issuer-ec", RSA_SEAL: "dev-issuer-rsa", SM2_SEAL: "dev-issuer-sm2"}[seal_id]
    seal, stamp = read_inventory(archived(workshop, seal_id, lists=[issuer]))
    assert (seal.kind, stamp.kind) == (SEAL, ARCHIVE)
    assert seal.revocation, "its CA's list is in the file"
    assert stamp.tsa == "示例省开发时间戳服务"
    assert stamp.signed_at == NOW.replace(microsecond=0)
    assert level_of([seal, stamp]) == "B-LTA"
    assert first_bad_day([seal, stamp]) == max(map(last_day, (seal, stamp)))
    bare, later = read_inventory(archived(workshop, seal_id))
    assert not bare.revocation
    assert level_of([bare, later]) == "B-T"
    assert first_bad_day([bare, later]) == last_day(bare), "without revocation data the timestamp does not carry it"


def test_a_timestamp_inside_a_seal_is_read_too(workshop: Workshop) -> None:
    kinds = [one.kind for one in read_inventory(archived(workshop, EC_SEAL, format_name="pades-b-t"))]
    assert kinds == [SEAL, STAMP, ARCHIVE]


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 nothing", b"\x00" * 100])
def test_what_is_no_sealed_file_has_no_inventory(data: bytes) -> None:
    with pytest.raises(SigningError, match="签名清单无法读取"):
        read_inventory(data)


def last_day(one: SignatureFacts) -> date:
    return local_day(one.certificate_until)


def noon(day: int) -> datetime:
    return datetime(2026, 1, 1, 4, tzinfo=UTC) + timedelta(days=day)


def facts(kind: SignatureKind, made: int, ends: int, *, name: str = "a", data: int | None = 0) -> SignatureFacts:
    """A signature made and ending on days of January 2026; ``name`` is that of its CA, key, seal and authority.

    ``data`` is how many days after it revocation data about it was made.
    """
    return SignatureFacts(
        kind=kind,
        format="pades-b-b",
        key=f"key-{name}",
        signature_algorithm=f"algorithm-{name}",
        digest_algorithm=f"digest-{name}",
        certificate_sha256=f"cert-{name}",
        serial="1",
        issuer_key=f"ca-{name}",
        issuer=f"CA {name}",
        seal_id=f"seal-{name}" if kind is SEAL else "",
        tsa=f"tsa-{name}" if kind in {STAMP, ARCHIVE} else "",
        signed_at=noon(made),
        certificate_until=noon(ends),
        revocation_at=noon(made + data) if data is not None else None,
        imprint=f"imprint-{name}" if kind in {STAMP, ARCHIVE} else "",
    )


@st.composite
def files(draw: st.DrawFn) -> list[SignatureFacts]:
    """A seal, then seals and timestamps in any order, in time."""
    made, out = 0, []
    for place in range(draw(st.integers(1, 6))):
        kind = SEAL if place == 0 else draw(st.sampled_from([SEAL, STAMP, ARCHIVE]))
        made += draw(st.integers(0, 8))
        name, data = draw(st.sampled_from("abc")), draw(st.none() | st.integers(-2, 8))
        out.append(facts(kind, made, made + draw(st.integers(0, 30)), name=name, data=data))
    return out


LOSSES = st.none() | st.builds(
    lambda what, name, day: Loss(kind=what[1], value=f"{what[0]}-{name}", on=FIRST + timedelta(days=day)),
    st.sampled_from(
        [
            ("ca", LossKind.CA),
            ("seal", LossKind.SEAL),
            ("algorithm", LossKind.ALGORITHM),
            ("digest", LossKind.ALGORITHM),
            ("imprint", LossKind.ALGORITHM),
            ("tsa", LossKind.TSA),
        ]
    ),
    st.sampled_from("abc"),
    st.integers(0, 60),
)


def holds(file: Sequence[SignatureFacts], place: int, day: date, loss: Loss | None) -> bool:
    """The rules as one would tell them: does this signature hold on this day, for somebody who has the file only?"""
    one = file[place]
    name = one.issuer_key.removeprefix("ca-")
    gone = (
        loss is not None
        and {
            LossKind.CA: loss.value == f"ca-{name}",
            LossKind.ALGORITHM: loss.value in {f"algorithm-{name}", f"digest-{name}"}
            or (one.kind is not SEAL and loss.value == f"imprint-{name}"),
            LossKind.SEAL: one.kind is SEAL and loss.value == f"seal-{name}",
            LossKind.TSA: one.kind is not SEAL and loss.value == f"tsa-{name}",
        }[loss.kind]
    )
    ended = day >= last_day(one)
    lost = gone and loss is not None and day >= loss.on
    if not ended and not lost:
        return True
    # The certificate cannot be asked about any more: what the file says about it must be enough.
    revoked = lost and loss is not None and loss.kind is not LossKind.ALGORITHM
    if (ended or revoked) and not (one.revocation_at is not None and one.revocation_at >= one.signed_at):
        return False
    if lost and loss is not None and loss.kind is LossKind.CA and not told_before(file, place, day, loss):
        return False
    rewritten = lost and loss is not None and loss.value.partition("-")[0] in {"digest", "imprint"}
    for later, stamp in enumerate(file):
        if stamp.kind is STAMP and rewritten:
            continue  # it is over the signature, and the document behind that can be another one now
        over = (stamp.kind is ARCHIVE and later > place) or (stamp.kind is STAMP and later == place + 1)
        at = local_day(stamp.signed_at)
        in_time = at < last_day(one) and not (gone and loss is not None and at >= loss.on)
        if over and in_time and holds(file, later, day, loss):
            return True
    return False


def told_before(file: Sequence[SignatureFacts], place: int, day: date, loss: Loss) -> bool:
    """Whether a timestamp that holds proves that the data about a signature is from before its CA was lost."""
    made = file[place].revocation_at
    return made is not None and any(
        stamp.kind is ARCHIVE
        and stamp.signed_at >= made
        and max(local_day(stamp.signed_at), local_day(made)) < loss.on
        and holds(file, later, day, loss)
        for later, stamp in enumerate(file)
        if later > place
    )


@settings(max_examples=400, deadline=None)
@given(file=files(), loss=LOSSES)
def test_the_day_on_which_a_file_fails_is_that_of_the_rules(file: list[SignatureFacts], loss: Loss | None) -> None:
    fails = first_bad_day(file, *([loss] if loss else []))
    seals = [place for place, one in enumerate(file) if one.kind is SEAL]
    for number in range(110):
        day = FIRST + timedelta(days=number)
        assert all(holds(file, place, day, loss) for place in seals) == (day < fails), day


def test_a_profile_tells_files_apart_that_fail_apart() -> None:
    seal, stamp = facts(SEAL, 0, 20), facts(ARCHIVE, 1, 40, name="b", data=1)
    same = replace(seal, signed_at=noon(-3)), replace(stamp, signed_at=stamp.signed_at + timedelta(hours=1))
    assert profile_of([seal, stamp]) == profile_of(same), "when a seal was used says nothing, and a timestamp its day"
    others = [
        [seal],
        [stamp, seal],
        [seal, replace(stamp, signed_at=noon(2))],
        [seal, replace(stamp, certificate_until=noon(41))],
        [replace(seal, revocation_at=None), stamp],
        [replace(seal, revocation_at=noon(2)), stamp],
        [seal, replace(stamp, imprint="sha1")],
        [replace(seal, key="rsa2048"), stamp],
    ]
    assert len({profile_of(one) for one in ([seal, stamp], *others)}) == len(others) + 1


def test_an_algorithm_goes_by_its_name_its_key_or_its_family() -> None:
    one = replace(facts(SEAL, 0, 9), key="rsa2048", signature_algorithm="rsa_sha256", digest_algorithm="sha256")
    for value in ("rsa", "rsa2048", "rsa_sha256", "sha256"):
        assert Loss(kind=LossKind.ALGORITHM, value=value, on=FIRST).hits(one)
    for value in ("rsa3072", "sm2", "r", ""):
        assert not Loss(kind=LossKind.ALGORITHM, value=value, on=FIRST).hits(one)


def test_a_digest_goes_with_the_document_and_a_revocation_with_its_certificate() -> None:
    """Each of these fails where the rules of one loss are those of another."""
    seal, inside, behind = facts(SEAL, 0, 40), facts(STAMP, 1, 50, name="b"), facts(ARCHIVE, 2, 60, name="c")
    lost = Loss(kind=LossKind.ALGORITHM, value="digest-a", on=FIRST + timedelta(days=10))
    assert first_bad_day([seal, inside], lost) == lost.on, "the value it is over says nothing of a changed document"
    assert first_bad_day([seal, inside, behind], lost) == last_day(behind)
    revoked = Revoked(serial="1", issuer_key="ca-a", on=FIRST + timedelta(days=10))
    assert first_bad_day([seal], revoked) == revoked.on
    assert first_bad_day([seal, behind], revoked) == last_day(behind)
    assert first_bad_day([seal, behind], replace(revoked, serial="2")) == last_day(behind)
    ended = Loss(kind=LossKind.CA, value="ca-a", on=FIRST + timedelta(days=10))
    early, late = replace(seal, revocation_at=noon(-1)), replace(seal, revocation_at=noon(3))
    assert first_bad_day([early, behind], revoked) == revoked.on, "a list from before the signature says nothing of it"
    assert first_bad_day([seal, behind], ended) == last_day(behind)
    assert first_bad_day([late, behind], ended) == ended.on, "nothing proves that the list is older than the loss"


def test_a_file_takes_the_lists_of_its_own_authorities_alone(workshop: Workshop) -> None:
    sealed = workshop.sealed("sm2-cms", SM2_SEAL)[1]
    sealer = LicenseSealer(workshop.ring, timestamps=client_of(workshop))
    assert sealer.stamps_until() == workshop.ring.certificate(TSA).certificate.not_valid_after_utc
    names = ("dev-issuer-ec", "dev-issuer-rsa", "dev-issuer-sm2", "dev-root", "dev-root-sm2")
    lists = {
        name: make_crl(open_ca(workshop.keys.directory, name, workshop.master), {}, number=1, now=NOW) for name in names
    }
    own = {lists[name] for name in names if name != "dev-issuer-rsa"}
    for kept in (
        sealer.renew(sealed, crls=list(lists.values()), ocsps=()),
        sealer.preserve(sealed, workshop.seals[SM2_SEAL], crls=list(lists.values())),
    ):
        assert set(security_store(NullReader(io.BytesIO(kept)))[0]) == own


def test_a_token_without_its_authoritys_certificate_is_told_and_passed_by(workshop: Workshop) -> None:
    sealed = workshop.sealed("pades-b-b", EC_SEAL)[1]
    tsa = DevelopmentTsa(workshop.ring, TSA, FixedClock(NOW), SystemIds())

    class Bare(TimestampClient):
        def token_for(self, imprint: bytes) -> Token:
            whole = super().token_for(imprint)
            content = cms.ContentInfo.load(whole.der)
            signed = content["content"]
            held = {
                name: signed[name] for name in ("version", "digest_algorithms", "encap_content_info", "signer_infos")
            }
            bare = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(held)})
            return replace(whole, der=bare.dump())

    client = Bare(("direct",), lambda _, request: tsa(request), SystemIds())
    with pytest.raises(SigningError, match="签名清单无法读取"):
        read_inventory(add_document_timestamp(sealed, client))
