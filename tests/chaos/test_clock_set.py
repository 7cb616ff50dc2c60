"""R8: the machine's clock set by minutes and by days, back and ahead, under load, in real processes.

No seal bears a time outside its certificate's validity, nothing is dated by a clock that was set, order is by sequence,
and the service is there again by itself when the time is right. What was sealed is read by openssl, not by us.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from checker import check_town
from node import CLOCK_FILE
from set_clock import set_machine
from town import Load, Town

SETS = (300.0, -300.0, 86_400.0, -86_400.0, -3_600.0)
WRONG_S = 1.0
"""How long the clock is wrong."""
RESUMES_S = 60, 10
"""How soon all is well when the clock is right again, on a machine that does other things and at full counts."""
IN_HAND = "SELECT count(*) FROM requests WHERE claim_token IS NOT NULL"
PER_CLIENT_S = 0.2
SIGNED_AT = re.compile(rb"/M ?\(D:(\d{14})(Z|[+-]\d\d'\d\d'?)")
CONTENTS = re.compile(rb"/Contents ?<([0-9A-Fa-f]+)>")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@pytest.fixture
def town(city_keys: Path, tmp_path: Path, database_url: str) -> Iterator[Town]:
    town = Town.found(city_keys, tmp_path, database_url)
    set_machine(town.var / CLOCK_FILE, 0.0)
    yield town
    town.close()


def readiness(town: Town) -> tuple[int, str]:
    answer = httpx.get(f"http://127.0.0.1:{town.nodes[0].port}/readyz", timeout=10)
    return answer.status_code, answer.json()["clock"]


def wait_for(town: Town, wanted: str, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while (found := readiness(town)[1]) != wanted:
        assert time.monotonic() < deadline, f"the clock is said to be {found} after {within_s} s, not {wanted}"
        time.sleep(0.1)


def come_to_an_end(town: Town) -> None:
    """Let what was being sealed when the clock was set come to its end: then nothing is in a worker's hands."""
    deadline = time.monotonic() + 20
    time.sleep(0.5)
    while town.rows(IN_HAND) != [(0,)] and time.monotonic() < deadline:
        time.sleep(0.1)


def told(town: Town) -> str:
    """What the nodes logged."""
    return "".join(path.read_text(encoding="utf-8")[-2000:] for path in town.var.glob("*.log"))


def issued(town: Town) -> int:
    return int(town.rows("SELECT count(*) FROM licenses")[0][0])


def test_a_clock_that_is_set_under_load(town: Town, rounds: Callable[[int, int], int], tmp_path: Path) -> None:
    begun = datetime.now(UTC)
    clock = town.var / CLOCK_FILE
    node = town.node("all")
    assert readiness(town) == (200, "ok"), ("an idle register does not wait for its clock", told(town))
    with Load(town, PER_CLIENT_S) as load:
        load.wait_for(2, within_s=60)
        for _ in range(rounds(1, 20)):
            for by in SETS:
                set_machine(clock, by)
                assert readiness(town) == (503, "jumped")
                come_to_an_end(town)
                before = issued(town)
                load.wait_for(1, within_s=60)
                time.sleep(WRONG_S)
                assert issued(town) == before, "nothing is issued while the clock is wrong"
                set_machine(clock, 0.0)
                wait_for(town, "ok", within_s=rounds(*RESUMES_S))
        for by in (-3_600.0, 86_400.0)[: rounds(1, 2)]:  # a process that starts while the clock is wrong
            node.kill()
            set_machine(clock, by)
            node.start()
            assert readiness(town)[0] == 503, "it knows before it answers"
            set_machine(clock, 0.0)
            wait_for(town, "ok", within_s=rounds(*RESUMES_S))
        load.wait_for(1, within_s=60)
    check_town(town, load.acknowledged)
    times = [seal_times(town.watcher.deps.objects.get(name), tmp_path) for (name,) in objects_of(town)]
    assert len(times) >= len(load.acknowledged) > 0
    ended = datetime.now(UTC)
    for signed_at, first, last in times:
        assert first <= signed_at <= last, "within the certificate's validity"
        assert begun - timedelta(seconds=5) <= signed_at <= ended + timedelta(seconds=5), "by no clock that was set"
    dated = town.rows("SELECT at FROM evidence WHERE position IS NOT NULL ORDER BY position")
    moments = [at if isinstance(at, datetime) else datetime.fromisoformat(at) for (at,) in dated]
    assert min(moments) >= begun - timedelta(minutes=2), "nor is any record"
    assert max(moments) <= ended + timedelta(seconds=5)


def objects_of(town: Town) -> list[tuple[Any, ...]]:
    return town.rows("SELECT object_name FROM artifacts")


def seal_times(data: bytes, place: Path) -> tuple[datetime, datetime, datetime]:
    """When a file says that it was sealed, and from when until when openssl says that its certificate is good."""
    written, zone = SIGNED_AT.findall(data)[-1]
    signed_at = datetime.strptime(written.decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if zone != b"Z":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        away = timedelta(hours=hours, minutes=minutes)
        signed_at = signed_at - away if zone[:1] == b"+" else signed_at + away
    blob = place / "signature.der"
    blob.write_bytes(bytes.fromhex(CONTENTS.findall(data)[-1].decode()))
    certificates = openssl("pkcs7", "-inform", "DER", "-in", str(blob), "-print_certs")
    leaf = place / "leaf.pem"
    leaf.write_text(certificates)
    dates = dict(line.split("=", 1) for line in openssl("x509", "-in", str(leaf), "-noout", "-dates").splitlines())
    return signed_at, moment(dates["notBefore"]), moment(dates["notAfter"])


def openssl(*command: str) -> str:
    return subprocess.run(["openssl", *command], capture_output=True, text=True, check=True).stdout


def moment(text: str) -> datetime:
    month, day, clock, year, _ = text.split()
    hour, minute, second = (int(part) for part in clock.split(":"))
    return datetime(int(year), MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
