"""Who is told of uses: the issuer, the body that used, and overseers, by every way that events go; nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from consent_city import company, holder
from fixtures_city import ServedCity, standing
from matter_city import CLIENT, GUIDE, USER, fetched, opened
from test_bad_input import problem
from test_fetch import SLUG
from test_oversight_readers import Stream
from test_use_bases import ask, reply
from test_uses_and_disputes import file, scanned

from certsvc.api.event_stream import EventStreams
from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.register_party import register_client
from certsvc.commands.evidence.read_feed import Shared, read_all
from certsvc.commands.ports import Principal
from certsvc.delivery.broker import Broker
from certsvc.delivery.jetstream import JetStreamCarrier
from certsvc.license.parties import Client

STRANGER = "11990000MB00000355"
NAMES = {"license.fetched", "license.scanned", "consent.asked", "consent.answered", "dispute.filed"}
HOOK = {"url": "https://receiver.example.com/hook", "types": ["*"]}
Told = tuple[ServedCity, dict[str, str], dict[str, list[int]]]


def name_of(event_type: str) -> str:
    return ".".join(event_type.split(".")[-3:-1])


@pytest.fixture(scope="module")
def city_of_readers(
    city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedCity]:
    """One of its own, since policies are opened in it."""
    with standing(city_keys, sqlite_template, tmp_path_factory.mktemp("readers")) as city:
        yield city


@pytest.fixture(scope="module")
def told(city_of_readers: ServedCity) -> Told:
    """Uses by one body of another's license, readers of both and of a third; positions that each may know of."""
    city = city_of_readers
    sample, officer = city.catalog.sample(GUIDE), city.officer_of(GUIDE)
    bodies = {
        "issuer": sample["issuer_code"],
        "user": USER,
        "stranger": STRANGER,
        "overseer": STRANGER,
        "bureau": "11990000MB0000086D",
    }
    assert len({bodies["issuer"], USER, STRANGER}) == 3
    made: dict[str, str] = {}
    for who, body in bodies.items():
        client = Client(
            client_id=f"ev-{who}",
            name=f"示例{who}",
            authority_code=body,
            roles=frozenset({roles.EVENTS, *([roles.AUDITOR] if who == "overseer" else [])}),
            secret_sha256=hash_secret(who),
            jwks="",
            active=True,
        )
        register_client(city.service.deps, client, actor="test")
        city.secrets = {**city.secrets, client.client_id: who}
        made[who] = city.answer(city.client.post("/v1/webhooks", headers=city.system(f"ev-{who}"), json=HOOK), 201)[
            "webhook"
        ]["subscription_id"]
    done = city.issue(GUIDE, "UR-1")
    city.issue(SLUG, "UR-2")
    opened(city, GUIDE)
    use = city.answer(fetched(city, GUIDE), 201)
    city.answer(file(city, done["identifier"], "fetch", use["fetch_id"]), 201)
    scanned(city, done["identifier"])
    asked = city.answer(ask(city, company(city), {SLUG: ["holder_name"]}), 201)
    city.answer(reply(city, holder(city, SLUG), asked["request_id"]), 201)
    city.drain()
    found: dict[str, list[int]] = {}
    for position, kind in city.rows("SELECT position, type FROM events ORDER BY position"):
        found.setdefault(name_of(kind), []).append(position)
    assert set(found) >= NAMES
    uses = {name: found[name] for name in NAMES}
    everything = sorted(position for several in uses.values() for position in several)
    consents = {*uses["consent.asked"], *uses["consent.answered"]}
    by_officer = next(one.authority_code for one in city.people if one.subject == officer)
    assert by_officer not in {USER, STRANGER}
    may = {
        "issuer": [one for one in everything if one not in consents],
        "user": [one for one in everything if one not in uses["license.scanned"]],
        "stranger": [],
        "overseer": everything,
        "bureau": [],
    }
    return city, made, may


def of_uses(events: Any) -> list[int]:
    return [one["position"] for one in events if name_of(one["type"]) in NAMES]


@pytest.mark.parametrize("who", ["issuer", "user", "stranger", "overseer", "bureau"])
def test_feed_and_webhooks_tell_the_parties_of_a_use_alone(told: Told, who: str) -> None:
    city, made, may = told
    assert of_uses(city.events(f"ev-{who}")) == may[who]
    queued = city.rows(
        "SELECT d.position, e.type FROM webhook_deliveries d JOIN events e ON e.position = d.position "
        f"WHERE d.subscription_id = '{made[who]}' ORDER BY d.position"
    )
    assert [position for position, kind in queued if name_of(kind) in NAMES] == may[who]


def test_the_stream_tells_the_parties_of_a_use_alone(told: Told) -> None:
    city, _, may = told
    first, last = may["overseer"][0], may["overseer"][-1]

    async def look(who: str) -> list[list[int]]:
        """By memory and by the database."""
        streams = EventStreams(city.service.deps)
        streams._seen = last
        with city.service.deps.uow.read() as tx:
            client = tx.access.client(f"ev-{who}")
        assert client is not None
        caller = Principal(
            subject=client.client_id, kind="system", roles=client.roles, authority_code=client.authority_code
        )
        seen: list[list[int]] = []
        for recent in (read_all(city.service.deps, after=first - 1, limit=500), Shared()):
            streams._recent = recent
            place, found = first - 1, list[int]()
            while place < last:
                events, place = await streams._behind(caller, place)
                found += [one.position for one in events if name_of(one.type) in NAMES]
            seen.append([one for one in found if one <= last])
        return seen

    for who, positions in may.items():
        assert anyio.run(look, who) == [positions, positions], who


def test_a_replay_queues_a_use_for_its_parties_alone(told: Told) -> None:
    city, made, may = told
    for who, positions in may.items():
        path, headers = f"/v1/webhooks/{made[who]}/replays", city.system(f"ev-{who}")
        for position in may["overseer"]:
            response = city.client.post(path, headers=headers, json={"position": position})
            if position in positions:
                city.answer(response, 202)
            else:
                problem(response, 404)


def test_a_broker_is_given_no_uses(told: Told) -> None:
    city, _, _ = told
    stream = Stream()
    JetStreamCarrier(cast("Broker", stream)).carry(
        city.service.deps, read_all(city.service.deps, after=0, limit=500).events
    )
    assert "license.issued" in {name_of(one) for one in stream.types}
    assert not NAMES & {name_of(one) for one in stream.types}


def test_what_a_system_used_is_told_to_it_though_its_body_is_not_known(told: Told) -> None:
    city, _, may = told
    events = read_all(city.service.deps, after=0, limit=500).events
    caller = Principal(subject=CLIENT, kind="system", roles=frozenset({roles.EVENTS}))
    seen = [one for one in Shared(events=events).readable(caller) if name_of(one.type) in NAMES]
    assert {name_of(one.type) for one in seen} == {"license.fetched", "consent.asked", "consent.answered"}
    assert {one.position for one in seen} <= set(may["user"])
