"""Fetching: only on a lawful basis, never beyond the policy, and every refusal is a row that the holder sees."""

from __future__ import annotations

import base64
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from sqlalchemy import event
from test_bad_input import problem

from certsvc.catalog.loader import load_catalog
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.seed_sandbox import using_client_id

COPY = "*copy"
SLUG = "business_license"
MATTER = "11990000MB0000019F2990131002001"
"""食品经营许可（新办）: consent or duty, with copy"""
ONE_THING = "11990000MB0000086D2992099001001"
"""开办餐饮店一件事: consent only"""
NO_COPY = "11990000MB0000019F2990631001001"
"""食品经营监督检查: duty only, without copy"""
CLIENT = using_client_id("11990000MB0000019F")
NEIGHBOUR = "using-neighbour"
"""Another system of the same authority: the matter is open to it, the grant is not."""
OTHER = using_client_id("11990000MB00000355")


def asking(city: ServedCity, **changes: Any) -> dict[str, Any]:
    """A lawful request on duty, with changes; None takes a member away."""
    sample = city.catalog.sample(changes.get("type", SLUG))
    body = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "purpose": "办理食品经营许可",
        "operator": "jingban01",
        "basis": "duty",
        "type": SLUG,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def fetch(city: ServedCity, client: str = CLIENT, **changes: Any) -> Any:
    return city.client.post("/v1/fetches", headers=city.system(client), json=asking(city, **changes))


def grant(city: ServedCity, identifier: str, **changes: Any) -> dict[str, Any]:
    body = {"identifier": identifier, "client_id": CLIENT, "matter_code": MATTER, **changes}
    holder = city.person(city.holder_of(SLUG))
    return dict(city.answer(city.client.post("/v1/grants", headers=holder, json=body), 201))


def consented(city: ServedCity, code: str, client: str = CLIENT, **changes: Any) -> Any:
    bare: dict[str, Any] = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None}
    return fetch(city, client, **{**bare, **changes})


def uses(city: ServedCity, slug: str = SLUG) -> list[dict[str, Any]]:
    """What the holder sees of fetches, newest first."""
    headers = city.person(city.holder_of(slug))
    rows = city.answer(city.client.get("/v1/wallet/uses", headers=headers), 200)
    return [row for row in rows if row["kind"] == "fetch"]


def refused(city: ServedCity, response: Any, identifier: str, status: int = 403, code: str = "no_lawful_basis") -> None:
    """Refused with nothing but the reason, on record, and the holder sees by whom and for what."""
    found = problem(response, status)
    assert found["code"] == code
    assert set(found) == {"type", "title", "status", "detail", "code"}
    newest = uses(city)[0]
    assert (newest["identifier"], newest["outcome"], newest["fields"]) == (identifier, code, [])
    assert "业务系统" in newest["who"]
    assert "BJ-2026-1" in newest["why"]


def test_a_fetch_on_duty_gives_what_the_matter_may_see_and_is_on_record(city: ServedCity) -> None:
    done = city.issue(SLUG, "F-1")
    given = city.answer(fetch(city), 201)
    matter = city.catalog.find_matter(MATTER)
    assert matter is not None
    assert [field["key"] for field in given["fields"]] == [key for key in matter.allows[SLUG] if key != COPY]
    assert (given["good"], given["state"]) == (True, "valid")
    data = base64.b64decode(given["file"])
    # An annotated copy, never the original.
    assert hashlib.sha256(data).hexdigest() == given["file_sha256"] != done["sha256"]
    assert given["copy_number"].startswith("JZ")
    [row] = uses(city)
    assert (row["outcome"], row["fields"]) == ("given", list(matter.allows[SLUG]))
    city.drain()
    fetched = [event for event in city.events() if event["type"].endswith("license.fetched.v1")]
    assert [event["data"]["case_no"] for event in fetched] == ["BJ-2026-1"]


