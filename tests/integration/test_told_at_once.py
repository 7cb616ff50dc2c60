"""Over PostgreSQL a worker and a relay hear of work and events from other processes, and look seldom meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from fixtures_city import FONTS, ROOT, ServedCity

from certsvc.delivery import turns
from certsvc.delivery.loops import Loops
from certsvc.events.told import Told
from certsvc.store.listening import Listener

WAIT_S = 150
# Of an hour between two looks: what these processes do in time they were told.
ROLES = ("worker", "relay")
PROGRAM = """
import sys
import certsvc.delivery.turns as turns
turns.TOLD_WAIT_S = 3600
from certsvc.cli.serve import run_loops
run_loops(relay=sys.argv[1] == "relay")
"""
LISTENING = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'certsvc-listen' AND datname = current_database()"
)
IDLE_S = 5.0


def until(there: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if found := there():
            return found
        time.sleep(0.05)
    pytest.fail(f"not in time: {what}")


@contextmanager
def processes(city: ServedCity, url: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    env = {
        **os.environ,
        "CERTSVC_PROFILE": "sandbox",
        "CERTSVC_VAR_DIR": str(city.service.settings.var_dir),
        "CERTSVC_DATABASE_URL": url,
        "CERTSVC_KEYS_FILE": str(ROOT / "keys" / "dev.toml"),
        "CERTSVC_TRUST_DIR": str(ROOT / "keys" / "trust"),
        "CERTSVC_FONT_DIRS": str(FONTS),
    }
    program = [sys.executable, "-c", PROGRAM]
    started = [subprocess.Popen([*program, role], cwd=ROOT, env=env, stderr=subprocess.DEVNULL) for role in ROLES]
    try:
        yield started
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def accept(city: ServedCity, name: str) -> None:
    body = city.body("tour_guide", name)
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)


def done(city: ServedCity, count: int) -> bool:
    """Whether so many are issued, numbered and handed on."""
    handed_on = city.rows("SELECT count(*) FROM inbox WHERE consumer = 'webhooks'")[0][0]
    return city.rows("SELECT count(*) FROM licenses") == [(count,)] and handed_on == 2 * count


def listening(city: ServedCity) -> set[int]:
    return {pid for (pid,) in city.rows(LISTENING)}


def test_processes_are_told_and_when_their_connection_is_cut_they_look_and_are_told_again(
    postgres_url: str, make_city: Callable[..., ServedCity]
) -> None:
    city = make_city(postgres_url)
    accept(city, "TOLD-0")
    with processes(city, postgres_url) as started:
        until(lambda: done(city, 1), "what was there before they were")
        first = until(lambda: len(found := listening(city)) == len(ROLES) and found, "both listen")
        time.sleep(1)  # their last look was before they were told to look no more
        accept(city, "TOLD-1")
        until(lambda: done(city, 2), "a license of which nobody was told but by the database")
        for pid in first:
            city.rows(f"SELECT pg_terminate_backend({pid})")
        accept(city, "TOLD-2")
        until(lambda: done(city, 3), "a license while nobody listens")
        until(lambda: len(found := listening(city)) == len(ROLES) and not found & first, "both listen again")
        time.sleep(1)
        accept(city, "TOLD-3")
        until(lambda: done(city, 4), "a license after that")
        assert [process.poll() for process in started] == [None, None]


def test_with_nothing_to_do_little_is_asked_while_the_database_tells(
    postgres_url: str, make_city: Callable[..., ServedCity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loops of a worker and of a relay, once as often as without being told, once as they are."""
    city = make_city(postgres_url)
    city.issue("tour_guide", "IDLE-0")
    query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    service, seldom = city.service, turns.TOLD_WAIT_S
    worker, relay = (Loops(service.deps, name=name, lease_s=60, listener=service.store.listener) for name in ("w", "r"))
    rates = {}
    try:
        worker.start(workers=2, relay=False)
        relay.start(workers=0, relay=True)
        until(lambda: worker._hearing.is_set() and relay._hearing.is_set(), "both hear")
        for wait_s in (turns.IDLE_WAIT_S, seldom):
            monkeypatch.setattr(turns, "TOLD_WAIT_S", wait_s)
            time.sleep(seldom + 1)
            before, begun = city.rows(query)[0][0], time.monotonic()
            time.sleep(IDLE_S)
            rates[wait_s] = (city.rows(query)[0][0] - before) / (time.monotonic() - begun)
    finally:
        worker.stop()
        relay.stop()
    # Webhooks, dues and what else has a time of its own are looked for as often as before.
    assert 0 < rates[seldom] < rates[turns.IDLE_WAIT_S] * 0.75, rates


def heard(url: str, statements: list[str]) -> list[Told]:
    """What a listener says of transactions that others commit."""
    said: list[Told] = []
    stop, hearing = threading.Event(), threading.Event()
    thread = threading.Thread(target=Listener(url).listen, args=(said.append, hearing, stop))
    thread.start()
    try:
        assert hearing.wait(WAIT_S)
        until(lambda: len(said) == len(Told), "everything once at the beginning")
        said.clear()
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.execute("NOTIFY certsvc_numbered")
        until(lambda: Told.NUMBERED in said, "the last message")
    finally:
        stop.set()
        thread.join()
    assert not hearing.is_set()
    return said[:-1]


def test_a_numbering_without_rows_tells_nobody(postgres_url: str) -> None:
    """It is done at every look: told to all, it would let them look at once again, for ever."""
    numbering = "UPDATE events SET position = 1 WHERE position = -1"
    assert heard(postgres_url, [numbering, "UPDATE evidence SET position = 1 WHERE position = -1"]) == []


def test_what_is_undone_is_told_to_nobody(postgres_url: str) -> None:
    leaf = "INSERT INTO evidence (evidence_id, kind, at, leaf, details) VALUES ('evd_1', 'k', now(), '\\x00', '\\x00')"
    assert heard(postgres_url, ["BEGIN", leaf, "ROLLBACK"]) == []
    assert heard(postgres_url, [leaf]) == [Told.EVENTS]
