"""Nothing of anybody and no secret in logs, figures or answers of errors: every route is asked with marked values."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from fixtures_city import ServedCity

from certsvc.cli.logs import configure_logs
from certsvc.commands.operations.readiness import readiness

MARKS = {
    "name": "隐标周小满",
    "id_number": "990101199003071239",
    "phone": "19912345678",
    "address": "隐标路七百二十九号",
    "pin": "824613907",
    "secret": "scrt-MARKED-5e1f09aa",
    "token": "eyJhbGciOiJub25lIn0.eyJtYXJrIjoiTUFSS0VEIn0.TUFSS0VE",
    "grant": "MARKEDGRANT0K7QW2",
    "code": "MARKEDCODEXY92ZT4",
}
SCENE = "tour_inspection"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def finest(capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Everything that a service set to DEBUG logs, itself and its libraries, is read here."""
    with _finest():
        yield capfd


@contextmanager
def _finest() -> Iterator[None]:
    configure_logs("DEBUG")
    _forget_loggers()
    try:
        yield
    finally:
        configure_logs("ERROR")
        _forget_loggers()


def _forget_loggers() -> None:
    """Loggers keep the level at which they were first used; these are to look again."""
    for name, module in list(sys.modules.items()):
        found = getattr(module, "log", None) if name.startswith("certsvc") else None
        if isinstance(found, structlog._config.BoundLoggerLazyProxy):
            found.__dict__.pop("bind", None)


def filled(schema: dict[str, Any], document: dict[str, Any], mark: str, depth: int = 0) -> Any:
    """A body of the schema's shape whose every text is the mark."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return filled(schema[key][0], document, mark, depth)
    match schema.get("type"):
        case "object" if depth < 4:
            parts = schema.get("properties", {})
            return {name: filled(part, document, mark, depth + 1) for name, part in parts.items()} or {mark: mark}
        case "array" if depth < 4:
            return [filled(schema.get("items", {}), document, mark, depth + 1)]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
    return mark


def calls(document: dict[str, Any], mark: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with the mark in its path, its query, its headers and its body."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS:
                continue
            url, query, headers = path, {}, {}
            for one in operation.get("parameters", []):
                if one["in"] == "path":
                    url = url.replace(f"{{{one['name']}}}", quote(mark, safe=""))
                elif one["in"] == "query":
                    query[one["name"]] = mark
                elif mark.isascii():
                    headers[one["name"]] = mark
            how: dict[str, Any] = {"params": query, "headers": headers}
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                how["json"] = filled(content["application/json"].get("schema", {}), document, mark)
            elif "application/x-www-form-urlencoded" in content:
                how["data"] = dict.fromkeys(("grant_type", "client_id", "client_secret", "code"), mark)
            elif "multipart/form-data" in content:
                how["files"] = {"file": (f"{mark}.pdf", f"%PDF-1.7 {mark}".encode(), "application/pdf")}
            yield method, url, how


def test_every_route_asked_with_marked_values_tells_nobody(
    small_city: ServedCity, finest: pytest.CaptureFixture[str]
) -> None:
    client, document = small_city.client, small_city.client.get("/v1/openapi.json").json()
    holder = small_city.holder_of("tour_guide")
    bearers = [{}, small_city.system(), small_city.person(holder)]
    told: list[tuple[str, str, str]] = []
    asked = 0
    for number, (kind, mark) in enumerate(MARKS.items()):
        for method, url, how in calls(document, mark):
            if url == "/v1/events/stream":
                continue
            headers = {**how.pop("headers"), **bearers[number % len(bearers)]}
            answer = client.request(method, url, headers=headers, **how)
            asked += 1
            assert answer.status_code != 500, (method, url, kind)
            if answer.status_code >= 400 and mark in answer.text:
                told.append((method, url.replace(quote(mark, safe=""), "…"), kind))
    assert asked > 250 * len(MARKS)
    assert not told, "answers of errors repeat what was sent"
    structlog.get_logger("certsvc.test").debug("the end", action="test.end")
    logged = "".join(finest.readouterr())
    assert "test.end" in logged, "logs are read, at the finest level"
    assert not [kind for kind, mark in MARKS.items() if mark in logged or quote(mark, safe="") in logged]
    figures = small_city.service.dashboard.text().decode()
    assert 'route="/v1/licenses/{identifier}"' in figures
    assert not [kind for kind, mark in MARKS.items() if mark in figures]


def test_the_ordinary_run_of_a_license_logs_neither_people_nor_secrets(
    small_city: ServedCity, finest: pytest.CaptureFixture[str]
) -> None:
    """Issue, show, scan, grant, fetch and verify, with wrong secrets in between."""
    slug = "tour_guide"
    done = small_city.issue(slug, "RED-1")
    data = small_city.body(slug, "RED-1")["data"].values()
    told = [value for value in data if isinstance(value, str) and re.search(r"[\u4e00-\u9fff]{2}", value)]
    assert told, "the license speaks of somebody"
    shown = small_city.show(slug, done["identifier"], SCENE)
    small_city.scan(small_city.officer_of(slug), shown["code"])
    small_city.public(code=shown["code"])
    small_city.check(small_city.file(done["identifier"]), f"{MARKS['name']}.pdf")
    form = {"grant_type": "client_credentials", "client_id": "approval", "client_secret": MARKS["secret"]}
    assert small_city.client.post("/v1/oauth/token", data=form).status_code == 401
    wrong = {"authorization": f"Bearer {MARKS['token']}"}
    assert small_city.client.get("/v1/me", headers=wrong).status_code == 401
    small_city.drain()
    assert readiness(small_city.service.deps, small_city.service.probes).database == "ok"
    structlog.get_logger("certsvc.test").debug("the end", action="test.end")
    logged, figures = "".join(finest.readouterr()), small_city.service.dashboard.text().decode()
    assert "test.end" in logged, "logs are read, at the finest level"
    secrets = {
        "name of the file": MARKS["name"],
        **{f"data {number}": value for number, value in enumerate(told)},
        "holder code": small_city.catalog.sample(slug)["holder_code"],
        "wrong secret": MARKS["secret"],
        "wrong token": MARKS["token"],
        "show code": shown["code"],
        **{f"token of {who}": token for who, token in small_city.tokens.items()},
        **{f"secret of {who}": secret for who, secret in small_city.secrets.items()},
    }
    assert not [what for what, value in secrets.items() if value in logged or value in figures]


def test_an_error_that_quotes_people_is_logged_by_its_kind_and_place_alone(
    small_city: ServedCity, finest: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"row of {MARKS['name']} {MARKS['id_number']} {MARKS['secret']}")

    monkeypatch.setattr("certsvc.api.health.readiness", broken)
    answer = small_city.client.get("/readyz")
    assert answer.status_code == 500
    logged = "".join(finest.readouterr())
    assert "builtins.RuntimeError" in logged
    assert "api.crashed" in logged
    assert not [kind for kind, mark in MARKS.items() if mark in logged or mark in answer.text]
