"""The chain of migrations gives the tables that the code expects, on both databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from postgres_process import PostgresProcess
from sqlalchemy import text
from sqlalchemy.schema import CreateTable
from store_records import make_version

from certsvc.errors import ConfigurationError, Unavailable
from certsvc.license.origin import LicenseOrigin
from certsvc.signing.cipher import ColumnCipher
from certsvc.store import migrate
from certsvc.store.engine import open_store, writing_engine
from certsvc.store.tables_disposals import metadata

COLUMNS = """
SELECT table_name, column_name, ordinal_position, data_type, character_maximum_length, is_nullable, column_default,
       is_identity
FROM information_schema.columns WHERE table_schema = 'public'"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace"""

Schema = set[tuple[object, ...]]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables, once per kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a directory' / 'new.sqlite3'}"
        return
    server: PostgresProcess = request.getfixturevalue("postgres")
    server.execute("CREATE DATABASE empty")
    yield server.url("empty")
    server.execute("DROP DATABASE empty WITH (FORCE)")


def schema_of(url: str) -> Schema:
    """Every column, constraint and index as the database itself tells it."""
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"))
        rows = file.execute("SELECT tbl_name, type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
        file.close()
        # The order of constraints within a table is no difference, nor that an added column shares a line.
        parts = re.compile(r",?\s*\n\s*|, (?=[a-z_0-9]+ (?:VARCHAR|TEXT|BLOB|INTEGER|BIGINT|BOOLEAN)\b)")
        lines = {(table, kind, name, *sorted(parts.split(sql))) for table, kind, name, sql in rows}
        return {line for line in lines if line[0] != "alembic_version"}
    queries = (COLUMNS, INDEXES, CONSTRAINTS)
    engine = writing_engine(url)
    with engine.connect() as connection:
        found = {tuple(row) for query in queries for row in connection.exec_driver_sql(query)}
    engine.dispose()
    return {row for row in found if row[0] != "alembic_version"}


def test_the_chain_and_the_tables_of_the_code_are_the_same_schema(empty_url: str, tmp_path: Path) -> None:
    migrate.upgrade(empty_url)
    migrated = schema_of(empty_url)
    assert len(migrated) > len(metadata.tables)
    engine = writing_engine(empty_url)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    engine.dispose()
    assert schema_of(empty_url) == migrated


def test_an_upgraded_database_stands_at_the_head_without_differences(empty_url: str) -> None:
    assert migrate.current(empty_url) == ""
    assert migrate.differences(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head() != ""
    assert migrate.differences(empty_url) == ()
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == migrate.head()


def test_a_column_that_the_code_does_not_know_is_a_difference(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = writing_engine(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE licenses ADD COLUMN stray VARCHAR(9)")
    engine.dispose()
    assert any("stray" in difference for difference in migrate.differences(empty_url))


def test_each_revision_can_be_reached_alone_and_several_processes_may_upgrade_at_once(empty_url: str) -> None:
    migrate.upgrade(empty_url, revision="0001")
    assert migrate.current(empty_url) == "0001"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [empty_url] * 4))
    assert migrate.current(empty_url) == migrate.head()


def test_whoever_upgrades_second_waits_as_long_as_the_first_takes(
    postgres: PostgresProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.execute("CREATE DATABASE taking_turns")
    url = postgres.url("taking_turns")
    holder, taken = writing_engine(url), f"SELECT pg_advisory_xact_lock({migrate._ADVISORY_LOCK})"
    monkeypatch.setattr(migrate, "writing_engine", partial(writing_engine, wait_s=0.2))
    with ThreadPoolExecutor(1) as pool:
        with holder.begin() as connection:
            connection.execute(text(taken))
            waiting = pool.submit(migrate.upgrade, url)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1.5)
        waiting.result(timeout=60)
    holder.dispose()
    assert migrate.current(url) == migrate.head()
    postgres.execute("DROP DATABASE taking_turns WITH (FORCE)")


EARLIER_LICENSE = """
INSERT INTO licenses (version_id, license_id, identifier, root, version, type_slug, number, number_blind, issuer_code,
  issuer_name, holder, holder_blind, data, photo_id, issued_on, first_issued_on, valid_from, state,
  previous_version_id, replaced_by_version_id, request_id, printed_token, created_at, revision, artifact_id)
VALUES ('ver_{n}', 'lic_{n}', '1.2.{n}', '1.2.{n}', 1, 'tour_guide', {b}, {b}, '11990000MB0000019F', '示例机关',
  {b}, {b}, {b}, '', '2026-01-01', '2026-01-01', '2026-01-01', '{state}', '', '', '', 'token-{n}',
  '2026-01-01 00:00:00.000000+00:00', 1, 'art_{n}')"""


def test_licenses_of_an_earlier_release_get_status_entries_and_later_ones_go_on_behind_them(
    empty_url: str, cipher: ColumnCipher
) -> None:
    migrate.upgrade(empty_url, revision="0006")
    engine = writing_engine(empty_url)
    with engine.begin() as connection:
        for n in range(1, 51):
            blob = f"'\\x{n:064x}'::bytea" if engine.dialect.name == "postgresql" else f"x'{n:064x}'"
            state = "revoked" if n % 10 == 0 else "valid"
            connection.exec_driver_sql(EARLIER_LICENSE.format(n=n, b=blob, state=state))
    migrate.upgrade(empty_url)
    assert migrate.differences(empty_url) == ()
    store = open_store(empty_url, cipher)
    with store.uow() as tx:
        assert tx.statuses.number_some(limit=100) == 0
        assert sum(mark.mask.bit_count() for mark in tx.statuses.marks(1)) == 5
        tx.licenses.insert(make_version(900))
    with engine.connect() as connection:
        numbers = [row[0] for row in connection.exec_driver_sql("SELECT status_no FROM licenses")]
    assert sorted(numbers) == list(range(1, 52))
    store.close()
    engine.dispose()


def test_a_license_without_a_registration_was_issued_here(empty_url: str, cipher: ColumnCipher) -> None:
    migrate.upgrade(empty_url)
    store = open_store(empty_url, cipher)
    with store.uow() as tx:
        tx.licenses.insert(make_version(1))
    with store.uow.read() as tx:
        found = tx.licenses.by_version_id("ver_000001")
    store.close()
    assert found == make_version(1)
    assert found is not None
    assert found.origin is LicenseOrigin.ISSUED


EARLIER_CLIENT = """
INSERT INTO clients (client_id, name, authority_code, roles, secret_sha256, jwks, active)
VALUES ('{client}', '示例系统', '11990000MB0000019F', '["using"]', '{secret}', '{jwks}', {active})"""


def test_a_client_of_an_earlier_release_proves_itself_as_before_and_older_code_still_registers_one(
    empty_url: str, cipher: ColumnCipher
) -> None:
    migrate.upgrade(empty_url, revision="0021")
    engine = writing_engine(empty_url)
    active = "true" if engine.dialect.name == "postgresql" else "1"
    with engine.begin() as connection:
        connection.exec_driver_sql(EARLIER_CLIENT.format(client="a", secret="x" * 64, jwks="", active=active))
        connection.exec_driver_sql(EARLIER_CLIENT.format(client="b", secret="", jwks="{}", active=active))
    migrate.upgrade(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(EARLIER_CLIENT.format(client="c", secret="x" * 64, jwks="", active=active))
    engine.dispose()
    store = open_store(empty_url, cipher)
    with store.uow.read() as tx:
        found = tx.access.clients(["a", "b", "c"])
    store.close()
    assert {name: one.proves_by for name, one in found.items()} == {
        "a": "client_secret",
        "b": "private_key_jwt",
        "c": "client_secret",
    }
    assert not any(one.staff_required or one.purpose for one in found.values())


def test_a_failing_revision_leaves_nothing_behind(empty_url: str, tmp_path: Path, repo_root: Path) -> None:
    broken = tmp_path / "migrations"
    (broken / "versions").mkdir(parents=True)
    (broken / "env.py").write_text((repo_root / "migrations" / "env.py").read_text())
    (broken / "versions" / "0001.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('first', sa.Column('id', sa.Integer))\n    op.drop_table('missing')\n"
    )
    with pytest.raises((RuntimeError, Unavailable, ConfigurationError)):
        migrate.upgrade(empty_url, directory=broken)
    assert schema_of(empty_url) == set()
    migrate.upgrade(empty_url)
    assert migrate.differences(empty_url) == ()


def test_a_database_of_a_newer_release_is_refused(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = writing_engine(empty_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(ConfigurationError, match="版本"):
        migrate.upgrade(empty_url)


def test_a_missing_directory_of_migrations_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="迁移目录"):
        migrate.upgrade(f"sqlite:///{tmp_path / 'x.db'}", directory=tmp_path / "nowhere")


def test_every_table_has_a_primary_key_and_no_column_without_a_type() -> None:
    for table in metadata.sorted_tables:
        assert list(table.primary_key.columns), table.name
        assert "NULL," not in str(CreateTable(table)).replace("NOT NULL,", "")
