"""Consents and visits are for everybody: axe, names, contrast, targets; 320 px, 200 %, the 长辈版, English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from city_browser import SMALLEST, OpenPage, sign_in, sign_out
from fixtures_city import LiveCity
from page_checks import OVERFLOW, complaints
from page_states import sharing_states
from playwright.sync_api import Page
from test_pages_visits import open_visit, shown

from certsvc.catalog.loader import load_catalog

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

COMPANY, CHEMICAL = "business_license", "hazardous_chemical"
CHINESE, KEY = re.compile("[\u4e00-\u9fff]"), re.compile(r"^[a-z]+\.[a-z]")


LABELS = """
() => [...document.querySelectorAll('main :is(label:not(.tick), button, h2:not(#verdict-word), dt, nav a)')]
  .filter((node) => node.getBoundingClientRect().width).map((node) => node.innerText.trim())
"""


def states(page: Page, city: LiveCity) -> Iterator[str]:
    """Every view of delegations, bundles, disputes, devices, questions, visits and their history."""
    yield from holder_states(page, city)
    yield from sharing_states(page, city)
    yield from officer_states(page, city)


def holder_states(page: Page, city: LiveCity) -> Iterator[str]:
    page.goto(f"{city.base}/holder")
    sign_in(page, city.city.holder_of(COMPANY))
    page.locator("[data-bundle]").first.wait_for()
    yield "wallet with bundles"
    page.locator('[data-action="show-bundle"]').first.click()
    page.locator("#readers").wait_for()
    yield "bundle: readers"
    page.locator('[data-reader="officer"]').click()
    page.locator("#bundle-preview").wait_for()
    yield "bundle: preview"
    page.locator("#show-go").click()
    page.locator("#show-qr").wait_for()
    yield "bundle: code"
    page.locator('[data-view="grants"]').first.click()
    page.locator('[data-view="delegations"]').click()
    page.locator("#delegation-new").click()
    page.locator("#delegation-submit").click()
    yield "delegation: form with mistakes"
    page.locator("#delegation-cancel").click()
    page.locator("#delegation-new").wait_for()
    yield "delegations"
    page.locator('[data-view="uses"]').first.click()
    page.locator("#uses, .empty").first.wait_for()
    yield "uses"
    page.locator('[data-view="visits"]').click()
    page.locator("#own-visits, .empty").first.wait_for()
    yield "visits of the holder"
    page.locator('[data-view="wallet"]').first.click()
    page.locator(".license summary").first.click()
    page.locator('[data-action="dispute-content"]').first.click()
    page.locator("#dispute-submit").click()
    page.locator("#dispute-wrong").wait_for()
    yield "dispute: form with mistakes"
    page.locator("#dispute-text").fill("证照上的经营场所与实际不符")
    page.locator("#dispute-submit").click()
    page.locator("#disputes").wait_for()
    yield "disputes"
    page.goto(f"{city.base}/holder#devices")
    page.locator("#devices, .empty").first.wait_for()
    yield "devices"
    page.goto(f"{city.base}/holder#wallet")
    sign_out(page)


def officer_states(page: Page, city: LiveCity) -> Iterator[str]:
    subject = city.city.officer_of(CHEMICAL)
    page.goto(f"{city.base}/officer")
    sign_in(page, subject)
    page.locator('[data-view="visit"]').click()
    page.locator("#visit-form").wait_for()
    for name in ("#visit-target", "#visit-joint"):
        page.locator(f"{name} summary").click()
    yield "visit: form"
    open_visit(page, "示例检〔2026〕99号")
    page.locator("#visit-join-code summary").click()
    page.locator("#visit-add").click()
    yield "visit: open"
    proof = city.city.answer(city.city.client.get("/v1/visits/current", headers=city.city.person(subject)), 200)
    page.locator('[data-view="scan"]').click()
    page.locator("#scan-text").fill(shown(city, CHEMICAL, "safety_inspection"))
    page.locator("#scan-submit").click()
    page.locator(".outcome").wait_for()
    page.locator('.outcome input[value="rectify"]').check()
    yield "result with outcome form"
    page.locator('.outcome [data-action="outcome-send"]').click()
    page.locator(".outcome-done").wait_for()
    page.locator('[data-view="records"]').click()
    page.locator("#records > li").first.wait_for()
    page.locator("#history-filter summary").click()
    page.locator('#records > li [data-action="outcome"]').first.click()
    yield "history with a correction"
    page.locator('[data-view="ask"]').click()
    page.locator("#ask-form").wait_for()
    yield "question"
    page.goto(city.base + "/o/" + proof["proof_code"].rsplit("/o/", 1)[1])
    page.locator("#proof-officers").wait_for()
    yield "proof of officers"
    page.goto(f"{city.base}/officer#visit")
    page.locator("#visit-close").click()
    page.locator(".ask .van-dialog__confirm").click()
    page.locator("#visit-form").wait_for()
    sign_out(page)


def english(page: Page) -> list[Any]:
    """Labels, buttons and headings are English, and no key; what the law or the service says stays Chinese."""
    page.locator("#language-toggle").click()
    texts = page.evaluate(LABELS)
    found = [text for text in texts if "_" in text or KEY.search(text) or (CHINESE.search(text) and not named(text))]
    width, inner = page.evaluate(OVERFLOW)
    found += [(width, inner)] if width > inner else []
    page.locator("#language-toggle").click()
    return found or ([] if texts else ["no labels"])


def named(text: str) -> bool:
    """A name of the catalog: of a type, a scene or a bundle."""
    catalog = load_catalog()
    names = [kind.name for kind in catalog.types] + [one.name for one in catalog.bundles]
    return any(name in text for name in (*names, *(scene.name for kind in catalog.types for scene in kind.scenes)))


def test_every_view_can_be_reached_read_and_pressed(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/", size=SMALLEST)
    wrong: list[Any] = []
    for state in states(page, live_city):
        wrong += [(state, *one) for one in complaints(page)]
        wrong += [(state, "English", one) for one in english(page)]
    assert wrong == []
