"""The API document is the one that the code makes, and generated requests get no answer that it does not describe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from fastapi.testclient import TestClient
from fixtures_city import ROOT, ServedCity, lay_keys, sandbox_settings
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from test_sign_outs import login

from certsvc.api.application import ROUTERS, create_document
from certsvc.api.auth import Access
from certsvc.api.event_stream import EventStreams, StreamLimits
from certsvc.app import build, prepare
from certsvc.cli.documents import documents, rendered
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import FACTS, REGULATOR, seed_sandbox, source_client_id, using_client_id

OPENAPI = ROOT / "openapi"
EXAMPLES = 12
"""Per operation; few, because this runs with every change. The wide run belongs to a night."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = create_document()
OPERATIONS = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]


def test_the_documents_on_disk_are_the_ones_that_the_code_makes() -> None:
    made = {name: rendered(document) for name, document in documents().items()}
    stored = {path.relative_to(OPENAPI).as_posix(): path.read_text("utf-8") for path in OPENAPI.rglob("*.json")}
    assert sorted(stored) == sorted(made)
    for name, text in made.items():
        assert stored[name] == text, f"{name}: run `make openapi`"


def test_every_event_that_leaves_fits_its_schema(small_city: ServedCity) -> None:
    done = small_city.issue("food_operation", "V-1")
    for move in ("suspend", "resume", "revoke", "reinstate", "withdraw", "cancel"):
        small_city.answer(small_city.move(done["identifier"], move, slug="food_operation"), 201)
    small_city.drain()
    events = small_city.events()
    assert len(events) == 8
    for event in events:
        name = event["dataschema"].removeprefix("urn:certsvc:events:")
        schema = json.loads((OPENAPI / "events" / f"{name}.json").read_text("utf-8"))
        jsonschema_rs.meta.validate(schema)
        jsonschema_rs.validate(schema, event["data"])
        with pytest.raises(jsonschema_rs.ValidationError):
            jsonschema_rs.validate(schema, dict(list(event["data"].items())[1:]))


COUNTS_ITSELF = frozenset({"/v1/signers/codes", "/v1/answers", "/v1/counter-consents"})
"""Doors that refuse the same caller after a few requests by a rule of their own: 429 is described there."""


SIGN_OUT = "/v1/sign-outs"


@dataclass
class Fuzzed:
    """A served application, its schema and a token for every role."""

    city: ServedCity
    schema: Any
    tokens: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def fuzzed(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """One service for all operations, with a license issued, so that there is something to find."""
    var = tmp_path_factory.mktemp("fuzz") / "var"
    lay_keys(city_keys, var)
    chosen = sandbox_settings(var, f"sqlite:///{var / 'fuzz.sqlite3'}")
    prepare(chosen)
    service = build(chosen)
    try:
        parties = seed_sandbox(service.deps)
        app = service.application()
        # The client of tests waits for the end of every answer.
        app.state.streams = EventStreams(service.deps, StreamLimits(lifetime_s=0.05))
        with TestClient(app, raise_server_exceptions=False) as client:
            city = ServedCity(
                client=client,
                out=var,
                secrets=dict(parties.secrets),
                people=parties.people,
                catalog=service.deps.catalog,
                anchor=chosen.keys,
                service=service,
            )
            done = city.issue("tour_guide", "Z-1")
            city.show("tour_guide", done["identifier"], "tour_inspection")
            yield Fuzzed(city, schemathesis.openapi.from_asgi("/v1/openapi.json", app), _tokens(city))
    finally:
        service.close()


def _tokens(city: ServedCity) -> dict[str, dict[str, str]]:
    return {
        roles.APPROVAL: city.system(),
        roles.EVENTS: city.system(),
        roles.SOURCE: city.system(source_client_id("national_market")),
        roles.USING: city.system(using_client_id("11990000MB0000019F")),
        roles.HOLDER: city.person(city.holder_of("tour_guide")),
        roles.OFFICER: city.person(city.officer_of("tour_guide")),
        roles.SEAL_KEEPER: city.person("keeper-1"),
        roles.AUDITOR: city.person("auditor-1"),
        roles.SEAL_APPLICANT: city.person("applicant-1"),
        roles.SEAL_MAKER: city.person("maker-1"),
        roles.SEAL_USE_APPROVER: city.person("use-approver-1"),
        roles.CATALOG_PROPOSER: city.person("proposer-1"),
        roles.CATALOG_PUBLISHER: city.person("publisher-1"),
        roles.TRUST_PROPOSER: city.person("trust-1"),
        roles.TRUST_CONFIRMER: city.person("trust-2"),
        roles.BATCH_CLERK: city.person("batch-clerk-1"),
        roles.BATCH_VERIFIER: city.person("batch-verifier-1"),
        roles.CLERK: city.person("clerk-1"),
        roles.DISPUTE_CLERK: city.person("dispute-clerk-1"),
        roles.OFFICER_REGISTRAR: city.person("registrar-1"),
        roles.POLICY_REQUESTER: city.person("policy-clerk-1"),
        roles.POLICY_APPROVER: city.person("policy-approver-1"),
        roles.OPERATOR: city.person("operator-1"),
        roles.KINSHIP: city.system(FACTS),
        roles.CLERK: city.person("clerk-1"),
        roles.USE_CLERK: city.person("use-clerk-1"),
        roles.USE_APPROVER: city.person("use-checker-1"),
        roles.SUPERVISOR: city.person("supervisor-1"),
        roles.SUPERVISION_CLERK: city.person("supervision-clerk-1"),
        roles.REGULATOR: city.system(REGULATOR),
        roles.SECURITY: city.person("security-1"),
        roles.ARCHIVIST: city.person("archivist-1"),
    }


def first_role(method: str, path: str) -> str:
    """A role that the door takes, or empty for a public one."""
    for module in ROUTERS:
        for route in module.router.routes:
            # The document names a path of any length without its convertor.
            if route.path.replace(":path}", "}") == path and method in route.methods:
                calls = [item.call for item in route.dependant.dependencies]
                named = next((call.roles for call in calls if isinstance(call, Access)), ("",))
                return named[0] if len(named) < len(roles.ALL) else roles.APPROVAL
    raise LookupError(path)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=str)
def test_generated_requests_are_answered_as_described_and_never_with_a_5xx(
    fuzzed: Fuzzed, method: str, path: str
) -> None:
    operation = fuzzed.schema[path][method]
    role = first_role(method, path)
    headers = fuzzed.tokens[role] if role else {}
    statuses: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        # To sign out ends the token, so each try has one of its own, of somebody whom no other test is.
        own = login(fuzzed.city, fuzzed.city.holder_of("road_transport_worker")) if path == SIGN_OUT else headers
        response = case.call(headers=own)
        statuses.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    assert len(statuses) >= 1
    assert not [status for status in statuses if status >= 500 or status == 401]
    assert 429 not in statuses or path in COUNTS_ITSELF


def test_the_document_says_which_doors_need_a_token(fuzzed: Fuzzed) -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            bare = fuzzed.city.client.request(method, path.replace("{", "").replace("}", ""))
            assert bool(operation["security"]) == (bare.status_code == 401), (method, path, bare.status_code)
            assert operation["responses"]["4XX"] == {"$ref": "#/components/responses/Problem"}


def test_the_served_document_is_the_one_on_disk(fuzzed: Fuzzed) -> None:
    served = fuzzed.city.answer(fuzzed.city.client.get("/v1/openapi.json"), 200)
    assert served == json.loads((OPENAPI / "certsvc.json").read_text("utf-8"))
