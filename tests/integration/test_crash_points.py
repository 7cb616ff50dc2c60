"""A process killed at any step of issuing loses nothing and doubles nothing, on both databases.

The killed process is a real one: it opens the service over the test's database with ``CERTSVC_FAULT_POINT`` set,
works like a worker, and dies by SIGKILL.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at

from certsvc.app import _faults, build
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.issuance.process_request import Processed, process_next
from certsvc.commands.seals.use_seal import unanswered_uses
from certsvc.errors import ConfigurationError
from certsvc.settings import FAULT_KEY, Settings

POINTS = (
    "issue.accepted",
    "issue.claimed",
    "issue.intent_stored",
    "issue.rendered",
    "issue.seal_reserved",
    "sealing.fenced",
    "sealing.signed",
    "issue.sealed",
    "issue.seal_answered",
    "issue.verified",
    "issue.object_stored",
    "issue.read_back",
    "issue.registered",
)
"""In the order of the spine."""

SLUG = "tour_guide"
KEY = "crash-key"
LEASE_S = 1
RESUME_S = 60
STRAY = "licenses/00/" + "0" * 64 + ".pdf"


def at_or_after(point: str, mark: str) -> bool:
    return POINTS.index(point) >= POINTS.index(mark)


def work_until_killed(var: str, database_url: str, body: str) -> None:
    """The program of the killed process: accept one request and issue it."""
    service = build(sandbox_settings(Path(var), database_url))
    with service.deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    assert client is not None
    accept_issuance(service.deps, of_client(client), parse_issuance(json.loads(body)), Origin(idempotency_key=KEY))
    process_next(service.deps, worker="killed", lease_s=LEASE_S)


def kill_city_at(city: ServedCity, point: str, body: dict[str, Any]) -> None:
    settings = city.service.settings
    kill_at(point, work_until_killed, str(settings.var_dir), settings.database_url, json.dumps(body))


def resume(city: ServedCity, request_id: str) -> dict[str, Any]:
    """Work on, as a restarted worker does, until the dead one's lease has run out."""
    deadline = time.monotonic() + RESUME_S
    while True:
        city.drain()
        answer = city.client.get(f"/v1/issuances/{request_id}", headers=city.system())
        done: dict[str, Any] = city.answer(answer, 200)
        if done["state"] == "issued" or time.monotonic() > deadline:
            assert done["state"] == "issued", done
            return done
        time.sleep(0.1)


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("((?:issue|sealing)\.[a-z_]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_loses_nothing_and_doubles_nothing(city: ServedCity, point: str) -> None:
    first = city.issue(SLUG, "K-1")
    body = city.body(SLUG, "K-2")
    kill_city_at(city, point, body)
    left_behind = set(city.service.deps.objects.names("licenses/")) - {f"licenses/{sha(first)}"}
    assert bool(left_behind) == at_or_after(point, "issue.object_stored")

    headers = {**city.system(), "Idempotency-Key": KEY}
    again = city.answer(city.client.post("/v1/issuances", headers=headers, json=body), 202)
    killed = resume(city, again["request_id"])
    after = city.issue(SLUG, "K-3")

    check_register(city, [first, killed, after])
    check_events_and_evidence(city, killed)
    check_seal_uses(city, point, killed)
    check_objects(city, [first, killed, after], left_behind)


def sha(done: dict[str, Any]) -> str:
    return f"{done['sha256'][:2]}/{done['sha256']}.pdf"


def check_register(city: ServedCity, issued: list[dict[str, Any]]) -> None:
    """One license per request; numbers and serials without doubles and without a gap."""
    assert sorted(city.rows("SELECT request_id FROM licenses")) == sorted((row["request_id"],) for row in issued)
    assert [int(row["number"][-6:]) for row in issued] == [1, 2, 3]
    assert len({row["identifier"].split(".")[-3] for row in issued}) == 3
    intents = city.rows("SELECT request_id, version_id, identifier FROM intents ORDER BY request_id")
    assert intents == city.rows("SELECT request_id, version_id, identifier FROM licenses ORDER BY request_id")
    assert city.rows("SELECT count(*) FROM requests WHERE state = 'issued'") == [(3,)]


def check_events_and_evidence(city: ServedCity, killed: dict[str, Any]) -> None:
    events = city.events()
    assert [event["position"] for event in events] == list(range(1, len(events) + 1))
    about = [event["type"].split(".")[-3:-1] for event in events if event["subject"] == killed["request_id"]]
    assert about == [["issuance", "accepted"]]
    about = [event["type"].split(".")[-3:-1] for event in events if event["subject"] == killed["identifier"]]
    assert about == [["license", "issued"]]
    with city.service.deps.uow.read() as tx:
        evidence = tx.outbox.evidence_after(0, limit=1000)
    seen = Counter((row.kind, json.loads(row.details)["subject"]) for row in evidence)
    assert seen["issuance.accepted", killed["request_id"]] == 1
    assert seen["license.issued", killed["identifier"]] == 1


def check_seal_uses(city: ServedCity, point: str, killed: dict[str, Any]) -> None:
    """Every key operation has a reservation, none is open, and of a use that nobody answered nothing is claimed."""
    by_dead = int(at_or_after(point, "sealing.signed"))
    by_living = int(point != "issue.registered")
    purpose = f"issue:{killed['request_id']}"
    uses = city.rows(f"SELECT result, signature_sha256 FROM reservations WHERE purpose = '{purpose}'")
    reserved_by_dead = int(at_or_after(point, "issue.seal_reserved"))
    assert len(uses) == reserved_by_dead + by_living >= by_dead + by_living
    results = Counter(result for result, _ in uses)
    assert results["open"] == 0
    assert results["unknown"] == int(
        at_or_after(point, "issue.seal_reserved") and not at_or_after(point, "issue.seal_answered")
    )
    assert results["failed"] == 0
    assert killed["sha256"] in {digest for _, digest in uses}
    assert len(unanswered_uses(city.service.deps, older_than_s=0)) == results["unknown"], "listed for an operator"


def check_objects(city: ServedCity, issued: list[dict[str, Any]], left_behind: set[str]) -> None:
    """Every registered file is there, whole and good; every other is an orphan, found and removed."""
    deps = city.service.deps
    registered = {f"licenses/{sha(row)}" for row in issued}
    for row in issued:
        data = city.file(row["identifier"])
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        verdict = city.check(data)
        assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact")
    deps.objects.put(STRAY, b"stray", content_type="application/pdf")
    on_disk = {
        path.relative_to(city.service.settings.objects).as_posix()
        for path in (city.service.settings.objects / "licenses").rglob("*.pdf")
    }
    assert orphans(deps) == [], "a file of today may still be registered"
    assert set(orphans(deps, settle_s=0)) == on_disk - registered == (left_behind - registered) | {STRAY}
    assert set(remove_orphans(deps, settle_s=0)) == on_disk - registered
    assert set(deps.objects.names("licenses/")) == registered


def test_a_kill_while_a_version_replaces_another_leaves_one_valid_version(small_city: ServedCity) -> None:
    old = small_city.issue("medical_institution", "V-1")
    body = small_city.body("medical_institution", "V-2", action="change", previous=old["identifier"])
    for kept in ("valid_from", "valid_until"):
        body.pop(kept, None)
    kill_city_at(small_city, "issue.read_back", body)
    assert small_city.rows("SELECT state FROM licenses") == [("valid",)]
    [(request_id,)] = small_city.rows("SELECT request_id FROM requests WHERE state = 'accepted'")
    new = resume(small_city, request_id)
    states = small_city.rows("SELECT identifier, state FROM licenses ORDER BY version")
    assert states == [(old["identifier"], "superseded"), (new["identifier"], "valid")]
    kinds = Counter(event["type"].split(".")[-2] for event in small_city.events())
    assert kinds == {"accepted": 2, "issued": 2, "superseded": 1}


class AtOnePoint:
    """Lets something else happen at one step; a worker that stalls there finds the world changed."""

    def __init__(self, point: str, happens: Callable[[], object]) -> None:
        self._point, self._happens = point, happens

    def reach(self, name: str) -> None:
        if name == self._point:
            self._happens()


@pytest.mark.parametrize("point", ["issue.claimed", "issue.sealed", "issue.read_back"])
def test_a_worker_that_slept_through_its_lease_registers_nothing(
    make_city: Callable[..., ServedCity], database_url: str, point: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(database_url, clock=clock)
    deps = city.service.deps
    response = city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, "Z-1"))
    request_id = city.answer(response, 202)["request_id"]
    others: list[object] = []

    def another_takes_over() -> None:
        clock.advance(timedelta(seconds=LEASE_S + 1))
        others.append(process_next(deps, worker="second", lease_s=LEASE_S))

    sleepy = replace(deps, faults=AtOnePoint(point, another_takes_over))
    slept = process_next(sleepy, worker="first", lease_s=LEASE_S)
    assert others == [Processed(request_id=request_id, outcome="issued")]
    assert slept == Processed(request_id=request_id, outcome="lost")
    city.drain()
    assert city.rows("SELECT count(*), count(DISTINCT identifier) FROM licenses") == [(1, 1)]
    assert Counter(event["type"].split(".")[-2] for event in city.events()) == {"accepted": 1, "issued": 1}
    done = city.answer(city.client.get(f"/v1/issuances/{request_id}", headers=city.system()), 200)
    assert city.check(city.file(done["identifier"]))["registry_match"] == "exact"


def test_production_refuses_to_start_with_a_fault_point(
    city_keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "master.key"
    key.write_bytes((city_keys / "master.key").read_bytes())
    key.chmod(0o600)
    monkeypatch.setenv(FAULT_KEY, "issue.claimed")
    with pytest.raises(ConfigurationError, match=FAULT_KEY):
        _faults(Settings(profile="production", var_dir=tmp_path / "var", master_key_file=key))
