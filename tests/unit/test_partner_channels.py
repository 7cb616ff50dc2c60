"""The channel to another city's register: text from outside, bounded in time and size, and never a pass by accident."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing_pages import NOW

from certsvc.clock import SystemClock, rfc3339
from certsvc.delivery.partners import FAILED_FOR, MAX_ANSWER_BYTES, PartnerChannels
from certsvc.seal.partner_answer import MAX_TEXT, PartnerAnswer, read_answer
from certsvc.seal.trust_list import RecognisedType, Recognition

DIGEST = "ab" * 32
LICENSE = {"type": "t", "type_name": "证", "state": "valid", "identifier": "x"}
GOOD = {"indication": "TOTAL-PASSED", "registry_match": "exact", "license": LICENSE}


class Register(BaseHTTPRequestHandler):
    """Answers every question with one body, and keeps the questions."""

    def do_POST(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
        self.send_response(server.status)
        if server.status == 302:
            self.send_header("Location", server.location)
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def register(body: bytes, *, status: int = 200, location: str = "") -> Iterator[tuple[str, list[Any]]]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Register)
    server.seen, server.body, server.status, server.location = [], body, status, location
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.seen
    finally:
        server.shutdown()
        server.server_close()


def at(channel: str) -> Recognition:
    return Recognition(
        partner="a",
        name="示例甲市",
        anchors=("0" * 64,),
        types=(RecognisedType(code="t", slug="*", title="证"),),
        channel=channel,
        effective_from=NOW,
    )


def ask(channel: str, channels: PartnerChannels | None = None, **how: Any) -> PartnerAnswer | None:
    return (channels or PartnerChannels()).ask(at(channel), DIGEST, how.get("at"), how.get("now", NOW))


def test_the_question_is_the_digest_and_the_moment_and_nothing_of_the_file() -> None:
    with register(json.dumps(GOOD).encode()) as (url, seen):
        answer = ask(f"{url}/base")
        assert answer is not None
        assert (answer.passed, answer.known, answer.type_code, answer.state) == (True, True, "t", "valid")
        assert ask(f"{url}/base", at=NOW) is not None
        assert seen == [
            ("/base/v1/verifications", {"sha256": DIGEST}),
            ("/base/v1/verifications", {"sha256": DIGEST, "at": rfc3339(NOW)}),
        ]


@pytest.mark.parametrize("status", [204, 301, 400, 404, 422, 429, 500, 503])
def test_an_answer_of_another_status_is_none(status: int) -> None:
    with register(json.dumps(GOOD).encode(), status=status) as (url, _):
        assert ask(url) is None


def test_a_redirect_is_not_followed() -> None:
    with register(json.dumps(GOOD).encode()) as (there, seen), register(b"", status=302, location=there) as (url, _):
        assert ask(url) is None
        assert seen == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b"[" * 60_000,
        b'{"indication": "PASSED"}',
        b'{"indication": "TOTAL-PASSED", "registry_match": "exact"}',
        b'{"indication": "TOTAL-PASSED", "registry_match": "exact", "license": []}',
        b'{"indication": "TOTAL-PASSED", "registry_match": "exact", "license": {"state": 3}}',
        json.dumps(GOOD | {"license": LICENSE | {"state": "x" * (MAX_TEXT + 1)}}).encode(),
        json.dumps(GOOD | {"more": "x" * MAX_ANSWER_BYTES}).encode(),
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_an_answer_that_cannot_be_read_is_none(body: bytes) -> None:
    with register(body) as (url, _):
        assert ask(url) is None


def test_a_document_that_is_no_license_there_is_not_known_and_no_failure_of_the_channel() -> None:
    stamped = read_answer({"indication": "TOTAL-PASSED", "registry_match": "exact", "license": None})
    assert stamped == PartnerAnswer(passed=False, known=False)


def test_a_silent_partner_costs_the_time_limit_once() -> None:
    clock = SystemClock()
    channels = PartnerChannels(timeout_s=0.5)
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun = clock.monotonic()
        assert ask(url, channels) is None
        assert clock.monotonic() - begun < 3
        begun = clock.monotonic()
        for _ in range(20):
            assert ask(url, channels) is None
        assert clock.monotonic() - begun < 0.2, "it is left alone for some seconds"


def test_a_good_answer_is_never_kept_and_a_failure_only_for_some_seconds() -> None:
    channels = PartnerChannels()
    with register(json.dumps(GOOD).encode()) as (url, seen):
        for _ in range(3):
            assert ask(url, channels) is not None
        assert len(seen) == 3
    assert ask(url, channels) is None
    port = int(url.rsplit(":", 1)[1])
    server: Any = ThreadingHTTPServer(("127.0.0.1", port), Register)
    server.seen, server.body, server.status = [], json.dumps(GOOD).encode(), 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert ask(url, channels, now=NOW + FAILED_FOR - timedelta(microseconds=1)) is None
        assert ask(url, channels, now=NOW + FAILED_FOR) is not None
    finally:
        server.shutdown()
        server.server_close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "indication": st.sampled_from(["TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE", "passed", None]),
            "registry_match": st.sampled_from(["exact", "none", "EXACT", None]),
            "license": json_values | st.just(LICENSE),
        },
    )
    | json_values
)
def test_only_an_exact_match_that_passed_is_known_and_passed(value: Any) -> None:
    try:
        answer = read_answer(value)
    except ValueError:
        return
    assert answer.known == (value.get("registry_match") == "exact" and value["license"] is not None)
    if answer.passed:
        assert value["indication"] == "TOTAL-PASSED"
        assert answer.known
