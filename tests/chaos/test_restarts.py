"""Databases, workers and whole services that go and come back under load: nothing acknowledged is lost or doubled.

Small counts by default, those of RELIABILITY.md C1 with ``make chaos``.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checker import check_town
from postgres_process import PostgresProcess
from town import Load, Town

from certsvc.store import migrate

RECOVERY_S = 60, 10
"""R2: how soon after the database is back a request is acknowledged again, at full counts; and on a machine that does
other things."""
PER_CLIENT_S = 0.1
CALM_S = 0.4
"""So that what waits for a worker is worked off between two of its restarts."""


@pytest.fixture
def durable_postgres() -> Iterator[PostgresProcess]:
    """A PostgreSQL that syncs, of this test alone."""
    server = PostgresProcess(durable=True)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def found_town(city_keys: Path, tmp_path: Path) -> Iterator[Callable[[str], Town]]:
    """Found towns over a database; all are ended with the test."""
    towns: list[Town] = []

    def found(database_url: str) -> Town:
        migrate.upgrade(database_url)
        town = Town.found(city_keys, tmp_path, database_url)
        towns.append(town)
        return town

    yield found
    for town in towns:
        town.close()


def test_a_database_that_restarts_under_load(
    durable_postgres: PostgresProcess, found_town: Callable[[str], Town], rounds: Callable[[int, int], int]
) -> None:
    """R2: an immediate shutdown; clients see 503 or a lost connection, and are served again within ten seconds."""
    durable_postgres.execute("CREATE DATABASE town")
    town = found_town(durable_postgres.url("town"))
    town.node("all")
    with Load(town, PER_CLIENT_S) as load:
        load.wait_for(3, within_s=60)
        for _ in range(rounds(2, 50)):
            durable_postgres.stop(immediate=True)
            time.sleep(0.5)
            durable_postgres.start()
            load.wait_for(3, within_s=rounds(*RECOVERY_S))
    check_town(town, load.acknowledged)


def test_workers_that_are_replaced_one_after_the_other(
    durable_postgres: PostgresProcess, found_town: Callable[[str], Town], rounds: Callable[[int, int], int]
) -> None:
    """R14: two workers, one of them ended in good order again and again: no request fails, none waits for long."""
    durable_postgres.execute("CREATE DATABASE town")
    town = found_town(durable_postgres.url("town"))
    town.node("api")
    town.node("relay")
    workers = [town.node("worker"), town.node("worker")]
    with Load(town, CALM_S) as load:
        for turn in range(rounds(2, 100)):
            load.wait_for(2, within_s=60)
            workers[turn % 2].stop()
            load.wait_for(2, within_s=60)
            workers[turn % 2].start()
    assert set(load.answers) == {202}
    check_town(town, load.acknowledged)
    assert town.rows("SELECT count(*) FROM requests WHERE attempts > 1") == [(0,)], "none was tried twice"


def test_an_embedded_service_that_is_killed_under_load(
    found_town: Callable[[str], Town], tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    """R3: one process over SQLite dies by SIGKILL; the file is whole each time, and it goes on where it was."""
    path = tmp_path / "certsvc.sqlite3"
    town = found_town(f"sqlite:///{path}")
    node = town.node("all")
    with Load(town, PER_CLIENT_S) as load:
        for _ in range(rounds(2, 200)):
            load.wait_for(2, within_s=60)
            node.kill()
            with sqlite3.connect(path) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            connection.close()
            node.start()
        load.wait_for(1, within_s=30)
    check_town(town, load.acknowledged)
