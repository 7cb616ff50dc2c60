"""好差评 and 投诉 over HTTP: one code, one mark, a 整改 that is called back; a complaint from filing to the archive."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity

from certsvc.clock import rfc3339
from certsvc.commands.supervision.cards import raise_cards
from certsvc.commands.supervision.counts import count_some
from certsvc.license.complaints import ComplaintState
from certsvc.license.ratings import MendState
from certsvc.license.supervision import CardState
from certsvc.store.complaints import ComplaintRows
from certsvc.store.services import ServiceRows
from certsvc.store.supervision_cards import CardRows

MARKET, CULTURE = "11990000MB0000019F", "11990000MB0000027A"
MATTER = "11990000MB0000019F2990131002003"
CLERK, SUPERVISOR = "supervision-clerk-1", "supervisor-1"


def known(city: ServedCity, case_no: str) -> None:
    at = rfc3339(city.service.deps.clock.now() - timedelta(hours=1))
    case = {"authority_code": MARKET, "matter_code": MATTER, "case_no": case_no, "step": "accepted", "at": at}
    city.answer(city.client.post("/v1/supervision/cases", headers=city.system(), json=case), 201)


def complete(city: ServedCity, case_no: str, headers: dict[str, str] | None = None, **changes: Any) -> Any:
    at = city.service.deps.clock.now() - timedelta(hours=1)
    body = {
        "authority_code": MARKET,
        "matter_code": MATTER,
        "case_no": case_no,
        "channel": "counter",
        "completed_at": rfc3339(at),
        "handler": "示例窗口",
        **changes,
    }
    return city.client.post("/v1/services", headers=headers or city.system(), json=body)


def code(city: ServedCity, case_no: str, **changes: Any) -> str:
    known(city, case_no)
    made = city.answer(complete(city, case_no, **changes), 201)
    return str(made["url"]).rsplit("/r/", 1)[1]


def rate(city: ServedCity, token: str, **sent: Any) -> Any:
    return city.client.post(f"/v1/ratings/{token}", json=sent)


def mends(city: ServedCity, who: str = CLERK, **asked: str) -> list[dict[str, Any]]:
    found = city.client.get("/v1/supervision/mends", headers=city.person(who), params=asked)
    return list(city.answer(found, 200)["mends"])


def mend(city: ServedCity, who: str, service_id: str, what: str, **sent: Any) -> Any:
    return city.client.post(f"/v1/supervision/mends/{service_id}/{what}", headers=city.person(who), json=sent)


def test_a_code_is_rated_once_and_a_good_mark_opens_nothing(small_city: ServedCity) -> None:
    token = code(small_city, "S-1")
    again = small_city.answer(complete(small_city, "S-1"), 201)
    assert (again["url"], again["qr_png"]) == ("", ""), "the code is told once"
    assert complete(small_city, "S-1", matter_code="11990000MB0000019F2990131002001").status_code == 409
    seen = small_city.answer(small_city.client.get(f"/v1/ratings/{token}"), 200)
    assert (seen["open"], seen["mark"]) == (True, 0)
    assert "示例窗口" not in str(seen)
    assert "S-1" not in str(seen)
    assert rate(small_city, token, mark=5, reasons=["rude"]).status_code == 422
    done = small_city.answer(rate(small_city, token, mark=5, reasons=["fast", "kind"]), 201)
    assert (done["open"], done["mark_zh"]) == (False, "非常满意")
    assert rate(small_city, token, mark=1).status_code == 409
    assert rate(small_city, "A" * 22, mark=1).status_code == 404
    assert mends(small_city) == []


def test_who_is_rated_does_not_get_the_code_of_a_case_again(small_city: ServedCity) -> None:
    city = small_city
    first = code(city, "S-9")
    service_id = city.answer(complete(city, "S-9"), 201)["service_id"]
    path = f"/v1/services/{service_id}"
    own = city.system()
    read = city.answer(city.client.get(path, headers=own), 200)
    assert (read["service_id"], read["url"], read["qr_png"]) == (service_id, "", "")
    assert city.client.post(f"{path}/codes", headers=own, json={}).status_code == 422, "without a reason"
    other = city.system(f"approval-{CULTURE.lower()}")
    lost = {"reason": "办事人遗失"}
    assert city.client.post(f"{path}/codes", headers=other, json=lost).status_code == 404
    renewed = city.answer(city.client.post(f"{path}/codes", headers=own, json=lost), 201)
    second = str(renewed["url"]).rsplit("/r/", 1)[1]
    assert rate(city, first, mark=5).status_code == 404, "the old one ended"
    assert city.client.post(f"{path}/codes", headers=own, json=lost).status_code == 201
    assert city.client.post(f"{path}/codes", headers=own, json=lost).status_code == 409, "not for ever"
    assert rate(city, second, mark=5).status_code == 404
    [(count,)] = city.rows("SELECT count(*) FROM evidence WHERE kind = 'service.code_renewed'")
    assert count == 2


def test_a_service_is_one_of_a_case_that_is_known(small_city: ServedCity) -> None:
    city = small_city
    made_up = complete(city, "S-10")
    assert (made_up.status_code, made_up.json()["errors"][0]["pointer"]) == (422, "/case_no")
    assert "supervision/cases" in made_up.json()["errors"][0]["detail"]
    body = city.body("food_operation", "S-11")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    assert complete(city, body["business_no"]).status_code == 201, "a license was asked for it"
    check = {"matter_code": MATTER, "case_no": "S-12", "holder_code": "91990000MA0000015Q", "holder_code_type": "001"}
    counter = city.person("clerk-1")
    city.answer(city.client.post("/v1/counter/checks", headers=counter, json=check), 201)
    assert complete(city, "S-12", counter).status_code == 201, "a counter took it"


def test_events_of_an_approval_system_do_the_same(small_city: ServedCity) -> None:
    at = rfc3339(small_city.service.deps.clock.now())
    same = {"authority_code": MARKET, "matter_code": MATTER, "case_no": "E-1"}
    sent = [
        ("case.reported", {**same, "step": "accepted", "at": at}),
        ("service.reported", {**same, "channel": "online", "completed_at": at}),
        ("case.reported", {**same, "step": "accepted", "at": "yesterday"}),
    ]
    events = [
        {"specversion": "1.0", "id": str(n), "source": "s", "type": f"example.certsvc.{name}.v1", "data": data}
        for n, (name, data) in enumerate(sent)
    ]
    headers = {**small_city.system(), "Content-Type": "application/cloudevents-batch+json"}
    answer = small_city.client.post("/v1/events", headers=headers, content=json.dumps(events))
    case, service, wrong = small_city.answer(answer, 202)["results"]
    assert wrong["errors"][0]["pointer"] == "/data/at"
    for done in (service, case):
        assert small_city.client.get(done["location"], headers=small_city.system()).status_code == 200
    other = small_city.system(f"approval-{CULTURE.lower()}")
    assert small_city.client.get(service["location"], headers=other).status_code == 404
    lost = {"reason": "事件没有答复，首次取码"}
    made = small_city.client.post(f"{service['location']}/codes", headers=small_city.system(), json=lost)
    token = str(small_city.answer(made, 201)["url"]).rsplit("/r/", 1)[1]
    assert rate(small_city, token, mark=5).status_code == 201


def test_a_code_ends_after_its_days(small_city: ServedCity) -> None:
    token = code(small_city, "S-2")
    small_city.execute("UPDATE services SET expires_at = '2026-01-05T00:00:00.000000+00:00'")
    assert small_city.answer(small_city.client.get(f"/v1/ratings/{token}"), 200)["open"] is False
    assert rate(small_city, token, mark=5).status_code == 409


def test_who_may_complete_what(small_city: ServedCity) -> None:
    other = small_city.system(f"approval-{CULTURE.lower()}")
    assert complete(small_city, "S-3", other).status_code == 403
    counter = small_city.person("clerk-1")
    known(small_city, "S-3")
    assert complete(small_city, "S-3", counter).status_code == 201
    assert complete(small_city, "S-4", counter, authority_code=CULTURE).status_code == 404
    old = rfc3339(small_city.service.deps.clock.now() - timedelta(days=40))
    assert complete(small_city, "S-5", completed_at=old).status_code == 422


def test_a_bad_mark_is_mended_called_back_and_mended_again(small_city: ServedCity) -> None:
    city, deps = small_city, small_city.service.deps
    city.answer(rate(city, code(city, "S-6"), mark=1, reasons=["rude", "slow"], text="等了很久"), 201)
    [one] = mends(city)
    assert (one["state"], one["handler"], one["text"], one["late"]) == ("open", "示例窗口", "等了很久", False)
    which = one["service_id"]
    city.execute("UPDATE services SET due_on = '2026-01-05'")
    assert raise_cards(deps) == 1
    cards = city.client.get("/v1/supervision/cards", headers=city.person(CLERK))
    [card] = city.answer(cards, 200)["cards"]
    assert (card["clock"], card["colour"], card["handler"]) == ("mend", "red", "示例窗口")
    assert mend(city, SUPERVISOR, which, "follow-ups", content=True, text="满意").status_code == 409
    said = "已核实并当面致歉"
    assert city.answer(mend(city, CLERK, which, "answers", text=said), 201)["state"] == "answered"
    assert mend(city, CLERK, which, "answers", text=said).status_code == 409
    again = city.answer(mend(city, SUPERVISOR, which, "follow-ups", content=False, text="不满意"), 201)
    assert (again["state"], again["rounds"], again["late"]) == ("open", 2, False)
    city.answer(mend(city, CLERK, which, "answers", text="已调整窗口人员"), 201)
    closed = city.answer(mend(city, SUPERVISOR, which, "follow-ups", content=False, text="仍不满意"), 201)
    assert (closed["state"], closed["content"]) == ("closed", False)
    good = code(city, "S-7")
    city.answer(rate(city, good, mark=4), 201)
    [(other,)] = city.rows("SELECT service_id FROM services WHERE mark = 4")
    assert mend(city, CLERK, other, "answers", text=said).status_code == 404, "nothing to mend"
    city.drain()
    while count_some(deps, owner="test"):
        pass
    today = deps.clock.now().date()
    period = {"from": (today - timedelta(days=1)).isoformat(), "to": (today + timedelta(days=1)).isoformat()}
    found = city.client.get("/v1/supervision/figures", headers=city.person(CLERK), params=period)
    figures = {one["key"]: one for one in city.answer(found, 200)["figures"]}
    assert (figures["content"]["numerator"], figures["content"]["denominator"]) == (1, 2)
    assert figures["taking_part"]["rate"] == 1.0
    events = [event for event in city.events() if ".service." in event["type"]]
    assert [event["data"].get("state") for event in events if "mended" in event["type"]] == [
        "answered",
        "open",
        "answered",
        "closed",
    ]
    assert not [word for word in ("等了很久", "示例窗口", said) if word in str(events)]


COMPLAINT = {"authority_code": MARKET, "contact": "0990-0000000", "text": "多次要求提供纸质证照"}


def file(city: ServedCity, who: str = "holder-1", **changes: Any) -> Any:
    return city.client.post("/v1/complaints", headers=city.person(who), json={**COMPLAINT, **changes})


def move(city: ServedCity, who: str, which: str, name: str, **sent: Any) -> Any:
    return city.client.post(f"/v1/complaints/{which}/{name}", headers=city.person(who), json=sent)


def test_a_complaint_goes_from_filing_to_the_archive(small_city: ServedCity) -> None:
    city = small_city
    one = city.answer(file(city), 201)
    which = one["complaint_id"]
    assert (one["state_zh"], one["late"]) == ("待受理", False)
    assert move(city, CLERK, which, "answer", text="已整改").status_code == 409, "not taken up"
    city.execute("UPDATE complaints SET due_on = '2026-01-05'")
    assert raise_cards(city.service.deps) == 1
    assert move(city, SUPERVISOR, which, "accept").status_code == 403
    assert city.answer(move(city, CLERK, which, "accept"), 201)["late"] is False
    assert move(city, CLERK, which, "answer").status_code == 422, "without words"
    city.answer(move(city, CLERK, which, "answer", text="已要求窗口改正"), 201)
    again = city.answer(move(city, SUPERVISOR, which, "reopen", text="未解决", content=False), 201)
    assert again["state"] == "accepted"
    city.answer(move(city, CLERK, which, "answer", text="已退还纸质件"), 201)
    assert move(city, SUPERVISOR, which, "follow_up", text="满意").status_code == 422
    city.answer(move(city, SUPERVISOR, which, "follow_up", text="满意", content=True), 201)
    assert move(city, SUPERVISOR, which, "archive").status_code == 422
    done = city.answer(move(city, SUPERVISOR, which, "archive", archive_no="示例档〔2026〕1号"), 201)
    assert (done["state"], done["content"]) == ("archived", True)
    own = city.client.get("/v1/complaints/own", headers=city.person("holder-1"))
    assert [seen["answer"] for seen in city.answer(own, 200)["complaints"]] == ["已退还纸质件"]
    city.drain()
    states = [event["data"]["state"] for event in city.events() if ".complaint." in event["type"]]
    assert states == ["filed", "accepted", "answered", "accepted", "answered", "followed", "archived"]
    assert COMPLAINT["text"] not in str(city.events())


def test_a_step_that_was_thought_of_for_an_older_state_is_refused(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read stands no more: between the reading and the writing somebody else moved it on."""
    city = small_city
    city.answer(rate(city, code(city, "S-8"), mark=1), 201)
    service_id = mends(city)[0]["service_id"]
    city.answer(mend(city, CLERK, service_id, "answers", text="已核实并当面致歉"), 201)
    complaint_id = city.answer(file(city), 201)["complaint_id"]
    for name, sent in (("accept", {}), ("answer", {"text": "已整改"})):
        city.answer(move(city, CLERK, complaint_id, name, **sent), 201)
    city.execute("UPDATE complaints SET due_on = '2026-01-05', state = 'filed'")
    assert raise_cards(city.service.deps) == 1
    city.execute("UPDATE complaints SET state = 'answered'")
    found = city.client.get("/v1/supervision/cards", headers=city.person(CLERK))
    card_id = city.answer(found, 200)["cards"][0]["card_id"]
    card = f"/v1/supervision/cards/{card_id}"
    answered = city.client.post(f"{card}/answers", headers=city.person(CLERK), json={"text": "系统升级，已加派人员"})
    city.answer(answered, 201)

    def stale(rows: type[Any], **older: Any) -> None:
        read = rows.by_id
        monkeypatch.setattr(rows, "by_id", lambda self, which: dataclasses.replace(read(self, which), **older))

    stale(CardRows, state=CardState.OPEN)
    stale(ServiceRows, mend=MendState.OPEN)
    stale(ComplaintRows, state=ComplaintState.ACCEPTED)
    ruled = city.client.post(
        f"{card}/rulings", headers=city.person(SUPERVISOR), json={"accepted": True, "text": "认可"}
    )
    followed = mend(city, SUPERVISOR, service_id, "follow-ups", content=True, text="满意")
    called = move(city, SUPERVISOR, complaint_id, "follow_up", text="满意", content=True)
    assert [one.status_code for one in (ruled, followed, called)] == [409, 409, 409]


