"""The published catalog: two people, immutable versions, an epoch that all follow, seeds that cannot drift."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity
from store_records import T0

from certsvc.app import Service
from certsvc.catalog.loader import SEED_DIRECTORY
from certsvc.catalog.numbers import first_number
from certsvc.catalog.publication import Publication
from certsvc.clock import SHANGHAI
from certsvc.commands.catalog.live import LiveCatalog, open_catalog
from certsvc.errors import ConfigurationError
from certsvc.store.engine import Store

SLUG = "tour_guide"
NEW_NAME = "导游证（新版）"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """A copy of the seed files."""
    target = tmp_path / "seeds"
    shutil.copytree(SEED_DIRECTORY, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return target


def raised(text: str, version: int = 2) -> str:
    """The type file as its next version, with another name."""
    lines = [line for line in text.splitlines() if not line.startswith("version =")]
    head = next(index for index, line in enumerate(lines) if line.startswith("slug"))
    lines.insert(head, f"version = {version}")
    return "\n".join(lines).replace('name = "导游证"', f'name = "{NEW_NAME}"', 1) + "\n"


def next_file(version: int = 2) -> str:
    return raised((SEED_DIRECTORY / "types" / f"{SLUG}.toml").read_text(encoding="utf-8"), version)


def propose(city: ServedCity, file: str, who: str = "proposer-1") -> Any:
    return city.client.post("/v1/catalog/proposals", headers=city.person(who), json={"file": file})


def publish(city: ServedCity, *proposals: str, who: str = "publisher-1") -> Any:
    return city.client.post("/v1/catalog/publications", headers=city.person(who), json={"proposals": proposals})


@pytest.fixture
def definer_city(small_city: ServedCity) -> ServedCity:
    """A city whose proposer belongs to the body that defines the type."""
    return with_proposer(small_city)


def with_proposer(city: ServedCity) -> ServedCity:
    with city.service.deps.uow() as tx:
        person = tx.access.person("proposer-1")
        assert person is not None
        code = city.catalog.type(SLUG).definer_code
        tx.access.upsert_person(dataclasses.replace(person, authority_code=code))
    return city


def test_a_proposal_of_one_is_published_by_another_and_taken_up_by_every_process(
    database_url: str, make_city: Callable[..., ServedCity], make_service: Callable[..., Service]
) -> None:
    city = with_proposer(make_city(database_url))
    other = make_service(database_url)
    proposal = city.answer(propose(city, next_file()), 201)
    assert city.answer(propose(city, next_file()), 201)["proposal_id"] == proposal["proposal_id"]
    before = other.deps.catalog
    published = city.answer(publish(city, proposal["proposal_id"]), 201)
    assert [(row["version"], row["digest"]) for row in published] == [(2, proposal["digest"])]
    assert published[0]["proposed_by"] != published[0]["published_by"]
    assert other.deps.catalog is before, "nothing changes within a piece of work"
    assert other.deps.catalogs.follow()
    assert not other.deps.catalogs.follow(), "one look at one row, until the next publication"
    assert (other.deps.catalog.type(SLUG).name, other.deps.catalog.type(SLUG).version) == (NEW_NAME, 2)
    assert before.type(SLUG).name == "导游证"
    city.drain()
    events = [event for event in city.events() if event["type"].endswith("catalog.published.v1")]
    assert [event["subject"] for event in events] == [SLUG]
    again = publish(city, proposal["proposal_id"])
    assert again.status_code == 409


def test_nobody_publishes_what_they_proposed_and_no_role_does_both(definer_city: ServedCity) -> None:
    city = definer_city
    proposal = city.answer(propose(city, next_file()), 201)["proposal_id"]
    assert publish(city, proposal, who="proposer-1").status_code == 403
    assert propose(city, next_file(3), who="publisher-1").status_code == 403
    with city.service.deps.uow() as tx:
        person = tx.access.person("proposer-1")
        assert person is not None
        both = dataclasses.replace(person, roles=frozenset({"catalog_proposer", "catalog_publisher"}))
        tx.access.upsert_person(both)
    refused = publish(city, proposal, who="proposer-1")
    assert (refused.status_code, "同一人" in refused.json()["detail"]) == (403, True)


def test_a_file_that_the_catalog_cannot_use_is_refused_with_its_place(definer_city: ServedCity) -> None:
    broken = next_file().replace("[face]", "[fase]", 1)
    answer = propose(definer_city, broken)
    assert answer.status_code == 422
    assert f"{SLUG}.toml" in answer.json()["errors"][0]["detail"]
    old = propose(definer_city, (SEED_DIRECTORY / "types" / f"{SLUG}.toml").read_text(encoding="utf-8") + "# 改\n")
    assert "version" in old.json()["errors"][0]["detail"]
    assert propose(definer_city, "slug = 3").status_code == 422
    assert propose(definer_city, "= = =").status_code == 422


def test_a_department_proposes_only_its_own_types(small_city: ServedCity) -> None:
    with small_city.service.deps.uow.read() as tx:
        person = tx.access.person("proposer-1")
    kind = small_city.catalog.type(SLUG)
    assert person is not None
    assert person.authority_code not in {kind.definer_code, *kind.issuers}
    assert propose(small_city, next_file()).status_code == 403


def test_a_preview_is_a_page_that_says_sample(definer_city: ServedCity, tmp_path: Path) -> None:
    city = definer_city
    proposal = city.answer(propose(city, next_file()), 201)["proposal_id"]
    answer = city.client.get(f"/v1/catalog/proposals/{proposal}/preview", headers=city.person("publisher-1"))
    assert answer.headers["content-type"] == "application/pdf"
    path = tmp_path / "preview.pdf"
    path.write_bytes(answer.content)
    text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    sample = city.catalog.sample(SLUG)
    assert sample["holder_name"] in "".join(text.split())
    assert (
        city.client.get(f"/v1/catalog/proposals/{proposal}/preview", headers=city.person("auditor-1")).status_code
        == 403
    )


def test_a_new_catalog_that_does_not_load_leaves_the_last_good_one(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    good = deps.catalog
    raw = b'slug = "tour_guide"\nversion = 2\n'
    row = Publication(
        slug=SLUG,
        version=2,
        digest=hashlib.sha256(raw).hexdigest(),
        file=raw,
        proposed_by="a",
        proposed_at=T0,
        published_by="b",
        published_at=T0,
    )
    with deps.uow() as tx:
        assert tx.publications.publish(row)
    assert not deps.catalogs.follow()
    assert deps.catalog is good
    assert not deps.catalogs.follow()
    assert small_city.issue(SLUG, "G-1")


def test_a_seed_that_was_changed_without_a_new_version_stops_the_start(store: Store, seeds: Path) -> None:
    first = open_catalog(store.uow, seeds, publish_seeds=True, now=T0)
    path = seeds / "types" / f"{SLUG}.toml"
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(path.read_text(encoding="utf-8") + "# 改动\n", encoding="utf-8")
    changed = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ConfigurationError) as refused:
        open_catalog(store.uow, seeds, publish_seeds=True, now=T0)
    for part in (f"types/{SLUG}.toml", known, changed, "version 改为 2"):
        assert part in refused.value.detail
    path.write_text(raised(path.read_text(encoding="utf-8")), encoding="utf-8")
    again = open_catalog(store.uow, seeds, publish_seeds=True, now=T0)
    assert again.current.type(SLUG).name == NEW_NAME
    assert first.follow()
    assert first.current.type(SLUG).version == 2


def test_a_published_version_outlives_the_seed_it_came_from(store: Store, seeds: Path) -> None:
    open_catalog(store.uow, seeds, publish_seeds=True, now=T0)
    raw = next_file().encode()
    with store.uow() as tx:
        digest = hashlib.sha256(raw).hexdigest()
        assert tx.publications.publish(
            Publication(
                slug=SLUG,
                version=2,
                digest=digest,
                file=raw,
                proposed_by="a",
                proposed_at=T0,
                published_by="b",
                published_at=T0,
            )
        )
    assert open_catalog(store.uow, seeds, publish_seeds=True, now=T0).current.type(SLUG).name == NEW_NAME


def test_production_publishes_nothing_by_itself(sqlite_store: Store, seeds: Path) -> None:
    with pytest.raises(ConfigurationError, match="propose"):
        open_catalog(sqlite_store.uow, seeds, publish_seeds=False, now=T0)
    with sqlite_store.uow.read() as tx:
        assert tx.publications.epoch() == 0


def test_many_processes_that_start_at_once_publish_the_seeds_once(store: Store, seeds: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_catalog(store.uow, seeds, publish_seeds=True, now=T0), range(4)))
    assert len({catalog.current.digest for catalog in opened}) == 1
    with store.uow.read() as tx:
        rows = tx.publications.publications()
    assert len(rows) == len({(row.slug, row.version) for row in rows}) == len(opened[0].current.types)


def test_a_published_row_comes_back_byte_for_byte(store: Store, seeds: Path) -> None:
    catalog = open_catalog(store.uow, seeds, publish_seeds=True, now=T0)
    assert isinstance(catalog, LiveCatalog)
    with store.uow.read() as tx:
        row = tx.publications.publication(SLUG, 1)
    assert row is not None
    assert row.file == (seeds / "types" / f"{SLUG}.toml").read_bytes()
    assert (row.published_by, row.published_at) == ("seed", T0)


TAKES_UP = """
import sys, time
from pathlib import Path
from fixtures_city import sandbox_settings
from certsvc.app import build
from certsvc.cli.logs import configure_logs

