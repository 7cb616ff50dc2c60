"""What an inspection made without network carries: visit, outcome, pictures; each taken once, and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from test_bad_input import problem
from test_queued_inspections import Beat, listening, on_the_beat, told
from test_visits import TASK, asked, badge_of, call, colleague_of, png, read, send_picture

from certsvc.clock import local_day


@pytest.fixture
def beat(make_city: Callable[..., ServedCity], database_url: str) -> Beat:
    return on_the_beat(make_city, database_url)


@pytest.fixture
def small_beat(make_city: Callable[..., ServedCity], sqlite_url: str) -> Beat:
    return on_the_beat(make_city, sqlite_url)


def visit_of(beat: Beat, **changes: Any) -> str:
    body = asked(beat.city, beat.officer.subject, **changes)
    return str(beat.city.answer(call(beat.city, beat.officer.subject, "/v1/visits", body), 201)["visit_id"])


def close(beat: Beat, visit_id: str) -> None:
    beat.city.answer(call(beat.city, beat.officer.subject, f"/v1/visits/{visit_id}/close"), 201)


def said(beat: Beat, outcome: str = "rectify", days: int = 15, note: str = "台账不全") -> dict[str, Any]:
    due = str(local_day(beat.clock.now()) + timedelta(days=days)) if outcome == "rectify" else None
    return {"outcome": outcome, "due_on": due, "note": note}


def history(beat: Beat) -> list[dict[str, Any]]:
    return list(read(beat.city, beat.officer.subject, "/v1/inspections")["records"])


def test_the_visit_the_outcome_and_the_picture_arrive_once(beat: Beat) -> None:
    city, officer = beat.city, beat.officer.subject
    visit_id = visit_of(beat, second_badge=colleague_of(city, officer), task_kind="special")
    when = beat.clock.now().isoformat().replace("+00:00", "Z")
    record = beat.record(1, visit_id=visit_id, outcome=said(beat))
    close(beat, visit_id)
    beat.later(timedelta(days=2))
    with ThreadPoolExecutor(8) as pool:
        answers = [one for (one,) in pool.map(lambda _: beat.officer.send(record), range(8))]
    assert Counter(one["state"] for one in answers) == {"recorded": 1, "repeated": 7}
    assert {tuple(flag["code"] for flag in one["flags"]) for one in answers} == {()}
    for _ in range(2):
        city.answer(send_picture(city, officer, answers[0]["scan_id"], png()), 201)
    [row] = history(beat)
    assert (row["visit_id"], row["task_kind_zh"], row["task_no"]) == (visit_id, "专项检查", TASK)
    assert (row["badge"], row["code_kind"], row["at"]) == (badge_of(city, officer), "offline", when)
    [kept] = row["records"]
    assert {name: kept[name] for name in ("outcome", "due_on", "note")} == record["outcome"]
    assert (kept["seq"], kept["at"], kept["badge"]) == (0, when, badge_of(city, officer))
    assert len(row["pictures"]) == 1
    [visit] = city.answer(city.client.get("/v1/wallet/visits", headers=city.person(beat.shower.subject)), 200)
    assert (visit["visit_id"], len(visit["badges"])) == (visit_id, 2)
    city.drain()
    told_of = [one["data"] for one in city.events() if one["type"].endswith("inspection.recorded.v1")]
    assert [(one["visit_id"], one["outcome"], one["due_on"]) for one in told_of] == [
        (visit_id, "rectify", record["outcome"]["due_on"])
    ]
    # It can be corrected as any other, and is no other record for that.
    body = {**said(beat, "qualified"), "seq": 1, "reason": "当场已改正"}
    city.answer(call(city, officer, f"/v1/scans/{row['scan_id']}/corrections", body), 201)
    assert beat.officer.send(record)[0]["state"] == "repeated"
    assert [one["outcome"] for one in history(beat)[0]["records"]] == ["rectify", "qualified"]


def test_the_same_number_with_another_outcome_is_refused(small_beat: Beat) -> None:
    record = small_beat.record(1, outcome=said(small_beat, "qualified"))
    (first,) = small_beat.officer.send(record)
    changed = [
        {**record, "outcome": {**record["outcome"], "note": "另一件事"}},
        {**record, "outcome": said(small_beat, "filed")},
        {name: value for name, value in record.items() if name != "outcome"},
        {**record, "visit_id": "vis_0123456789ABC"},
    ]
    assert told(small_beat.officer.send(*changed)) == [("refused", "record_id_reused", "", [])] * 4
    assert told([first]) == [("recorded", "ok", "ok", [])]
    [row] = history(small_beat)
    assert [(one["outcome"], one["note"]) for one in row["records"]] == [("qualified", "台账不全")]


def test_what_cannot_be_taken_is_refused_alone_and_leaves_nothing(small_beat: Beat) -> None:
    beat = small_beat
    nobody = beat.record(5, code="ELC1:" + "0" * 300, outcome=said(beat, "filed"))
    records = [
        beat.record(1, outcome=said(beat, days=-1)),
        beat.record(2, outcome=said(beat, days=367)),
        beat.record(3, outcome={"outcome": "qualified", "due_on": "2999-01-01"}),
        beat.record(4, outcome={"outcome": "pardoned"}),
        nobody,
        nobody,
        beat.record(6, outcome={"outcome": "qualified", "note": "x" * 501}),
        beat.record(7, outcome={"outcome": "qualified", "note": "一\n二"}),
        beat.record(8, visit_id="no visit"),
        beat.record(9, outcome=said(beat, days=0)),
        beat.record(10, outcome=None),
    ]
    assert told(beat.officer.send(*records)) == [
        ("refused", "bad_outcome", "", []),
        ("refused", "bad_outcome", "", []),
        ("refused", "bad_outcome", "", []),
        ("refused", "unreadable", "", []),
        ("refused", "no_license", "", []),
        ("refused", "no_license", "", []),
        ("refused", "unreadable", "", []),
        ("refused", "unreadable", "", []),
        ("refused", "unreadable", "", []),
        ("recorded", "ok", "ok", []),
        ("recorded", "ok", "ok", []),
    ]
    assert beat.city.rows("SELECT count(*) FROM scans") == [(2,)]
    assert beat.city.rows("SELECT count(*) FROM inspection_records") == [(2,)]
    assert beat.city.rows("SELECT count(*) FROM inspections") == [(1,)]


def test_the_day_is_judged_by_that_of_the_inspection(small_beat: Beat) -> None:
    record = small_beat.record(1, outcome=said(small_beat, days=1))
    small_beat.later(timedelta(days=5))
    assert told(small_beat.officer.send(record)) == [("recorded", "ok", "ok", [])]


def test_a_visit_in_which_the_officer_was_not_is_flagged_and_not_recorded(small_beat: Beat) -> None:
    beat, city = small_beat, small_beat.city
    early = beat.record(1)
    beat.later(timedelta(minutes=10))
    visit_id = visit_of(beat)
    beat.later(timedelta(minutes=10))
    within = beat.record(2, visit_id=visit_id, outcome=said(beat, "qualified"))
    beat.later(timedelta(minutes=10))
    close(beat, visit_id)
    beat.later(timedelta(minutes=10))
    late = beat.record(3, visit_id=visit_id, outcome=said(beat, "filed"))
    stranger = city.officer_of("food_operation")
    other = city.answer(call(city, stranger, "/v1/visits", asked(city, stranger)), 201)["visit_id"]
    foreign = beat.record(4, visit_id=other)
    nowhere = beat.record(5, visit_id="vis_0123456789ABC")
    answers = beat.officer.send({**early, "visit_id": visit_id}, within, late, foreign, nowhere)
    flagged = ("recorded", "ok", "ok", ["not_in_visit"])
    assert told(answers) == [flagged, ("recorded", "ok", "ok", []), flagged, flagged, flagged]
    visits = {row["scan_id"]: (row["visit_id"], len(row["records"])) for row in history(beat)}
    assert [visits[one["scan_id"]] for one in answers] == [("", 0), (visit_id, 1), ("", 1), ("", 0), ("", 0)]


def test_a_badge_that_was_ended_before_the_inspection_is_in_no_visit(small_beat: Beat) -> None:
    beat, city = small_beat, small_beat.city
    visit_id = visit_of(beat)
    good = beat.record(1, visit_id=visit_id)
    badge = badge_of(city, beat.officer.subject)
    ended = local_day(beat.clock.now()) - timedelta(days=1)
    with city.service.deps.uow() as tx:
        assert tx.officers.end(badge, day=ended)
    assert told(beat.officer.send(good)) == [("recorded", "ok", "ok", ["not_in_visit"])]


def test_only_officers_say_what_came_of_it_and_only_by_their_own_device(small_beat: Beat) -> None:
    beat, city = small_beat, small_beat.city
    record = beat.record(1, outcome=said(beat, "qualified"))
    stolen = type(beat.officer)(city, city.officer_of("food_operation"), device_id=beat.officer.device_id)
    assert problem(stolen.deliver(record), 404)["code"] == "not_found"
    clerk = type(beat.officer)(city, "clerk-1", kind="officer").enrol()
    assert told(clerk.send(record, beat.record(2))) == [
        ("refused", "not_officer", "", []),
        ("recorded", "ok", "ok", []),
    ]
    assert city.rows("SELECT count(*) FROM inspections") == [(0,)]


@pytest.mark.parametrize("broken", ["INSERT INTO scans", "INSERT INTO inspections", "INSERT INTO evidence"])
def test_a_batch_that_broke_off_left_no_outcome(beat: Beat, broken: str) -> None:
    visit_id = visit_of(beat)
    records = [beat.record(n, visit_id=visit_id, outcome=said(beat, "qualified")) for n in range(3)]

    def cut(*args: Any) -> None:
        if str(args[2]).startswith(broken):
            message = "cut off"
            raise OSError(message)

    with listening(beat.city, cut):
        assert beat.officer.deliver(*records).status_code >= 500
    for table in ("scans", "inspection_records", "inspections"):
        assert beat.city.rows(f"SELECT count(*) FROM {table}") == [(0,)]
    assert [one["state"] for one in beat.officer.send(*records)] == ["recorded"] * 3
    assert [(row["visit_id"], len(row["records"])) for row in history(beat)] == [(visit_id, 1)] * 3
