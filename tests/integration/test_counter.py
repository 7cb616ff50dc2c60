"""综合窗口 over HTTP: lists that are answered, what is taken, outages, and nothing that leaks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity

from certsvc.clock import local_day
from certsvc.commands.access.seed_sandbox import SERVICE_BUREAU, using_client_id
from certsvc.commands.counter.warn import warn_counters
from certsvc.errors import Unavailable
from certsvc.ids import SystemIds

CLERK = "clerk-1"
FOOD_RENEWAL = "11990000MB0000019F2990131002003"
FOOD_NEW = "11990000MB0000019F2990131002001"
MARKET = "11990000MB0000019F"
COMPANY = ("001", "91990000MA0000015Q")
STRANGER = ("001", "91990000MA00001037")
_numbers = itertools.count(1001)  # the guide has KB-000001


@pytest.fixture
def desk(shared_city: ServedCity) -> ServedCity:
    """The shared city, where the sample company has a 营业执照 and a 食品经营许可证."""
    shared_city.one_of("business_license")
    shared_city.one_of("food_operation")
    return shared_city


def number() -> str:
    return f"KB-{next(_numbers):06d}"


def ask(city: ServedCity, matter: str = FOOD_RENEWAL, *, who: str = CLERK, **changes: Any) -> Any:
    body = {
        "matter_code": matter,
        "case_no": number(),
        "holder_code_type": COMPANY[0],
        "holder_code": COMPANY[1],
        **changes,
    }
    return city.client.post("/v1/counter/checks", headers=city.person(who), json=body)


def answers(check: dict[str, Any]) -> dict[str, str]:
    return {row["material"]: row["answer"] for row in check["sheet"]["rows"]}


def take(city: ServedCity, case_no: str, row: int, **body: Any) -> Any:
    path = f"/v1/counter/cases/{case_no}/rows/{row}/taken"
    return city.client.post(path, headers=city.person(CLERK), json=body)


def test_every_row_has_one_answer_with_why_and_next_step(desk: ServedCity) -> None:
    check = desk.answer(ask(desk), 201)
    assert answers(check) == {
        "application": "bring",
        "business_license": "exempt_license",
        "food_operation": "exempt_license",
        "unchanged": "promise",
    }
    assert all(row["why"] and row["next_step"] and row["answer_zh"] for row in check["sheet"]["rows"])
    new = desk.answer(ask(desk, FOOD_NEW), 201)
    assert answers(new) == {
        "application": "bring",
        "business_license": "exempt_license",
        "premises": "exempt_data",
        "layout": "later",
        "articles": "later",
    }
    person = desk.answer(ask(desk, FOOD_NEW, holder_code_type="111", holder_code="990101199001010019"), 201)
    assert answers(person)["articles"] == "not_applicable"


def test_the_answer_is_the_same_for_whoever_has_nothing_to_use(desk: ServedCity) -> None:
    """A holder nobody knows and one who has other licenses; the one who has them shows that the test can tell."""

    def told(**holder: str) -> list[tuple[str, ...]]:
        check = desk.answer(ask(desk, **holder), 201)
        return [(row["answer"], row["why"], row["next_step"]) for row in check["sheet"]["rows"]]

    desk.one_of("travel_agency")
    other, unknown = told(holder_code=STRANGER[1]), told(holder_code_type="099", holder_code="无此单位")
    assert other == unknown
    assert told() != unknown


def test_a_license_that_ended_is_answered_as_one_that_never_was(small_city: ServedCity) -> None:
    none = small_city.answer(ask(small_city), 201)
    done = small_city.issue("food_operation", "END-1")
    assert answers(small_city.answer(ask(small_city), 201))["food_operation"] == "exempt_license"
    small_city.answer(small_city.move(done["identifier"], "revoke", slug="food_operation"), 201)
    ended = small_city.answer(ask(small_city), 201)
    assert [{**row} for row in ended["sheet"]["rows"]] == [{**row} for row in none["sheet"]["rows"]]


def test_nothing_of_a_license_leaves_without_the_holders_code(desk: ServedCity) -> None:
    check = ask(desk)
    sample = desk.catalog.sample("food_operation")
    license_ = desk.one_of("food_operation")
    secrets = [license_["identifier"], COMPANY[1], sample["holder_name"], *sample["data"].values()]
    shown = desk.client.get(f"/v1/counter/cases/{check.json()['case']['case_no']}", headers=desk.person(CLERK))
    for answer in (check, shown):
        assert not [secret for secret in secrets if secret and len(secret) > 4 and secret in answer.text]
    events = json.dumps(desk.events(), ensure_ascii=False)
    assert COMPANY[1] not in events


def test_the_holder_reads_that_a_counter_relied_on_the_license(small_city: ServedCity) -> None:
    small_city.issue("food_operation", "LEDGER-1")
    case_no = number()
    small_city.answer(ask(small_city, case_no=case_no), 201)
    headers = small_city.person(small_city.holder_of("food_operation"))
    uses = small_city.answer(small_city.client.get("/v1/uses", headers=headers), 200)["uses"]
    [use] = [one for one in uses if case_no in one["why"]]
    assert use["kind"] == "fetch"
    assert use["fields"] == []


def test_a_counter_takes_its_own_matters_and_a_case_number_is_one_case(desk: ServedCity) -> None:
    assert ask(desk, "11990000MB0000019F2990131009009").status_code == 403
    assert ask(desk, "11990000MB0000019F2990631001001").json() == {
        **ask(desk, "11990000MB0000019F2990131009009").json(),
    }
    case_no = number()
    first = desk.answer(ask(desk, case_no=case_no), 201)
    again = desk.answer(ask(desk, case_no=case_no), 201)
    assert (first["sheet"]["version"], again["sheet"]["version"], again["differences"]) == (1, 2, [])
    assert ask(desk, FOOD_NEW, case_no=case_no).status_code == 409
    assert ask(desk, case_no=case_no, holder_code=STRANGER[1]).status_code == 409
    case = desk.answer(desk.client.get(f"/v1/counter/cases/{case_no}", headers=desk.person(CLERK)), 200)
    assert [sheet["version"] for sheet in case["sheets"]] == [2, 1]
    nothing = desk.client.get("/v1/counter/cases/none", headers=desk.person(CLERK))
    others = desk.client.get(f"/v1/counter/cases/{case_no}", headers=desk.system(using_client_id(MARKET)))
    assert nothing.status_code == others.status_code == 404
    assert nothing.json()["detail"] == others.json()["detail"]


def test_a_departments_system_serves_its_own_matters_and_names_its_user(desk: ServedCity) -> None:
    body = {"matter_code": FOOD_RENEWAL, "case_no": number(), "holder_code_type": "001", "holder_code": COMPANY[1]}
    own, other = desk.system(using_client_id(MARKET)), desk.system(using_client_id(SERVICE_BUREAU))
    assert desk.client.post("/v1/counter/checks", headers=own, json=body).status_code == 422
    named = {**body, "operator": "受理员01"}
    check = desk.answer(desk.client.post("/v1/counter/checks", headers=own, json=named), 201)
    assert (check["sheet"]["operator"], answers(check)["food_operation"]) == ("受理员01", "exempt_license")
    assert desk.client.post("/v1/counter/checks", headers=other, json=named).status_code == 403


def test_paper_for_an_exempt_row_needs_a_reason_and_is_counted(small_city: ServedCity) -> None:
    small_city.issue("food_operation", "PAPER-1")
    small_city.issue("business_license", "PAPER-2")
    case_no = number()
    small_city.answer(ask(small_city, case_no=case_no), 201)
    bare = take(small_city, case_no, 3, kind="paper")
    assert bare.status_code == 422
    assert {one["pointer"] for one in bare.json()["errors"]} == {"/reason", "/text"}
    taken = small_city.answer(take(small_city, case_no, 3, kind="paper", reason="holder_wish", text="坚持要交"), 201)
    assert taken["counts"] is True
    assert take(small_city, case_no, 3, kind="paper", reason="other", text="再收一次").status_code == 409
    assert small_city.answer(take(small_city, case_no, 1, kind="paper"), 201)["counts"] is False
    assert take(small_city, case_no, 2, kind="promise", confirmed=True).status_code == 409
    assert take(small_city, case_no, 4, kind="promise").status_code == 422
    promise = small_city.answer(take(small_city, case_no, 4, kind="promise", confirmed=True), 201)
    assert promise["text"].startswith("申请人承诺")
    assert take(small_city, case_no, 9, kind="paper").status_code == 404
    assert take(small_city, case_no, 2, kind="paper", reason="other", text="旧版", version=7).status_code == 409

    day = small_city.service.deps.clock.now().date()
    span = {"from": (day - timedelta(days=2)).isoformat(), "to": (day + timedelta(days=2)).isoformat()}
    found = small_city.answer(
        small_city.client.get("/v1/counter/quality", params=span, headers=small_city.person(CLERK)), 200
    )
    [matter] = found["matters"]
    assert (matter["cases"], matter["exempt"], matter["taken"]) == (1, 2, 1)
    assert [(one["authority_code"], one["taken"]) for one in found["departments"]] == [(MARKET, 1)]
    wrong = {"from": span["to"], "to": span["from"]}
    assert (
        small_city.client.get("/v1/counter/quality", params=wrong, headers=small_city.person(CLERK)).status_code == 422
    )
    small_city.drain()
    [event] = [one for one in small_city.events() if one["type"].endswith("counter.paper_taken.v1")]
    assert (event["data"]["reason"], event["data"]["counter_code"]) == ("holder_wish", SERVICE_BUREAU)


def test_what_comes_later_has_a_last_day_that_warns_once(small_city: ServedCity) -> None:
    case_no = number()
    small_city.answer(ask(small_city, FOOD_NEW, case_no=case_no), 201)
    clock, workdays = small_city.service.deps.clock, small_city.catalog.workdays
    before = workdays.after(local_day(clock.now()), 5)
    taken = small_city.answer(take(small_city, case_no, 4, kind="later"), 201)
    after = workdays.after(local_day(clock.now()), 5)
    assert taken["due_on"] in {before.isoformat(), after.isoformat()}
    headers = small_city.person(CLERK)
    [one] = small_city.answer(small_city.client.get("/v1/counter/supplements", headers=headers), 200)
    assert (one["case_no"], one["flag"]) == (case_no, "open")
    assert warn_counters(small_city.service.deps) == 0
    small_city.execute("UPDATE counter_takings SET due_on = '2026-01-05'")
    [one] = small_city.answer(small_city.client.get("/v1/counter/supplements", headers=headers), 200)
    assert one["flag"] == "overdue"
    assert [warn_counters(small_city.service.deps) for _ in range(2)] == [1, 0]
    done = f"/v1/counter/cases/{case_no}/rows/4/supplemented"
    assert small_city.answer(small_city.client.post(done, headers=headers), 201)["flag"] == "done"
    assert small_city.client.post(done, headers=headers).status_code == 409
    assert small_city.answer(small_city.client.get("/v1/counter/supplements", headers=headers), 200) == []


@contextmanager
def outage(city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The register does not answer the counter's question; everything else does."""

    def refuse(*_: object, **__: object) -> Any:
        raise Unavailable("数据库暂时无法应答，请稍后重试")

    with monkeypatch.context() as patch:
        patch.setattr("certsvc.commands.counter.rows._in_force", refuse)
        yield
    assert city is not None


