"""Spans over HTTP, the broker, workers and webhooks, as a collector of OTLP gets them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nats
import orjson
import pytest
from fixtures_city import ServedCity
from nats_process import NatsProcess
from span_collector import Collector, collecting
from webhook_receivers import Receiver, receiving

from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.delivery.receiver import Receiver as BrokerReceiver
from certsvc.delivery.telemetry import TIMEOUT_S
from certsvc.delivery.webhooks import send_due
from certsvc.events.cloudevents import STRUCTURED
from certsvc.events.payloads import REQUESTED_ISSUANCE
from certsvc.settings import Settings

SLUG = "tour_guide"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID, PARENT_ID = TRACE[3:35], TRACE[36:52]
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
TOKEN = "collector-token-of-a-test"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def traced(
    sqlite_url: str, make_city: Callable[..., ServedCity], collector: Collector, hook: Receiver, tmp_path: Path
) -> Callable[..., ServedCity]:
    """Makes a city whose spans come to ``collector``, and which may call ``hook``."""
    token = tmp_path / "token"
    token.write_text(TOKEN)

    def make(**changes: Any) -> ServedCity:
        settings = {"traces_url": collector.url, "traces_token_file": token, "egress_allowed": (hook.base,), **changes}
        return make_city(sqlite_url, **settings)

    return make


def issue(city: ServedCity, business_no: str, **headers: str) -> None:
    body = city.body(SLUG, business_no)
    answer = city.client.post("/v1/issuances", headers={**city.system(), **headers}, json=body)
    city.answer(answer, 202)


def flush(city: ServedCity) -> None:
    city.service.deps.tracer.close()


def test_a_request_is_followed_from_http_over_the_worker_to_its_webhook(
    traced: Callable[..., ServedCity], collector: Collector, hook: Receiver
) -> None:
    city = traced()
    wish = {"url": hook.url, "types": ["*"]}
    city.answer(city.client.post("/v1/webhooks", headers=city.system(), json=wish), 201)
    issue(city, "S-1", traceparent=TRACE)
    issue(city, "S-2")
    city.drain()
    send_due(city.service.deps)
    city.client.get("/v1/licenses/unknown-1", headers=city.system())
    flush(city)

    served = [one for one in collector.named("POST /v1/issuances") if one.trace_id == TRACE_ID]
    assert [(one.kind, one.parent_id, one.words["http.response.status_code"]) for one in served] == [
        (SERVER, PARENT_ID, 202)
    ]
    [made] = [one for one in collector.named("issue.license") if one.trace_id == TRACE_ID]
    assert (made.kind, made.parent_id, made.words["certsvc.outcome"]) == (CONSUMER, served[0].span_id, "issued")
    [batch] = collector.named("issue.batch")
    assert batch.words["certsvc.requests"] == 2
    assert TRACE_ID in batch.links
    for stage in ("plan", "draw", "seal", "check", "store", "read_back", "register"):
        assert [one.parent_id for one in collector.named(f"issue.{stage}")] == [batch.span_id]

    [issued] = [
        one for one in city.events() if one["type"].endswith("issued.v1") and one["data"]["business_no"] == "S-1"
    ]
    assert issued["traceparent"].startswith(made.traceparent)
    [sent] = [one for one in hook.got if one.event["id"] == issued["id"]]
    [called] = [one for one in collector.named("webhook.send") if one.span_id == sent.headers["traceparent"][36:52]]
    assert (called.kind, called.trace_id, called.parent_id) == (CLIENT, TRACE_ID, made.span_id)
    assert (called.words["http.response.status_code"], called.failed) == (204, False)
    # A request that brought no trace is the root of its own.
    [other] = [one for one in collector.named("issue.license") if one.trace_id != TRACE_ID]
    [root] = [one for one in collector.named("POST /v1/issuances") if one.trace_id == other.trace_id]
    assert (root.parent_id, other.parent_id) == ("", root.span_id)
    assert collector.tokens == {f"Bearer {TOKEN}"}


def test_spans_name_nobody(traced: Callable[..., ServedCity], collector: Collector) -> None:
    city = traced()
    done = city.issue(SLUG, "S-SECRET-1")
    sample = city.catalog.sample(SLUG)
    path = f"/v1/licenses/{done['identifier']}?q={sample['holder_code']}"
    city.answer(city.client.get(path, headers=city.system()), 200)
    shown = city.show(SLUG, done["identifier"], city.catalog.type(SLUG).scenes[0].code)
    city.scan("officer-1", shown["code"])
    flush(city)
    assert {"GET /v1/licenses/{identifier}", "POST /v1/scans", "desk.scan"} <= {one.name for one in collector.spans()}
    told = b"".join(collector.bodies)
    personal = [sample["holder_name"], sample["holder_code"], done["identifier"], shown["code"], "S-SECRET-1"]
    assert [value for value in personal if value.encode() in told] == []


def test_what_fails_is_red_and_quotes_nothing(traced: Callable[..., ServedCity], collector: Collector) -> None:
    city = traced()
    issue(city, "S-BAD")
    city.execute("UPDATE seals SET state = 'stopped'")
    city.drain()
    flush(city)
    [failed] = collector.named("issue.license")
    assert (failed.failed, failed.words["certsvc.outcome"]) == (True, "failed")
    [request] = city.rows("SELECT state, reason_code FROM requests")
    assert request == ("failed", failed.words["error.type"])


def test_a_message_is_followed_over_the_broker(traced: Callable[..., ServedCity], collector: Collector) -> None:
    server = NatsProcess()
    try:
        server.start()
        city = traced(nats_servers=(server.url,), nats_prefix="spans")
        broker = city.service.broker
        assert broker is not None
        broker.take(1)
        event = {"specversion": "1.0", "id": "e-1", "source": "urn:test", "type": REQUESTED_ISSUANCE}
        body = orjson.dumps({**event, "data": city.body(SLUG, "B-1")})
        send(server, f"spans.in.{PLATFORM}", body, {"content-type": STRUCTURED, "traceparent": TRACE})
        receiver = BrokerReceiver(city.service.deps, broker, owner="test")
        while receiver.once():
            pass
        city.drain()
        flush(city)
        published = read(server, "spans-events")
    finally:
        server.close()
    [taken] = collector.named("event.take")
    assert (taken.kind, taken.trace_id, taken.parent_id) == (CONSUMER, TRACE_ID, PARENT_ID)
    [made] = collector.named("issue.license")
    assert (made.trace_id, made.parent_id) == (TRACE_ID, taken.span_id)
    carried = collector.named("relay.jetstream")
    assert carried
    assert {one.kind for one in carried} == {PRODUCER}
    assert TRACE_ID in {link for one in carried for link in one.links}
    assert {one["traceparent"][3:52] for one in published if one["type"].endswith("issued.v1")} == {
        made.traceparent[3:]
    }


def test_strangers_do_not_decide_what_is_recorded(traced: Callable[..., ServedCity], collector: Collector) -> None:
    city = traced(traces_ratio=0)
    issue(city, "R-1", traceparent=TRACE)
    city.drain()
    flush(city)
    assert collector.bodies == []
    assert {one["traceparent"][3:35] for one in city.events()} == {TRACE_ID}, "the trace itself goes on"


def test_a_caller_may_keep_its_trace_out(traced: Callable[..., ServedCity], collector: Collector) -> None:
    city = traced()
    issue(city, "R-2", traceparent=TRACE.removesuffix("01") + "00")
    issue(city, "R-3")
    flush(city)
    assert len(collector.named("POST /v1/issuances")) == 1
    assert TRACE_ID not in {one.trace_id for one in collector.spans()}


def test_a_dead_collector_holds_up_nobody(traced: Callable[..., ServedCity], collector: Collector) -> None:
    city = traced(traces_url="http://127.0.0.1:9/v1/traces")
    done = city.issue(SLUG, "D-1")
    assert done["state"] == "issued"
    begun = time.monotonic()
    flush(city)
    assert time.monotonic() - begun < TIMEOUT_S + 20


def test_a_token_goes_over_https_alone_in_production(tmp_path: Path) -> None:
    given: dict[str, Any] = {"master_key_file": tmp_path / "master.key", "var_dir": tmp_path / "var"}
    given["traces_token_file"] = tmp_path / "token"
    Settings(**given, traces_url="https://collector.example/v1/traces")
    with pytest.raises(ValueError, match="https"):
        Settings(**given, traces_url="http://collector.example/v1/traces")
    with pytest.raises(ValueError, match="OTLP"):
        Settings(traces_url="collector:4318")


def send(server: NatsProcess, subject: str, body: bytes, headers: dict[str, str]) -> None:
    async def publish() -> None:
        client = await nats.connect(server.url)
        try:
            await client.jetstream().publish(subject, body, headers=headers)
        finally:
            await client.close()

    asyncio.run(publish())


def read(server: NatsProcess, stream: str) -> list[dict[str, Any]]:
    async def read_all() -> list[dict[str, Any]]:
        client = await nats.connect(server.url)
        try:
            context = client.jetstream()
            state = (await context.stream_info(stream)).state
            found = [await context.get_msg(stream, number) for number in range(state.first_seq, state.last_seq + 1)]
        finally:
            await client.close()
        return [json.loads(one.data or b"{}") for one in found]

    return asyncio.run(read_all())
