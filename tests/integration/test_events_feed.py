"""Events in and out: content modes, a feed without gaps, one effect per event, and evidence that tells nothing."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import rfc8785
from fixtures_city import ServedCity
from test_bad_input import problem, vectors

from certsvc.delivery.consumers import holder_notices
from certsvc.delivery.loops import Loops
from certsvc.delivery.relay import Relay, deliver
from certsvc.delivery.sequencer import sequence_once

SLUG = "tour_guide"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
REQUESTS = 24


def read_on(city: ServedCity, *, limit: int, until: int) -> list[dict[str, Any]]:
    """Read the feed as a consumer does, page by page, while others write."""
    seen: list[dict[str, Any]] = []
    after, idle = 0, 0
    while len(seen) < until and idle < 2000:
        answer = city.client.get("/v1/events", params={"after": after, "limit": limit}, headers=city.system())
        page = city.answer(answer, 200)
        assert len(page["events"]) <= limit
        seen += page["events"]
        idle = 0 if page["events"] else idle + 1
        after = page["next"]
    return seen


def test_a_reader_that_pages_while_eight_write_misses_nothing_and_sees_nothing_twice(city: ServedCity) -> None:
    city.system()
    deps = city.service.deps
    stop = threading.Event()

    def ask(index: int) -> str:
        response = city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, f"F-{index}"))
        return str(city.answer(response, 202)["request_id"])

    def number() -> None:
        while not stop.wait(0.001):
            sequence_once(deps, owner="numberer")

    sequencer = threading.Thread(target=number)
    sequencer.start()
    try:
        with ThreadPoolExecutor(9) as pool:
            reader = pool.submit(read_on, city, limit=3, until=REQUESTS)
            requests = list(pool.map(ask, range(REQUESTS)))
            seen = reader.result()
    finally:
        stop.set()
        sequencer.join()
    assert [event["position"] for event in seen] == list(range(1, REQUESTS + 1))
    assert sorted(event["subject"] for event in seen) == sorted(requests)
    assert len({event["id"] for event in seen}) == REQUESTS


def test_workers_in_parallel_leave_positions_without_a_gap(city: ServedCity) -> None:
    total = 8
    for index in range(total):
        response = city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, f"W-{index}"))
        city.answer(response, 202)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: city.drain(), range(4)))
    city.drain()
    events = city.events()
    assert [event["position"] for event in events] == list(range(1, 2 * total + 1))
    assert Counter(event["type"].split(".")[-2] for event in events) == {"accepted": total, "issued": total}
    for limit in (1, 5, 500):
        assert read_on(city, limit=limit, until=2 * total) == events
    last = city.client.get("/v1/events", params={"after": 2 * total}, headers=city.system())
    assert city.answer(last, 200) == {"events": [], "next": 2 * total}
    numbers = [int(row[0][-6:]) for row in _numbers(city)]
    assert sorted(numbers) == list(range(1, total + 1))
    assert city.rows("SELECT count(*), count(DISTINCT request_id) FROM licenses") == [(total, total)]


def test_a_process_that_stops_in_good_order_hands_over_at_once(city: ServedCity) -> None:
    """Its leases are gone with it: the next owner numbers and relays without waiting for them to run out."""
    city.system()
    first = Loops(city.service.deps, name="first", lease_s=60)
    first.start(workers=1, relay=True)
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, "H-1")), 202)
    read_on(city, limit=10, until=2)
    assert city.rows("SELECT DISTINCT owner FROM leases") == [("first",)]
    assert sequence_once(city.service.deps, owner="second") == 0
    first.stop()
    assert city.rows("SELECT count(*) FROM leases") == [(0,)]
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=city.body(SLUG, "H-2")), 202)
    assert sequence_once(city.service.deps, owner="second") > 0


def _numbers(city: ServedCity) -> list[tuple[str]]:
    requests = city.rows("SELECT request_id FROM requests")
    answers = [city.client.get(f"/v1/issuances/{row[0]}", headers=city.system()) for row in requests]
    return [(city.answer(answer, 200)["number"],) for answer in answers]


def test_every_event_out_is_a_cloudevent_without_personal_data(small_city: ServedCity) -> None:
    done = small_city.issue("road_transport_worker", "C-1")
    small_city.answer(small_city.move(done["identifier"], "revoke", slug="road_transport_worker"), 201)
    small_city.drain()
    sample = small_city.catalog.sample("road_transport_worker")
    events = small_city.events()
    assert len(events) == 3
    for event in events:
        assert set(event) - {"position"} == {
            "specversion",
            "id",
            "source",
            "type",
            "subject",
            "time",
            "datacontenttype",
            "dataschema",
            "data",
        }
        assert event["specversion"] == "1.0"
        assert event["time"].endswith("Z")
        for secret in (sample["holder_name"], sample["holder_code"], sample["data"]["address"]):
            assert secret not in json.dumps(event, ensure_ascii=False)


def test_a_consumer_that_is_handed_an_event_twice_writes_one_notice(city: ServedCity) -> None:
    done = city.issue(SLUG, "N-1")
    deps = city.service.deps
    assert city.rows("SELECT count(*) FROM notices") == [(1,)]
    with deps.uow.read() as tx:
        events = tx.outbox.after(0, limit=10)
    issued = next(event for event in events if event.subject == done["identifier"])
    for _ in range(3):
        deliver(deps, holder_notices.NAME, holder_notices.handle, [issued])
    assert city.rows("SELECT count(*) FROM notices") == [(1,)]
    deliver(deps, "another-consumer", holder_notices.handle, [issued])
    assert city.rows("SELECT count(*) FROM notices") == [(2,)], "each consumer has an inbox of its own"


def test_a_relay_set_back_to_the_beginning_repeats_no_effect(city: ServedCity) -> None:
    city.issue(SLUG, "N-1")
    city.issue(SLUG, "N-2")
    with city.service.deps.uow() as tx:
        tx.outbox.advance(holder_notices.NAME, position=0)
    assert Relay(city.service.deps, owner="test").once() == 4
    assert city.rows("SELECT count(*) FROM notices") == [(2,)]


def test_a_consumer_that_breaks_leaves_neither_effect_nor_mark_and_is_tried_again(city: ServedCity) -> None:
    city.issue(SLUG, "N-1")
    deps = city.service.deps
    with deps.uow.read() as tx:
        events = tx.outbox.after(0, limit=10)
    calls = 0

    def breaks_once(deps: Any, tx: Any, events: Any) -> None:
        nonlocal calls
        calls += 1
        holder_notices.handle(deps, tx, events)
        if calls == 1:
            raise ValueError("after the effect")

    issued = next(event for event in events if event.type.endswith("license.issued.v1"))
    with pytest.raises(ValueError, match="after the effect"):
        deliver(deps, "fragile", breaks_once, [issued])
    assert city.rows("SELECT count(*) FROM notices") == [(1,)]
    assert city.rows("SELECT count(*) FROM inbox WHERE consumer = 'fragile'") == [(0,)]
    deliver(deps, "fragile", breaks_once, [issued])
    assert city.rows("SELECT count(*) FROM notices") == [(2,)]


def test_evidence_leaves_can_be_made_again_from_salt_and_details_and_tell_nothing(city: ServedCity) -> None:
    done = city.issue("road_transport_worker", "L-1")
    holder = city.holder_of("road_transport_worker")
    shown = city.show("road_transport_worker", done["identifier"], "road_inspection")
    city.scan(city.officer_of("road_transport_worker"), shown["code"])
    city.answer(city.move(done["identifier"], "revoke", slug="road_transport_worker"), 201)
    city.drain()
    with city.service.deps.uow.read() as tx:
        rows = tx.outbox.evidence_after(0, limit=1000)
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    kinds = {row.kind for row in rows}
    assert kinds >= {
        "issuance.accepted",
        "license.issued",
        "seal.used",
        "show.made",
        "scan.answered",
        "license.revoked",
    }
    sample = city.catalog.sample("road_transport_worker")
    secrets = [sample["holder_name"], sample["holder_code"], sample["data"]["address"], holder, done["identifier"]]
    for row in rows:
        details = json.loads(row.details)
        assert rfc8785.dumps(details) == row.details
        digest = {
            "subject": hashlib.sha256(row.salt + details["subject"].encode()).hexdigest(),
            "actor": hashlib.sha256(row.salt + details["actor"].encode()).hexdigest(),
            "content": hashlib.sha256(row.salt + rfc8785.dumps(details["content"])).hexdigest(),
        }
        at = row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        leaf = {"v": 1, "id": row.evidence_id, "kind": row.kind, "at": at, **digest}
        assert json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode() == row.leaf
        assert len(row.salt) == 16
        assert not [secret for secret in secrets if secret.encode() in row.leaf]
        personal = [sample["holder_name"], sample["holder_code"], sample["data"]["address"]]
        assert not [secret for secret in personal if secret.encode() in row.details]
    assert len({row.salt for row in rows}) == len(rows)
    stored = city.rows("SELECT leaf, details FROM evidence")
    assert not [row for row in stored for secret in secrets if secret.encode() in bytes(row[0]) + bytes(row[1])]


def send(city: ServedCity, content: Any, media: str, **headers: str) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    given = {**city.system(), "Content-Type": media, **headers}
    return city.client.post("/v1/events", headers=given, content=body)


def binary(city: ServedCity, event: dict[str, Any], media: str = "application/json") -> Any:
    names = ("specversion", "id", "source", "type")
    return send(city, event["data"], media, **{f"ce-{name}": event[name] for name in names})


def test_the_three_content_modes_carry_the_same_event(city: ServedCity) -> None:
    event = city.event("e 1/%2F", city.body(SLUG, "M-1"))
    first = city.answer(send(city, event, STRUCTURED), 202)
    assert city.answer(send(city, event, STRUCTURED + "; charset=utf-8"), 202) == first
    batch = city.answer(send(city, [event, event], BATCH), 202)["results"]
    assert batch == [first, first]
    encoded = {**event, "id": "e%201/%252F"}  # the HTTP binding percent-encodes header values (§3.1.3.2)
    assert city.answer(binary(city, encoded), 202) == first
    assert city.answer(binary(city, encoded, "application/json; charset=utf-8"), 202) == first
    assert city.rows("SELECT count(*) FROM requests") == [(1,)]


def test_a_batch_answers_each_event_by_itself(small_city: ServedCity) -> None:
    good = small_city.event("b-1", small_city.body(SLUG, "B-1"))
    bad = small_city.event("b-2", {**small_city.body(SLUG, "B-2"), "colour": "red"})
    unknown = {**small_city.event("b-3", {}), "type": "com.example.someevent"}
    results = small_city.answer(send(small_city, [good, bad, unknown], BATCH), 202)["results"]
    assert [result["status"] for result in results] == [202, 422, 422]
    assert results[1]["errors"][0]["pointer"] == "/data/colour"
    assert results[2]["errors"][0]["pointer"] == "/type"
    assert small_city.rows("SELECT business_no FROM requests") == [("B-1",)]
    assert small_city.answer(send(small_city, [], BATCH), 202) == {"results": []}
    assert problem(send(small_city, [good] * 101, BATCH), 413)["code"] == "too_large"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"specversion": "0.3"}, "/specversion"),
        ({"specversion": None}, "/specversion"),
        ({"id": None}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": 5}, "/id"),
        ({"id": "a\x00"}, "/id"),
        ({"id": "x" * 257}, "/id"),
        ({"source": None}, "/source"),
        ({"type": None}, "/type"),
        ({"type": "com.example.someevent"}, "/type"),
        ({"subject": ["a"]}, "/subject"),
        ({"data": None}, "/data"),
        ({"data": "text"}, "/data"),
        ({"data_base64": "e30="}, "/data_base64"),
    ],
)
def test_an_event_with_a_fault_is_refused_by_its_attribute(
    small_city: ServedCity, changes: dict[str, Any], pointer: str
) -> None:
    event = {**small_city.event("x-1", small_city.body(SLUG, "X-1")), **changes}
    event = {key: value for key, value in event.items() if value is not None}
    found = problem(send(small_city, event, STRUCTURED), 422)
    assert pointer in [item["pointer"] for item in found["errors"]]
    assert small_city.rows("SELECT count(*) FROM requests") == [(0,)]


def conformance_requests() -> list[tuple[dict[str, str], bytes]]:
    """Headers and body of every HTTP request of the published conformance scenarios, for each of their examples."""
    feature = (
        vectors("cloudevents-conformance").joinpath("features", "http-protocol-binding.feature").read_text("utf-8")
    )
    found = []
    for scenario in feature.split("Scenario Outline:")[1:]:
        raw = scenario.split('"""')[1]
        lines = [line.strip() for line in raw.strip().splitlines()]
        blank = lines.index("")
        headers = dict(line.split(": ", 1) for line in lines[1:blank])
        body = "\n".join(lines[blank + 1 :]).encode()
        types = [
            line.strip(" |") for line in scenario.split("Examples:")[1].splitlines() if line.strip().startswith("|")
        ]
        for media in types[1:]:
            kept = {k: v for k, v in headers.items() if k not in {"Host", "Content-Length"}}
            found.append(({**kept, "Content-Type": media}, body))
    return found


def test_the_requests_of_the_conformance_suite_are_read_as_events(small_city: ServedCity) -> None:
    """They are read whole, and refused for one reason only: nobody here handles their type."""
    requests = conformance_requests()
    assert len(requests) == 4
    for headers, body in requests:
        response = small_city.client.post("/v1/events", headers={**small_city.system(), **headers}, content=body)
        found = problem(response, 422)
        assert [item["pointer"] for item in found["errors"]] == ["/type"], (headers, found)
