"""Checks at a counter that use up, hide or let out nothing they should not: codes, staff, ledger, alerts, names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from fixtures_city import ServedCity
from matter_city import as_csv, opened, publish, rows_of
from test_fetch import CLIENT, COPY, consented, grant

from certsvc.license.counter import MAX_HOLDER_CHECKS

CLERK = "clerk-1"
FOOD = "food_operation"
RENEWAL = "11990000MB0000019F2990131002003"
NEW = "11990000MB0000019F2990131002001"
COUNTER = "11990000MB0000086D"
COMPANY = "91990000MA0000015Q"
STRANGER = "91990000MA00001037"


def ask(city: ServedCity, case_no: str, *, who: dict[str, str] | None = None, **changes: Any) -> Any:
    """A check for the sample company; the bare answer."""
    body = {"matter_code": RENEWAL, "case_no": case_no, "holder_code_type": "001", "holder_code": COMPANY, **changes}
    return city.client.post("/v1/counter/checks", headers=who or city.person(CLERK), json=body)


def unused(city: ServedCity) -> bool:
    return city.rows("SELECT count(*) FROM grants WHERE used_at IS NOT NULL") == [(0,)]


def need_staff(city: ServedCity) -> None:
    with city.service.deps.uow() as tx:
        client = tx.access.client(CLIENT)
        assert client is not None
        tx.access.upsert_client(replace(client, staff_required=True))


def test_a_clerks_check_is_told_on_to_the_body(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(FOOD, "A-1")
    city.answer(ask(city, "KB-1"), 201)
    city.answer(city.move(done["identifier"], "revoke", slug=FOOD), 201)
    city.drain()
    assert city.rows("SELECT client_id, authority_code FROM alerts") == [("", COUNTER)]
    [alert] = city.answer(city.client.get("/v1/alerts", headers=city.person(CLERK)), 200)["alerts"]
    path = f"/v1/alerts/{alert['alert_id']}"
    assert city.client.get(path, headers=city.person(CLERK)).status_code == 200
    body = {"done": "reviewed"}
    city.answer(city.client.post(f"{path}/acknowledgement", headers=city.person(CLERK), json=body), 201)


def test_what_a_counter_relied_on_has_its_event_and_its_evidence(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(FOOD, "A-1")
    city.answer(ask(city, "KB-1"), 201)
    city.drain()
    [event] = [event for event in city.events() if event["type"].endswith("license.fetched.v1")]
    assert event["subject"] == done["identifier"]
    assert event["data"]["client_id"] == ""
    assert (event["data"]["basis"], event["data"]["fields"]) == ("application", [])
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'fetch.given'") == [(1,)]


def test_a_clerk_looks_at_one_holder_so_often_a_day(small_city: ServedCity) -> None:
    codes = [ask(small_city, f"KB-{n}").status_code for n in range(MAX_HOLDER_CHECKS + 1)]
    assert codes == [201] * MAX_HOLDER_CHECKS + [429]
    assert ask(small_city, "KB-other", holder_code=STRANGER).status_code == 201


def test_a_system_that_must_register_its_staff_must_at_a_counter_too(small_city: ServedCity) -> None:
    city = small_city
    city.answer(ask(city, "KB-1", who=city.system(CLIENT), operator="nobody-at-all"), 201)
    need_staff(city)
    refused = ask(city, "KB-2", who=city.system(CLIENT), operator="nobody-at-all")
    assert (refused.status_code, refused.json()["code"]) == (403, "operator_unknown")
    taken = {"kind": "paper", "operator": "nobody-at-all"}
    path = "/v1/counter/cases/KB-1/rows/1/taken"
    assert city.client.post(path, headers=city.system(CLIENT), json=taken).status_code == 403
    staff = {"staff": [{"account": "jingban01", "name": "示例经办"}]}
    city.answer(city.client.post(f"/v1/clients/{CLIENT}/staff", headers=city.system(CLIENT), json=staff), 201)
    city.answer(ask(city, "KB-2", who=city.system(CLIENT), operator="jingban01"), 201)


def test_a_clerk_who_stands_in_is_none_of_the_clients_staff(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(FOOD, "A-1")
    need_staff(city)
    code = grant(city, done["identifier"], matter_code=RENEWAL, fields=["number"])["code"]
    given = city.answer(ask(city, "KB-1", code=code), 201)["consented"]
    assert [field["key"] for field in given["fields"]] == ["number"]


def test_a_code_for_questions_too_gives_its_fields(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(FOOD, "A-1")
    opened(city, FOOD, matter_code=RENEWAL, keys=["holder_name", "?holder", COPY], bases=["consent", "duty"])
    code = grant(city, done["identifier"], matter_code=RENEWAL)["code"]
    given = city.answer(ask(city, "KB-1", code=code), 201)["consented"]
    assert (given["note"], [field["key"] for field in given["fields"]]) == ("", ["holder_name"])


def test_a_code_for_a_copy_alone_stays_unused(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(FOOD, "A-1")
    code = grant(city, done["identifier"], matter_code=RENEWAL, fields=[COPY])["code"]
    given = city.answer(ask(city, "KB-1", code=code), 201)["consented"]
    assert "没有可供窗口读取" in given["note"]
    assert (given["fetch_id"], given["fields"]) == ("", [])
    assert unused(city)
    assert city.rows("SELECT count(*) FROM copies") == [(0,)]


def test_a_refused_check_uses_up_no_code(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(FOOD, "A-1")
    city.answer(ask(city, "KB-1", matter_code=NEW), 201)
    city.answer(ask(city, "KB-2", holder_code=STRANGER), 201)
    code = grant(city, done["identifier"], matter_code=RENEWAL, fields=["number"])["code"]
    unsaid: dict[str, Any] = {"holder_code": "", "holder_code_type": ""}
    assert ask(city, "KB-1", code=code).status_code == 409, "another matter's case"
    assert ask(city, "KB-2", code=code, **unsaid).status_code == 409, "another holder's case"
    soon = city.service.deps.clock.now().replace(year=2999).isoformat()
    assert ask(city, "KB-3", code=code, outage_at=soon).status_code == 422
    assert unused(city)
    assert city.rows("SELECT count(*) FROM fetches WHERE basis = 'consent'") == [(0,)]
    city.answer(consented(city, code, type=FOOD, matter_code=RENEWAL, fields=["number"]), 201)


def test_cases_tallies_and_what_is_to_come_name_a_matter_as_the_list_does(small_city: ServedCity) -> None:
    city = small_city
    rows = rows_of(city.catalog)
    rows[NEW][1] = "食品经营许可（改名）"
    publish(city, as_csv(rows.values()))
    assert city.answer(ask(city, "KB-1", matter_code=NEW), 201)["case"]["matter_name"] == "食品经营许可（改名）"
    headers = city.person(CLERK)
    later = city.client.post("/v1/counter/cases/KB-1/rows/4/taken", headers=headers, json={"kind": "later"})
    city.answer(later, 201)
    [one] = city.answer(city.client.get("/v1/counter/supplements", headers=headers), 200)
    assert one["matter_name"] == "食品经营许可（改名）"
    day = city.service.deps.clock.now().date()
    span = {"from": (day - timedelta(days=2)).isoformat(), "to": (day + timedelta(days=2)).isoformat()}
    found = city.answer(city.client.get("/v1/counter/quality", params=span, headers=headers), 200)
    assert [tally["matter_name"] for tally in found["matters"]] == ["食品经营许可（改名）"]
