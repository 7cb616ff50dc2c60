"""Inspections made without network: taken once whatever happens on the way, judged as of then and now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from offline_city import CarriedPhone, holders_phone, officers_phone
from offline_phone import Phone
from sqlalchemy import event
from test_bad_input import problem

from certsvc.clock import FixedClock, SystemClock, rfc3339
from certsvc.license.inspections import MAX_RECORDS

SLUG = "tour_guide"


@contextmanager
def listening(city: ServedCity, heard: Callable[..., None]) -> Iterator[None]:
    """Every statement of the city's store, and of no other: services of other tests may run in this process."""
    engines = city.service.store._engines
    for engine in engines:
        event.listen(engine, "before_cursor_execute", heard)
    try:
        yield
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", heard)


@dataclass
class Beat:
    """A city, a license, its holder's phone, an officer's device, and a clock."""

    city: ServedCity
    clock: FixedClock
    identifier: str
    shower: CarriedPhone
    officer: CarriedPhone
    core: bytes

    def record(self, n: int, **changes: Any) -> dict[str, Any]:
        """What the device noted just now."""
        made: datetime = changes.pop("made", self.clock.now())
        return {
            "record_id": f"record-{n:016d}",
            "made_at": rfc3339(made),
            "code": self.shower.phone.code(self.core, made.timestamp()),
            "decided": {"light": "green", "reason": "ok_offline"},
            "identity_checked": True,
            **changes,
        }

    def later(self, by: timedelta) -> None:
        """Time passes; everybody signs in again."""
        self.clock.advance(by)
        self.city.tokens.clear()

    def uses(self) -> list[dict[str, Any]]:
        """The scans in 谁用过我的证."""
        headers = self.city.person(self.shower.subject)
        found = self.city.answer(self.city.client.get("/v1/wallet/uses", headers=headers), 200)
        return [use for use in found if use["kind"] == "scan"]


@pytest.fixture
def beat(make_city: Callable[..., ServedCity], database_url: str) -> Beat:
    return on_the_beat(make_city, database_url)


@pytest.fixture
def small_beat(make_city: Callable[..., ServedCity], sqlite_url: str) -> Beat:
    return on_the_beat(make_city, sqlite_url)


def on_the_beat(make_city: Callable[..., ServedCity], url: str) -> Beat:
    clock = FixedClock(SystemClock().now().replace(microsecond=0))
    city = make_city(url, clock=clock)
    identifier = city.issue(SLUG, "S-1")["identifier"]
    shower = holders_phone(city, SLUG)
    return Beat(city, clock, identifier, shower, officers_phone(city, SLUG), shower.core(identifier))


def told(records: list[dict[str, Any]]) -> list[tuple[str, str, str, list[str]]]:
    return [
        (
            one["state"],
            one["then"]["code"] if one["then"] else one["code"],
            one["now"]["code"] if one["now"] else "",
            [flag["code"] for flag in one["flags"]],
        )
        for one in records
    ]


def test_a_record_is_taken_once_and_the_holder_sees_it_at_its_time(beat: Beat) -> None:
    record = beat.record(1)
    made = beat.clock.now()
    beat.later(timedelta(hours=3))
    (first,) = beat.officer.send(record)
    assert told([first]) == [("recorded", "ok", "ok", [])]
    (again,) = beat.officer.send(record)
    assert again == {**first, "state": "repeated"}
    (use,) = beat.uses()
    assert (use["identifier"], use["outcome"], use["fields"]) == (beat.identifier, "ok", [])
    assert use["at"] == made.isoformat().replace("+00:00", "Z")
    page = beat.city.client.get("/v1/uses", headers=beat.city.person(beat.shower.subject))
    [listed] = [one for one in beat.city.answer(page, 200)["uses"] if one["kind"] == "scan"]
    assert (listed["use_id"], listed["code_kind"], listed["at"]) == (first["scan_id"], "offline", use["at"])
    assert (listed["basis"], listed["outcome"], listed["disputable"]) == ("own", "ok", True)
    rows = beat.city.answer(beat.city.client.get("/v1/scans", headers=beat.city.person(beat.officer.subject)), 200)
    assert [(row["scan_id"], row["code_kind"]) for row in rows] == [(first["scan_id"], "offline")]
    beat.city.drain()
    scanned = [one for one in beat.city.events() if one["type"].endswith("license.scanned.v1")]
    assert [one["data"]["code_kind"] for one in scanned] == ["offline"]


