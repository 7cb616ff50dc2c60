"""Every route and every role: who is let in stands in a table by hand, and the doors are asked, one by one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fixtures_city import ServedCity

from certsvc.api.application import ROUTERS
from certsvc.api.auth import Access
from certsvc.cli.roles_document import NAMES, roles_markdown
from certsvc.commands.access.roles import ALL, require
from certsvc.commands.ports import Principal
from certsvc.errors import Forbidden

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, Any] = tomllib.loads((ROOT / "tests/architecture/roles_matrix.toml").read_text(encoding="utf-8"))[
    "routes"
]
ROUTES = {
    f"{method} {route.path}": route
    for module in ROUTERS
    for route in module.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
}


def expected(name: str) -> frozenset[str]:
    """The roles that the table lets in."""
    entry = TABLE[name]
    return ALL if entry in ("public", "signed in") else frozenset(entry)


def caller(role: str) -> Principal:
    return Principal(subject="s", kind="person", roles=frozenset({role}), authority_code="a", holder_code="h")


def test_every_route_is_in_the_table_and_nothing_else_is() -> None:
    assert len(ROUTES) > 200
    assert ROUTES.keys() - TABLE.keys() == set(), "a new route: say in roles_matrix.toml who may call it"
    assert TABLE.keys() - ROUTES.keys() == set(), "a route that is gone"
    assert all(entry in ("public", "signed in") or (entry and set(entry) < ALL) for entry in TABLE.values())


def test_every_door_lets_in_exactly_the_roles_of_the_table() -> None:
    wrong = []
    for name, route in ROUTES.items():
        doors = [one.call for one in route.dependant.dependencies if isinstance(one.call, Access)]
        assert bool(doors) == (TABLE[name] != "public"), name
        for role in sorted(ALL) if doors else ():
            try:
                require(caller(role), *doors[0].roles)
            except Forbidden:
                is_let_in = False
            else:
                is_let_in = True
            if is_let_in != (role in expected(name)):
                wrong.append((name, role))
    assert not wrong


class _Desk:
    """Whoever comes has the one role that the token names; the door itself is the real one."""

    async def ask(self, _deps: object, token: str) -> Principal:
        return caller(token)


def test_over_http_every_route_refuses_strangers_and_other_roles(
    shared_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: Any = shared_city.client
    # An attribute of this state is no attribute of the object, so that undoing would take it away for good.
    monkeypatch.setitem(client.app.state._state, "sign_in_desk", _Desk())
    wrong = []
    for name in ROUTES:
        method, _, path = name.partition(" ")
        if TABLE[name] == "public":
            continue
        url = re.sub(r"\{[^}]*\}", "1", path)
        if client.request(method, url).status_code != 401:
            wrong.append((name, "no token"))
        others = sorted(ALL - expected(name))
        if others:
            answer = client.request(method, url, headers={"authorization": f"Bearer {others[0]}"})
            if (answer.status_code, answer.json().get("code")) != (403, "forbidden"):
                wrong.append((name, f"{others[0]}: {answer.status_code}"))
    assert not wrong


def test_the_page_for_administrators_is_the_one_that_the_routes_give() -> None:
    assert NAMES.keys() == ALL
    assert (ROOT / "docs" / "roles.md").read_text(encoding="utf-8") == roles_markdown(), "run: certsvc roles"
