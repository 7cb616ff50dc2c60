"""Random edits, deletions, reorders and truncations of rows, objects and tiles: each is found, and its place is named.

The intruder writes past the service, and everything is put back after the audit. A small count by default on both
shapes; the rest of the thousand of RELIABILITY.md E1 is marked slow. Another seed: ``CERTSVC_TAMPERING_SEED``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, _served, lay_keys, sandbox_settings
from log_city import FOOD, audited, settle, stamp
from log_intruder import BucketFiles, DirectoryFiles, Files, Intruder
from minio import Minio
from postgres_process import PostgresProcess
from rights_city import give_and_take
from s3_process import S3Process
from test_fetch import fetch

from certsvc.app import build, prepare
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.evidence.record import record

COUNT, ALL = 40, 1000
SEED = int(os.environ.get("CERTSVC_TAMPERING_SEED", "20261128"))
NOUNS_OF_RIGHTS = ("show", "grant", "reservation", "delegation", "relation", "co_holder")
EMBEDDED, SERVER = "embedded", "server"


@dataclass
class Victim:
    """A city with something of everything in its log, and the way past it to its rows and objects."""

    city: ServedCity
    database_url: str
    files: Files


@pytest.fixture(scope="module", params=[EMBEDDED, SERVER])
def victim(
    request: pytest.FixtureRequest, city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Victim]:
    """SQLite and a directory; PostgreSQL and S3."""
    place = tmp_path_factory.mktemp("tampered")
    lay_keys(city_keys, place / "var")
    files: Files
    if request.param == EMBEDDED:
        shutil.copyfile(sqlite_template, place / "certsvc.sqlite3")
        settings = sandbox_settings(place / "var", f"sqlite:///{place / 'certsvc.sqlite3'}")
        files = DirectoryFiles(settings.objects)
    else:
        postgres: PostgresProcess = request.getfixturevalue("postgres")
        s3: S3Process = request.getfixturevalue("s3_server")
        template = request.getfixturevalue("postgres_template")
        postgres.execute(f"CREATE DATABASE tampered TEMPLATE {template} STRATEGY FILE_COPY")
        keys = place / "s3.keys"
        keys.write_text(f"{s3.access_key}\n{s3.secret_key}\n")
        stored = {"s3_url": s3.url, "s3_bucket": "tampered", "s3_credentials_file": keys}
        settings = sandbox_settings(place / "var", postgres.url("tampered"), **stored)
        s3_client = Minio(
            f"127.0.0.1:{s3.port}", access_key=s3.access_key, secret_key=s3.secret_key, secure=False, region="us-east-1"
        )
        files = BucketFiles(s3_client, "tampered")
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            city = _served(service, parties, client, place)
            _live(city)
            yield Victim(city=city, database_url=settings.database_url, files=files)
    finally:
        service.close()


def _live(city: ServedCity) -> None:
    deps = city.service.deps
    scene = next(one for one in city.catalog.type(FOOD).scenes if one.audience == "officer")
    issuer = city.catalog.sample(FOOD)["issuer_code"]
    officer = next(p.subject for p in city.people if p.subject.startswith("officer-") and p.authority_code == issuer)
    for number in range(3):
        done = city.issue(FOOD, f"TAMPER-{number}")
        shown = city.show(FOOD, done["identifier"], scene.code)
        city.scan(officer, shown["code"])
        if number != 1:
            assert city.move(done["identifier"], "suspend", slug=FOOD).status_code == 201
            assert city.move(done["identifier"], "resume", slug=FOOD, until=None).status_code in {201, 422}
    for matter in (None, "unknown-matter"):
        assert fetch(city, **({"matter_code": matter} if matter else {})).status_code in {201, 403, 404, 409, 422}
    give_and_take(city)
    with deps.uow() as tx:
        for number in range(560):
            content = {"number": number}
            record(tx, deps, kind="test.noted", subject=f"s{number}", actor="a", content=content, at=deps.clock.now())
    settle(city)
    stamp(city)


def test_an_untouched_log_agrees(victim: Victim) -> None:
    report = audited(victim.city.service.deps)
    assert report.agrees, report.findings
    assert report.size > 512
    assert report.stamped == 1
    for noun in ("license", "move", "fetch", "scan", "event", *NOUNS_OF_RIGHTS):
        assert report.rows[noun] > 0, noun
    assert report.files == 6
    assert {"log/tile/0/000", "log/tile/0/001", "log/tile/entries/001"} <= set(victim.files.names())


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[pytest.mark.slow] if number >= COUNT else []) for number in range(ALL)]
)
def test_every_tampering_is_found_and_named(victim: Victim, number: int) -> None:
    intruder = Intruder(victim.database_url, victim.files, SEED + number)
    deed = intruder.act()
    try:
        report = audited(victim.city.service.deps)
    finally:
        intruder.undo()
    assert not report.agrees, deed
    told = " ".join(f"{one.about} {one.detail}" for one in report.findings)
    missing = {name for name in intruder.named if name not in told}
    assert not missing, (deed, told[:2000])


def test_after_it_all_the_log_agrees_again(victim: Victim) -> None:
    report = audited(victim.city.service.deps)
    assert report.agrees, report.findings
