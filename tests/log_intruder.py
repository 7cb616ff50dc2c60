"""An intruder who changes rows and objects past the service, one thing at a time, with a connection of its own."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from minio import Minio
from sqlalchemy import Connection, create_engine, text

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
            "suspended_until",
            "replaced_by_version_id",
            "status_no",
        ),
    ),
    "moves": ("move_id", ("name", "from_state", "to_state", "decision", "actor", "at", "version_id", "move_id")),
    "fetches": (
        "fetch_id",
        ("version_id", "client_id", "client_name", "matter_code", "case_no", "circumstances", "basis", "fields", "at"),
    ),
    "scans": ("scan_id", ("code_kind", "version_id", "officer", "badge", "scene", "outcome", "fields", "at")),
    "shows": (
        "show_id",
        (
            "token_sha256",
            "version_id",
            "holder_subject",
            "scene",
            "created_at",
            "expires_at",
            "redeemed_at",
            "redeemed_by",
            "basis",
            "basis_id",
            "presenter",
            "bundle",
            "members",
        ),
    ),
    "grants": (
        "grant_id",
        (
            "token_sha256",
            "version_id",
            "holder_subject",
            "client_id",
            "matter_code",
            "case_no",
            "fields",
            "created_at",
            "expires_at",
            "used_at",
            "withdrawn_at",
            "basis",
            "basis_id",
            "consent_id",
            "operator",
            "answers",
            "copy_until",
        ),
    ),
    "reservations": (
        "reservation_id",
        (
            "seal_id",
            "purpose",
            "digest",
            "reserved_at",
            "result",
            "signature_sha256",
            "answered_at",
        ),
    ),
    "delegations": (
        "delegation_id",
        (
            "parent_id",
            "level",
            "holder_blind",
            "grantor_blind",
            "delegate_blind",
            "people",
            "scope",
            "until",
            "max_uses",
            "state",
            "created_at",
            "accepted_at",
            "ended_at",
            "ended_because",
            "use_matters",
        ),
    ),
    "relations": (
        "relation_id",
        (
            "kind",
            "subject_blind",
            "other_blind",
            "people",
            "authority_code",
            "client_id",
            "document_no",
            "from_on",
            "until_on",
            "created_at",
            "ended_at",
        ),
    ),
    "co_holders": (
        "co_holder_id",
        ("license_id", "holder_blind", "person", "added_at", "removed_at"),
    ),
    "log_checkpoints": ("number", ("note",)),
    "log_edges": ("level", ("hashes",)),
    "log_timestamps": ("size", ("token",)),
}
MOMENT = "2019-02-03T04:05:06.000007+00:00"
FIXED: dict[str, str | None] = {
    "position": None,
    **dict.fromkeys(("issued_on", "first_issued_on", "valid_from", "valid_until", "suspended_until"), "2019-02-03"),
    **dict.fromkeys(("until", "from_on", "until_on"), "2019-02-03"),
    **dict.fromkeys(("at", "time", "created_at", "expires_at", "redeemed_at", "used_at", "withdrawn_at"), MOMENT),
    **dict.fromkeys(("copy_until", "reserved_at", "answered_at", "accepted_at", "ended_at"), MOMENT),
    **dict.fromkeys(("added_at", "removed_at"), MOMENT),
}
KEYS = {
    "evidence": "row_no",
    "events": "row_no",
    "licenses": "version_id",
    "moves": "row_no",
    "fetches": "fetch_id",
    "scans": "scan_id",
    "shows": "show_id",
    "grants": "grant_id",
    "reservations": "reservation_id",
    "delegations": "delegation_id",
    "relations": "relation_id",
    "co_holders": "co_holder_id",
    "log_checkpoints": "number",
    "log_edges": "level",
    "log_timestamps": "size",
}
NUMBERED = frozenset(table for table, key in KEYS.items() if key == "row_no")
"""Tables whose numbers PostgreSQL gives by itself, unless it is overridden."""
TAILS = ("evidence", "events", "log_checkpoints", "moves", "scans", "shows", "grants", "reservations")


class Files(Protocol):
    """Objects as somebody with access to the disk or the bucket has them."""

    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, data: bytes) -> None: ...
    def remove(self, name: str) -> None: ...


class DirectoryFiles:
    """Those of a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        files = (path for path in self.root.rglob("*") if path.is_file() and ".incoming" not in path.parts)
        return sorted(path.relative_to(self.root).as_posix() for path in files)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        (self.root / name).write_bytes(data)

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


class BucketFiles:
    """Those of a bucket: what is written over has older versions, what is removed has a marker."""

    def __init__(self, client: Minio, bucket: str) -> None:
        self.client, self.bucket = client, bucket

    def names(self) -> list[str]:
        return sorted(str(one.object_name) for one in self.client.list_objects(self.bucket, recursive=True))

    def read(self, name: str) -> bytes:
        response = self.client.get_object(self.bucket, name)
        try:
            return bytes(response.read())
        finally:
            response.close()
            response.release_conn()

    def write(self, name: str, data: bytes) -> None:
        self.client.put_object(self.bucket, name, io.BytesIO(data), len(data))

    def remove(self, name: str) -> None:
        self.client.remove_object(self.bucket, name)


