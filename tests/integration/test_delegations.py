"""代亮: named licenses for named scenes, until a day, a number of times; what is above ends what is below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from consent_city import (
    COMPANY,
    GUIDE,
    accept,
    bind,
    citizen,
    company,
    given,
    holder,
    offer,
    party,
    show,
    standing,
    today,
)
from consent_city import state as say
from fixtures_city import ServedCity
from test_bad_input import problem
from test_fetch import CLIENT, MATTER

from certsvc.clock import FixedClock, SystemClock, end_of_day, local_day

FOOD = "food_operation"
SCENE, FOOD_SCENE = "tour_inspection", "catering_inspection"
WIFE = ("代示例", citizen(date(1985, 5, 5), 21))


@dataclass
class Family:
    """A guide and who may show the guide's license."""

    city: ServedCity
    license: str
    me: dict[str, str]
    wife: dict[str, str]

    def give(self, **changes: Any) -> str:
        return given(self.city, self.me, party(*WIFE), {self.license: [SCENE]}, self.wife, **changes)

    def shown(self, delegation_id: str, scene: str = SCENE) -> Any:
        return show(self.city, self.wife, self.license, scene, delegation_id)


@pytest.fixture
def family(city: ServedCity) -> Family:
    done = city.issue(GUIDE, "D-1")
    wife = bind(city, "wife", WIFE[0], code=WIFE[1])
    return Family(city=city, license=done["identifier"], me=holder(city, GUIDE), wife=wife)


def test_a_delegate_shows_after_accepting_and_everybody_sees_by_whom(family: Family) -> None:
    city = family.city
    offered = city.answer(offer(city, family.me, party(*WIFE), {family.license: [SCENE]}), 201)["delegation_id"]
    assert standing(city, family.wife, offered) == "offered"
    problem(family.shown(offered), 409)
    accept(city, family.wife, offered)
    accept(city, family.wife, offered, status=409)
    [card] = city.answer(city.client.get("/v1/wallet/others", headers=family.wife), 200)
    assert (card["basis"], card["delegation_id"], card["uses_left"]) == ("delegation", offered, 100)
    assert [scene["code"] for scene in card["card"]["scenes"]] == [SCENE]
    path = f"/v1/wallet/{family.license}/scenes?delegation_id={offered}"
    seen = city.answer(city.client.get(path, headers=family.wife), 200)["scenes"]
    shown = city.answer(family.shown(offered), 201)
    assert [one["scene"]["code"] for one in seen] == [SCENE]
    assert seen[0]["fields"] == shown["fields"]
    assert shown["presenter"]["text"] == "代亮，经持证人授权出示：代*"
    scan = city.scan(city.officer_of(GUIDE), shown["code"])
    assert (scan["light"], scan["presenter"]) == ("green", shown["presenter"])
    uses = city.answer(city.client.get("/v1/uses", headers=family.me), 200)["uses"]
    assert [(use["basis"], use["presenter"]) for use in uses if use["kind"] == "scan"] == [
        ("delegation", "代亮，经持证人授权出示：代示例")
    ]
    assert city.answer(city.client.get("/v1/uses", headers=family.wife), 200)["uses"] == []
    problem(show(city, family.wife, family.license, SCENE), 404)
    problem(family.shown(offered, "scenic_entry"), 422)


def test_a_delegate_does_not_learn_the_id_number_that_a_license_has_for_its_number(shared_city: ServedCity) -> None:
    city, slug = shared_city, "road_transport_worker"
    done = city.one_of(slug)
    assert done["number"] == city.catalog.sample(slug)["holder_code"]
    wife = bind(city, "wife-of-driver", WIFE[0], code=WIFE[1])
    scene = city.catalog.type(slug).scenes[0].code
    given(city, holder(city, slug), party(*WIFE), {done["identifier"]: [scene]}, wife)
    [card] = city.answer(city.client.get("/v1/wallet/others", headers=wife), 200)
    assert card["card"]["number"] == ""
    assert done["number"] not in str(card)


