"""Who may come through which door: tokens, roles, and other people's licenses, which look like none."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from test_bad_input import problem

from certsvc.api.application import ROUTERS
from certsvc.api.auth import Access, PublicAccess
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.seed_sandbox import PLATFORM

SLUG = "tour_guide"


def doors() -> list[tuple[str, str, tuple[str, ...]]]:
    """Method, path and roles of every route; no roles for public ones."""
    found = []
    for module in ROUTERS:
        for route in module.router.routes:
            calls = [item.call for item in route.dependant.dependencies]
            roles = next(call.roles if isinstance(call, Access) else () for call in calls if _is_access(call))
            found.append((min(route.methods), route.path, roles))
    return found


def _is_access(call: object) -> bool:
    return isinstance(call, Access | PublicAccess)


CLOSED = [door for door in doors() if door[2]]


def knock(city: ServedCity, method: str, path: str, headers: dict[str, str]) -> Any:
    """The answer of one route; the place is one that the stream of events refuses, for it would never end."""
    filled = path.replace("{identifier}", "1.2.3").replace("{request_id}", "req_x").replace("{grant_id}", "grt_x")
    return city.client.request(method, filled.replace("{seal_id}", "sl_x"), headers={**headers, "Last-Event-ID": "-1"})


def unauthenticated(response: Any) -> None:
    assert problem(response, 401)["code"] == "unauthenticated"
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_no_closed_door_opens_without_a_token(small_city: ServedCity) -> None:
    assert len(CLOSED) > 15
    for method, path, _ in CLOSED:
        for headers in (
            {},
            {"Authorization": "Bearer "},
            {"Authorization": "Basic YTpi"},
            {"Authorization": "Bearer x"},
        ):
            unauthenticated(knock(small_city, method, path, headers))


def test_no_closed_door_opens_for_a_role_that_it_does_not_name(small_city: ServedCity) -> None:
    people = [small_city.holder_of(SLUG), small_city.officer_of(SLUG), "clerk-1", "keeper-1", "auditor-1"]
    callers = [small_city.person(subject) for subject in people]
    callers += [small_city.system(client_id) for client_id in small_city.secrets]
    # One caller per set of roles: what a role may do does not depend on who has it.
    by_roles: dict[frozenset[str], dict[str, str]] = {}
    for headers in callers:
        me = small_city.answer(small_city.client.get("/v1/me", headers=headers), 200)
        by_roles.setdefault(frozenset(me["roles"]), headers)
    assert len(by_roles) > 5
    refused = 0
    for roles, headers in by_roles.items():
        for method, path, wanted in CLOSED:
            if roles.isdisjoint(wanted):
                assert problem(knock(small_city, method, path, headers), 403)["code"] == "forbidden", (path, roles)
                refused += 1
            else:
                assert knock(small_city, method, path, headers).status_code not in {401, 403}, (path, roles)
    assert refused > 100


def test_a_token_ends_after_its_lifetime_to_the_second(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    headers = city.system()
    clock.advance(timedelta(seconds=1799))
    assert city.client.get("/v1/me", headers=headers).status_code == 200
    clock.advance(timedelta(seconds=1))
    unauthenticated(city.client.get("/v1/me", headers=headers))


def test_a_token_for_another_audience_is_refused(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    """Same keys, same register, another service's name: its token is not ours."""
    city = make_city(sqlite_url)
    other = make_city(sqlite_url, issuer="https://other.example")
    headers = other.system()
    assert other.client.get("/v1/me", headers=headers).status_code == 200
    unauthenticated(city.client.get("/v1/me", headers=headers))


def test_a_token_changed_in_any_part_is_refused(small_city: ServedCity) -> None:
    token = small_city.system()["Authorization"].removeprefix("Bearer ")
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "auditor-1", "kind": "person"}).encode())
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    for bad in (
        f"{head}.{forged.decode().rstrip('=')}.{signature}",
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}.{flipped}",
        f"{head}.{body}",
        "é" * 20,
        "A" * 5000,
    ):
        headers = {"Authorization": f"Bearer {bad}".encode("latin-1", "replace")}
        unauthenticated(small_city.client.get("/v1/me", headers=headers))  # type: ignore[arg-type]