def test_what_changed_meanwhile_is_told(beat: Beat) -> None:
    good = beat.record(1)
    beat.later(timedelta(minutes=10))
    beat.city.answer(beat.city.move(beat.identifier, "suspend", slug=SLUG), 201)
    beat.later(timedelta(minutes=10))
    wrong = beat.record(2)
    told_so = beat.record(3, decided={"light": "red", "reason": "not_in_force"})
    beat.later(timedelta(minutes=10))
    assert told(beat.officer.send(good, wrong, told_so)) == [
        ("recorded", "ok", "license_suspended", ["ended_meanwhile"]),
        ("recorded", "license_suspended", "license_suspended", ["decided_otherwise"]),
        ("recorded", "license_suspended", "license_suspended", []),
    ]
    late = beat.record(4)
    beat.later(timedelta(minutes=1))
    beat.city.answer(beat.city.move(beat.identifier, "resume", slug=SLUG), 201)
    beat.later(timedelta(minutes=1))
    assert told(beat.officer.send(late)) == [
        ("recorded", "license_suspended", "ok", ["good_meanwhile", "decided_otherwise"])
    ]


def test_a_bad_record_keeps_no_other_from_being_taken(beat: Beat) -> None:
    now = beat.clock.now()
    first = beat.record(1)
    records: list[Any] = [
        first,
        {"record_id": "record-without-the-rest"},
        beat.record(2, record_id="short"),
        beat.record(3, made=now - timedelta(days=30, seconds=1)),
        beat.record(4, code="https://evil.example/s/x"),
        beat.record(5, code="ELC1:" + "0" * 300),
        beat.record(6, code=Phone().code(beat.core, now.timestamp())),
        beat.record(7, made_at=rfc3339(now + timedelta(hours=2))),
        first,
        {**first, "identity_checked": False},
        beat.record(8, made_at="yesterday"),
        beat.record(9, decided={"light": "g" * 65, "reason": ""}),
        beat.record(10, code="x" * 5000),
        beat.record(11, decided={"light": "green\u0000", "reason": "ok"}),
        beat.record(12, made_at="9999-12-31T23:59:59-12:00"),
        beat.record(13, made_at="0001-01-01T00:00:00+12:00"),
        beat.record(14, code="ELC1:\u0000é漢"),
    ]
    otherwise = ["decided_otherwise"]
    assert told(beat.officer.send(*records)) == [
        ("recorded", "ok", "ok", []),
        ("refused", "unreadable", "", []),
        ("refused", "bad_record_id", "", []),
        ("refused", "too_old", "", []),
        ("recorded", "not_ours", "not_ours", otherwise),
        ("recorded", "code_unknown", "code_unknown", otherwise),
        ("recorded", "code_device_wrong", "code_device_wrong", otherwise),
        ("recorded", "ok", "ok", ["clock_ahead"]),
        ("repeated", "ok", "ok", []),
        ("refused", "record_id_reused", "", []),
        ("refused", "unreadable", "", []),
        ("refused", "bad_decision", "", []),
        ("recorded", "not_ours", "not_ours", otherwise),
        ("refused", "bad_decision", "", []),
        ("refused", "bad_time", "", []),
        ("refused", "too_old", "", []),
        ("recorded", "code_unknown", "code_unknown", otherwise),
    ]
    assert beat.city.rows("SELECT count(*) FROM scans") == [(7,)]
    assert beat.city.rows("SELECT count(*) FROM inspection_records") == [(7,)]
    assert len(beat.uses()) == 2