def test_only_the_named_person_is_asked(family: Family) -> None:
    city = family.city
    made = city.answer(offer(city, family.me, party(*WIFE), {family.license: [SCENE]}), 201)["delegation_id"]
    stranger = holder(city, FOOD)
    accept(city, stranger, made, status=404)
    assert city.client.delete(f"/v1/delegations/{made}", headers=stranger).status_code == 404
    assert city.answer(city.client.get("/v1/delegations", headers=stranger), 200) == {"given": [], "received": []}
    path = f"/v1/delegations/{made}/answers"
    city.answer(city.client.post(path, headers=family.wife, json={"accept": False}), 201)
    problem(family.shown(made), 409)
    assert standing(city, family.me, made) == "declined"


@pytest.mark.parametrize("who", ["me", "wife"])
def test_its_end_is_at_once_also_for_a_code_already_made(family: Family, who: str) -> None:
    city = family.city
    made = family.give()
    code = city.answer(family.shown(made), 201)["code"]
    header = family.me if who == "me" else family.wife
    assert city.client.delete(f"/v1/delegations/{made}", headers=header).status_code == 204
    assert city.client.delete(f"/v1/delegations/{made}", headers=header).status_code == 404
    scan = city.scan(city.officer_of(GUIDE), code)
    assert (scan["light"], scan["reasons"][0]["code"], scan["fields"]) == ("amber", "code_expired", [])
    assert city.public(code=code)["reason"] == "code_expired"
    problem(family.shown(made), 409)


def test_of_many_codes_no_more_are_made_than_were_allowed(family: Family) -> None:
    made = family.give(max_uses=3)
    with ThreadPoolExecutor(12) as pool:
        codes = Counter(pool.map(lambda _: family.shown(made).status_code, range(12)))
    assert codes == {201: 3, 409: 9}
    assert standing(family.city, family.wife, made) == "used_up"


def test_its_last_day_ends_at_midnight_in_shanghai(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(end_of_day(local_day(SystemClock().now())) - timedelta(minutes=30))
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(GUIDE, "D-1")
    wife = bind(city, "wife", WIFE[0], code=WIFE[1])
    made = given(city, holder(city, GUIDE), party(*WIFE), {done["identifier"]: [SCENE]}, wife)
    code = city.answer(show(city, wife, done["identifier"], SCENE, made), 201)["code"]
    clock.advance(timedelta(minutes=30) - timedelta(seconds=31))
    late = city.answer(show(city, wife, done["identifier"], SCENE, made), 201)["code"]
    clock.advance(timedelta(seconds=31))
    city.tokens.clear()
    wife = city.person("wife")
    problem(show(city, wife, done["identifier"], SCENE, made), 409)
    for one in (code, late):
        assert city.scan(city.officer_of(GUIDE), one)["reasons"][0]["code"] == "code_expired"
    assert standing(city, wife, made) == "expired"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"until": "2020-01-01"}, "/until"),
        ({"until": "2090-01-01"}, "/until"),
        ({"max_uses": 0}, "/max_uses"),
        ({"delegate": party("某公司", "91990000MA0000015Q", "001")}, "/delegate/code"),
        ({"delegate": party("某人", "990101198505050000")}, "/delegate/code"),
    ],
)
def test_what_cannot_be_given_is_refused_by_name(
    shared_city: ServedCity, changes: dict[str, Any], pointer: str
) -> None:
    done = shared_city.one_of(GUIDE)
    asked = offer(shared_city, holder(shared_city, GUIDE), party(*WIFE), {done["identifier"]: [SCENE]}, **changes)
    assert pointer in [error["pointer"] for error in problem(asked, 422)["errors"]]


def test_nobody_gives_what_is_not_theirs(shared_city: ServedCity) -> None:
    guide, shop = shared_city.one_of(GUIDE), shared_city.one_of(FOOD)
    me = holder(shared_city, GUIDE)
    problem(offer(shared_city, me, party(*WIFE), {shop["identifier"]: [FOOD_SCENE]}), 404)
    problem(offer(shared_city, me, party(*WIFE), {guide["identifier"]: [FOOD_SCENE]}), 422)
    sample = shared_city.catalog.sample(GUIDE)
    own = party(sample["holder_name"], sample["holder_code"])
    problem(offer(shared_city, me, own, {guide["identifier"]: [SCENE]}), 422)


