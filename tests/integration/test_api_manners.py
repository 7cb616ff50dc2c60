"""Manners of the API: the caller's trace, what is left of the rate, and decisions on what was read (If-Match)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
from fixtures_city import ServedCity

from certsvc.clock import FixedClock
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.issuance.take_message import take_message
from certsvc.events.cloudevents import STRUCTURED
from certsvc.events.payloads import REQUESTED_ISSUANCE

SLUG = "food_operation"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OTHER = TRACE.replace("0af7", "1af7")
POLICY = re.compile(r'"caller";q=([0-9]+);w=60')
LEFT = re.compile(r'"caller";r=([0-9]+);t=([0-9]+)')


def test_what_a_request_leads_to_belongs_to_its_trace(city: ServedCity) -> None:
    def accept(business_no: str, **headers: str) -> None:
        body = city.body(SLUG, business_no)
        answer = city.client.post("/v1/issuances", headers={**city.system(), **headers}, json=body)
        city.answer(answer, 202)

    accept("T-1", traceparent=TRACE)
    accept("T-2", traceparent=OTHER)
    accept("T-3")
    city.drain()  # all in one batch
    traces = {(event["data"].get("business_no"), event.get("traceparent")) for event in city.events()}
    assert traces == {("T-1", TRACE), ("T-2", OTHER), ("T-3", None)}
    identifier = next(event["subject"] for event in city.events() if event["type"].endswith("license.issued.v1"))
    city.client.headers["traceparent"] = OTHER
    try:
        city.answer(city.move(identifier, "revoke", slug=SLUG), 201)
    finally:
        del city.client.headers["traceparent"]
    city.drain()
    (revoked,) = [event for event in city.events() if event["type"].endswith("license.revoked.v1")]
    assert revoked["traceparent"] == OTHER


def test_an_event_over_the_broker_brings_its_trace_or_that_of_its_message(small_city: ServedCity) -> None:
    city = small_city

    def take(business_no: str, **own: str) -> None:
        event = {"specversion": "1.0", "id": business_no, "source": "urn:test", "type": REQUESTED_ISSUANCE, **own}
        body = orjson.dumps({**event, "data": city.body(SLUG, business_no)})
        headers = {"content-type": STRUCTURED, "traceparent": OTHER}
        assert take_message(city.service.deps, PLATFORM, headers, body, sequence=1, tries=1) is None

    take("N-1", traceparent=TRACE)
    take("N-2")
    city.drain()
    traces = {(event["data"].get("business_no"), event.get("traceparent")) for event in city.events()}
    assert traces == {("N-1", TRACE), ("N-2", OTHER)}


def test_an_answer_says_what_is_left_and_a_refusal_when_to_come_again(
    sqlite_url: str, make_city: Callable[..., ServedCity]
) -> None:
    clock = FixedClock(datetime.now(UTC))
    city = make_city(sqlite_url, clock=clock, rate_limit_per_minute=5)
    headers = city.system()
    left = []
    for _ in range(3):
        answer = city.client.get("/v1/events", headers=headers)
        assert POLICY.fullmatch(answer.headers["ratelimit-policy"])
        found = LEFT.fullmatch(answer.headers["ratelimit"])
        assert found is not None
        left.append((int(found[1]), int(found[2])))
        clock.advance(timedelta(seconds=10))
    assert left == [(4, 60), (3, 50), (2, 40)]
    for _ in range(2):
        city.client.get("/v1/events", headers=headers)
    refused = city.client.get("/v1/events", headers=headers)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    assert city.client.get("/v1/events", headers=headers).status_code == 200


def test_a_decision_on_what_was_read_meets_no_later_state(small_city: ServedCity) -> None:
    city = small_city
    identifier = city.issue(SLUG, "IM-1")["identifier"]
    path = f"/v1/licenses/{identifier}"
    read = city.client.get(path, headers=city.system()).headers["etag"]

    def decide(move: str, if_match: str) -> tuple[int, str]:
        city.client.headers["if-match"] = if_match
        try:
            answer = city.move(identifier, move, slug=SLUG)
        finally:
            del city.client.headers["if-match"]
        return answer.status_code, answer.headers.get("etag", "") or answer.json()["code"]

    status, now = decide("suspend", f'"99", {read}')
    assert (status, now != read) == (201, True)
    assert now == city.client.get(path, headers=city.system()).headers["etag"]
    assert decide("revoke", read) == (412, "precondition_failed")
    assert decide("revoke", f"W/{now}") == (412, "precondition_failed"), "strong comparison"
    assert decide("suspend", read) == (201, now), "the same decision again is the same move"
    assert decide("revoke", "*")[0] == 201
