"""Finishes the OpenAPI document: problems instead of the framework's errors, and what opens each door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from certsvc.api.auth import Access
from certsvc.api.problems import PROBLEM_JSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi.routing import APIRoute

_PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457；code 稳定不变，errors 逐项指出有误的字段",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:certsvc:problem:invalid_input"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldFault"}},
    },
    "additionalProperties": False,
}
_FIELD_FAULT = {
    "title": "FieldFault",
    "type": "object",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {"type": "string", "description": "JSON Pointer（RFC 6901）"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "additionalProperties": False,
}
_RESPONSE = {
    "description": "未办理的原因",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "POST /v1/oauth/token 取得"}


def finish(document: dict[str, Any], routes: Iterable[APIRoute]) -> dict[str, Any]:
    """The document with every refusal and every key in it."""
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"] |= {"Problem": _PROBLEM, "FieldFault": _FIELD_FAULT}
    components["responses"] = {"Problem": _RESPONSE}
    components["securitySchemes"] = {"bearer": _BEARER}
    for route in routes:
        closed = any(isinstance(item.call, Access) for item in route.dependant.dependencies)
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            operation["responses"].pop("422", None)
            for statuses in ("4XX", "5XX"):
                operation["responses"][statuses] = {"$ref": "#/components/responses/Problem"}
            operation["security"] = [{"bearer": []}] if closed else []
    return document
