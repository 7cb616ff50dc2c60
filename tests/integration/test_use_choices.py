"""Whoever consents knows for whom and for which license, is told of it, is not pressed, and can take it back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from consent_city import bind, citizen, company, given, holder, party, state, today
from fixtures_city import ServedCity
from test_bad_input import problem
from test_fetch import CLIENT, COPY, MATTER, SLUG, asking, consented, grant
from test_use_bases import FOOD, HOUSE, RENEWAL, SUBSIDY, ask, by_request, counter, party_id, read, reply, the_holder

from certsvc.delivery.notices import send_notices
from certsvc.license.consents import (
    COUNTER_COPY_DAYS,
    MAX_ANSWERS_PER_GRANT,
    MAX_ASKS_PER_HOLDER,
    MAX_COUNTER_HOURS,
    PAUSE_AFTER_NO,
)

OTHER_PLACE = "示例省示例市示例区示例大道2号"


def question(city: ServedCity, code: str, **changes: Any) -> Any:
    """Whether the license is in order, on a code; the bare response."""
    bare: dict[str, Any] = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None}
    body = asking(city, ask="valid", **{**bare, **changes})
    return city.client.post("/v1/answers", headers=city.system(CLIENT), json=body)


def rows_of(city: ServedCity, who: dict[str, str], path: str = "/v1/use-requests") -> list[dict[str, Any]]:
    return list(city.answer(city.client.get(path, headers=who), 200))


def two_shops(city: ServedCity) -> tuple[str, str]:
    """Two food licenses of the company, for two places; their identifiers."""
    first = city.issue(FOOD, "W-1")
    data = {**city.catalog.sample(FOOD)["data"], "premises": OTHER_PLACE}
    return first["identifier"], city.issue(FOOD, "W-2", data=data)["identifier"]


def share(city: ServedCity, identifier: str, name: str, code: str) -> None:
    path, body = f"/v1/licenses/{identifier}/co-holders", {"person": party(name, code)}
    city.answer(city.client.post(path, headers=city.system(), json=body), 201)


def test_what_was_taken_goes_on_answering_until_it_is_taken_back(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "W-1")
    me = holder(city, SLUG)
    made = grant(city, done["identifier"])
    city.answer(consented(city, made["code"], fields=["number"]), 201)
    city.answer(question(city, made["code"]), 201)
    [row] = rows_of(city, me, "/v1/grants")
    assert row["used_at"]
    assert (row["answers"], row["answers_left"]) == (1, MAX_ANSWERS_PER_GRANT - 1)
    assert (row["identifier"], row["holder_name"]) == (done["identifier"], company(city)["name"])
    assert city.client.delete(f"/v1/grants/{made['grant_id']}", headers=me).status_code == 204
    problem(question(city, made["code"]), 403)
    problem(city.client.delete(f"/v1/grants/{made['grant_id']}", headers=me), 404)
    assert rows_of(city, me, "/v1/grants")[0]["answers_left"] == 0


def test_a_grant_without_a_case_is_for_the_case_of_its_first_use(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "W-1")
    read_first, asked_first = grant(city, done["identifier"]), grant(city, done["identifier"])
    city.answer(consented(city, read_first["code"], fields=["number"], case_no="BJ-A"), 201)
    problem(question(city, read_first["code"], case_no="BJ-B"), 403)
    city.answer(question(city, read_first["code"], case_no="BJ-A"), 201)
    city.answer(question(city, asked_first["code"], case_no="BJ-A"), 201)
    problem(consented(city, asked_first["code"], fields=["number"], case_no="BJ-B"), 403)


def test_a_delegate_sees_and_answers_only_what_is_within_the_delegation(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "W-1")
    city.issue(FOOD, "W-2")
    me, number = holder(city, SLUG), citizen(today(city).replace(year=1985))
    aunt = bind(city, "aunt", "示例姑姑", code=number)
    scope = {done["identifier"]: [city.catalog.type(SLUG).scenes[0].code]}
    using = given(city, me, party("示例姑姑", number), scope, aunt, use_matters=["*"])
    both = city.answer(ask(city, company(city), {SLUG: ["number"], FOOD: ["number"]}), 201)["request_id"]
    assert rows_of(city, aunt) == []
    mine = party_id(city, me, both)
    for accept in (True, False):
        problem(reply(city, aunt, both, accept=accept, party_id=mine, delegation_id=using), 404)
    assert read(city, both)["state"] == "asked"
    one = city.answer(ask(city, company(city), {SLUG: ["number"]}, case_no="YX-2"), 201)["request_id"]
    assert [row["request_id"] for row in rows_of(city, aunt)] == [one]
    assert city.answer(reply(city, aunt, one, accept=False, delegation_id=using), 201)["state"] == "declined"


def sms(city: ServedCity) -> list[str]:
    """What the SMS gateway was handed, oldest first."""
    send_notices(city.service.deps)
    folder = Path(city.service.settings.var_dir) / "notices" / "sms"
    return [json.loads(path.read_text("utf-8"))["text"] for path in sorted(folder.glob("*.json"))]


def test_who_must_answer_is_told_and_answers_for_the_party_that_the_page_showed(small_city: ServedCity) -> None:
    city = small_city
    house = city.issue(HOUSE, "W-1")
    wife_no, child_no = citizen(today(city).replace(year=1982), 3), citizen(today(city).replace(day=1), 4)
    wife = bind(city, "wife", "示例共有人", code=wife_no)
    share(city, house["identifier"], "示例共有人", wife_no)
    share(city, house["identifier"], "示例幼童", child_no)
    city.answer(state(city, "guardian", party("示例幼童", child_no), party("示例共有人", wife_no)), 201)
    city.answer(city.client.patch("/v1/wallet/contact", headers=wife, json={"phone": "13800000003"}), 200)
    city.drain()
    before = len(sms(city))
    owner = holder(city, HOUSE)
    made = city.answer(ask(city, the_holder(city, HOUSE), {HOUSE: ["location"]}, matter_code=SUBSIDY), 201)
    request_id = made["request_id"]
    city.drain()
    assert len(sms(city)) == before, "nobody but the owner is asked so far"
    assert city.answer(reply(city, owner, request_id), 201)["waiting"] == 2
    city.drain()
    own, other = sorted(sms(city)[before:], key=lambda text: "代为答复" in text)
    office = city.catalog.authority(SUBSIDY[:18]).name
    assert f"{office}申请使用您的" in own
    assert "由您代为答复" in other
    for secret in (wife_no, child_no, "示例幼童", house["number"]):
        assert secret not in own + other
    city.client.get(f"/v1/wallet/{house['identifier']}/moves", headers=owner)
    assert city.rows("SELECT count(*) FROM notices WHERE kind = 'use_request' AND state = 'sent'") == [(2,)]
    rows = {row["answer_for"]: row for row in rows_of(city, wife)}
    assert {name: row["asked_as"] for name, row in rows.items()} == {"示例共有人": "co_holder", "示例幼童": "guardian"}
    owners = party_id(city, owner, request_id)
    problem(reply(city, wife, request_id, party_id=owners), 404)
    bare = city.client.post(f"/v1/use-requests/{request_id}/answers", headers=wife, json={"accept": True})
    problem(bare, 409)
    nothing = {"accept": True, "licenses": [{"type": HOUSE, "identifier": ""}]}
    problem(city.client.post(f"/v1/use-requests/{request_id}/answers", headers=wife, json=nothing), 422)
    child = rows["示例幼童"]["party_id"]
    assert city.answer(reply(city, wife, request_id, party_id=child), 201)["waiting"] == 1
    answered = city.rows(f"SELECT basis, state FROM use_parties WHERE party_id = '{child}'")
    assert answered == [("guardian", "confirmed")]
    problem(reply(city, wife, request_id, party_id=child), 409)
    last = city.client.post(f"/v1/use-requests/{request_id}/answers", headers=wife, json={"accept": True})
    assert city.answer(last, 201)["state"] == "confirmed", "one party is left: it need not be named"


def test_the_guardian_of_a_child_and_the_head_of_a_company_are_told(small_city: ServedCity) -> None:
    city = small_city
    city.issue(SLUG, "W-1")
    born = today(city).replace(year=1970)
    boss = bind(city, "boss", "示例法人", code=citizen(born))
    city.answer(state(city, "representative", company(city), party("示例法人", citizen(born))), 201)
    city.answer(city.client.patch("/v1/wallet/contact", headers=boss, json={"phone": "13800000004"}), 200)
    city.drain()
    before = len(sms(city))
    city.answer(ask(city, company(city), {SLUG: ["number"]}), 201)
    city.drain()
    [told] = sms(city)[before:]
    assert "由您代为答复" in told
    assert company(city)["code"] not in told


def test_a_holder_of_two_chooses_which_is_used_and_no_other_is_given(small_city: ServedCity) -> None:
    city = small_city
    first, second = two_shops(city)
    me, number = holder(city, FOOD), citizen(today(city).replace(year=1985))
    made = city.answer(ask(city, company(city), {FOOD: ["premises"]}), 201)["request_id"]
    [row] = rows_of(city, me)
    choices = {one["identifier"]: one["place"] for one in row["items"][0]["choices"]}
    assert choices == {first: city.catalog.sample(FOOD)["data"]["premises"], second: OTHER_PLACE}
    assert "choices" not in str(read(city, made)), "whoever asks learns nothing of it"
    refused = problem(reply(city, me, made), 422)
    assert {error["code"] for error in refused["errors"]} == {"choose"}
    wrong = [{"type": FOOD, "identifier": "1.2.156.3005.2.none"}]
    problem(reply(city, me, made, licenses=wrong), 422)
    aunt = bind(city, "aunt", "示例姑姑", code=number)
    scope = {second: [city.catalog.type(FOOD).scenes[0].code]}
    using = given(city, me, party("示例姑姑", number), scope, aunt, use_matters=[RENEWAL])
    [seen] = rows_of(city, aunt)
    assert [one["identifier"] for one in seen["items"][0]["choices"]] == [second]
    not_hers = [{"type": FOOD, "identifier": first}]
    problem(reply(city, aunt, made, delegation_id=using, licenses=not_hers), 422)
    city.answer(reply(city, me, made, licenses=[{"type": FOOD, "identifier": second}]), 201)
    assert [one["identifier"] for one in read(city, made)["given"]] == [second]
    problem(by_request(city, made, FOOD, fields=["premises"], identifier=first), 403)
    done = city.answer(by_request(city, made, FOOD, fields=["premises"], identifier=second), 201)
    assert [field["value"] for field in done["fields"]] == [OTHER_PLACE]
    assert rows_of(city, me)[0]["items"][0]["choices"] == []


def test_a_license_that_no_list_reaches_is_given_when_it_is_named(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain has more shops than a search looks at: the one that was named is the one that is used."""
    for module in ("held", "grounds"):
        monkeypatch.setattr(f"certsvc.commands.sharing.{module}.MAX_SEARCH", 1)
    city = small_city
    first, _ = two_shops(city)
    me = holder(city, FOOD)
    made = city.answer(ask(city, company(city), {FOOD: ["premises"]}), 201)["request_id"]
    city.answer(reply(city, me, made, licenses=[{"type": FOOD, "identifier": first}]), 201)
    assert [one["identifier"] for one in read(city, made)["given"]] == [first]
    done = city.answer(by_request(city, made, FOOD, fields=["premises"], identifier=first), 201)
    assert [field["value"] for field in done["fields"]] != [OTHER_PLACE]


