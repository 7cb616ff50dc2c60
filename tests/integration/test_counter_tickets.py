"""缺证、错证 over HTTP: opened by a counter, answered in time by the issuer, closed by the counter."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_city import ServedCity

from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.commands.counter.warn import warn_counters

CLERK, ISSUER_CLERK = "clerk-1", "dispute-clerk-1"
FOOD_RENEWAL = "11990000MB0000019F2990131002003"
MARKET = "11990000MB0000019F"
HOLDER = "91990000MA0000015Q"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "wrong_field",
        "matter_code": FOOD_RENEWAL,
        "case_no": "KB-T-1",
        "type": "food_operation",
        "issuer_code": MARKET,
        "holder_code": HOLDER,
        "holder_code_type": "001",
        "field": "premises",
        "right": "经营场所应为示例路 2 号",
        "evidence": "纸质正本",
        **changes,
    }


def open_one(city: ServedCity, who: str = CLERK, **changes: Any) -> Any:
    return city.client.post("/v1/counter/tickets", headers=city.person(who), json=body(**changes))


def act(city: ServedCity, ticket_id: str, what: str, who: str = ISSUER_CLERK, **sent: Any) -> Any:
    path = f"/v1/counter/tickets/{ticket_id}/{what}"
    return city.client.post(path, headers=city.person(who), json=sent or None)


def test_a_ticket_is_opened_accepted_corrected_and_closed(small_city: ServedCity) -> None:
    done = small_city.issue("food_operation", "TICKET-1")
    before = small_city.rows("SELECT state, revision FROM licenses")
    ticket = small_city.answer(open_one(small_city), 201)
    assert (ticket["state"], ticket["overdue"]) == ("open", False)
    assert HOLDER not in ticket["holder_code"]
    ticket_id = ticket["ticket_id"]
    answer: dict[str, Any] = {"corrected": True, "text": "已更正", "request_id": done["request_id"]}
    assert act(small_city, ticket_id, "answers", **answer).status_code == 409, "not taken up"
    inbox = small_city.client.get("/v1/counter/tickets/inbox", headers=small_city.person(ISSUER_CLERK))
    [seen] = small_city.answer(inbox, 200)["tickets"]
    assert seen["holder_code"] == HOLDER, "the issuer has to find the license"
    assert small_city.answer(act(small_city, ticket_id, "acceptances"), 201)["state"] == "accepted"
    assert act(small_city, ticket_id, "acceptances").status_code == 409
    assert act(small_city, ticket_id, "closures", CLERK).status_code == 409, "not answered"
    for wrong in ({"request_id": ""}, {"request_id": "req_none"}, {"request_id": "", "document_no": "示例1号"}):
        assert act(small_city, ticket_id, "answers", **{**answer, **wrong}).status_code == 422
    corrected = small_city.answer(act(small_city, ticket_id, "answers", **answer), 201)
    assert (corrected["state"], corrected["request_id"]) == ("corrected", done["request_id"])
    assert small_city.answer(act(small_city, ticket_id, "closures", CLERK), 201)["state"] == "closed"
    assert small_city.rows("SELECT state, revision FROM licenses") == before, "a ticket changes no license"
    small_city.drain()
    events = [event for event in small_city.events() if ".ticket." in event["type"]]
    assert [event["data"].get("state", "opened") for event in events] == ["opened", "accepted", "corrected", "closed"]
    assert all(event["data"]["issuer_code"] == MARKET for event in events)
    assert HOLDER not in str(events)


def test_a_refusal_says_why_and_a_state_is_corrected_by_its_decision(small_city: ServedCity) -> None:
    first = small_city.answer(open_one(small_city, kind="missing", field=""), 201)["ticket_id"]
    second = small_city.answer(open_one(small_city, kind="wrong_state", field=""), 201)["ticket_id"]
    for ticket_id in (first, second):
        small_city.answer(act(small_city, ticket_id, "acceptances"), 201)
    refused = small_city.answer(act(small_city, first, "answers", corrected=False, text="查无此证"), 201)
    assert (refused["state"], refused["answer"]) == ("refused", "查无此证")
    state: dict[str, Any] = {"corrected": True, "text": "已恢复", "document_no": "示例恢〔2026〕1号"}
    assert small_city.answer(act(small_city, second, "answers", **state), 201)["document_no"] == state["document_no"]


def test_nobody_else_sees_or_moves_a_ticket(small_city: ServedCity) -> None:
    ticket_id = small_city.answer(open_one(small_city), 201)["ticket_id"]
    own = small_city.system(using_client_id(MARKET))
    others = small_city.client.post(f"/v1/counter/tickets/{ticket_id}/closures", headers=own)
    nothing = small_city.client.post("/v1/counter/tickets/tkt_none/closures", headers=own)
    assert (others.status_code, others.json()["detail"]) == (404, nothing.json()["detail"])
    approval = small_city.system(f"approval-{'11990000MB0000027A'.lower()}")
    path = f"/v1/counter/tickets/{ticket_id}/acceptances"
    assert small_city.client.post(path, headers=approval).status_code == 404
    assert act(small_city, ticket_id, "acceptances", CLERK).status_code == 403


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"type": "tour_guide"}, "/type"),
        ({"field": "songs"}, "/field"),
        ({"kind": "missing"}, "/field"),
        ({"issuer_code": "11990000MB0000027A"}, "/issuer_code"),
        ({"issuer_code": ""}, "/issuer_code"),
    ],
)
def test_a_ticket_that_cannot_be_answered_is_not_opened(
    shared_city: ServedCity, changes: dict[str, str], pointer: str
) -> None:
    refused = open_one(shared_city, **changes)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]


def test_opening_says_nothing_about_what_the_register_holds(small_city: ServedCity) -> None:
    none = small_city.answer(open_one(small_city), 201)
    small_city.issue("food_operation", "TICKET-9")
    some = small_city.answer(open_one(small_city), 201)
    differing = {key for key in none if none[key] != some[key]}
    assert differing <= {"ticket_id", "opened_at"}


def test_an_overdue_ticket_is_listed_and_announced_once(small_city: ServedCity) -> None:
    ticket_id = small_city.answer(open_one(small_city), 201)["ticket_id"]
    overdue = {"overdue": "true"}
    headers = small_city.person(CLERK)
    path = "/v1/counter/tickets"
    assert small_city.answer(small_city.client.get(path, headers=headers, params=overdue), 200)["tickets"] == []
    small_city.execute("UPDATE counter_tickets SET due_on = '2026-01-05'")
    for side, who in ((path, CLERK), (f"{path}/inbox", ISSUER_CLERK)):
        listed = small_city.client.get(side, headers=small_city.person(who), params=overdue)
        assert [one["ticket_id"] for one in small_city.answer(listed, 200)["tickets"]] == [ticket_id]
    assert [warn_counters(small_city.service.deps) for _ in range(2)] == [1, 0]
    small_city.drain()
    assert [e["data"]["ticket_id"] for e in small_city.events() if e["type"].endswith("ticket.overdue.v1")] == [
        ticket_id
    ]
    assert small_city.answer(act(small_city, ticket_id, "acceptances"), 201)["overdue"] is True
