"""Who is not let in leaves a line in the log: what, where, when, from which network, and nothing of a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from fixtures_city import ServedCity
from test_redaction import _finest

from certsvc.api.rate import RateLimiter
from certsvc.clock import FixedClock
from certsvc.errors import RateLimited

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def lines(captured: str, action: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in captured.splitlines() if line.startswith("{")]
    return [line for line in found if line.get("action") == action]


def test_a_failed_sign_in_and_a_role_that_is_not_enough_are_logged(
    shared_city: ServedCity, capfd: pytest.CaptureFixture[str]
) -> None:
    client = shared_city.client
    begun = datetime.now(UTC)
    person = shared_city.person("auditor-1")
    with _finest():
        traced = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert client.get("/v1/me", headers={"authorization": "Bearer no-token", **traced}).status_code == 401
        form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "wrong-planted"}
        assert client.post("/v1/oauth/token", data=form).status_code == 401
        assert client.get("/v1/wallet", headers=person).status_code == 403
    issued = "SELECT count(*) FROM evidence WHERE kind = 'access.token_issued'"
    [(before,)] = shared_city.rows(issued)
    name, secret = next(iter(shared_city.secrets.items()))
    good = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    assert client.post("/v1/oauth/token", data=good).status_code == 200
    assert shared_city.rows(issued) == [(before + 1,)], "what succeeded is in the evidence"
    written = "".join(capfd.readouterr())
    refused = lines(written, "access.refused")
    told = [(line["status"], line["method"], line["route"]) for line in refused]
    assert (401, "GET", "/v1/me") in told
    assert (401, "POST", "/v1/oauth/token") in told
    assert (403, "GET", "/v1/wallet") in told
    [traced_line] = [line for line in refused if line["route"] == "/v1/me"]
    assert traced_line["trace_id"] == TRACE
    for line in refused:
        at = datetime.fromisoformat(line["timestamp"])
        assert at.utcoffset() == timedelta(0), "the zone is written, and it is UTC"
        assert abs(at - begun) < timedelta(minutes=2)
        assert {"reason", "network", "level"} <= line.keys()
    assert "wrong-planted" not in written
    assert "no-token" not in written


def test_of_an_address_the_log_has_the_network_alone(
    shared_city: ServedCity, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for address, network in (("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::5", "2001:db8:1::/48"), ("?", "")):
        monkeypatch.setattr("certsvc.api.proxies.client_address", lambda _, found=address: found)
        with _finest():
            assert shared_city.client.get("/v1/me").status_code == 401
        written = "".join(capfd.readouterr())
        [line] = lines(written, "access.refused")
        assert line["network"] == network
        assert address == "?" or address not in written


def test_calls_over_the_rate_are_logged_once_in_a_window(capfd: pytest.CaptureFixture[str]) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    limiter = RateLimiter(clock, per_minute=10)
    with _finest():
        for _ in range(10):
            limiter.count("subject:somebody")
        for _ in range(5):
            with pytest.raises(RateLimited):
                limiter.count("subject:somebody")
        limiter.count_guess("203.0.113.77")
        for _ in range(2):
            with pytest.raises(RateLimited):
                limiter.count_guess("203.0.113.77")
    written = "".join(capfd.readouterr())
    assert [line["counted"] for line in lines(written, "access.rate_limited")] == ["subject", "guess"]
    assert "somebody" not in written
    assert "203.0.113.77" not in written


def test_what_is_logged_cannot_begin_a_line_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    planted = 'x\n{"action":"access.granted","level":"info"}\r\n\u2028\u2029\x85\x00\x1b[31m\u202e'
    with _finest():
        structlog.get_logger("certsvc.test").info(planted, action="test.line", given=planted, many=[planted])
    written = "".join(capfd.readouterr())
    [line] = [one for one in written.splitlines() if "test.line" in one]
    assert not lines(written, "access.granted")
    assert json.loads(line)["action"] == "test.line"
    assert line.isprintable(), "no control character, no other end of a line, nothing that turns the reading round"