def test_a_complaint_is_seen_by_its_sides_only(small_city: ServedCity) -> None:
    city = small_city
    mine = city.answer(file(city), 201)["complaint_id"]
    against_other = city.answer(file(city, authority_code=CULTURE), 201)["complaint_id"]
    for who, which, status in (
        ("holder-1", mine, 200),
        ("holder-2", mine, 404),
        (CLERK, mine, 200),
        (CLERK, against_other, 404),
        (SUPERVISOR, against_other, 200),
    ):
        assert city.client.get(f"/v1/complaints/{which}", headers=city.person(who)).status_code == status, who
    assert move(city, CLERK, against_other, "accept").status_code == 404
    assert city.answer(move(city, CLERK, mine, "decline", text="不属于本机关职责"), 201)["state"] == "declined"
    for asked, status in (({}, 200), ({"authority_code": CULTURE}, 403)):
        params = {"state": "declined", **asked}
        listed = city.client.get("/v1/complaints", headers=city.person(CLERK), params=params)
        assert listed.status_code == status


def test_one_account_cannot_bury_a_department_and_a_counter_names_who_complains(small_city: ServedCity) -> None:
    for _ in range(10):
        small_city.answer(file(small_city), 201)
    assert file(small_city).status_code == 429
    assert file(small_city, "clerk-1").status_code == 422
    assert file(small_city, "clerk-1", name="示例李").status_code == 201


@pytest.mark.parametrize("changes", [{"authority_code": "X" * 18}, {"text": "短"}, {"contact": ""}])
def test_what_cannot_be_handled_is_not_filed(shared_city: ServedCity, changes: dict[str, str]) -> None:
    assert file(shared_city, **changes).status_code == 422
