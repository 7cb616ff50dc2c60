"""What is done for many at once is what would be done for each, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from store_records import T0, make_intent, make_request, make_reservation, make_seal, make_version

from certsvc.errors import IntegrityError
from certsvc.license.request import Lane
from certsvc.seal.model import ReservationResult
from certsvc.store.engine import Store

NOW = T0 + timedelta(hours=1)
DAY = {"day_start": T0 - timedelta(hours=1), "day_end": T0 + timedelta(hours=23)}
MANY = range(1, 6)


def insert_requests(store: Store, *numbers: int, lane: Lane = Lane.LIVE) -> None:
    with store.uow() as tx:
        for n in numbers:
            assert tx.requests.insert(make_request(n, lane=lane))


def test_requests_of_one_lane_are_claimed_together_the_oldest_first(store: Store) -> None:
    insert_requests(store, 4, 2, 1)
    insert_requests(store, 3, lane=Lane.BACKFILL)
    with store.uow() as tx:
        claimed = tx.requests.claim_some(worker="w", token="t", now=NOW, lease_s=60, lane=Lane.LIVE, limit=2)
        assert [one.request.request_id for one in claimed] == ["req_000001", "req_000002"]
        assert {(one.claim_token, one.request.attempts) for one in claimed} == {("t", 1)}
        rest = tx.requests.claim_some(worker="w", token="t", now=NOW, lease_s=60, lane=Lane.LIVE, limit=9)
        assert [one.request.request_id for one in rest] == ["req_000004"]


def test_workers_who_claim_many_at_once_never_share_one(store: Store) -> None:
    insert_requests(store, *range(1, 61))

    def work(worker: int) -> list[str]:
        mine: list[str] = []
        for turn in range(10):
            with store.uow() as tx:
                claimed = tx.requests.claim_some(
                    worker=f"w{worker}", token=f"{worker}-{turn}", now=NOW, lease_s=60, lane=Lane.LIVE, limit=4
                )
            assert len(claimed) <= 4
            mine += [one.request.request_id for one in claimed]
        return mine

    with ThreadPoolExecutor(4) as pool:
        claimed = [request_id for mine in pool.map(work, range(4)) for request_id in mine]
    assert sorted(claimed) == [f"req_{n:06d}" for n in range(1, 61)]


def test_only_requests_that_are_held_are_finished_and_they_are_counted(store: Store) -> None:
    insert_requests(store, 1, 2, 3)
    with store.uow() as tx:
        claimed = tx.requests.claim_some(worker="w", token="t", now=NOW, lease_s=60, lane=Lane.LIVE, limit=9)
    ended = [(one.request.request_id, one.claim_token, "ver") for one in claimed]
    with store.uow() as tx:
        assert tx.requests.finish([*ended[:2], ("req_000003", "another", "ver")], now=NOW) == 2
        assert tx.requests.counts() == {"accepted": 1, "issued": 2, "refused": 0, "failed": 0}
        assert tx.requests.finish(ended, now=NOW) == 1


def test_intents_are_stored_renewed_and_read_together_or_not_at_all(store: Store) -> None:
    insert_requests(store, *MANY)
    with store.uow() as tx:
        tx.intents.insert_all([make_intent(n) for n in MANY])
        tx.intents.renew(["req_000001", "req_000002"], signed_at=NOW)
        found = tx.intents.by_requests([f"req_{n:06d}" for n in (1, 3, 9)])
    assert found == {"req_000001": make_intent(1, signed_at=NOW), "req_000003": make_intent(3)}
    insert_requests(store, 6, 7)
    with pytest.raises(IntegrityError), store.uow() as tx:
        tx.intents.insert_all([make_intent(6), make_intent(7, identifier=make_intent(1).identifier)])
    with store.uow.read() as tx:
        assert tx.intents.by_requests(["req_000006"]).get("req_000006") is None


def test_numbers_of_a_series_are_taken_in_a_row(store: Store) -> None:
    def take(count: int) -> range:
        with store.uow() as tx:
            return tx.intents.next_numbers("s", count)

    with ThreadPoolExecutor(4) as pool:
        taken = [n for numbers in pool.map(take, [3, 1, 5, 2]) for n in numbers]
    assert sorted(taken) == list(range(1, 12))
    assert take(1) == range(12, 13)


def test_versions_are_registered_and_found_together(store: Store) -> None:
    insert_requests(store, *MANY)
    versions = [make_version(n) for n in MANY]
    with store.uow() as tx:
        tx.intents.insert_all([make_intent(n) for n in MANY])
        tx.licenses.insert_all(versions)
    with store.uow.read() as tx:
        by_id = tx.licenses.by_version_ids([version.version_id for version in versions])
        by_identifier = tx.licenses.by_identifiers([version.identifier for version in versions] + ["unknown"])
        by_number = tx.licenses.by_numbers(versions[0].type_slug, [versions[0].number, versions[1].number, "unknown"])
        assert tx.intents.without_result(before=NOW + timedelta(days=9), limit=9) == []
        assert sum(tx.licenses.count_by_state().values()) == len(versions)
    assert {version.status_entry for version in by_id.values()} - {None}, "each has a place in a status list"
    assert len({version.status_entry for version in by_id.values()}) == len(versions)
    assert set(by_identifier) == {version.identifier for version in versions}
    assert {version.version_id for version in by_number.values()} == {"ver_000001", "ver_000002"}


def test_uses_of_a_seal_are_reserved_all_or_none(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1, daily_budget=4))
        assert not tx.seals.reserve([make_reservation(n) for n in MANY], **DAY), "five of four, on a day without uses"
        assert tx.seals.reserve([make_reservation(n) for n in (1, 2, 3)], **DAY)
        assert not tx.seals.reserve([make_reservation(n) for n in (4, 5)], **DAY)
        assert tx.seals.reserve([make_reservation(4)], **DAY)
        assert tx.seals.used_on(DAY["day_start"]) == {"seal_001": 4}


def test_uses_of_several_seals_are_no_one_reservation(store: Store) -> None:
    with store.uow() as tx, pytest.raises(RuntimeError):
        tx.seals.reserve([make_reservation(1), make_reservation(2, seal_id="seal_002")], **DAY)


def test_reservations_are_answered_and_abandoned_together(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1, daily_budget=9))
        assert tx.seals.reserve([make_reservation(n, purpose=f"issue:{n}") for n in (1, 2, 3, 4)], **DAY)
        used = [(f"res_{n:06d}", ReservationResult.USED, "ab") for n in (1, 2)]
        assert tx.seals.answer(used, now=NOW) == 2
        assert tx.seals.answer([*used, ("res_000003", ReservationResult.FAILED, "")], now=NOW) == 1
        assert tx.seals.answer([], now=NOW) == 0
        assert [one.purpose for one in tx.seals.abandon(["issue:1", "issue:4"], now=NOW)] == ["issue:4"]


def test_hours_count_several_uses_at_once(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1))
        assert tx.seal_watch.count_hour("seal_001", NOW, uses=3) == (3, False)
        assert tx.seal_watch.count_hour("seal_001", NOW, uses=4) == (7, False)


def test_photos_and_seals_that_are_not_there_are_left_out(store: Store) -> None:
    with store.uow() as tx:
        tx.seals.upsert(make_seal(1))
        first, second = tx.photos.put(b"one"), tx.photos.put(b"two")
        assert tx.photos.get_all([first, second, "photo_x"]) == {first: b"one", second: b"two"}
        assert set(tx.seals.by_ids(["seal_001", "seal_x"])) == {"seal_001"}


def test_photos_are_stored_together_each_once(store: Store) -> None:
    with store.uow() as tx:
        first = tx.photos.put(b"one")
        assert tx.photos.id_of(b"one") == first
        tx.photos.put_all([b"two", b"one", b"two"])
        tx.photos.put_all([])
    with store.uow.read() as tx:
        second = tx.photos.id_of(b"two")
        assert tx.photos.get_all([first, second]) == {first: b"one", second: b"two"}


def test_of_requests_stored_together_those_whose_keys_are_free_are_told(store: Store) -> None:
    insert_requests(store, 1)
    again = replace(make_request(9), payload=make_request(2).payload)
    with store.uow() as tx:
        assert set(tx.requests.insert_all([make_request(3), again, make_request(1), make_request(4)])) == {
            "req_000003",
            "req_000004",
            "req_000009",
        }
        assert set(tx.requests.insert_all([make_request(2), make_request(5)])) == {"req_000005"}
        assert not tx.requests.insert_all([])
    with store.uow.read() as tx:
        assert tx.requests.by_id("req_000009") == again
        assert tx.requests.by_id("req_000002") is None


def test_bound_keys_are_those_of_their_caller(store: Store) -> None:
    with store.uow() as tx:
        assert tx.receipts.bind("a", "key:1", body_hash="h", result_id="r", now=NOW)
        assert tx.receipts.bind("b", "key:2", body_hash="h", result_id="r", now=NOW)
        asked = [("a", "key:1"), ("a", "key:2"), ("b", "key:1"), ("b", "key:2"), ("c", "key:3")]
        assert set(tx.receipts.find_all(asked)) == {("a", "key:1"), ("b", "key:2")}
        assert not tx.receipts.find_all([])


def test_a_consumer_is_told_which_events_it_sees_for_the_first_time(store: Store) -> None:
    with store.uow() as tx:
        assert tx.outbox.first_times("c", ["e1", "e2", "e1"], now=NOW) == {"e1", "e2"}
        assert tx.outbox.first_times("c", ["e2", "e3"], now=NOW) == {"e3"}
        assert tx.outbox.first_times("c", [], now=NOW) == set()
        assert tx.outbox.first_times("d", ["e2"], now=NOW) == {"e2"}
