"""Routes of one body and one caller answer as they would the framework's general way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from certsvc.api import fetches, issuances, problems, scans
from certsvc.api.auth import Access
from certsvc.api.json_body import JsonRoute
from certsvc.errors import Conflict, Forbidden


class Door(Access):
    """Lets in who says a name."""

    async def __call__(self, request: Request) -> Any:
        name = request.headers.get("x-name", "")
        if not name:
            raise Forbidden("无权访问")
        return name


class GeneralRoute(JsonRoute):
    """As it was before."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.app = self.general


class Asked(BaseModel):
    number: int = Field(ge=0)
    text: str = Field(default="", max_length=5)


class Told(BaseModel):
    who: str
    number: int
    text: str = Field(serialization_alias="said")


DOOR = Door("anyone")


def application(route: type[JsonRoute]) -> TestClient:
    router = APIRouter(route_class=route)

    @router.post("/waits", status_code=201)
    async def waits(body: Asked, caller: Annotated[Any, Depends(DOOR)]) -> Told:
        if body.number == 7:
            raise Conflict("已有")
        return Told(who=caller, number=body.number, text=body.text)

    @router.put("/works")
    def works(
        request: Request,
        response: Response,
        body: Asked,
        caller: Annotated[Any, Depends(DOOR)],
        if_match: Annotated[str, Header(max_length=3)] = "",
    ) -> Told:
        response.headers["Location"] = f"{request.url.path}/{if_match}"
        if body.number:
            response.status_code = 202
        return Told(who=caller, number=body.number, text=body.text)

    @router.post("/raw")
    async def raw(body: Asked, caller: Annotated[Any, Depends(DOOR)]) -> Any:
        return Response(f"{caller} {body.number}", status_code=203, media_type="text/plain")

    app = FastAPI()
    app.router.routes += router.routes
    problems.install(app)
    app.state.deps = SimpleNamespace(policy=SimpleNamespace(trusted_proxies=()))  # who is refused is logged by network
    return TestClient(app, raise_server_exceptions=False)


GOOD = b'{"number": 3, "text": "\xe8\xaf\x81"}'
JSON = {"content-type": "application/json", "x-name": "a"}
CASES: list[tuple[bytes, dict[str, str]]] = [
    (GOOD, JSON),
    (GOOD, {**JSON, "content-type": "application/json; charset=utf-8"}),
    (b'{"number": 0}', JSON),
    (b'{"number": 7}', JSON),
    (GOOD, {**JSON, "if-match": "12"}),
    (GOOD, {**JSON, "if-match": "12345"}),
    (b'{"number": -1}', {**JSON, "if-match": "12345"}),
    (b'{"number": -1, "text": "123456"}', JSON),
    (b"{}", JSON),
    (b"[]", JSON),
    (b"null", JSON),
    (b"", JSON),
    (b"", {"x-name": "a"}),
    (b"{", JSON),
    (b'{"number": 1, "number": 2}', JSON),
    (b"\xff", JSON),
    (GOOD, {**JSON, "content-type": "text/plain"}),
    (GOOD, {"x-name": "a"}),
    (GOOD, {"content-type": "application/json"}),
    (b"{}", {"content-type": "application/json"}),
]


@pytest.fixture(scope="module")
def both() -> tuple[TestClient, TestClient]:
    return application(JsonRoute), application(GeneralRoute)


@pytest.mark.parametrize(("method", "path"), [("POST", "/waits"), ("PUT", "/works"), ("POST", "/raw")])
@pytest.mark.parametrize(("body", "headers"), CASES)
def test_the_short_way_answers_as_the_general_one(
    both: tuple[TestClient, TestClient], method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    lean, general = (client.request(method, path, content=body, headers=headers) for client in both)
    assert (lean.status_code, lean.content) == (general.status_code, general.content)
    assert sorted(lean.headers.items()) == sorted(general.headers.items())


def test_the_cases_are_not_all_refused(both: tuple[TestClient, TestClient]) -> None:
    answers = [both[0].post("/waits", content=body, headers=headers).status_code for body, headers in CASES]
    assert set(answers) == {201, 403, 409, 415, 422}


def test_the_busiest_routes_go_the_short_way() -> None:
    for module, path in ((scans, "/v1/scans"), (fetches, "/v1/fetches"), (issuances, "/v1/issuances")):
        routes = [one for one in module.router.routes if isinstance(one, JsonRoute) and one.path == path]
        assert any(one.app is not one.general for one in routes), path


def test_what_declares_more_goes_the_general_way() -> None:
    router = APIRouter(route_class=JsonRoute)

    @router.post("/{number}")
    def of_path(number: int, body: Asked, caller: Annotated[Any, Depends(DOOR)]) -> Told:
        raise NotImplementedError

    @router.post("/two")
    def of_two(body: Asked, other: Asked, caller: Annotated[Any, Depends(DOOR)]) -> Told:
        raise NotImplementedError

    @router.post("/other")
    def of_another_dependency(body: Asked, caller: Annotated[Any, Depends(lambda: 1)]) -> Told:
        raise NotImplementedError

    @router.post("/nothing", status_code=204)
    def of_nothing(body: Asked, caller: Annotated[Any, Depends(DOOR)]) -> None:
        raise NotImplementedError

    routes = [one for one in router.routes if isinstance(one, JsonRoute)]
    assert len(routes) == 4
    assert all(one.app is one.general for one in routes)
    assert all(isinstance(one, APIRoute) for one in routes)