NO_POLICY: dict[str, tuple[str, dict[str, Any]]] = {
    "a matter nobody knows": (CLIENT, {"matter_code": "11990000MB0000019F2990131002999"}),
    "another authority's matter": (OTHER, {}),
    "a matter that sees nothing": (CLIENT, {"matter_code": "11990000MB0000019F2990131001001"}),
    "a basis the matter does not have": (using_client_id("11990000MB0000086D"), {"matter_code": ONE_THING}),
}
REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "a field beyond the policy": (CLIENT, {"fields": ["registered_capital"]}),
    "a field nobody knows": (CLIENT, {"fields": ["holder_name", "colour"]}),
    "the holder's code, which no matter lists": (CLIENT, {"fields": ["holder_code"]}),
    "the copy where the matter has none": (CLIENT, {"matter_code": NO_COPY, "fields": [COPY]}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_fetch_without_a_basis_is_refused_on_record(small_city: ServedCity, name: str) -> None:
    done = small_city.issue(SLUG, "F-1")
    client, changes = REFUSALS[name]
    refused(small_city, fetch(small_city, client, **changes), done["identifier"])


@pytest.mark.parametrize("name", NO_POLICY)
def test_a_fetch_that_no_policy_opens_is_on_record_and_names_nobody(small_city: ServedCity, name: str) -> None:
    small_city.issue(SLUG, "F-1")
    client, changes = NO_POLICY[name]
    found = problem(fetch(small_city, client, **changes), 403)
    assert found["code"] == "no_lawful_basis"
    assert small_city.rows("SELECT outcome, version_id FROM fetches") == [("no_policy", "")]
    assert uses(small_city) == []


def test_a_license_that_ended_gives_its_state_and_not_its_file(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "F-1")
    small_city.answer(small_city.move(done["identifier"], "revoke", slug=SLUG), 201)
    refused(small_city, fetch(small_city, fields=[COPY]), done["identifier"])
    given = small_city.answer(fetch(small_city, fields=["holder_name"]), 201)
    assert (given["good"], given["state"], given["file"]) == (False, "revoked", "")


def test_a_type_that_the_matter_does_not_need_is_refused_before_any_holder_is_looked_for(
    small_city: ServedCity,
) -> None:
    """The same statements, whoever holds one or nobody; so nobody can be told, and the try is on record."""
    small_city.issue("tour_guide", "F-1")
    counts: list[list[str]] = []
    for code in (None, small_city.catalog.sample(SLUG)["holder_code"]):
        with statements(small_city) as ran:
            found = problem(fetch(small_city, type="tour_guide", **({"holder_code": code} if code else {})), 403)
        counts.append([one for one in ran if "FROM licenses" in one])
        assert found["code"] == "no_lawful_basis"
    assert counts == [[], []]
    assert uses(small_city, "tour_guide") == []
    rows = small_city.rows("SELECT outcome, version_id FROM fetches WHERE type_slug = 'tour_guide'")
    assert rows == [("no_policy", "")] * 2
    with statements(small_city) as ran:
        problem(fetch(small_city), 404)
    assert any("FROM licenses" in one for one in ran), "the search finds a look-up where there is one"


@contextmanager
def statements(city: ServedCity) -> Iterator[list[str]]:
    """What the block asks the database."""
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        ran.append(statement)

    engines = city.service.store._engines
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def test_a_holder_without_such_a_license_is_not_found_and_the_try_is_on_record(small_city: ServedCity) -> None:
    assert problem(fetch(small_city), 404)["code"] == "not_found"
    assert small_city.rows("SELECT outcome, version_id FROM fetches") == [("not_found", "")]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"purpose": None}, "/purpose"),
        ({"purpose": " "}, "/purpose"),
        ({"purpose": "办\n理"}, "/purpose"),
        ({"case_no": None}, "/case_no"),
        ({"case_no": ""}, "/case_no"),
        ({"operator": None}, "/operator"),
        ({"basis": None}, "/basis"),
        ({"basis": "curiosity"}, "/basis"),
        ({"matter_code": None}, "/matter_code"),
        ({"everything": True}, "/everything"),
    ],
)
def test_a_fetch_that_does_not_say_why_is_no_fetch(
    small_city: ServedCity, changes: dict[str, Any], pointer: str
) -> None:
    small_city.issue(SLUG, "F-1")
    found = problem(fetch(small_city, **changes), 422)
    assert pointer in [item["pointer"] for item in found["errors"]]
    assert small_city.rows("SELECT count(*) FROM fetches") == [(0,)]


