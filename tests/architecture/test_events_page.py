"""``docs/events.md`` is the one that the code gives: a Chinese line each, and the real readers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from certsvc.cli.event_words import EVENT_ZH, FAMILY_ZH
from certsvc.cli.events_document import EVERYONE, events_markdown, readers_of
from certsvc.events.addressing import may_read
from certsvc.events.envelope import PREFIX, Event
from certsvc.events.payloads import PAYLOADS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_the_one_that_the_events_give() -> None:
    assert (ROOT / "docs" / "events.md").read_text(encoding="utf-8") == events_markdown(), (
        "run: certsvc events catalogue"
    )


def test_every_event_has_a_line_and_no_line_is_left_over() -> None:
    names = {payload.NAME.rpartition(".v")[0] for payload in PAYLOADS}
    assert names == EVENT_ZH.keys()
    assert {name.split(".")[0] for name in names} == FAMILY_ZH.keys()


def test_what_the_page_says_is_for_everyone_is_given_to_a_stranger_and_nothing_else_is() -> None:
    given = set()
    for payload in PAYLOADS:
        data = dict.fromkeys(payload.__dataclass_fields__, "somebody")
        event = Event(
            event_id="e",
            type=PREFIX + payload.NAME,
            source="s",
            subject="x",
            time=datetime(2026, 1, 1, tzinfo=UTC),
            data=data,
        )
        if may_read(event, client_id="stranger", authority_code="elsewhere", overseers={}):
            given.add(payload.NAME)
    assert given == {payload.NAME for payload in PAYLOADS if readers_of(payload) == EVERYONE}
    assert 0 < len(given) < len(PAYLOADS)