def test_an_outage_makes_a_slip_that_is_reconciled(small_city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    small_city.issue("food_operation", "OUT-1")
    case_no = number()
    headers = small_city.person(CLERK)
    with outage(small_city, monkeypatch):
        check = small_city.answer(ask(small_city, case_no=case_no), 201)
    assert check["case"]["outage"] is True
    assert check["sheet"]["slip_no"]
    assert answers(check)["food_operation"] == "later"
    assert "系统故障" in check["sheet"]["rows"][2]["why"]
    assert small_city.answer(take(small_city, case_no, 3, kind="later"), 201)["flag"] in {"open", "due_soon"}
    path = f"/v1/counter/cases/{case_no}/reconciliations"
    after = small_city.answer(small_city.client.post(path, headers=headers, json={}), 201)
    assert [(one["material"], one["before"], one["after"]) for one in after["differences"]] == [
        ("business_license", "later", "bring"),
        ("food_operation", "later", "exempt_license"),
    ]
    assert small_city.client.post(path, headers=headers, json={}).status_code == 409
    assert small_city.answer(small_city.client.get("/v1/counter/supplements", headers=headers), 200) == []
    # A slip that the page wrote while nothing could be reached is kept first, then answered.
    moment = (small_city.service.deps.clock.now() - timedelta(hours=1)).isoformat()
    late = small_city.answer(ask(small_city, outage_at=moment), 201)
    assert late["sheet"]["version"] == 2
    assert late["differences"]
    soon = (small_city.service.deps.clock.now() + timedelta(hours=1)).isoformat()
    assert ask(small_city, outage_at=soon).status_code == 422


def test_a_show_code_says_who_applies_and_a_scan_gun_may_type_it_full_width(small_city: ServedCity) -> None:
    done = small_city.issue("food_operation", "SHOW-1")
    scene = next(one.code for one in small_city.catalog.type("food_operation").scenes if one.audience == "clerk")
    shown = small_city.show("food_operation", done["identifier"], scene)["code"]
    typed = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in shown)
    check = small_city.answer(ask(small_city, holder_code="", holder_code_type="", code=typed), 201)
    assert answers(check)["food_operation"] == "exempt_license"
    assert check["consented"]["scan"]["license"]["identifier"] == done["identifier"]
    assert check["consented"]["note"] == ""
    small_city.execute("UPDATE shows SET expires_at = created_at")
    late = ask(small_city, holder_code="", holder_code_type="", code=typed)
    assert late.status_code == 422, "a code that is too old says nothing of who applies"
    assert ask(small_city, code="看不懂的码").status_code == 422
    other = small_city.show("food_operation", done["identifier"], scene)["code"]
    noted = small_city.answer(ask(small_city, holder_code=STRANGER[1], code=other), 201)
    assert "不是这位申请人" in noted["consented"]["note"]


