"""Every route says who may call it; every error has a status; every event has a name, a class and a schema."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from certsvc import errors
from certsvc.api.application import FACADES, ROUTERS
from certsvc.api.auth import Access, PublicAccess
from certsvc.api.facades.door import FacadeAccess
from certsvc.api.problems import STATUS, status_of
from certsvc.cli.states_document import states_markdown
from certsvc.commands.access.roles import ALL
from certsvc.events.envelope import NAME_LAW, PREFIX
from certsvc.events.payload import Payload
from certsvc.events.payloads import PAYLOADS
from certsvc.license.states import ENDED, MOVES, State, Who

ROOT = Path(__file__).resolve().parents[2]
ROUTES = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]

PUBLIC = {
    ("POST", "/v1/oauth/token"),
    ("GET", "/v1/sandbox/people"),
    ("POST", "/v1/sandbox/login"),
    ("POST", "/v1/sign-ins"),
    ("POST", "/v1/verifications"),
    ("GET", "/v1/verifications/keys"),
    ("POST", "/v1/verifications/receipts"),
    ("POST", "/v1/verifications/file"),
    ("POST", "/v1/verifications/file/differences"),
    ("GET", "/v1/officers/{token}"),
    ("GET", "/v1/catalog/types"),
    ("GET", "/v1/catalog/matters"),
    ("GET", "/v1/catalog/lists"),
    ("GET", "/v1/catalog/lists/{name}"),
    ("GET", "/v1/authorities"),
    ("GET", "/v1/authorities/{ca_id}/certificate"),
    ("GET", "/v1/authorities/{ca_id}/crl"),
    ("POST", "/v1/authorities/{ca_id}/ocsp"),
    ("GET", "/v1/authorities/{ca_id}/ocsp/{question}"),
    ("POST", "/v1/timestamps"),
    ("GET", "/v1/trust-list"),
    ("GET", "/v1/trust-list/keys"),
    ("GET", "/v1/status-lists"),
    ("GET", "/v1/status-lists/keys"),
    ("GET", "/v1/status-lists/{list_id}"),
    ("GET", "/v1/log/checkpoint"),
    ("GET", "/v1/log/keys"),
    ("GET", "/v1/log/tile/entries/{path:path}"),
    ("GET", "/v1/log/tile/{level}/{path:path}"),
    ("GET", "/v1/log/proofs/inclusion"),
    ("GET", "/v1/log/proofs/consistency"),
    ("GET", "/v1/offline-codes/keys"),
    ("GET", "/v1/offline-bundle/keys"),
    ("GET", "/v1/ratings/{token}"),
    ("POST", "/v1/ratings/{token}"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
}
"""What anyone may call; adding to this list is a reviewed act."""


def first_method(route: APIRoute) -> str:
    return min(route.methods or {"?"})


def declared(route: APIRoute) -> list[object]:
    return [d.call for d in route.dependant.dependencies if isinstance(d.call, Access | PublicAccess)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{first_method(r)} {r.path}")
def test_every_route_declares_exactly_one_access(route: APIRoute) -> None:
    found = declared(route)
    assert len(found) == 1
    access = found[0]
    key = (first_method(route), route.path)
    if isinstance(access, PublicAccess):
        assert key in PUBLIC
    else:
        assert isinstance(access, Access)
        assert key not in PUBLIC
        assert access.roles
        assert set(access.roles) <= ALL


def test_the_public_list_names_no_route_that_is_gone() -> None:
    assert {(first_method(route), route.path) for route in ROUTES} >= PUBLIC


def all_errors() -> list[type[errors.CertsvcError]]:
    return [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, errors.CertsvcError)]


@pytest.mark.parametrize("cls", all_errors(), ids=lambda cls: cls.__name__)
def test_every_error_has_a_status_a_code_and_two_titles(cls: type[errors.CertsvcError]) -> None:
    made = cls("姓名", "缺少") if cls is errors.InvalidIdentifier else cls("说明")
    assert status_of(made) in set(STATUS.values())
    assert cls.code.isascii()
    assert any("\u4e00" <= char <= "\u9fff" for char in cls.title_zh)
    assert cls.title_en.isascii()


def test_error_codes_are_unique() -> None:
    codes = [cls.code for cls in all_errors()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda cls: cls.NAME)
def test_every_event_obeys_the_name_law_and_has_a_schema_file(payload: type[Payload]) -> None:
    assert NAME_LAW.match(PREFIX + payload.NAME)
    schema = json.loads((ROOT / "openapi" / "events" / f"{payload.NAME}.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]) == {field.name for field in fields(payload)}


def test_every_move_leads_somewhere_and_says_who_decides() -> None:
    assert {move.name for move in MOVES} >= {
        "suspend",
        "resume",
        "rescind",
        "withdraw",
        "revoke",
        "cancel",
        "void",
        "supersede",
        "reinstate",
    }
    for move in MOVES:
        assert move.sources, move.name
        assert move.target not in move.sources, move.name
        assert isinstance(move.who, Who)
        assert move.needs_until == (move.name == "suspend")


def test_only_a_review_or_a_lifted_suspension_leads_out_of_an_ending() -> None:
    for move in MOVES:
        for _source in move.sources & ENDED:
            assert move.who is Who.REVIEW or move.target is State.CANCELLED


def test_every_decision_record_names_its_checker() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert records
    for record in records:
        text = record.read_text(encoding="utf-8")
        _, found, checkers = text.partition("## Checked by")
        assert found, record.name
        for path in re.findall(r"`(tests/[\w/.]+)`", checkers):
            assert (ROOT / path).exists(), f"{record.name} names {path}"
        assert len(text.splitlines()) <= 60, f"{record.name} is longer than a page"


def test_the_page_about_states_is_the_one_that_the_tables_give() -> None:
    page = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    assert page == states_markdown(), "run: certsvc states"
    for move in MOVES:
        assert f"`license.{move.event}.v1`" in page
        assert PREFIX + f"license.{move.event}.v1" in {PREFIX + payload.NAME for payload in PAYLOADS}


FACADE_ROUTES = [route for module in FACADES.values() for route in module.router.routes if isinstance(route, APIRoute)]


@pytest.mark.parametrize("route", FACADE_ROUTES, ids=lambda r: f"{first_method(r)} {r.path}")
def test_every_route_of_a_facade_is_opened_by_its_account_or_its_capability_alone(route: APIRoute) -> None:
    assert [type(found) for found in declared(route)] == [FacadeAccess]
    assert not route.include_in_schema
    assert (first_method(route) == "GET") == (route.path in {"/zzgxpt/download", "/rest/v1.0/zzgx/zzxzfile"})
