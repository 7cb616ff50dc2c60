"""A holder is told that a use request waits, so that nobody has to look; and the list says who answers for whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from consent_city import bind, citizen, company, given, holder, party, state, today
from fixtures_city import ServedCity
from test_fetch import CLIENT, SLUG
from test_use_bases import FOOD, HOUSE, RENEWAL, SUBSIDY, ask, reply, the_holder

from certsvc.clock import FixedClock, SystemClock
from certsvc.delivery.notices import send_notices

PHONE = "13800000001"


def sms(city: ServedCity) -> list[str]:
    """What the SMS gateway was handed, oldest first."""
    folder = Path(city.service.settings.var_dir) / "notices" / "sms"
    return [json.loads(path.read_text("utf-8"))["text"] for path in sorted(folder.glob("*.json"))]


def listed(city: ServedCity, who: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The use requests of a person, by id."""
    rows = city.answer(city.client.get("/v1/use-requests", headers=who), 200)
    return {row["request_id"]: row for row in rows}


def test_a_waiting_request_is_told_once_in_plain_words_without_personal_data(city: ServedCity) -> None:
    done = city.issue(SLUG, "N-1")
    me = holder(city, SLUG)
    city.answer(city.client.patch("/v1/wallet/contact", headers=me, json={"phone": PHONE}), 200)
    city.drain()
    send_notices(city.service.deps)
    before = len(sms(city))
    made = city.answer(ask(city, company(city), {SLUG: ["number"], FOOD: ["number"]}), 201)
    city.drain()
    assert send_notices(city.service.deps) == 1
    assert send_notices(city.service.deps) == 0
    [text] = sms(city)[before:]
    office = city.catalog.authority(RENEWAL[:18]).name
    assert f"{office}申请使用您的{city.catalog.type(SLUG).name}" in text
    assert "用证申请" in text
    name = company(city)["name"]
    assert text.startswith(f"{name}："), "a company is nobody's personal data; people are masked as in every notice"
    for secret in (company(city)["code"], done["number"], "YX-1", "jingban01", made["request_id"]):
        assert secret not in text
    assert len(text) < 140
    rows = city.rows("SELECT kind, state FROM notices WHERE about = 'consent.asked.v1'")
    assert rows == [("use_request", "sent")]
    page = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    old = city.answer(city.client.get("/v1/wallet/uses", headers=me), 200)
    assert "use_request" not in {row["outcome"] for row in [*page, *old]}, "the list of requests has it"


def test_the_event_is_the_same_whoever_was_asked_and_only_holders_get_a_notice(city: ServedCity) -> None:
    city.issue(SLUG, "N-1")
    nobody = party("示例无名", citizen(today(city).replace(year=1980)))
    for to in (nobody, company(city)):
        city.answer(ask(city, to, {SLUG: []}), 201)
    city.drain()
    told = [event for event in city.events() if event["type"].endswith("consent.asked.v1")]
    assert len(told) == 2
    assert set(told[0]["data"]) == {"request_id", "client_id", "authority_code", "matter_code", "lapses_at"}
    assert nobody["code"] not in str(told)
    assert company(city)["code"] not in str(told)
    assert city.rows("SELECT count(*) FROM notices WHERE kind = 'use_request'") == [(1,)]


def test_what_was_answered_or_lapsed_before_it_was_told_is_not_told(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    city.issue(SLUG, "N-1")
    first, _ = (city.answer(ask(city, company(city), {SLUG: []}, hours=1), 201) for _ in range(2))
    city.answer(reply(city, holder(city, SLUG), first["request_id"], accept=False), 201)
    clock.advance(timedelta(hours=2))
    city.drain()
    assert city.rows("SELECT count(*) FROM notices WHERE kind = 'use_request'") == [(0,)]


def test_the_list_says_as_whom_one_answers_and_whether_one_has(city: ServedCity) -> None:
    done = city.issue(SLUG, "N-1")
    house = city.issue(HOUSE, "N-2")
    me, owner = holder(city, SLUG), holder(city, HOUSE)
    born = today(city).replace(year=1970)
    boss = bind(city, "boss-9", "示例法人", code=citizen(born))
    city.answer(state(city, "representative", company(city), party("示例法人", citizen(born))), 201)
    aunt_no = citizen(today(city).replace(year=1985))
    aunt = bind(city, "aunt-9", "示例姑姑", code=aunt_no)
    scope = {done["identifier"]: [city.catalog.type(SLUG).scenes[0].code]}
    given(city, me, party("示例姑姑", aunt_no), scope, aunt, use_matters=[RENEWAL])
    made = city.answer(ask(city, company(city), {SLUG: ["number"]}), 201)["request_id"]
    name = company(city)["name"]
    for who, as_whom in ((me, "own"), (boss, "representative"), (aunt, "delegation")):
        row = listed(city, who)[made]
        assert (row["asked_as"], row["answer_for"], row["answer"]) == (as_whom, name, "asked")
    wife_no = citizen(today(city).replace(year=1982), 3)
    wife = bind(city, "wife-9", "示例共有人", code=wife_no)
    path = f"/v1/licenses/{house['identifier']}/co-holders"
    city.answer(city.client.post(path, headers=city.system(), json={"person": party("示例共有人", wife_no)}), 201)
    items = {HOUSE: ["location"], FOOD: ["?valid"]}
    both = city.answer(ask(city, the_holder(city, HOUSE), items, matter_code=SUBSIDY), 201)["request_id"]
    city.answer(reply(city, owner, both), 201)
    assert listed(city, owner)[both]["answer"] == "confirmed"
    row = listed(city, wife)[both]
    assert (row["asked_as"], row["answer"], row["waiting"]) == ("co_holder", "asked", 1)
    assert [item["type"] for item in row["items"]] == [HOUSE], "a co-holder is asked about the shared license only"
    assert row["matter_name"] == "餐饮业稳岗补贴（免申即享）"
    assert CLIENT not in str(row)
