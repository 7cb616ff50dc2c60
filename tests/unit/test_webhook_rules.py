"""The schedule, the rests, what a subscription wants, and the signature, each by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook
from store_records import make_event
from test_bad_input import vectors
from webhook_records import WHSEC, make_subscription

from certsvc.events.envelope import PREFIX
from certsvc.events.standard_webhooks import MAX_RETRY_AFTER, body_of, headers_of, retry_after, secret_text, sign
from certsvc.events.webhooks import (
    FAILING_FOR,
    JITTER,
    REST_AFTER,
    REST_FIRST,
    REST_LONGEST,
    SCHEDULE,
    TIMEOUT_S,
    pause_before,
    rest_after,
)

NOW = datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)


def test_the_schedule_is_the_published_one_and_lasts_for_at_least_72_hours() -> None:
    hours, minutes = 3600, 60
    published = [0, 5, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours]
    assert [pause.total_seconds() for pause in SCHEDULE] == published
    total = sum(SCHEDULE, timedelta(0))
    assert total == timedelta(hours=75, minutes=35, seconds=5) >= timedelta(hours=72)
    assert total * (1 + JITTER) < FAILING_FOR, "a receiver is not disabled before a schedule is used up"
    assert 15 <= TIMEOUT_S <= 30


def test_every_pause_has_its_jitter_and_the_same_one_in_every_process() -> None:
    for attempt, pause in enumerate(SCHEDULE, start=1):
        drawn = {pause_before(attempt, f"whk:{n}") for n in range(200)}
        assert None not in drawn
        assert drawn == {pause_before(attempt, f"whk:{n}") for n in range(200)}
        seconds = sorted(one.total_seconds() for one in drawn if one is not None)
        assert pause.total_seconds() <= seconds[0]
        assert seconds[-1] <= pause.total_seconds() * (1 + JITTER)
        if pause:
            assert len(drawn) > 190
            assert seconds[-1] - seconds[0] > pause.total_seconds() * JITTER * 0.9
    assert pause_before(len(SCHEDULE) + 1, "whk:1") is None


def test_a_receiver_rests_longer_with_each_failure_up_to_five_minutes() -> None:
    assert {rest_after(n) for n in range(REST_AFTER)} == {timedelta(0)}
    rests = [rest_after(REST_AFTER + n) for n in range(50)]
    assert rests[:3] == [REST_FIRST, 2 * REST_FIRST, 4 * REST_FIRST]
    assert rests == sorted(rests)
    assert rests[-1] == REST_LONGEST


@pytest.mark.parametrize(
    ("types", "event", "wanted"),
    [
        (("*",), "license.issued.v1", True),
        (("license.*",), "license.issued.v1", True),
        (("license.*",), "seal.made.v1", False),
        (("license.issued.v1",), "license.issued.v1", True),
        (("license.issued.v1",), "license.issued.v2", False),
        (("license.issued.v1", "seal.*"), "seal.made.v1", True),
        (("licens.*",), "license.issued.v1", False),
        ((), "license.issued.v1", False),
    ],
)
def test_a_subscription_wants_what_it_named(types: tuple[str, ...], event: str, wanted: bool) -> None:
    assert make_subscription(1, types=types).wants(PREFIX + event) is wanted


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("86400", 86400),
        ("999999999999999999999", MAX_RETRY_AFTER.total_seconds()),
        ("Mon, 02 Mar 2026 04:07:06 GMT", 120),
        ("Mon, 02 Mar 2026 04:00:00 GMT", 0),
        ("Tue, 02 Mar 2027 04:00:00 GMT", MAX_RETRY_AFTER.total_seconds()),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Mon, 99 Mar 2026 04:07:06 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_capped(header: str, seconds: float | None) -> None:
    found = retry_after(header, NOW)
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def test_our_signature_is_the_one_of_the_published_vector() -> None:
    given = json.loads((vectors("standard-webhooks") / "vectors.json").read_text("utf-8"))
    fixed = given["cases"][0]
    assert sign(given["secret"], fixed["id"], fixed["ts"], fixed["payload"].encode()) == fixed["signature"]


def test_what_we_sign_is_taken_by_the_library_of_the_standard_with_either_of_two_secrets() -> None:
    event = make_event(1, position=9, data={"名称": "示例", "quote": '"\\', "n": 1})
    body = body_of(event)
    other = secret_text(bytes(range(64)))
    headers = headers_of((other, WHSEC), event.event_id, datetime.now(UTC), body)
    for secret in (other, WHSEC):
        found = Webhook(secret).verify(body, headers)
        assert found == {"position": 9, **event.cloudevent()}
    assert headers["webhook-id"] == event.event_id
    assert len(headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("size", [16, 23, 65])
def test_a_secret_has_as_many_bytes_as_the_standard_wants(size: int) -> None:
    with pytest.raises(RuntimeError, match="24 to 64"):
        secret_text(bytes(size))
    assert secret_text(bytes(24)).startswith("whsec_")
