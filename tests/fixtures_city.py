"""A whole service for tests: real keys, real fonts, a real database of either kind; listening or not."""

from __future__ import annotations

import filecmp
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from certsvc.app import Service, build, prepare
from certsvc.catalog.loader import Catalog, load_catalog
from certsvc.cli.demo import serving
from certsvc.cli.demo_city import City
from certsvc.commands.access.seed_sandbox import SandboxParties, seed_sandbox
from certsvc.delivery.loops import drain
from certsvc.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
FONTS = ROOT / ".fonts"
WRITTEN = (
    "requests",
    "intents",
    "licenses",
    "artifacts",
    "moves",
    "photos",
    "reservations",
    "shows",
    "grants",
    "events",
)


@dataclass
class ServedCity(City):
    """The demo's city over a service of this test process."""

    service: Service
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)

    def one_of(self, slug: str) -> dict[str, Any]:
        """A license of the type, issued when a test first asks: for tests that end nothing, in a city they share."""
        if slug not in self.samples:
            self.samples[slug] = self.issue(slug, f"ONE-{slug}")
        return self.samples[slug]

    def drain(self) -> int:
        """Issue, number and relay everything that waits."""
        return drain(self.service.deps, worker="test")

    def issue(self, slug: str, business_no: str, **changes: Any) -> dict[str, Any]:
        """Accept and issue the sample of a type; the request's answer."""
        body = self.body(slug, business_no, **changes)
        response = self.client.post("/v1/issuances", headers=self.system(), json=body)
        request_id = self.answer(response, 202)["request_id"]
        self.drain()
        done: dict[str, Any] = self.answer(self.client.get(f"/v1/issuances/{request_id}", headers=self.system()), 200)
        assert done["state"] == "issued", done
        return done

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a plain SELECT finds in the database, past every room of ours."""
        with self.service.store._engines[-1].connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def execute(self, statement: str) -> None:
        """Change rows past every room of ours: what a fault or an intruder could leave behind."""
        with self.service.store._engines[0].begin() as connection:
            connection.execute(text(statement))

    def make_due(self) -> None:
        """Let every request that waits for its next try be due now."""
        self.execute("UPDATE requests SET ready_at = created_at WHERE state = 'failed'")

    def counts(self) -> dict[str, int]:
        """How many rows stand in each table that a request may write to."""
        return {table: self.rows(f"SELECT count(*) FROM {table}")[0][0] for table in WRITTEN}

    def move(self, identifier: str, name: str, *, slug: str, **changes: Any) -> Any:
        """Ask for a move by the issuer of the type's sample; the bare response."""
        body: dict[str, Any] = {
            "move": name,
            "authority_code": self.catalog.sample(slug)["issuer_code"],
            "document_no": f"示例决〔2026〕{name}号",
            "decided_on": "2026-01-15",
            "basis": "《中华人民共和国行政许可法》",
            **({"until": "2030-12-31"} if name == "suspend" else {}),
            **changes,
        }
        return self.client.post(f"/v1/licenses/{identifier}/moves", headers=self.system(), json=body)

    def show(self, slug: str, identifier: str, scene: str) -> dict[str, Any]:
        """A show code of the sample's holder, or of the guardian of one who is too young."""
        asked = {"identifier": identifier, "scene": scene}
        response = self.client.post("/v1/shows", headers=self.person(self.shower_of(slug)), json=asked)
        return dict(self.answer(response, 201))

    def shower_of(self, slug: str) -> str:
        """Subject of the person who may show the sample license of a type alone."""
        mother = self.catalog.sample(slug)["data"].get("mother_code")
        return next((p.subject for p in self.people if mother and p.holder_code == mother), self.holder_of(slug))

    def scan(self, subject: str, code: str) -> dict[str, Any]:
        """What a person's scanner is answered."""
        response = self.client.post("/v1/scans", headers=self.person(subject), json={"code": code})
        return dict(self.answer(response, 201))

    def public(self, **asked: str) -> dict[str, Any]:
        """The public verdict over a code or a number."""
        return dict(self.answer(self.client.post("/v1/verifications", json=asked), 200))

    def events(self, client_id: str = "") -> list[dict[str, Any]]:
        """The whole feed, as the auditor or this client may read it."""
        who = self.system(client_id) if client_id else self.person("auditor-1")
        page = self.client.get("/v1/events", params={"limit": 500}, headers=who)
        return list(self.answer(page, 200)["events"])


