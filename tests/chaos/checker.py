"""Whether what stands in the register is what the clients were told: the invariants of RELIABILITY.md C1."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable

from town import SETTLE_S, Town

from certsvc.commands.issuance.batch import object_name


def check_town(town: Town, acknowledged: dict[str, str]) -> None:
    """AssertionError for anything lost, doubled, half done or stuck; waits until what was accepted is issued."""
    town.forget_connections()
    _wait(lambda: _is_settled(town, acknowledged), "requests not issued")
    requests = dict(town.rows("SELECT request_id, state FROM requests"))
    assert all(requests.get(one) == "issued" for one in acknowledged.values()), (
        "I1: acknowledged, exactly one final state"
    )
    licenses = town.rows("SELECT request_id, version_id, identifier FROM licenses")
    assert sorted(row[0] for row in licenses) == sorted(requests), "one license for each request"
    assert len(set(acknowledged.values())) == len(acknowledged), "one request for each business number"
    with town.watcher.deps.uow.read() as tx:
        found = tx.licenses.by_version_ids([row[1] for row in licenses]).values()
    numbers = sorted(int(one.number[-6:]) for one in found)
    assert numbers == list(range(1, len(numbers) + 1)), "I5: numbers without doubles and without a gap"
    _check_objects(town)
    _check_events(town, [row[2] for row in licenses])
    _check_uses(town)


def _is_settled(town: Town, acknowledged: dict[str, str]) -> bool:
    states = Counter(row[0] for row in town.rows("SELECT state FROM requests"))
    return set(states) == {"issued"} and states["issued"] >= len(acknowledged)


def _check_objects(town: Town) -> None:
    """I2: the file of every artifact exists, whole and good."""
    for digest, name in town.rows("SELECT sha256, object_name FROM artifacts"):
        data = town.watcher.deps.objects.get(name)
        assert hashlib.sha256(data).hexdigest() == digest
        assert object_name(data) == name


def _check_events(town: Town, identifiers: list[str]) -> None:
    """I4: each license was issued once in the feed, whose positions have no gap."""
    _wait(
        lambda: town.rows("SELECT count(*) FROM events WHERE position IS NULL") == [(0,)], "events without a position"
    )
    events = town.rows("SELECT position, type, subject FROM events ORDER BY position")
    assert [row[0] for row in events] == list(range(1, len(events) + 1))
    issued = Counter(row[2] for row in events if row[1].endswith("license.issued.v1"))
    assert issued == Counter(identifiers)


def _check_uses(town: Town) -> None:
    """I3: every file was sealed under a reservation that was answered, and none stays open."""
    unanswered = "SELECT count(*) FROM reservations WHERE result = 'open'"
    _wait(lambda: town.rows(unanswered) == [(0,)], "reservations open")
    sealed = {row[0] for row in town.rows("SELECT signature_sha256 FROM reservations WHERE result = 'used'")}
    assert {row[0] for row in town.rows("SELECT sha256 FROM artifacts")} <= sealed


def _wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SETTLE_S
    while not until():
        assert time.monotonic() < deadline, f"{what} after {SETTLE_S} s"
        time.sleep(0.1)
