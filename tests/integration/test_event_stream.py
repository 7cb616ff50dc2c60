"""The feed as a stream, from a server that listens: nothing is missed, nothing is held, everything ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

import anyio
import httpx
import pytest
from fixtures_city import ServedCity, lay_keys, sandbox_settings
from starlette.types import Message
from store_records import make_event
from test_bad_input import problem

from certsvc.api import event_stream
from certsvc.api.event_stream import MAX_PER_CALLER, EventStreams, StreamLimits
from certsvc.app import Service, build
from certsvc.cli.demo import serving
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.commands.ports import Principal
from certsvc.delivery.sequencer import sequence_once

WAIT_S = 60.0
AT_ONCE_S = 10.0
"""Far below a heartbeat, with which a stream that nobody wakes would look again."""


@dataclass
class Streaming:
    """A listening server and its service."""

    base: str
    city: ServedCity
    numbers: Iterator[int]
    streams: EventStreams

    @property
    def service(self) -> Service:
        return self.city.service

    def add(self, count: int = 1) -> None:
        """Put events into the feed."""
        with self.service.deps.uow() as tx:
            for _ in range(count):
                tx.outbox.add(make_event(next(self.numbers)))
        while sequence_once(self.service.deps, owner="test"):
            pass

    def end(self) -> int:
        with self.service.deps.uow.read() as tx:
            return tx.feed.end()


@dataclass
class Reading:
    """What one reader has got, line by line, in a thread of its own."""

    lines: list[str] = field(default_factory=list)
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    broken: bool = False

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line.removeprefix("data: ")) for line in list(self.lines) if line.startswith("data: ")]

    def positions(self) -> list[int]:
        return [int(event["position"]) for event in self.events()]

    def last_id(self) -> str:
        return next(line.removeprefix("id: ") for line in reversed(self.lines) if line.startswith("id: "))

    def until(self, count: int) -> list[int]:
        """Wait for so many events."""
        deadline = time.monotonic() + WAIT_S
        while len(self.positions()) < count and time.monotonic() < deadline and not self.over.is_set():
            time.sleep(0.01)
        return self.positions()

    def begun(self) -> None:
        """Wait for the first frame."""
        deadline = time.monotonic() + WAIT_S
        while not any(line.startswith("id: ") for line in list(self.lines)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.lines


@contextmanager
def reading(streaming: Streaming, *, last_event_id: str = "", **asked: Any) -> Iterator[Reading]:
    """A reader; it lets go at the end of the block, as one does whose line is cut."""
    found = Reading()
    headers = streaming.city.system() | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    connection = http.client.HTTPConnection(streaming.base.removeprefix("http://"), timeout=30)
    connection.connect()
    line = connection.sock

    def read() -> None:
        try:
            connection.request("GET", f"/v1/events/stream?{urlencode(asked)}", headers=headers)
            response = connection.getresponse()
            found.status, found.headers = response.status, {k.lower(): v for k, v in response.getheaders()}
            while raw := response.readline():
                found.lines.append(raw.decode().rstrip("\n"))
        except (http.client.HTTPException, ValueError, OSError):
            found.broken = True
        finally:
            found.over.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        found.begun()
        yield found
    finally:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        thread.join(WAIT_S)
        connection.close()


@contextmanager
def listening(service: Service, **limits: Any) -> Iterator[tuple[str, EventStreams]]:
    """A server over a service, its streams with limits of their own; it stops at the end of the block."""
    app = service.application()
    streams = app.state.streams = EventStreams(service.deps, StreamLimits(**limits))
    with serving(cast("Service", SimpleNamespace(application=lambda: app))) as base:
        yield base, streams


@contextmanager
def with_streams(streaming: Streaming, **limits: Any) -> Iterator[Streaming]:
    """Another server over the same service."""
    with listening(streaming.service, **limits) as (base, streams):
        yield Streaming(base, streaming.city, streaming.numbers, streams)


@pytest.fixture(scope="module")
def streaming_module(
    city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Streaming]:
    var = tmp_path_factory.mktemp("stream") / "var"
    lay_keys(city_keys, var)
    shutil.copyfile(sqlite_template, var / "stream.sqlite3")
    settings = sandbox_settings(var, f"sqlite:///{var / 'stream.sqlite3'}")
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with listening(service) as (base, streams), httpx.Client(base_url=base, timeout=30) as client:
            city = ServedCity(
                client=client,
                out=var,
                secrets=dict(parties.secrets),
                people=parties.people,
                catalog=service.deps.catalog,
                anchor=settings.keys / "trust",
                service=service,
            )
            yield Streaming(base, city, iter(range(1, 1_000_000)), streams)
    finally:
        service.close()


@pytest.fixture
def streaming(streaming_module: Streaming) -> Streaming:
    return streaming_module


def test_events_come_as_they_happen_in_the_form_of_the_feed(streaming: Streaming) -> None:
    streaming.add(3)
    before = streaming.end()
    with reading(streaming) as one:
        assert one.status == 200
        assert one.headers["content-type"].startswith("text/event-stream")
        assert one.headers["cache-control"] == "no-store"
        assert one.last_id() == str(before), "who comes again before anything happened misses nothing"
        assert one.events() == []
        began = time.monotonic()
        streaming.add(2)
        assert one.until(2) == [before + 1, before + 2]
        assert time.monotonic() - began < AT_ONCE_S
        assert one.last_id() == str(before + 2)
        headers = streaming.city.system()
        page = streaming.city.client.get("/v1/events", params={"after": before}, headers=headers)
        assert one.events() == page.json()["events"]


def test_a_reader_that_comes_again_misses_nothing_and_sees_nothing_twice(streaming: Streaming) -> None:
    before, total = streaming.end(), 300
    seen: list[int] = []
    stop = threading.Event()

    def write() -> None:
        for _ in range(total // 5):
            streaming.add(5)
        stop.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        last, breaks = str(before), 0
        while len(seen) < total and breaks < 200:
            with reading(streaming, last_event_id=last) as one:
                seen += one.until(min(1 + breaks % 40, total - len(seen)))
                last = str(seen[-1]) if seen else last
            breaks += 1
        writing.result()
    assert breaks > 1, "the reader came again"
    assert seen == list(range(before + 1, before + total + 1))


def test_after_and_last_event_id_say_where_to_begin(streaming: Streaming) -> None:
    streaming.add(250)
    end = streaming.end()
    with reading(streaming, after=0) as one, reading(streaming, after=end - 2) as two:
        assert one.until(end) == list(range(1, end + 1))
        assert two.until(2) == [end - 1, end]
        streaming.add(1)
        assert one.until(end + 1)[-1] == two.until(3)[-1] == end + 1
    with reading(streaming, after=0, last_event_id=str(end - 1)) as one:
        assert one.until(2) == [end, end + 1]
    client, headers = streaming.city.client, streaming.city.system()
    problem(client.get("/v1/events/stream", headers={**headers, "Last-Event-ID": "abc"}), 422)
    problem(client.get("/v1/events/stream", headers=headers, params={"after": -1}), 422)
    problem(client.get("/v1/events/stream"), 401)
    problem(client.get("/v1/events/stream", headers=streaming.city.person("officer-1")), 403)


def test_one_caller_has_so_many_streams_and_gets_them_back(streaming: Streaming) -> None:
    client, headers = streaming.city.client, streaming.city.system()
    with contextlib.ExitStack() as opened:
        for _ in range(MAX_PER_CALLER):
            opened.enter_context(reading(streaming))
        found = problem(client.get("/v1/events/stream", headers=headers), 429)
        assert "事件流" in found["detail"]
    streams = streaming.streams
    deadline = time.monotonic() + WAIT_S
    while streams.open and time.monotonic() < deadline:
        time.sleep(0.02)
    assert streams.open == 0
    with reading(streaming) as again:
        assert again.status == 200


def test_silence_is_broken_by_comments_and_a_client_that_lost_its_role_is_let_go(streaming: Streaming) -> None:
    city = streaming.city
    with with_streams(streaming, heartbeat_s=0.1) as quick, reading(quick) as one:
        deadline = time.monotonic() + WAIT_S
        while len([line for line in list(one.lines) if line.startswith(":")]) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len([line for line in one.lines if line.startswith(":")]) >= 2
        assert not one.over.is_set()
        kept = city.rows(f"SELECT roles FROM clients WHERE client_id = '{PLATFORM}'")[0][0]
        city.execute(f"UPDATE clients SET roles = '[\"using\"]' WHERE client_id = '{PLATFORM}'")
        try:
            assert one.over.wait(WAIT_S)
        finally:
            city.execute(f"UPDATE clients SET roles = '{kept}' WHERE client_id = '{PLATFORM}'")
        assert not one.broken, "the answer ends as a whole"


def test_a_client_that_lost_its_role_is_let_go_while_events_come_without_a_pause(streaming: Streaming) -> None:
    city = streaming.city
    kept = city.rows(f"SELECT roles FROM clients WHERE client_id = '{PLATFORM}'")[0][0]
    with with_streams(streaming, heartbeat_s=3.0) as quick, reading(quick) as one:
        city.execute(f"UPDATE clients SET roles = '[\"using\"]' WHERE client_id = '{PLATFORM}'")
        try:
            deadline = time.monotonic() + WAIT_S
            while not one.over.is_set() and time.monotonic() < deadline:
                streaming.add(1)
                time.sleep(0.1)
        finally:
            city.execute(f"UPDATE clients SET roles = '{kept}' WHERE client_id = '{PLATFORM}'")
    assert one.over.is_set()
    assert not [line for line in one.lines if line.startswith(":")], "it was never silent for so long"


def test_a_stream_ends_after_its_time_and_when_the_server_stops(streaming: Streaming) -> None:
    with with_streams(streaming, lifetime_s=0.3) as short, reading(short) as one:
        assert one.over.wait(WAIT_S)
        assert not one.broken
    opened = contextlib.ExitStack()
    with with_streams(streaming) as other:
        readers = [opened.enter_context(reading(other)) for _ in range(3)]
        began = time.monotonic()
    took = time.monotonic() - began
    assert took < AT_ONCE_S, "a server that stops does not wait for streams"
    for found in readers:
        assert found.over.wait(WAIT_S)
        assert not found.broken
    opened.close()


def test_idle_streams_hold_no_thread_and_no_connection(streaming: Streaming) -> None:
    with with_streams(streaming, per_caller=60, streams=60) as other, contextlib.ExitStack() as opened:
        for _ in range(60):
            opened.enter_context(reading(other))
        full = httpx.get(f"{other.base}/v1/events/stream", headers=streaming.city.person("auditor-1"))
        assert problem(full, 503)["code"] == "unavailable"
        time.sleep(0.5)
        # Forty threads answer everything: were one held per stream, nothing else would be answered now.
        names = [thread.name for thread in threading.enumerate() if "AnyIO" in thread.name]
        assert len(names) < 45
        began = time.monotonic()
        with httpx.Client(base_url=other.base, timeout=WAIT_S) as client:
            answers = [client.get("/v1/catalog/types").status_code for _ in range(3)]
        assert answers == [200] * 3
        assert time.monotonic() - began < WAIT_S
        reading_engine = streaming.service.store._engines[-1]
        assert reading_engine.pool.checkedout() <= 1  # type: ignore[attr-defined]


def test_a_reader_that_does_not_read_is_let_go(streaming: Streaming) -> None:
    """Straight to the response, since the buffers of two sockets hold more than a feed of tests."""
    caller = Principal(subject="slow", kind="system", roles=frozenset({roles.EVENTS}))
    token = streaming.city.system()["Authorization"].removeprefix("Bearer ")
    streams = EventStreams(streaming.service.deps, StreamLimits(send_s=0.2))
    sent: list[str] = []

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if len(sent) > 1:
            await anyio.sleep_forever()

    async def run() -> None:
        streams.enter(caller)
        response = event_stream._Stream(streams, caller, streams.frames(caller, token, 0))
        with anyio.fail_after(WAIT_S):
            await response({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    anyio.run(run)
    assert sent == ["http.response.start", "http.response.body"]
    assert streams.open == 0
