"""Requests, intents and numbers keep their promises on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_records import HOLDER, T0, make_intent, make_payload, make_request, make_version

from certsvc.errors import IntegrityError, InvalidInput
from certsvc.license.request import Action, IssuanceRequest, RequestState
from certsvc.store.engine import Store

NOW = T0 + timedelta(hours=1)


def insert_requests(store: Store, *numbers: int) -> None:
    with store.uow() as tx:
        for n in numbers:
            assert tx.requests.insert(make_request(n))


def test_a_request_comes_back_as_it_was_by_every_key(store: Store) -> None:
    request = make_request(1, event_source="urn:approvals", event_id="e-1", photo_id="photo_1")
    with store.uow() as tx:
        assert tx.requests.insert(request)
    with store.uow.read() as tx:
        assert tx.requests.by_id("req_000001") == request
        assert tx.requests.by_idempotency_key("client_a", "key-1") == request
        assert tx.requests.by_event("client_a", "urn:approvals", "e-1") == request
        payload = request.payload
        key = (payload.authority_code, payload.business_no, payload.type_slug, "issue")
        assert tx.requests.by_business_key(*key) == request
        assert tx.requests.by_idempotency_key("client_b", "key-1") is None
        assert tx.requests.by_event("client_b", "urn:approvals", "e-1") is None
        assert tx.requests.by_id("req_000002") is None


@pytest.mark.parametrize(
    "second",
    [
        make_request(2, idempotency_key="key-1"),
        make_request(2, event_source="urn:a", event_id="e"),
        make_request(2, payload=make_payload(1)),
        make_request(2, request_id="req_000001"),
    ],
    ids=["idempotency key", "event", "business key", "id"],
)
def test_a_taken_unique_key_is_answered_with_false_and_the_transaction_goes_on(
    store: Store, second: IssuanceRequest
) -> None:
    with store.uow() as tx:
        assert tx.requests.insert(make_request(1, event_source="urn:a", event_id="e"))
    with store.uow() as tx:
        assert not tx.requests.insert(second)
        assert tx.requests.insert(make_request(3))
    with store.uow.read() as tx:
        assert tx.requests.counts()["accepted"] == 2


def test_keys_that_were_not_given_bind_nobody(store: Store) -> None:
    with store.uow() as tx:
        for n in range(1, 4):
            assert tx.requests.insert(make_request(n, idempotency_key="", event_source="urn:a", event_id=""))
        assert tx.requests.by_idempotency_key("client_a", "") is None


def test_the_same_key_of_another_caller_is_another_key(store: Store) -> None:
    with store.uow() as tx:
        assert tx.requests.insert(make_request(1))
        assert tx.requests.insert(make_request(2, caller="client_b", idempotency_key="key-1"))
        other = make_payload(1, action=Action.CHANGE)
        assert tx.requests.insert(make_request(3, payload=other))


def test_fifty_threads_insert_the_same_request_and_exactly_one_wins(store: Store) -> None:
    def insert(n: int) -> bool:
        with store.uow() as tx:
            return tx.requests.insert(make_request(1, request_id=f"req_by_{n}"))

    with ThreadPoolExecutor(50) as pool:
        won = list(pool.map(insert, range(50)))
    assert sum(won) == 1
    with store.uow.read() as tx:
        assert tx.requests.counts() == {"accepted": 1, "issued": 0, "refused": 0, "failed": 0}


def test_eight_workers_claim_two_hundred_requests_each_exactly_once(store: Store) -> None:
    insert_requests(store, *range(1, 201))

    def work(worker: int) -> list[str]:
        mine: list[str] = []
        while True:
            with store.uow() as tx:
                token = f"{worker}-{len(mine)}"
                claimed = tx.requests.claim(worker=f"w{worker}", token=token, now=NOW, lease_s=60)
                if claimed is None:
                    return mine
                assert claimed.claim_token == token
            mine.append(claimed.request.request_id)

    with ThreadPoolExecutor(8) as pool:
        claimed = [request_id for mine in pool.map(work, range(8)) for request_id in mine]
    assert Counter(claimed) == {f"req_{n:06d}": 1 for n in range(1, 201)}


def test_the_oldest_request_is_claimed_first_and_attempts_are_counted(store: Store) -> None:
    insert_requests(store, 3, 1, 2)
    with store.uow() as tx:
        order = [tx.requests.claim(worker="w", token=f"t{i}", now=NOW, lease_s=60) for i in range(4)]
    assert [claimed and claimed.request.request_id for claimed in order] == [
        "req_000001",
        "req_000002",
        "req_000003",
        None,
    ]
    assert order[0] is not None
    assert order[0].request.attempts == 1
    assert order[0].request.state is RequestState.ACCEPTED
    assert order[0].request.updated_at == NOW


def test_a_request_created_in_the_future_of_the_callers_clock_waits(store: Store) -> None:
    insert_requests(store, 1)
    with store.uow() as tx:
        assert tx.requests.claim(worker="w", token="t", now=T0, lease_s=60) is None


def test_a_claimed_request_is_nobodys_until_its_lease_ran_out_and_the_loser_is_told(store: Store) -> None:
    insert_requests(store, 1)
    with store.uow() as tx:
        assert tx.requests.claim(worker="slow", token="t1", now=NOW, lease_s=60)
    almost = NOW + timedelta(seconds=59)
    late = NOW + timedelta(seconds=60)
    with store.uow() as tx:
        assert tx.requests.claim(worker="fast", token="t2", now=almost, lease_s=60) is None
        again = tx.requests.claim(worker="fast", token="t2", now=late, lease_s=60)
        assert again is not None
        assert again.request.attempts == 2
    with store.uow() as tx:
        assert not tx.requests.finish([("req_000001", "t1", "ver_x")], now=late)
        assert not tx.requests.refuse("req_000001", claim_token="t1", code="c", detail="d", now=late)
        assert not tx.requests.fail("req_000001", claim_token="t1", code="c", detail="d", next_try_at=late, now=late)
        assert tx.requests.finish([("req_000001", "t2", "ver_1")], now=late)
        assert not tx.requests.finish([("req_000001", "t2", "ver_2")], now=late)
    with store.uow.read() as tx:
        done = tx.requests.by_id("req_000001")
        assert done is not None
        assert (done.state, done.version_id) == (RequestState.ISSUED, "ver_1")


def test_a_failed_request_waits_for_its_next_try_and_comes_before_younger_ones(store: Store) -> None:
    insert_requests(store, 1, 2)
    next_try = NOW + timedelta(minutes=5)
    with store.uow() as tx:
        assert tx.requests.claim(worker="w", token="t1", now=NOW, lease_s=60)
        assert tx.requests.fail(
            "req_000001", claim_token="t1", code="unavailable", detail="对象存储不可用", next_try_at=next_try, now=NOW
        )
        failed = tx.requests.by_id("req_000001")
        assert failed is not None
        assert (failed.state, failed.reason_code, failed.reason_detail) == (
            RequestState.FAILED,
            "unavailable",
            "对象存储不可用",
        )
    with store.uow() as tx:
        before = tx.requests.claim(worker="w", token="t2", now=next_try - timedelta(seconds=1), lease_s=1)
        assert before is not None
        assert before.request.request_id == "req_000002"
    with store.uow() as tx:
        due = tx.requests.claim(worker="w", token="t3", now=next_try, lease_s=60)
        assert due is not None
        assert due.request.request_id == "req_000001"


def test_a_refused_request_keeps_its_reason_and_is_never_claimed_again(store: Store) -> None:
    insert_requests(store, 1)
    with store.uow() as tx:
        assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=1)
        assert tx.requests.refuse("req_000001", claim_token="t", code="refused", detail="持证主体已注销", now=NOW)
    with store.uow() as tx:
        assert tx.requests.claim(worker="w", token="u", now=NOW + timedelta(days=9), lease_s=1) is None
        refused = tx.requests.by_id("req_000001")
        assert refused is not None
        assert (refused.state, refused.reason_detail) == (RequestState.REFUSED, "持证主体已注销")


def test_counts_agree_with_the_rows_before_and_after_the_sequencer_folded_them(store: Store) -> None:
    insert_requests(store, *range(1, 8))
    with store.uow() as tx:
        for n in range(1, 6):
            assert tx.requests.claim(worker="w", token=f"t{n}", now=NOW, lease_s=60)
        assert tx.requests.finish([("req_000001", "t1", "v1")], now=NOW)
        assert tx.requests.finish([("req_000002", "t2", "v2")], now=NOW)
        assert tx.requests.refuse("req_000003", claim_token="t3", code="c", detail="", now=NOW)
        assert tx.requests.fail("req_000004", claim_token="t4", code="c", detail="", next_try_at=NOW, now=NOW)
    expected = {"accepted": 3, "issued": 2, "refused": 1, "failed": 1}
    for _ in range(3):
        with store.uow.read() as tx:
            assert tx.requests.counts() == expected
        with store.uow() as tx:
            tx.outbox.sequence(limit=2)


def test_stuck_lists_only_open_requests_that_nobody_touched_oldest_first(store: Store) -> None:
    insert_requests(store, 1, 2, 3, 4)
    with store.uow() as tx:
        assert tx.requests.claim(worker="w", token="t", now=NOW, lease_s=60)
        claimed = tx.requests.claim(worker="w", token="u", now=NOW, lease_s=60)
        assert claimed
        assert tx.requests.finish([(claimed.request.request_id, "u", "v")], now=NOW)
    with store.uow.read() as tx:
        assert [r.request_id for r in tx.requests.stuck(before=NOW, limit=9)] == ["req_000003", "req_000004"]
        assert [r.request_id for r in tx.requests.stuck(before=NOW, limit=1)] == ["req_000003"]
        later = NOW + timedelta(seconds=1)
        assert len(tx.requests.stuck(before=later, limit=9)) == 3


def test_an_exception_in_the_block_leaves_nothing_behind(store: Store) -> None:
    def write_and_fail() -> None:
        with store.uow() as tx:
            assert tx.requests.insert(make_request(1))
            tx.intents.next_numbers("food-2026", 1)[0]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with store.uow() as tx:
        assert tx.requests.by_id("req_000001") is None
        assert tx.intents.next_numbers("food-2026", 1)[0] == 1


def test_an_intent_comes_back_as_it_was_and_names_the_type_of_its_request(store: Store) -> None:
    insert_requests(store, 1)
    with store.uow() as tx:
        assert tx.intents.by_requests(["req_000001"]).get("req_000001") is None
        tx.intents.insert_all([make_intent(1)])
    with store.uow.read() as tx:
        assert tx.intents.by_requests(["req_000001"]).get("req_000001") == make_intent(1)


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "req_000001"},
        {"identifier": make_intent(1).identifier},
        {"version_id": make_intent(1).version_id},
        {"request_id": "req_unknown"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_intent_whose_key_is_taken_or_whose_request_is_unknown_is_refused(
    store: Store, changes: dict[str, str]
) -> None:
    insert_requests(store, 1, 2)
    with store.uow() as tx:
        tx.intents.insert_all([make_intent(1)])
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.intents.insert_all([make_intent(2, **changes)])


def test_the_same_number_serves_the_next_version_and_another_type(store: Store) -> None:
    with store.uow() as tx:
        assert tx.requests.insert(make_request(1))
        assert tx.requests.insert(make_request(2))
        assert tx.requests.insert(make_request(3, payload=make_payload(3, type_slug="business-license")))
        tx.intents.insert_all([make_intent(1)])
        tx.intents.insert_all([make_intent(2, number=make_intent(1).number, version=2)])
        tx.intents.insert_all([make_intent(3, number=make_intent(1).number)])


def test_a_resumed_intent_seals_at_its_new_time_and_a_registered_one_keeps_its_own(store: Store) -> None:
    insert_requests(store, 1, 2)
    with store.uow() as tx:
        for n in (1, 2):
            tx.intents.insert_all([make_intent(n)])
        tx.licenses.insert(make_version(2))
        for n in (1, 2):
            tx.intents.renew([f"req_{n:06d}"], signed_at=NOW)
    with store.uow.read() as tx:
        assert tx.intents.by_requests(["req_000001"]).get("req_000001") == make_intent(1, signed_at=NOW)
        assert tx.intents.by_requests(["req_000002"]).get("req_000002") == make_intent(2)


def test_a_dropped_intent_frees_its_identifier_and_a_registered_one_stays(store: Store) -> None:
    insert_requests(store, 1, 2, 3)
    with store.uow() as tx:
        for n in (1, 2):
            tx.intents.insert_all([make_intent(n)])
        tx.licenses.insert(make_version(2))
        for n in (1, 2):
            tx.intents.drop(f"req_{n:06d}")
        tx.intents.drop("req_000003")
        assert tx.intents.by_requests(["req_000001"]).get("req_000001") is None
        assert tx.intents.by_requests(["req_000002"]).get("req_000002") == make_intent(2)
        again = make_intent(3, identifier=make_intent(1).identifier, version_id=make_intent(1).version_id)
        tx.intents.insert_all([again])
        assert tx.intents.by_requests(["req_000003"]).get("req_000003") == again


def test_a_key_is_bound_once_for_each_caller(store: Store) -> None:
    long = "k" * 100_000

    def bind(n: int) -> bool:
        with store.uow() as tx:
            return tx.receipts.bind("client_a", "key-1", body_hash=f"hash-{n}", result_id=f"req_{n}", now=NOW)

    with ThreadPoolExecutor(20) as pool:
        won = [n for n, took in enumerate(pool.map(bind, range(20))) if took]
    assert len(won) == 1
    with store.uow() as tx:
        assert tx.receipts.find("client_a", "key-1") == (f"hash-{won[0]}", f"req_{won[0]}")
        assert tx.receipts.find("client_b", "key-1") is None
        assert tx.receipts.find("client_a", "key-2") is None
        assert tx.receipts.bind("client_b", "key-1", body_hash="h", result_id="r", now=NOW)
        assert tx.receipts.bind("client_a", long, body_hash="h", result_id="r", now=NOW)
        assert tx.receipts.find("client_a", long) == ("h", "r")


def test_intents_without_a_registered_license_are_listed_for_the_reconciler(store: Store) -> None:
    insert_requests(store, 1, 2, 3)
    with store.uow() as tx:
        for n in (1, 2, 3):
            tx.intents.insert_all([make_intent(n)])
        tx.licenses.insert(make_version(2))
    with store.uow.read() as tx:
        found = tx.intents.without_result(before=make_intent(3).signed_at, limit=9)
        assert list(found) == [make_intent(1)]
        assert len(tx.intents.without_result(before=NOW, limit=9)) == 2
        assert len(tx.intents.without_result(before=NOW, limit=1)) == 1


def test_numbers_of_a_series_count_from_one_and_are_never_given_twice(store: Store) -> None:
    def take(_: int) -> int:
        with store.uow() as tx:
            return tx.intents.next_numbers("food-2026-990100", 1)[0]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, range(60))) == list(range(1, 61))
    with store.uow() as tx:
        assert tx.intents.next_numbers("another", 1)[0] == 1


@pytest.mark.parametrize("bad", ["x" * 201, "a\0b", "\ud800"], ids=["too long", "NUL", "lone surrogate"])
def test_text_that_a_database_cannot_index_is_the_callers_mistake(store: Store, bad: str) -> None:
    with pytest.raises(InvalidInput), store.uow() as tx:
        tx.requests.insert(make_request(1, idempotency_key=bad))
    with pytest.raises(InvalidInput), store.uow.read() as tx:
        tx.requests.by_idempotency_key("client_a", bad)


def test_a_key_that_is_no_text_is_the_callers_mistake(store: Store) -> None:
    with store.uow.read() as tx, pytest.raises(InvalidInput):
        tx.receipts.find("client_a", "\ud800")
    with pytest.raises(InvalidInput), store.uow() as tx:
        tx.access.remember_once("\ud800", until=NOW, now=T0)


def test_personal_text_may_hold_nul_because_it_is_encrypted_but_no_lone_surrogate(store: Store) -> None:
    with_nul = make_request(1, payload=make_payload(1, holder=dataclasses.replace(HOLDER, name="甲\0乙")))
    with store.uow() as tx:
        assert tx.requests.insert(with_nul)
        assert tx.requests.by_id("req_000001") == with_nul
    with pytest.raises(InvalidInput), store.uow() as tx:
        tx.requests.insert(make_request(2, payload=make_payload(2, data={"address": "\udfff"})))
