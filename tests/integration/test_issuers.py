"""Processes that issue beside the one that serves: over one SQLite file, killed, and left alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import FONTS, ROOT, ServedCity

from certsvc.cli.issuing import start_issuing
from certsvc.delivery.issuers import Issuers
from certsvc.license.request import Lane
from certsvc.settings import Settings
from certsvc.store.file_gate import FileGate

COUNT = 12
WAIT_S = 150
SERVING = """
import time
from certsvc.app import build
from certsvc.cli.issuing import start_issuing
from certsvc.settings import load_settings
start_issuing(build(load_settings()))
time.sleep(600)
"""
LEASE_S = 10


@pytest.fixture
def wide_city(sqlite_url: str, make_city: Callable[..., ServedCity]) -> Iterator[tuple[ServedCity, Issuers]]:
    """A city whose licenses are issued in a process of their own; leases that end soon."""
    city = make_city(sqlite_url, issue_processes=1, lease_s=LEASE_S)
    issuers = start_issuing(city.service)
    assert issuers is not None
    yield city, issuers
    city.service.loops.stop()


def accept(city: ServedCity, name: str, count: int = COUNT) -> None:
    for number in range(count):
        body = city.body("tour_guide", f"{name}-{number}")
        city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)


def until(there: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if found := there():
            return found
        time.sleep(0.05)
    pytest.fail(f"not in time: {what}")


def issued(city: ServedCity) -> int:
    return int(city.rows("SELECT count(*) FROM requests WHERE state = 'issued'")[0][0])


def test_another_process_issues_and_when_it_is_killed_yet_another_one_and_every_use_of_the_seal_is_answered_for(
    wide_city: tuple[ServedCity, Issuers],
) -> None:
    city, issuers = wide_city
    assert issuers.alive
    assert not [thread for thread in city.service.loops._threads if thread.name.endswith("-w0")], "none issues in here"
    accept(city, "BESIDE")
    until(lambda: issued(city) == COUNT, "licenses")
    handed_on = "SELECT count(*) FROM inbox WHERE consumer = 'webhooks'"
    until(lambda: city.rows(handed_on) == [(2 * COUNT,)], "events")
    assert city.rows("SELECT result, count(*) FROM reservations GROUP BY result") == [("used", COUNT)]
    told = {sample.labels: sample.value for sample in city.service.meters.issuing.family().samples}
    assert told == {(("lane", Lane.LIVE.name.lower()), ("outcome", "issued")): COUNT}
    (before,) = issuers.pids
    accept(city, "KILLED")
    until(lambda: city.rows("SELECT count(*) FROM requests WHERE claim_token IS NOT NULL") != [(0,)], "a batch")
    os.kill(before, signal.SIGKILL)
    until(lambda: issuers.pids != [before] and issuers.alive, "another process")
    until(lambda: issued(city) == 2 * COUNT, "licenses")
    assert city.rows("SELECT count(*), count(DISTINCT number) FROM licenses") == [(2 * COUNT, 2 * COUNT)]
    # What the killed one had sealed and not registered was sealed again, under a reservation of its own; what it had
    # reserved and not answered is told apart.
    used = city.rows("SELECT count(*) FROM reservations WHERE result = 'used'")[0][0]
    assert 2 * COUNT <= used <= 3 * COUNT
    assert city.rows("SELECT count(*) FROM reservations WHERE result IS NULL OR result = ''") == [(0,)]


def test_when_the_process_that_serves_is_killed_those_that_issue_end_by_themselves(
    city_keys: Path, sqlite_url: str, tmp_path: Path
) -> None:
    var = tmp_path / "var"
    shutil.copytree(city_keys, var, ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
    env = {
        **os.environ,
        "CERTSVC_PROFILE": "sandbox",
        "CERTSVC_VAR_DIR": str(var),
        "CERTSVC_DATABASE_URL": sqlite_url,
        "CERTSVC_KEYS_FILE": str(ROOT / "keys" / "dev.toml"),
        "CERTSVC_TRUST_DIR": str(ROOT / "keys" / "trust"),
        "CERTSVC_FONT_DIRS": str(FONTS),
        "CERTSVC_ISSUE_PROCESSES": "1",
    }
    serving = subprocess.Popen([sys.executable, "-c", SERVING], cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        beside = until(lambda: _issuing(serving.pid), "a process that issues")
        os.kill(serving.pid, signal.SIGKILL)
    finally:
        serving.kill()
        serving.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in beside), "the end of those that issue")


def _issuing(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task")
    found = {int(one) for file in children.glob("*/children") for one in file.read_text("ascii").split()}
    return [one for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_one_process_issues_beside_where_there_are_cores_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert Settings(profile="sandbox").issuing_processes == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert Settings(profile="sandbox").issuing_processes == 0
    assert Settings(profile="sandbox", issue_processes=3).issuing_processes == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert Settings(profile="sandbox", issue_processes=0).issuing_processes == 0


def test_who_waits_at_the_gate_is_let_in_before_who_comes_back(tmp_path: Path) -> None:
    """A process that writes without a pause has at most one more turn once another one waits."""
    busy, other = FileGate(tmp_path / "db"), FileGate(tmp_path / "db")
    turns: list[str] = []
    stop, in_line = threading.Event(), threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            busy.take(10)
            turns.append("busy")
            time.sleep(0.002)
            busy.give()

    thread = threading.Thread(target=write_on)
    thread.start()
    try:
        for _ in range(20):
            before = len(turns)
            in_line.set()
            other.take(10)
            assert len(turns) - before <= 3, "the one it finds, the one that was next before it, and the one it counts"
            turns.append("other")
            other.give()
    finally:
        stop.set()
        thread.join()
        busy.close()
        other.close()


def test_the_gate_is_open_when_who_held_it_is_gone_or_it_cannot_be_made(tmp_path: Path) -> None:
    holder, other = FileGate(tmp_path / "db"), FileGate(tmp_path / "db")
    holder.take(1)
    begun = time.monotonic()
    other.take(0.05)  # goes on without: SQLite's own lock decides
    assert 0.04 < time.monotonic() - begun < 5
    other.give()
    holder.close()
    other.take(10)
    third = FileGate(tmp_path / "db")
    begun = time.monotonic()
    third.take(0.05)
    assert time.monotonic() - begun > 0.04, "it is taken again"
    other.close()
    third.close()
    nowhere = FileGate(tmp_path / "none" / "db")
    nowhere.take(10)
    nowhere.give()
    nowhere.close()
