"""Random edits, deletions, reorders and truncations of rows, objects and tiles: each is found, and its place is named.

The intruder writes past the service, with a connection and a directory of its own, and everything is put back after the
audit. Sixty by default; the other 940 of RELIABILITY.md E1 are marked slow. Another seed: ``CERTSVC_TAMPERING_SEED``.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, _served, sandbox_settings
from log_city import FOOD, audited, settle, stamp
from test_fetch import fetch

from certsvc.app import build, prepare
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.evidence.record import record

COUNT, ALL = 60, 1000
SEED = int(os.environ.get("CERTSVC_TAMPERING_SEED", "20261128"))

# Per table: the column that a finding names, and the columns that an intruder may want to change.
COLUMNS: dict[str, tuple[str, tuple[str, ...]]] = {
    "evidence": ("position", ("leaf", "details", "kind", "at", "evidence_id", "position")),
    "events": ("event_id", ("type", "source", "subject", "time", "data", "event_id", "traceparent")),
    "licenses": (
        "identifier",
        (
            "license_id",
            "identifier",
            "root",
            "version",
            "type_slug",
            "number",
            "number_blind",
            "issuer_code",
            "issuer_name",
            "holder",
            "holder_blind",
            "data",
            "photo_id",
            "issued_on",
            "first_issued_on",
            "valid_from",
            "valid_until",
            "state",
            "request_id",
            "printed_token",
            "created_at",
            "revision",
            "previous_version_id",
        ),
    ),
    "moves": ("move_id", ("name", "from_state", "to_state", "decision", "actor", "at", "version_id", "move_id")),
    "fetches": (
        "fetch_id",
        ("version_id", "client_id", "client_name", "matter_code", "case_no", "circumstances", "basis", "fields", "at"),
    ),
    "scans": ("scan_id", ("code_kind", "version_id", "officer", "badge", "scene", "outcome", "fields", "at")),
    "log_checkpoints": ("number", ("note",)),
    "log_edges": ("level", ("hashes",)),
    "log_timestamps": ("size", ("token",)),
}
FIXED: dict[str, str | None] = {
    "position": None,
    **dict.fromkeys(("issued_on", "first_issued_on", "valid_from", "valid_until"), "2019-02-03"),
    **dict.fromkeys(("at", "time", "created_at"), "2019-02-03T04:05:06.000007+00:00"),
}
TAILS = ("evidence", "events", "log_checkpoints", "moves", "scans")


class Intruder:
    """Changes one thing at a time; ``undo`` puts it back. ``named`` is what a finding must speak of."""

    def __init__(self, database: Path, objects: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.database, self.objects = database, objects
        self.named: set[str] = set()
        self._undo: list[tuple[str, tuple[Any, ...]]] = []
        self._files: dict[Path, bytes] = {}

    def act(self) -> str:
        """Do something; what it was."""
        deeds: list[tuple[Callable[[], str], int]] = [
            (self.edit, 10),
            (self.delete, 4),
            (self.reorder, 3),
            (self.truncate, 3),
            (self.harm_object, 5),
        ]
        return self.chance.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]()

    def undo(self) -> None:
        with closing(sqlite3.connect(self.database)) as connection:
            for statement, values in reversed(self._undo):
                connection.execute(statement, values)
            connection.commit()
        for path, data in self._files.items():
            path.write_bytes(data)

    def edit(self) -> str:
        table = self.chance.choice(tuple(COLUMNS))
        name, columns = COLUMNS[table]
        column = self.chance.choice(columns)
        row = self._pick(table)
        changed = self._other(column, row[column])
        self._write(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, row["rowid"]))
        self._undo.append((f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (row[column], row["rowid"])))
        self.named.add(self._name(table, str(row[name])))
        return f"{table}.{column} of {row[name]}"

    def delete(self) -> str:
        table = self.chance.choice(tuple(COLUMNS))
        row = self._pick(table)
        self._remove(table, row)
        return f"{table} {row[COLUMNS[table][0]]} deleted"

    def truncate(self) -> str:
        table = self.chance.choice(TAILS)
        order = {"evidence": "position", "events": "position", "log_checkpoints": "number"}.get(table, "rowid")
        rows = self._rows(table, f"ORDER BY {order} DESC LIMIT {self.chance.randint(1, 3)}")
        for row in rows:
            self._remove(table, row)
        if table == "log_checkpoints":  # from which number on is told
            self.named = {str(rows[-1]["number"])}
        return f"{table} cut by {len(rows)}"

    def reorder(self) -> str:
        """Two rows trade places: their positions, or everything but their places."""
        table = self.chance.choice(("evidence", "events"))
        one, other = self._rows(table, "WHERE position > 0 ORDER BY random() LIMIT 2")
        columns = {
            "evidence": ("evidence_id", "kind", "at", "leaf", "details"),
            "events": ("data", "subject", "type", "time"),
        }[table]
        if table == "events" and all(one[column] == other[column] for column in columns):
            return self.reorder()
        before = [tuple(row[column] for column in columns) for row in (one, other)]
        assignments = ", ".join(f"{column} = ?" for column in columns)
        if table == "evidence":  # whose ids are unique at every moment
            for row in (one, other):
                self._write("UPDATE evidence SET evidence_id = ? WHERE rowid = ?", (f"x{row['rowid']}", row["rowid"]))
        for row, values in ((one, before[1]), (other, before[0])):
            self._write(f"UPDATE {table} SET {assignments} WHERE rowid = ?", (*values, row["rowid"]))
        for row, values in ((one, before[0]), (other, before[1])):
            self._undo.append((f"UPDATE {table} SET {assignments} WHERE rowid = ?", (*values, row["rowid"])))
        if table == "evidence":
            statement = "UPDATE evidence SET evidence_id = ? WHERE rowid = ?"
            self._undo += [(statement, (f"y{row['rowid']}", row["rowid"])) for row in (one, other)]
        name = COLUMNS[table][0]
        self.named |= {self._name(table, str(one[name])), self._name(table, str(other[name]))}
        return f"{table} {one[name]} and {other[name]} traded places"

    def harm_object(self) -> str:
        files = sorted(path for path in self.objects.rglob("*") if path.is_file() and ".incoming" not in path.parts)
        path = self.chance.choice([one for one in files if "log" in one.parts or one.suffix == ".pdf"])
        data = path.read_bytes()
        self._files[path] = data
        how = self.chance.choice(("deleted", "cut", "changed"))
        if how == "deleted":
            path.unlink()
        elif how == "cut":
            path.write_bytes(data[: self.chance.randrange(len(data))])
        else:
            place = self.chance.randrange(len(data))
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 + self.chance.randrange(255)]) + data[place + 1 :])
        relative = path.relative_to(self.objects).as_posix()
        self.named.add(relative.removeprefix("log/") if relative.startswith("log/") else relative)
        return f"{relative} {how}"

    def _remove(self, table: str, row: dict[str, Any]) -> None:
        self._write(f"DELETE FROM {table} WHERE rowid = ?", (row["rowid"],))
        columns = [column for column in row if column != "rowid"]
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        self._undo.append((statement, tuple(row[column] for column in columns)))
        self.named.add(self._name(table, str(row[COLUMNS[table][0]])))

    def _name(self, table: str, row_id: str) -> str:
        return "log_edges" if table == "log_edges" else row_id

    def _pick(self, table: str) -> dict[str, Any]:
        where = "WHERE position > 0" if table in {"evidence", "events"} else ""
        return self.chance.choice(self._rows(table, where))

    def _rows(self, table: str, rest: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(row) for row in connection.execute(f"SELECT rowid AS rowid, * FROM {table} {rest}")]
        assert found, table
        return found

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute(statement, values)
            connection.commit()

    def _other(self, column: str, value: Any) -> Any:
        if column in FIXED:
            return FIXED[column]
        if isinstance(value, bytes):
            place = self.chance.randrange(len(value))
            return value[:place] + bytes([value[place] ^ 1 << self.chance.randrange(8)]) + value[place + 1 :]
        if isinstance(value, int):
            return value + 1
        if value is None:
            return b"\x00"
        if column in {"state", "from_state", "to_state"}:
            return self.chance.choice([state for state in ("valid", "revoked", "cancelled") if state != value])
        if column in {"data", "fields", "members"}:
            return value[:-1] + ', "x": 1}' if value.startswith("{") and len(value) > 2 else '["x"]'
        place = self.chance.randrange(len(value)) if value else 0
        return value[:place] + ("x" if value[place : place + 1] != "x" else "y") + value[place + 1 :]


@pytest.fixture(scope="module")
def logged(
    city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServedCity, Path, Path]]:
    """A city with something of everything in its log, and where its rows and objects lie."""
    place = tmp_path_factory.mktemp("tampered")
    shutil.copytree(city_keys, place / "var", ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
    shutil.copyfile(sqlite_template, place / "certsvc.sqlite3")
    settings = sandbox_settings(place / "var", f"sqlite:///{place / 'certsvc.sqlite3'}")
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            city = _served(service, parties, client, place)
            _live(city)
            yield city, place / "certsvc.sqlite3", settings.objects
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
    with deps.uow() as tx:
        for number in range(560):
            content = {"number": number}
            record(tx, deps, kind="test.noted", subject=f"s{number}", actor="a", content=content, at=deps.clock.now())
    settle(city)
    stamp(city)


def test_an_untouched_log_agrees(logged: tuple[ServedCity, Path, Path]) -> None:
    city, _, objects = logged
    report = audited(city.service.deps)
    assert report.agrees, report.findings
    assert report.size > 512
    assert report.stamped == 1
    for noun in ("license", "move", "fetch", "scan", "event"):
        assert report.rows[noun] > 0, noun
    assert report.files == 3
    assert (objects / "log" / "tile" / "0" / "001").exists()


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[pytest.mark.slow] if number >= COUNT else []) for number in range(ALL)]
)
def test_every_tampering_is_found_and_named(logged: tuple[ServedCity, Path, Path], number: int) -> None:
    city, database, objects = logged
    intruder = Intruder(database, objects, SEED + number)
    deed = intruder.act()
    try:
        report = audited(city.service.deps)
    finally:
        intruder.undo()
    assert not report.agrees, deed
    told = " ".join(f"{one.about} {one.detail}" for one in report.findings)
    missing = {name for name in intruder.named if name not in told}
    assert not missing, (deed, told[:2000])