def test_a_blocked_device_delivers_and_its_records_say_so(beat: Beat) -> None:
    before = beat.record(1)
    beat.later(timedelta(minutes=5))
    beat.city.answer(beat.officer.block(), 200)
    beat.later(timedelta(minutes=5))
    assert told(beat.officer.send(before, beat.record(2))) == [
        ("recorded", "ok", "ok", ["received_after_block"]),
        ("recorded", "ok", "ok", ["after_block"]),
    ]


def test_a_code_of_a_phone_that_was_lost_before_the_inspection(small_beat: Beat) -> None:
    before = small_beat.record(1)
    small_beat.later(timedelta(minutes=5))
    small_beat.city.answer(small_beat.shower.block(), 200)
    small_beat.later(timedelta(minutes=5))
    assert told(small_beat.officer.send(before, small_beat.record(2))) == [
        ("recorded", "ok", "ok", []),
        ("recorded", "device_blocked", "device_blocked", ["decided_otherwise"]),
    ]


def test_only_the_officers_own_device_and_so_many_records(small_beat: Beat) -> None:
    record = small_beat.record(1)
    for subject in ("clerk-1", small_beat.city.officer_of("food_operation")):
        stolen = CarriedPhone(small_beat.city, subject, device_id=small_beat.officer.device_id)
        assert problem(stolen.deliver(record), 404)["code"] == "not_found"
    assert problem(small_beat.officer.deliver(), 422)["code"] == "invalid_input"
    assert problem(small_beat.officer.deliver(*[record] * (MAX_RECORDS + 1)), 422)["code"] == "invalid_input"
    assert small_beat.city.rows("SELECT count(*) FROM scans") == [(0,)]


def test_the_same_batch_at_the_same_time_is_taken_once(beat: Beat) -> None:
    records = [beat.record(n) for n in range(5)]
    beat.city.person(beat.officer.subject)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: beat.officer.send(*records), range(8)))
    states = Counter(one["state"] for answer in answers for one in answer)
    assert states == {"recorded": 5, "repeated": 35}
    assert {tuple(one["scan_id"] for one in answer) for answer in answers} == {
        tuple(one["scan_id"] for one in answers[0])
    }
    assert beat.city.rows("SELECT count(*) FROM scans") == [(5,)]


@pytest.mark.parametrize("broken", ["INSERT INTO inspection_records", "INSERT INTO scans", "INSERT INTO evidence"])
def test_a_batch_that_broke_off_left_nothing_and_is_taken_when_it_is_sent_again(beat: Beat, broken: str) -> None:
    records = [beat.record(n) for n in range(3)]

    def cut(*args: Any) -> None:
        if str(args[2]).startswith(broken):
            message = "cut off"
            raise OSError(message)

    with listening(beat.city, cut):
        assert beat.officer.deliver(*records).status_code >= 500
    assert beat.city.rows("SELECT count(*) FROM scans") == [(0,)]
    assert beat.city.rows("SELECT count(*) FROM inspection_records") == [(0,)]
    assert [one["state"] for one in beat.officer.send(*records)] == ["recorded"] * 3
    assert len(beat.uses()) == 3


def test_a_large_batch_costs_no_query_per_record(small_beat: Beat) -> None:
    counts: dict[int, int] = {}
    for size in (2, 40):
        records = [small_beat.record(1000 * size + n) for n in range(size)]
        small_beat.officer.send(small_beat.record(1000 * size + 999))
        seen: list[str] = []

        def note(*args: Any, seen: list[str] = seen) -> None:
            seen.append(str(args[2]))

        with listening(small_beat.city, note):
            assert {one["state"] for one in small_beat.officer.send(*records)} == {"recorded"}
        counts[size] = len([one for one in seen if not one.startswith("INSERT INTO events")])
    assert counts[40] == counts[2] <= 30