PEOPLE = {
    name: (f"{name}示例", citizen(date(1980, 1, order), order))
    for order, name in enumerate(("甲", "乙", "丙", "丁"), start=1)
}


@dataclass
class Firm:
    """A company, its 法定代表人, a 证照管理员 and a 办事人."""

    city: ServedCity
    license: str
    boss: dict[str, str]
    manager: dict[str, str]
    staff: dict[str, str]

    def scope(self) -> dict[str, list[str]]:
        return {self.license: [FOOD_SCENE]}

    def hire(self) -> tuple[str, str]:
        """Delegations of manager and staff."""
        above = given(self.city, self.boss, party(*PEOPLE["乙"]), self.scope(), self.manager)
        below = given(self.city, self.manager, party(*PEOPLE["丙"]), self.scope(), self.staff, under=above)
        return above, below

    def shown(self, who: dict[str, str], delegation_id: str = "") -> int:
        return int(show(self.city, who, self.license, FOOD_SCENE, delegation_id).status_code)


@pytest.fixture
def firm(city: ServedCity) -> Firm:
    done = city.issue(FOOD, "F-1")
    people = {name: bind(city, code, name, code=code) for name, code in PEOPLE.values()}
    headers = list(people.values())
    made = say(city, "representative", company(city), party(*PEOPLE["甲"]))
    city.answer(made, 201)
    return Firm(city=city, license=done["identifier"], boss=headers[0], manager=headers[1], staff=headers[2])


def test_a_firm_shows_through_its_chain_and_the_end_of_one_ends_all_below(firm: Firm) -> None:
    city = firm.city
    assert firm.shown(firm.boss) == 201, "the 法定代表人 shows for the company"
    above, below = firm.hire()
    assert (firm.shown(firm.manager, above), firm.shown(firm.staff, below)) == (201, 201)
    lists = city.answer(city.client.get("/v1/delegations", headers=holder(city, COMPANY)), 200)
    assert [row["level"] for row in lists["given"]] == ["staff", "manager"], "the company sees its whole chain"
    problem(offer(city, firm.staff, party(*PEOPLE["丁"]), firm.scope(), under=below), 422)
    assert city.client.delete(f"/v1/delegations/{above}", headers=firm.boss).status_code == 204
    assert (firm.shown(firm.manager, above), firm.shown(firm.staff, below)) == (409, 409)
    rows = city.answer(city.client.get("/v1/delegations", headers=firm.staff), 200)["received"]
    assert [row["ended_because"] for row in rows] == ["上级授权已结束"]
    problem(offer(city, firm.manager, party(*PEOPLE["丁"]), firm.scope(), under=above), 409)
    city.drain()
    kinds = Counter(event["type"].rsplit("certsvc.", 1)[1] for event in city.events())
    assert (kinds["delegation.accepted.v1"], kinds["delegation.ended.v1"]) == (2, 2)


def test_staff_get_no_more_than_their_manager_has(firm: Firm) -> None:
    city = firm.city
    other = city.issue(COMPANY, "F-2")["identifier"]
    above, _ = firm.hire()
    to = party(*PEOPLE["丁"])
    problem(offer(city, firm.manager, to, {other: ["site_inspection"]}, under=above), 404)
    problem(offer(city, firm.manager, to, {firm.license: ["shop_display"]}, under=above), 422)
    later = (today(city) + timedelta(days=1)).isoformat()
    problem(offer(city, firm.manager, to, firm.scope(), under=above, until=later), 422)


def test_who_represented_a_company_once_reads_its_delegations_no_more(firm: Firm) -> None:
    city = firm.city
    city.answer(offer(city, holder(city, COMPANY), party(*PEOPLE["丁"]), firm.scope()), 201)
    given_by_it = city.answer(city.client.get("/v1/delegations", headers=firm.boss), 200)["given"]
    city.execute("UPDATE relations SET until_on = '2021-01-01' WHERE kind = 'representative'")
    assert len(given_by_it) == 1
    assert city.answer(city.client.get("/v1/delegations", headers=firm.boss), 200)["given"] == []


