"""用证部门: its people see what their own body asked, nothing that was not told to it, and nothing of another."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from consent_city import bind
from fixtures_city import ServedCity
from matter_city import BARE, CLIENT, GUIDE, MATTER, OTHER, SLUG, USER, fetched, opened
from test_bad_input import problem

from certsvc.clock import FixedClock, end_of_day, local_day
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import REGULATOR
from certsvc.commands.department.keep_days import keep_days
from certsvc.commands.department.overview import overview
from certsvc.commands.ports import Principal

READERS = ("policy-clerk-1", "use-clerk-1", "use-checker-1")


def get(city: ServedCity, path: str, subject: str = "policy-clerk-1", status: int = 200, **params: Any) -> Any:
    answer = city.client.get(f"/v1/departments/{path}", headers=city.person(subject), params=params)
    return city.answer(answer, status)


def stranger(city: ServedCity) -> str:
    """The 用证管理员 of another body, with a system of its own."""
    body = "11990000MB00000355"
    bind(city, "asker-else", "示例他处", roles=frozenset({roles.POLICY_REQUESTER}), authority_code=body)
    return "asker-else"


def answered(city: ServedCity, **changes: Any) -> Any:
    sample = city.catalog.sample(SLUG)
    body = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-2",
        "purpose": "核对",
        "operator": "jingban01",
        "basis": "duty",
        "type": SLUG,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        "ask": "valid",
        **changes,
    }
    return city.client.post("/v1/answers", headers=city.system(CLIENT), json=body)


def test_each_reader_sees_the_uses_of_the_own_body_filtered_and_page_by_page(city: ServedCity) -> None:
    city.issue(SLUG, "D-1")
    number = city.answer(fetched(city, SLUG, fields=["number"]), 201)["fields"][0]["value"]
    city.answer(fetched(city, SLUG, fields=["holder_name"], case_no="BJ-2026-9"), 201)
    city.answer(fetched(city, SLUG, fields=["*copy"]), 201)
    city.answer(answered(city), 201)
    problem(fetched(city, GUIDE), 403)
    problem(fetched(city, SLUG, OTHER), 403)
    all_of = get(city, "uses")["uses"]
    assert all_of[1]["fields"] == [{"key": "?valid", "name": "是否有效"}]
    assert [(row["kind"], row["given"], row["type"]) for row in all_of] == [
        ("fetch", False, GUIDE),
        ("answer", True, SLUG),
        ("copy", True, SLUG),
        ("fetch", True, SLUG),
        ("fetch", True, SLUG),
    ]
    name = city.catalog.sample(SLUG)["holder_name"]
    assert [bool(row["holder"]) for row in all_of] == [False, False, True, True, False]
    refused = all_of[0]
    assert refused["refusal"]["code"] == "no_policy"
    assert refused["refusal"]["next"]
    assert (refused["matter_code"], refused["client_id"]) == (MATTER, CLIENT)
    for subject in READERS:
        assert get(city, "uses", subject)["uses"] == all_of
    today = local_day(city.service.deps.clock.now())
    cases: tuple[tuple[dict[str, Any], int], ...] = (
        ({"kind": "copy"}, 1),
        ({"outcome": "refused"}, 1),
        ({"outcome": "given"}, 4),
        ({"outcome": "no_policy"}, 1),
        ({"outcome": "no_lawful_basis"}, 0),
        ({"from": "0001-01-01"}, 5),
        ({"to": "9999-12-31"}, 5),
        ({"from": "0001-01-01", "to": "9999-12-31"}, 5),
        ({"to": "0001-01-01"}, 0),
        ({"from": "9999-12-31"}, 0),
        ({"matter": MATTER, "client": CLIENT}, 5),
        ({"matter": BARE}, 0),
        ({"client": OTHER}, 0),
        ({"from": str(today), "to": str(today)}, 5),
        ({"to": str(today - timedelta(days=1))}, 0),
        ({"from": str(today + timedelta(days=1))}, 0),
    )
    for params, count in cases:
        assert len(get(city, "uses", **params)["uses"]) == count, params
    pages, cursor = [], ""
    while True:
        page = get(city, "uses", limit=2, cursor=cursor)
        pages += page["uses"]
        cursor = page["next"]
        if not cursor:
            break
    assert pages == all_of
    wrong = get(city, "uses", status=422, **{"from": "2026-01-02", "to": "2026-01-01"})
    assert wrong["code"] == "invalid_input"
    # Nothing of a person, and no value of a license.
    text = json.dumps(all_of, ensure_ascii=False)
    assert name in text, "an organisation's name is public"
    for secret in (number, city.catalog.sample(SLUG)["holder_code"], "jingban01", "办理食品经营许可"):
        assert secret not in text


def test_a_person_is_masked_and_a_refusal_does_not_say_that_there_is_a_license(small_city: ServedCity) -> None:
    city = small_city
    opened(city, GUIDE, keys=["holder_name", "number"], quota=3)
    problem(fetched(city, GUIDE, matter_code=BARE), 403)
    [before] = get(city, "uses")["uses"]
    city.issue(GUIDE, "D-2")
    problem(fetched(city, GUIDE, matter_code=BARE), 403)
    after = get(city, "uses")["uses"][0]
    apart = {"use_id", "at"}
    assert {k: v for k, v in before.items() if k not in apart} == {k: v for k, v in after.items() if k not in apart}
    city.answer(fetched(city, GUIDE), 201)
    name = city.catalog.sample(GUIDE)["holder_name"]
    holder = get(city, "uses")["uses"][0]["holder"]
    assert holder.startswith(name[0])
    assert "*" in holder
    assert holder != name


def test_nobody_sees_what_another_body_asked(small_city: ServedCity) -> None:
    city = small_city
    city.issue(SLUG, "D-3")
    city.answer(fetched(city, SLUG, fields=["number"]), 201)
    other = stranger(city)
    auditor = get(city, "overview", "auditor-1")
    assert auditor["authority_code"] != USER
    for subject in (other, "auditor-1"):
        assert get(city, "uses", subject)["uses"] == []
        assert get(city, "policies", subject)["policies"] == []
        assert USER.lower() not in json.dumps(get(city, "systems", subject)).lower()
        assert get(city, "overview", subject)["total"]["fetches"] == 0
    homeless = bind(city, "homeless", "示例无所属", roles=frozenset({roles.AUDITOR}), authority_code="")
    problem(city.client.get("/v1/departments/uses", headers=homeless), 403)


def test_the_numbers_are_those_of_the_uses_and_of_the_quota(city: ServedCity) -> None:
    city.issue(GUIDE, "D-4")
    made = opened(city, GUIDE, quota=2)
    for _ in range(2):
        city.answer(fetched(city, GUIDE), 201)
    problem(fetched(city, GUIDE), 403)
    problem(fetched(city, GUIDE, matter_code=BARE), 403)
    found = get(city, "overview")
    assert found["total"] == {"fetches": 2, "copies": 0, "answers": 0, "refused": 2}
    assert {one["code"]: one["uses"]["refused"] for one in found["matters"]} == {MATTER: 1, BARE: 1}
    assert [(one["code"], one["uses"]["fetches"]) for one in found["types"]] == [(GUIDE, 2)]
    assert [(one["refusal"]["code"], one["uses"]) for one in found["refusals"]] == [
        ("no_policy", 1),
        ("quota_used_up", 1),
    ]
    assert (found["whole"], found["counted_from"]) == (True, None)
    caller = Principal(subject="x", kind="person", roles=frozenset({roles.AUDITOR}), authority_code=USER)
    few = overview(city.service.deps, caller, days=30, most=3)
    newest = get(city, "uses")["uses"][:3]
    assert (few.whole, few.total.all) == (False, 3)
    assert few.counted_from == datetime.fromisoformat(newest[-1]["at"]), "the numbers are those since then"
    quotas = {one["policy_id"]: (one["quota"], one["used_today"]) for one in found["policies"]}
    assert quotas.pop(made["policy_id"]) == (2, 2)
    assert quotas[f"seed:{MATTER}:{SLUG}"] == (None, None)
    [asked] = get(city, "policies")["policies"]
    assert (asked["policy_id"], asked["state"]) == (made["policy_id"], "open")


def test_an_alert_to_a_system_is_answered_by_the_keeper_of_its_body_and_nobody_else(city: ServedCity) -> None:
    done = city.issue(SLUG, "D-5")
    for case_no in ("BJ-2026-1", "BJ-2026-9", "BJ-2026-9"):
        city.answer(fetched(city, SLUG, fields=["number"], case_no=case_no), 201)
    city.drain()
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    revoke = json.loads(readme.split("$IDENTIFIER/moves")[1].split("'")[3])
    path = f"/v1/licenses/{done['identifier']}/moves"
    city.answer(city.client.post(path, headers=city.system(), json=revoke), 201)
    city.drain()
    [alert] = get(city, "alerts")["alerts"]
    assert (alert["client_id"], alert["change"], alert["state"]) == (CLIENT, "revoked", "open")
    assert (alert["cases"], alert["more_cases"]) == (["BJ-2026-9", "BJ-2026-1"], False), "once each, the newest first"
    one = f"/v1/alerts/{alert['alert_id']}"
    assert city.answer(city.client.get(one, headers=city.system(CLIENT)), 200)["cases"] == alert["cases"]
    for who in (city.person("operator-1"), city.person("auditor-1")):
        assert city.answer(city.client.get(one, headers=who), 200)["cases"] == [], "whose cases they are not"
    assert get(city, "alerts", "use-checker-1")["alerts"] == [alert]
    assert city.answer(city.client.get("/v1/alerts", headers=city.person("policy-clerk-1")), 200)["alerts"] == [alert]
    path, answer = f"/v1/alerts/{alert['alert_id']}/acknowledgement", {"done": "reviewed"}
    problem(city.client.post(path, headers=city.person(stranger(city)), json=answer), 404)
    assert get(city, "alerts", "asker-else")["alerts"] == []
    problem(city.client.post(path, headers=city.person("use-checker-1"), json=answer), 403)
    kept = city.answer(city.client.post(path, headers=city.person("policy-clerk-1"), json=answer), 201)
    assert (kept["state"], kept["cases"]) == ("acknowledged", alert["cases"])
    assert get(city, "alerts")["alerts"] == []
    assert [one["alert_id"] for one in get(city, "alerts", state="acknowledged")["alerts"]] == [alert["alert_id"]]


@pytest.fixture
def asking(small_city: ServedCity) -> ServedCity:
    """A city in which a system has asked a person."""
    sample = small_city.catalog.sample(SLUG)
    body = {
        "holder": {
            "name": sample["holder_name"],
            "code": sample["holder_code"],
            "code_type": sample["holder_code_type"],
        },
        "matter_code": MATTER,
        "case_no": "YX-2026-1",
        "operator": "jingban01",
        "purpose": "办理食品经营许可",
        "items": [{"type": SLUG, "fields": ["number"]}],
    }
    small_city.answer(small_city.client.post("/v1/use-requests", headers=small_city.system(CLIENT), json=body), 201)
    return small_city


def test_systems_open_requests_and_withheld_uses_of_the_own_body(asking: ServedCity) -> None:
    city = asking
    people = {"staff": [{"account": "jingban01", "name": "示例甲"}]}
    keeper = city.person("policy-clerk-1")
    city.answer(city.client.post(f"/v1/clients/{CLIENT}/staff", headers=keeper, json=people), 201)
    systems = {one["client_id"]: one for one in get(city, "systems")}
    assert systems[CLIENT]["staff"] == 1
    assert all(one["authority_code"] == USER for one in systems.values())
    assert "示例甲" not in json.dumps(list(systems.values()), ensure_ascii=False)
    problem(city.client.get(f"/v1/clients/{CLIENT}/staff", headers=city.person("use-checker-1")), 403)
    [waiting] = get(city, "use-requests", "use-checker-1")
    assert (waiting["matter_code"], waiting["case_no"]) == (MATTER, "YX-2026-1")
    assert city.catalog.sample(SLUG)["holder_code"] not in json.dumps(waiting)
    assert get(city, "use-requests", stranger(city)) == []
    until = city.service.deps.clock.now() + timedelta(days=5)
    wish = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "until": until.isoformat(),
        "legal_basis": "《示例办法》第十条第二款：告知将妨碍调查",
    }
    made = city.answer(city.client.post("/v1/withholdings", headers=city.person("use-clerk-1"), json=wish), 201)
    path = f"/v1/withholdings/{made['withholding_id']}/decisions"
    city.answer(city.client.post(path, headers=city.person("use-checker-1"), json={"agrees": True}), 201)
    city.issue(SLUG, "D-6")
    city.answer(fetched(city, SLUG, fields=["number"], withholding_id=made["withholding_id"]), 201)
    assert get(city, "uses")["uses"][0]["withheld_until"]
    listed = city.answer(city.client.get("/v1/withholdings", headers=keeper), 200)
    assert [one["withholding_id"] for one in listed] == [made["withholding_id"]]
    problem(city.client.post(path, headers=keeper, json={"agrees": True}), 403)
    other = city.person("asker-else")
    assert city.answer(city.client.get("/v1/withholdings", headers=other), 200) == []


def test_a_regulator_has_no_way_to_what_a_department_asked(small_city: ServedCity) -> None:
    headers = small_city.system(REGULATOR)
    for path in ("overview", "uses", "policies", "systems", "alerts", "use-requests"):
        problem(small_city.client.get(f"/v1/departments/{path}", headers=headers), 403)
    problem(small_city.client.get("/v1/withholdings", headers=headers), 403)
    wish = {"matter_code": MATTER, "type": SLUG, "keys": ["number"], "bases": ["duty"], "purpose": "日常检查"}
    problem(small_city.client.post("/v1/policies", headers=headers, json=wish), 403)


def test_a_policy_for_an_answer_alone_says_what_may_be_asked(small_city: ServedCity) -> None:
    made = opened(small_city, GUIDE, keys=["?valid"])
    [found] = [one for one in get(small_city, "overview")["policies"] if one["policy_id"] == made["policy_id"]]
    assert found["keys"] == [{"key": "?valid", "name": "是否有效"}]


def test_days_that_are_over_are_counted_once_and_all_of_them(city: ServedCity) -> None:
    """Two days of uses, looked at from a third, with room for less than a day's: the numbers are those of all."""
    deps = city.service.deps
    caller = Principal(subject="x", kind="person", roles=frozenset({roles.AUDITOR}), authority_code=USER)
    city.issue(SLUG, "D-8")
    for n in range(4):
        city.answer(fetched(city, SLUG, fields=["number"], case_no=f"BJ-{n}"), 201)
    problem(fetched(city, SLUG, matter_code=BARE), 403)
    earlier = deps.clock.now() - timedelta(days=1)
    ids = [row for (row,) in city.rows("SELECT fetch_id FROM fetches ORDER BY fetch_id LIMIT 2")]
    for fetch_id in ids:
        city.execute(f"UPDATE fetches SET at = '{stored(earlier)}' WHERE fetch_id = '{fetch_id}'")

    def look(day: int, most: int, days: int = 30) -> Any:
        then = replace(deps, clock=FixedClock(deps.clock.now() + timedelta(days=day)))
        return overview(then, caller, days=days, most=most)

    before = look(0, 100)
    assert (before.whole, before.total.all, before.total.refused) == (True, 5, 1)
    assert not look(0, 5).whole, "nothing is kept yet"
    tomorrow = replace(deps, clock=FixedClock(end_of_day(local_day(deps.clock.now())) + timedelta(minutes=59)))
    assert keep_days(tomorrow) == 1, "the newer day is not settled"
    assert (look(0, 4).whole, look(0, 4).total) == (True, before.total), "of the days that are not kept three are left"
    assert keep_days(replace(deps, clock=FixedClock(deps.clock.now() + timedelta(days=2)))) == 1
    assert keep_days(replace(deps, clock=FixedClock(deps.clock.now() + timedelta(days=2)))) == 0
    after = look(2, 1)
    assert (after.whole, after.total, after.by_matter) == (True, before.total, before.by_matter)
    assert (after.by_type, after.refusals) == (before.by_type, before.refusals)
    assert look(2, 1, days=3).total.all == 3, "the first of the two days is outside"
    assert look(2, 1, days=1).total.all == 0
    assert city.rows("SELECT sum(uses) FROM use_days") == [(5,)]


def stored(at: datetime) -> str:
    """A moment as SQLite keeps it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
