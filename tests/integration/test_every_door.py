"""What holds at every door alike: each route of the service is knocked at, by nobody and by somebody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from fixtures_city import ServedCity

from certsvc.api.application import FACADES, ROUTERS
from certsvc.api.limits import ANSWERED_PATHS, MAX_QUERY_FIELDS, PUBLIC_LISTS, PUBLIC_PATHS
from certsvc.license.facades import FacadeName

ROUTES = [route for module in ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
ELSEWHERE = "https://elsewhere.example"
FOR_ANYBODY = re.compile(
    r"/v1/(authorities|status-lists|trust-list|log|officers|offline-codes|offline-bundle|timestamps)"
)
"""What is published for anybody to keep: nothing of a person, no role asked."""
STREAM = "/v1/events/stream"


def address(route: APIRoute) -> str:
    return re.sub(r"\{[^}]+\}", "x", route.path)


def knocks() -> Iterator[tuple[str, str]]:
    for route in ROUTES:
        for method in sorted(route.methods or ()):
            if route.path != STREAM:
                yield method, address(route)


def test_no_door_answers_trace_or_connect_or_echoes_what_was_sent(shared_city: ServedCity) -> None:
    seen = 0
    for path in sorted({path for _, path in knocks()} | {"/", "/holder", "/none"}):
        for method in ("TRACE",) if path.startswith("/v1") else ("TRACE", "TRACK", "CONNECT"):
            answer = shared_city.client.request(method, path, headers={"x-echo": "planted-echo"})
            assert answer.status_code in {404, 405}, (method, path)
            assert "planted-echo" not in answer.text
            seen += 1
    assert seen > 200


def test_no_door_lets_pages_of_others_read_it(shared_city: ServedCity) -> None:
    told = []
    for method, path in knocks():
        for asked, more in ((method, {}), ("OPTIONS", {"access-control-request-method": method})):
            answer = shared_city.client.request(asked, path, headers={"origin": ELSEWHERE, **more})
            allowed = [name for name in answer.headers if name.startswith("access-control-allow")]
            if allowed and not FOR_ANYBODY.match(path):
                told.append((asked, path, allowed))
            assert "access-control-allow-credentials" not in answer.headers, path
    assert not told


def test_every_answer_says_what_it_is_and_may_not_be_kept_unless_it_is_for_anybody(shared_city: ServedCity) -> None:
    somebody = shared_city.person("auditor-1")
    kept, seen = [], 0
    for method, path in knocks():
        for headers in ({}, somebody):
            answer = shared_city.client.request(method, path, headers=headers)
            seen += 1
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            said = answer.headers.get("content-type", "")
            if answer.content:
                assert re.match(r"[a-z]+/[a-z0-9.+-]+", said), (method, path)
            if said.startswith("text/"):
                assert re.search(r"charset=utf-8\b", said), (method, path, said)
            if re.match(r"application/([a-z.-]+\+)?json", said):
                json.loads(answer.content.decode("utf-8"))
            public = path in PUBLIC_PATHS or path.startswith(PUBLIC_LISTS) or FOR_ANYBODY.match(path)
            if not public and path.startswith("/v1/") and answer.headers.get("cache-control") != "no-store":
                kept.append((method, path, answer.status_code, answer.headers.get("cache-control")))
    assert not kept
    assert seen > 400


@pytest.mark.parametrize("name", sorted(FACADES))
def test_the_older_interfaces_say_the_same(shared_city: ServedCity, name: FacadeName) -> None:
    """The header is there whether the interface is switched on or not; what it answers may be a person's."""
    for route in FACADES[name].router.routes:
        assert isinstance(route, APIRoute)
        assert route.path.startswith(ANSWERED_PATHS)
        answer = shared_city.client.request(min(route.methods or {"GET"}), address(route))
        # Switched off, a download's address is that of no page: the answer says so and holds nothing.
        no_page = answer.status_code == 404 and route.methods == {"GET"}
        assert answer.headers["cache-control"] == ("no-cache" if no_page else "no-store"), route.path
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "query",
    [
        "type=tour_guide&type=business_license",
        "type=tour_guide&ty%70e=business_license",
        "x&x",
        "x=1&y=2&x=",
    ],
)
def test_a_parameter_that_comes_twice_is_refused_whatever_it_says(shared_city: ServedCity, query: str) -> None:
    for path in ("/v1/catalog/types", "/v1/wallet", "/v1/licenses/x", "/holder", "/none"):
        answer = shared_city.client.get(f"{path}?{query}", headers=shared_city.person("auditor-1"))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), path
        assert "同一个参数" in answer.json()["detail"]
        assert "business_license" not in answer.text


def test_parameters_that_come_once_pass_and_a_thousand_do_not(shared_city: ServedCity) -> None:
    assert shared_city.client.get("/v1/catalog/types?a=1&b=1&c=").status_code == 200
    many = "&".join(f"p{number}" for number in range(MAX_QUERY_FIELDS))
    assert shared_city.client.get(f"/v1/catalog/types?{many}").status_code == 200
    answer = shared_city.client.get(f"/v1/catalog/types?{many}&more")
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (422, "nosniff")
