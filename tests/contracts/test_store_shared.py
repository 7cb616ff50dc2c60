"""Short units of work that share a commit: each stands or falls alone, none returns before the disk has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from store_records import make_request

from certsvc.errors import Unavailable
from certsvc.store.engine import Store

UNITS = 8


@contextmanager
def counted_commits(store: Store, fault: Callable[[int], None] | None = None) -> Iterator[list[None]]:
    """Commits of whoever writes in ``store``, and nowhere else: services of other tests may run in this process.

    ``fault`` is called before each, with how many there were before it.
    """
    seen: list[None] = []

    def committing(_: Connection) -> None:
        seen.append(None)
        if fault is not None:
            fault(len(seen) - 1)

    engine = store._engines[0]
    event.listen(engine, "commit", committing)
    try:
        yield seen
    finally:
        event.remove(engine, "commit", committing)


def insert(store: Store, n: int, *, fails: bool = False) -> bool:
    with store.uow.shared() as tx:
        inserted = tx.requests.insert(make_request(n))
        if fails:
            raise ZeroDivisionError
        return inserted


def all_at_once(store: Store, work: Callable[[int], bool]) -> list[Future[bool]]:
    """Every unit waits for its turn before the first has it: on SQLite behind a writer, so that they come together."""
    with ThreadPoolExecutor(UNITS) as pool, store.uow():
        started = [pool.submit(work, n) for n in range(1, UNITS + 1)]
        deadline = time.monotonic() + 60
        while waiting(store) < UNITS and time.monotonic() < deadline:
            time.sleep(0.01)
    return started


def waiting(store: Store) -> int:
    """How many wait for their turn; all do at once where writers do not wait for each other."""
    shared = store.uow._shared
    return UNITS if shared is None else len(shared._turnstile._waiting)


def stored(store: Store) -> set[int]:
    with store.uow.read() as tx:
        return {n for n in range(1, UNITS + 1) if tx.requests.by_id(f"req_{n:06d}") is not None}


def test_units_that_come_together_are_committed_together_where_there_is_one_writer(sqlite_store: Store) -> None:
    with counted_commits(sqlite_store) as commits:
        done = all_at_once(sqlite_store, lambda n: insert(sqlite_store, n))
    assert [future.result() for future in done] == [True] * UNITS
    assert stored(sqlite_store) == set(range(1, UNITS + 1))
    assert len(commits) == 2, "the one that they waited for, and theirs"


def test_a_unit_that_raises_undoes_its_own_work_only(store: Store) -> None:
    done = all_at_once(store, lambda n: insert(store, n, fails=n % 3 == 0))
    failed = [n for n, future in enumerate(done, start=1) if isinstance(future.exception(), ZeroDivisionError)]
    assert failed == [3, 6]
    assert stored(store) == set(range(1, UNITS + 1)) - {3, 6}


def test_the_same_key_in_one_commit_is_stored_once(store: Store) -> None:
    done = all_at_once(store, lambda _: insert(store, 1))
    assert sorted(future.result() for future in done) == [False] * (UNITS - 1) + [True]


def test_when_the_commit_fails_every_unit_is_told_and_nothing_is_there(sqlite_store: Store) -> None:
    def full(before: int) -> None:
        if before == 1:
            raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    with counted_commits(sqlite_store, full) as commits:
        done = all_at_once(sqlite_store, lambda n: insert(sqlite_store, n, fails=n == 2))
        assert len(commits) == 2
        for future in done:
            assert isinstance(future.exception(), Unavailable), "also the one that raised: what it saw is not there"
        assert stored(sqlite_store) == set()
        assert insert(sqlite_store, 1), "the next one finds the store in order"
    assert stored(sqlite_store) == {1}


def test_a_unit_of_its_own_whose_commit_fails_leaves_the_connection_usable(sqlite_store: Store) -> None:
    def full(before: int) -> None:
        if before == 0:
            raise OperationalError("COMMIT", None, Exception("database or disk is full"))

    def write() -> bool:
        with sqlite_store.uow() as tx:
            return tx.requests.insert(make_request(1))

    with counted_commits(sqlite_store, full):
        with pytest.raises(Unavailable):
            write()
        assert write(), "not there, and can be written"


def test_a_writer_of_its_own_shares_with_nobody(sqlite_store: Store) -> None:
    def own(n: int) -> bool:
        with sqlite_store.uow() as tx:
            return tx.requests.insert(make_request(n))

    with counted_commits(sqlite_store) as commits:
        done = all_at_once(sqlite_store, lambda n: own(n) if n % 2 else insert(sqlite_store, n))
    assert all(future.result() for future in done)
    assert len(commits) > UNITS // 2