class Intruder:
    """Does one thing; ``undo`` puts it back. ``named`` is what a finding must speak of."""

    def __init__(self, database_url: str, files: Files, seed: int) -> None:
        self.chance = random.Random(seed)
        self.files = files
        self.named: set[str] = set()
        self._engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
        self._undo: list[tuple[str, dict[str, Any]]] = []
        self._kept: dict[str, bytes] = {}

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
        with self._begin() as connection:
            for statement, values in reversed(self._undo):
                connection.execute(text(statement), values)
        for name, data in self._kept.items():
            self.files.write(name, data)
        self._engine.dispose()

    def edit(self) -> str:
        table = self.chance.choice(tuple(COLUMNS))
        name, columns = COLUMNS[table]
        column = self.chance.choice(columns)
        row = self._pick(table)
        self._change(table, row, {column: self._other(column, row[column])})
        self.named.add(_name(table, row))
        return f"{table}.{column} of {row[name]}"

    def delete(self) -> str:
        table = self.chance.choice(tuple(COLUMNS))
        row = self._pick(table)
        self._remove(table, row)
        return f"{table} {row[COLUMNS[table][0]]} deleted"

    def truncate(self) -> str:
        table = self.chance.choice(TAILS)
        order = {"evidence": "position", "events": "position", "scans": "at", "shows": "created_at"}.get(
            table, KEYS[table]
        )
        rows = sorted(self._rows(table), key=lambda row: row[order], reverse=True)[: self.chance.randint(1, 3)]
        for row in rows:
            self._remove(table, row)
        if table == "log_checkpoints":  # from which number on is told
            self.named = {str(rows[-1]["number"])}
        return f"{table} cut by {len(rows)}"

    def reorder(self) -> str:
        """Two rows trade places: everything but their places."""
        table = self.chance.choice(("evidence", "events"))
        columns = {
            "evidence": ("evidence_id", "kind", "at", "leaf", "details"),
            "events": ("data", "subject", "type", "time"),
        }[table]
        one, other = self.chance.sample(self._rows(table), 2)
        if all(one[column] == other[column] for column in columns):
            return self.reorder()
        if table == "evidence":  # whose ids are unique at every moment
            for row in (one, other):
                self._change(table, row, {"evidence_id": f"x{row['row_no']}"})
        for row, values in ((one, other), (other, one)):
            self._change(table, {**row, "evidence_id": f"x{row['row_no']}"}, {name: values[name] for name in columns})
        self.named |= {_name(table, one), _name(table, other)}
        name = COLUMNS[table][0]
        return f"{table} {one[name]} and {other[name]} traded places"

    def harm_object(self) -> str:
        name = self.chance.choice([one for one in self.files.names() if one.startswith("log/") or one.endswith(".pdf")])
        data = self._kept[name] = self.files.read(name)
        how = self.chance.choice(("deleted", "cut", "changed"))
        if how == "deleted":
            self.files.remove(name)
        elif how == "cut":
            self.files.write(name, data[: self.chance.randrange(len(data))])
        else:
            place = self.chance.randrange(len(data))
            other = bytes([data[place] ^ 1 + self.chance.randrange(255)])
            self.files.write(name, data[:place] + other + data[place + 1 :])
        self.named.add(name.removeprefix("log/"))
        return f"{name} {how}"

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # foreign keys do not stop an administrator
                connection.execute(text("SET session_replication_role = replica"))
            yield connection

    def _change(self, table: str, row: dict[str, Any], values: dict[str, Any]) -> None:
        key = KEYS[table]
        assignments = ", ".join(f"{column} = :{column}" for column in values)
        statement = f"UPDATE {table} SET {assignments} WHERE {key} = :_key"
        with self._begin() as connection:
            connection.execute(text(statement), {**values, "_key": row[key]})
        self._undo.append((statement, {**{column: row[column] for column in values}, "_key": row[key]}))

    def _remove(self, table: str, row: dict[str, Any]) -> None:
        key = KEYS[table]
        with self._begin() as connection:
            connection.execute(text(f"DELETE FROM {table} WHERE {key} = :key"), {"key": row[key]})
            postgresql = connection.dialect.name == "postgresql"
        override = " OVERRIDING SYSTEM VALUE" if postgresql and table in NUMBERED else ""
        marks = ", ".join(f":{column}" for column in row)
        self._undo.append((f"INSERT INTO {table} ({', '.join(row)}){override} VALUES ({marks})", row))
        self.named.add(_name(table, row))

    def _pick(self, table: str) -> dict[str, Any]:
        return self.chance.choice(self._rows(table))

    def _rows(self, table: str) -> list[dict[str, Any]]:
        where = "WHERE position > 0" if table in {"evidence", "events"} else ""
        with self._begin() as connection:
            rows = connection.execute(text(f"SELECT * FROM {table} {where} ORDER BY {KEYS[table]}")).mappings()
            found = [dict(row) for row in rows]
        assert found, table
        return found

    def _other(self, column: str, value: Any) -> Any:
        if column in FIXED:
            return FIXED[column]
        if isinstance(value, bytes):
            place = self.chance.randrange(len(value))
            return value[:place] + bytes([value[place] ^ 1 << self.chance.randrange(8)]) + value[place + 1 :]
        if isinstance(value, int):
            return value + (1000 if column == "status_no" else 1)  # these are unique at every moment
        if value is None:
            return b"\x00"
        if column in {"state", "from_state", "to_state"}:
            return self.chance.choice([state for state in ("valid", "revoked", "cancelled") if state != value])
        if column in {"data", "fields", "members", "scope", "use_matters"}:
            return value[:-1] + ', "x": 1}' if value.startswith("{") and len(value) > 2 else '["x"]'
        place = self.chance.randrange(len(value)) if value else 0
        return value[:place] + ("x" if value[place : place + 1] != "x" else "y") + value[place + 1 :]


def _name(table: str, row: dict[str, Any]) -> str:
    return "log_edges" if table == "log_edges" else str(row[COLUMNS[table][0]])
