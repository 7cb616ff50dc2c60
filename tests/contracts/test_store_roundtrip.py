"""Whatever a record holds comes back equal, or is refused as the caller's mistake, on both databases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_records import make_evidence_row, make_request, make_seal, make_version

from certsvc.commands.store_ports import UnitOfWork
from certsvc.events.envelope import Event
from certsvc.events.evidence import EvidenceRow
from certsvc.license.matters import ListedMatter, MatterChange, MatterListVersion
from certsvc.license.model import Artifact, Decision, Holder, IssueIntent, LicenseVersion, MoveRecord
from certsvc.license.notices import Notice, Service
from certsvc.license.origin import Registration
from certsvc.license.parties import Client, Person
from certsvc.license.policies import Policy
from certsvc.license.request import IssuancePayload, IssuanceRequest, StockClaim
from certsvc.license.staff import StaffMember
from certsvc.license.stock import StockEntry
from certsvc.license.uses import Fetch, Grant, Scan, Show
from certsvc.seal.model import Seal, SealReservation, StampSpec
from certsvc.seal.rules import SealRules
from certsvc.store.columns import MAX_KEY_CHARS
from certsvc.store.engine import Store

FAR = datetime(2300, 1, 1, tzinfo=UTC)
ROUNDS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
KEY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ID = st.text("ABCdef0123456789_", min_size=1, max_size=MAX_KEY_CHARS)
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=ZONES | st.just(UTC))  # noqa: DTZ001
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
SMALL = st.integers(0, 2**31 - 1)
MEMBERS = st.lists(st.tuples(KEY, KEY), max_size=4).map(tuple)
FIELDS = st.lists(PLAIN, max_size=4).map(tuple)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=6,
)
HOLDERS = st.builds(Holder, name=ANY_TEXT, code=ANY_TEXT, code_type=ANY_TEXT)
DATA = st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=4)
BLOBS = st.binary(max_size=40)


class RoundOverError(Exception):
    """Ends a unit of work without keeping anything, so that every example finds an empty database."""


@contextmanager
def one_round(store: Store) -> Iterator[UnitOfWork]:
    """A unit of work that is rolled back at the end."""
    with suppress(RoundOverError), store.uow() as tx:
        yield tx
        end_round()


def end_round() -> NoReturn:
    raise RoundOverError


def by_type(record: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Records with every field filled: ``fields`` by name, the others by their type or as keys."""
    chosen = {}
    for field in dataclasses.fields(record):
        kind = str(field.type)
        strategy = fields.get(field.name)
        if strategy is None:
            strategy = next((s for prefix, s in BY_ANNOTATION.items() if kind.startswith(prefix)), None)
        chosen[field.name] = strategy if strategy is not None else st.from_type(resolve(record, field.name))
    return st.builds(record, **chosen)


def resolve(record: type, name: str) -> Any:
    """The type of an enumeration field."""
    import sys

    return getattr(sys.modules[record.__module__], str(record.__annotations__[name]))


BY_ANNOTATION: dict[str, st.SearchStrategy[Any]] = {
    "str": KEY,
    "int": SMALL,
    "bool": st.booleans(),
    "bytes": BLOBS,
    "datetime | None": st.none() | TIMES,
    "datetime": TIMES,
    "date | None": st.none() | DAYS,
    "date": DAYS,
    "tuple[str, ...]": FIELDS,
    "frozenset[str]": FIELDS.map(frozenset),
    "Holder": HOLDERS,
    "Mapping[str, str]": DATA,
    "Mapping[str, object]": st.dictionaries(PLAIN, JSON, max_size=3),
}

