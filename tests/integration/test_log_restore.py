"""A database that came back older than the log it published: nothing is forked, another name goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_city import ServedCity, sandbox_settings
from log_city import audited, settle_deps
from test_backup import restored, run

from certsvc.app import Service, build
from certsvc.cli.commands import app as program
from certsvc.commands.evidence.record import record
from certsvc.commands.log.append import LEASE, Seen, advance_log, continue_log
from certsvc.commands.log.audit import audit_against
from certsvc.commands.log.findings import Found
from certsvc.commands.log.read import LogBoard
from certsvc.commands.ports import Deps
from certsvc.errors import Conflict, IntegrityError
from certsvc.events.checkpoint import Checkpoint, read_note
from certsvc.events.epochs import Epoch, Epochs, origin_in, split_origin
from certsvc.events.tiles import leaves_of
from certsvc.store import backup as backup_module
from certsvc.store.database_copy import Copy, copy_database


def note(deps: Deps, count: int) -> Checkpoint:
    """Evidence that is in the log afterwards; its newest checkpoint."""
    with deps.uow() as tx:
        for _ in range(count):
            record(tx, deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
    settle_deps(deps)
    return newest(deps)


def newest(deps: Deps) -> Checkpoint:
    with deps.uow.read() as tx:
        found = tx.log.newest()
    assert found is not None
    return found


def test_a_backup_amid_publishing_is_restored_to_a_log_that_goes_on(
    small_city: ServedCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deps = small_city.service.deps
    first = note(deps, 300)
    later: list[Checkpoint] = []

    def copy_then_publish(url: str, directory: Path) -> Copy:
        copy = copy_database(url, directory)
        later.append(note(deps, 600))
        return copy

    monkeypatch.setattr(backup_module, "copy_database", copy_then_publish)
    code, said = run(small_city, "create", "--to", tmp_path / "backup")
    assert code == 0, said
    assert len(later) == 1
    tiles = {path.name for path in (tmp_path / "backup" / "objects" / "log" / "tile" / "0").iterdir()}
    assert tiles == {f"{number:03d}" for number in range(first.size // 256)}, "a tile beyond the edge is of another log"
    assert len(deps.objects.names("log/tile/0/")) > len(tiles)

    code, said = run(small_city, "restore", tmp_path / "backup", "--var-dir", tmp_path / "new")
    assert code == 0, said
    again = restored(small_city, tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'certsvc.sqlite3'}")
    try:
        went_on(again.service.deps, first, later[0])
        keys = again.client.get("/v1/log/keys").json()
        assert split_origin(keys["origin"])[1] > 0
        assert [key.partition("+")[0] for key in keys["verifier_keys"]] == [
            keys["origin"],
            split_origin(keys["origin"])[0],
        ]
    finally:
        again.service.close()


def went_on(deps: Deps, first: Checkpoint, lost: Checkpoint) -> None:
    """The log goes on, agrees, begins with what was published before the cut, and says what of it is gone."""
    last = note(deps, 600)
    origin = read_note(last.note)[0].origin
    assert origin != read_note(first.note)[0].origin
    report = audited(deps)
    assert report.agrees, report.findings
    assert report.continued == [first.size]
    audit_against(deps, report, [first.note, last.note])
    assert report.agrees, report.findings
    audit_against(deps, report, [lost.note])
    assert [(one.kind, one.about) for one in report.findings] == [
        (Found.LEAF_MISSING, f"{first.size + 1} 至 {lost.size}")
    ]
    board = LogBoard()
    assert board.consistency(deps, old=first.size).old_root == read_note(first.note)[0].root
    assert board.inclusion(deps, index=last.size - 2).root == read_note(last.note)[0].root
    with deps.uow.read() as tx:
        [said] = tx.log.about(origin, beginnings=("log.continued",), limit=5)
    assert said.position > first.size


def service_over(city: ServedCity, database: Path) -> Service:
    """Another process over the same objects and keys and another database."""
    return build(sandbox_settings(city.service.settings.var_dir, f"sqlite:///{database}"))


def test_an_older_database_before_an_intact_store_is_never_signed_over(
    small_city: ServedCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deps = small_city.service.deps
    first = note(deps, 100)
    old = tmp_path / "old.sqlite3"
    url = small_city.service.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(url)) as source, closing(sqlite3.connect(old)) as target:
        source.backup(target)
    lost = note(deps, 500)
    service = service_over(small_city, old)
    try:
        back = service.deps
        with pytest.raises(IntegrityError, match="audit continue"):
            note(back, 20)
        assert newest(back) == first, "no checkpoint over another history"
        with back.uow() as tx:
            tx.outbox.release(LEASE, owner="test")
            assert tx.outbox.lease(LEASE, owner="other", now=back.clock.now(), lease_s=60)
        with pytest.raises(Conflict):
            continue_log(back, owner="operator", reason="failover")
        with back.uow() as tx:
            tx.outbox.release(LEASE, owner="other")
        continue_log(back, owner="operator", reason="failover")
        went_on(back, first, lost)
        names = back.objects.names("log/")
        assert {"log/tile/0/000", "log/tile/0/001"} <= set(names)
        assert len([name for name in names if name.startswith("log/tile-")]) >= 2
    finally:
        service.close()


def test_a_running_process_tells_a_database_that_went_back(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seen = Seen()
    note(deps, 3)
    advance_log(deps, owner="test", seen=seen)
    assert seen.newest == newest(deps)
    last = newest(deps).number
    small_city.execute(f"DELETE FROM log_checkpoints WHERE number = {last}")  # as a replica that was behind
    with pytest.raises(IntegrityError, match="audit continue"):
        advance_log(deps, owner="test", seen=seen)


def test_the_command_of_operators_continues_and_says_the_name(small_city: ServedCity) -> None:
    from command_line import environment
    from typer.testing import CliRunner

    first = note(small_city.service.deps, 3)
    with small_city.service.deps.uow() as tx:
        tx.outbox.release(LEASE, owner="test")
    done = CliRunner().invoke(program, ["audit", "continue", "--reason", "演练"], env=environment(small_city))
    assert done.exit_code == 0, done.output
    last = note(small_city.service.deps, 3)
    origin = read_note(last.note)[0].origin
    assert origin in done.output
    again = continue_log(small_city.service.deps, owner="test", reason="restored from a backup", restored=True)
    assert again == origin, "what another process has followed is not followed once more"
    report = audited(small_city.service.deps)
    assert report.agrees
    assert report.continued == [first.size]


def test_a_checkpoint_under_the_name_of_another_epoch_is_told(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    last = note(deps, 3)
    head = read_note(last.note)[0]
    from certsvc.events.checkpoint import write_note

    text = replace(head, origin=origin_in(head.origin, 20300101000000)).text()
    other = write_note(text, (deps.log_signer.sign(text, text.partition("\n")[0]),))
    with small_city.service.deps.uow() as tx:
        tx.outbox.release(LEASE, owner="test")
    small_city.execute(f"UPDATE log_checkpoints SET note = '{other}' WHERE number = {last.number}")
    assert [one.kind for one in audited(deps).findings] == [Found.CHECKPOINT_CHANGED]


def test_epochs_name_tiles_by_the_log_in_which_they_became_full() -> None:
    epochs = Epochs((Epoch(name=20260101000000, after=600), Epoch(name=20260202000000, after=600)))
    assert epochs.tile_name(0, 1) == "log/tile/0/001"
    assert epochs.tile_name(0, 2) == "log/tile-20260202000000/0/002"
    assert epochs.bundle_name(2) == "log/tile-20260202000000/entries/002"
    assert epochs.tile_name(1, 0) == "log/tile-20260202000000/1/000"
    assert (epochs.end_of(0), epochs.end_of(20260101000000), epochs.end_of(20260202000000)) == (600, 600, None)
    assert [leaves_of(epochs.tile_name(level, 0)) for level in (0, 1)] == [256, 65536]
    assert leaves_of(epochs.bundle_name(2)) == 768
    assert leaves_of("licenses/00/a.pdf") is None
