"""Faces are drawn before they are put to use: at the check, at a proposal, at the swap and at the start."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from fixtures_city import FONTS, ServedCity
from store_records import T0
from structlog.testing import LogCapture
from test_catalog_governance import SLUG, next_file, propose, with_proposer

from certsvc.app import Service
from certsvc.catalog.loader import SEED_DIRECTORY, load_catalog
from certsvc.catalog.publication import Publication
from certsvc.commands.catalog import live
from certsvc.commands.catalog.live import LiveCatalog
from certsvc.errors import ConfigurationError

BASE = "broken.pdf"


@pytest.fixture
def catalog_dir(tmp_path: Path) -> Path:
    """Seed files of an operator, with a base page beside them that no page can be drawn on."""
    directory = tmp_path / "catalog"
    shutil.copytree(SEED_DIRECTORY, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (directory / "types" / BASE).write_bytes(b"%PDF-1.7\nno page in here\n")
    return directory


def undrawable(version: int = 2) -> str:
    """The next version of a type that loads without fault, with a face that cannot be drawn."""
    return next_file(version).replace("[face]\n", f'[face]\nbase = "{BASE}"\n', 1)


def publish_past_the_checks(service: Service, file: str, version: int = 2) -> None:
    raw = file.encode()
    row = Publication(
        slug=SLUG,
        version=version,
        digest=hashlib.sha256(raw).hexdigest(),
        file=raw,
        proposed_by="a",
        proposed_at=T0,
        published_by="b",
        published_at=T0,
    )
    with service.deps.uow() as tx:
        assert tx.publications.publish(row)


def test_a_publication_whose_face_cannot_be_drawn_leaves_the_running_catalog_and_is_logged(
    sqlite_url: str, make_city: Callable[..., ServedCity], catalog_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests log errors only; what is written here is a warning.
    logs = LogCapture()
    monkeypatch.setattr(live, "log", structlog.wrap_logger(None, [logs], wrapper_class=structlog.BoundLogger))
    city = make_city(sqlite_url, catalog_dir=catalog_dir)
    deps = city.service.deps
    good = deps.catalog
    publish_past_the_checks(city.service, undrawable())
    assert not deps.catalogs.follow()
    assert deps.catalog is good
    refused = [line for line in logs.entries if line.get("action") == "catalog.refused"]
    assert len(refused) == 1
    assert SLUG in refused[0]["reason"]
    assert BASE in refused[0]["reason"]
    assert not deps.catalogs.follow(), "an epoch that was refused is not tried again"
    assert city.issue(SLUG, "PROOF-1")
    publish_past_the_checks(city.service, next_file(3), 3)
    assert deps.catalogs.follow(), "the next publication is"
    assert deps.catalog.type(SLUG).version == 3


def test_a_start_over_a_face_that_cannot_be_drawn_is_refused(
    sqlite_url: str, make_service: Callable[..., Service], catalog_dir: Path
) -> None:
    publish_past_the_checks(make_service(sqlite_url, catalog_dir=catalog_dir), undrawable())
    with pytest.raises(ConfigurationError, match=rf"{SLUG}.*{BASE}"):
        make_service(sqlite_url, catalog_dir=catalog_dir)


def test_a_seed_whose_face_cannot_be_drawn_is_never_published(
    sqlite_url: str, make_service: Callable[..., Service], catalog_dir: Path
) -> None:
    service = make_service(sqlite_url, catalog_dir=catalog_dir)
    (catalog_dir / "types" / f"{SLUG}.toml").write_text(undrawable(), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=BASE):
        make_service(sqlite_url, catalog_dir=catalog_dir)
    with service.deps.uow.read() as tx:
        assert (SLUG, 2) not in tx.publications.digests()


def test_a_face_that_cannot_be_drawn_is_refused_when_it_is_proposed(
    sqlite_url: str, make_city: Callable[..., ServedCity], catalog_dir: Path
) -> None:
    answer = propose(with_proposer(make_city(sqlite_url, catalog_dir=catalog_dir)), undrawable())
    assert answer.status_code == 422
    assert BASE in answer.json()["errors"][0]["detail"]


def test_only_what_is_new_is_drawn_at_a_swap(
    sqlite_url: str, make_service: Callable[..., Service], catalog_dir: Path
) -> None:
    service = make_service(sqlite_url, catalog_dir=catalog_dir)
    drawn: list[list[str]] = []
    catalog = LiveCatalog(service.deps.uow, catalog_dir, lambda types: drawn.append([kind.slug for kind in types]))
    publish_past_the_checks(service, next_file())
    assert catalog.follow()
    assert drawn == [[], [SLUG]], "the seeds of the program are proven by its tests"


def check(directory: Path, fonts: Path) -> subprocess.CompletedProcess[str]:
    """``certsvc catalog check`` as an operator runs it, without a configured service."""
    settings = {"CERTSVC_CATALOG_DIR": str(directory), "CERTSVC_FONT_DIRS": str(fonts)}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CERTSVC_")}
    command = [sys.executable, "-m", "certsvc", "catalog", "check"]
    return subprocess.run(command, env={**plain, **settings}, capture_output=True, text=True, check=False, timeout=120)


def test_the_check_draws_every_face_and_says_how_many_types_at_its_end(catalog_dir: Path) -> None:
    done = check(catalog_dir, FONTS)
    assert done.returncode == 0, done.stderr
    documents = sum(kind.document for kind in load_catalog().types)
    said = f"目录检查通过：证照 {len(load_catalog().types) - documents} 种、文书 {documents} 种"
    assert done.stdout.splitlines()[-1] == said


def test_the_check_refuses_a_face_that_cannot_be_drawn(catalog_dir: Path) -> None:
    (catalog_dir / "types" / f"{SLUG}.toml").write_text(undrawable(), encoding="utf-8")
    done = check(catalog_dir, FONTS)
    assert done.returncode != 0
    assert SLUG in done.stderr
    assert BASE in done.stderr
    assert "通过" not in done.stdout


def test_the_check_without_fonts_says_so_and_fails(catalog_dir: Path, tmp_path: Path) -> None:
    done = check(catalog_dir, tmp_path)
    assert done.returncode != 0
    assert "版面未能检查" in done.stderr
    assert "找不到字体文件" in done.stderr
    assert "通过" not in done.stdout
