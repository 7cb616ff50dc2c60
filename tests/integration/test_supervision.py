"""电子监察 over HTTP: clocks and cards, figures against plain SQL, and the monthly sheet."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from matter_city import SLUG, fetched
from openpyxl import load_workbook
from sqlalchemy import text

from certsvc.clock import local_day, rfc3339
from certsvc.commands.supervision.cards import raise_cards
from certsvc.commands.supervision.counts import count_some
from certsvc.commands.supervision.rounds import supervise, sweep_some
from certsvc.license.request import Lane
from certsvc.license.supervision import ClockKind
from certsvc.store.day_counts import DayCountRows
from certsvc.store.supervision_cards import CardRows

MARKET, CULTURE = "11990000MB0000019F", "11990000MB0000027A"
MATTER = "11990000MB0000019F2990131002003"
CLERK, SUPERVISOR = "supervision-clerk-1", "supervisor-1"
FOOD = "food_operation"


def step(city: ServedCity, name: str, hours_ago: float, **changes: Any) -> Any:
    at = city.service.deps.clock.now() - timedelta(hours=hours_ago)
    body = {"authority_code": MARKET, "case_no": "KB-1", "step": name, "at": rfc3339(at), **changes}
    return city.client.post("/v1/supervision/cases", headers=city.system(), json=body)


def accepted(city: ServedCity, **changes: Any) -> dict[str, Any]:
    more = {"matter_code": MATTER, "limit_workdays": 10, "handler": "示例承办", **changes}
    return dict(city.answer(step(city, "accepted", 30, **more), 201))


def cards(city: ServedCity, who: str = CLERK, **asked: str) -> list[dict[str, Any]]:
    found = city.client.get("/v1/supervision/cards", headers=city.person(who), params=asked)
    return list(city.answer(found, 200)["cards"])


def act(city: ServedCity, who: str, card_id: str, what: str, **sent: Any) -> Any:
    path = f"/v1/supervision/cards/{card_id}/{what}"
    return city.client.post(path, headers=city.person(who), json=sent)


def count(city: ServedCity) -> None:
    city.drain()
    while count_some(city.service.deps, owner="test"):
        pass


def figures(city: ServedCity, who: str = SUPERVISOR, **asked: str) -> dict[str, Any]:
    today = local_day(city.service.deps.clock.now())
    params = {"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat(), **asked}
    answer = city.client.get("/v1/supervision/figures", headers=city.person(who), params=params)
    return dict(city.answer(answer, 200))


def named(answer: dict[str, Any], key: str) -> dict[str, Any]:
    return next(one for one in answer["figures"] if one["key"] == key)


def test_a_case_is_timed_stopped_and_finished_as_it_is_reported(small_city: ServedCity) -> None:
    first = accepted(small_city)
    assert (first["state"], first["due_on"] is not None, first["late"]) == ("running", True, False)
    assert step(small_city, "stopped", 20).status_code == 422, "without a reason"
    stop = small_city.answer(step(small_city, "stopped", 20, reason="hearing"), 201)
    assert (stop["state"], stop["due_on"], stop["stop_reason_zh"]) == ("stopped", None, "听证")
    assert step(small_city, "stopped", 19, reason="hearing").status_code == 409
    assert step(small_city, "resumed", 21).status_code == 409, "before the stop"
    again = small_city.answer(step(small_city, "resumed", 2), 201)
    assert again["due_on"] >= first["due_on"]
    done = small_city.answer(step(small_city, "finished", 1), 201)
    assert (done["state"], done["late"]) == ("finished", False)
    assert step(small_city, "resumed", 0).status_code == 409
    assert step(small_city, "accepted", 1, case_no="KB-2").status_code == 422, "no matter"
    assert step(small_city, "finished", 1, case_no="KB-9").status_code == 404
    read = small_city.client.get(f"/v1/supervision/cases/{MARKET}/KB-1", headers=small_city.person(CLERK))
    assert small_city.answer(read, 200)["state"] == "finished"
    kinds = small_city.rows("SELECT kind FROM evidence WHERE kind LIKE 'case.%' ORDER BY row_no")
    assert [kind for (kind,) in kinds] == ["case.accepted", "case.stopped", "case.resumed", "case.finished"]


def test_a_stop_or_an_end_that_is_reported_late_counts_from_its_receipt(small_city: ServedCity) -> None:
    city, days = small_city, 24
    accepted = {"matter_code": MATTER, "limit_workdays": 2}
    for case_no in ("KB-3", "KB-4"):
        city.answer(step(city, "accepted", 60 * days, case_no=case_no, **accepted), 201)
    back = step(city, "stopped", 59 * days, case_no="KB-3", reason="hearing")
    assert back.status_code == 409, "in time by what it says, overdue by our clock"
    said = city.service.deps.clock.now() - timedelta(days=59)
    at = rfc3339(said)
    done = city.answer(step(city, "finished", 0, case_no="KB-4", at=at), 201)
    assert (done["late"], done["late_reports"], done["said_at"]) == (True, 1, at)
    assert done["finished_at"] == done["counted_at"] > at
    again = city.answer(step(city, "finished", 0, case_no="KB-4", at=at), 201)
    assert again == done, "a repeat is known by what it said"
    kept = city.rows("SELECT late_reports, said_at < last_at FROM supervision_cases WHERE case_no = 'KB-4'")
    assert [(count, bool(behind)) for count, behind in kept] == [(1, True)]


def test_a_stop_and_its_end_that_come_together_win_nothing(small_city: ServedCity) -> None:
    city, days = small_city, 24
    accepted = {"matter_code": MATTER, "limit_workdays": 200}
    first = city.answer(step(city, "accepted", 60 * days, **accepted), 201)
    stop = city.answer(step(city, "stopped", 50 * days, reason="hearing"), 201)
    assert stop["used_workdays"] > 30, "counted up to the receipt"
    again = city.answer(step(city, "resumed", 20 * days), 201)
    assert (again["state"], again["late_reports"]) == ("running", 2)
    assert again["due_on"] == first["due_on"]


def test_a_system_reports_its_own_body_only(small_city: ServedCity) -> None:
    other = small_city.system(f"approval-{CULTURE.lower()}")
    at = rfc3339(small_city.service.deps.clock.now())
    body = {"authority_code": MARKET, "case_no": "K", "step": "accepted", "at": at, "matter_code": MATTER}
    assert small_city.client.post("/v1/supervision/cases", headers=other, json=body).status_code == 403
    accepted(small_city)
    path = f"/v1/supervision/cases/{MARKET}/KB-1"
    nothing = f"/v1/supervision/cases/{CULTURE}/KB-1"
    assert [small_city.client.get(one, headers=other).status_code for one in (path, nothing)] == [404, 404]
    day = local_day(small_city.service.deps.clock.now()).isoformat()
    sent = {"authority_code": MARKET, "day": day, "rows": []}
    assert small_city.client.post("/v1/supervision/finished-cases", headers=other, json=sent).status_code == 403


def test_a_card_is_yellow_then_red_answered_given_back_and_accepted(small_city: ServedCity) -> None:
    city, deps = small_city, small_city.service.deps
    accepted(city)
    assert raise_cards(deps) == 0, "in time"
    tomorrow = local_day(deps.clock.now()) + timedelta(days=1)
    city.execute(f"UPDATE supervision_cases SET due_on = '{tomorrow}'")
    assert [raise_cards(deps), raise_cards(deps)] == [1, 0]
    [yellow] = cards(city)
    assert (yellow["colour"], yellow["department"], yellow["handler"]) == ("yellow", MARKET, "示例承办")
    city.execute("UPDATE supervision_cases SET due_on = '2026-01-05'")
    assert [raise_cards(deps), raise_cards(deps)] == [1, 0]
    [red] = cards(city)
    assert (red["colour"], red["clock_zh"], red["subject"]) == ("red", "审批办件", yellow["subject"])
    assert [one["card_id"] for one in cards(city, state="merged")] == [yellow["card_id"]]
    said = "系统升级，已加派人员"
    assert act(city, CLERK, yellow["card_id"], "answers", text=said).status_code == 409, "part of the red one"
    assert act(city, SUPERVISOR, red["card_id"], "rulings", accepted=True, text="认可").status_code == 409
    assert act(city, SUPERVISOR, red["card_id"], "answers", text=said).status_code == 403
    assert city.answer(act(city, CLERK, red["card_id"], "answers", text=said), 201)["state"] == "answered"
    back = city.answer(act(city, SUPERVISOR, red["card_id"], "rulings", accepted=False, text="未说明措施"), 201)
    assert (back["state"], back["ruling"]) == ("returned", "未说明措施")
    city.answer(act(city, CLERK, red["card_id"], "answers", text="已于当日办结并通报"), 201)
    done = city.answer(act(city, SUPERVISOR, red["card_id"], "rulings", accepted=True, text="认可"), 201)
    assert done["state"] == "accepted"
    assert act(city, CLERK, "crd_none", "answers", text=said).status_code == 404
    city.drain()
    told = [event["data"] for event in city.events() if ".supervision." in event["type"]]
    assert [one.get("state", one["colour"]) for one in told] == [
        "yellow",
        "red",
        "answered",
        "returned",
        "answered",
        "accepted",
    ]
    assert "示例承办" not in str(told)


def test_what_the_register_itself_times_gets_cards_that_name_who_is_at_it(small_city: ServedCity) -> None:
    city, deps = small_city, small_city.service.deps
    body = city.body(FOOD, "LATE-1")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    ticket = {
        "kind": "missing",
        "matter_code": MATTER,
        "type": FOOD,
        "issuer_code": MARKET,
        "holder_code": "91990000MA0000015Q",
        "holder_code_type": "001",
        "right": "应有证照",
        "evidence": "纸质正本",
    }
    city.answer(city.client.post("/v1/counter/tickets", headers=city.person("clerk-1"), json=ticket), 201)
    assert raise_cards(deps) == 0
    began(city, "2026-01-01")
    city.execute("UPDATE requests SET created_at = '2026-01-05T00:00:00.000000+00:00'")
    city.execute("UPDATE counter_tickets SET due_on = '2026-01-05'")
    assert raise_cards(deps) == 2
    found = {one["clock"]: one for one in cards(city)}
    assert {key: one["colour"] for key, one in found.items()} == {"issuing": "red", "ticket": "red"}
    assert found["issuing"]["handler"] == "approval-platform"
    assert found["ticket"]["handler"] == "", "nobody took it up"
    assert cards(city, SUPERVISOR, authority_code=CULTURE) == []
    other = city.client.get("/v1/supervision/cards", headers=city.person(CLERK), params={"authority_code": CULTURE})
    assert other.status_code == 403


def began(city: ServedCity, day: str) -> None:
    """Let the first round of supervision have been on ``day``."""
    done = f"{day}T00:00:00.000000+00:00"
    city.execute(f"INSERT INTO supervision_sweeps (run_on, place, looked, done_at) VALUES ('{day}', '', 0, '{done}')")


def test_neither_what_is_older_than_supervision_nor_backfill_gets_a_card(small_city: ServedCity) -> None:
    city, deps = small_city, small_city.service.deps
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=city.body(FOOD, "OLD-1")), 202)
    city.execute("UPDATE requests SET created_at = '2026-01-05T00:00:00.000000+00:00'")
    assert raise_cards(deps) == 0, "the first round"
    began(city, "2026-01-06")
    assert raise_cards(deps) == 0, "it was there before"
    began(city, "2026-01-05")
    city.execute(f"UPDATE requests SET lane = {int(Lane.BACKFILL)}")
    assert raise_cards(deps) == 0, "backfill"
    city.execute(f"UPDATE requests SET lane = {int(Lane.LIVE)}")
    assert raise_cards(deps) == 1


def test_a_clock_or_a_part_that_fails_stops_no_other(small_city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city, deps = small_city, small_city.service.deps
    accepted(city)
    city.execute("UPDATE supervision_cases SET due_on = '2026-01-05'")
    late = CardRows.late

    def failing(self: Any, clock: object, *arguments: Any, **named: Any) -> Any:
        if not isinstance(clock, ClockKind) or clock is ClockKind.ISSUING:
            raise RuntimeError("示例")
        return late(self, clock, *arguments, **named)

    monkeypatch.setattr(CardRows, "late", failing)
    monkeypatch.setattr(DayCountRows, "add", failing)
    city.issue(FOOD, "PART-1")
    city.drain()
    codes: list[str] = []
    supervise(deps, owner="test", troubled=codes.append)
    assert codes == ["crashed", "crashed", "crashed"], "a clock in two colours, and the counts"
    assert [one["clock"] for one in cards(city)] == ["case"]
    assert city.rows("SELECT count(*) FROM supervision_sweeps") == [(1,)]


@pytest.fixture
def busy(small_city: ServedCity) -> ServedCity:
    """Two licenses issued, one shown and scanned, one fetched twice for one case and once for another."""
    city = small_city
    done = city.issue(FOOD, "FIG-1")
    city.issue(SLUG, "FIG-2")
    shown = city.show(FOOD, done["identifier"], "catering_inspection")
    city.scan(city.officer_of(FOOD), shown["code"])
    for case_no in ("BJ-1", "BJ-1", "BJ-2"):
        city.answer(fetched(city, SLUG, fields=["number"], case_no=case_no), 201)
    count(city)
    return city


def report(city: ServedCity, number: int, **changes: Any) -> Any:
    day = local_day(city.service.deps.clock.now()).isoformat()
    rows = [{"matter_code": MATTER, "type": FOOD, "count": number}]
    sent = {"authority_code": MARKET, "day": day, "rows": rows, **changes}
    return city.client.post("/v1/supervision/finished-cases", headers=city.system(), json=sent)


def test_figures_are_what_their_own_queries_give(busy: ServedCity) -> None:
    assert sweep_some(busy.service.deps)
    while sweep_some(busy.service.deps):
        pass
    busy.answer(report(busy, 4), 201)
    for body in ("", MARKET, CULTURE):
        answer = figures(busy, authority_code=body)
        bound = {"first": answer["first"], "last": answer["last"], "body": body}
        with busy.service.store._engines[-1].connect() as connection:
            for one in answer["figures"]:
                if "counter_" in one["numerator_query"]:
                    continue
                parts = [one["numerator_query"], *one["denominator_query"].split("，减去：")]
                values = [int(connection.execute(text(part), bound).scalar() or 0) for part in parts if part]
                assert values[0] == one["numerator"], one["key"]
                if one["denominator_query"]:
                    assert values[1] - sum(values[2:]) == one["denominator"], one["key"]


def test_the_production_rate_is_over_all_finished_cases(busy: ServedCity) -> None:
    unknown = named(figures(busy), "production")
    assert (unknown["numerator"], unknown["rate"]) == (2, None), "never 100 % for want of a report"
    assert "没有报送" in unknown["note"]
    for number in (9, 4):
        assert busy.answer(report(busy, number), 201)["total"] == number
    food = named(figures(busy, authority_code=MARKET), "production")
    assert next(line["rate"] for line in food["lines"] if line["key"] == FOOD) == 0.25, "the last report stands"
    assert "分子大于分母" in food["note"], "a type that nobody reported"
    wrong = report(busy, 1, rows=[{"matter_code": MATTER, "type": "no_such_type", "count": 1}])
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/rows/0/type")
    licenses = busy.rows("SELECT count(*) FROM licenses")
    assert named(figures(busy), "sealing")["rate"] == 1.0
    assert named(figures(busy), "sealing")["numerator"] == licenses[0][0]


def test_a_license_of_a_case_replaces_one_paper_however_often_it_is_fetched(busy: ServedCity) -> None:
    answer = figures(busy)
    assert (named(answer, "fetches")["numerator"], named(answer, "replaced")["numerator"]) == (3, 2)
    body = busy.rows("SELECT DISTINCT department FROM supervision_days WHERE measure = 'replaced'")
    assert body == busy.rows("SELECT DISTINCT authority_code FROM fetches")


def test_shows_are_counted_by_scene_and_nothing_is_counted_twice(busy: ServedCity) -> None:
    shows = named(figures(busy), "shows")
    assert [(line["key"], line["numerator"]) for line in shows["lines"]] == [("catering_inspection", 1)]
    assert shows["lines"][0]["name"] != "catering_inspection"
    before = busy.rows("SELECT * FROM supervision_days ORDER BY 1, 2, 3, 4, 5")
    assert before
    supervise(busy.service.deps, owner="test")
    assert busy.rows("SELECT * FROM supervision_days ORDER BY 1, 2, 3, 4, 5") == before
    supervise(busy.service.deps, owner="somebody-else")
    busy.execute("UPDATE cursors SET position = 0 WHERE consumer = 'supervision'")
    assert count_some(busy.service.deps, owner="somebody-else") == 0, "another holds the lease"
    busy.execute("DELETE FROM supervision_days")
    busy.execute("DELETE FROM inbox WHERE consumer = 'supervision-paper'")
    count(busy)
    assert busy.rows("SELECT * FROM supervision_days ORDER BY 1, 2, 3, 4, 5") == before, "counted anew from the feed"


def test_the_look_through_the_register_counts_what_it_finds(busy: ServedCity) -> None:
    assert "检查" in named(figures(busy), "quality")["note"]
    while sweep_some(busy.service.deps):
        pass
    sound = named(figures(busy), "quality")
    assert (sound["numerator"], sound["denominator"], sound["note"]) == (0, 2, "")


@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31")])
def test_days_that_no_calendar_can_begin_are_days_without_figures(
    shared_city: ServedCity, first: str, last: str
) -> None:
    answer = figures(shared_city, **{"from": first, "to": last})
    assert answer["first"] <= answer["last"]
    assert named(answer, "shows")["numerator"] == 0


def test_the_sheet_says_what_the_figures_say(busy: ServedCity) -> None:
    busy.answer(report(busy, 4), 201)
    month = local_day(busy.service.deps.clock.now()).isoformat()[:7]
    for who, body, sheets in (
        (SUPERVISOR, "", ["通报", "分部门", "明细", "红黄牌", "计算语句"]),
        (CLERK, "", ["通报", "明细", "红黄牌", "计算语句"]),
    ):
        asked = {"month": month, "authority_code": body}
        answer = busy.client.get("/v1/supervision/sheet", headers=busy.person(who), params=asked)
        assert answer.status_code == 200
        book = load_workbook(io.BytesIO(answer.content))
        assert book.sheetnames == sheets
        rows = {row[0].value: [cell.value for cell in row] for row in book["通报"].iter_rows()}
        assert rows["电子证照生产率"][1] == "50.0%"
        assert "黄牌" in rows
    wrong = {"month": "2026-13"}
    assert busy.client.get("/v1/supervision/sheet", headers=busy.person(CLERK), params=wrong).status_code == 422