@pytest.fixture(scope="session")
def city_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``var`` directory with a master key and the development PKI, made once per worker process."""
    var = tmp_path_factory.mktemp("city-keys")
    prepare(sandbox_settings(var, f"sqlite:///{var / 'unused.sqlite3'}"))
    return var


@cache
def _made_keys(city_keys: Path) -> tuple[tuple[Path, int, bytes | None], ...]:
    """Every directory and file of the keys with its mode and content, below themselves; databases are left out."""
    found = sorted(one for one in city_keys.rglob("*") if ".sqlite3" not in one.name)
    return tuple(
        (one.relative_to(city_keys), one.stat().st_mode & 0o777, one.read_bytes() if one.is_file() else None)
        for one in found
        if one.relative_to(city_keys).parts[0] != "objects"
    )


def lay_keys(city_keys: Path, var: Path) -> None:
    """A ``var`` directory of its own with these keys: they are read once per process, and written as they are."""
    var.mkdir(parents=True)
    for name, mode, content in _made_keys(city_keys):
        if content is None:
            (var / name).mkdir(mode)
        else:
            with os.fdopen(os.open(var / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(content)


def sandbox_settings(var: Path, database_url: str, **changes: Any) -> Settings:
    """Settings of a sandbox below ``var``; nothing is read from the environment."""
    values: dict[str, Any] = {
        "profile": "sandbox",
        "var_dir": var,
        "database_url": database_url,
        "keys_file": ROOT / "keys" / "dev.toml",
        "trust_dir": ROOT / "keys" / "trust",
        "font_dirs": (FONTS,),
        "rate_limit_per_minute": 1_000_000,
        "lease_s": 2,
    }
    return Settings.model_validate({**values, **changes})


@pytest.fixture(scope="session", autouse=True)
def _seeds_read_once() -> Iterator[None]:
    """The seed catalog is read once per worker process: it is frozen, and every city of the run begins with it."""
    seeds = cache(load_catalog)

    def load(directory: Path | None = None) -> Catalog:
        return seeds() if directory is None else load_catalog(directory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certsvc.commands.catalog.live.load_catalog", load)
        yield


@pytest.fixture
def make_service(city_keys: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Build services over a database; all are closed at the end."""
    built: list[Service] = []

    def make(database_url: str, **changes: Any) -> Service:
        var = tmp_path / "var"
        if not var.exists():
            lay_keys(city_keys, var)
        clock, ids = changes.pop("clock", None), changes.pop("ids", None)
        service = build(sandbox_settings(var, database_url, **changes), clock=clock, ids=ids)
        built.append(service)
        return service

    yield make
    for service in built:
        service.close()


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """A SQLite file with the sandbox's parties and seals, who they are, and when it was made."""

    file: Path
    parties: SandboxParties
    at_s: float


SEEDED_FOR_S = 20
"""So long a seeded file is copied: nothing in a city that begins with it is much older than the city."""

_seeded: dict[Path, Seeded] = {}


def take_seeded(file: Path, city_keys: Path, template: Path) -> SandboxParties | None:
    """Let a migrated file without rows be a seeded one; None, and the file as it was, where others wrote to it.

    What :func:`seed_sandbox` and the building of a service write is the same for every city with these keys and the
    ordinary settings, and costs more than all else of a city: it is written for all that follow each other.
    """
    if not filecmp.cmp(file, template, shallow=False):
        return None
    found = _seeded.get(city_keys)
    if found is None or time.monotonic() - found.at_s > SEEDED_FOR_S:
        found = _seeded[city_keys] = _seed(city_keys, template)
    shutil.copyfile(found.file, file)
    return found.parties


def _seed(city_keys: Path, template: Path) -> Seeded:
    place = city_keys.parent / "seeded"
    shutil.rmtree(place, ignore_errors=True)
    lay_keys(city_keys, place / "var")
    file = place / "certsvc.sqlite3"
    shutil.copyfile(template, file)
    service = build(sandbox_settings(place / "var", f"sqlite:///{file}"))
    try:
        parties = seed_sandbox(service.deps)
    finally:
        service.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a copy is of one file
    return Seeded(file=file, parties=parties, at_s=time.monotonic())


