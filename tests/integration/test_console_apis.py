"""What the console reads and does beside the older doors: uses of a seal, freshness of trust, drafts, webhooks."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from fixtures_city import ServedCity
from log_city import settle
from PIL import Image
from seal_people import AUDITOR, KEEPER, seal_in_use
from test_bad_input import problem

from certsvc.app import Service
from certsvc.catalog.loader import SEED_DIRECTORY
from certsvc.catalog.publication import Publication
from certsvc.clock import FixedClock
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.commands.ports import Deps
from certsvc.commands.seals.read_uses import read_uses
from certsvc.commands.seals.settle_use import STILL_AT_WORK
from certsvc.commands.seals.use_seal import reserve_use, settle_uses
from certsvc.commands.trust import sources
from certsvc.commands.trust.sources import Freshness, trust_sources
from certsvc.commands.trust_ports import SourceStanding
from certsvc.errors import NotFound
from certsvc.events.checkpoint import Stamp
from certsvc.seal.model import ReservationResult
from certsvc.seal.use import SealUse

NOON = datetime(2026, 12, 2, 4, tzinfo=UTC)
DIGEST = hashlib.sha256(b"a page").hexdigest()
SLUG = "tour_guide"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def deps(make_service: Callable[..., Service], database_url: str, clock: FixedClock) -> Deps:
    """The ports of a sandbox, once per kind of database."""
    service = make_service(database_url, clock=clock)
    seed_sandbox(service.deps)
    return service.deps


def test_uses_of_a_seal_say_what_is_used_up_and_what_nobody_answered(deps: Deps, clock: FixedClock) -> None:
    seal = seal_in_use(deps, per_minute=3)
    first, second = (reserve_use(deps, seal, purpose=f"issue:{n}", digest=DIGEST, use=SealUse()) for n in (1, 2))
    settle_uses(deps, [(second, DIGEST)])
    clock.advance(timedelta(seconds=30))
    seen = read_uses(deps, KEEPER, seal.seal_id)
    assert (seen.used_today, seen.used_last_minute, seen.per_minute, len(seen.unanswered)) == (2, 2, 3, 0)
    clock.advance(timedelta(seconds=60))
    # What cannot be settled yet is not shown as something to settle.
    assert read_uses(deps, KEEPER, seal.seal_id).unanswered == []
    clock.advance(STILL_AT_WORK)
    reserve_use(deps, seal, purpose="issue:3", digest=DIGEST, use=SealUse())
    seen = read_uses(deps, AUDITOR, seal.seal_id)
    assert (seen.used_today, seen.used_last_minute) == (3, 1)
    assert [one.reservation_id for one in seen.unanswered] == [first.reservation_id]
    assert seen.newest[0].purpose == "issue:3"
    assert {one.purpose: one.result for one in seen.newest}["issue:2"] is ReservationResult.USED
    stranger = dataclasses.replace(KEEPER, authority_code="11990000MB0000086D")
    for caller, seal_id in ((stranger, seal.seal_id), (KEEPER, "seal_unknown")):
        with pytest.raises(NotFound):
            read_uses(deps, caller, seal_id)


class Publishers:
    """One that answers and one that does not any more."""

    def standing(self) -> list[SourceStanding]:
        good = SourceStanding(host="a.example", kinds=("crl",), answered_at=NOON, failed_at=NOON - timedelta(hours=1))
        return [good, SourceStanding(host="b.example", kinds=("ocsp",), answered_at=None, failed_at=NOON)]


def test_trust_says_what_ends_what_is_stale_and_what_is_behind(deps: Deps, clock: FixedClock) -> None:
    deps = dataclasses.replace(deps, revocations=Publishers())  # type: ignore[arg-type]
    seen = trust_sources(deps, AUDITOR)
    assert seen.version == seen.confirmed == 0
    assert seen.anchors
    assert {one.freshness for one in seen.anchors} == {Freshness.GOOD}
    assert [freshness for _, freshness in seen.publishers] == [Freshness.GOOD, Freshness.STALE]
    assert seen.stamp_freshness is Freshness.UNKNOWN
    first = min(one.certificate_ends for one in seen.anchors)
    for at, wanted in ((first - sources.SOON, Freshness.SOON), (first, Freshness.ENDED)):
        clock.advance(at - clock.now())
        found = trust_sources(deps, AUDITOR).anchors
        assert wanted in {one.freshness for one in found if one.certificate_ends == first}
    with deps.uow() as tx:
        tx.log.stamp(Stamp(size=1, token=b"t", at=clock.now()))
    assert trust_sources(deps, AUDITOR).stamp_freshness is Freshness.GOOD


def next_file() -> str:
    text = (SEED_DIRECTORY / "types" / f"{SLUG}.toml").read_text(encoding="utf-8")
    return "version = 2\n" + "\n".join(line for line in text.splitlines() if not line.startswith("version ="))


def ask(city: ServedCity, file: str, who: str = "publisher-1") -> Any:
    return city.client.post("/v1/catalog/drafts", headers=city.person(who), json={"file": file})


def test_a_draft_is_checked_and_drawn_and_leaves_nothing(small_city: ServedCity) -> None:
    city = small_city
    before = city.rows("SELECT count(*) FROM catalog_proposals")
    drawn = city.answer(ask(city, next_file()), 200)
    assert (drawn["type"], drawn["version"], drawn["published"]) == (SLUG, 2, 1)
    picture = Image.open(io.BytesIO(base64.b64decode(drawn["picture"])))
    assert picture.format == "PNG"
    assert picture.width == 1000
    wrong = problem(ask(city, next_file().replace("[face]", "[fase]", 1)), 422)
    assert f"{SLUG}.toml" in wrong["errors"][0]["detail"]
    problem(ask(city, "= ="), 422)
    problem(ask(city, next_file().replace(f'slug = "{SLUG}"', f'slug = "{"a" * 300}"')), 422)
    begun = time.process_time()
    problem(ask(city, f"{'.'.join(['a'] * 4000)} = 1\n{next_file()}"), 422)
    assert time.process_time() - begun < 1
    problem(ask(city, next_file(), who="auditor-1"), 403)
    assert city.rows("SELECT count(*) FROM catalog_proposals") == before
    path = f"/v1/catalog/types/{SLUG}/page"
    answer = city.answer(city.client.get(path, headers=city.person("auditor-1")), 200)
    assert answer["file"] == (SEED_DIRECTORY / "types" / f"{SLUG}.toml").read_text(encoding="utf-8")
    masked = {one.key: dict(one.masks) for one in city.catalog.type(SLUG).fields if one.masks}
    assert masked
    assert answer["masks"] == masked
    problem(city.client.get("/v1/catalog/types/unknown/page", headers=city.person("auditor-1")), 404)
    problem(city.client.get(path, headers=city.person("officer-1")), 403)
    with city.service.deps.uow() as tx:
        person = tx.access.person("proposer-1")
        assert person is not None
        code = city.catalog.type(SLUG).definer_code
        tx.access.upsert_person(dataclasses.replace(person, authority_code=code))
    sent = {"file": next_file()}
    made = city.answer(city.client.post("/v1/catalog/proposals", headers=city.person("proposer-1"), json=sent), 201)
    path = f"/v1/catalog/proposals/{made['proposal_id']}/page"
    drawn = city.answer(city.client.get(path, headers=city.person("publisher-1")), 200)
    assert (drawn["file"], drawn["version"]) == (next_file(), 2)
    assert drawn["picture"]


def test_the_page_beside_a_file_is_that_of_the_file(small_city: ServedCity) -> None:
    """Also in the seconds before a process has taken up what was just published."""
    city = small_city
    path = f"/v1/catalog/types/{SLUG}/page"
    before = city.answer(city.client.get(path, headers=city.person("auditor-1")), 200)
    file = next_file()
    for key in ("name", "title"):
        file = file.replace(f'{key} = "导游证"', f'{key} = "导游证新版"', 1)
    draft = city.answer(ask(city, file), 200)
    assert draft["picture"] != before["picture"]
    at = city.service.deps.clock.now()
    row = Publication(
        slug=SLUG,
        version=2,
        digest=hashlib.sha256(file.encode()).hexdigest(),
        file=file.encode(),
        proposed_by="a",
        proposed_at=at,
        published_by="b",
        published_at=at,
    )
    with city.service.deps.uow() as tx:
        assert tx.publications.publish(row)
    assert city.service.deps.catalog.type(SLUG).version == 1
    after = city.answer(city.client.get(path, headers=city.person("auditor-1")), 200)
    assert (after["file"], after["version"], after["name"]) == (file, 2, "导游证新版")
    assert after["picture"] == draft["picture"]


@pytest.mark.parametrize(
    "further", [(), ({"state": "paused", "reason": "再停"},), ({"state": "disabled", "reason": "停用"},)]
)
def test_what_its_owner_stopped_an_operator_does_not_start(small_city: ServedCity, further: Any) -> None:
    city = small_city
    system, operator = city.system(PLATFORM), city.person("operator-1")
    sent = {"url": "https://receiver.example/", "types": ["license.*"]}
    made = city.answer(city.client.post("/v1/webhooks", headers=system, json=sent), 201)
    path = f"/v1/webhooks/{made['webhook']['subscription_id']}"
    stopped = city.answer(city.client.patch(path, headers=system, json={"state": "paused"}), 200)
    assert stopped["stopped_by"] == "owner"
    for change in further:
        city.answer(city.client.patch(path, headers=operator, json=change), 200)
    refused = problem(city.client.patch(path, headers=operator, json={"state": "active"}), 409)
    assert PLATFORM in refused["detail"]
    started = city.answer(city.client.patch(path, headers=system, json={"state": "active"}), 200)
    assert (started["state"], started["stopped_by"]) == ("active", "")


def test_an_operator_stops_starts_and_replays_but_never_redirects(small_city: ServedCity) -> None:
    city = small_city
    system, operator = city.system(PLATFORM), city.person("operator-1")
    sent = {"url": "https://receiver.example/", "types": ["license.*"]}
    made = city.answer(city.client.post("/v1/webhooks", headers=system, json=sent), 201)
    path = f"/v1/webhooks/{made['webhook']['subscription_id']}"
    listed = city.answer(city.client.get("/v1/webhooks", headers=operator), 200)["webhooks"]
    assert made["webhook"]["subscription_id"] in [one["subscription_id"] for one in listed]
    for state in ("paused", "disabled"):
        problem(city.client.patch(path, headers=operator, json={"state": state}), 422)
    for change in ({"url": "https://elsewhere.example/"}, {"types": ["*"]}):
        problem(city.client.patch(path, headers=operator, json=change), 403)
    problem(city.client.delete(path, headers=operator), 403)
    stopped = city.client.patch(path, headers=operator, json={"state": "disabled", "reason": "接收方请求"})
    assert (city.answer(stopped, 200)["state"], stopped.json()["reason"]) == ("disabled", "接收方请求")
    assert city.answer(city.client.patch(path, headers=operator, json={"state": "active"}), 200)["state"] == "active"
    secret = city.answer(city.client.post(f"{path}/secret", headers=operator, json={}), 201)["secret"]
    assert secret.startswith("whsec_")
    assert secret != made["secret"]
    city.answer(city.client.post(f"{path}/tests", headers=operator), 202)
    city.answer(city.client.post(f"{path}/replays", headers=operator, json={"after": 0}), 202)
    settle(city)
    stopping = ("webhook.disabled", "webhook.changed")
    with city.service.deps.uow.read() as tx:
        kept = tx.log.about(made["webhook"]["subscription_id"], beginnings=stopping, limit=9)
    words = [orjson.loads(row.details)["content"].get("words") for row in kept]
    assert words == ["接收方请求", "接收方请求", None]
    problem(
        city.client.patch("/v1/webhooks/whk_00000000000000000000000000", headers=operator, json={"state": "active"}),
        404,
    )
    kinds = [row[0] for row in city.rows("SELECT kind FROM evidence WHERE kind LIKE 'webhook.%' ORDER BY row_no")]
    assert kinds == [
        "webhook.created",
        "webhook.disabled",
        "webhook.changed",
        "webhook.changed",
        "webhook.secret_made",
        "webhook.tested",
        "webhook.replayed",
    ]
