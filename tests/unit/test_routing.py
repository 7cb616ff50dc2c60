"""Fixed paths are found by name, and by the same rules as in the list (``api/routing.py``)."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Match, Route

from certsvc.api.application import ROUTERS
from certsvc.api.routing import ExactPaths

ROUTES = [route for module in ROUTERS for route in module.router.routes if isinstance(route, Route)]
FIXED = [route for route in ROUTES if "{" not in route.path]
EXACT = ExactPaths(ROUTES)


def _asked(path: str, method: str) -> dict[str, object]:
    return {"type": "http", "path": path, "method": method, "root_path": ""}


def test_every_fixed_path_leads_to_its_own_route() -> None:
    assert len(FIXED) > 80
    for route in FIXED:
        for method in route.methods or ():
            match, found = EXACT.matches(_asked(route.path, method))
            assert match is Match.FULL
            assert found["route"] is route


def test_paths_with_parts_to_fill_in_and_unknown_ones_are_left_to_the_list() -> None:
    parts = [route for route in ROUTES if "{" in route.path]
    assert parts
    for path in [*(route.path for route in parts), "/v1/nothing", "/v1/scans/", ""]:
        assert EXACT.matches(_asked(path, "GET"))[0] is Match.NONE
    assert EXACT.matches({"type": "lifespan"})[0] is Match.NONE


@pytest.mark.parametrize("way", ["list", "names"])
def test_a_method_that_nobody_takes_is_told_alike(way: str) -> None:
    def one() -> str:
        return "one"

    def other() -> str:
        return "other"

    app = FastAPI()
    app.add_api_route("/both", one, methods=["GET"])
    app.add_api_route("/both", other, methods=["POST"])
    if way == "names":
        app.router.routes.insert(0, ExactPaths(app.router.routes))
    client = TestClient(app)
    assert [client.get("/both").json(), client.post("/both").json()] == ["one", "other"]
    refused = client.delete("/both")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET"
