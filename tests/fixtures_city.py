"""A whole service for tests: real keys, real fonts, a real database of either kind; with or without a listening server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from certsvc.app import Service, build, prepare
from certsvc.cli.demo import serving
from certsvc.cli.demo_city import City
from certsvc.commands.access.seed_sandbox import SandboxParties, seed_sandbox
from certsvc.delivery.loops import drain
from certsvc.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
FONTS = ROOT / ".fonts"


@dataclass
class ServedCity(City):
    """The demo's city over a service of this test process."""

    service: Service

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


@pytest.fixture(scope="session")
def city_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``var`` directory with a master key and the development PKI, made once per worker process."""
    var = tmp_path_factory.mktemp("city-keys")
    prepare(sandbox_settings(var, f"sqlite:///{var / 'unused.sqlite3'}"))
    return var


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


@pytest.fixture
def make_service(city_keys: Path, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Build services over a database; all are closed at the end."""
    built: list[Service] = []

    def make(database_url: str, **changes: Any) -> Service:
        var = tmp_path / "var"
        if not var.exists():
            shutil.copytree(city_keys, var, ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
        clock, ids = changes.pop("clock", None), changes.pop("ids", None)
        service = build(sandbox_settings(var, database_url, **changes), clock=clock, ids=ids)
        built.append(service)
        return service

    yield make
    for service in built:
        service.close()


@pytest.fixture
def city(database_url: str, make_service: Callable[..., Service], tmp_path: Path) -> Iterator[ServedCity]:
    """A city without loops, once per kind of database; call ``city.drain()`` to work."""
    yield from _city(make_service(database_url), tmp_path)


@pytest.fixture
def small_city(sqlite_url: str, make_service: Callable[..., Service], tmp_path: Path) -> Iterator[ServedCity]:
    """The same on SQLite only, where the database makes no difference."""
    yield from _city(make_service(sqlite_url), tmp_path)


def _city(service: Service, tmp_path: Path) -> Iterator[ServedCity]:
    parties = seed_sandbox(service.deps)
    with TestClient(service.application(), raise_server_exceptions=False) as client:
        yield _served(service, parties, client, tmp_path)


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
    shutil.copytree(city_keys, var, ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
    settings = sandbox_settings(var, f"sqlite:///{var / 'live.sqlite3'}")
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        service.loops.start(workers=1, relay=True)
        import httpx

        with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
            city = _served(service, parties, client, var)
            for index, kind in enumerate(city.catalog.types, start=1):
                body = city.body(kind.slug, f"LIVE-{index:04d}")
                response = client.post("/v1/issuances", headers=city.system(), json=body)
                done = city.wait(city.answer(response, 202)["request_id"])
                city.licenses.append({"type": kind.slug, **done})
            yield LiveCity(base=base, city=city)
    finally:
        service.close()
