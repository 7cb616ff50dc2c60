"""谁用过我的证 in a browser shows who fetched a 电子材料, for what and what left, and takes a dispute about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from city_browser import OpenPage, sign_in
from fixtures_city import LiveCity
from page_checks import complaints
from playwright.sync_api import expect
from test_material_fetches import COPY, NAME, SLUG, fetch, lease, opened

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def fetched(live_city: LiveCity) -> str:
    city = live_city.city
    material_id = str(lease(city, "BJ-PAGE-1")["material_id"])
    opened(city, keys=["name", "case_no", COPY])
    city.answer(fetch(city, material_id=material_id, case_no="YL-PAGE-1"), 201)
    return material_id


def test_the_holder_sees_who_fetched_a_material_and_disputes_it(open_page: OpenPage, live_city: LiveCity) -> None:
    # The browser's event loop runs in this thread, and the inspector of files refuses to work beside one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(fetched, live_city).result()
    page = open_page("/holder#uses")
    sign_in(page, live_city.city.holder_of(SLUG))
    page.goto(f"{live_city.base}/holder#uses")
    row = page.locator("#uses li").filter(has_text="YL-PAGE-1")
    for words in ("经营场所租赁合同", NAME, "依职能", "材料名称", "办件编号", "材料文件"):
        expect(row).to_contain_text(words)
    assert complaints(page) == []
    row.locator('[data-action="dispute"]').click()
    page.locator("#dispute-text").fill("没有办过这件事，请核查")
    page.locator("#dispute-submit").click()
    filed = page.locator("#disputes li").first
    expect(filed).to_contain_text("经营场所租赁合同")
    expect(filed).to_have_attribute("data-state", "filed")
    assert complaints(page) == []
