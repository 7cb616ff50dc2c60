"""Officers show first: visits, what they open, what came of scans, and who may read it afterwards."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from fixtures_city import ServedCity
from PIL import Image
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock, local_day
from certsvc.commands.access.principals import of_person
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.showing.scan_code import scan_codes
from certsvc.commands.showing.scan_reads import closed_to
from certsvc.commands.visits.pictures import PICTURES, add_picture, forget_pictures
from certsvc.events.envelope import PREFIX
from certsvc.license.visits import Duty, TaskKind

TOUR, FOOD, CHEMICAL = "tour_guide", "food_operation", "hazardous_chemical"
SCENE = {TOUR: "tour_inspection", FOOD: "catering_inspection", CHEMICAL: "safety_inspection"}
PROVINCE_MARKET, CITY_MARKET = "11990000MB0000019F", "11990100MB00010113"
TASK = "示例检〔2026〕1号"


def badge_of(city: ServedCity, subject: str) -> str:
    return next(person.badge for person in city.people if person.subject == subject)


def colleague_of(city: ServedCity, subject: str) -> str:
    return "9999" + badge_of(city, subject)[4:]


def officer_at(city: ServedCity, authority: str) -> str:
    return next(p.subject for p in city.people if p.authority_code == authority and "officer" in p.roles)


def asked(city: ServedCity, subject: str, **changes: Any) -> dict[str, Any]:
    body = {"badge": badge_of(city, subject), "task_kind": "routine", "task_no": TASK, "region": "990100", **changes}
    return {name: value for name, value in body.items() if value is not None}


def call(city: ServedCity, subject: str, path: str, body: Any = None) -> Any:
    return city.client.post(path, headers=city.person(subject), json=body)


def read(city: ServedCity, subject: str, path: str, status: int = 200, **params: Any) -> Any:
    return city.answer(city.client.get(path, headers=city.person(subject), params=params), status)


@contextmanager
def visiting(city: ServedCity, subject: str, **changes: Any) -> Iterator[dict[str, Any]]:
    """An open visit that is closed at the end: the city is shared."""
    visit = city.answer(call(city, subject, "/v1/visits", asked(city, subject, **changes)), 201)
    try:
        yield visit
    finally:
        city.answer(call(city, subject, f"/v1/visits/{visit['visit_id']}/close"), 201)


def scanned(city: ServedCity, subject: str, slug: str) -> dict[str, Any]:
    shown = city.show(slug, city.one_of(slug)["identifier"], SCENE[slug])
    return city.scan(subject, shown["code"])


def png(colour: str = "red", size: tuple[int, int] = (60, 80)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def send_picture(city: ServedCity, subject: str, scan_id: str, data: bytes) -> Any:
    files = {"file": ("a.png", data, "image/png")}
    return city.client.post(f"/v1/scans/{scan_id}/pictures", headers=city.person(subject), files=files)


def test_a_visit_from_showing_the_badge_to_the_mark(city: ServedCity) -> None:
    """On both databases: open, proof, scan, outcome, correction, picture, history, ledger, close, mark."""
    officer, holder = city.officer_of(FOOD), city.holder_of(FOOD)
    second = colleague_of(city, officer)
    body = asked(city, officer, second_badge=second)
    visit = city.answer(call(city, officer, "/v1/visits", body), 201)
    again = city.answer(call(city, officer, "/v1/visits", body), 201)
    assert again["visit_id"] == visit["visit_id"], "the answer was lost, so it was asked again"
    assert [one["badge"] for one in visit["officers"]] == sorted([badge_of(city, officer), second])
    token = visit["proof_code"].rsplit("/o/", 1)[1]
    proof = city.answer(city.client.get(f"/v1/officers/{token}"), 200)
    assert (proof["state"], proof["task_no"], len(proof["officers"])) == ("open", TASK, 2)
    assert badge_of(city, officer) not in str(proof)

    scan = scanned(city, officer, FOOD)
    assert (scan["light"], scan["visit_id"]) == ("green", visit["visit_id"])
    assert scan["fields"]
    sent = {
        "outcome": "rectify",
        "due_on": str(local_day(SystemClock().now()) + timedelta(days=15)),
        "note": "台账不全",
    }
    path = f"/v1/scans/{scan['scan_id']}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call(city, officer, f"{path}/outcome", sent), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["inspection_id"] for answer in answers}) == 1
    problem(call(city, officer, f"{path}/outcome", {"outcome": "qualified"}), 409)
    fix = {"outcome": "qualified", "seq": 1, "reason": "当场补齐台账"}
    for _ in range(2):
        assert city.answer(call(city, officer, f"{path}/corrections", fix), 201)["seq"] == 1
    problem(call(city, officer, f"{path}/corrections", {**fix, "reason": "另一个理由"}), 409)
    problem(call(city, officer, f"{path}/corrections", {**fix, "seq": 3}), 409)
    pictures = [city.answer(send_picture(city, officer, scan["scan_id"], png()), 201) for _ in range(2)]
    assert pictures[0] == pictures[1]

    [record] = read(city, officer, "/v1/inspections", visit=visit["visit_id"])["records"]
    assert [one["outcome"] for one in record["records"]] == ["rectify", "qualified"]
    said = (record["outcome"]["reason"], record["task_no"], len(record["pictures"]), record["number"])
    assert said == ("当场补齐台账", TASK, 1, city.one_of(FOOD)["number"])
    [use] = [one for one in read(city, holder, "/v1/wallet/uses") if one["kind"] == "scan"]
    assert (use["handled"], use["task"].split("　")[1], use["visit_id"]) == ("合格", TASK, visit["visit_id"])
    assert use["unit"].endswith("执法支队")
    [same] = [one for one in read(city, holder, "/v1/uses")["uses"] if one["kind"] == "scan"]
    assert same | {name: use[name] for name in ("unit", "badge", "task", "handled", "visit_id")} == same, (
        "on both pages"
    )

    end_and_mark(city, officer, holder, visit["visit_id"])
    over = city.answer(city.client.get(f"/v1/officers/{token}"), 200)
    assert (over["state"], over["task_no"], over["officers"]) == ("closed", "", [])
    assert scanned(city, officer, FOOD)["visit_id"] == ""

    city.drain()
    told = Counter(event["type"].removeprefix(PREFIX) for event in city.events())
    assert {name: n for name, n in told.items() if name.startswith(("visit.", "inspection."))} == {
        "visit.opened.v1": 1,
        "inspection.recorded.v1": 2,
        "visit.closed.v1": 1,
        "visit.rated.v1": 1,
    }
    hides(city, token, "台账", "等候")


def end_and_mark(city: ServedCity, officer: str, holder: str, visit_id: str) -> None:
    """The holder marks it after its end, once."""
    mark = f"/v1/wallet/visits/{visit_id}/rating"
    problem(call(city, holder, mark, {"mark": 5}), 409)
    for _ in range(2):
        assert city.answer(call(city, officer, f"/v1/visits/{visit_id}/close"), 201)["state"] == "closed"
    for _ in range(2):
        assert city.answer(call(city, holder, mark, {"mark": 2, "text": "等候较久"}), 201)["rating"]["mark"] == 2
    problem(call(city, holder, mark, {"mark": 5}), 409)
    problem(call(city, city.holder_of(TOUR), mark, {"mark": 5}), 404)


def hides(city: ServedCity, token: str, *words: str) -> None:
    """Neither the proof nor what officers and holders wrote stands in the open in any row."""
    for table in ("visits", "visit_officers", "inspections", "visit_ratings", "events"):
        rows = str(city.rows(f"SELECT * FROM {table}"))
        assert rows != "[]"
        for secret in (token, *words, *(str(word.encode())[2:-1] for word in words)):
            assert secret not in rows, table


def test_officers_get_what_trade_task_and_team_open_and_nothing_more(shared_city: ServedCity) -> None:
    city = shared_city
    chemist = city.officer_of(CHEMICAL)
    with visiting(city, chemist) as visit:
        alone = scanned(city, chemist, CHEMICAL)
        assert (alone["light"], alone["reasons"][0]["code"], alone["fields"]) == ("amber", "scene_not_for_you", [])
        assert any("两名执法人员" in note for note in alone["notes"])
        wrong = scanned(city, chemist, FOOD)
        assert (wrong["fields"], wrong["photo"]) == ([], "")
        assert any("不包括市场监管" in note for note in wrong["notes"])
        team = {"badge": badge_of(city, chemist), "second_badge": colleague_of(city, chemist)}
        for _ in range(2):
            path = f"/v1/visits/{visit['visit_id']}/officers"
            assert len(city.answer(call(city, chemist, path, team), 201)["officers"]) == 2
        assert scanned(city, chemist, CHEMICAL)["fields"]
    kind, deps = city.catalog.type(TOUR), city.service.deps
    scene = kind.scene(SCENE[TOUR])
    assert scene is not None
    guide = city.officer_of(TOUR)
    with visiting(city, guide):
        scan = scanned(city, guide, TOUR)
        assert (bool(scan["photo"]), scan["card_needed"]) == (True, True)
        assert any("扣留或暂扣前" in note for note in scan["notes"])
        with deps.uow.read() as tx:
            duty: Duty = tx.visits.duties([guide], now=deps.clock.now())[guide]
    assert closed_to(deps, kind, scene, duty, "officer") == ""
    assert "专项检查" in closed_to(deps, kind, replace(scene, tasks=("special",)), duty, "officer")
    special = replace(duty, visit=replace(duty.visit, task_kind=TaskKind.SPECIAL))
    assert closed_to(deps, kind, replace(scene, tasks=("special",)), special, "officer") == ""
    police = replace(duty, officer=replace(duty.officer, kinds=("公安",)))
    assert closed_to(deps, kind, scene, police, "officer")
    assert closed_to(deps, kind, replace(scene, kinds=("公安",)), police, "officer") == ""


def test_where_officers_show_first_a_scan_without_a_visit_gives_the_state_only(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    city = make_city(sqlite_url, officers_show_first=True)
    officer = city.officer_of(TOUR)
    shown = city.show(TOUR, city.one_of(TOUR)["identifier"], SCENE[TOUR])
    before = city.scan(officer, shown["code"])
    assert (before["fields"], before["photo"], before["license"]["state"]) == ([], "", "valid")
    assert any("先登记检查任务" in note for note in before["notes"])
    kind = city.catalog.type(TOUR)
    for audience in ("clerk", "public"):  # neither is a way around the visit; a clerk needs none
        scene = replace(kind.scenes[0], audience=audience)
        assert "先登记检查任务" in closed_to(city.service.deps, kind, scene, None, "officer")
        assert closed_to(city.service.deps, kind, scene, None, "clerk") == ""
    with visiting(city, officer):
        assert city.scan(officer, shown["code"])["fields"], "the code was not used up"
        city.execute(f"UPDATE officers SET ended_on = '2026-01-01' WHERE badge = '{badge_of(city, officer)}'")
        assert scanned(city, officer, TOUR)["fields"] == [], "struck off the register, at once"


def test_where_officers_show_first_asking_by_a_code_and_bundles_take_a_visit_too(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    city = make_city(sqlite_url, officers_show_first=True)
    officer, holder = city.officer_of(FOOD), city.holder_of(FOOD)
    food, firm = city.one_of(FOOD), city.one_of("business_license")
    asking = {"purpose": "餐饮检查", "scene": SCENE[FOOD], "type": FOOD}
    assert "先登记检查任务" in problem(call(city, officer, "/v1/challenges", asking), 409)["detail"]
    with visiting(city, officer):
        made = city.answer(call(city, officer, "/v1/challenges", asking), 201)
    yes = {"code": made["code"], "confirm": True, "identifier": food["identifier"]}
    city.answer(call(city, holder, "/v1/challenges/answers", yes), 201)
    path, ticket = f"/v1/challenges/{made['challenge_id']}/result", {"ticket": made["ticket"]}
    problem(call(city, officer, path, ticket), 409)
    code = city.answer(call(city, holder, "/v1/shows/bundles", {"bundle": "restaurant", "reader": "officer"}), 201)[
        "code"
    ]
    before = city.scan(officer, code)["bundle"]["members"]
    assert {row["license"]["identifier"] for row in before} == {food["identifier"], firm["identifier"]}
    assert not any(row["fields"] or row["photo"] for row in before)
    assert all(any("先登记检查任务" in note for note in row["notes"]) for row in before)
    with visiting(city, officer) as visit:
        taken = city.answer(call(city, officer, path, ticket), 201)
        assert (taken["visit_id"], taken["light"]) == (visit["visit_id"], "green")
        assert taken["fields"], "neither the answer nor the code was used up"
        bundle = city.scan(officer, code)
        members = bundle["bundle"]["members"]
        assert all(row["fields"] for row in members)
        for row in members:
            assert city.answer(
                call(city, officer, f"/v1/scans/{row['scan_id']}/outcome", {"outcome": "qualified"}), 201
            )
    rows = read(city, holder, "/v1/uses")["uses"]
    given = [row for row in rows if row["kind"] == "scan" and row["fields"]]
    assert Counter(row["code_kind"] for row in given) == {"challenge": 1, "show": 2}
    for row in given:
        assert (row["visit_id"], row["badge"]) == (visit["visit_id"], badge_of(city, officer))
        assert row["task"].endswith(TASK)
        assert row["unit"]
        assert row["handled"] == ("合格" if row["code_kind"] == "show" else "")


def test_a_form_begins_with_what_the_register_and_the_catalog_say(shared_city: ServedCity) -> None:
    city = shared_city
    officer = officer_at(city, PROVINCE_MARKET)
    found = read(city, officer, "/v1/visits/preparation")
    assert (found["badge"], found["region"]) == (
        badge_of(city, officer),
        city.catalog.authority(PROVINCE_MARKET).region,
    )
    assert found["kinds"]
    assert found["unit"].endswith("执法支队")
    assert found["current"] is None
    with visiting(city, officer) as visit:
        now = read(city, officer, "/v1/visits/preparation")["current"]
        assert (now["visit_id"], now["proof_code"]) == (visit["visit_id"], visit["proof_code"])
    departments = {one["code"] for one in found["departments"]}
    assert CITY_MARKET in departments
    assert PROVINCE_MARKET not in departments
    below = [one["code"] for one in found["below"]]
    assert CITY_MARKET in below
    for code in below:
        read(city, officer, "/v1/inspections", authority=code)
    beside = min(departments - set(below))
    read(city, officer, "/v1/inspections", 404, authority=beside)
    problem(city.client.get("/v1/visits/preparation", headers=city.person(city.holder_of(FOOD))), 403)


BAD = [
    ("another's badge", {"badge": "9999000001"}, "/badge"),
    ("no badge", {"badge": "警01"}, "/badge"),
    ("nobody second", {"second_badge": "9900009999"}, "/second_badge"),
    ("self as second", {"second_badge": "own"}, "/second_badge"),
    ("another body's second", {"second_badge": "other"}, "/second_badge"),
    ("a trade of others", {"kinds": ["公安"]}, "/kinds"),
    ("another province", {"region": "110000"}, "/region"),
    ("no region", {"region": "990001"}, "/region"),
    ("no such body", {"departments": ["11990000MB9999999X"]}, "/departments/0"),
    ("the own body", {"departments": ["own"]}, "/departments/0"),
    ("no code", {"target": {"holder_code_type": "001", "holder_code": "123"}}, "/target/holder_code"),
    ("no task number", {"task_no": ""}, "/task_no"),
    ("too long", {"hours": 13}, "/hours"),
]


@pytest.mark.parametrize(("name", "changes", "pointer"), BAD, ids=[name for name, _, _ in BAD])
def test_a_visit_that_the_register_does_not_bear_out_is_refused(
    shared_city: ServedCity, name: str, changes: dict[str, Any], pointer: str
) -> None:
    city = shared_city
    officer = city.officer_of(TOUR)
    own = {"/second_badge": badge_of(city, officer), "/departments/0": [city.catalog.sample(TOUR)["issuer_code"]]}
    if "own" in str(changes):
        changes = {next(iter(changes)): own[pointer]}
    if "other" in changes.values():
        changes = {"second_badge": colleague_of(city, city.officer_of(FOOD))}
    found = problem(call(city, officer, "/v1/visits", asked(city, officer, **changes)), 422)
    assert [one["pointer"] for one in found["errors"]] == [pointer], name
    problem(city.client.get("/v1/visits/current", headers=city.person(officer)), 404)


def test_of_many_visits_opened_at_once_an_officer_is_in_one(city: ServedCity) -> None:
    officer = city.officer_of(TOUR)
    city.person(officer)

    def attempt(n: int) -> int:
        return int(call(city, officer, "/v1/visits", asked(city, officer, task_no=f"第{n}号")).status_code)

    with ThreadPoolExecutor(12) as pool:
        assert Counter(pool.map(attempt, range(12))) == {201: 1, 409: 11}
    assert city.rows("SELECT count(*) FROM visits") == [(1,)]
    assert city.rows("SELECT count(*) FROM visit_officers") == [(1,)]


def test_a_visit_lapses_by_itself_and_lets_its_officers_go(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    officer = city.officer_of(TOUR)
    first = city.answer(call(city, officer, "/v1/visits", asked(city, officer, hours=1)), 201)
    problem(call(city, officer, "/v1/visits", asked(city, officer, task_no="另一件")), 409)
    clock.advance(timedelta(hours=1))
    city.tokens.clear()
    assert scanned(city, officer, TOUR)["visit_id"] == ""
    team = {"badge": badge_of(city, officer)}
    problem(call(city, officer, f"/v1/visits/{first['visit_id']}/officers", team), 409)
    assert city.answer(call(city, officer, f"/v1/visits/{first['visit_id']}/close"), 201)["state"] == "lapsed"
    second = city.answer(call(city, officer, "/v1/visits", asked(city, officer, task_no="另一件")), 201)
    assert second["visit_id"] != first["visit_id"]


def test_who_was_visited_shortly_before_is_not_visited_again_without_a_reason(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    market, chemist = city.officer_of(FOOD), city.officer_of(CHEMICAL)
    code = city.catalog.sample(FOOD)["holder_code"]
    target = {"holder_code_type": "001", "holder_code": code, "name": "示例餐饮店"}
    own = "/v1/wallet/visits"
    with visiting(city, market, target=target) as first:
        assert read(city, city.holder_of(FOOD), own) == [], "officers on their way are not announced"
    assert [one["visit_id"] for one in read(city, city.holder_of(FOOD), own)] == [first["visit_id"]]
    clock.advance(timedelta(days=29))
    city.tokens.clear()
    found = problem(call(city, chemist, "/v1/visits", asked(city, chemist, target=target)), 409)
    assert (found["code"], "示例省市场监督管理局" in found["detail"]) == ("repeat_visit", True)
    planned = city.answer(
        call(city, chemist, "/v1/visits/repeats", {"holder_code_type": "001", "holder_code": code}), 200
    )
    assert [one["authority_name"] for one in planned] == ["示例省市场监督管理局"]
    read_of = "SELECT count(*) FROM evidence WHERE kind = 'visit.repeats_read'"
    assert city.rows(read_of) == [(0,)], "of a business"
    guide = {"holder_code_type": "111", "holder_code": city.catalog.sample(TOUR)["holder_code"]}
    city.answer(call(city, chemist, "/v1/visits/repeats", guide), 200)
    assert city.rows(read_of) == [(1,)], "who looks up a person leaves a trace"
    with visiting(city, chemist, target=target, repeat_reason="投诉举报核查") as second:
        assert second["repeat_reason"] == "投诉举报核查"
    with visiting(city, market):
        scan = scanned(city, market, FOOD)
        assert any("已被检查" in note for note in scan["notes"]), "nobody was named: the first license shown tells"
        assert not any("已被检查" in note for note in scanned(city, market, FOOD)["notes"]), "said once"
    clock.advance(timedelta(days=31))
    city.tokens.clear()
    with visiting(city, chemist, target=target) as last:
        assert last["repeat_reason"] == ""
    clock.advance(timedelta(days=31))
    city.tokens.clear()
    with visiting(city, market, target=target, task_kind="case"):
        pass
    with visiting(city, chemist, target=target) as later:
        assert later["repeat_reason"] == "", "another body's case is not told"


def test_in_a_joint_visit_each_body_reads_its_own_records_and_those_above_read_theirs(shared_city: ServedCity) -> None:
    city = shared_city
    market, guide = officer_at(city, CITY_MARKET), city.officer_of(TOUR)
    stranger, above = city.officer_of(CHEMICAL), officer_at(city, PROVINCE_MARKET)
    theirs = city.catalog.sample(TOUR)["issuer_code"]
    with visiting(city, market, departments=[theirs]) as visit:
        path = f"/v1/visits/{visit['visit_id']}"
        problem(call(city, stranger, f"{path}/officers", {"badge": badge_of(city, stranger)}), 404)
        city.answer(call(city, guide, f"{path}/officers", {"badge": badge_of(city, guide)}), 201)
        food, tour = scanned(city, market, FOOD), scanned(city, guide, TOUR)
        assert food["fields"]
        assert tour["fields"]
        assert scanned(city, guide, FOOD)["fields"] == []
        problem(call(city, guide, f"/v1/scans/{food['scan_id']}/outcome", {"outcome": "qualified"}), 404)
        picture = city.answer(send_picture(city, market, food["scan_id"], png("blue")), 201)
        problem(call(city, guide, f"{path}/close"), 404)
        problem(call(city, stranger, f"{path}/leave"), 404)
        assert "结束检查" in problem(call(city, market, f"{path}/leave"), 409)["detail"], "the leading body ends it"
        for _ in range(2):
            assert city.answer(call(city, guide, f"{path}/leave"), 201)["state"] == "open"
        problem(call(city, guide, f"{path}/officers", {"badge": badge_of(city, guide)}), 409)
        with visiting(city, guide, task_no="示例检〔2026〕2号") as other:
            assert other["visit_id"] != visit["visit_id"], "they are free for the next one"

    def ids(subject: str, **params: Any) -> set[str]:
        page = read(city, subject, "/v1/inspections", visit=visit["visit_id"], **params)
        return {row["scan_id"] for row in page["records"]}

    assert ids(market) == {food["scan_id"]}
    assert tour["scan_id"] in ids(guide)
    assert food["scan_id"] not in ids(guide)
    assert ids(above) == set()
    assert ids(above, authority=CITY_MARKET) == {food["scan_id"]}
    for subject, authority in ((guide, CITY_MARKET), (market, PROVINCE_MARKET), (stranger, CITY_MARKET)):
        read(city, subject, "/v1/inspections", 404, authority=authority)
    assert len(read(city, above, path)["officers"]) == 2
    read(city, stranger, path, 404)
    file = f"/v1/scans/{food['scan_id']}/pictures/{picture['picture_id']}"
    for subject, status in ((market, 200), (above, 200), (guide, 404), (stranger, 404)):
        assert city.client.get(file, headers=city.person(subject)).status_code == status


def test_history_is_read_page_by_page_and_by_day_officer_license_and_outcome(shared_city: ServedCity) -> None:
    city = shared_city
    officer = city.officer_of("driving_license")
    SCENE["driving_license"] = "road_check"
    scans = [scanned(city, officer, "driving_license")["scan_id"] for _ in range(5)]
    city.answer(call(city, officer, f"/v1/scans/{scans[1]}/outcome", {"outcome": "filed", "note": "=1+1"}), 201)
    for outcome in ("filed", "qualified"):
        body = {"outcome": outcome, **({"seq": 1, "reason": "复核后更正"} if outcome == "qualified" else {})}
        path = "corrections" if outcome == "qualified" else "outcome"
        city.answer(call(city, officer, f"/v1/scans/{scans[2]}/{path}", body), 201)
    found: list[str] = []
    before = ""
    while True:
        page = read(city, officer, "/v1/inspections", limit=2, before=before)
        found += [row["scan_id"] for row in page["records"]]
        before = page["next"]
        if not before:
            break
    assert found[: len(scans)] == list(reversed(scans))
    assert len(found) == len(set(found)), "no record is on two pages"
    today = local_day(SystemClock().now())
    day: dict[str, Any] = {"since": str(today), "until": str(today)}

    def ids(**params: Any) -> list[str]:
        records = read(city, officer, "/v1/inspections", **params)["records"]
        return [row["scan_id"] for row in records if row["scan_id"] in scans]  # others scan in this city too

    assert len(ids(**day)) == 5
    assert ids(since=str(today + timedelta(days=1))) == []
    assert ids(outcome="filed", **day) == [scans[1]], "what was corrected is what it was corrected to"
    assert ids(outcome="qualified", **day) == [scans[2]]
    assert len(ids(badge=badge_of(city, officer))) == 5
    assert ids(badge="9900000000") == []
    assert len(ids(identifier=city.one_of("driving_license")["identifier"])) == 5
    assert ids(identifier="1.2.156.3005.2.nobody") == []
    read(city, officer, "/v1/inspections", 422, outcome="filed")
    holder = city.holder_of("driving_license")
    handled = [use["handled"] for use in read(city, holder, "/v1/wallet/uses") if use["kind"] == "scan"]
    assert sorted(handled)[-2:] == sorted(["合格", "以执法机关送达的文书为准"])
    exported(city, officer, day, least=len(scans))


def exported(city: ServedCity, officer: str, day: dict[str, Any], *, least: int) -> None:
    """The spreadsheet of the day says what was done and not who in full, and no cell of it is a formula."""
    answer = city.client.get("/v1/inspections/export", headers=city.person(officer), params=day)
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert "立案" in str(cells)
    number = city.one_of("driving_license")["number"]
    assert number not in str(cells), "a number that is an ID number stays out"
    [column] = [index for index, name in enumerate(cells[0]) if name == "持证主体"] or [-1]
    name = city.body("driving_license", "NAME")["holder"]["name"]
    assert name not in str(cells)
    mine = [row[column] for row in cells[1:] if "机动车驾驶证" in row]  # others scan what firms hold in this city too
    assert len(mine) >= least
    assert all("*" in shown for shown in mine)
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"], "no cell is a formula"
    assert "处理结果" in str(cells)


def test_pictures_are_counted_encrypted_swept_and_forgotten(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock, inspection_picture_days=10)
    officer, deps = city.officer_of(TOUR), city.service.deps
    scan_id = scanned(city, officer, TOUR)["scan_id"]
    problem(send_picture(city, officer, scan_id, b"GIF89a no picture"), 422)
    problem(send_picture(city, "officer-1", scan_id, png()), 404)
    colours = ("red", "green", "blue", "white", "black", "yellow", "gray", "brown", "orange", "pink")
    statuses = [send_picture(city, officer, scan_id, png(colour)).status_code for colour in colours]
    assert statuses == [201] * 9 + [409]
    names = deps.objects.names(PICTURES)
    assert len(names) == 9, "the tenth left nothing behind"
    assert not [name for name in names if b"\xff\xd8\xff" in deps.objects.get(name)], "no picture lies open"
    assert orphans(deps, settle_s=-60) == [], "registered ones are no orphans"
    deps.objects.put(f"{PICTURES}pic_LOST.bin", b"x", content_type="application/octet-stream")
    assert orphans(deps, settle_s=-60) == [f"{PICTURES}pic_LOST.bin"]
    deps.objects.delete(f"{PICTURES}pic_LOST.bin")
    cut_off_while_a_picture_is_kept(city, officer)
    assert forget_pictures(deps) == 0
    clock.advance(timedelta(days=10))
    assert forget_pictures(deps) == 10
    assert deps.objects.names(PICTURES) == ()
    assert city.rows("SELECT count(*) FROM inspection_pictures") == [(0,)]


class Cut(Exception):
    """The process ends here."""


class CutAt:
    """Ends at a named step, in place of a kill."""

    def reach(self, name: str) -> None:
        """Raise there."""
        if name == "picture.stored":
            raise Cut


def cut_off_while_a_picture_is_kept(city: ServedCity, officer: str) -> None:
    """The file is there and the row is not: nobody can read it, it is swept, and the same picture may be sent again."""
    deps, scan_id = city.service.deps, scanned(city, officer, TOUR)["scan_id"]
    caller = of_person(next(one for one in city.people if one.subject == officer))
    with pytest.raises(Cut):
        add_picture(replace(deps, faults=CutAt()), caller, scan_id, png())
    [left] = orphans(deps, settle_s=-60)
    assert remove_orphans(deps, settle_s=-60) == [left]
    first = add_picture(deps, caller, scan_id, png())
    assert add_picture(deps, caller, scan_id, png()) == first
    assert orphans(deps, settle_s=-60) == []


def test_groups_that_scan_the_same_codes_in_any_order_give_each_once(city: ServedCity) -> None:
    """As two serving processes do: each code gives its data to one, and nobody waits in a circle."""
    deps, officer = city.service.deps, city.officer_of(TOUR)
    caller = of_person(next(one for one in city.people if one.subject == officer))
    identifier = city.one_of(TOUR)["identifier"]
    codes = [city.show(TOUR, identifier, SCENE[TOUR])["code"] for _ in range(8)]

    def group(n: int) -> list[tuple[str, bool]]:
        order = codes[n:] + codes[:n] + [codes[n]]
        order = order if n % 2 else order[::-1]
        answers = scan_codes(deps, [(caller, code) for code in order])
        return [(code, bool(answer.fields)) for code, answer in zip(order, answers, strict=True)]

    with ThreadPoolExecutor(8) as pool:
        seen = [one for several in pool.map(group, range(8)) for one in several]
    assert Counter(code for code, given in seen if given) == dict.fromkeys(codes, 1)
    assert len(seen) == 8 * 9


def test_the_register_is_the_registrars_and_a_badge_stays_with_its_person(shared_city: ServedCity) -> None:
    city = shared_city
    entry = {
        "badge": "9912345678",
        "name": "周示例",
        "unit": "执法二支队",
        "kinds": ["市场监管"],
        "region": "990100",
        "valid_until": str(local_day(SystemClock().now()) + timedelta(days=300)),
    }

    def enter(*entries: dict[str, Any]) -> Any:
        return call(city, "registrar-1", "/v1/officers", {"officers": list(entries)})

    assert city.answer(enter(entry), 201) == city.answer(enter(entry), 201)
    wrong: dict[str, dict[str, Any]] = {
        "badge": {"badge": "99"},
        "kinds": {"kinds": ["星际航行"]},
        "region": {"region": "110000"},
        "valid_until": {"valid_until": "2020-01-01"},
    }
    for name, changes in wrong.items():
        found = problem(enter(entry, {**entry, "badge": "9912345679", **changes}), 422)
        assert [one["pointer"] for one in found["errors"]] == [f"/officers/1/{name}"]
    problem(enter(entry, entry), 422)
    problem(enter({**entry, "badge": badge_of(city, city.officer_of(CHEMICAL))}), 409)
    problem(enter({**entry, "subject": city.officer_of(CHEMICAL)}), 403)
    problem(enter({**entry, "subject": officer_at(city, PROVINCE_MARKET)}), 409)
    for _ in range(2):
        ended = city.answer(call(city, "registrar-1", "/v1/officers/9912345678/end"), 201)
        assert ended["ended_on"] == str(local_day(SystemClock().now()))
    problem(enter({**entry, "name": "吴示例"}), 409)
    other = badge_of(city, city.officer_of(CHEMICAL))
    problem(call(city, "registrar-1", f"/v1/officers/{other}/end"), 404)
    listed = read(city, "registrar-1", "/v1/officers")
    assert {one["authority_code"] for one in listed} == {PROVINCE_MARKET}
    for subject in (city.officer_of(FOOD), "security-1", "clerk-1"):
        problem(call(city, subject, "/v1/officers", {"officers": [entry]}), 403)
    assert "周示例" not in str(city.rows("SELECT * FROM officers"))
    for token in ("AAAAAAAAAAAAAAAAAAAAAA", "9912345678", "x", "..%2f"):
        assert city.client.get(f"/v1/officers/{token}").status_code == 404
