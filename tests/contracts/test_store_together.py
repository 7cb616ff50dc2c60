"""Rows that go into a table together are those that each alone would have been, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from store_records import (
    T0,
    make_client,
    make_event,
    make_evidence_row,
    make_fetch,
    make_grant,
    make_request,
    make_scan,
    make_show,
    make_version,
)

from certsvc.errors import CertsvcError, IntegrityError, InvalidInput
from certsvc.store.engine import Store

NOW = T0 + timedelta(seconds=30)
ODD = '"\\u0000" \\ \' 证\t{}[]:several %s \U00020000'
"""What JSON, SQL and the driver each read in their own way."""


def test_odd_texts_moments_and_bytes_come_back_as_they_were(store: Store) -> None:
    scans = [make_scan(n, badge=f"{ODD}{n}", at=T0 + timedelta(microseconds=n)) for n in (1, 2, 3)]
    events = [make_event(n, data={"said": ODD, "number": 2**53}) for n in (1, 2)]
    rows = [replace(make_evidence_row(n), leaf=bytes(range(256)) * n) for n in (1, 2)]
    with store.uow() as tx:
        tx.showing.insert_scans(scans)
        for event in events:
            tx.outbox.add(event)
        for row in rows:
            tx.outbox.add_evidence(row)
    with store.uow() as tx:
        tx.outbox.sequence(limit=9)
    with store.uow.read() as tx:
        assert list(tx.showing.scans_of(["ver_000001"], limit=9)) == scans[::-1]
        assert [event.data for event in tx.outbox.after(0, limit=9)] == [event.data for event in events]
        assert [(row.evidence_id, row.leaf) for row in tx.outbox.evidence_after(0, limit=9)] == [
            (row.evidence_id, row.leaf) for row in rows
        ]


def test_what_is_empty_and_what_is_given_may_stand_in_one_statement(store: Store) -> None:
    quiet = make_fetch(2, withheld_until=NOW + timedelta(days=1), withheld_why="示例依据", answer="yes", said="是否")
    with store.uow() as tx:
        tx.sharing.insert_fetches([make_fetch(1), quiet])
    with store.uow.read() as tx:
        assert list(tx.sharing.fetches_by("client_b", ["ver_000001"], limit=9)) == [quiet, make_fetch(1)]


def test_of_requests_that_share_a_key_one_is_stored(store: Store) -> None:
    twin = make_request(2, payload=make_request(1).payload)
    with store.uow() as tx:
        assert tx.requests.insert_all([make_request(1), twin, make_request(3)]) == {"req_000001", "req_000003"}
        assert tx.requests.insert_all([make_request(3), make_request(4)]) == {"req_000004"}
        assert tx.requests.insert_all([]) == set()
    with store.uow.read() as tx:
        assert [tx.requests.by_id(f"req_{n:06d}") for n in (1, 3, 4)] == [make_request(n) for n in (1, 3, 4)]


@pytest.mark.parametrize("badge", ["\0", "\ud800", "x" * 201])
def test_text_that_cannot_be_held_is_refused_and_nothing_is_written(store: Store, badge: str) -> None:
    with pytest.raises(InvalidInput), store.uow() as tx:
        tx.showing.insert_scans([make_scan(1), make_scan(2, badge=badge)])
    with store.uow.read() as tx:
        assert list(tx.showing.scans_of(["ver_000001"], limit=9)) == []


def test_a_naive_moment_is_a_mistake_of_ours(store: Store) -> None:
    with pytest.raises(RuntimeError), store.uow() as tx:
        tx.showing.insert_scans([make_scan(1, at=T0.replace(tzinfo=None))])


def test_one_that_is_there_already_undoes_all(store: Store) -> None:
    with store.uow() as tx:
        tx.showing.insert_scans([make_scan(2)])
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.showing.insert_scans([make_scan(1), make_scan(2)])
    with store.uow.read() as tx:
        assert [scan.scan_id for scan in tx.showing.scans_of(["ver_000001"], limit=9)] == ["scn_000002"]


def test_shows_are_redeemed_together_each_by_whoever_had_it(store: Store) -> None:
    shows = [make_show(n) for n in (1, 2, 3)]
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        for show in shows:
            tx.showing.insert_show(show)
    with store.uow() as tx:
        tx.showing.hold_by_tokens([show.token_sha256 for show in shows])
        tx.showing.redeem_held({"shw_000001": ODD, "shw_000003": "officer-2"}, now=NOW)
        tx.showing.redeem_held({}, now=NOW)
    with store.uow.read() as tx:
        found = tx.showing.shows(["shw_000001", "shw_000002", "shw_000003"])
    assert {show_id: (show.redeemed_by, show.redeemed_at) for show_id, show in found.items()} == {
        "shw_000001": (ODD, NOW),
        "shw_000002": ("", None),
        "shw_000003": ("officer-2", NOW),
    }
    for again in ({"shw_000001": "officer-2"}, {"shw_000002": "a", "shw_000003": "b"}, {"shw_000009": "a"}):
        with pytest.raises(RuntimeError, match="not held"), store.uow() as tx:
            tx.showing.redeem_held(again, now=NOW)
    with pytest.raises(RuntimeError, match="not held"), store.uow() as tx:
        tx.showing.redeem_held({"shw_000002": "late"}, now=NOW + timedelta(seconds=30))


def test_cases_are_bound_to_grants_that_name_none(store: Store) -> None:
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        for n, case_no in ((1, ""), (2, "BJ-0"), (3, "")):
            tx.sharing.insert_grant(make_grant(n, case_no=case_no))
        assert tx.sharing.bind_cases({"grt_000001": "BJ-“1”", "grt_000002": "BJ-2", "grt_000003": "BJ-3"}) == 2
        assert tx.sharing.bind_cases({}) == 0
    with store.uow.read() as tx:
        cases = {one.grant_id: one.case_no for one in tx.sharing.grants_of("person-1", limit=9)}
    assert cases == {"grt_000001": "BJ-“1”", "grt_000002": "BJ-0", "grt_000003": "BJ-3"}


def test_a_look_sees_what_was_committed_and_writes_nothing(store: Store) -> None:
    client = make_client(1)
    with store.uow() as tx:
        tx.access.upsert_client(client)
    with store.uow.look() as tx:
        assert tx.access.client(client.client_id) == client
    with pytest.raises((RuntimeError, CertsvcError)), store.uow.look() as tx:
        tx.access.upsert_client(client)
    with pytest.raises((RuntimeError, CertsvcError)), store.uow.look() as tx:
        tx.showing.insert_scans([make_scan(1)])
    with pytest.raises((RuntimeError, CertsvcError)), store.uow.look() as tx:
        tx.outbox.add(make_event(1))
    with store.uow.look() as tx:
        assert list(tx.showing.scans_of(["ver_000001"], limit=9)) == []
