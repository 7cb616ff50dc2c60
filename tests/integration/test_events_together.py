"""Requests for issuance that come as events are stored together: in a batch by HTTP, and in what the broker gives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity, standing

from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.issuance import accept_event
from certsvc.commands.issuance.accept_issuance import Accepted, Prepared, accept_issuances, prepare_acceptance
from certsvc.commands.issuance.take_message import MAX_TRIES, Message, take_messages
from certsvc.commands.ports import Deps
from certsvc.errors import CertsvcError, Unavailable

SLUG = "tour_guide"
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture(scope="module")
def place(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCity]:
    """A city that these tests share: each sends events of its own."""
    with standing(city_keys, sqlite_template, tmp_path_factory.mktemp("together")) as city:
        yield city


class Watched:
    """Notes how many requests each transaction stores, and fails where a test wants it to."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.fault: Exception | None = None
        self.poison = ""

    def __call__(self, deps: Deps, several: Sequence[Prepared]) -> list[Accepted | CertsvcError]:
        self.sizes.append(len(several))
        if self.fault is not None and len(several) > 1:
            raise self.fault
        if any(one.body.business_no == self.poison for one in several):
            raise RuntimeError(self.poison)
        return accept_issuances(deps, several)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched()
    monkeypatch.setattr(accept_event, "accept_issuances", watched)
    # What is carried out alone has a way of its own, which fails in the same place.
    monkeypatch.setattr(accept_event, "accept_issuance", lambda deps, *asked: _alone(watched, deps, *asked))
    return watched


def _alone(watched: Watched, deps: Deps, *asked: Any) -> Accepted:
    [answer] = watched(deps, [prepare_acceptance(deps, *asked)])
    if isinstance(answer, CertsvcError):
        raise answer
    return answer


def event(city: ServedCity, business_no: str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"ev-{business_no}",
        "source": "urn:example:approval",
        "type": "example.certsvc.issuance.requested.v1",
        "subject": business_no,
        "data": city.body(SLUG, business_no),
        **changes,
    }


def message(value: object, *, client_id: str = PLATFORM) -> Message:
    return Message(client_id=client_id, headers=STRUCTURED, body=json.dumps(value).encode(), sequence=1, tries=1)


def requests(city: ServedCity, name: str) -> list[str]:
    query = f"SELECT business_no FROM requests WHERE business_no LIKE '{name}-%' ORDER BY created_at, request_id"
    return [number for (number,) in city.rows(query)]


def test_a_batch_by_http_is_stored_together_and_each_has_its_own_answer(place: ServedCity, stored: Watched) -> None:
    good = [event(place, f"HTTP-{n}") for n in range(4)]
    changed = event(place, "HTTP-9", id="ev-HTTP-0")  # the id of the first with another content
    shapeless = event(place, "HTTP-8", data={"type": SLUG})
    other = event(place, "HTTP-7", type="example.certsvc.unknown.v1")
    sent = [*good[:2], changed, shapeless, good[2], other, good[3], good[0]]
    answer = place.client.post("/v1/events", headers={**place.system(), **BATCH}, content=json.dumps(sent))
    results = place.answer(answer, 202)["results"]
    assert [one["status"] for one in results] == [202, 202, 422, 422, 202, 422, 202, 202]
    assert results[7]["request_id"] == results[0]["request_id"], "a repeat within the batch"
    assert results[2]["code"] == "idempotency-mismatch" or results[2]["status"] == 422
    assert all(problem["pointer"].startswith("/data") for problem in results[3]["errors"])
    assert stored.sizes == [3, 1, 2]
    assert requests(place, "HTTP") == ["HTTP-0", "HTTP-1", "HTTP-2", "HTTP-3"]


def test_an_event_alone_meets_other_requests_at_the_desk(place: ServedCity) -> None:
    answer = place.client.post("/v1/events", headers={**place.system(), **STRUCTURED}, json=event(place, "DESK-1"))
    taken = place.answer(answer, 202)
    assert answer.headers["location"] == f"/v1/issuances/{taken['request_id']}"
    wrong = event(place, "DESK-2")
    wrong["data"]["data"]["gender"] = "不在列表中"
    refused = place.client.post("/v1/events", headers={**place.system(), **STRUCTURED}, json=wrong)
    assert refused.status_code == 422
    assert all(problem["pointer"].startswith("/data/") for problem in refused.json()["errors"])
    assert "/data/data" not in {problem["pointer"] for problem in refused.json()["errors"]}
    assert requests(place, "DESK") == ["DESK-1"]