def test_a_new_representative_must_confirm(firm: Firm) -> None:
    city = firm.city
    above, below = firm.hire()
    pending = city.answer(offer(city, firm.boss, party(*PEOPLE["丁"]), firm.scope()), 201)["delegation_id"]
    again = say(city, "representative", company(city), party(*PEOPLE["甲"]))
    city.answer(again, 201)
    assert firm.shown(firm.staff, below) == 201, "the same fact again changes nothing"
    city.answer(say(city, "representative", company(city), party(*PEOPLE["丁"])), 201)
    new = city.person(PEOPLE["丁"][1])
    assert (firm.shown(firm.boss), firm.shown(new)) == (404, 201)
    assert (firm.shown(firm.manager, above), firm.shown(firm.staff, below)) == (409, 409)
    assert standing(city, new, above) == "unconfirmed"
    assert standing(city, new, pending) == "ended", "an offer of the former one lapses"
    path = f"/v1/delegations/{above}/confirmations"
    problem(city.client.post(path, headers=firm.boss), 404)
    city.answer(city.client.post(path, headers=new), 201)
    problem(city.client.post(path, headers=new), 409)
    assert (firm.shown(firm.manager, above), firm.shown(firm.staff, below)) == (201, 201)


def test_a_company_has_five_managers_at_most_however_many_are_named_at_once(firm: Firm) -> None:
    city = firm.city
    people = [party(f"管理员{n}", citizen(date(1970, 1, n + 1), n + 50)) for n in range(9)]
    with ThreadPoolExecutor(9) as pool:
        made = list(pool.map(lambda one: offer(city, firm.boss, one, firm.scope()), people))
    assert Counter(one.status_code for one in made) == {201: 5, 409: 4}
    freed = next(one.json()["delegation_id"] for one in made if one.status_code == 201)
    assert city.client.delete(f"/v1/delegations/{freed}", headers=firm.boss).status_code == 204
    city.answer(offer(city, firm.boss, people[0], firm.scope()), 201)


@pytest.mark.parametrize(("dead", "left"), [("乙", 404), ("丙", 404), ("甲", 404)])
def test_a_death_ends_what_the_dead_gave_and_were_given(firm: Firm, dead: str, left: int) -> None:
    city = firm.city
    above, below = firm.hire()
    city.answer(say(city, "deceased", party(*PEOPLE[dead]), None), 201)
    city.answer(say(city, "deceased", party(*PEOPLE[dead]), None), 201)
    states = standing(city, firm.manager, above), standing(city, firm.staff, below)
    assert (
        states
        == {
            "甲": ("unconfirmed", "unconfirmed"),
            "乙": ("ended", "ended"),
            "丙": ("active", "ended"),
        }[dead]
    )
    assert (firm.shown(firm.boss) == left) == (dead == "甲")


def test_facts_come_from_systems_with_the_right(shared_city: ServedCity) -> None:
    city = shared_city
    body = {
        "kind": "representative",
        "subject": company(city),
        "other": party(*WIFE),
        "document_no": "示例",
        "from_on": "2020-01-01",
    }
    for header, status in ((city.system(), 403), (holder(city, GUIDE), 403)):
        problem(city.client.post("/v1/relations", headers=header, json=body), status)
    for kind, subject, other, pointer in (
        ("representative", party(*WIFE), party(*PEOPLE["甲"]), "/subject/code_type"),
        ("guardian", company(city), party(*WIFE), "/subject/code_type"),
        ("guardian", party(*WIFE), party(*PEOPLE["甲"]), "/subject/code"),
        ("deceased", party(*WIFE), party(*PEOPLE["甲"]), "/other"),
        ("representative", company(city), None, "/other"),
    ):
        asked = say(city, kind, subject, other)
        assert [error["pointer"] for error in problem(asked, 422)["errors"]] == [pointer]


