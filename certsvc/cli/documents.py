"""Write the API document and the event schemas; ``openapi/`` is generated, committed and compared in tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from certsvc.api.application import create_document
from certsvc.commands.issuance.body import IssuanceBody
from certsvc.commands.issuance.move_license import MoveBody
from certsvc.commands.registrations.report_state import StateReportBody
from certsvc.events.envelope import PREFIX
from certsvc.events.payload import Payload
from certsvc.events.payloads import PAYLOADS, REPORTED_STATE, REQUESTED_ISSUANCE, REQUESTED_MOVE

if TYPE_CHECKING:
    from pathlib import Path

DIALECT = "https://json-schema.org/draft/2020-12/schema"

INCOMING: tuple[tuple[str, type[BaseModel]], ...] = (
    (REQUESTED_ISSUANCE, IssuanceBody),
    (REQUESTED_MOVE, MoveBody),
    (REPORTED_STATE, StateReportBody),
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
    found: dict[str, dict[str, Any]] = {"certsvc.json": create_document()}
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


def write_documents(out: Path) -> list[Path]:
    """Write them all below ``out``; a released event schema that would change is refused."""
    written: list[Path] = []
    for name, document in documents().items():
        path = out / name
        text = rendered(document)
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith("events/") and path.exists() and path.read_text(encoding="utf-8") != text:
            msg = f"{path} 已发布，不得更改；请新增一个主版本（payloads.py 中另建一个类）"
            raise SystemExit(msg)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
