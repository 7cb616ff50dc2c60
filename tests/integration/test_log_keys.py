"""Keys and timestamps of the evidence log, and how operators are told that it stands still."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import pytest
from command_line import environment
from cryptography.hazmat.primitives.serialization import Encoding
from fixtures_city import ServedCity
from log_city import FOOD, audited, settle, settle_deps, stamp
from typer.testing import CliRunner

from certsvc.app import build
from certsvc.cli.commands import app as program
from certsvc.commands.evidence.record import record
from certsvc.commands.log.append import advance_log, stamp_log
from certsvc.commands.log.findings import Found
from certsvc.commands.operations.figures import database_figures
from certsvc.errors import SigningError, Unavailable
from certsvc.ids import SystemIds
from certsvc.signing.listed_anchors import ListedAnchors
from certsvc.signing.log_notes import LogNotes
from certsvc.signing.trust import TrustAnchors


def test_evidence_is_of_the_one_timestamp_that_has_a_row(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stampers, of which the first waits for its authority until its lease is over."""
    small_city.issue(FOOD, "LOG-STAMPERS")
    settle(small_city)
    deps = small_city.service.deps
    ask = deps.log_signer.timestamp

    def slow(data: bytes) -> bytes | None:
        monkeypatch.setattr(deps.log_signer, "timestamp", ask)
        with deps.uow() as tx:
            tx.outbox.release("log:stamp", owner="slow")
        assert stamp_log(deps, owner="quick")
        if "expired" in cases:
            with deps.uow() as tx:
                tx.outbox.release("log:stamp", owner="quick")
        return ask(data)

    cases = ["held", "expired"]
    while cases:
        monkeypatch.setattr(deps.log_signer, "timestamp", slow)
        assert not stamp_log(deps, owner="slow")
        assert small_city.rows("SELECT count(*) FROM evidence WHERE kind = 'log.timestamped'") == [(1,)]
        small_city.execute("DELETE FROM log_timestamps")
        small_city.execute("DELETE FROM leases WHERE name = 'log:stamp'")
        small_city.execute("DELETE FROM evidence WHERE kind = 'log.timestamped'")
        cases.pop()


def test_a_stopped_log_is_told(small_city: ServedCity) -> None:
    service = small_city.service
    small_city.issue(FOOD, "LOG-STOPPED")
    settle(small_city)
    with service.deps.uow() as tx:
        tx.outbox.release("log", owner="test")
    size = small_city.rows("SELECT max(size) FROM log_checkpoints")[0][0]
    small_city.execute("UPDATE counters SET value = value - 2 WHERE name = 'position:evidence'")
    small_city.execute(f"DELETE FROM evidence WHERE position > {size - 2}")
    figures = {one.name: one.samples for one in database_figures(service.deps, ())}
    assert figures["certsvc_log_leaves_waiting"][0].value == 0
    assert figures["certsvc_log_cut_leaves"][0].value == 2
    service.loops.start(workers=0, relay=True)
    deadline = time.monotonic() + 60
    while not service.meters.log_stopped:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    counted = {one.labels: one.value for one in service.meters.troubles.family().samples}
    assert counted[("code", "integrity"),] >= 1
    told = {one.name: one.samples for one in service.meters.families()}
    assert told["certsvc_log_stopped"][0].value == 1


def test_keys_that_came_later_are_no_changed_past(small_city: ServedCity) -> None:
    """Two processes while ``log-2`` is put in place: one that started before, and one without its file."""
    small_city.issue(FOOD, "LOG-KEYS")
    settle(small_city)
    deps, keys = small_city.service.deps, small_city.service.settings.keys
    done = CliRunner().invoke(program, ["keys", "create", "log-2"], env=environment(small_city))
    assert done.exit_code == 0, done.output
    later = build(small_city.service.settings)
    try:
        assert len(later.deps.log_signer.keys("x")) == 2
        with later.deps.uow() as tx:
            record(tx, later.deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
        settle_deps(later.deps)
    finally:
        later.close()
    with deps.uow() as tx:
        record(tx, deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
    small_city.drain()
    away = keys / "private" / "log-2.away"
    (keys / "private" / "log-2.key").rename(away)
    with pytest.raises(Unavailable, match="log-<n>"):
        advance_log(deps, owner="test")
    away.rename(keys / "private" / "log-2.key")
    assert advance_log(deps, owner="test") > 0
    assert len(deps.log_signer.keys("x")) == 2
    assert audited(deps).agrees


def test_a_timestamp_of_another_authority_or_time_is_told(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_city.issue(FOOD, "LOG-AUTHORITY")
    settle(small_city)
    stamp(small_city)
    deps = small_city.service.deps
    assert isinstance(deps.log_signer, LogNotes)
    assert audited(deps).agrees
    monkeypatch.setattr(deps.log_signer, "_anchors", ListedAnchors(TrustAnchors((), stamps=())))
    report = audited(deps)
    assert (report.agrees, "时间戳" in " ".join(report.not_checked)) == (True, True)
    stranger = deps.log_signer._ring.certificate("log-1").certificate.public_bytes(Encoding.DER)
    monkeypatch.setattr(deps.log_signer, "_anchors", ListedAnchors(TrustAnchors((stranger,))))
    assert [one.kind for one in audited(deps).findings] == [Found.STAMP_CHANGED]
    monkeypatch.undo()
    small_city.execute("UPDATE log_timestamps SET at = '2019-02-03T04:05:06.000007+00:00'")
    assert [one.kind for one in audited(deps).findings] == [Found.STAMP_CHANGED]


class NoKeys:
    """A ring in which nobody made a key of the log."""

    def key_ids(self) -> tuple[str, ...]:
        return ("token-1",)

    def certificate(self, key_id: str) -> NoReturn:
        raise SigningError(key_id)


def test_a_missing_key_of_the_log_is_told_and_stops_no_business(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small_city.client.get("/readyz").json()["log"] == "ok"
    ring: Any = NoKeys()
    without = LogNotes(ring, issuer="x", ids=SystemIds(), timestamps=None)
    with pytest.raises(Unavailable, match="log-1"):
        without.check()
    monkeypatch.setattr(small_city.service.deps.log_signer, "check", without.check)
    answer = small_city.client.get("/readyz")
    assert (answer.status_code, answer.json()["log"], answer.json()["ready"]) == (200, "unavailable", True)