DECISIONS = st.none() | by_type(Decision, basis=ANY_TEXT)
STOCK_CLAIMS = by_type(
    StockClaim,
    entry=by_type(StockEntry),
    suspension=DECISIONS,
    checks=st.lists(st.tuples(PLAIN, DAYS), max_size=3).map(tuple),
)
PAYLOADS = by_type(
    IssuancePayload,
    number=ANY_TEXT,
    region=ANY_TEXT,
    matter_code=ANY_TEXT,
    previous=ANY_TEXT,
    decision=DECISIONS,
    stock=st.none() | STOCK_CLAIMS,
)
REQUESTS = by_type(IssuanceRequest, request_id=ID, payload=PAYLOADS, reason_detail=ANY_TEXT)
INTENTS = by_type(IssueIntent, number=ANY_TEXT, request_id=st.just("req_000001"))
REGISTRATIONS = by_type(Registration, source_name=PLAIN)
VERSIONS = by_type(
    LicenseVersion,
    version_id=ID,
    number=ANY_TEXT,
    issuer_name=PLAIN,
    artifact=by_type(Artifact),
    registration=st.none() | REGISTRATIONS,
    status_entry=st.none(),  # the register gives it
    stock=st.none() | by_type(StockEntry),
).map(lambda v: dataclasses.replace(v, artifact=dataclasses.replace(v.artifact, version_id=v.version_id)))
MOVES = by_type(MoveRecord, version_id=st.just("ver_000001"), decision=DECISIONS)
STAMPS = st.builds(StampSpec, ring_text=PLAIN, diameter_mm=st.floats(1, 99), second_line=PLAIN, number=PLAIN)
RULES = st.builds(
    SealRules,
    matters=st.lists(PLAIN, max_size=3).map(tuple),
    regions=st.lists(PLAIN, max_size=3).map(tuple),
    per_minute=st.integers(0, 1_000_000),
    manual_needed=st.integers(0, 9),
    approvers=st.lists(PLAIN, max_size=3).map(tuple),
    keepers=st.lists(PLAIN, max_size=3).map(tuple),
)
SEALS = by_type(Seal, stamp=STAMPS, owner_name=PLAIN, name=PLAIN, version=st.integers(1, 9_999), rules=RULES)
FETCHES = by_type(Fetch, operator=ANY_TEXT, purpose=ANY_TEXT, client_name=PLAIN, said=ANY_TEXT, withheld_why=ANY_TEXT)
OF_VERSION = {"version_id": st.just("ver_000001")}


@ROUNDS
@given(record=REQUESTS)
def test_requests(store: Store, record: IssuanceRequest) -> None:
    with one_round(store) as tx:
        assert tx.requests.insert(record)
        assert tx.requests.by_id(record.request_id) == record
        payload = record.payload
        key = (payload.authority_code, payload.business_no, payload.type_slug, payload.action)
        assert tx.requests.by_business_key(*key) == record


@ROUNDS
@given(record=INTENTS)
def test_intents(store: Store, record: IssueIntent) -> None:
    with one_round(store) as tx:
        assert tx.requests.insert(make_request(1))
        tx.intents.insert_all([record])
        assert tx.intents.by_requests(["req_000001"]).get("req_000001") == record


@ROUNDS
@given(record=VERSIONS)
def test_licenses(store: Store, record: LicenseVersion) -> None:
    with one_round(store) as tx:
        tx.licenses.insert(record)
        assert tx.licenses.by_version_id(record.version_id) == record
        assert tx.licenses.by_number(record.type_slug, record.number) == record
        assert tx.licenses.by_sha256(record.artifact.sha256) == record
        assert list(tx.licenses.of_holder(record.holder, limit=2)) == [record]


@ROUNDS
@given(record=MOVES)
def test_moves(store: Store, record: MoveRecord) -> None:
    with one_round(store) as tx:
        tx.licenses.insert(make_version(1, state=record.from_state))
        assert tx.licenses.move(record, revision=1, suspended_until=None)
        assert list(tx.licenses.moves_of("ver_000001")) == [record]


@ROUNDS
@given(record=SEALS)
def test_seals(store: Store, record: Seal) -> None:
    with one_round(store) as tx:
        tx.seals.upsert(record)
        assert tx.seals.by_id(record.seal_id) == record


@ROUNDS
# What came of it is written by its answer.
@given(
    record=by_type(SealReservation, seal_id=st.just("seal_001"), signature_sha256=st.just(""), answered_at=st.none())
)
def test_reservations(store: Store, record: SealReservation) -> None:
    at = record.reserved_at
    long = {"valid_from": at, "valid_until": at + timedelta(seconds=1)}
    with one_round(store) as tx:
        tx.seals.upsert(make_seal(1, **long))
        assert tx.seals.reserve([record], day_start=at, day_end=at + timedelta(days=1))
        found = list(tx.seals.unanswered(before=at + timedelta(days=1), limit=9))
        assert found == ([record] if record.result.value in {"open", "unknown"} else [])


Write = Callable[[UnitOfWork, Any], None]
Read = Callable[[UnitOfWork, Any], Any]


def took_effect(*, done: bool) -> None:
    assert done


LISTED = by_type(ListedMatter, code=ID, name=PLAIN)
MATTER_CHANGES = st.builds(
    lambda change, was: dataclasses.replace(
        change,
        version=change.now.version,
        was=was and dataclasses.replace(was, code=change.now.code),
    ),
    by_type(MatterChange, was=st.none(), now=LISTED),
    st.none() | LISTED,
)

