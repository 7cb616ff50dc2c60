"""The uses of one body: filtered, in pages that end, and counted, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import product

import pytest
from store_records import ISSUER, T0, make_client, make_fetch, make_use_request

from certsvc.license.departments import GIVEN, REFUSED, UseCount, UseFilter, UseKind, kind_of
from certsvc.license.uses import Fetch
from certsvc.store.engine import Store

OTHER = "119900000000000002"
ALL = UseFilter(since=T0, before=T0 + timedelta(days=2))
MATTERS, CLIENTS, OUTCOMES = ("m1", "m2"), ("client_b", "client_c"), (GIVEN, "not_found", "no_lawful_basis")


def ledger() -> list[Fetch]:
    """Some of everything, two of another body and some at the same moment, newest first."""
    made = []
    for n, (matter, client, outcome, kind) in enumerate(product(MATTERS, CLIENTS, OUTCOMES, UseKind)):
        given = outcome == GIVEN
        fields = {UseKind.FETCH: ("number",), UseKind.COPY: ("number", "*copy"), UseKind.ANSWER: ("?valid",)}[kind]
        one = make_fetch(
            n,
            at=T0 + timedelta(seconds=n // 3),
            matter_code=matter,
            client_id=client,
            outcome=outcome,
            fields=fields if given else (),
            said="是否有效" if kind is UseKind.ANSWER else "",
            answer="yes" if kind is UseKind.ANSWER and given else "",
            type_slug="tour_guide" if n % 2 else "",
        )
        made.append(one)
    made += [make_fetch(900 + n, authority_code=OTHER) for n in range(2)]
    return sorted(made, key=lambda one: (one.at, one.fetch_id), reverse=True)


def fits(use: Fetch, wanted: UseFilter) -> bool:
    return (
        use.authority_code == ISSUER
        and wanted.since <= use.at < wanted.before
        and wanted.matter_code in {"", use.matter_code}
        and wanted.client_id in {"", use.client_id}
        and wanted.kind in {None, kind_of(use)}
        and (wanted.outcome in {"", use.outcome} or (wanted.outcome == REFUSED and use.outcome != GIVEN))
    )


@pytest.fixture
def written(store: Store) -> list[Fetch]:
    """What was written, newest first."""
    made = ledger()
    with store.uow() as tx:
        tx.sharing.insert_fetches(made)
    return made


def read_all(store: Store, wanted: UseFilter, *, limit: int, look_at: int) -> list[Fetch]:
    """Page by page until the end."""
    found: list[Fetch] = []
    behind = None
    for _ in range(200):
        with store.uow.read() as tx:
            rows, place = tx.departments.uses(ISSUER, wanted, limit=limit, look_at=look_at, behind=behind)
        assert len(rows) <= limit
        found += rows
        if place is None:
            return found
        assert behind is None or place < behind, "every page goes on"
        behind = place
    raise AssertionError("the pages do not end")


def test_every_filter_finds_what_a_plain_loop_finds_page_by_page(store: Store, written: list[Fetch]) -> None:
    late = T0 + timedelta(seconds=5)
    filters = [
        UseFilter(since=since, before=before, matter_code=matter, client_id=client, kind=kind, outcome=outcome)
        for since, before in ((ALL.since, ALL.before), (late, ALL.before), (ALL.since, late))
        for matter, client in (("", ""), ("m1", ""), ("", "client_c"), ("m2", "client_b"), ("none", ""))
        for kind in (None, *UseKind)
        for outcome in ("", GIVEN, REFUSED, "not_found", "nothing")
    ]
    for at, wanted in enumerate(filters):
        expected = [one for one in written if fits(one, wanted)]
        limit, look_at = ((3, 7), (50, 50), (1, 1), (4, 2))[at % 4]
        assert read_all(store, wanted, limit=limit, look_at=look_at) == expected, wanted


def test_counts_are_those_of_the_rows_and_of_too_many_the_newest(store: Store, written: list[Fetch]) -> None:
    mine = [one for one in written if one.authority_code == ISSUER]
    end, early = T0 + timedelta(days=1), T0 + timedelta(seconds=9)
    for since, before, most in ((T0, end, 1000), (T0 + timedelta(seconds=5), early, 1000), (T0, end, 10)):
        part = [one for one in mine if since <= one.at < before][:most]
        expected = Counter((one.matter_code, one.type_slug, kind_of(one), one.outcome) for one in part)
        with store.uow.read() as tx:
            counts = tx.departments.count_uses(ISSUER, since=since, before=before, most=most)
        found = {(one.matter_code, one.type_slug, one.kind, one.outcome): one.uses for one in counts}
        assert found == expected
        assert min(one.first for one in counts) == part[-1].at, "since when the counted ones are"
    with store.uow.read() as tx:
        assert tx.departments.count_uses("nobody", since=T0, before=end, most=9) == []


def test_bodies_and_their_uses_are_gone_through_in_order(store: Store, written: list[Fetch]) -> None:
    mine = sorted(one.at for one in written if one.authority_code == ISSUER)
    with store.uow.read() as tx:
        assert [tx.departments.next_body(behind) for behind in ("", min(ISSUER, OTHER))] == sorted({ISSUER, OTHER})
        assert tx.departments.next_body(max(ISSUER, OTHER)) == ""
        assert tx.departments.next_use(ISSUER, since=T0) == mine[0]
        later = T0 + timedelta(seconds=3)
        assert tx.departments.next_use(ISSUER, since=later) == min(at for at in mine if at >= later)
        assert tx.departments.next_use(ISSUER, since=mine[-1] + timedelta(seconds=1)) is None


def test_a_day_is_kept_once_and_days_only_in_order(store: Store) -> None:
    def count(uses: int, outcome: str = GIVEN) -> UseCount:
        return UseCount(matter_code="m", type_slug="t", kind=UseKind.COPY, outcome=outcome, uses=uses, first=T0)

    day = T0.date()
    with store.uow() as tx:
        assert tx.departments.counted_until(ISSUER) is None
        assert tx.departments.keep_day(ISSUER, day, [count(2), count(1, "not_found")])
        assert tx.departments.keep_day(ISSUER, day + timedelta(days=3), [count(5)])
        assert tx.departments.keep_day(OTHER, day, [count(7)])
    with store.uow() as tx:
        for again in (0, 2, 3):
            assert not tx.departments.keep_day(ISSUER, day + timedelta(days=again), [count(90)])
    with store.uow.read() as tx:
        assert tx.departments.counted_until(ISSUER) == day + timedelta(days=3)
        sums = {
            (first, last): {
                one.outcome: one.uses
                for one in tx.departments.kept_uses(
                    ISSUER, first=day + timedelta(days=first), last=day + timedelta(days=last)
                )
            }
            for first, last in ((0, 3), (0, 2), (1, 3), (1, 2))
        }
    assert sums == {
        (0, 3): {GIVEN: 7, "not_found": 1},
        (0, 2): {GIVEN: 2, "not_found": 1},
        (1, 3): {GIVEN: 5},
        (1, 2): {},
    }


def test_systems_and_open_requests_of_a_body(store: Store) -> None:
    with store.uow() as tx:
        for n, body in ((2, ISSUER), (1, ISSUER), (3, OTHER)):
            tx.access.upsert_client(make_client(n, authority_code=body))
        later, over = T0 + timedelta(hours=2), T0 + timedelta(minutes=1)
        for n, lapses in ((1, later), (2, over), (3, later - timedelta(hours=1))):
            tx.bases.insert_request(make_use_request(n, lapses_at=lapses))
        tx.bases.insert_request(make_use_request(4, client_id="client_c", lapses_at=later))
    with store.uow.read() as tx:
        assert [one.client_id for one in tx.access.clients_of(ISSUER, limit=9)] == ["client_1", "client_2"]
        assert [one.client_id for one in tx.access.clients_of(ISSUER, limit=1)] == ["client_1"]
        waiting = tx.bases.open_of("client_b", now=over, limit=9)
        assert [one.request_id for one in waiting] == ["urq_000003", "urq_000001"]


def test_systems_that_are_of_no_use_do_not_fill_the_list_of_those_that_are(store: Store) -> None:
    roles, other = frozenset({"using", "events"}), frozenset({"use_clerk", "using_else"})
    with store.uow() as tx:
        for n in range(3):
            tx.access.upsert_client(make_client(client_id=f"client_{n}", active=False, roles=roles))
            tx.access.upsert_client(make_client(client_id=f"client_1{n}", roles=other))
        tx.access.upsert_client(make_client(client_id="client_2x", roles=roles))
        tx.access.upsert_client(make_client(client_id="client_3x", roles=roles, authority_code=OTHER))
        assert [one.client_id for one in tx.access.active_clients_of(ISSUER, "using", limit=2)] == ["client_2x"]
