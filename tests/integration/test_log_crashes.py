"""A process killed while it appends: no tile is torn, no leaf is lost or doubled, no checkpoint is forked."""

from __future__ import annotations

import re
from pathlib import Path

from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at
from log_city import FOOD, audited, settle

from certsvc.app import build
from certsvc.commands.evidence.record import record
from certsvc.commands.log.append import advance_log
from certsvc.commands.log.audit import audit_against
from certsvc.events.checkpoint import read_note

POINTS = ("log.tiled", "log.signed", "log.published")


def append_until_killed(var: str, database_url: str) -> None:
    """The program of the killed process; its lease ends with the tests' short ones."""
    service = build(sandbox_settings(Path(var), database_url))
    advance_log(service.deps, owner="test")


def test_the_list_of_points_is_the_list_in_the_code() -> None:
    found = re.compile(r'faults\.reach\("(log\.[a-z_.]+)"\)')
    named = [name for path in (ROOT / "certsvc").rglob("*.py") for name in found.findall(path.read_text("utf-8"))]
    assert sorted(named) == sorted(POINTS)


def test_a_kill_at_any_point_leaves_the_old_log_or_the_new_one(database_url: str, city: ServedCity) -> None:
    deps = city.service.deps
    kept: list[str] = []
    for point in POINTS:
        city.issue(FOOD, f"CRASH-{point}")
        with deps.uow() as tx:
            for _ in range(300):
                record(tx, deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
        city.drain()
        with deps.uow.read() as tx:
            before = tx.log.newest()
        kill_at(point, append_until_killed, str(city.service.settings.var_dir), database_url)
        with deps.uow.read() as tx:
            after = tx.log.newest()
        assert (before == after) == (point != "log.published"), point
        tiles = {name: deps.objects.get(name) for name in deps.objects.names("log/")}
        assert tiles, "the tiles come first"
        settle(city)
        assert all(deps.objects.get(name) == data for name, data in tiles.items()), "the same bytes again"
        report = audited(deps)
        assert report.agrees, (point, report.findings)
        audit_against(deps, report, kept)
        assert report.agrees, point
        with deps.uow.read() as tx:
            newest = tx.log.newest()
        assert newest is not None
        assert read_note(newest.note)[0].size == newest.size == report.size
        kept.append(newest.note)
    assert city.rows("SELECT count(*) FROM evidence WHERE position IS NULL") == [(0,)]
