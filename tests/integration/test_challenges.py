"""反扫: the holder sees who asks and why; the answer goes to the session that asked, once and in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from consent_city import GUIDE, holder
from fixtures_city import ServedCity
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.seed_sandbox import GATE, using_client_id

SCENE = "tour_inspection"


def ask(city: ServedCity, who: dict[str, str], **changes: Any) -> dict[str, Any]:
    body = {"purpose": "景区执法检查", "scene": SCENE, "task_no": "检查〔2026〕8号", **changes}
    return dict(city.answer(city.client.post("/v1/challenges", headers=who, json=body), 201))


def reply(city: ServedCity, who: dict[str, str], code: str, identifier: str = "", *, confirm: bool = True) -> Any:
    body = {"code": code, "confirm": confirm, "identifier": identifier}
    return city.client.post("/v1/challenges/answers", headers=who, json=body)


def collect(city: ServedCity, who: dict[str, str], made: dict[str, Any], ticket: str = "") -> Any:
    path = f"/v1/challenges/{made['challenge_id']}/result"
    return city.client.post(path, headers=who, json={"ticket": ticket or made["ticket"]})


def look(city: ServedCity, who: dict[str, str], made: dict[str, Any]) -> Any:
    return city.client.get(f"/v1/challenges/{made['challenge_id']}", headers=who)


def test_the_holder_sees_who_asks_and_the_answer_goes_to_that_session_alone(city: ServedCity) -> None:
    done = city.issue(GUIDE, "C-1")
    officer, other = city.person(city.officer_of(GUIDE)), city.person("officer-1")
    me, clerk = holder(city, GUIDE), city.person("clerk-1")
    made = ask(city, officer)
    waiting = look(city, officer, made)
    assert (waiting.json()["state"], waiting.headers["retry-after"]) == ("asked", "2")
    problem(collect(city, officer, made), 409)

    opened = city.answer(city.client.post("/v1/challenges/openings", headers=me, json={"code": made["code"]}), 200)
    sample = city.catalog.sample(GUIDE)
    assert opened["authority_name"] == city.catalog.authority(sample["issuer_code"]).name
    badge = next(person.badge for person in city.people if person.subject == city.officer_of(GUIDE))
    assert (opened["badge"], opened["purpose"], opened["task_no"]) == (badge, "景区执法检查", "检查〔2026〕8号")
    [fit] = opened["fits"]
    assert fit["card"]["identifier"] == done["identifier"]
    assert "Retry-After" not in city.answer(reply(city, me, made["code"], done["identifier"]), 201)

    for stranger in (other, clerk):
        problem(look(city, stranger, made), 404)
        problem(collect(city, stranger, made), 404)
    problem(collect(city, officer, made, ticket="A" * 22), 404)
    scan = city.answer(collect(city, officer, made), 201)
    assert (scan["light"], scan["fields"]) == ("green", fit["fields"]), "the holder saw what the officer sees"
    assert bool(scan["photo"]) == fit["photo"]
    problem(collect(city, officer, made), 409)
    problem(reply(city, me, made["code"], done["identifier"]), 409)

    [use] = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"][:1]
    assert (use["kind"], use["why"], [field["key"] for field in use["fields"]]) == (
        "scan",
        "景区执法检查",
        [field["key"] for field in fit["fields"]],
    )
    city.drain()
    kinds = Counter(event["type"].rsplit("certsvc.", 1)[1] for event in city.events())
    assert (kinds["challenge.answered.v1"], kinds["license.scanned.v1"]) == (1, 1)
    token = made["code"].rsplit("/", 1)[1]
    assert city.rows(f"SELECT count(*) FROM challenges WHERE token_sha256 = '{token}'") == [(0,)]


def test_of_many_answers_and_of_many_collections_one_counts(city: ServedCity) -> None:
    done = city.issue(GUIDE, "C-1")
    officer, me = city.person(city.officer_of(GUIDE)), holder(city, GUIDE)
    made = ask(city, officer)
    with ThreadPoolExecutor(10) as pool:
        replies = list(
            pool.map(
                lambda n: reply(city, me, made["code"], done["identifier"], confirm=n % 5 != 0).status_code, range(20)
            )
        )
        assert Counter(replies) == {201: 1, 409: 19}
        if look(city, officer, made).json()["state"] == "declined":  # one of the four noes was the first
            made = ask(city, officer)
            city.answer(reply(city, me, made["code"], done["identifier"]), 201)
        collected = list(pool.map(lambda _: collect(city, officer, made).status_code, range(20)))
    assert Counter(collected) == {201: 1, 409: 19}
    assert city.rows("SELECT count(*) FROM scans WHERE code_kind = 'challenge'") == [(1,)]


def test_a_challenge_and_its_answer_are_for_now(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    done = city.issue(GUIDE, "C-1")
    officer, me = city.person(city.officer_of(GUIDE)), holder(city, GUIDE)
    late = ask(city, officer)
    clock.advance(timedelta(seconds=120))
    problem(reply(city, me, late["code"], done["identifier"]), 409)
    assert look(city, officer, late).json()["state"] == "expired"
    for age, status in ((59, 201), (60, 409)):
        made = ask(city, officer)
        city.answer(reply(city, me, made["code"], done["identifier"]), 201)
        clock.advance(timedelta(seconds=age))
        assert collect(city, officer, made).status_code == status
    rows = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    assert [row["outcome"] for row in rows if row["kind"] == "challenge"] == ["confirmed"], "agreed and never taken"


def test_declining_gives_nothing_and_is_seen_by_the_verifier(small_city: ServedCity) -> None:
    done = small_city.issue(GUIDE, "C-1")
    officer, me = small_city.person(small_city.officer_of(GUIDE)), holder(small_city, GUIDE)
    made = ask(small_city, officer)
    small_city.answer(reply(small_city, me, made["code"], confirm=False), 201)
    assert look(small_city, officer, made).json()["state"] == "declined"
    problem(collect(small_city, officer, made), 409)
    problem(reply(small_city, me, made["code"], done["identifier"]), 409)
    assert small_city.rows("SELECT count(*) FROM scans") == [(0,)]


def test_a_license_that_ended_after_the_yes_is_red(small_city: ServedCity) -> None:
    done = small_city.issue(GUIDE, "C-1")
    officer, me = small_city.person(small_city.officer_of(GUIDE)), holder(small_city, GUIDE)
    made = ask(small_city, officer)
    small_city.answer(reply(small_city, me, made["code"], done["identifier"]), 201)
    small_city.answer(small_city.move(done["identifier"], "revoke", slug=GUIDE), 201)
    scan = small_city.answer(collect(small_city, officer, made), 201)
    assert (scan["light"], scan["reasons"][0]["code"]) == ("red", "license_revoked")


def test_who_may_ask_for_what(shared_city: ServedCity) -> None:
    city = shared_city
    done = city.one_of(GUIDE)
    gate, me = city.system(GATE), holder(city, GUIDE)
    public = {"purpose": "景区入园", "scene": "scenic_entry", "type": GUIDE}
    made = ask(city, gate, **public)
    assert city.answer(reply(city, me, made["code"], done["identifier"]), 201)["state"] == "confirmed"
    assert city.answer(collect(city, gate, made), 201)["scene_name"]
    for wrong in ({"scene": SCENE}, {"scene": "no_such"}, {"scene": "", "matter_code": ""}, {"matter_code": "x" * 31}):
        body = {"purpose": "入园", "scene": SCENE, **wrong}
        problem(city.client.post("/v1/challenges", headers=gate, json=body), 422)
    problem(city.client.post("/v1/challenges", headers=me, json=public), 403)
    other = ask(city, city.person(city.officer_of(GUIDE)), type="food_operation", scene="catering_inspection")
    problem(reply(city, me, other["code"], done["identifier"]), 422)


def test_a_using_system_asks_for_its_matter_and_sees_what_the_matter_may(shared_city: ServedCity) -> None:
    city = shared_city
    matter, slug = next(
        (matter, slug)
        for matter in city.catalog.matters
        for slug in matter.allows
        if "consent" in matter.bases and slug == GUIDE
    )
    done, me = city.one_of(slug), holder(city, slug)
    system = city.system(using_client_id(matter.authority_code))
    asked = {"scene": "", "matter_code": matter.code, "case_no": "B-7", "operator": "jingban01", "purpose": "办理事项"}
    made = ask(city, system, **asked)
    opened = city.answer(city.client.post("/v1/challenges/openings", headers=me, json={"code": made["code"]}), 200)
    assert (opened["matter_name"], opened["case_no"]) == (matter.name, "B-7")
    city.answer(reply(city, me, made["code"], done["identifier"]), 201)
    answer = city.answer(collect(city, system, made), 201)
    assert [field["key"] for field in answer["fields"]] == [key for key in matter.allows[slug] if key != "*copy"]
    body = {"purpose": "办理事项", "scene": "scenic_entry"}
    problem(city.client.post("/v1/challenges", headers=system, json=body), 403)
    others = next(one for one in city.catalog.matters if one.authority_code != matter.authority_code)
    body = {"purpose": "办理事项", "matter_code": others.code, "case_no": "B-7", "operator": "jingban01"}
    problem(city.client.post("/v1/challenges", headers=system, json=body), 403)


def test_a_challenge_is_no_code_for_scanners(shared_city: ServedCity) -> None:
    officer = shared_city.officer_of(GUIDE)
    made = ask(shared_city, shared_city.person(officer))
    scan, looked = shared_city.scan(officer, made["code"]), shared_city.public(code=made["code"])
    assert (scan["light"], scan["reasons"][0]["code"]) == ("amber", "code_for_holder")
    assert (looked["indication"], looked["reason"]) == ("INDETERMINATE", "code_for_holder")
    assert looked["registry_match"] == "not_checked", "nobody asked the register for a license"
    assert "刷新" not in looked["next"] + scan["reasons"][0]["next"]


def test_what_is_in_force_is_offered_before_what_is_not(city: ServedCity) -> None:
    """The page offers the first one: last year's license would answer red while this year's is in force."""
    valid = city.issue(GUIDE, "C-1")
    past = {"issued_on": "2020-01-01", "valid_from": "2020-01-01", "valid_until": "2022-12-31"}
    expired = city.issue(GUIDE, "C-2", **past)
    made = ask(city, city.person(city.officer_of(GUIDE)))
    me = holder(city, GUIDE)
    opened = city.answer(city.client.post("/v1/challenges/openings", headers=me, json={"code": made["code"]}), 200)
    offered = [(fit["card"]["identifier"], fit["card"]["light"]) for fit in opened["fits"]]
    assert offered == [(valid["identifier"], "green"), (expired["identifier"], "red")]


@pytest.mark.parametrize("text", ["https://evil.example/c/AAAAAAAAAAAAAAAAAAAAAA", "你好", "HC1:ABC"])
def test_a_foreign_text_is_no_challenge(shared_city: ServedCity, text: str) -> None:
    me = holder(shared_city, GUIDE)
    problem(shared_city.client.post("/v1/challenges/openings", headers=me, json={"code": text}), 404)


def test_unknown_and_forbidden_are_answered_in_the_same_bytes(shared_city: ServedCity) -> None:
    """RELIABILITY Q5: nobody learns from an answer that something exists."""
    city = shared_city
    done, other = city.one_of(GUIDE), city.one_of("food_operation")
    officer, me = city.person(city.officer_of(GUIDE)), holder(city, "food_operation")
    made = ask(city, officer)
    stranger = city.person("officer-1")
    unknown = {"challenge_id": "chl_" + "0" * 26, "ticket": "A" * 22}
    body = {"about": "content", "text": "内容有误请更正"}

    def dispute(identifier: str) -> Any:
        return city.client.post("/v1/disputes", headers=me, json={**body, "identifier": identifier})

    def show(identifier: str, delegation_id: str = "") -> Any:
        asked = {"identifier": identifier, "scene": SCENE, "delegation_id": delegation_id}
        return city.client.post("/v1/shows", headers=me, json=asked)

    nobodys = done["identifier"][:-1] + ("0" if done["identifier"][-1] != "0" else "1")
    pairs = [
        (look(city, stranger, made), look(city, stranger, unknown)),
        (collect(city, stranger, made), collect(city, stranger, unknown)),
        (show(done["identifier"]), show(nobodys)),
        (show(done["identifier"], "dlg_x"), show(nobodys, "dlg_x")),
        (dispute(done["identifier"]), dispute(nobodys)),
        (
            city.client.get(f"/v1/wallet/{done['identifier']}/scenes", headers=me),
            city.client.get(f"/v1/wallet/{nobodys}/scenes", headers=me),
        ),
    ]
    for forbidden, missing in pairs:
        assert (forbidden.status_code, forbidden.content) == (404, missing.content)
    assert show(other["identifier"]).status_code == 422, "one's own is told apart"


def test_one_verifier_has_only_so_many_open_challenges(small_city: ServedCity) -> None:
    officer = small_city.person("officer-1")
    for _ in range(50):
        ask(small_city, officer)
    body = {"purpose": "检查", "scene": SCENE}
    problem(small_city.client.post("/v1/challenges", headers=officer, json=body), 409)
    ask(small_city, small_city.person("officer-2"))


def test_of_many_asked_at_once_only_so_many_wait(city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certsvc.commands.showing.ask_holder.MAX_OPEN_CHALLENGES", 3)
    officer, body = city.person("officer-1"), {"purpose": "检查", "scene": SCENE}
    with ThreadPoolExecutor(9) as pool:
        made = list(pool.map(lambda _: city.client.post("/v1/challenges", headers=officer, json=body), range(9)))
    assert Counter(one.status_code for one in made) == {201: 3, 409: 6}
