"""What docs/webhooks.md tells receivers is true: its sample runs, its table is the schedule, its limits are ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from store_records import T0, make_event
from test_bad_input import vectors
from webhook_records import WHSEC

from certsvc.api.event_stream import HEARTBEAT_S, LIFETIME_S, MAX_PER_CALLER
from certsvc.commands.webhooks.ends import KEPT_FOR
from certsvc.commands.webhooks.replay import MAX_REPLAY
from certsvc.commands.webhooks.subscribe import MAX_SUBSCRIPTIONS
from certsvc.delivery.webhooks import LEASE_S
from certsvc.events.standard_webhooks import MAX_RETRY_AFTER, body_of, headers_of, secret_text
from certsvc.events.webhooks import (
    FAILING_FOR,
    JITTER,
    PAUSED_FOR,
    REST_LONGEST,
    SCHEDULE,
    SECRET_OVERLAP,
    TIMEOUT_S,
)

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def sample() -> Callable[..., None]:
    """The receiver's function as the guide shows it."""
    [code] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    room: dict[str, Any] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), room)  # noqa: S102  (the point of this test)
    found: Callable[..., None] = room["verify"]
    return found


CASES = json.loads((vectors("standard-webhooks") / "vectors.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_the_sample_judges_every_published_vector_as_it_should_be(case: dict[str, Any]) -> None:
    given = {"webhook-id": case["id"], "webhook-timestamp": case["ts"], "webhook-signature": case["signature"]}
    headers = {name: str(value) for name, value in given.items() if value is not None}
    body = case["payload"].encode()
    if case["expect"] == "accept":
        sample()(CASES["secret"], headers, body, case["now"])
        return
    with pytest.raises((ValueError, KeyError)):
        sample()(CASES["secret"], headers, body, case["now"])


def test_there_are_eleven_vectors() -> None:
    assert len(CASES["cases"]) == 11


def test_the_sample_takes_what_we_send_with_the_old_secret_and_with_the_new_one_and_nothing_changed() -> None:
    body = body_of(make_event(1, position=3, data={"名称": "示例"}))
    new = secret_text(bytes(range(32)))
    headers = headers_of((new, WHSEC), "evt_000001", T0, body)
    now = T0.timestamp()
    for secret in (new, WHSEC):
        sample()(secret, headers, body, now)
        for changed in (body + b" ", body.replace("示例".encode(), "示范".encode())):
            with pytest.raises(ValueError, match="签名不符"):
                sample()(secret, headers, changed, now)
    with pytest.raises(ValueError, match="五分钟"):
        sample()(new, headers, body, now + 301)


def words(span: timedelta) -> str:
    hours, rest = divmod(int(span.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [(hours, "小时"), (minutes, "分"), (seconds, "秒")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def test_the_table_of_the_guide_is_the_schedule() -> None:
    rows, total = [], timedelta(0)
    for number, pause in enumerate(SCHEDULE, start=1):
        total += pause
        rows.append(f"| {number} | {words(pause) or '立即'} | {words(total) or '0'} |")
    assert "\n".join(["| 第几次 | 距上一次 | 自第一次起 |", "|---|---|---|", *rows]) + "\n\n" in GUIDE


@pytest.mark.parametrize(
    ("sentence", "value", "holds"),
    [
        ("15 秒以内", TIMEOUT_S, 15),
        ("另加至多一成", JITTER, 0.1),
        ("照此等候（最长一天）", MAX_RETRY_AFTER, timedelta(days=1)),
        ("**连续五天没有一次成功**", FAILING_FOR, timedelta(days=5)),
        ("最长五分钟试一件", REST_LONGEST, timedelta(minutes=5)),
        ("超过七天自动停用", PAUSED_FOR, timedelta(days=7)),
        ("旧的再签 24 小时", SECRET_OVERLAP, timedelta(hours=24)),
        ("送达的保留 30 天", KEPT_FOR, timedelta(days=30)),
        ("一次重发最多看一万件", MAX_REPLAY, 10_000),
        ("每个系统最多 20 个订阅", MAX_SUBSCRIPTIONS, 20),
        ("每个系统同时最多 5 个", MAX_PER_CALLER, 5),
        ("每 15 秒一行注释", HEARTBEAT_S, 15),
        ("满一小时", LIFETIME_S, 3600),
        ("30 秒后由别的接手", LEASE_S, 30),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_figure_of_the_guide_is_that_of_the_code(sentence: str, value: object, holds: object) -> None:
    assert sentence in GUIDE
    assert value == holds