USES: dict[str, tuple[st.SearchStrategy[Any], Write, Read]] = {
    "show": (
        by_type(Show, presenter=ANY_TEXT, members=MEMBERS, **OF_VERSION),
        lambda tx, r: tx.showing.insert_show(r),
        lambda tx, r: tx.showing.show_by_token(r.token_sha256),
    ),
    "scan": (
        by_type(Scan),
        lambda tx, r: tx.showing.insert_scan(r),
        lambda tx, r: tx.showing.scans_of([r.version_id], limit=1)[0],
    ),
    "scan of authority": (
        by_type(Scan),
        lambda tx, r: tx.showing.insert_scan(r),
        lambda tx, r: tx.showing.scans_by_authority(r.authority_code, limit=1)[0],
    ),
    "grant": (
        by_type(Grant, operator=ANY_TEXT, **OF_VERSION),
        lambda tx, r: tx.sharing.insert_grant(r),
        lambda tx, r: tx.sharing.grant_by_token(r.token_sha256),
    ),
    "fetch": (
        FETCHES,
        lambda tx, r: tx.sharing.insert_fetch(r),
        lambda tx, r: tx.sharing.fetches_of([r.version_id], limit=1, now=FAR)[0],
    ),
    "notice": (
        by_type(Notice, text=ANY_TEXT, service=by_type(Service, to=ANY_TEXT, note=ANY_TEXT), **OF_VERSION),
        lambda tx, r: tx.notices.insert(r),
        lambda tx, r: tx.notices.of_versions([r.version_id], limit=1)[0],
    ),
    "client": (
        by_type(Client, jwks=PLAIN),
        lambda tx, r: tx.access.upsert_client(r),
        lambda tx, r: tx.access.client(r.client_id),
    ),
    "person": (
        by_type(Person, name=ANY_TEXT, holder_code=ANY_TEXT, badge=ANY_TEXT),
        lambda tx, r: tx.access.upsert_person(r),
        lambda tx, r: tx.access.person(r.subject),
    ),
    "policy": (
        by_type(Policy, policy_id=ID, purpose=PLAIN, reason=PLAIN, close_reason=PLAIN),
        lambda tx, r: tx.policies.insert_closed(r),
        lambda tx, r: tx.policies.by_id(r.policy_id),
    ),
    "staff": (
        by_type(StaffMember, client_id=ID, account=ANY_TEXT, name=ANY_TEXT, division=ANY_TEXT),
        lambda tx, r: tx.staff.set_all([r]),
        lambda tx, r: tx.staff.member(r.client_id, r.account),
    ),
    "list of matters": (
        by_type(MatterListVersion, source=PLAIN, version=st.integers(1, 2**31 - 1)),
        lambda tx, r: took_effect(done=tx.matters.add_version(r)),
        lambda tx, _: tx.matters.newest_version(),
    ),
    "change of a matter": (
        MATTER_CHANGES,
        lambda tx, r: tx.matters.put([r]),
        lambda tx, r: tx.matters.changes_of(r.now.code, limit=2)[0],
    ),
    "photo": (
        st.binary(max_size=500),
        lambda *_: None,
        lambda tx, r: tx.photos.get(tx.photos.put(r)),
    ),
}


@pytest.mark.parametrize("kind", USES)
@ROUNDS
@given(data=st.data())
def test_uses_and_parties(store: Store, kind: str, data: st.DataObject) -> None:
    strategy, write, read = USES[kind]
    record = data.draw(strategy)
    with one_round(store) as tx:
        tx.licenses.insert(make_version(1))
        write(tx, record)
        assert read(tx, record) == record


@ROUNDS
@given(record=by_type(Event, position=st.just(1)))
def test_events(store: Store, record: Event) -> None:
    with one_round(store) as tx:
        tx.outbox.add(record)
        assert tx.outbox.sequence(limit=1) == 1
        assert list(tx.outbox.after(0, limit=2)) == [record]


@ROUNDS
@given(record=by_type(EvidenceRow, details=ANY_TEXT.map(str.encode), position=st.just(1)))
def test_evidence(store: Store, record: EvidenceRow) -> None:
    with one_round(store) as tx:
        tx.outbox.add_evidence(record)
        assert tx.outbox.sequence(limit=1) == 1
        assert list(tx.outbox.evidence_after(0, limit=2)) == [record]
        made = make_evidence_row(1)
        assert made.details.decode("utf-8")
