"""Issue, show, scan and fetch once, over a database that is migrated already; runs under this release and earlier ones.

``python walk.py VAR FONTS DATABASE_URL [RECORD]``, with the release's ``certsvc`` and ``tests`` on the path. With
``RECORD`` every statement that changes rows is written there as JSON: the fixture of ``test_earlier_release.py``.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from fixtures_city import ROOT, ServedCity
from sqlalchemy import Engine, event

from certsvc.app import build, prepare
from certsvc.commands.access.seed_sandbox import seed_sandbox, using_client_id
from certsvc.settings import Settings

SLUG, CARD, SCENE = "business_license", "tour_guide", "tour_inspection"
MATTER = "11990000MB0000019F2990131002001"
CLIENT = using_client_id("11990000MB0000019F")
WRITES = ("INSERT", "UPDATE", "DELETE")


def walk(var: Path, fonts: Path, database_url: str, record: Path | None = None) -> None:
    """Everything once; AssertionError when an answer is not as it must be."""
    values: dict[str, Any] = {
        "profile": "sandbox",
        "var_dir": var,
        "keys_file": ROOT / "keys" / "dev.toml",
        "trust_dir": ROOT / "keys" / "trust",
        "font_dirs": (fonts,),
    }
    prepare(Settings.model_validate(values))  # keys, and a database of the own release that is not used
    said: list[list[Any]] = []
    if record is not None:
        event.listen(Engine, "after_cursor_execute", _note(said))
    service = build(Settings.model_validate({**values, "database_url": database_url}))
    try:
        parties = seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            city = ServedCity(
                client=client,
                out=var,
                secrets=dict(parties.secrets),
                people=parties.people,
                catalog=service.deps.catalog,
                anchor=var / "keys" / "trust",
                service=service,
            )
            _once(city)
    finally:
        service.close()
    if record is not None:
        record.write_text(json.dumps(said, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def _once(city: ServedCity) -> None:
    card = city.issue(CARD, "EARLIER-1")
    shown = city.show(CARD, card["identifier"], SCENE)
    scan = city.scan(city.officer_of(CARD), shown["code"])
    assert scan["light"] == "green", scan
    assert scan["fields"], scan
    city.issue(SLUG, "EARLIER-2")
    sample = city.catalog.sample(SLUG)
    asked = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "purpose": "办理食品经营许可",
        "operator": "jingban01",
        "basis": "duty",
        "type": SLUG,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
    }
    given = city.answer(city.client.post("/v1/fetches", headers=city.system(CLIENT), json=asked), 201)
    assert given["fields"], given
    city.drain()


def _note(said: list[list[Any]]) -> Any:
    def note(_connection: Any, cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(WRITES):
            rows = [_plain(one) for one in values] if many else _plain(values)
            said.append([statement, rows, many, cursor.rowcount])

    return note


def _plain(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _value(value) for name, value in values.items()}
    return [_value(value) for value in values]


def _value(value: Any) -> Any:
    value = getattr(value, "obj", value)  # psycopg wraps bytes
    if isinstance(value, bytes | memoryview):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return {"on": value.isoformat()} if isinstance(value, date) else value


if __name__ == "__main__":
    walk(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]) if len(sys.argv) > 4 else None)
    print("walked")