def test_a_grant_works_once_for_its_client_matter_and_case(city: ServedCity) -> None:
    done = city.issue(SLUG, "F-1")
    with city.service.deps.uow() as tx:
        client = tx.access.client(CLIENT)
        assert client is not None
        tx.access.upsert_client(replace(client, client_id=NEIGHBOUR))
    city.secrets = {**city.secrets, NEIGHBOUR: city.secrets[CLIENT]}
    code = grant(city, done["identifier"], case_no="BJ-2026-1", fields=["holder_name", "address"])["code"]
    city.answer(fetch(city, NEIGHBOUR, type="business_license", fields=["number"]), 201)
    problem(consented(city, code, NEIGHBOUR), 403)
    own = done["identifier"]
    before = city.rows("SELECT count(*) FROM events WHERE type LIKE '%fetched%'")
    assert before == [(1,)]
    refused(city, consented(city, code, OTHER), own)
    refused(city, consented(city, code, OTHER, matter_code="11990000MB000003552990123001001"), own)
    refused(city, consented(city, code, matter_code="11990000MB0000019F2990131002003"), own)
    problem(consented(city, code, case_no="BJ-2026-2"), 403)
    assert uses(city)[0]["why"].endswith("BJ-2026-2")
    refused(city, consented(city, code, type="food_operation", matter_code="11990000MB0000019F2990131002003"), own)
    refused(city, consented(city, code, fields=["number"]), own)
    refused(city, consented(city, code, fields=[COPY]), own)
    given = city.answer(consented(city, code), 201)
    assert [field["key"] for field in given["fields"]] == ["holder_name", "address"]
    assert given["file"] == ""
    again = problem(consented(city, code), 403)
    assert "重新授权" in again["detail"]
    assert uses(city)[0]["outcome"] == "no_lawful_basis"
    assert city.rows("SELECT count(*) FROM events WHERE type LIKE '%fetched%'") == [(2,)]


def test_of_twenty_parallel_uses_of_one_grant_exactly_one_gets_data(city: ServedCity) -> None:
    done = city.issue(SLUG, "F-1")
    code = grant(city, done["identifier"])["code"]
    city.system(CLIENT)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: consented(city, code), range(20)))
    assert sorted(response.status_code for response in answers) == [201] + [403] * 19
    assert Counter(row["outcome"] for row in uses(city)) == {"given": 1, "no_lawful_basis": 19}


def test_a_grant_that_was_withdrawn_is_over(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "F-1")
    made = grant(small_city, done["identifier"])
    holder = small_city.person(small_city.holder_of(SLUG))
    assert small_city.client.delete(f"/v1/grants/{made['grant_id']}", headers=holder).status_code == 204
    refused(small_city, consented(small_city, made["code"]), done["identifier"])
    assert problem(small_city.client.delete(f"/v1/grants/{made['grant_id']}", headers=holder), 404)
    [row] = small_city.answer(small_city.client.get("/v1/grants", headers=holder), 200)
    assert row["withdrawn_at"]
    assert row["code"] == ""