def test_a_client_that_was_closed_is_out_at_once(small_city: ServedCity) -> None:
    headers = small_city.system()
    with small_city.service.deps.uow() as tx:
        client = tx.access.client(PLATFORM)
        assert client is not None
        tx.access.upsert_client(replace(client, active=False))
    unauthenticated(small_city.client.get("/v1/me", headers=headers))


def test_an_unknown_client_and_a_wrong_secret_are_answered_alike(small_city: ServedCity) -> None:
    answers = []
    for client_id, secret in ((PLATFORM, "wrong"), ("nobody", "wrong"), (PLATFORM, ""), ("", "")):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answers.append(problem(small_city.client.post("/v1/oauth/token", data=form), 401))
    assert all(answer == answers[0] for answer in answers)
    form = {"grant_type": "password", "client_id": PLATFORM, "client_secret": small_city.secrets[PLATFORM]}
    assert problem(small_city.client.post("/v1/oauth/token", data=form), 422)["errors"][0]["pointer"] == "/grant_type"


@pytest.fixture
def issued(small_city: ServedCity) -> dict[str, Any]:
    """A license of the first holder, and the headers of people who have nothing to do with it."""
    done = small_city.issue(SLUG, "A-1")
    number, version = done["identifier"].rsplit(".", 2)[0], done["identifier"].rsplit(".", 2)[1:]
    unknown = f"{number[:-1]}{'1' if number[-1] != '1' else '2'}.{'.'.join(version)}"
    return {**done, "unknown": unknown}


def alike(answers: list[Any], ids: tuple[str, str]) -> None:
    """A foreign and an unknown thing: the same status, headers and words."""
    foreign, unknown = answers
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace(ids[0], "ID") == unknown.text.replace(ids[1], "ID")
    assert problem(foreign, 404)["code"] == "not_found"
    names = (set(foreign.headers) | set(unknown.headers)) - {"ratelimit"}  # one call less is left, whatever was asked
    assert all(foreign.headers.get(name) == unknown.headers.get(name) for name in names)


def test_another_holders_license_looks_like_none(small_city: ServedCity, issued: dict[str, Any]) -> None:
    stranger = small_city.person(small_city.holder_of("road_transport_worker"))
    assert small_city.holder_of("road_transport_worker") != small_city.holder_of(SLUG)
    own, none = issued["identifier"], issued["unknown"]
    client = small_city.client
    for door in ("file", "moves"):
        alike([client.get(f"/v1/wallet/{i}/{door}", headers=stranger) for i in (own, none)], (own, none))
    matter = small_city.catalog.matters[1].code
    for path, extra in (
        ("/v1/shows", {"scene": "tour_inspection"}),
        ("/v1/grants", {"client_id": "using-11990000mb0000019f", "matter_code": matter}),
    ):
        answers = [client.post(path, headers=stranger, json={"identifier": i, **extra}) for i in (own, none)]
        alike(answers, (own, none))
    assert small_city.answer(client.get("/v1/wallet", headers=stranger), 200) == []
    assert small_city.answer(client.get("/v1/wallet/uses", headers=stranger), 200) == []
    mine = small_city.person(small_city.holder_of(SLUG))
    assert client.get(f"/v1/wallet/{own}/file", headers=mine).status_code == 200


