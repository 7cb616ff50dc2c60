"""Every view and chart of the console in a browser, over 100,000 licenses: each answers within a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from city_browser import OpenPage
from fixtures_city import LiveCity
from grown_register import BUSINESS_NO, fill, holder_of, number_of
from playwright.sync_api import Page, expect
from quiet_city import console, quiet_city

from certsvc.meters import Meters

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FEW, FULL = 2_000, 100_000
WITHIN_S = {FEW: 10.0, FULL: 1.0}
"""By how many there are: an ordinary run proves the walk, on machines that do other things at the same time."""
CHARTS = ("issued", "types", "scenes", "scanned", "fetched", "replaced", "states", "ended", "requests", "sealing")
ROUTES = {
    "POST /v1/console/searches",
    "GET /v1/console/licenses/{identifier}",
    "GET /v1/console/stuck",
    "GET /v1/console/charts",
    "POST /v1/console/leaves",
    "GET /v1/catalog/types/{slug}/page",
    "GET /v1/trust-list/sources",
    "GET /v1/webhooks",
}


@dataclass
class Noted:
    """The histogram of answers, with what it was told: how long each took, as the service itself sees it."""

    took: list[tuple[str, float]] = field(default_factory=list)

    def observe(self, seconds: float, **labels: str) -> None:
        """One more answer."""
        self.took.append((f"{labels['method']} {labels['route']}", seconds))


@contextmanager
def watched(meters: Meters) -> Iterator[Noted]:
    """Note every answer while this lasts."""
    was, noted = meters.request_seconds, Noted()
    meters.request_seconds = noted  # type: ignore[assignment]
    try:
        yield noted
    finally:
        meters.request_seconds = was


@pytest.fixture(params=[FEW, pytest.param(FULL, marks=pytest.mark.slow)], scope="module")
def size(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def live_city(size: int, city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    with quiet_city(city_keys, tmp_path_factory.mktemp("console_full")) as city:
        # The browser's event loop runs in this thread, and the inspector of files refuses to work beside one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(fill, city.city, size).result()
        yield city


@pytest.mark.timeout(900)
def test_every_view_and_chart_answers_within_a_second(open_page: OpenPage, live_city: LiveCity, size: int) -> None:
    with watched(live_city.city.service.meters) as noted:
        slowest: dict[str, float] = {}
        for view in walk(open_page, size):
            took = [(seconds, route) for route, seconds in noted.took if route.split()[1].startswith("/v1/")]
            slowest |= {f"{view}: {route}": round(seconds, 3) for seconds, route in sorted(took)}
            noted.took.clear()
    assert {name.rsplit(": ", 1)[1] for name in slowest} >= ROUTES
    print("\n".join(f"{seconds:6.3f} s  {name}" for name, seconds in sorted(slowest.items(), key=lambda one: -one[1])))
    assert {name: seconds for name, seconds in slowest.items() if seconds >= WITHIN_S[size]} == {}


def walk(open_page: OpenPage, size: int) -> Iterator[str]:
    """Each view as somebody with its duty works in it; stops when its answers are there."""
    page = console(open_page, "auditor-1", "search")
    yield from search(page, size)
    yield from audit(page)
    for view, mark in (("stuck", "#stuck-relays"), ("webhooks", ".desk-view .empty"), ("seals", "[data-seal]")):
        page.locator(f'.ways [data-view="{view}"]').click()
        page.locator(mark).first.wait_for()
        yield view
    yield from charts(page)
    for view, mark in (("trust", "#anchors li"), ("imports", ".desk-view .empty"), ("catalog", "#types li")):
        page.locator(f'.ways [data-view="{view}"]').click()
        page.locator(mark).first.wait_for()
        yield view
    page.locator("#types a").first.click()
    page.locator("#type-picture").wait_for()
    yield "catalog: a type"


def search(page: Page, size: int) -> Iterator[str]:
    """The newest, page by page; by what names a license; by state; one license."""
    expect(page.locator("#found li")).to_have_count(50)
    yield "search: newest"
    page.locator("#found-more").click()
    expect(page.locator("#found li")).to_have_count(100)
    yield "search: older"
    for name, text in (("number", number_of(size // 2)), ("holder", holder_of(size // 2)), ("business", BUSINESS_NO)):
        page.locator("#s-text").fill(text)
        page.locator("#s-go").click()
        expect(page.locator("#found li")).to_have_count(10 if name == "holder" else 1)
        yield f"search: by {name}"
    page.locator("#s-text").fill("")
    for state in ("revoked", "voided"):
        page.locator("#s-state").select_option(state)
        page.locator("#s-go").click()
        page.locator('#found [data-state="revoked"]' if state == "revoked" else ".empty").first.wait_for()
        yield f"search: {state}"
    page.locator("#s-state").select_option("")
    page.locator("#s-text").fill(BUSINESS_NO)
    page.locator("#s-go").click()
    page.locator("#found [data-identifier] a").first.click()
    page.locator("#timeline li").first.wait_for()
    page.locator("#l-face").click()
    page.locator("#l-picture").wait_for()
    page.locator("#l-check").click()
    page.locator("#l-verdict").wait_for()
    yield "license"


def audit(page: Page) -> Iterator[str]:
    """All leaves, those of a kind, of a subject and of a day."""
    page.locator('.ways [data-view="audit"]').click()
    page.locator("#leaves tbody tr").first.wait_for()
    yield "audit"
    asked: dict[str, Callable[[], object]] = {
        "kind": lambda: page.locator("#a-kind").select_option("trust."),
        "subject": lambda: page.locator("#a-subject").fill("auditor-1"),
        "days": lambda: page.locator("#a-to").fill("2026-01-01"),
    }
    for name, fill_in in asked.items():
        fill_in()
        with page.expect_response("**/v1/console/leaves"):
            page.locator("#a-go").click()
        yield f"audit: {name}"


def charts(page: Page) -> Iterator[str]:
    """Every span, and in each every chart."""
    page.locator('.ways [data-view="charts"]').click()
    for days in (30, 7, 90, 365):
        page.locator("#c-days").select_option(str(days))
        page.locator(f'#charts[data-days="{days}"]').wait_for()
        for name in CHARTS:
            expect(page.locator(f"#chart-{name}")).to_be_visible()
        yield f"charts: {days} days"
