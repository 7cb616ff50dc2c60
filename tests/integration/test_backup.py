"""The drill: back up a running service, go on, restore elsewhere, and find everything from before, working."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import environment
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, sandbox_settings
from postgres_process import PostgresProcess
from s3_process import S3Process
from typer.testing import CliRunner

from certsvc.app import build
from certsvc.cli.commands import app
from certsvc.errors import Conflict, NotFound
from certsvc.license.disposal import GoneFile
from certsvc.store.objects_s3 import S3ObjectStore

SLUG = "tour_guide"


def run(city: ServedCity, *arguments: Any, **more: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, ["backup", *map(str, arguments)], env=environment(city) | more, catch_exceptions=False
    )
    return done.exit_code, done.output


@pytest.fixture
def spare_databases(request: pytest.FixtureRequest, city: ServedCity) -> Iterator[tuple[list[str], list[str]]]:
    """Options that name an empty PostgreSQL database, to try and to restore; none for SQLite, which makes its own."""
    if not city.service.settings.database_url.startswith("postgresql"):
        yield [], []
        return
    server: PostgresProcess = request.getfixturevalue("postgres")
    for name in ("tried", "spare"):
        server.execute(f"CREATE DATABASE {name}")
    yield ["--database-url", server.url("tried")], ["--database-url", server.url("spare")]
    for name in ("tried", "spare"):
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def restored(city: ServedCity, var: Path, database_url: str) -> ServedCity:
    """The city that begins where the backup was made, with its keys put back."""
    old = city.service.settings
    shutil.copytree(old.keys, var / "keys")
    shutil.copy(old.master_key, var / "master.key")
    service = build(sandbox_settings(var, database_url))
    client = TestClient(service.application(), raise_server_exceptions=False)
    return ServedCity(
        client=client,
        out=var,
        secrets=city.secrets,
        people=city.people,
        catalog=service.deps.catalog,
        anchor=service.settings.keys / "trust",
        service=service,
    )


def test_what_was_issued_before_the_backup_is_there_afterwards_and_the_feed_goes_on(
    city: ServedCity, spare_databases: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    kept = city.issue(SLUG, "KEPT")["identifier"]
    pdf, end = city.file(kept), city.events()[-1]["position"]
    backup, var = tmp_path / "backup", tmp_path / "new"
    code, said = run(city, "create", "--to", backup)
    assert code == 0, said
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["feed_end"] == end
    assert not [path for path in backup.rglob("*") if path.suffix in {".key", ".pem"}], "keys are kept elsewhere"
    assert any(name.endswith(".key") for name in manifest["keys"])

    lost = city.issue(SLUG, "LATER")["identifier"]
    tried, spare = spare_databases
    code, said = run(city, "check", backup, *tried)
    assert (code, "账目一致" in said) == (0, True), said
    order = ["restore", backup, "--var-dir", var, *spare]
    code, said = run(city, *order)
    assert code == 0, said
    with pytest.raises(Conflict):
        run(city, *order)
    url = spare[-1] if spare else f"sqlite:///{var / 'certsvc.sqlite3'}"
    again = restored(city, var, url)
    try:
        assert again.file(kept) == pdf
        verdict = again.check(pdf)
        assert (verdict["indication"], verdict["status"]) == ("TOTAL-PASSED", "good")
        assert again.show(SLUG, kept, "tour_inspection")["code"]
        gone = again.client.get(f"/v1/licenses/{lost}", headers=again.system())
        assert gone.status_code == 404
        # The approval system, which had its answer, asks again for what came after the backup.
        later = again.issue(SLUG, "LATER")
        assert later["state"] == "issued"
        positions = [event["position"] for event in again.events()]
        assert positions == list(range(1, len(positions) + 1))
        assert positions[-1] > end
        assert again.client.get("/readyz").status_code == 200
    finally:
        again.service.close()


def test_a_backup_that_was_changed_is_told_and_not_restored(small_city: ServedCity, tmp_path: Path) -> None:
    city, backup = small_city, tmp_path / "backup"
    city.issue(SLUG, "KEPT")
    assert run(city, "create", "--to", backup)[0] == 0
    with pytest.raises(Conflict):
        run(city, "create", "--to", backup)
    assert run(city, "check", backup)[0] == 0
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    with pytest.raises(Conflict):
        run(city, "restore", backup, "--var-dir", tmp_path / "full")

    (file,) = (backup / "objects" / "licenses").rglob("*.pdf")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + b"x")
    code, said = run(city, "check", backup)
    assert (code, "与清单的摘要不一致" in said) == (1, True)
    with pytest.raises(Conflict):
        run(city, "restore", backup, "--var-dir", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    file.write_bytes(data)

    code, said = run(city, "restore", backup, "--var-dir", tmp_path / "new", "--skip", "1000")
    assert code == 0, said
    again = restored(city, tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'certsvc.sqlite3'}")
    try:
        before = again.events()[-1]["position"]
        again.issue(SLUG, "NEXT")
        assert again.events()[before]["position"] == before + 1001, "nothing that readers saw is given twice"
    finally:
        again.service.close()

    # Digests that hold over books that do not agree: the copy was made of a damaged service.
    name = file.relative_to(backup / "objects").as_posix()
    city.service.deps.objects.delete(name)
    assert run(city, "create", "--to", tmp_path / "second")[0] == 0
    code, said = run(city, "check", tmp_path / "second")
    assert (code, "登记的文件不存在" in said) == (1, True)
    (tmp_path / "second" / "manifest.json").unlink()
    with pytest.raises(NotFound):
        run(city, "check", tmp_path / "second")


def test_objects_of_a_bucket_are_listed_with_their_versions(
    make_city: Callable[..., ServedCity], sqlite_url: str, s3_server: S3Process, tmp_path: Path
) -> None:
    keys = tmp_path / "s3.keys"
    keys.write_text(f"{s3_server.access_key}\n{s3_server.secret_key}\n")
    bucket = f"backup-{tmp_path.name.replace('_', '-')[-40:]}"
    city = make_city(sqlite_url, s3_url=s3_server.url, s3_bucket=bucket, s3_credentials_file=keys)
    objects = city.service.deps.objects
    assert isinstance(objects, S3ObjectStore)
    objects.prepare()
    city.issue(SLUG, "KEPT")
    s3 = {"CERTSVC_S3_URL": s3_server.url, "CERTSVC_S3_BUCKET": bucket, "CERTSVC_S3_CREDENTIALS_FILE": str(keys)}
    backup = tmp_path / "backup"
    assert run(city, "create", "--to", backup, **s3)[0] == 0
    (line,) = map(json.loads, (backup / "objects.jsonl").read_text().splitlines())
    assert line["sha256"] in line["name"]
    assert line["version"]
    code, said = run(city, "check", backup, **s3)
    assert code == 0, said
    objects._client.remove_object(bucket, line["name"])  # a marker: the lock keeps the version itself
    code, said = run(city, "check", backup, **s3)
    assert (code, "存储桶中缺少文件" in said) == (1, True)
    # What went by decision is gone, and not lost: the service of today says so of a backup from before.
    at = city.service.deps.clock.now()
    with city.service.deps.uow() as tx:
        tx.erased.files([GoneFile(object_name=line["name"], sha256=line["sha256"], list_id="dis_1", place=1, at=at)])
    code, said = run(city, "check", backup, **s3)
    assert code == 0, said
