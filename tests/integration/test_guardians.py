"""The guardian acts under 14, both from 14 to 17, the grown child alone; of several holders each shows the own part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from consent_city import bind, citizen, holder, party, show, today
from consent_city import state as say
from fixtures_city import ServedCity
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock, end_of_day, local_day

CARD = "residence_permit"
SCENE = "population_check"
HOUSE = "real_estate"
MOTHER = ("母示例", citizen(date(1985, 1, 1), 32))


@pytest.mark.parametrize(
    ("birthday", "before", "after"),
    [(14, (409, 201), (201, 201)), (18, (201, 201), (201, 404))],
    ids=["14", "18"],
)
def test_a_birthday_changes_who_may_show_at_midnight_in_shanghai(
    make_city: Callable[..., ServedCity],
    sqlite_url: str,
    birthday: int,
    before: tuple[int, int],
    after: tuple[int, int],
) -> None:
    day = local_day(SystemClock().now()) + timedelta(days=1)
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1)  # fourteen years ago there was none
    midnight = end_of_day(day - timedelta(days=1))
    assert midnight.day != day.day, "the day in UTC is another one"
    child = ("小示例", citizen(day.replace(year=day.year - birthday), 34))
    clock = FixedClock(midnight - timedelta(minutes=10))
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(CARD, "G-1", holder={"name": child[0], "code": child[1], "code_type": "111"})
    bind(city, "child", child[0], code=child[1])
    bind(city, "mother", MOTHER[0], code=MOTHER[1])
    problem(show(city, city.person("mother"), done["identifier"], SCENE), 404)
    city.answer(say(city, "guardian", party(*child), party(*MOTHER)), 201)
    officer = city.officer_of(CARD)
    for wait, statuses in ((9 * 60 + 59, before), (1, after)):
        clock.advance(timedelta(seconds=wait))
        city.tokens.clear()
        answers = [show(city, city.person(who), done["identifier"], SCENE) for who in ("child", "mother")]
        assert tuple(answer.status_code for answer in answers) == statuses
        if wait > 1 and birthday == 18:
            left_over = answers[1].json()["code"]
        if answers[1].status_code == 201:
            fresh = city.answer(show(city, city.person("mother"), done["identifier"], SCENE), 201)
            assert city.scan(officer, fresh["code"])["presenter"]["text"] == "由监护人出示：母*"
    if birthday == 18:
        scan = city.scan(officer, left_over)
        assert (scan["reasons"][0]["code"], scan["fields"]) == ("code_expired", []), "made a second before, dead now"


def test_a_guardian_sees_the_wards_licenses_and_consents_for_the_ward(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue("birth_record", "G-1")
    mother, child = city.person("guardian-1"), holder(city, "birth_record")
    [card] = city.answer(city.client.get("/v1/wallet/others", headers=mother), 200)
    assert (card["basis"], card["card"]["identifier"]) == ("guardian", done["identifier"])
    found = problem(show(city, child, done["identifier"], "school_entry"), 409)
    assert "监护人" in found["detail"]
    clerk = city.person("clerk-1")
    body = {"purpose": "入学报名", "scene": "school_entry", "type": "birth_record"}
    made = city.answer(city.client.post("/v1/challenges", headers=clerk, json=body), 201)
    answer = {"code": made["code"], "confirm": True, "identifier": done["identifier"]}
    problem(city.client.post("/v1/challenges/answers", headers=child, json=answer), 409)
    opened = city.answer(city.client.post("/v1/challenges/openings", headers=child, json={"code": made["code"]}), 200)
    assert opened["fits"] == [], "the child is offered nothing"
    city.answer(city.client.post("/v1/challenges/answers", headers=mother, json=answer), 201)
    path = f"/v1/challenges/{made['challenge_id']}/result"
    scan = city.answer(city.client.post(path, headers=clerk, json={"ticket": made["ticket"]}), 201)
    assert scan["presenter"]["basis"] == "guardian"
    uses = city.answer(city.client.get("/v1/uses", headers=mother), 200)["uses"]
    assert [use["identifier"] for use in uses if use["kind"] == "scan"] == [done["identifier"]]


def test_a_child_shows_neither_a_shared_license_nor_a_bundle_alone(small_city: ServedCity) -> None:
    city = small_city
    child = ("小示例", citizen(today(city) - timedelta(days=8 * 366), 35))
    bind(city, "child", child[0], code=child[1])
    me = city.person("child")
    house = city.issue(HOUSE, "H-1")["identifier"]
    path = f"/v1/licenses/{house}/co-holders"
    city.answer(city.client.post(path, headers=city.system(), json={"person": party(*child)}), 201)
    assert "监护人" in problem(show(city, me, house, "judicial_check"), 409)["detail"]
    assert city.answer(city.client.get("/v1/wallet/others", headers=me), 200) == []
    city.issue("food_operation", "F-1", holder={"name": child[0], "code": child[1], "code_type": "111"})
    asked = {"bundle": "restaurant", "reader": "officer"}
    assert "监护人" in problem(city.client.post("/v1/shows/bundles", headers=me, json=asked), 409)["detail"]
    problem(city.client.get("/v1/wallet/bundles/restaurant/scenes", headers=me, params={"reader": "officer"}), 409)
    assert city.rows("SELECT count(*) FROM shows") == [(0,)]


def test_a_guardian_shows_and_consents_for_a_child_who_holds_a_part(small_city: ServedCity) -> None:
    city = small_city
    child = ("小示例", citizen(today(city) - timedelta(days=8 * 366), 37))
    mother = bind(city, "mother", MOTHER[0], code=MOTHER[1])
    sample = city.catalog.sample(HOUSE)
    house = city.issue(HOUSE, "H-1")["identifier"]
    path = f"/v1/licenses/{house}/co-holders"
    added = city.answer(city.client.post(path, headers=city.system(), json={"person": party(*child)}), 201)
    problem(show(city, mother, house, "judicial_check"), 404)
    relation = city.answer(say(city, "guardian", party(*child), party(*MOTHER)), 201)["relation_id"]

    [card] = city.answer(city.client.get("/v1/wallet/others", headers=mother), 200)
    assert (card["basis"], card["card"]["identifier"], card["card"]["holder_name"]) == ("guardian", house, child[0])
    shown = city.answer(show(city, mother, house, "judicial_check"), 201)
    scan = city.scan(city.officer_of(HOUSE), shown["code"])
    assert scan["presenter"]["text"] == "由监护人出示：母*"
    fields = {field["key"]: field["value"] for field in scan["fields"]}
    assert (fields["holder_name"], fields["holder_code"]) == child
    for secret in (sample["holder_name"], sample["holder_code"], sample["data"]["location"]):
        assert secret not in str(shown) + str(scan) + str(card), "the child's part and no more"
    uses = city.answer(city.client.get("/v1/uses", headers=mother), 200)["uses"]
    assert [use["identifier"] for use in uses if use["kind"] == "scan"] == [house]

    clerk = city.person(city.officer_of(HOUSE))
    body = {"purpose": "核对共有情况", "scene": "judicial_check", "type": HOUSE}
    asked = city.answer(city.client.post("/v1/challenges", headers=clerk, json=body), 201)
    yes = {"code": asked["code"], "confirm": True, "identifier": house}
    city.answer(city.client.post("/v1/challenges/answers", headers=mother, json=yes), 201)
    collected = f"/v1/challenges/{asked['challenge_id']}/result"
    read = city.answer(city.client.post(collected, headers=clerk, json={"ticket": asked["ticket"]}), 201)
    assert (read["presenter"]["basis"], sample["holder_code"] in str(read)) == ("guardian", False)

    # What ends in between gives nothing: the child's part, and the guardianship.
    parted, ended = (city.answer(show(city, mother, house, "judicial_check"), 201)["code"] for _ in range(2))
    assert city.client.delete(f"{path}/{added['co_holder_id']}", headers=city.system()).status_code == 204
    assert city.scan(city.officer_of(HOUSE), parted)["reasons"][0]["code"] == "code_expired"
    city.answer(city.client.post(path, headers=city.system(), json={"person": party(*child)}), 201)
    over = {"document_no": "示例判决〔2026〕2号"}
    assert (
        city.client.post(f"/v1/relations/{relation}/endings", headers=city.system("facts-1"), json=over).status_code
        == 204
    )
    assert city.scan(city.officer_of(HOUSE), ended)["reasons"][0]["code"] == "code_expired"
    problem(show(city, mother, house, "judicial_check"), 404)


def test_a_guardianship_that_ended_gives_nothing(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue("birth_record", "G-1")
    mother = city.person("guardian-1")
    shown = city.answer(show(city, mother, done["identifier"], "school_entry"), 201)
    [(relation,)] = city.rows("SELECT relation_id FROM relations WHERE kind = 'guardian'")
    path = f"/v1/relations/{relation}/endings"
    problem(city.client.post(path, headers=city.system(), json={"document_no": "示例"}), 403)
    body = {"document_no": "示例判决〔2026〕1号"}
    assert city.client.post(path, headers=city.system("facts-1"), json=body).status_code == 204
    problem(city.client.post(path, headers=city.system("facts-1"), json=body), 404)
    assert city.scan("clerk-1", shown["code"])["reasons"][0]["code"] == "code_expired"
    problem(show(city, mother, done["identifier"], "school_entry"), 404)


def test_a_guardianship_is_not_stated_again_until_another_day(small_city: ServedCity) -> None:
    city = small_city
    child = party("小示例", citizen(today(city) - timedelta(days=8 * 366), 36))
    stated = city.answer(say(city, "guardian", child, party(*MOTHER)), 201)
    again = city.answer(say(city, "guardian", child, party(*MOTHER), from_on="2021-01-01"), 201)
    assert again["relation_id"] == stated["relation_id"]
    refused = problem(say(city, "guardian", child, party(*MOTHER), until_on=today(city).isoformat()), 409)
    assert stated["relation_id"] in refused["detail"], "it says which one to end first"


def test_each_holder_shows_the_own_part_and_the_others_stay_masked(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(HOUSE, "H-1")
    sample = city.catalog.sample(HOUSE)
    spouse = ("偶示例", citizen(date(1986, 6, 6), 33))
    bind(city, "spouse", spouse[0], code=spouse[1])
    path = f"/v1/licenses/{done['identifier']}/co-holders"
    problem(city.client.post(path, headers=city.system("gate-1"), json={"person": party(*spouse)}), 403)
    wrong = {"person": party(*spouse), "data": {"no_such": "x"}}
    problem(city.client.post(path, headers=city.system(), json=wrong), 422)
    body: dict[str, Any] = {"person": party(*spouse), "data": {"co_ownership": "按份共有"}}
    added = city.answer(city.client.post(path, headers=city.system(), json=body), 201)
    problem(city.client.post(path, headers=city.system(), json=body), 409)
    own = {"person": party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])}
    problem(city.client.post(path, headers=city.system(), json=own), 409)

    shown = city.answer(show(city, city.person("spouse"), done["identifier"], "judicial_check"), 201)
    scan = city.scan(city.officer_of(HOUSE), shown["code"])
    fields = {field["key"]: field["value"] for field in scan["fields"]}
    assert scan["fields"] == shown["fields"]
    assert (fields["holder_name"], fields["holder_code"]) == spouse
    assert fields["co_ownership"] == "按份共有"
    assert scan["photo"] == ""
    for secret in (sample["holder_name"], sample["holder_code"]):
        assert secret not in str(scan)
    assert sample["data"]["location"] not in str(scan), "masked unless it is of the own part"
    first = city.scan(city.officer_of(HOUSE), city.show(HOUSE, done["identifier"], "judicial_check")["code"])
    assert spouse[0] not in str(first), "nor does the first holder show the other"
    uses = city.answer(city.client.get("/v1/uses", headers=holder(city, HOUSE)), 200)["uses"]
    assert "由共有人之一出示本人部分：偶示例" in [use["presenter"] for use in uses]

    code = city.answer(show(city, city.person("spouse"), done["identifier"], "judicial_check"), 201)["code"]
    gone = city.client.delete(f"{path}/{added['co_holder_id']}", headers=city.system())
    assert gone.status_code == 204
    assert city.scan(city.officer_of(HOUSE), code)["reasons"][0]["code"] == "code_expired"
    problem(show(city, city.person("spouse"), done["identifier"], "judicial_check"), 404)
    assert city.answer(city.client.get(path, headers=city.system()), 200) == []
