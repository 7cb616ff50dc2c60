"""Sessions on the pages: whoever leaves or stays away is out, and who says everywhere is out everywhere."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
from city_browser import OpenPage, Watch, sign_in, sign_out
from fixtures_city import LiveCity
from playwright.sync_api import Page, expect

WAIT_S = 60
MINUTE_MS = 60_000


def token_of(page: Page, name: str) -> str:
    return str(json.loads(page.evaluate(f'sessionStorage.getItem("certsvc.{name}")'))["token"])


def me(live_city: LiveCity, token: str) -> int:
    return httpx.get(f"{live_city.base}/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code


def wait_until_out(live_city: LiveCity, token: str) -> None:
    """The page does not wait for the answer, so the test does."""
    end = time.monotonic() + WAIT_S
    while me(live_city, token) != 401:
        assert time.monotonic() < end, "the token still opens doors"
        time.sleep(0.1)


def people_of_pages(city: Any) -> dict[str, str]:
    return {
        "holder": city.holder_of("teacher_qualification"),
        "officer": city.officer_of("tour_guide"),
        "counter": "clerk-1",
        "department": "use-clerk-1",
        "console": "operator-1",
        "stamp": "keeper-1",
        "seals": "applicant-1",
        "supervision": "supervisor-1",
    }


def test_whoever_signs_out_leaves_a_token_that_opens_nothing_on_every_page(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    page = open_page("/")
    for name, subject in people_of_pages(live_city.city).items():
        page.goto(f"{live_city.base}/{name}")
        sign_in(page, subject)
        token = token_of(page, name)
        assert me(live_city, token) == 200, name
        sign_out(page)
        assert page.evaluate("sessionStorage.length") == 0, name
        wait_until_out(live_city, token)
    page.goto(f"{live_city.base}/sign")
    sign_in(page, live_city.city.holder_of("teacher_qualification"))
    token = token_of(page, "holder")
    sign_out(page)
    wait_until_out(live_city, token)


def test_a_page_that_nobody_touches_warns_and_signs_out(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/")
    page.clock.install()
    for name in ("holder", "seals"):  # both kinds of pages
        page.goto(f"{live_city.base}/{name}")
        sign_in(page, people_of_pages(live_city.city)[name])
        token = token_of(page, name)
        page.clock.fast_forward(14 * MINUTE_MS + 10_000)
        expect(page.locator("#idle-soon")).to_contain_text("一分钟后将退出登录")
        page.get_by_role("button", name="继续使用").click()
        expect(page.locator("#idle-soon")).to_have_count(0)
        page.clock.fast_forward(13 * MINUTE_MS)
        expect(page.locator("#logout")).to_be_visible()
        assert me(live_city, token) == 200
        page.clock.fast_forward(2 * MINUTE_MS + 10_000)
        expect(page.locator('[data-problem="idle"]')).to_contain_text("请重新登录后继续")
        expect(page.locator("#people")).to_be_visible()
        wait_until_out(live_city, token)


def test_without_network_nobody_is_signed_out_for_staying_away(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    page = open_page("/")
    page.clock.install()
    page.goto(f"{live_city.base}/officer")
    sign_in(page, live_city.city.officer_of("tour_guide"))
    page.context.set_offline(offline=True)
    page.clock.fast_forward(40 * MINUTE_MS)
    expect(page.locator("#logout")).to_be_visible()
    page.context.set_offline(offline=False)
    page.clock.fast_forward(10_000)
    expect(page.locator('[data-problem="idle"]')).to_be_visible()


def test_everywhere_is_the_other_phone_too(open_page: OpenPage, live_city: LiveCity, watch: Watch) -> None:
    watch.allow("status of 401")
    subject = live_city.city.holder_of("teacher_qualification")
    lost, own = open_page("/holder"), open_page("/holder#devices")
    sign_in(lost, subject)
    token = token_of(lost, "holder")
    time.sleep(1.1)  # tokens of the very second stay good
    sign_in(own, subject)
    own.locator("#leave-everywhere").click()
    own.locator(".ask .van-dialog__confirm").click()
    own.locator("#people").wait_for()
    assert me(live_city, token) == 401
    lost.locator('[data-view="uses"]').first.click()
    expect(lost.locator('[data-problem="401"]')).to_contain_text("请重新登录后继续")
    sign_in(own, subject)
    own.locator("#logout").wait_for()


def test_no_name_from_outside_reaches_what_objects_inherit(open_page: OpenPage, live_city: LiveCity) -> None:
    """Prototype pollution: a key that others chose changes no other object, on any page."""
    page = open_page("/")
    merge = """() => {
      const into = {};
      const put = (to, from) => { for (const key of Object.keys(from)) {
        if (typeof from[key] === "object" && typeof to[key] === "object" && to[key]) put(to[key], from[key]);
        else try { to[key] = from[key]; } catch { /* strict code is told */ }
      } };
      put(into, JSON.parse('{"__proto__": {"stolen": 1}, "constructor": {"prototype": {"stolen": 2}}}'));
      try { Object.prototype.stolen = 3; } catch { /* as above */ }
      try { Array.prototype.stolen = 4; } catch { /* as above */ }
      return [{}.stolen, [].stolen, (() => 0).stolen].map((found) => found ?? null);
    }"""
    for name in ("", "sign", *people_of_pages(live_city.city)):
        page.goto(f"{live_city.base}/{name}")
        assert page.evaluate(merge) == [None, None, None], name
