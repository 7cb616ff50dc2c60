"""反扫 for a matter is a fetch: what refuses a fetch refuses it, and it stands where fetches stand."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from consent_city import bind, citizen, given, holder, party, today
from fixtures_city import ServedCity
from matter_city import opened
from test_bad_input import problem
from test_challenges import SCENE, ask, collect, look, reply
from test_fetch import CLIENT, MATTER, ONE_THING, SLUG
from test_use_bases import FOOD, HOUSE, RENEWAL, SUBSIDY

from certsvc.commands.sharing.policy_board import PolicyPicture

OPENING = "/v1/challenges/openings"


def asking(city: ServedCity, matter: str, client: str = CLIENT, **changes: Any) -> dict[str, Any]:
    body = {"scene": "", "task_no": "", "matter_code": matter, "case_no": "FS-1", "operator": "jingban01", **changes}
    return ask(city, city.system(client), **{"purpose": "办理事项", **body})


def refused(city: ServedCity, status: int, **changes: Any) -> dict[str, Any]:
    body = {"purpose": "办理事项", "matter_code": MATTER, "case_no": "FS-1", "operator": "jingban01", **changes}
    return problem(city.client.post("/v1/challenges", headers=city.system(CLIENT), json=body), status)


def fits(city: ServedCity, who: dict[str, str], made: dict[str, Any]) -> list[dict[str, Any]]:
    answer = city.answer(city.client.post(OPENING, headers=who, json={"code": made["code"]}), 200)
    return list(answer["fits"])


def keys(fields: list[dict[str, Any]]) -> list[str]:
    return [field["key"] for field in fields]


def test_an_answer_for_a_matter_is_a_fetch_wherever_fetches_stand(city: ServedCity) -> None:
    done, me = city.issue(FOOD, "C-1"), holder(city, FOOD)
    made = asking(city, RENEWAL)
    [fit] = fits(city, me, made)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    answer = city.answer(collect(city, city.system(CLIENT), made), 201)
    assert answer["fields"] == fit["fields"], "what leaves is what the holder saw"
    problem(collect(city, city.system(CLIENT), made), 409)
    assert city.rows("SELECT count(*) FROM scans") == [(0,)]
    [row] = city.rows("SELECT fetch_id, client_id, case_no, basis, outcome, type_slug FROM fetches")
    assert row == (answer["fetch_id"], CLIENT, "FS-1", "consent", "given", FOOD)

    first, *_ = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    assert (first["kind"], first["use_basis_zh"], keys(first["fields"])) == (
        "fetch",
        "持证人授权",
        keys(answer["fields"]),
    )
    department = city.client.get("/v1/departments/uses", headers=city.person("policy-clerk-1"))
    [used] = city.answer(department, 200)["uses"]
    assert (used["case_no"], used["client_id"], used["given"]) == ("FS-1", CLIENT, True)

    city.answer(city.move(done["identifier"], "revoke", slug=FOOD), 201)
    city.drain()
    assert city.rows("SELECT client_id, authority_code FROM alerts") == [(CLIENT, RENEWAL[:18])]
    kinds = Counter(event["type"].rsplit("certsvc.", 1)[1] for event in city.events())
    assert (kinds["license.fetched.v1"], kinds["license.scanned.v1"]) == (1, 0)


def test_nothing_leaves_beyond_the_policy_not_even_of_the_facts(shared_city: ServedCity) -> None:
    city = shared_city
    done, me = city.one_of(HOUSE), holder(city, HOUSE)
    made = asking(city, SUBSIDY)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    answer = city.answer(collect(city, city.system(CLIENT), made), 201)
    assert keys(answer["fields"]) == ["location"]
    facts = answer["license"]
    cut = ("number", "issuer_name", "holder_masked", "valid_from", "valid_until")
    assert {key: facts[key] for key in cut} == dict.fromkeys(cut, "")
    assert facts["identifier"] == done["identifier"]
    sample = city.catalog.sample(HOUSE)
    for secret in (sample["holder_name"], sample["holder_code"]):
        assert secret not in str(answer)


def test_one_of_several_holders_does_not_answer_for_all(small_city: ServedCity) -> None:
    """The law asks all of them (all_holders): a use request does."""
    city = small_city
    house, wife_no = city.issue(HOUSE, "C-1")["identifier"], citizen(today(city).replace(year=1982), 3)
    wife = bind(city, "wife", "示例共有人", code=wife_no)
    path, me = f"/v1/licenses/{house}/co-holders", holder(city, HOUSE)
    body = {"person": party("示例共有人", wife_no)}
    city.answer(city.client.post(path, headers=city.system(), json=body), 201)
    made = asking(city, SUBSIDY)
    for who, status in ((me, 409), (wife, 404)):
        assert fits(city, who, made) == []
        problem(reply(city, who, made["code"], house), status)
    assert look(city, city.system(CLIENT), made).json()["state"] == "asked"
    assert city.rows("SELECT count(*) FROM grants") == [(0,)]


def test_case_operator_and_matter_are_asked_for_as_in_a_fetch(shared_city: ServedCity) -> None:
    city = shared_city
    for missing in ("case_no", "operator"):
        found = refused(city, 422, **{missing: ""})
        assert [one["pointer"] for one in found["errors"]] == [f"/{missing}"]
    assert refused(city, 403, type=HOUSE)["code"] == "no_lawful_basis"
    assert refused(city, 403, matter_code=ONE_THING)["code"] == "no_lawful_basis"
    officer = city.person(city.officer_of(FOOD))
    body = {"purpose": "办理事项", "matter_code": MATTER, "case_no": "FS-1", "operator": "jingban01"}
    problem(city.client.post("/v1/challenges", headers=officer, json=body), 403)


def test_who_is_no_operator_asks_nothing_and_collects_nothing(small_city: ServedCity) -> None:
    city = small_city
    done, me = city.issue(FOOD, "C-1"), holder(city, FOOD)
    made = asking(city, RENEWAL)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    with city.service.deps.uow() as tx:
        client = tx.access.client(CLIENT)
        assert client is not None
        tx.access.upsert_client(replace(client, staff_required=True))
    assert refused(city, 403)["code"] == "operator_unknown"
    assert problem(collect(city, city.system(CLIENT), made), 403)["code"] == "operator_unknown"
    assert city.rows("SELECT outcome FROM fetches") == [("operator_unknown",)]
    assert look(city, city.system(CLIENT), made).json()["state"] == "confirmed", "nothing was taken"


def test_the_quota_of_the_policy_counts_it(small_city: ServedCity) -> None:
    city = small_city
    done, me = city.issue("tour_guide", "C-1"), holder(city, "tour_guide")
    opened(city, "tour_guide", bases=["consent"], keys=["holder_name", "number"], quota=1)
    for status in (201, 403):
        made = asking(city, MATTER)
        city.answer(reply(city, me, made["code"], done["identifier"]), 201)
        city.answer(collect(city, city.system(CLIENT), made), status)
    assert city.rows("SELECT outcome FROM fetches ORDER BY at, fetch_id") == [("given",), ("quota_used_up",)]


def test_what_narrows_after_the_yes_narrows_it_and_what_widens_does_not(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city
    done, me = city.issue(FOOD, "C-1"), holder(city, FOOD)
    made = asking(city, SUBSIDY)
    assert keys(fits(city, me, made)[0]["fields"]) == ["number", "business_form"]
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    of = PolicyPicture.of

    def otherwise(picture: Any, matter: Any, slug: str) -> Any:
        found = of(picture, matter, slug)
        return replace(found, keys=("number", "holder_name", "address")) if found is not None else None

    monkeypatch.setattr(PolicyPicture, "of", otherwise)
    answer = city.answer(collect(city, city.system(CLIENT), made), 201)
    assert keys(answer["fields"]) == ["number"], "both by the yes and by the policy"
    monkeypatch.undo()
    made = asking(city, SUBSIDY)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    monkeypatch.setattr(PolicyPicture, "of", lambda *_: None)
    problem(collect(city, city.system(CLIENT), made), 403)


def test_a_scene_that_widens_after_the_yes_gives_what_was_seen(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city
    done, me = city.issue("tour_guide", "C-1"), holder(city, "tour_guide")
    officer = city.person(city.officer_of("tour_guide"))
    kind = type(city.catalog.type("tour_guide"))
    scene_of = kind.scene

    def narrow(one: Any, code: str) -> Any:
        found = scene_of(one, code)
        return replace(found, fields=found.fields[:2], unmasked=(), photo=False) if found is not None else None

    monkeypatch.setattr(kind, "scene", narrow)
    made = ask(city, officer, type="tour_guide")
    [fit] = fits(city, me, made)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    monkeypatch.undo()
    wide = city.catalog.type("tour_guide").scene(SCENE)
    assert wide is not None
    assert len(wide.fields) > 2, "it is wider now"
    scan = city.answer(collect(city, officer, made), 201)
    assert (scan["fields"], scan["photo"]) == (fit["fields"], "")


def test_a_consent_that_ended_gives_nothing_and_is_refused_on_record(small_city: ServedCity) -> None:
    city = small_city
    done, me = city.issue(FOOD, "C-1"), holder(city, FOOD)
    made = asking(city, RENEWAL)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    [one] = city.answer(city.client.get("/v1/grants", headers=me), 200)
    assert city.client.delete(f"/v1/grants/{one['grant_id']}", headers=me).status_code == 204
    problem(collect(city, city.system(CLIENT), made), 403)
    assert city.rows("SELECT outcome FROM fetches") == [("consent_over",)]


def test_a_delegate_answers_for_a_matter_within_what_was_given(small_city: ServedCity) -> None:
    city = small_city
    done, number = city.issue(SLUG, "C-1"), citizen(today(city).replace(year=1985))
    me, aunt = holder(city, SLUG), bind(city, "aunt", "示例姑姑", code=number)
    scope = {done["identifier"]: [city.catalog.type(SLUG).scenes[0].code]}
    showing = given(city, me, party("示例姑姑", number), scope, aunt)
    using = given(city, me, party("示例姑姑", number), scope, aunt, use_matters=[RENEWAL], max_uses=1)
    made = asking(city, RENEWAL)
    assert [fit["delegation_id"] for fit in fits(city, aunt, made)] == [using]
    body = {"code": made["code"], "confirm": True, "identifier": done["identifier"]}

    def say(delegation_id: str, code: str = "") -> Any:
        asked = {**body, "code": code or body["code"], "delegation_id": delegation_id}
        return city.client.post("/v1/challenges/answers", headers=aunt, json=asked)

    problem(say(showing), 409)
    city.answer(say(using), 201)
    city.answer(collect(city, city.system(CLIENT), made), 201)
    assert city.rows("SELECT basis FROM fetches") == [("delegation",)]
    problem(say(using, asking(city, RENEWAL)["code"]), 409)


def test_of_many_collections_for_a_matter_one_is_given_and_none_refused_on_record(city: ServedCity) -> None:
    done, me = city.issue(FOOD, "C-1"), holder(city, FOOD)
    made = asking(city, RENEWAL)
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: collect(city, city.system(CLIENT), made).status_code, range(16)))
    assert Counter(codes) == {201: 1, 409: 15}
    assert city.rows("SELECT outcome FROM fetches") == [("given",)]
