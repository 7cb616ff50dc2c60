"""The outbox gives positions that no reader can miss, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_records import T0, make_event, make_evidence_row

from certsvc.errors import IntegrityError
from certsvc.store.engine import Store


def add(store: Store, *numbers: int) -> None:
    with store.uow() as tx:
        for n in numbers:
            tx.outbox.add(make_event(n))


def sequence(store: Store, limit: int = 1000) -> int:
    with store.uow() as tx:
        return tx.outbox.sequence(limit=limit)


def feed(store: Store, after: int = 0, limit: int = 1000) -> list[tuple[int, str]]:
    with store.uow.read() as tx:
        return [(event.position, event.event_id) for event in tx.outbox.after(after, limit=limit)]


def test_an_event_is_not_in_the_feed_before_it_has_a_position_and_then_comes_back_as_it_was(store: Store) -> None:
    add(store, 1)
    assert feed(store) == []
    assert sequence(store) == 1
    with store.uow.read() as tx:
        assert list(tx.outbox.after(0, limit=10)) == [make_event(1, position=1)]


def test_positions_follow_the_order_of_insertion_without_gaps_over_several_rounds(store: Store) -> None:
    add(store, *range(1, 8))
    assert [sequence(store, 3) for _ in range(4)] == [3, 3, 1, 0]
    add(store, 8)
    assert sequence(store) == 1
    assert feed(store) == [(n, f"evt_{n:06d}") for n in range(1, 9)]
    assert feed(store, after=5, limit=2) == [(6, "evt_000006"), (7, "evt_000007")]


def test_events_and_evidence_are_numbered_apart(store: Store) -> None:
    with store.uow() as tx:
        for n in (1, 2):
            tx.outbox.add(make_event(n))
        for n in (1, 2, 3):
            tx.outbox.add_evidence(make_evidence_row(n))
    assert sequence(store) == 5
    with store.uow.read() as tx:
        rows = tx.outbox.evidence_after(0, limit=10)
        assert [(row.position, row.evidence_id) for row in rows] == [
            (1, "evd_000001"),
            (2, "evd_000002"),
            (3, "evd_000003"),
        ]
        expected = make_evidence_row(2)
        assert (rows[1].salt, rows[1].leaf, rows[1].details) == (expected.salt, expected.leaf, expected.details)
        assert rows[1].at == expected.at
        assert [row.position for row in tx.outbox.evidence_after(1, limit=1)] == [2]


def test_an_event_id_is_unique_within_its_source(store: Store) -> None:
    add(store, 1)
    with pytest.raises(IntegrityError):
        add(store, 2, 1)
    with store.uow() as tx:
        tx.outbox.add(make_event(1, source="https://other.example"))
    assert sequence(store) == 2


def test_a_rolled_back_event_never_gets_a_position(store: Store) -> None:
    def write_and_fail() -> None:
        with store.uow() as tx:
            tx.outbox.add(make_event(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    add(store, 2)
    assert sequence(store) == 1
    assert feed(store) == [(1, "evt_000002")]


def test_a_row_that_commits_late_gets_a_later_position_so_no_reader_misses_it(postgres_store: Store) -> None:
    """Two transactions: the first inserts first and commits last (SQLite has one writer, so it cannot happen there)."""
    store = postgres_store
    inserted, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with store.uow() as tx:
            tx.outbox.add(make_event(1))
            inserted.set()
            assert may_commit.wait(30)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow)
        assert inserted.wait(30)
        add(store, 2)
        assert sequence(store) == 1
        assert feed(store) == [(1, "evt_000002")]
        may_commit.set()
        running.result()
    assert sequence(store) == 1
    assert feed(store, after=1) == [(2, "evt_000001")]


def test_a_reader_that_follows_positions_sees_every_event_once_while_many_write(store: Store) -> None:
    stop = threading.Event()
    seen: list[str] = []

    def write(worker: int) -> None:
        for n in range(25):
            with store.uow() as tx:
                tx.outbox.add(make_event(worker * 1000 + n))
                tx.outbox.add(make_event(worker * 1000 + 500 + n))

    def follow() -> None:
        position = 0
        while True:
            last_round = stop.is_set()
            for found, event_id in feed(store, after=position, limit=7):
                assert found == position + 1
                position = found
                seen.append(event_id)
            if last_round and not feed(store, after=position):
                return

    def sequence_until_done() -> None:
        while not stop.is_set():
            sequence(store, 5)

    with ThreadPoolExecutor(6) as pool:
        reader = pool.submit(follow)
        sequencers = [pool.submit(sequence_until_done) for _ in range(2)]
        for writer in [pool.submit(write, worker) for worker in range(3)]:
            writer.result()
        while sequence(store, 50):
            pass
        stop.set()
        reader.result()
        for sequencer in sequencers:
            sequencer.result()
    assert len(seen) == len(set(seen)) == 150


def test_a_lease_has_one_owner_until_it_runs_out(store: Store) -> None:
    def take(n: int) -> bool:
        with store.uow() as tx:
            return tx.outbox.lease("sequencer", owner=f"relay-{n}", now=T0, lease_s=10)

    with ThreadPoolExecutor(10) as pool:
        took = list(pool.map(take, range(10)))
    assert sum(took) == 1
    owner, other = f"relay-{took.index(True)}", "relay-x"
    almost, later = T0 + timedelta(seconds=9), T0 + timedelta(seconds=19)
    with store.uow() as tx:
        assert not tx.outbox.lease("sequencer", owner=other, now=almost, lease_s=10)
        assert tx.outbox.lease("sequencer", owner=owner, now=almost, lease_s=10)
        assert not tx.outbox.lease("sequencer", owner=other, now=T0 + timedelta(seconds=11), lease_s=10)
        assert tx.outbox.lease("sequencer", owner=other, now=later, lease_s=10)
        assert not tx.outbox.lease("sequencer", owner=owner, now=later, lease_s=10)
        assert tx.outbox.lease("broker", owner=owner, now=later, lease_s=10)


def test_a_lease_is_given_up_by_name_and_by_its_owner_alone(store: Store) -> None:
    def took(name: str, owner: str) -> bool:
        with store.uow() as tx:
            return tx.outbox.lease(name, owner=owner, now=T0, lease_s=10)

    assert all(took(name, "one") for name in ("log", "sequencer", "relay:webhooks"))
    with store.uow() as tx:
        tx.outbox.release("log", owner="other")
    assert not took("log", "other"), "nobody gives up what is another's"
    with store.uow() as tx:
        tx.outbox.release("log", "log:stamp", owner="one")
    assert took("log", "other")
    assert not took("sequencer", "other"), "another loop of the process still works under it"
    assert not took("relay:webhooks", "other")


def test_a_cursor_stands_where_its_consumer_left_it(store: Store) -> None:
    with store.uow() as tx:
        assert tx.outbox.cursor("webhooks") == 0
        tx.outbox.advance("webhooks", position=7)
        tx.outbox.advance("webhooks", position=9)
        tx.outbox.advance("broker", position=1)
    with store.uow.read() as tx:
        assert (tx.outbox.cursor("webhooks"), tx.outbox.cursor("broker")) == (9, 1)


def test_a_consumer_sees_an_event_for_the_first_time_once(store: Store) -> None:
    def see(_: int) -> bool:
        with store.uow() as tx:
            return tx.outbox.first_time("notices", "evt_1", now=T0)

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(see, range(10))) == 1
    with store.uow() as tx:
        assert tx.outbox.first_time("webhooks", "evt_1", now=T0)
        assert tx.outbox.first_time("notices", "evt_2", now=T0)