def test_another_authoritys_license_looks_like_none(small_city: ServedCity, issued: dict[str, Any]) -> None:
    stranger = small_city.system("approval-11990000mb0000027a")
    owner = small_city.system(f"approval-{small_city.catalog.sample(SLUG)['issuer_code'].lower()}")
    own, none = issued["identifier"], issued["unknown"]
    client = small_city.client
    for door in ("", "/file"):
        answers = [client.get(f"/v1/licenses/{i}{door}", headers=stranger) for i in (own, none)]
        alike(answers, (own, none))
        assert client.get(f"/v1/licenses/{own}{door}", headers=owner).status_code == 200
    decision = {
        "authority_code": "11990000MB0000027A",
        "document_no": "示例〔2026〕1号",
        "decided_on": "2026-01-15",
        "basis": "《行政许可法》",
    }
    for move in ("cancel", "void", "rescind", "withdraw"):
        bodies = {"move": move, **decision}
        answers = [client.post(f"/v1/licenses/{i}/moves", headers=stranger, json=bodies) for i in (own, none)]
        alike(answers, (own, none))
    # Also in a state that would not allow the move: nothing is learnt from the order of the checks.
    small_city.answer(small_city.move(own, "cancel", slug=SLUG), 201)
    for move in ("cancel", "void"):
        answers = [
            client.post(f"/v1/licenses/{i}/moves", headers=stranger, json={"move": move, **decision})
            for i in (own, none)
        ]
        alike(answers, (own, none))


def test_an_authoritys_client_cannot_act_in_the_name_of_another(small_city: ServedCity) -> None:
    stranger = small_city.system("approval-11990000mb0000027a")
    before = small_city.counts()
    body = small_city.body(SLUG, "S-1")
    response = small_city.client.post("/v1/issuances", headers=stranger, json=body)
    assert "authority_code" in problem(response, 403)["detail"]
    event = {**stranger, "Content-Type": "application/cloudevents+json"}
    response = small_city.client.post("/v1/events", headers=event, json=small_city.event("e-1", body))
    assert problem(response, 403)["code"] == "forbidden"
    assert small_city.counts() == before


def test_another_systems_request_looks_like_none(small_city: ServedCity, issued: dict[str, Any]) -> None:
    stranger = small_city.system("approval-11990000mb0000027a")
    own, none = issued["request_id"], "req_00000000000000000000000000"
    answers = [small_city.client.get(f"/v1/issuances/{i}", headers=stranger) for i in (own, none)]
    alike(answers, (own, none))


def test_another_holders_grant_and_another_bodys_seal_look_like_none(small_city: ServedCity) -> None:
    done = small_city.issue("business_license", "G-1")
    holder = small_city.person(small_city.holder_of("business_license"))
    matter = next(m for m in small_city.catalog.matters if "business_license" in m.allows and "consent" in m.bases)
    asked = {
        "identifier": done["identifier"],
        "client_id": f"using-{matter.authority_code.lower()}",
        "matter_code": matter.code,
    }
    grant = small_city.answer(small_city.client.post("/v1/grants", headers=holder, json=asked), 201)["grant_id"]
    stranger = small_city.person(small_city.holder_of("road_transport_worker"))
    answers = [small_city.client.delete(f"/v1/grants/{i}", headers=stranger) for i in (grant, "grt_0")]
    alike(answers, (grant, "grt_0"))
    assert small_city.client.delete(f"/v1/grants/{grant}", headers=holder).status_code == 204

    keeper = small_city.person("keeper-1")
    own = {seal["seal_id"] for seal in small_city.answer(small_city.client.get("/v1/seals", headers=keeper), 200)}
    every = {row[0] for row in small_city.rows("SELECT seal_id FROM seals")}
    foreign = min(every - own)
    change = {"move": "stop", "reason": "试用"}
    answers = [
        small_city.client.post(f"/v1/seals/{i}/moves", headers=keeper, json=change) for i in (foreign, "seal-none")
    ]
    alike(answers, (foreign, "seal-none"))
    assert small_city.rows("SELECT count(*) FROM seals WHERE state <> 'active'") == [(0,)]
    stopped = small_city.client.post(f"/v1/seals/{min(own)}/moves", headers=keeper, json=change)
    assert small_city.answer(stopped, 201)["state"] == "stopped"


def test_the_sandbox_login_knows_only_synthetic_people(small_city: ServedCity) -> None:
    response = small_city.client.post("/v1/sandbox/login", json={"subject": PLATFORM})
    assert problem(response, 404)["code"] == "not_found"
