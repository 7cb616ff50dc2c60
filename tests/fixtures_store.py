"""Fixtures of the store: real databases, migrated once per session and copied per test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from postgres_process import PostgresProcess
from s3_process import S3Process

from certsvc.ids import SystemIds
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.master_key import MasterKey
from certsvc.store import migrate
from certsvc.store.engine import Store, open_store
from certsvc.store.objects_s3 import S3ObjectStore

DATABASES = ("sqlite", "postgresql")
_counter = itertools.count(1)


@pytest.fixture(scope="session")
def cipher() -> ColumnCipher:
    """The real cipher under a key made of zeros and a one."""
    return ColumnCipher(MasterKey(bytes(31) + b"\x01"), SystemIds())


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    """A running PostgreSQL, one per worker process of the test run; share it, never stop it."""
    server = PostgresProcess()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresProcess) -> str:
    """Name of a migrated database without rows."""
    postgres.execute("CREATE DATABASE certsvc_template")
    migrate.upgrade(postgres.url("certsvc_template"))
    return "certsvc_template"


@cache
def migrated(place: Path) -> Path:
    """A migrated file without rows below ``place``, made when it is first asked for."""
    path = place / "template.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file without rows."""
    return migrated(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Process]:
    """A running S3 server, one per worker process of the test run; share it, never stop it."""
    server = S3Process()
    try:
        server.start()
        yield server
    finally:
        server.close()


def open_bucket(server: S3Process, *, url: str = "", **changes: Any) -> S3ObjectStore:
    """A store over a bucket of its own; ``url`` leads there by another way."""
    changes |= {"access_key": server.access_key, "secret_key": server.secret_key}
    return S3ObjectStore(url or server.url, f"certs-{next(_counter)}", **changes)


@pytest.fixture
def s3_objects(s3_server: S3Process) -> Iterator[S3ObjectStore]:
    """An empty bucket."""
    store = open_bucket(s3_server)
    store.prepare()
    yield store
    store.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a fresh migrated SQLite database."""
    path = tmp_path / "certsvc.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresProcess, postgres_template: str) -> Iterator[str]:
    """URL of a fresh migrated PostgreSQL database, dropped after the test."""
    name = f"certsvc_{next(_counter)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template} STRATEGY FILE_COPY")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh migrated database, once per kind."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def store(database_url: str, cipher: ColumnCipher) -> Iterator[Store]:
    """An open store over a fresh database, once per kind of database."""
    opened = open_store(database_url, cipher)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_url: str, cipher: ColumnCipher) -> Iterator[Store]:
    """An open store over a fresh SQLite file."""
    opened = open_store(sqlite_url, cipher)
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(postgres_url: str, cipher: ColumnCipher) -> Iterator[Store]:
    """An open store over a fresh PostgreSQL database."""
    opened = open_store(postgres_url, cipher)
    yield opened
    opened.close()
