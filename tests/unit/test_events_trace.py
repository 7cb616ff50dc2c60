"""The caller's trace: what is one, what is ignored, and that an event belongs to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from certsvc.delivery.jetstream import message_of
from certsvc.events.cloudevents import JSON, STRUCTURED, read_events
from certsvc.events.payloads import LicenseScanned
from certsvc.events.trace import MAX_LENGTH, current_trace, read_traceparent, trace_id, tracing

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The example of the standard, §3.2."""


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (TRACE, TRACE),
        ("cc" + TRACE[2:] + "-what-comes-later", TRACE),
        (TRACE + "-more", ""),
        ("ff" + TRACE[2:], ""),
        (TRACE.upper(), ""),
        (TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), ""),
        (TRACE.replace("b7ad6b7169203331", "0" * 16), ""),
        (TRACE[:-1], ""),
        ("cc" + TRACE[2:] + "-" + "x" * MAX_LENGTH, ""),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_what_the_standard_has_ignored_is_no_trace(sent: object, kept: str) -> None:
    assert read_traceparent(sent) == kept


def test_an_event_belongs_to_the_trace_in_which_it_is_made() -> None:
    payload = LicenseScanned(
        identifier="x", license_type="t", authority_code="a", code_kind="show", outcome="ok", origin="issued"
    )

    def made() -> dict[str, object]:
        return payload.event(event_id="evt", source="urn:x", subject="x", at=datetime.now(UTC)).cloudevent()

    with tracing(TRACE):
        with tracing(""):
            assert current_trace() == TRACE, "no trace of its own: the outer one goes on"
        event = payload.event(event_id="evt", source="urn:x", subject="x", at=datetime.now(UTC))
    assert event.cloudevent()["traceparent"] == TRACE
    assert message_of(event, "certsvc").headers["traceparent"] == TRACE
    assert trace_id(TRACE) == "0af7651916cd43dd8448eb211c80319c"
    assert "traceparent" not in made()


def test_an_incoming_event_brings_its_trace() -> None:
    head = {"specversion": "1.0", "id": "1", "source": "urn:x", "type": "t"}

    (one,), _ = read_events({"content-type": STRUCTURED}, json.dumps({**head, "traceparent": TRACE}).encode())
    binary = {f"ce-{name}": value for name, value in head.items()} | {"content-type": JSON, "ce-traceparent": TRACE}
    (other,), _ = read_events(binary, b"{}")
    (bad,), _ = read_events({"content-type": STRUCTURED}, json.dumps({**head, "traceparent": ["x"]}).encode())
    assert (one.traceparent, other.traceparent, bad.traceparent) == (TRACE, TRACE, "")
