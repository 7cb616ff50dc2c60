"""Use requests, consents at a counter, withheld uses and counts keep their promises on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from store_records import (
    HOLDER,
    T0,
    make_counter,
    make_fetch,
    make_grant,
    make_party,
    make_use_request,
    make_version,
    make_withholding,
)

from certsvc.errors import IntegrityError
from certsvc.license.consents import RequestState, WithholdState
from certsvc.license.model import Holder
from certsvc.store.engine import Store

OTHER = Holder(name="示例旁人", code="990101199001015678", code_type="111")
DAY = T0.date()


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """What so many callers get that begin together."""
    start = threading.Barrier(count)

    def one(n: int) -> Any:
        start.wait(10)
        return call(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_request_is_answered_once_and_in_time(store: Store) -> None:
    request, late = make_use_request(1), make_use_request(2, lapses_at=T0 + timedelta(seconds=1))
    with store.uow() as tx:
        for one in (request, late):
            tx.bases.insert_request(one)
        tx.bases.insert_party(make_party(1))
        tx.bases.insert_party(make_party(2, holder=OTHER, version_id="ver_000001"))
        assert tx.bases.request("urq_000001", hold=True) == request
        assert tx.bases.requests(["urq_000001", "urq_x"]) == {"urq_000001": request}
        assert [tx.bases.count_open("client_b", who, now=T0) for who in (None, HOLDER, OTHER)] == [2, 2, 0]
        assert tx.bases.count_open("client_b", HOLDER, now=late.lapses_at) == 1
        assert not tx.bases.close_request("urq_000002", RequestState.CONFIRMED, now=late.lapses_at)
        assert [one.party_id for one in tx.bases.parties_with([HOLDER, OTHER], limit=9)] == ["upt_000002", "upt_000001"]
        assert next(iter(tx.bases.parties_of("urq_000001"))) == make_party(1)

    def close(n: int) -> bool:
        with store.uow() as tx:
            state = RequestState.CONFIRMED if n % 2 else RequestState.DECLINED
            return tx.bases.close_request("urq_000001", state, now=T0)

    assert sum(at_once(6, close)) == 1

    def answer(n: int) -> bool:
        with store.uow() as tx:
            answered = make_party(1, state=RequestState.CONFIRMED, answered_by=f"p{n}", basis="own")
            return tx.bases.answer_party(answered, now=T0)

    assert sum(at_once(6, answer)) == 1
    with store.uow.read() as tx:
        assert tx.bases.count_open("client_b", None, now=T0) == 1


def test_a_no_is_found_by_holder_and_case_and_what_was_chosen_comes_back(store: Store) -> None:
    request = make_use_request(1)
    with store.uow() as tx:
        tx.bases.insert_request(request)
        tx.bases.insert_party(make_party(1))
        case = (request.matter_code, request.case_no)
        before = T0 - timedelta(seconds=1)
        assert not tx.bases.declined(HOLDER, *case, since=before)
        assert tx.bases.close_request("urq_000001", RequestState.DECLINED, now=T0)
        assert tx.bases.declined(HOLDER, *case, since=before)
        assert not tx.bases.declined(HOLDER, *case, since=T0)
        assert not tx.bases.declined(OTHER, *case, since=before)
        assert not tx.bases.declined(HOLDER, request.matter_code, "BJ-other", since=before)
        chosen = {"food_operation": "lic_000001"}
        answered = make_party(1, state=RequestState.CONFIRMED, answered_by="p", basis="own", chosen=chosen)
        assert tx.bases.answer_party(answered, now=T0)
        [found] = tx.bases.parties_of("urq_000001")
        assert found.chosen == chosen


def test_a_consent_on_paper_and_its_picture_come_back(store: Store) -> None:
    with store.uow() as tx:
        tx.bases.insert_counter(make_counter(1))
        assert tx.bases.counters(["cns_000001", "cns_x"]) == {"cns_000001": make_counter(1)}
        sealed = tx.bases.seal_picture("cns_000001", b"picture")
        assert tx.bases.open_picture("cns_000001", sealed) == b"picture"
        with pytest.raises(IntegrityError):
            tx.bases.open_picture("cns_000002", sealed)


def test_a_withholding_is_decided_once(store: Store) -> None:
    with store.uow() as tx:
        tx.bases.insert_withholding(make_withholding(1))
        tx.bases.insert_withholding(make_withholding(2))
        assert [
            one.withholding_id for one in tx.bases.withholdings_of(make_withholding(1).authority_code, limit=9)
        ] == [
            "whd_000002",
            "whd_000001",
        ]

    def decide(n: int) -> bool:
        with store.uow() as tx:
            return tx.bases.decide_withholding("whd_000001", WithholdState.APPROVED, by=f"p{n}", now=T0)

    assert sum(at_once(6, decide)) == 1
    with store.uow.read() as tx:
        found = tx.bases.withholdings(["whd_000001"])["whd_000001"]
    assert found.covers(found.matter_code, found.case_no, T0)
    assert not found.covers(found.matter_code, "BJ-2", T0)
    assert not found.covers(found.matter_code, found.case_no, found.until)


def test_questions_are_counted_no_further_than_allowed(store: Store) -> None:
    def count(_: int) -> bool:
        with store.uow() as tx:
            return tx.bases.count_ask("c", DAY, "person", most=4)

    assert sum(at_once(8, count)) == 4
    with store.uow() as tx:
        assert tx.bases.count_ask("c", DAY, "another", most=1)
        assert tx.bases.count_ask("d", DAY, "person", most=1)
        assert tx.bases.count_ask("c", DAY + timedelta(days=1), "person", most=1)
        assert not tx.bases.count_ask("c", DAY, "another", most=1)


def test_a_withheld_use_is_seen_from_its_moment_on_and_told_once(store: Store) -> None:
    until = T0 + timedelta(days=1)
    with store.uow() as tx:
        tx.sharing.insert_fetches([make_fetch(1), make_fetch(2, withheld_until=until, withheld_why="依法")])
        before, later = until - timedelta(microseconds=1), until
        for now in (None, before):
            assert [row.fetch_id for row in tx.sharing.fetches_of(["ver_000001"], limit=1, now=now)] == ["fet_000001"]
        own = tx.sharing.fetches_by("client_b", ["ver_000001"], limit=9)
        assert [row.fetch_id for row in own] == ["fet_000002", "fet_000001"], "a client's own are never kept from it"
        assert list(tx.sharing.fetches_by("client_a", ["ver_000001"], limit=9)) == []
        seen = tx.sharing.fetches_of(["ver_000001"], limit=9, now=later)
        assert [row.fetch_id for row in seen] == ["fet_000002", "fet_000001"]
        assert seen[0].withheld_why == "依法"
        assert tx.sharing.withheld_to_tell(now=before, limit=9) == []
        assert [row.fetch_id for row in tx.sharing.withheld_to_tell(now=later, limit=9)] == ["fet_000002"]

    def tell(_: int) -> bool:
        with store.uow() as tx:
            return tx.sharing.told("fet_000002", now=until)

    assert sum(at_once(4, tell)) == 1


def test_what_rests_on_a_ground_that_ended_is_withdrawn_and_nothing_else(store: Store) -> None:
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
        rows = [
            make_grant(1, basis="delegation", basis_id="dlg_1", consent_id="urq_1"),
            make_grant(2, basis="delegation", basis_id="dlg_2", consent_id="urq_1"),
            make_grant(3),
            make_grant(4, basis="delegation", basis_id="dlg_1", used_at=T0),
        ]
        for row in rows:
            tx.sharing.insert_grant(row)
        assert [one.grant_id for one in tx.sharing.hold_of_consents(["urq_1", "urq_x"])] == ["grt_000001", "grt_000002"]
        assert set(tx.sharing.hold_by_tokens([rows[2].token_sha256, "x"])) == {rows[2].token_sha256}
        assert tx.sharing.withdraw_under(["dlg_1", "dlg_x"], now=T0) == ["grt_000001"]
        assert tx.sharing.withdraw_under([], now=T0) == []
        assert not tx.sharing.use_grants(["grt_000001"], now=T0)
        assert not tx.sharing.answer_under("grt_000001", most=9, now=T0)
        assert [tx.sharing.answer_under("grt_000004", most=2, now=T0) for _ in range(3)] == [True, True, False]
        assert tx.sharing.use_grants(["grt_000002"], now=T0)
        assert len(tx.sharing.grants_over(["ver_000001"], limit=9)) == 4
