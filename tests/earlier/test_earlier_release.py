"""Programs of an earlier release run on this schema: while a cluster is updated, they do.

What the release of migration 0013 writes when it issues, shows, scans and fetches was recorded with ``walk.py`` and is
replayed here, statement by statement: it never skips. The slow test runs that release itself, from this repository's
history.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fixtures_city import FONTS, ROOT

EARLIER = "37a9da47"
"""The last commit before migration 0014."""
HERE = Path(__file__).parent
Said = list[tuple[str, Any, bool, int]]


def recorded(kind: str) -> Said:
    return [tuple(one) for one in json.loads(gzip.decompress((HERE / f"release-0013.{kind}.json.gz").read_bytes()))]


def value_of(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, text)] = value.items()
    return {"bytes": bytes.fromhex, "at": datetime.fromisoformat, "on": date.fromisoformat}[kind](text)


def values_of(rows: Any) -> Any:
    if isinstance(rows, dict):
        return {name: value_of(value) for name, value in rows.items()}
    return [value_of(value) for value in rows]


def replay(cursor: Any, said: Said, errors: type[Exception] | tuple[type[Exception], ...]) -> dict[str, int]:
    """Run everything; how many rows each table got. AssertionError when a statement fails or touches other rows."""
    got: dict[str, int] = {}
    for statement, rows, many, touched in said:
        try:
            if many:
                cursor.executemany(statement, [values_of(one) for one in rows])
            else:
                cursor.execute(statement, values_of(rows))
                if cursor.description is not None:
                    cursor.fetchall()
        except errors as error:
            raise AssertionError(f"{statement[:300]}: {error}") from error
        if " RETURNING " not in statement:  # drivers count those before or after they are read
            assert cursor.rowcount == touched, statement[:300]
        if statement.startswith("INSERT INTO "):
            table = statement.split()[2]
            got[table] = got.get(table, 0) + (len(rows) if many else 1)
    return got


def test_what_an_earlier_release_writes_is_taken_on_sqlite(sqlite_url: str) -> None:
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    _check(replay(connection.cursor(), recorded("sqlite"), sqlite3.Error))
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_what_an_earlier_release_writes_is_taken_on_postgresql(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection, connection.cursor() as cursor:
        _check(replay(cursor, recorded("postgresql"), psycopg.Error))


def _check(got: dict[str, int]) -> None:
    wanted = {"requests": 2, "licenses": 2, "artifacts": 2, "shows": 1, "scans": 1, "fetches": 1, "intents": 2}
    assert {table: got.get(table) for table in wanted} == wanted


def test_a_column_that_earlier_programs_do_not_fill_is_found(sqlite_url: str) -> None:
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("CREATE TRIGGER broken BEFORE INSERT ON scans BEGIN SELECT RAISE(ABORT, 'NOT NULL'); END")
    with pytest.raises(AssertionError, match="INSERT INTO scans"):
        replay(connection.cursor(), recorded("sqlite"), sqlite3.Error)
    connection.close()


@pytest.mark.slow
def test_an_earlier_release_itself_runs_on_this_schema(database_url: str, tmp_path: Path) -> None:
    old = tmp_path / "earlier"
    old.mkdir()
    packed = subprocess.run(
        ["git", "archive", EARLIER, "certsvc", "keys", "migrations", "tests"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        pytest.skip("the repository's history is not here (a shallow clone, or no clone): nothing to run")
    subprocess.run(["tar", "-x", "-C", str(old)], input=packed.stdout, check=True)
    shutil.copy(HERE / "walk.py", tmp_path / "walk.py")
    run = subprocess.run(
        [sys.executable, str(tmp_path / "walk.py"), str(tmp_path / "var"), str(FONTS), database_url],
        cwd=old,
        env={**os.environ, "PYTHONPATH": f"{old}:{old / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "walked", run.stderr[-3000:]
    assert not (old / "migrations" / "versions" / "0014_imports.py").exists(), "an earlier release it is"
