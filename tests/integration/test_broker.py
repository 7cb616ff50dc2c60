"""Events out and in over a real NATS JetStream: in order, nothing lost, nothing carried out twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import nats
import pytest
from fixtures_city import ROOT, ServedCity
from nats.errors import TimeoutError as NotAcknowledged
from nats_process import NatsProcess

from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.evidence.resend import resend_by
from certsvc.commands.issuance.take_message import MAX_TRIES, take_message
from certsvc.delivery.broker import Broker, BrokerAddress, Outgoing
from certsvc.delivery.receiver import Receiver
from certsvc.delivery.relay import Relay
from certsvc.errors import Unavailable

SLUG = "tour_guide"


@pytest.fixture(scope="module")
def server() -> Iterator[NatsProcess]:
    server = NatsProcess()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def city(make_city: Callable[..., ServedCity], database_url: str, server: NatsProcess) -> ServedCity:
    """A city whose events travel over the broker, under a prefix of its own."""
    prefix = f"t{abs(hash(database_url)) % 10**9}"
    return make_city(database_url, nats_servers=(server.url,), nats_prefix=prefix)


def broker_of(city: ServedCity) -> Broker:
    broker = city.service.broker
    assert broker is not None
    return broker


def published(city: ServedCity, server: NatsProcess) -> list[dict[str, Any]]:
    """Everything in the stream of events, in its order."""
    stream = f"{broker_of(city).prefix}-events"

    async def read() -> list[dict[str, Any]]:
        client = await nats.connect(server.url)
        try:
            context = client.jetstream()
            info = await context.stream_info(stream)
            first, last = info.state.first_seq, info.state.last_seq
            sequences = range(first, last + 1) if info.state.messages else range(0)
            found = [await context.get_msg(stream, sequence) for sequence in sequences]
        finally:
            await client.close()
        return [{"subject": one.subject, **json.loads(one.data or b"{}")} for one in found]

    return asyncio.run(read())


def send(city: ServedCity, server: NatsProcess, client_id: str, *bodies: bytes, **headers: str) -> None:
    """What an approval system does: publish to the subject that is its own."""

    async def publish() -> None:
        client = await nats.connect(server.url)
        try:
            for body in bodies:
                subject = f"{broker_of(city).prefix}.in.{client_id}"
                await client.jetstream().publish(subject, body, headers=headers or STRUCTURED)
        finally:
            await client.close()

    asyncio.run(publish())


STRUCTURED = {"content-type": "application/cloudevents+json"}


def event(city: ServedCity, business_no: str, **changes: Any) -> bytes:
    """An approval event for the sample of a type."""
    value = {
        "specversion": "1.0",
        "id": f"ev-{business_no}",
        "source": "urn:example:approval",
        "type": "example.certsvc.issuance.requested.v1",
        "subject": business_no,
        "data": city.body(SLUG, business_no),
        **changes,
    }
    return json.dumps(value).encode()


def receive(city: ServedCity) -> None:
    receiver = Receiver(city.service.deps, broker_of(city), owner="test")
    while receiver.once():
        pass


def ready(city: ServedCity) -> None:
    """The streams exist: the first question makes them."""
    broker_of(city).take(1)


def test_every_event_goes_out_in_the_order_of_the_feed(city: ServedCity, server: NatsProcess) -> None:
    for number in range(3):
        city.issue(SLUG, f"OUT-{number}")
    feed, stream = city.events(), published(city, server)
    assert [one["id"] for one in stream] == [one["id"] for one in feed]
    assert [one["position"] for one in stream] == [one["position"] for one in feed]
    assert len(feed) >= 6
    city.drain()
    assert len(published(city, server)) == len(feed)


def test_an_approval_event_over_the_broker_is_the_same_command(city: ServedCity, server: NatsProcess) -> None:
    city.system()
    ready(city)
    send(city, server, PLATFORM, *(event(city, f"IN-{n % 4}") for n in range(8)))
    receive(city)
    city.drain()
    assert city.rows("SELECT count(*), count(DISTINCT number) FROM licenses") == [(4, 4)]
    # By HTTP the same event is known already.
    again = city.client.post("/v1/events", headers={**city.system(), **STRUCTURED}, content=event(city, "IN-1"))
    assert again.status_code == 202
    city.drain()
    assert city.rows("SELECT count(*) FROM licenses") == [(4,)]
    assert not broker_of(city).take(5)


def test_what_cannot_be_carried_out_is_parked_with_its_reason_and_tried_again(
    city: ServedCity, server: NatsProcess
) -> None:
    city.system()
    ready(city)
    bad = json.loads(event(city, "BAD-1"))
    bad["data"]["type_slug"] = "no_such_type"
    send(city, server, PLATFORM, b"{not json", json.dumps(bad).encode(), event(city, "GOOD-1"))
    send(city, server, "stranger", event(city, "GOOD-2"))
    receive(city)
    city.drain()
    assert city.rows("SELECT count(*) FROM licenses") == [(1,)], "those behind a poison message go on"
    page = city.answer(city.client.get("/v1/parked-events", headers=city.system()), 200)
    assert [one["client_id"] for one in page["events"]] == [PLATFORM, PLATFORM]
    assert all(one["detail"] for one in page["events"])
    assert "no_such" not in str(city.rows("SELECT message, detail FROM parked_events")), "encrypted at rest"
    path = f"/v1/parked-events/{page['events'][0]['parked_id']}/replays"
    still = city.client.post(path, headers=city.system())
    assert (still.status_code, still.json()["code"]) == (422, page["events"][0]["code"])
    assert len(city.answer(city.client.get("/v1/parked-events", headers=city.system()), 200)["events"]) == 2


def test_a_parked_event_is_replayed_once_its_cause_is_gone(city: ServedCity, server: NatsProcess) -> None:
    city.system()
    ready(city)
    city.execute(f"UPDATE clients SET active = {'0' if 'sqlite' in str(city.service.settings.database) else 'false'}")
    send(city, server, PLATFORM, event(city, "LATE-1"))
    receive(city)
    city.execute(f"UPDATE clients SET active = {'1' if 'sqlite' in str(city.service.settings.database) else 'true'}")
    (parked,) = city.answer(city.client.get("/v1/parked-events", headers=city.system()), 200)["events"]
    path = f"/v1/parked-events/{parked['parked_id']}/replays"
    done = city.answer(city.client.post(path, headers=city.system()), 201)
    assert city.client.post(path, headers=city.system()).status_code == 404
    city.drain()
    assert city.client.get(done["location"], headers=city.system()).json()["state"] == "issued"


def test_a_fault_of_ours_is_tried_again_and_parked_in_the_end(city: ServedCity) -> None:
    city.system()
    body = event(city, "FAULT-1")
    city.execute("ALTER TABLE requests RENAME TO requests_away")
    for tries in range(1, MAX_TRIES):
        with pytest.raises(Exception, match=r".+"):
            take_message(city.service.deps, PLATFORM, STRUCTURED, body, sequence=1, tries=tries)
    city.execute("ALTER TABLE requests_away RENAME TO requests")
    assert city.rows("SELECT count(*) FROM parked_events") == [(0,)]
    assert take_message(city.service.deps, PLATFORM, STRUCTURED, body, sequence=1, tries=1) is None


def test_issuing_goes_on_without_the_broker_and_everything_arrives_when_it_is_back(
    city: ServedCity, server: NatsProcess
) -> None:
    city.issue(SLUG, "UP")
    server.stop()
    try:
        done = city.issue(SLUG, "DOWN")
        assert done["state"] == "issued"
        with pytest.raises(Unavailable):
            broker_of(city).take(1)
    finally:
        server.start()
    for _ in range(50):
        if len(published(city, server)) == len(city.events()):
            break
        Relay(city.service.deps, owner="test").once()
    assert [one["id"] for one in published(city, server)] == [one["id"] for one in city.events()]


def test_a_broker_that_lost_its_disk_gets_everything_again(city: ServedCity, server: NatsProcess) -> None:
    for number in range(3):
        city.issue(SLUG, f"WIPED-{number}")
    feed = city.events()
    server.stop()
    server.wipe()
    server.start()
    moved = resend_by(city.service.deps, "jetstream", after=0, actor="operator")
    assert moved == len(feed)
    for _ in range(50):
        Relay(city.service.deps, owner="test").once()
        try:
            if len(published(city, server)) == len(feed):
                break
        except nats.js.errors.NotFoundError:
            continue
    assert [one["id"] for one in published(city, server)] == [one["id"] for one in feed]


def test_the_users_of_the_guide_may_do_what_they_must_and_nothing_else() -> None:
    """The configuration of docs/server-shape.md, passwords put in: ours publishes and takes, a system only asks."""
    guide = (ROOT / "docs" / "server-shape.md").read_text(encoding="utf-8")
    users = "authorization" + guide.partition("\nauthorization")[2].partition("```")[0]
    assert users.count("$2a$11$…") == 2
    server = NatsProcess(more=users.replace("$2a$11$…", "word", 1).replace("$2a$11$…", "said"))
    server.start()
    address = server.url.replace("nats://", "nats://certsvc:word@")
    ours, stranger = (Broker(BrokerAddress(servers=(url,)), name="guide") for url in (address, server.url))
    try:
        with pytest.raises(Unavailable, match="不接受本服务的用户或凭据"):
            stranger.take(1)
        ours.publish([Outgoing(subject="certsvc.events.license.issued.v1", key="e-1", body=b"{}")])
        assert not ours.take(1)
        asyncio.run(_ask_as_approval(server.url))
        [message] = ours.take(5)
        assert (message.subject, message.body) == ("certsvc.in.approval", b"mine")
        ours.done(message)
    finally:
        ours.close()
        stranger.close()
        server.close()


async def _ask_as_approval(url: str) -> None:
    async def quiet(_: Exception) -> None:
        """What the server says of a refusal; the missing acknowledgement tells as much."""

    client = await nats.connect(url, user="approval", password="said", error_cb=quiet)
    try:
        context = client.jetstream()
        await context.publish("certsvc.in.approval", b"mine")
        for subject in ("certsvc.in.another", "certsvc.events.license.issued.v1"):
            with pytest.raises(NotAcknowledged):
                await context.publish(subject, b"not mine", timeout=0.5)
    finally:
        await client.close()
