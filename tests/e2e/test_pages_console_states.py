"""Every view of the console with nothing, something and a fault in it, on a phone of 390 px, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from city_browser import PHONE, OpenPage, Watch, sign_in
from disposal_records import make_disposal, make_item
from fixtures_city import LiveCity
from import_desk import ImportDesk
from page_checks import complaints
from playwright.sync_api import Page, Route, expect
from quiet_city import quiet_city
from test_pages_console import FOOD, fail, park

from certsvc.commands.access.seed_sandbox import PLATFORM

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AT = "2026-11-28T00:00:00Z"
FAULT = {"status": 503, "title": "服务暂时不可用", "code": "unavailable", "detail": "数据库没有应答，请稍后再试"}


@dataclass(frozen=True, kw_only=True)
class State:
    """One view: who looks, where its answers come from, and what they are when there is nothing.

    Attributes:
        some: what is there when the view has something; ``none`` when it has nothing.
        empty: by the end of an address, the answer without anything in it.
    """

    who: str
    some: str
    none: str
    empty: Mapping[str, Any]


STATES = {
    "search": State(
        who="operator-1",
        some="#found li",
        none=".desk-view .empty",
        empty={"/v1/console/searches": {"licenses": [], "requests": [], "whole": True, "next": ""}},
    ),
    "stuck": State(
        who="operator-1",
        some='[data-step="retry"] [data-request]',
        none="#stuck-requests ~ .empty",
        empty={
            "/v1/console/stuck": {
                "groups": [],
                "requests": [],
                "parked": [],
                "reservations": [],
                "behind": [],
                "unsequenced": 0,
                "unsequenced_since": None,
                "failed_deliveries": 0,
            }
        },
    ),
    "charts": State(
        who="operator-1",
        some='#chart-states [data-key="valid"]',
        none="#chart-states .empty",
        empty={
            "/v1/console/charts*": {
                "first": "2026-11-01",
                "last": "2026-11-28",
                "today": "2026-11-28",
                "issued": [],
                "days": [],
                "scenes": [],
                "sealed": 0,
                "to_seal": 0,
                "states": [],
                "requests": [],
            }
        },
    ),
    "audit": State(
        who="auditor-1",
        some="#leaves tbody tr",
        none=".desk-view .empty",
        empty={"/v1/console/leaves": {"leaves": [], "before": 0, "size": 0, "checkpoint_at": None, "kinds": []}},
    ),
    "seals": State(
        who="auditor-1",
        some="[data-seal]",
        none="#seal-count",
        empty={"/v1/seals?*": []},
    ),
    "imports": State(
        who="batch-clerk-1",
        some="#imports li",
        none=".desk-view .empty",
        empty={"/v1/imports?*": {"imports": [], "next": ""}},
    ),
    "disposals": State(
        who="archivist-1",
        some="#disposals li",
        none="#no-disposals",
        empty={"/v1/disposals?*": {"disposals": [], "next": ""}},
    ),
    "webhooks": State(
        who="operator-1",
        some="#webhooks li",
        none=".desk-view .empty",
        empty={"/v1/webhooks?*": {"webhooks": [], "next": ""}},
    ),
    "trust": State(
        who="trust-1",
        some="#anchors li",
        none="#no-publishers",
        empty={
            "/v1/trust-list/sources": {
                "at": AT,
                "version": 1,
                "confirmed": 1,
                "anchors": [],
                "authorities": [],
                "publishers": [],
                "stamped_at": None,
                "stamp_freshness": "unknown",
            },
            "/v1/trust-list/changes": {"version": 1, "waiting": [], "changes": []},
        },
    ),
    "catalog": State(
        who="proposer-1",
        some="#types li",
        none="#types-none",
        empty={"/v1/catalog/types": [], "/v1/catalog/status": {"waiting": []}},
    ),
}


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    with quiet_city(city_keys, tmp_path_factory.mktemp("console_states")) as city:
        # The browser's event loop runs in this thread, and the inspector of files refuses to work beside one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(furnish, city).result()
        yield city


def furnish(live_city: LiveCity) -> None:
    """Something for every view."""
    city = live_city.city
    city.licenses.append({"type": FOOD, **city.issue(FOOD, "STATE-1")})
    desk = ImportDesk(city)
    desk.checked(desk.csv([desk.row(1), desk.row(2, holder_name="")]))
    sent = {"url": "https://receiver.example/", "types": ["*"]}
    city.answer(city.client.post("/v1/webhooks", headers=city.system(PLATFORM), json=sent), 201)
    with city.service.deps.uow() as tx:
        tx.disposals.insert(make_disposal(), [make_item()])
    fail(live_city)
    park(live_city)


def opened(open_page: OpenPage, view: str) -> Page:
    """The console on a phone, before the view is looked at."""
    page = open_page("/console", size=PHONE)
    sign_in(page, STATES[view].who)
    page.locator(f'.ways [data-view="{view}"]').wait_for()
    return page


def answering(answer: Any) -> Callable[[Route], None]:
    """Whatever is asked there, this is the answer."""
    return lambda route: route.fulfill(json=answer)


def look_at(page: Page, view: str) -> None:
    page.locator(f'.ways [data-view="{view}"]').click()


def in_both_languages(page: Page, mark: str) -> list[Any]:
    """What is wrong with the page as it is, in Chinese and then in English."""
    wrong = []
    for button, language in (("", "zh"), ("EN", "en")):
        if button:
            page.get_by_role("button", name=button, exact=True).click()
        page.locator(mark).first.wait_for()
        wrong += [(language, *one) for one in complaints(page)]
    return wrong


@pytest.mark.parametrize("view", STATES)
def test_a_view_with_something_in_it(open_page: OpenPage, live_city: LiveCity, view: str) -> None:
    page = opened(open_page, view)
    look_at(page, view)
    assert in_both_languages(page, STATES[view].some) == []


@pytest.mark.parametrize("view", STATES)
def test_a_view_with_nothing_in_it_says_so(open_page: OpenPage, live_city: LiveCity, view: str) -> None:
    page = opened(open_page, view)
    for path, answer in STATES[view].empty.items():
        page.route(f"**{path}", answering(answer))
    look_at(page, view)
    assert in_both_languages(page, STATES[view].none) == []
    assert page.locator(STATES[view].some).count() == 0
    assert page.locator(STATES[view].none).first.inner_text().strip()


@pytest.mark.parametrize("view", STATES)
def test_a_view_whose_service_fails_says_what_to_do_and_goes_on(
    open_page: OpenPage, live_city: LiveCity, watch: Watch, view: str
) -> None:
    watch.allow("503")
    page = opened(open_page, view)

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json=FAULT, content_type="application/problem+json")

    for path in STATES[view].empty:
        page.route(f"**{path}", refuse)
    look_at(page, view)
    trouble = page.locator('#trouble [data-problem="503"]')
    expect(trouble).to_contain_text(str(FAULT["detail"]))
    expect(trouble.get_by_role("button")).to_have_count(1)
    assert in_both_languages(page, '#trouble [data-problem="503"]') == []
    assert page.locator(STATES[view].some).count() == 0
    page.unroute_all()
    trouble.get_by_role("button").click()
    page.locator(STATES[view].some).first.wait_for()
    expect(page.locator("#trouble .notice")).to_have_count(0)


def test_a_license_that_is_not_there_says_so(open_page: OpenPage, live_city: LiveCity, watch: Watch) -> None:
    watch.allow("404")
    page = opened(open_page, "search")
    page.goto(page.url.split("#", maxsplit=1)[0] + "#license/1.2.156.3005.2.NOTHING")
    assert in_both_languages(page, "#trouble .notice") == []
    identifier = live_city.city.license(FOOD)["identifier"]
    page.goto(page.url.split("#", maxsplit=1)[0] + f"#license/{identifier}")
    page.locator("#timeline li").first.wait_for()
    assert complaints(page) == []
    expect(page.locator("#trouble .notice")).to_have_count(0)