def test_at_a_counter_it_is_chosen_too_and_a_copy_ends(small_city: ServedCity) -> None:
    city = small_city
    first, second = two_shops(city)
    items = [{"type": FOOD, "fields": ["premises", COPY]}]
    refused = problem(counter(city, company(city), items=items), 422)
    assert {error["pointer"] for error in refused["errors"]} == {"/items/0/identifier"}
    assert OTHER_PLACE in str(refused["errors"])
    stranger = party("示例路人", citizen(today(city).replace(year=1980)))
    problem(counter(city, company(city), items=items, signer=stranger), 404)
    chosen = [{**items[0], "identifier": second}]
    made = city.answer(counter(city, company(city), items=chosen, hours=MAX_COUNTER_HOURS), 201)["consent_id"]
    problem(by_request(city, made, FOOD, fields=["premises"], identifier=first), 403)
    done = city.answer(by_request(city, made, FOOD, fields=["premises"]), 201)
    assert [field["value"] for field in done["fields"]] == [OTHER_PLACE]
    [row] = rows_of(city, holder(city, FOOD), "/v1/grants")
    latest = city.service.deps.clock.now() + timedelta(days=COUNTER_COPY_DAYS)
    assert datetime.fromisoformat(row["copy_until"]) <= latest


def test_a_no_stands_for_a_while_and_nobody_is_asked_all_day(small_city: ServedCity) -> None:
    city = small_city
    city.issue(SLUG, "W-1")
    me = holder(city, SLUG)
    for n in range(MAX_ASKS_PER_HOLDER):
        made = city.answer(ask(city, company(city), {SLUG: ["number"]}, case_no=f"NO-{n}"), 201)["request_id"]
        city.answer(reply(city, me, made, accept=False), 201)
    again = problem(ask(city, company(city), {SLUG: ["holder_name"]}, case_no="NO-0"), 409)
    assert f"{PAUSE_AFTER_NO.days} 天" in again["detail"]
    assert ask(city, company(city), {SLUG: ["number"]}, case_no="NO-more").status_code == 429
    somebody = party("示例无名", citizen(today(city).replace(year=1980)))
    city.answer(ask(city, somebody, {SLUG: ["number"]}, case_no="NO-0"), 201)


def test_who_decides_over_a_license_sees_and_takes_back_what_others_granted(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "W-1")
    born = today(city).replace(year=1970)
    boss = bind(city, "boss", "示例法人", code=citizen(born))
    assert rows_of(city, boss, "/v1/grants") == []
    city.answer(state(city, "representative", company(city), party("示例法人", citizen(born))), 201)
    made = grant(city, done["identifier"], fields=["number", "?valid"], case_no="BJ-1")
    [row] = rows_of(city, boss, "/v1/grants")
    assert (row["grant_id"], row["code"], row["identifier"]) == (made["grant_id"], "", done["identifier"])
    assert city.client.delete(f"/v1/grants/{made['grant_id']}", headers=boss).status_code == 204
    problem(consented(city, made["code"], fields=["number"], case_no="BJ-1", matter_code=MATTER), 403)
