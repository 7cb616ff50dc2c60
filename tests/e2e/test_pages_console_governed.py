"""推送、信任、目录 in the console: replays and secrets, freshness, a type file checked, drawn and published."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from city_browser import OpenPage, Watch
from fixtures_city import LiveCity
from page_checks import complaints
from playwright.sync_api import Page, Route, expect
from quiet_city import confirm, console, quiet_city
from signing_strangers import make_stranger

from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.signing.trust import read_anchors

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SLUG = "tour_guide"


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    with quiet_city(city_keys, tmp_path_factory.mktemp("console_governed")) as city:
        yield city


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_an_operator_stops_starts_replays_and_changes_a_secret(
    open_page: OpenPage, live_city: LiveCity, english: bool
) -> None:
    city = live_city.city
    sent = {"url": "https://receiver.example/", "types": ["*"]}
    made = city.answer(city.client.post("/v1/webhooks", headers=city.system(PLATFORM), json=sent), 201)
    hook = made["webhook"]["subscription_id"]
    page = console(open_page, "operator-1", "webhooks", english=english, narrow=True)
    assert complaints(page) == []
    page.locator(f'[data-webhook="{hook}"] a').click()
    page.locator('[data-action="secret"]').click()
    confirm(page)
    secret = page.locator("#new-secret").inner_text()
    assert secret.startswith("whsec_")
    assert secret != made["secret"]
    page.locator('[data-action="hide"]').click()
    expect(page.locator("#new-secret")).to_have_count(0)
    page.locator('[data-action="replay-span"]').click()
    expect(page.locator("#replay-title ~ .wrong")).not_to_be_empty()
    page.locator("#r-since").fill("2026-01-01T00:00")
    page.locator('[data-action="replay-span"]').click()
    expect(page.locator("#replayed")).not_to_be_empty()
    assert complaints(page) == []
    page.locator('[data-action="stop"]').click()
    expect(page.locator(".card .wrong").first).not_to_be_empty()
    page.locator("#h-reason").fill("接收方请求停用")
    page.locator('[data-action="stop"]').click()
    confirm(page)
    expect(page.locator("#hook-state")).to_have_attribute("data-state", "disabled")
    expect(page.locator("#replay-title")).to_have_count(0)
    page.locator('[data-action="start"]').click()
    expect(page.locator("#hook-state")).to_have_attribute("data-state", "active")
    look = console(open_page, "auditor-1", "webhooks")
    look.locator(f'[data-webhook="{hook}"] a').click()
    look.locator("#log-title").wait_for()
    for what in ("stop", "secret", "replay-span"):
        expect(look.locator(f'[data-action="{what}"]')).to_have_count(0)


def stale(page: Page) -> None:
    """As it is shortly before a root ends and while a publisher is away."""

    def change(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        found["anchors"][0]["freshness"] = "soon"
        found["publishers"] = [
            {
                "host": "crl.example",
                "kinds": ["crl"],
                "answered_at": None,
                "failed_at": found["at"],
                "freshness": "stale",
            }
        ]
        route.fulfill(response=answer, json={**found, "confirmed": found["version"] + 1})

    page.route("**/v1/trust-list/sources", change)


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_trust_tells_what_ends_and_is_changed_by_two_people(
    open_page: OpenPage, live_city: LiveCity, english: bool
) -> None:
    page = console(open_page, "operator-1", "trust", english=english, narrow=True)
    expect(page.locator("#anchors li").first).to_have_attribute("data-fresh", "good")
    expect(page.locator("#trust-behind")).to_have_count(0)
    expect(page.locator("#trust-propose")).to_have_count(0)
    stale(page)
    page.reload()
    expect(page.locator("#trust-behind")).to_be_visible()
    expect(page.locator("#trust-warn")).to_contain_text("2")
    expect(page.locator('[data-publisher="crl.example"] .mark')).to_contain_text("Stale" if english else "陈旧")
    assert complaints(page) == []
    page.unroute_all(behavior="wait")
    name = f"示例根证书{english}"
    one = console(open_page, "trust-1", "trust", english=english, narrow=True)
    one.locator("#trust-propose").click()
    one.locator("#trust-send").click()
    expect(one.locator("#trust-form .wrong")).not_to_be_empty()
    pem = make_stranger().root_pem
    one.locator("#t-file").set_input_files({"name": "root.pem", "mimeType": "text/plain", "buffer": pem})
    one.locator("#t-name").fill(name)
    one.locator('#trust-form input[value="timestamp"]').check()
    one.locator("#t-reason").fill("示例：新的时间戳根证书")
    assert complaints(one) == []
    one.locator("#trust-send").click()
    row = one.locator("#trust-waiting li").filter(has_text=name)
    expect(row.locator('[data-way="withdraw"]')).to_be_visible()
    expect(row.locator('[data-way="confirm"]')).to_have_count(0)
    two = console(open_page, "trust-2", "trust", english=english)
    two.locator("#trust-waiting li").filter(has_text=name).locator('[data-way="confirm"]').click()
    confirm(two)
    expect(two.locator("#trust-log li").filter(has_text=name)).to_contain_text("trust-2")
    listed = live_city.city.client.get("/v1/trust-list").json()
    digest = hashlib.sha256(read_anchors(pem)[0]).hexdigest()
    assert (name, digest) in [(anchor["name"], anchor["sha256"]) for anchor in listed["anchors"]]


def test_a_type_file_is_checked_drawn_compared_proposed_and_published(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    city = live_city.city
    with city.service.deps.uow() as tx:
        person = tx.access.person("proposer-1")
        assert person is not None
        code = city.catalog.type(SLUG).definer_code
        tx.access.upsert_person(dataclasses.replace(person, authority_code=code))
    page = console(open_page, "proposer-1", "catalog", narrow=True)
    page.locator("#type-find").fill("导游")
    expect(page.locator("#types li")).to_have_count(1)
    assert complaints(page) == []
    page.locator(f'[data-type="{SLUG}"] a').click()
    page.locator("#type-picture").wait_for()
    expect(page.locator("#type-fields")).to_contain_text("遮盖")
    assert complaints(page) == []
    page.locator('[data-action="edit"]').click()
    page.locator("#draft").wait_for()
    expect(page.locator("#draft-propose")).to_have_count(0)
    text = page.locator("#draft").input_value()
    page.locator("#draft").fill(text.replace("[face]", "[fase]", 1))
    watch.allow("422")
    page.locator("#draft-check").click()
    page.locator("#trouble .notice").wait_for()
    expect(page.locator("#trouble")).to_contain_text(f"{SLUG}.toml")
    rest = "\n".join(line for line in text.splitlines() if not line.startswith("version ="))
    page.locator("#draft").fill("version = 2\n" + rest.replace('name = "导游证"', 'name = "导游证（新版）"', 1))
    page.locator("#draft-check").click()
    page.locator("#draft-picture").wait_for()
    expect(page.locator("#draft-told")).to_contain_text("检查通过")
    expect(page.locator("#draft-diff .added").filter(has_text="新版")).to_have_count(1)
    assert complaints(page) == []
    with page.expect_download() as got:
        page.locator("#draft-download").click()
    assert "导游证（新版）" in got.value.path().read_text(encoding="utf-8")
    page.locator("#draft-propose").click()
    confirm(page)
    page.locator("#draft-told", has_text="已提案").wait_for()
    published_by_another(open_page, live_city)


def published_by_another(open_page: OpenPage, live_city: LiveCity) -> None:
    """Looked at, then published, by somebody who did not propose it; an operator only reads."""
    city = live_city.city
    other = console(open_page, "publisher-1", "catalog", english=True, narrow=True)
    waiting = other.locator("#types-waiting li")
    expect(waiting.locator('[data-action="publish"]')).to_have_count(0)
    waiting.locator('[data-action="look"]').click()
    waiting.locator("img").wait_for()
    assert complaints(other) == []
    waiting.locator('[data-action="publish"]').click()
    confirm(other)
    other.locator("#types-none").wait_for()
    status = city.client.get("/v1/catalog/status", headers=city.person("operator-1")).json()
    assert (SLUG, 2, "publisher-1") in [(p["type"], p["version"], p["published_by"]) for p in status["published"]]
    reader = console(open_page, "operator-1", "catalog")
    reader.locator(f'[data-type="{SLUG}"] a').click()
    reader.locator("#type-picture").wait_for()
    expect(reader.locator('[data-action="edit"]')).to_have_count(0)
