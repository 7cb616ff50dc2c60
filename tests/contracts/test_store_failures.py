"""What goes wrong in a database comes out in our own words, and the store works again afterwards."""

from __future__ import annotations

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgres_process import PostgresProcess
from store_records import T0, make_request, make_version

from certsvc.errors import ConfigurationError, IntegrityError, SchemaBehind, Unavailable
from certsvc.license.clock_mark import ClockMark
from certsvc.signing.cipher import ColumnCipher
from certsvc.store import migrate
from certsvc.store.engine import Store, open_store, writing_engine
from certsvc.store.turnstile import Turnstile


@pytest.fixture
def impatient(database_url: str, cipher: ColumnCipher) -> Iterator[Store]:
    """A store that waits a fifth of a second for anything."""
    opened = open_store(database_url, cipher, wait_s=0.2, pool_size=3)
    yield opened
    opened.close()


def test_a_lock_that_another_transaction_holds_is_unavailable_and_then_free(impatient: Store) -> None:
    with impatient.uow() as tx:
        assert tx.intents.next_numbers("s", 1)[0] == 1

        def wait() -> None:
            with impatient.uow() as other:
                other.intents.next_numbers("s", 1)[0]

        with ThreadPoolExecutor(1) as pool, pytest.raises(Unavailable):
            pool.submit(wait).result()
    with impatient.uow() as tx:
        assert tx.intents.next_numbers("s", 1)[0] == 2


def test_when_every_connection_is_busy_a_reader_is_told_so(impatient: Store) -> None:
    release, inside = threading.Event(), threading.Barrier(4)

    def read() -> None:
        with impatient.uow.read() as tx:
            tx.requests.by_id("x")
            inside.wait(10)
            release.wait(10)

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        inside.wait(10)
        with pytest.raises(Unavailable), impatient.uow.read():
            pass
        release.set()
        for reader in readers:
            reader.result()
    with impatient.uow.read() as tx:
        assert tx.requests.by_id("x") is None


def test_a_read_does_not_wait_for_a_writer_and_sees_what_was_committed(store: Store) -> None:
    with store.uow() as writer:
        assert writer.requests.insert(make_request(1))
        with store.uow.read() as reader:
            assert reader.requests.by_id("req_000001") is None


def test_a_read_sees_one_snapshot(store: Store) -> None:
    with store.uow.read() as reader:
        assert reader.requests.by_id("req_000001") is None
        with store.uow() as writer:
            assert writer.requests.insert(make_request(1))
        assert reader.requests.by_id("req_000001") is None
    with store.uow.read() as reader:
        assert reader.requests.by_id("req_000001") is not None


def test_a_write_in_a_read_only_unit_of_work_is_our_own_mistake(store: Store) -> None:
    with store.uow.read() as tx, pytest.raises(RuntimeError, match="read-only"):
        tx.requests.insert(make_request(1))
    with store.uow.read() as tx, pytest.raises(RuntimeError, match="read-only"):
        tx.intents.next_numbers("s", 1)[0]
    with store.uow.read() as tx, pytest.raises(RuntimeError, match="read-only"):
        tx.requests.claim(worker="w", token="t", now=T0, lease_s=1)


def test_a_unit_of_work_that_has_ended_is_of_no_use(store: Store) -> None:
    with store.uow() as tx:
        assert tx.requests.insert(make_request(1))
    with pytest.raises(RuntimeError):
        tx.requests.by_id("req_000001")


def test_an_error_that_the_block_swallows_ends_the_unit_of_work_all_the_same(store: Store) -> None:
    """Else PostgreSQL would roll back in silence, and SQLite would keep a version without its artifact."""
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
    artifact = dataclasses.replace(make_version(2).artifact, sha256=make_version(1).artifact.sha256)

    def swallow() -> None:
        with store.uow() as tx:
            assert tx.requests.insert(make_request(1))
            with pytest.raises(IntegrityError):
                tx.licenses.insert(make_version(2, artifact=artifact))
            with pytest.raises(RuntimeError, match="has failed"):
                tx.requests.by_id("req_000001")

    with pytest.raises(IntegrityError):
        swallow()
    with store.uow.read() as tx:
        assert tx.licenses.by_version_id("ver_000002") is None
        assert tx.requests.by_id("req_000001") is None


def test_a_server_that_stops_is_unavailable_and_found_again_when_it_is_back(cipher: ColumnCipher) -> None:
    server = PostgresProcess(durable=True)
    try:
        server.start()
        migrate.upgrade(server.url())
        store = open_store(server.url(), cipher, pool_size=2)
        with store.uow() as tx:
            assert tx.requests.insert(make_request(1))

        def commit_to_a_dead_server() -> None:
            with store.uow() as tx:
                assert tx.requests.insert(make_request(2))
                server.stop(immediate=True)

        with pytest.raises(Unavailable):
            commit_to_a_dead_server()
        with pytest.raises(Unavailable):
            store.ping()
        with pytest.raises(Unavailable), store.uow.read():
            pass
        server.start()
        found = read_until_available(store)
        assert found == {"req_000001": True, "req_000002": False}
        store.ping()
        store.close()
    finally:
        server.close()