def test_a_code_for_officers_is_no_consent_at_a_counter(small_city: ServedCity) -> None:
    """It gave nothing and stays unused: it would be a consent at every counter for as long as it lives."""
    city = small_city
    done = city.issue("food_operation", "SHOW-1")
    scene = next(one.code for one in city.catalog.type("food_operation").scenes if one.audience == "officer")
    code = city.show("food_operation", done["identifier"], scene)["code"]
    unnamed = ask(city, holder_code="", holder_code_type="", code=code)
    assert unnamed.status_code == 422, "it says nothing of who applies"
    assert city.rows("SELECT count(*) FROM counter_cases") == [(0,)], "and nothing was looked up or kept"
    assert city.rows("SELECT redeemed_at FROM shows") == [(None,)]
    check = city.answer(ask(city, code=code), 201)
    assert check["consented"]["note"]
    assert check["consented"]["scan"]["fields"] == []
    assert {basis for (basis,) in city.rows("SELECT basis FROM fetches")} <= {"application"}


def test_a_grant_code_gives_its_fields_once_and_fails_alike(small_city: ServedCity) -> None:
    done = small_city.issue("food_operation", "GRANT-1")
    holder = small_city.person(small_city.holder_of("food_operation"))
    body = {
        "identifier": done["identifier"],
        "client_id": using_client_id(MARKET),
        "matter_code": FOOD_RENEWAL,
        "fields": ["number", "premises"],
    }
    grant = small_city.answer(small_city.client.post("/v1/grants", headers=holder, json=body), 201)
    wrong = small_city.answer(ask(small_city, FOOD_NEW, code=grant["code"]), 201)["consented"]
    stranger = small_city.answer(ask(small_city, holder_code=STRANGER[1], code=grant["code"]), 201)["consented"]
    check = small_city.answer(ask(small_city, holder_code="", holder_code_type="", code=grant["code"]), 201)
    assert [one["key"] for one in check["consented"]["fields"]] == ["number", "premises"]
    used = small_city.answer(ask(small_city, code=grant["code"]), 201)["consented"]
    nothing = small_city.answer(ask(small_city, code=SystemIds().token()), 201)["consented"]
    assert wrong == stranger == used == nothing
    assert nothing["fields"] == []


def test_the_example_of_the_guide_works_as_it_is_written(desk: ServedCity) -> None:
    text = (ROOT / "docs" / "counter.md").read_text("utf-8").split("POST /v1/counter/checks\n{")[1]
    body = json.JSONDecoder().raw_decode("{" + text)[0]
    check = desk.answer(desk.client.post("/v1/counter/checks", headers=desk.person(CLERK), json=body), 201)
    assert answers(check)["business_license"] == "exempt_license"


def test_the_counter_lists_its_matters_with_what_may_be_electronic(desk: ServedCity) -> None:
    found = desk.answer(desk.client.get("/v1/counter/matters", headers=desk.person(CLERK)), 200)
    assert {one["code"] for one in found} == set(desk.catalog.materials.lists)
    [food] = [one for one in found if one["code"] == FOOD_RENEWAL]
    assert {one["id"]: one["electronic"] for one in food["materials"]} == {
        "application": False,
        "business_license": True,
        "food_operation": True,
        "unchanged": False,
    }
    own = desk.answer(desk.client.get("/v1/counter/matters", headers=desk.system(using_client_id(MARKET))), 200)
    assert {one["code"] for one in own} == {FOOD_NEW, FOOD_RENEWAL}