def test_messages_are_stored_together_and_poison_is_parked_alone(place: ServedCity, stored: Watched) -> None:
    deps = place.service.deps
    parked = place.rows("SELECT count(*) FROM parked_events")[0][0]
    good = [message(event(place, f"BROKER-{n}")) for n in range(6)]
    conflict = message(
        event(place, "BROKER-0", id="ev-other", data=place.body(SLUG, "BROKER-0", valid_from="2026-02-03"))
    )
    poison = Message(client_id=PLATFORM, headers=STRUCTURED, body=b"{no json", sequence=2, tries=1)
    stranger = message(event(place, "BROKER-9"), client_id="stranger")
    sent = [*good[:3], poison, *good[3:5], conflict, stranger, good[5]]
    done, error = take_messages(deps, sent)
    assert error is None
    assert [one is not None for one in done] == [False] * 3 + [True] + [False] * 2 + [True, True, False]
    assert stored.sizes == [3, 3, 1]
    assert requests(place, "BROKER") == [f"BROKER-{n}" for n in range(6)]
    assert place.rows("SELECT count(*) FROM parked_events") == [(parked + 3,)]


def test_when_a_batch_fails_each_is_carried_out_alone(place: ServedCity, stored: Watched) -> None:
    stored.fault = RuntimeError("together they fail")
    done, error = take_messages(place.service.deps, [message(event(place, f"APART-{n}")) for n in range(4)])
    assert (done, error) == ([None] * 4, None)
    assert stored.sizes == [4, 1, 1, 1, 1]
    assert requests(place, "APART") == [f"APART-{n}" for n in range(4)]


def test_one_that_makes_us_fail_comes_again_with_those_behind_it(place: ServedCity, stored: Watched) -> None:
    stored.poison = "FAULT-2"
    sent = [message(event(place, f"FAULT-{n}")) for n in range(4)]
    done, error = take_messages(place.service.deps, sent)
    assert done == [None, None]
    assert isinstance(error, RuntimeError)
    assert requests(place, "FAULT") == ["FAULT-0", "FAULT-1"], "what is behind it waits for it"
    stored.poison = ""
    assert take_messages(place.service.deps, sent) == ([None] * 4, None)
    assert requests(place, "FAULT") == [f"FAULT-{n}" for n in range(4)]


@pytest.mark.parametrize("where", ["looked at", "stored"])
def test_one_that_makes_us_fail_again_and_again_is_parked_and_blocks_nobody(
    place: ServedCity, stored: Watched, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    name = f"AGAIN-{where.split(maxsplit=1)[0]}"
    if where == "stored":
        stored.poison = f"{name}-1"
    else:

        def look(deps: Deps, caller: Any, body: Any, origin: Any) -> Prepared:
            if body.business_no == f"{name}-1":
                raise RuntimeError(name)
            return prepare_acceptance(deps, caller, body, origin)

        def alone(deps: Deps, *asked: Any) -> Accepted:
            look(deps, *asked)
            return _alone(stored, deps, *asked)

        monkeypatch.setattr(accept_event, "prepare_acceptance", look)
        monkeypatch.setattr(accept_event, "accept_issuance", alone)
    sent = [replace(message(event(place, f"{name}-{n}")), tries=MAX_TRIES) for n in range(4)]
    done, error = take_messages(place.service.deps, sent)
    assert error is None
    assert [one.code if one is not None else "" for one in done] == ["", "internal", "", ""]
    assert requests(place, name) == [f"{name}-{n}" for n in (0, 2, 3)]


def test_after_unavailable_nothing_is_tried_again_and_all_come_again(place: ServedCity, stored: Watched) -> None:
    stored.fault = Unavailable("数据库不可用")
    done, error = take_messages(place.service.deps, [message(event(place, f"AWAY-{n}")) for n in range(3)])
    assert done == []
    assert isinstance(error, Unavailable)
    assert stored.sizes == [3]
    batch = json.dumps([event(place, f"AWAY-{n}") for n in range(3)])
    answer = place.client.post("/v1/events", headers={**place.system(), **BATCH}, content=batch)
    assert [one["status"] for one in place.answer(answer, 202)["results"]] == [503] * 3
    assert requests(place, "AWAY") == []
