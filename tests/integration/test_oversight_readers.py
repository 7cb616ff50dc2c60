"""Who is told of regulators' subscriptions (审管双推送): every way that events go, and the lists of who decides."""

from __future__ import annotations

import json
from typing import Any, cast

import anyio
import pytest
from fixtures_city import ServedCity
from oversight_records import make_oversight
from test_bad_input import problem
from test_oversight import FOOD, GUIDE, OTHER, active, add_regulator, approver, ask

from certsvc.api.event_stream import EventStreams
from certsvc.commands.access.seed_sandbox import REGULATOR
from certsvc.commands.evidence.read_feed import Shared, read_all
from certsvc.commands.oversight.subscribe import MAX_PAGE
from certsvc.commands.ports import Principal
from certsvc.delivery.broker import Broker, Outgoing
from certsvc.delivery.jetstream import JetStreamCarrier

HOOK = {"url": "https://receiver.example.com/hook", "types": ["oversight.*"]}


class Stream:
    """What a broker would be given."""

    prefix = "t"

    def __init__(self) -> None:
        self.types: list[str] = []

    def publish(self, messages: list[Outgoing]) -> None:
        self.types += [json.loads(one.body)["type"] for one in messages]


@pytest.fixture(scope="module")
def told(shared_city: ServedCity) -> tuple[ServedCity, dict[str, str], list[int]]:
    """Two regulators who read all there is, one of them told of a license; their webhooks; positions of what it was."""
    city = shared_city
    add_regulator(city)
    made = {
        who: city.answer(city.client.post("/v1/webhooks", headers=city.system(who), json=HOOK), 201)["webhook"][
            "subscription_id"
        ]
        for who in (REGULATOR, OTHER)
    }
    active(city)
    city.issue(FOOD, "OR-1")
    city.drain()
    rows = city.rows("SELECT position, type FROM events WHERE type LIKE '%.oversight.%' ORDER BY position")
    kinds = [kind.rsplit(".", 2)[1] for _, kind in rows]
    assert {"changed", "pushed"} == set(kinds)
    return city, made, [position for position, _ in rows]


def feed(city: ServedCity, who: str) -> list[int]:
    found, after = [], 0
    while True:
        query: dict[str, Any] = {"limit": 500, "after": after}
        page = city.answer(city.client.get("/v1/events", params=query, headers=city.system(who)), 200)
        found += [one["position"] for one in page["events"] if ".oversight." in one["type"]]
        if page["next"] == after:
            return found
        after = page["next"]


def test_the_feed_tells_the_subscriptions_own_client_alone(
    told: tuple[ServedCity, dict[str, str], list[int]],
) -> None:
    city, _, positions = told
    assert feed(city, REGULATOR) == positions
    assert feed(city, OTHER) == []


def test_the_stream_tells_the_subscriptions_own_client_alone(
    told: tuple[ServedCity, dict[str, str], list[int]],
) -> None:
    city, _, positions = told

    async def look(who: str) -> list[list[int]]:
        """By memory and by the database."""
        streams = EventStreams(city.service.deps)
        streams._seen = positions[-1]
        caller = Principal(subject=who, kind="system", roles=frozenset({"events"}))
        seen: list[list[int]] = []
        for recent in (read_all(city.service.deps, after=positions[0] - 1, limit=500), Shared()):
            streams._recent = recent
            place, found = positions[0] - 1, list[int]()
            while place < positions[-1]:
                events, place = await streams._behind(caller, place)
                found += [one.position for one in events if ".oversight." in one.type]
            seen.append(found)
        return seen

    assert anyio.run(look, REGULATOR) == [positions, positions]
    assert anyio.run(look, OTHER) == [[], []]


def test_a_replay_queues_it_for_the_subscriptions_own_client_alone(
    told: tuple[ServedCity, dict[str, str], list[int]],
) -> None:
    city, made, positions = told

    def again(who: str, **wish: int) -> Any:
        return city.client.post(f"/v1/webhooks/{made[who]}/replays", headers=city.system(who), json=wish)

    assert city.answer(again(REGULATOR, after=0), 202)["count"] == len(positions)
    assert city.answer(again(OTHER, after=0), 202)["count"] == 0
    city.answer(again(REGULATOR, position=positions[-1]), 202)
    problem(again(OTHER, position=positions[-1]), 404)
    queued = city.rows(
        f"SELECT DISTINCT subscription_id FROM webhook_deliveries WHERE position IN ({','.join(map(str, positions))})"
    )
    assert queued == [(made[REGULATOR],)]


def test_a_broker_which_does_not_know_who_reads_is_not_given_it(
    told: tuple[ServedCity, dict[str, str], list[int]],
) -> None:
    city, _, _ = told
    stream = Stream()
    events = read_all(city.service.deps, after=0, limit=500).events
    JetStreamCarrier(cast("Broker", stream)).carry(city.service.deps, events)
    assert any(".license.issued." in one for one in stream.types)
    assert not [one for one in stream.types if ".oversight." in one]


def test_the_list_of_who_decides_goes_on_where_others_fill_the_pages(small_city: ServedCity) -> None:
    city = small_city
    first = city.answer(ask(city), 201)["oversight_id"]
    with city.service.deps.uow() as tx:
        for n in range(2 * MAX_PAGE + 5):
            strange = {GUIDE: ("holder_name",)}
            tx.oversights.insert(make_oversight(n, oversight_id=f"ovs_0{n:04d}", client_id=REGULATOR, fields=strange))
    city.execute(f"UPDATE oversights SET oversight_id = 'ovs_00100a' WHERE oversight_id = '{first}'")
    with city.service.deps.uow() as tx:
        for name in ("ovs_00150a", "ovs_zz"):
            tx.oversights.insert(make_oversight(9, oversight_id=name, client_id=REGULATOR, fields={FOOD: ("number",)}))
    decider = city.person(approver(city, FOOD))

    def listed(**query: Any) -> tuple[list[str], str]:
        page = city.answer(city.client.get("/v1/oversights", params=query, headers=decider), 200)
        return [one["oversight_id"] for one in page["oversights"]], page["next"]

    assert listed() == (["ovs_00100a", "ovs_00150a", "ovs_zz"], "")
    assert listed(limit=2) == (["ovs_00100a", "ovs_00150a"], "ovs_00150a")
    assert listed(limit=2, behind="ovs_00150a") == (["ovs_zz"], "")