def test_what_staff_show_counts_for_their_manager_too(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(COMPANY, "D-1")["identifier"]
    manager, staff = ("管示例", citizen(date(1980, 1, 1), 51)), ("办示例", citizen(date(1990, 1, 1), 52))
    for subject, person in (("manager", manager), ("staff", staff)):
        bind(city, subject, person[0], code=person[1])
    scope = {done: [city.catalog.type(COMPANY).scenes[0].code]}
    above = given(city, holder(city, COMPANY), party(*manager), scope, city.person("manager"), max_uses=2)
    below = given(city, city.person("manager"), party(*staff), scope, city.person("staff"), under=above, max_uses=9)
    codes = [show(city, city.person("staff"), done, scope[done][0], below).status_code for _ in range(3)]
    assert codes == [201, 201, 409]
    problem(show(city, city.person("manager"), done, scope[done][0], above), 409)
    assert standing(city, city.person("manager"), above) == "used_up"


def test_what_staff_consent_to_counts_for_their_manager_too(city: ServedCity) -> None:
    """A number under a number: a thousand for the 办事人 are no more than the one of the 证照管理员."""
    done = city.issue(COMPANY, "D-1")["identifier"]
    manager, staff = ("管示例", citizen(date(1980, 1, 1), 51)), ("办示例", citizen(date(1990, 1, 1), 52))
    for subject, person in (("manager", manager), ("staff", staff)):
        bind(city, subject, person[0], code=person[1])
    scope = {done: [city.catalog.type(COMPANY).scenes[0].code]}
    matters = {"use_matters": [MATTER]}
    above = given(city, holder(city, COMPANY), party(*manager), scope, city.person("manager"), max_uses=1, **matters)
    below = given(
        city, city.person("manager"), party(*staff), scope, city.person("staff"), under=above, max_uses=1000, **matters
    )
    body = {"identifier": done, "client_id": CLIENT, "matter_code": MATTER, "delegation_id": below}
    made = [city.client.post("/v1/grants", headers=city.person("staff"), json=body).status_code for _ in range(3)]
    assert made == [201, 409, 409]
    assert city.rows("SELECT count(*) FROM grants") == [(1,)]
    own = {**body, "delegation_id": above}
    problem(city.client.post("/v1/grants", headers=city.person("manager"), json=own), 409)
    used = city.rows(f"SELECT used FROM delegations WHERE delegation_id IN ('{above}', '{below}')")
    assert used == [(1,), (1,)], "what was not given is not counted, of neither"


def test_nothing_is_given_or_begins_after_a_death(family: Family) -> None:
    city, sample = family.city, family.city.catalog.sample(GUIDE)
    dead = party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])
    offered = city.answer(offer(city, family.me, party(*WIFE), {family.license: [SCENE]}), 201)["delegation_id"]
    city.answer(say(city, "deceased", dead, None), 201)
    city.execute(f"UPDATE delegations SET state = 'offered' WHERE delegation_id = '{offered}'")  # stated in between
    accept(city, family.wife, offered, status=409)
    assert "死亡" in problem(offer(city, family.me, party(*WIFE), {family.license: [SCENE]}), 409)["detail"]


def test_the_dead_show_nothing_and_are_told_where_to_turn(family: Family) -> None:
    city, sample = family.city, family.city.catalog.sample(GUIDE)
    dead = party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])
    assert show(city, family.me, family.license, SCENE).status_code == 201
    city.answer(say(city, "deceased", dead, None), 201)
    assert "颁发机构" in problem(show(city, family.me, family.license, SCENE), 409)["detail"]
    asked = {"device_id": "dev_x", "identifiers": [family.license]}
    assert "死亡" in problem(city.client.post("/v1/shows/offline", headers=family.me, json=asked), 409)["detail"]


def test_a_representative_whose_last_day_is_over_leaves_the_chain_waiting(firm: Firm) -> None:
    city = firm.city
    above, below = firm.hire()
    city.execute("UPDATE relations SET until_on = '2021-01-01' WHERE kind = 'representative'")
    for person, delegation_id in ((firm.manager, above), (firm.staff, below)):
        assert firm.shown(person, delegation_id) == 409
    city.answer(say(city, "representative", company(city), party(*PEOPLE["丁"])), 201)
    assert firm.shown(firm.manager, above) == 409, "the next one has yet to confirm"
    new = city.person(PEOPLE["丁"][1])
    city.answer(city.client.post(f"/v1/delegations/{above}/confirmations", headers=new), 201)
    assert (firm.shown(firm.manager, above), firm.shown(firm.staff, below)) == (201, 201)
