"""The console over HTTP: what operators and auditors find, what each is not told, and what they may mend."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from fixtures_city import ServedCity
from grown_register import BUSINESS_NO, OF_A_HOLDER, fill, holder_of, number_of
from log_city import settle
from test_bad_input import problem
from test_oversight import active as regulates

from certsvc.clock import local_day
from certsvc.commands.access.seed_sandbox import REGULATOR
from certsvc.commands.console.reasons import why_of
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.process_request import MAX_ATTEMPTS
from certsvc.license.figures import DayCount, Measure
from certsvc.license.parked import ParkedEvent

FOOD, GUIDE = "food_operation", "tour_guide"
PLATFORM = "approval-platform"
FULL = 100_000


def get(city: ServedCity, path: str, subject: str = "operator-1", status: int = 200, **params: Any) -> Any:
    answer = city.client.get(f"/v1/console/{path}", headers=city.person(subject), params=params)
    return city.answer(answer, status)


def post(city: ServedCity, path: str, body: Any, subject: str = "operator-1", status: int = 200) -> Any:
    return city.answer(city.client.post(f"/v1/console/{path}", headers=city.person(subject), json=body), status)


def search(city: ServedCity, text: str = "", subject: str = "operator-1", **more: str) -> Any:
    return post(city, "searches", {"text": text, **more}, subject)


def found(page: Any) -> set[str]:
    return {row["identifier"] for row in page["licenses"]}


def numbers(city: ServedCity, first: str, last: str, status: int = 200) -> Any:
    params: dict[str, Any] = {"from": first, "to": last}
    return get(city, "charts", status=status, **params)


def leaves(city: ServedCity, **asked: Any) -> Any:
    return post(city, "leaves", asked, "auditor-1")


def test_a_license_is_found_by_whatever_names_it_and_no_name_stands_in_the_answer(city: ServedCity) -> None:
    food, guide = city.issue(FOOD, "CON-1"), city.issue(GUIDE, "CON-2")
    sample, person = city.catalog.sample(FOOD), city.catalog.sample(GUIDE)
    for text in (food["identifier"], food["number"], food["number"].lower(), "CON-1", food["request_id"]):
        page = search(city, text)
        assert found(page) == {food["identifier"]}, text
    assert food["identifier"] in found(search(city, sample["holder_code"]))
    assert [one["request_id"] for one in search(city, "CON-1")["requests"]] == [food["request_id"]]
    whole = search(city, person["holder_code"], "auditor-1")
    assert found(whole) == {guide["identifier"]}
    assert person["holder_name"] not in str(whole)
    assert search(city, person["holder_name"])["licenses"] == []
    assert found(search(city)) >= {food["identifier"], guide["identifier"]}
    assert found(search(city, type=GUIDE)) == {guide["identifier"]}
    city.answer(city.move(food["identifier"], "suspend", slug=FOOD), 201)
    assert found(search(city, state="suspended")) == {food["identifier"]}
    assert found(search(city, "CON-1", state="valid")) == set()
    settle(city)
    looked = leaves(city, subject="operator-1", kind="console.searched")["leaves"]
    assert len(looked) >= 6
    for wrong in ({"type": "nothing"}, {"state": "expired"}):
        answer = city.client.post("/v1/console/searches", headers=city.person("operator-1"), json=wrong)
        problem(answer, 422)


def test_a_license_tells_its_life_newest_first_with_its_place_in_the_log(city: ServedCity) -> None:
    made = city.issue(FOOD, "CON-3")
    identifier = made["identifier"]
    shown = city.show(FOOD, identifier, city.catalog.type(FOOD).scenes[0].code)
    city.scan("officer-1", shown["code"])
    city.answer(city.move(identifier, "suspend", slug=FOOD), 201)
    settle(city)
    history = get(city, f"licenses/{identifier}", "auditor-1")
    kinds = [entry["kind"] for entry in history["entries"]]
    moments = [entry["at"] for entry in history["entries"]]
    assert moments == sorted(moments, reverse=True)
    assert {"license.issued", "move.suspend", "show.made", "scan.answered"} <= set(kinds)
    assert "license.suspended" not in kinds
    move = next(entry for entry in history["entries"] if entry["kind"] == "move.suspend")
    assert "示例决〔2026〕suspend号" in move["why"]
    assert "行政许可法" in move["why"]
    assert move["position"] > 0
    assert (history["license"]["state"], history["counts"]["scans"], history["counts"]["shows"]) == ("suspended", 1, 1)
    assert 0 < history["place"] <= history["size"]
    told = get(city, f"licenses/{identifier}")
    move = next(entry for entry in told["entries"] if entry["kind"] == "move.suspend")
    assert "示例决〔2026〕suspend号" in move["why"]
    assert "行政许可法" not in move["why"]
    settle(city)
    again = get(city, f"licenses/{identifier}", "auditor-1")
    readers = [entry["who"] for entry in again["entries"] if entry["kind"] == "console.read"]
    assert set(readers) == {"auditor-1", "operator-1"}
    get(city, "licenses/1.2.156.3005.2.NOTHING", status=404)


def park(city: ServedCity, parked_id: str) -> None:
    event = ParkedEvent(
        parked_id=parked_id,
        client_id=PLATFORM,
        sequence=1,
        headers={},
        body=b"{}",
        code="invalid_input",
        detail="x",
        state="parked",
        parked_at=city.service.deps.clock.now(),
    )
    with city.service.deps.uow() as tx:
        tx.parked.add(event)


def fail_one(city: ServedCity, business_no: str, code: str = "seal_unavailable") -> str:
    """A request that a worker could not finish, to be tried again in an hour."""
    body = city.body(FOOD, business_no)
    answer = city.client.post("/v1/issuances", headers=city.system(), json=body)
    request_id = str(city.answer(answer, 202)["request_id"])
    now = city.service.deps.clock.now()
    with city.service.deps.uow() as tx:
        held = tx.requests.claim(worker="w", token="t", now=now, lease_s=60)
        assert held is not None
        assert held.request.request_id == request_id
        later = now + timedelta(hours=1)
        assert tx.requests.fail(request_id, claim_token="t", code=code, detail="x", next_try_at=later, now=now)
    return request_id


def test_what_is_stuck_is_told_by_why_and_tried_again_by_an_operator(city: ServedCity) -> None:
    request_id = fail_one(city, "CON-4")
    park(city, "prk_1")
    stuck = get(city, "stuck", "auditor-1")
    (group,) = stuck["groups"]
    assert (group["reason"], group["count"], group["step"]) == ("seal_unavailable", 1, "retry")
    assert group["next"]
    assert [one["request_id"] for one in stuck["requests"]] == [request_id]
    assert [one["parked_id"] for one in stuck["parked"]] == ["prk_1"]
    assert stuck["reservations"] == []
    body = {"request_ids": [request_id]}
    post(city, "retries", body, "auditor-1", 403)
    post(city, "retries", {"request_ids": [request_id, "req_nothing"]}, status=404)
    assert city.drain() >= 0
    assert city.rows("SELECT state FROM requests") == [("failed",)]
    assert post(city, "retries", body, status=201) == {"retried": 1}
    city.drain()
    assert city.rows("SELECT state FROM requests") == [("issued",)]
    post(city, "retries", body, status=409)
    assert get(city, "stuck")["groups"] == []
    # Whatever is wrong with the event, an operator may try it, and is told why it still cannot be carried out.
    path = "/v1/parked-events/prk_1/replays"
    problem(city.client.post(path, headers=city.person("auditor-1")), 403)
    problem(city.client.post(path, headers=city.person("operator-1")), 415)
    listed = city.answer(city.client.get("/v1/parked-events", headers=city.person("operator-1")), 200)
    assert [one["parked_id"] for one in listed["events"]] == ["prk_1"]


def test_a_request_that_was_parked_after_its_last_try_is_issued_when_it_is_retried(small_city: ServedCity) -> None:
    city = small_city
    request_id = fail_one(city, "CON-9")
    city.execute(f"UPDATE requests SET attempts = {MAX_ATTEMPTS}")
    city.make_due()
    city.drain()
    (group,) = get(city, "stuck")["groups"]
    assert (group["reason"], group["retry"]) == ("too_many_attempts", True)
    assert group["why"] != why_of("a code without words").zh
    assert city.rows("SELECT state, attempts FROM requests") == [("failed", MAX_ATTEMPTS + 1)]
    assert post(city, "retries", {"request_ids": [request_id]}, status=201) == {"retried": 1}
    city.drain()
    assert city.rows("SELECT state FROM requests") == [("issued",)]
    settle(city)
    with city.service.deps.uow.read() as tx:
        (leaf,) = tx.log.about(request_id, beginnings=("issuance.retried",), limit=9)
    assert orjson.loads(leaf.details)["content"] == {"reason": "too_many_attempts", "attempts": MAX_ATTEMPTS + 1}


def test_what_must_be_cleared_up_first_is_not_retried(small_city: ServedCity) -> None:
    city = small_city
    request_id = fail_one(city, "CON-10", "integrity")
    (group,) = get(city, "stuck")["groups"]
    assert (group["reason"], group["retry"]) == ("integrity", False)
    refused = post(city, "retries", {"request_ids": [request_id]}, status=409)
    assert request_id in refused["detail"]
    city.drain()
    assert city.rows("SELECT state FROM requests") == [("failed",)]


def test_an_operator_is_not_told_what_its_holder_is_not_told_nor_who_the_holder_is(small_city: ServedCity) -> None:
    city = small_city
    deps = city.service.deps
    identifier = city.issue(FOOD, "CON-11")["identifier"]
    city.show(FOOD, identifier, city.catalog.type(FOOD).scenes[0].code)
    regulates(city)
    hidden = {
        "result_no": "JC-9",
        "identifier": identifier,
        "task": "双随机检查",
        "outcome": "passed",
        "checked_on": "2026-01-15",
        "restricted": True,
    }
    city.answer(city.client.post("/v1/inspection-results", headers=city.system(REGULATOR), json=hidden), 201)
    now = deps.clock.now()
    with deps.uow() as tx:
        for days in (-1, 1):
            content = {"withheld_until": (now + timedelta(days=days)).isoformat()}
            record(tx, deps, kind="fetch.given", subject=identifier, actor="police", content=content, at=now)
    settle(city)
    told, whole = (get(city, f"licenses/{identifier}", who) for who in ("operator-1", "auditor-1"))
    holder = city.shower_of(FOOD)
    for page, fetches, inspections, who in ((told, 1, 0, ""), (whole, 2, 1, holder)):
        kinds = [entry["kind"] for entry in page["entries"]]
        assert (kinds.count("fetch.given"), page["counts"]["fetches"]) == (fetches, fetches)
        assert kinds.count("inspection") == inspections
        assert [entry["who"] for entry in page["entries"] if entry["kind"] == "show.made"] == [who]
    assert holder not in [entry["who"] for entry in told["entries"]]
    assert "police" in [entry["who"] for entry in told["entries"]]


def test_what_was_refused_or_taken_back_is_counted_as_no_use(small_city: ServedCity) -> None:
    city = small_city
    identifier = city.issue(FOOD, "CON-15")["identifier"]
    kinds = ("fetch.given", "fetch.answered", "fetch.refused", "fetch.refused", "copy.given", "copy.withdrawn")
    with city.service.deps.uow() as tx:
        for kind in kinds:
            now = city.service.deps.clock.now()
            record(tx, city.service.deps, kind=kind, subject=identifier, actor="notary", content={}, at=now)
    settle(city)
    page = get(city, f"licenses/{identifier}", "auditor-1")
    assert (page["counts"]["fetches"], page["counts"]["copies"]) == (2, 1)
    told = {entry["kind"]: entry["zh"] for entry in page["entries"]}
    assert {told[kind] for kind in kinds}.isdisjoint(kinds), "each has words of its own"


def test_a_request_that_nobody_takes_is_told_after_a_while_alone(city: ServedCity) -> None:
    body = city.body(FOOD, "CON-5")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    assert get(city, "stuck")["groups"] == []
    city.execute("UPDATE requests SET updated_at = created_at")
    city.execute("UPDATE requests SET updated_at = '2020-01-01 00:00:00.000000'")
    (group,) = get(city, "stuck")["groups"]
    assert (group["reason"], group["count"]) == ("waits", 1)


def test_what_failed_and_what_was_not_begun_are_told_apart_by_what_is_done_next(small_city: ServedCity) -> None:
    city = small_city
    mended, looked_into = fail_one(city, "CON-12"), fail_one(city, "CON-13", "integrity")
    body = city.body(FOOD, "CON-14")
    waiting = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"]
    city.execute(f"UPDATE requests SET updated_at = '2020-01-01 00:00:00.000000' WHERE request_id = '{waiting}'")
    stuck = get(city, "stuck")
    assert {one["reason"]: one["step"] for one in stuck["groups"]} == {
        "seal_unavailable": "retry",
        "integrity": "clear_up",
        "waits": "start",
    }
    assert {one["request_id"]: one["step"] for one in stuck["requests"]} == {
        mended: "retry",
        looked_into: "clear_up",
        waiting: "start",
    }


def test_numbers_are_those_of_the_days_and_of_the_register(small_city: ServedCity) -> None:
    city = small_city
    made = city.issue(FOOD, "CON-6")
    city.answer(city.move(made["identifier"], "suspend", slug=FOOD), 201)
    today = local_day(city.service.deps.clock.now())
    counts = [
        DayCount(day=today, measure=Measure.ISSUED, department="a", type_slug=FOOD, about="", value=3),
        DayCount(day=today, measure=Measure.ISSUED, department="b", type_slug=FOOD, about="", value=2),
        DayCount(
            day=today - timedelta(days=3), measure=Measure.ISSUED, department="a", type_slug=FOOD, about="", value=1
        ),
        DayCount(day=today, measure=Measure.ACCEPTED, department="a", type_slug=FOOD, about="", value=10),
        DayCount(day=today, measure=Measure.REFUSED, department="a", type_slug=FOOD, about="", value=2),
        DayCount(day=today, measure=Measure.SEALED, department="a", type_slug=FOOD, about="", value=7),
        DayCount(day=today, measure=Measure.SCANNED, department="a", type_slug=FOOD, about="", value=4),
    ]
    with city.service.deps.uow() as tx:
        before = tx.day_counts.sums(first=today - timedelta(days=9), last=today, department="")
        tx.day_counts.add(counts)
    was = {measure: sum(one.value for one in before if one.measure == measure) for measure in Measure}
    charts = numbers(city, str(today - timedelta(days=9)), str(today))
    assert sum(one["value"] for one in charts["issued"]) == 6 + was[Measure.ISSUED]
    assert charts["sealed"] == 7 + was[Measure.SEALED]
    assert charts["to_seal"] == 8 + was[Measure.ACCEPTED] - was[Measure.REFUSED]
    assert {"key": "", "name": "", "value": 4} in charts["scenes"]
    states = {one["key"]: one["value"] for one in charts["states"]}
    assert states["suspended"] == 1
    narrow = numbers(city, str(today), str(today))
    assert sum(one["value"] for one in narrow["issued"]) == 5 + was[Measure.ISSUED]
    numbers(city, "2026-02-01", "2026-01-01", 422)
    numbers(city, "2020-01-01", "2026-01-01", 422)


def test_leaves_are_found_by_subject_kind_and_day_and_only_by_the_auditor(small_city: ServedCity) -> None:
    city = small_city
    made = city.issue(FOOD, "CON-7")
    settle(city)
    about = leaves(city, subject=made["identifier"])["leaves"]
    assert "license.issued" in {one["kind"] for one in about}
    page = leaves(city, kind="license.")
    assert {one["kind"] for one in page["leaves"]} <= {"license.issued", "license.noted", "license.due"}
    one = next(leaf for leaf in page["leaves"] if leaf["kind"] == "license.issued")
    assert page["size"] >= one["position"]
    proof = city.client.get("/v1/log/proofs/inclusion", params={"evidence_id": one["evidence_id"]}).json()
    assert proof["leaf_index"] == one["position"] - 1
    today = local_day(city.service.deps.clock.now())
    assert leaves(city, **{"from": str(today), "to": str(today)})["leaves"]
    for day in ("0001-01-01", "0001-01-02"):
        assert leaves(city, **{"from": day})["leaves"]
        assert leaves(city, to=day)["leaves"] == []
    assert leaves(city, **{"from": "9999-12-31"})["leaves"] == []
    assert leaves(city, to="9999-12-31")["leaves"]
    assert leaves(city, to=str(today - timedelta(days=1)))["leaves"] == []
    assert leaves(city, **{"from": str(today + timedelta(days=1))})["leaves"] == []
    # Page by page, each leaf once, down to the first.
    seen: list[int] = []
    before = 0
    while True:
        page = leaves(city, before=before)
        seen += [leaf["position"] for leaf in page["leaves"]]
        before = page["before"]
        if not before:
            break
    assert seen == list(range(seen[0], 0, -1))
    post(city, "leaves", {}, "operator-1", 403)
    families = tuple(one["key"] for one in page["kinds"])
    assert {"license.", "seal.", "console."} <= set(families)
    assert [kind for (kind,) in city.rows("SELECT DISTINCT kind FROM evidence") if not kind.startswith(families)] == []
    for wrong in ("nothing.", "license", "."):
        post(city, "leaves", {"kind": wrong}, "auditor-1", 422)


def test_leaves_about_one_thing_are_chosen_by_their_days_before_they_are_cut(small_city: ServedCity) -> None:
    city = small_city
    deps = city.service.deps
    now, many = deps.clock.now(), 600
    moments = [now] * 3 + [now + timedelta(days=2)] * many
    with deps.uow() as tx:
        for at in moments:
            record(tx, deps, kind="access.staff_set", subject="busy", actor="a", content={}, at=at)
    settle(city)
    today = str(local_day(now))
    page = leaves(city, subject="busy", kind="access.", to=today)
    assert (len(page["leaves"]), page["before"]) == (3, 0)
    seen: list[int] = []
    before = 0
    while True:
        page = leaves(city, subject="busy", before=before)
        seen += [leaf["position"] for leaf in page["leaves"]]
        before = page["before"]
        if not before:
            break
    assert len(seen) == len(set(seen)) == len(moments)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [300, pytest.param(FULL, marks=pytest.mark.slow)])
def test_every_view_answers_within_a_second_however_full_the_register_is(
    sqlite_url: str, make_city: Callable[..., ServedCity], size: int
) -> None:
    city = make_city(sqlite_url)
    fill(city, size)
    number = number_of(size // 2)
    today = str(local_day(city.service.deps.clock.now()))
    one = search(city, number)["licenses"][0]["identifier"]
    asked: dict[str, Callable[[], Any]] = {
        "newest": lambda: search(city),
        "by number": lambda: search(city, number),
        "by identifier": lambda: search(city, one),
        "by holder": lambda: search(city, holder_of(size // 2)),
        "by business number": lambda: search(city, BUSINESS_NO),
        "nothing": lambda: search(city, "NOTHING-AT-ALL"),
        "by state": lambda: search(city, state="revoked"),
        "by a state that none has": lambda: search(city, state="voided"),
        "license": lambda: get(city, f"licenses/{one}", "auditor-1"),
        "stuck": lambda: get(city, "stuck"),
        "charts": lambda: numbers(city, "2026-01-01", today),
        "leaves": lambda: leaves(city),
        "leaves of a kind": lambda: leaves(city, kind="trust."),
        "leaves of a day": lambda: leaves(city, **{"from": today, "to": today}),
    }
    took = {}
    for name, ask in asked.items():
        ask()
        begun = time.perf_counter()
        answer = ask()
        took[name] = time.perf_counter() - begun
        if name == "by holder":
            assert len(answer["licenses"]) == OF_A_HOLDER
    # An ordinary run proves the questions, on machines that do other things at the same time.
    assert max(took.values()) < (1 if size == FULL else 10), took
