"""Write the API document and the event schemas; ``openapi/`` is generated, committed and compared in tests."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from certsvc.api.application import create_document
from certsvc.cli.async_document import async_document
from certsvc.commands.issuance.body import IssuanceBody
from certsvc.commands.issuance.move_license import MoveBody
from certsvc.commands.registrations.report_state import StateReportBody
from certsvc.commands.supervision.cases import CaseStepBody
from certsvc.commands.supervision.services import ServiceBody
from certsvc.events.envelope import PREFIX
from certsvc.events.payload import Payload
from certsvc.events.payloads import (
    PAYLOADS,
    REPORTED_CASE,
    REPORTED_SERVICE,
    REPORTED_STATE,
    REQUESTED_ISSUANCE,
    REQUESTED_MOVE,
)

if TYPE_CHECKING:
    from pathlib import Path

DIGESTS = "events/DIGESTS"
"""What was released: a digest per event schema; lines are added and never changed, and CI needs no history."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"

INCOMING: tuple[tuple[str, type[BaseModel]], ...] = (
    (REQUESTED_ISSUANCE, IssuanceBody),
    (REQUESTED_MOVE, MoveBody),
    (REPORTED_STATE, StateReportBody),
    (REPORTED_CASE, CaseStepBody),
    (REPORTED_SERVICE, ServiceBody),
)
"""Events that come in, and the body in their ``data``."""


def event_schema(payload: type[Payload]) -> dict[str, Any]:
    """JSON Schema 2020-12 of one payload class; unknown properties are allowed, so that a reader is never stricter."""
    schema = TypeAdapter(payload).json_schema()
    schema["$schema"] = DIALECT
    schema["$id"] = f"urn:certsvc:events:{payload.NAME}"
    schema["title"] = PREFIX + payload.NAME
    return schema


def documents() -> dict[str, dict[str, Any]]:
    """Every document by its path below ``openapi/``."""
    come = [(event_type, str(body.__doc__)) for event_type, body in INCOMING]
    found: dict[str, dict[str, Any]] = {"certsvc.json": create_document(), "asyncapi.json": async_document(come)}
    for payload in PAYLOADS:
        found[f"events/{payload.NAME}.json"] = event_schema(payload)
    for event_type, body in INCOMING:
        name = event_type.removeprefix(PREFIX)
        schema = {"$schema": DIALECT, "$id": f"urn:certsvc:events:{name}", **body.model_json_schema()}
        found[f"events/{name}.json"] = {**schema, "title": event_type}
    return found


def rendered(document: dict[str, Any]) -> str:
    """The one spelling of a document on disk."""
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def released(out: Path) -> dict[str, str]:
    """Digest (hex SHA-256) of every released event schema by its path below ``out``."""
    path = out / DIGESTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def write_documents(out: Path) -> list[Path]:
    """Write them all below ``out``; nothing is written when a released event schema would change or is gone."""
    texts = {name: rendered(document) for name, document in documents().items()}
    digests = {name: _sha256(text) for name, text in texts.items() if name.startswith("events/")}
    known = released(out)
    broken = sorted(name for name, digest in known.items() if digests.get(name) != digest)
    if broken:
        msg = f"{'、'.join(broken)} 已发布，不得更改或删除；请新增一个主版本（payloads.py 中另建一个类）"
        raise SystemExit(msg)
    written: list[Path] = []
    for name, text in {**texts, DIGESTS: "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))}.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
