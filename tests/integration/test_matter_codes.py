"""A matter goes by its 实施编码 and its 业务办理项编码: whichever is written, the same matter is kept and compared."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from consent_city import bind, citizen, company, given, holder, party, today
from fixtures_city import ServedCity
from test_challenges import ask as challenge
from test_challenges import reply as say
from test_fetch import CLIENT, MATTER, SLUG, consented, fetch, grant
from test_use_bases import ask, by_request, reply, withhold

from certsvc.commands.sharing.policy import own_code

ITEM = MATTER + "01"
TABLES = ("grants", "fetches", "use_requests", "withholdings", "challenges", "counter_consents")


def kept(city: ServedCity) -> set[str]:
    """The codes in the tables that name a matter."""
    return {code for table in TABLES for (code,) in city.rows(f"SELECT matter_code FROM {table}")}


def test_either_code_is_kept_as_the_matters_own(city: ServedCity) -> None:
    done, me = city.issue(SLUG, "M-1"), holder(city, SLUG)
    for written, used in ((ITEM, MATTER), (MATTER, ITEM), (ITEM, ITEM)):
        code = grant(city, done["identifier"], matter_code=written)["code"]
        city.answer(consented(city, code, matter_code=used, fields=["number"]), 201)
    city.answer(fetch(city, matter_code=ITEM, fields=["number"]), 201)

    asked = city.answer(ask(city, company(city), {SLUG: ["number"]}, matter_code=ITEM), 201)["request_id"]
    city.answer(reply(city, me, asked), 201)
    city.answer(by_request(city, asked, matter_code=MATTER, fields=["number"]), 201)

    body = {"scene": "", "matter_code": ITEM, "case_no": "M-1", "operator": "jingban01", "purpose": "办理事项"}
    made = challenge(city, city.system(CLIENT), **body)
    city.answer(say(city, me, made["code"], done["identifier"]), 201)

    until = city.service.deps.clock.now() + timedelta(days=1)
    first = city.answer(withhold(city, until, matter_code=ITEM), 201)["withholding_id"]
    path = f"/v1/withholdings/{first}/decisions"
    city.answer(city.client.post(path, headers=city.person("use-checker-1"), json={"agrees": True}), 201)
    city.answer(fetch(city, fields=["number"], withholding_id=first), 201)
    assert kept(city) == {MATTER}


def test_a_delegation_for_either_code_is_for_the_matter(small_city: ServedCity) -> None:
    city = small_city
    done, number = city.issue(SLUG, "M-1"), citizen(today(city).replace(year=1985))
    aunt = bind(city, "aunt", "示例姑姑", code=number)
    scope = {done["identifier"]: [city.catalog.type(SLUG).scenes[0].code]}
    using = given(city, holder(city, SLUG), party("示例姑姑", number), scope, aunt, use_matters=[ITEM, MATTER])
    body: dict[str, Any] = {"identifier": done["identifier"], "client_id": CLIENT, "delegation_id": using}
    for written in (ITEM, MATTER):
        city.answer(city.client.post("/v1/grants", headers=aunt, json={**body, "matter_code": written}), 201)
    assert city.rows("SELECT use_matters FROM delegations") == [(f'["{MATTER}"]',)]


def test_a_counter_takes_a_code_that_was_given_for_the_item(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "M-1")
    code = grant(city, done["identifier"], matter_code=ITEM, fields=["number"])["code"]
    body = {"matter_code": ITEM, "case_no": "KB-1", "code": code}
    check = city.answer(city.client.post("/v1/counter/checks", headers=city.person("clerk-1"), json=body), 201)
    assert (check["consented"]["note"], check["case"]["matter_code"]) == ("", MATTER)
    assert {basis for (basis,) in city.rows("SELECT basis FROM fetches WHERE outcome = 'given'")} >= {"consent"}


def test_what_is_no_matter_stays_as_it_was_written(shared_city: ServedCity) -> None:
    deps = shared_city.service.deps
    nowhere = MATTER[:-1] + "9"
    for code in ("", "*", MATTER, nowhere, nowhere + "01", MATTER + "0", MATTER + "0A"):
        assert own_code(deps, code) == code
    assert own_code(deps, ITEM) == MATTER