@contextmanager
def registered(known: SandboxParties | None) -> Iterator[None]:
    """Build a service over a seeded file: its seals are on the register, the same as are declared."""
    with pytest.MonkeyPatch.context() as patch:
        if known is not None:
            patch.setattr("certsvc.app.register_seals", lambda *_: None)
        yield


ORDINARY = frozenset({"rate_limit_per_minute", "officers_show_first", "inspection_picture_days"})
"""What may be given of a city that begins as every other: nothing of it is in the rows of the parties and seals."""


@pytest.fixture
def make_city(
    make_service: Callable[..., Service], city_keys: Path, sqlite_template: Path, tmp_path: Path
) -> Iterator[Callable[..., ServedCity]]:
    """Build cities over a database, without loops; settings, ``clock`` and ``ids`` may be given."""
    with ExitStack() as stack:

        def make(database_url: str, **changes: Any) -> ServedCity:
            known, file = None, Path(database_url.removeprefix("sqlite:///"))
            if database_url.startswith("sqlite:///") and file.exists() and changes.keys() <= ORDINARY:
                known = take_seeded(file, city_keys, sqlite_template)
            with registered(known):
                service = make_service(database_url, **changes)
            parties = known or seed_sandbox(service.deps)
            client = stack.enter_context(TestClient(service.application(), raise_server_exceptions=False))
            return _served(service, parties, client, tmp_path)

        yield make


@pytest.fixture
def city(database_url: str, make_city: Callable[..., ServedCity]) -> ServedCity:
    """A city without loops, once per kind of database; call ``city.drain()`` to work."""
    return make_city(database_url)


@pytest.fixture
def small_city(sqlite_url: str, make_city: Callable[..., ServedCity]) -> ServedCity:
    """The same on SQLite only, where the database makes no difference."""
    return make_city(sqlite_url)


@pytest.fixture(scope="session")
def shared_city(
    city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedCity]:
    """A city of a whole worker process, for tests that only look at licenses (``one_of``) or show and scan them.

    Whoever opens policies, issues the sample of a type again or ends anything takes :func:`standing` instead.
    """
    with standing(city_keys, sqlite_template, tmp_path_factory.mktemp("shared")) as city:
        yield city


@contextmanager
def standing(city_keys: Path, sqlite_template: Path, place: Path) -> Iterator[ServedCity]:
    """A city without loops below ``place``, as long as the block: for fixtures of a module."""
    lay_keys(city_keys, place / "var")
    shutil.copyfile(sqlite_template, place / "certsvc.sqlite3")
    known = take_seeded(place / "certsvc.sqlite3", city_keys, sqlite_template)
    with registered(known):
        service = build(sandbox_settings(place / "var", f"sqlite:///{place / 'certsvc.sqlite3'}"))
    try:
        parties = known or seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            yield _served(service, parties, client, place)
    finally:
        service.close()


def _served(service: Service, parties: SandboxParties, client: Any, out: Path) -> ServedCity:
    return ServedCity(
        client=client,
        out=out,
        secrets=dict(parties.secrets),
        people=parties.people,
        catalog=service.deps.catalog,
        anchor=service.settings.keys / "trust",
        service=service,
    )


@dataclass
class LiveCity:
    """A city whose server listens: for browsers."""

    base: str
    city: ServedCity


@pytest.fixture(scope="session")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    """A listening sandbox with one license of every type issued, shared by the browser tests of a worker."""
    var = tmp_path_factory.mktemp("live") / "var"
    lay_keys(city_keys, var)
    settings = sandbox_settings(var, f"sqlite:///{var / 'live.sqlite3'}")
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        service.loops.start(workers=1, relay=True)
        import httpx

        with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
            city = _served(service, parties, client, var)
            asked = {}
            for index, kind in enumerate(city.catalog.types, start=1):
                body = city.body(kind.slug, f"LIVE-{index:04d}")
                response = client.post("/v1/issuances", headers=city.system(), json=body)
                asked[kind.slug] = city.answer(response, 202)["request_id"]
            for slug, request_id in asked.items():  # all at once: while each is waited for, the others are issued
                city.licenses.append({"type": slug, **city.wait(request_id)})
            yield LiveCity(base=base, city=city)
    finally:
        service.close()
