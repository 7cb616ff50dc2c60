"""状态变更通报: everyone who used a license learns what became of it, nobody else does, and they say what they did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest
from fixtures_city import ServedCity
from test_fetch import CLIENT, OTHER, SLUG, fetch

from certsvc.api.event_stream import EventStreams
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.alerting import raise_alerts
from certsvc.commands.evidence.read_feed import Shared, read_all, read_feed
from certsvc.commands.ports import Principal
from certsvc.events.addressing import may_read
from certsvc.license.parties import Client
from certsvc.license.use_alerts import ALERT_DAYS, REMIND_DAYS

ISSUER_CLIENT = "approval-11990000mb0000019f"
MARKET = "11990000MB0000019F"
READS = "reads-events"
"""A client of the fetching body that reads events too."""


def alerts(city: ServedCity, headers: dict[str, str], **params: Any) -> list[dict[str, Any]]:
    return list(city.answer(city.client.get("/v1/alerts", headers=headers, params=params), 200)["alerts"])


def own(city: ServedCity) -> dict[str, Any]:
    """The alert for the fetching system itself."""
    [found] = [one for one in alerts(city, city.system(CLIENT)) if one["client_id"]]
    return found


def reader(city: ServedCity, client_id: str, authority_code: str) -> dict[str, str]:
    """Register a client that reads events and webhooks."""
    secret = "s" * 43
    client = Client(
        client_id=client_id,
        name="示例事件接收系统",
        authority_code=authority_code,
        roles=frozenset({"events", "using"}),
        secret_sha256=hash_secret(secret),
        jwks="",
        active=True,
    )
    with city.service.deps.uow() as tx:
        tx.access.upsert_client(client)
    city.secrets = {**city.secrets, client_id: secret}
    return city.system(client_id)


def told(city: ServedCity, headers: dict[str, str]) -> list[str]:
    """Names of the alert events that this reader finds in the whole feed."""
    names: list[str] = []
    place = 0
    while True:
        page = city.answer(city.client.get("/v1/events", headers=headers, params={"after": place, "limit": 50}), 200)
        names += [event["type"].removeprefix("example.certsvc.") for event in page["events"]]
        if page["next"] == place:
            return [name for name in names if name.startswith("alert.")]
        place = page["next"]


@pytest.fixture
def used(city: ServedCity) -> tuple[ServedCity, dict[str, Any]]:
    """A license that one system fetched twice and one officer scanned, and that was revoked."""
    done = city.issue(SLUG, "A-1")
    reader(city, READS, MARKET)
    for case in ("BJ-1", "BJ-2"):
        city.answer(fetch(city, READS, case_no=case, fields=["holder_name"]), 201)
    city.answer(fetch(city, fields=["holder_name"]), 201)
    assert fetch(city, OTHER).status_code == 403, "one that was refused got nothing and is told nothing"
    code = city.show(SLUG, done["identifier"], city.catalog.type(SLUG).scenes[0].code)["code"]
    city.scan("officer-1", code)
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    city.drain()
    return city, done


def test_every_user_is_told_once_and_nobody_else(used: tuple[ServedCity, dict[str, Any]]) -> None:
    city, done = used
    mine = own(city)
    assert (mine["identifier"], mine["change"], mine["client_id"]) == (done["identifier"], "revoked", CLIENT)
    assert (mine["state"], mine["late"]) == ("open", False)
    # What is for the body is for all of its systems, and for its officers.
    assert {one["client_id"] for one in alerts(city, city.system(READS))} == {READS, ""}
    assert alerts(city, city.system(OTHER)) == []
    [of_body] = alerts(city, city.person("officer-1"))
    assert of_body["client_id"] == ""
    assert city.rows("SELECT count(*) FROM alerts") == [(3,)]
    others = city.client.get(f"/v1/alerts/{mine['alert_id']}", headers=city.system(OTHER))
    unknown = city.client.get("/v1/alerts/alt_0", headers=city.system(OTHER))
    assert (others.status_code, others.json()) == (404, unknown.json())
    holder = city.catalog.sample(SLUG)
    assert holder["holder_name"] not in str(mine)
    assert holder["holder_code"] not in str(mine)
    city.drain()
    assert city.rows("SELECT count(*) FROM alerts") == [(3,)], "twice is once"


def test_the_feed_gives_an_alert_to_its_addressee_alone(used: tuple[ServedCity, dict[str, Any]]) -> None:
    city, _ = used
    assert told(city, city.system(READS)) == ["alert.raised.v1"] * 2, "its own, and that of its body"
    assert told(city, city.system(PLATFORM)) == []
    other = reader(city, "reads-elsewhere", "11990000MB00000355")
    assert told(city, other) == []


def test_the_stream_gives_an_alert_to_its_addressee_alone(used: tuple[ServedCity, dict[str, Any]]) -> None:
    anyio.run(_stream, used[0])


async def _stream(city: ServedCity) -> None:
    streams = EventStreams(city.service.deps)
    for subject, body, most in ((READS, MARKET, 2), (PLATFORM, "11990000MB0000086D", 0)):
        caller = Principal(subject=subject, kind="system", roles=frozenset({"events"}), authority_code=body)
        streams._seen = 2**40
        place, names = 0, []
        while True:
            events, seen = await streams._behind(caller, place)
            names += [event.type for event in events]
            if seen == place:
                break
            place = seen
        assert sum("alert.raised" in name for name in names) == most, subject
        streams._recent = recent = read_all(city.service.deps, after=0, limit=500)
        events, seen = await streams._behind(caller, recent.events[0].position - 1)
        assert seen == recent.events[-1].position
        assert sum("alert.raised" in event.type for event in events) == most
        streams._recent = Shared()


def _everything(deps: Any) -> list[Any]:
    with deps.uow.read() as tx:
        return list(tx.outbox.after(0, limit=500))


def test_webhooks_get_only_what_is_for_their_client(used: tuple[ServedCity, dict[str, Any]]) -> None:
    city, _ = used
    other = reader(city, "reads-elsewhere", "11990000MB00000355")
    body = {"url": "https://receiver.example.com/hook", "types": ["alert.*"]}
    made = {
        who: city.answer(city.client.post("/v1/webhooks", headers=headers, json=body), 201)["webhook"][
            "subscription_id"
        ]
        for who, headers in ((READS, city.system(READS)), ("reads-elsewhere", other))
    }
    done = city.issue(SLUG, "A-2", data=dict(city.catalog.sample(SLUG)["data"]))
    city.answer(fetch(city, READS, fields=["holder_name"]), 201)
    city.answer(city.move(done["identifier"], "suspend", slug=SLUG), 201)
    city.drain()
    queued = dict(city.rows("SELECT subscription_id, count(*) FROM webhook_deliveries GROUP BY subscription_id"))
    assert queued == {made[READS]: 1}
    replayed = city.client.post(f"/v1/webhooks/{made['reads-elsewhere']}/replays", headers=other, json={"after": 0})
    assert replayed.json().get("count") == 0, replayed.text


def test_only_the_addressee_acknowledges_and_once(used: tuple[ServedCity, dict[str, Any]]) -> None:
    city, _ = used
    mine = own(city)
    path = f"/v1/alerts/{mine['alert_id']}/acknowledgement"
    body = {"done": "case_changed", "note": "两件已中止"}
    for stranger in (OTHER, READS):
        assert city.client.post(path, headers=city.system(stranger), json=body).status_code == 404
    done = city.answer(city.client.post(path, headers=city.system(CLIENT), json=body), 201)
    assert (done["state"], done["done"], done["note"]) == ("acknowledged", "case_changed", "两件已中止")
    assert city.client.post(path, headers=city.system(CLIENT), json=body).status_code == 409
    assert [one["client_id"] for one in alerts(city, city.system(CLIENT))] == [""]
    assert [one["alert_id"] for one in alerts(city, city.system(CLIENT), state="acknowledged")] == [mine["alert_id"]]
    issuer = alerts(city, city.system(ISSUER_CLIENT))
    assert mine["alert_id"] not in [one["alert_id"] for one in issuer]
    assert len(issuer) == 2, "the issuing authority sees who has not answered"


@pytest.fixture
def moving(sqlite_url: str, make_city: Callable[..., ServedCity]) -> tuple[ServedCity, FixedClock]:
    """A city whose clock is set by hand."""
    clock = FixedClock(SystemClock().now())
    return make_city(sqlite_url, clock=clock), clock


def test_one_that_waits_too_long_is_brought_to_mind_once(moving: tuple[ServedCity, FixedClock]) -> None:
    city, clock = moving
    done = city.issue(SLUG, "A-1")
    city.answer(fetch(city, fields=["holder_name"]), 201)
    city.answer(city.move(done["identifier"], "suspend", slug=SLUG), 201)
    city.drain()
    assert raise_alerts.remind_some(city.service.deps) == 0
    clock.advance(timedelta(days=REMIND_DAYS, seconds=1))
    assert [raise_alerts.remind_some(city.service.deps) for _ in range(2)] == [1, 0]
    city.drain()
    city.tokens.clear()
    [mine] = alerts(city, city.system(CLIENT))
    assert (mine["late"], mine["reminded_at"] is not None) == (True, True)


def test_who_used_it_long_ago_is_not_told(moving: tuple[ServedCity, FixedClock]) -> None:
    city, clock = moving
    done = city.issue(SLUG, "A-1")
    city.answer(fetch(city, fields=["holder_name"]), 201)
    clock.advance(timedelta(days=ALERT_DAYS + 1))
    city.tokens.clear()
    city.answer(city.move(done["identifier"], "suspend", slug=SLUG), 201)
    city.drain()
    assert city.rows("SELECT count(*) FROM alerts") == [(0,)]
    assert city.rows("SELECT stage FROM alert_batches") == [("done",)]


def test_a_license_with_many_users_is_told_page_by_page(
    small_city: ServedCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = small_city
    monkeypatch.setattr(raise_alerts, "PAGE", 10)
    done = city.issue(SLUG, "A-1")
    city.answer(fetch(city, fields=["holder_name"]), 201)
    city.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 95) "
        "INSERT INTO fetches (fetch_id, version_id, client_id, client_name, authority_code, matter_code, case_no, "
        "circumstances, basis, grant_id, fields, outcome, at) SELECT 'fch_' || i, version_id, 'client-' || (i % 40), "
        "client_name, authority_code, matter_code, case_no, circumstances, basis, grant_id, fields, outcome, at "
        "FROM fetches, n WHERE fetch_id NOT LIKE 'fch__'"
    )
    # What is encrypted is bound to its row: rows made so are read without their circumstances.
    monkeypatch.setattr("certsvc.store.sharing.use_of_row", _bare)
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    city.drain()
    assert city.rows("SELECT count(*), count(DISTINCT client_id) FROM alerts") == [(41, 41)]
    assert city.rows("SELECT count(*) FROM events WHERE type = 'example.certsvc.alert.raised.v1'") == [(41,)]


def _bare(_tx: Any, row: Any) -> Any:
    from certsvc.license.uses import Fetch

    values = {**row, "operator": "", "purpose": "", "fields": ()}
    values.pop("circumstances")
    return Fetch(**values)


def test_the_feed_goes_on_where_others_alerts_fill_it(small_city: ServedCity) -> None:
    city = small_city
    done = city.issue(SLUG, "A-1")
    city.answer(fetch(city, fields=["holder_name"]), 201)
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    city.drain()
    caller = Principal(subject="nobody", kind="system", roles=frozenset({"events"}))
    everything = _everything(city.service.deps)
    place, seen = 0, []
    while True:
        page = read_feed(city.service.deps, caller, after=place, limit=1)
        seen += list(page.events)
        if page.place == place:
            break
        place = page.place
    assert place == everything[-1].position
    assert [one.event_id for one in seen] == [
        one.event_id for one in everything if may_read(one, client_id="nobody", authority_code="", overseers={})
    ]
    assert len(seen) < len(everything)