def read_until_available(store: Store) -> dict[str, bool]:
    """Each connection of the pool may have died: at most one error per connection."""
    for _ in range(3):
        try:
            with store.uow.read() as tx:
                return {key: tx.requests.by_id(key) is not None for key in ("req_000001", "req_000002")}
        except Unavailable:
            continue
    pytest.fail("the store did not come back")


def test_a_server_that_was_never_there_is_unavailable_but_opening_is_not_refused(cipher: ColumnCipher) -> None:
    store = open_store("postgresql://postgres@127.0.0.1:1/none", cipher)
    with pytest.raises(Unavailable):
        store.ping()
    store.close()


def test_another_process_that_writes_to_the_file_is_waited_for_and_then_reported(
    sqlite_url: str, cipher: ColumnCipher
) -> None:
    store = open_store(sqlite_url, cipher, wait_s=0.2)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable), store.uow():
        pass
    other.execute("ROLLBACK")
    other.close()
    with store.uow() as tx:
        assert tx.requests.insert(make_request(1))
    store.close()


def test_a_file_that_is_no_database_is_an_integrity_error(tmp_path: Path, cipher: ColumnCipher) -> None:
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"not a database" * 1000)
    store = open_store(f"sqlite:///{path}", cipher)
    with pytest.raises(IntegrityError):
        store.ping()
    with pytest.raises(IntegrityError), store.uow():
        pass
    store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "nonsense", ""])
def test_a_url_that_cannot_be_used_is_refused_by_name(url: str, cipher: ColumnCipher) -> None:
    with pytest.raises(ConfigurationError, match="database_url"):
        open_store(url, cipher)


def test_sqlite_is_opened_durably(sqlite_store: Store) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    for engine in sqlite_store._engines:
        with engine.connect() as connection:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
        assert found == wanted


WRITER = """
import sys
sys.path[:0] = {path!r}
from certsvc.ids import SystemIds
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.master_key import MasterKey
from certsvc.store.engine import open_store
from store_records import make_request
store = open_store({url!r}, ColumnCipher(MasterKey(bytes(31) + b"\\x01"), SystemIds()))
for n in range({first}, {first} + 100_000):
    with store.uow() as tx:
        assert tx.requests.insert(make_request(n))
    print(n, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill_and_the_file_stays_whole(
    sqlite_url: str, cipher: ColumnCipher, repo_root: Path
) -> None:
    acknowledged: list[int] = []
    for round_no in range(4):
        script = WRITER.format(path=[str(repo_root), str(repo_root / "tests")], url=sqlite_url, first=round_no * 10**6)
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            acknowledged += [int(process.stdout.readline()) for _ in range(30 + round_no * 17)]
            os.kill(process.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout.read().splitlines(keepends=True) if line[-1] == "\n"]
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    store = open_store(sqlite_url, cipher)
    with store.uow.read() as tx:
        assert len(acknowledged) >= 4 * 30
        assert [n for n in acknowledged if tx.requests.by_id(f"req_{n:06d}") != make_request(n)] == []
    store.close()


def test_a_turnstile_lets_everyone_through_in_the_order_of_coming() -> None:
    turnstile = Turnstile(wait_s=10)
    order: list[int] = []

    def enter(n: int) -> None:
        with turnstile.turn():
            order.append(n)

    threads = [threading.Thread(target=enter, args=(n,)) for n in range(5)]
    with turnstile.turn():
        for count, thread in enumerate(threads, start=1):
            thread.start()
            while len(turnstile._waiting) < count:
                pass
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_one_who_gave_up_at_a_turnstile_is_not_let_in_later() -> None:
    turnstile = Turnstile(wait_s=0.05)
    with turnstile.turn(), pytest.raises(Unavailable), turnstile.turn():
        pass
    with turnstile.turn():
        pass


def test_a_database_older_than_the_program_is_named_so_and_not_called_unavailable(store: Store) -> None:
    for statement in ("ALTER TABLE clock_marks RENAME COLUMN epoch TO other", "DROP TABLE clock_marks"):
        with store._engines[0].begin() as connection:
            connection.exec_driver_sql(statement)
        with pytest.raises(SchemaBehind, match="db upgrade"), store.uow.read() as tx:
            tx.clock.mark()
        with pytest.raises(SchemaBehind, match="db upgrade"), store.uow() as tx:
            tx.clock.raise_mark(ClockMark(at=T0, boot="", boot_s=0.0, epoch=0))


def test_a_program_refuses_an_older_database_and_runs_over_a_newer_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    with pytest.raises(ConfigurationError, match="db upgrade"):
        migrate.require_newest(url)
    migrate.upgrade(url, revision="0028")
    with pytest.raises(ConfigurationError, match="0028"):
        migrate.require_newest(url)
    migrate.upgrade(url)
    migrate.require_newest(url)
    engine = writing_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    migrate.require_newest(url)