def test_a_grant_ends_to_the_second(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(SLUG, "F-1")
    codes = [grant(city, done["identifier"], minutes=5)["code"] for _ in range(2)]
    clock.advance(timedelta(seconds=299))
    city.answer(consented(city, codes[0], fields=["number"]), 201)
    clock.advance(timedelta(seconds=1))
    problem(consented(city, codes[1], fields=["number"]), 403)
    assert [row["outcome"] for row in uses(city)][:1] == ["no_lawful_basis"]


def test_a_code_that_nobody_gave_leads_nowhere(small_city: ServedCity) -> None:
    small_city.issue(SLUG, "F-1")
    for code in ("", "A" * 22, "é" * 22):
        found = problem(consented(small_city, code), 403)
        assert found["code"] == "no_lawful_basis"
    assert uses(small_city) == []
    assert small_city.rows("SELECT count(*) FROM fetches") == [(3,)]


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": ["registered_capital"]},
        {"fields": ["holder_name", "colour"]},
        {"fields": ["holder_code"]},
    ],
)
def test_a_holder_cannot_grant_more_than_the_matter_needs(small_city: ServedCity, changes: dict[str, Any]) -> None:
    done = small_city.issue(SLUG, "F-1")
    body = {"identifier": done["identifier"], "client_id": CLIENT, "matter_code": MATTER, **changes}
    holder = small_city.person(small_city.holder_of(SLUG))
    found = problem(small_city.client.post("/v1/grants", headers=holder, json=body), 422)
    assert found["errors"][0]["pointer"] == "/fields"
    assert small_city.rows("SELECT count(*) FROM grants") == [(0,)]


def test_the_code_of_a_grant_stands_nowhere_in_the_database(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "F-1")
    made = grant(small_city, done["identifier"])
    files = [path for path in small_city.out.rglob("*") if path.is_file()]
    assert any(made["grant_id"].encode() in path.read_bytes() for path in files)
    assert not [path for path in files if made["code"].encode() in path.read_bytes()]


def plain(city: ServedCity, slug: str) -> dict[str, str]:
    """Key -> unmasked value of the sample."""
    sample = city.catalog.sample(slug)
    return {"holder_name": sample["holder_name"], "holder_code": sample["holder_code"], **sample["data"]}


def test_no_random_request_ever_gets_a_field_beyond_the_policy(small_city: ServedCity) -> None:
    """Random clients, matters, types and fields against the catalog's own data, one license of each type issued."""
    chance = random.Random(20260301)
    for kind in small_city.catalog.types:
        small_city.issue(kind.slug, f"F-{kind.slug}")
    matters = load_catalog().matters
    clients = sorted({using_client_id(matter.authority_code) for matter in matters})
    outcomes = {201: 0, 403: 0}
    for _ in range(240):
        matter = chance.choice(matters)
        client = using_client_id(matter.authority_code) if chance.random() < 0.8 else chance.choice(clients)
        kind = chance.choice(small_city.catalog.types)
        if matter.allows and chance.random() < 0.7:
            kind = small_city.catalog.type(chance.choice(sorted(matter.allows)))
        pool = [*(spec.key for spec in kind.fields), "holder_name", "holder_code", "number", "valid_until", COPY]
        if kind.slug in matter.allows and chance.random() < 0.6:
            pool = list(matter.allows[kind.slug])
        wanted = chance.sample(pool, chance.randint(0, min(4, len(pool))))
        response = fetch(small_city, client, matter_code=matter.code, type=kind.slug, fields=wanted)
        allowed = set(matter.allows.get(kind.slug, ()))
        lawful = (
            client == using_client_id(matter.authority_code)
            and "duty" in matter.bases
            and bool(allowed)
            and set(wanted) <= allowed
        )
        assert response.status_code == (201 if lawful else 403), (matter.code, kind.slug, wanted, response.text)
        outcomes[response.status_code] += 1
        if lawful:
            given = response.json()
            keys = wanted or list(matter.allows[kind.slug])
            assert [field["key"] for field in given["fields"]] == [key for key in keys if key != COPY]
            assert bool(given["file"]) == (COPY in keys)
            beyond = {**given, "fields": [], "file": "", "license": {**given["license"], "identifier": ""}}
            secrets = [value for key, value in plain(small_city, kind.slug).items() if len(value) > 4]
            public = small_city.catalog.sample(kind.slug)["holder_name"] if kind.holder_masks["show"] == "none" else ""
            # The number is public, and 排污许可证 begins it with the firm's USCC.
            number = "" if kind.number_embeds_id else given["license"]["number"]
            assert not [v for v in secrets if v in str(beyond) and v != public and v not in number]
    assert min(outcomes.values()) > 30, outcomes