configure_logs("ERROR")
service = build(sandbox_settings(Path(sys.argv[1]), sys.argv[2]))
print(service.deps.catalog.type(sys.argv[3]).name, flush=True)
sys.stdin.readline()
deadline = time.monotonic() + 60
while not service.deps.catalogs.follow() and time.monotonic() < deadline:
    time.sleep(0.05)
print(service.deps.catalog.type(sys.argv[3]).name, flush=True)
service.close()
"""


def test_a_process_of_its_own_follows_the_epoch(database_url: str, make_city: Callable[..., ServedCity]) -> None:
    """Two programs, one database: what is published in one is in effect in the other, without a restart."""
    city = with_proposer(make_city(database_url))
    arguments = [sys.executable, "-c", TAKES_UP, str(city.service.settings.var_dir), database_url, SLUG]
    paths = f"{ROOT}:{ROOT / 'tests'}"
    with subprocess.Popen(
        arguments,
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "导游证"
        proposal = city.answer(propose(city, next_file()), 201)["proposal_id"]
        city.answer(publish(city, proposal), 201)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline().strip() == NEW_NAME
    assert other.returncode == 0


@pytest.mark.parametrize("slug", ["firework_retail", "driving_license", "food_operation"])
def test_a_preview_has_the_dates_number_and_photo_of_a_real_page(
    small_city: ServedCity, tmp_path: Path, slug: str
) -> None:
    """One whose sample is "issued today", one with a photo, one whose number we make."""
    city = small_city
    kind, sample = city.catalog.type(slug), city.catalog.sample(slug)
    with city.service.deps.uow() as tx:
        person = tx.access.person("proposer-1")
        assert person is not None
        tx.access.upsert_person(dataclasses.replace(person, authority_code=kind.definer_code))
    raw = (SEED_DIRECTORY / "types" / f"{slug}.toml").read_text(encoding="utf-8")
    lines = [line for line in raw.splitlines() if not line.startswith("version =")]
    lines.insert(next(i for i, line in enumerate(lines) if line.startswith("slug")), "version = 9")
    proposal = city.answer(propose(city, "\n".join(lines) + "\n"), 201)["proposal_id"]
    answer = city.client.get(f"/v1/catalog/proposals/{proposal}/preview", headers=city.person("publisher-1"))
    assert answer.status_code == 200, answer.text
    path = tmp_path / "preview.pdf"
    path.write_bytes(answer.content)
    text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout
    joined = "".join(text.split())
    assert "样本" in joined
    assert sample["holder_name"] in joined
    images = subprocess.run(["pdfimages", "-list", str(path)], capture_output=True, text=True, check=True).stdout
    assert (" jpeg " in images) == kind.photo
    if not sample["number"]:
        year = int(sample["issued_on"][:4]) if sample["issued_on"] else datetime.now(SHANGHAI).year
        assert first_number(kind, sample["data"], region=sample["region"], year=year) in joined
