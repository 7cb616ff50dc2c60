"""What every page and state keeps: nothing sideways at 320 px, the 长辈版, keyboard, contrast, names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from city_browser import SMALLEST, OpenPage, Watch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fixtures_city import LiveCity
from page_checks import POINT, complaints
from page_states import states
from playwright.sync_api import Page, expect

from certsvc.web.install import install_pages

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("english", [False, True], ids=["Chinese", "English"])
def test_every_state_fits_the_smallest_phone_and_can_be_read_and_touched(
    open_page: OpenPage, live_city: LiveCity, watch: Watch, english: bool
) -> None:
    """One walk with every check, since the walk costs far more than they do."""
    watch.allow("status of 404")
    page = open_page("/", size=SMALLEST, english=english)
    wrong: list[Any] = []
    for state in states(page, live_city):
        wrong += [(state, *one) for one in complaints(page)]
    assert wrong == []


def test_large_print_is_switched_on_grows_to_30_points_and_is_remembered(open_page: OpenPage) -> None:
    page = open_page("/")
    size = "parseFloat(getComputedStyle(document.body).fontSize)"
    assert page.evaluate(size) == 16
    page.get_by_role("button", name="长辈版").click()
    expect(page.get_by_role("button", name="长辈版")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(size) == pytest.approx(18 * POINT)
    for _ in range(3):
        page.get_by_role("button", name="字大").click()
    assert page.evaluate(size) == pytest.approx(30 * POINT)
    expect(page.get_by_role("button", name="字大")).to_be_disabled()
    page.reload()
    assert page.evaluate(size) == pytest.approx(30 * POINT)
    assert page.evaluate("parseFloat(getComputedStyle(document.body).lineHeight)") >= 1.3 * 30 * POINT
    page.get_by_role("button", name="长辈版").click()
    page.reload()
    assert page.evaluate(size) == 16


def test_english_replaces_the_fixed_words_and_is_remembered(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("button", name="EN").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check a license", use_inner_text=True)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("tab", name="PDF file")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("tab", name="PDF 文件")).to_be_visible()


def press_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press ``key`` until the element has the focus, which must be visible there."""
    for _ in range(40):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert page.evaluate(style) != "none", f"the focus cannot be seen on {selector}"
            return
    pytest.fail(f"{selector} cannot be reached with {key}")


def sign_in_by_keys(page: Page, subject: str) -> None:
    """Find the person by name, as a list of forty people asks for, and choose them."""
    name = page.locator(f'[data-subject="{subject}"] span > span').inner_text()
    press_to(page, "#people-find")
    page.keyboard.insert_text(name)
    expect(page.locator(f'[data-subject="{subject}"]')).to_be_visible()
    press_to(page, f'[data-subject="{subject}"]')
    page.keyboard.press("Enter")


def test_a_holder_and_an_officer_need_no_mouse(
    open_page: OpenPage, live_city: LiveCity, shown: Callable[..., str]
) -> None:
    page = open_page("/holder")
    page.locator("#people").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    sign_in_by_keys(page, live_city.city.holder_of("teacher_qualification"))
    page.locator("#wallet").wait_for()
    press_to(page, '[data-action="show"]')
    page.keyboard.press("Enter")
    expect(page.locator(".view-title")).to_be_focused()
    press_to(page, "#scenes button")
    page.keyboard.press("Enter")
    expect(page.locator(".view-title")).to_have_text("对方将看到这些信息")
    press_to(page, "#show-go")
    page.keyboard.press("Enter")
    expect(page.locator("#show-qr")).to_be_visible()
    press_to(page, "#show-end")
    page.keyboard.press("Enter")
    page.locator("#wallet").wait_for()

    officer = open_page("/officer")
    officer.locator("#people").wait_for()
    sign_in_by_keys(officer, live_city.city.officer_of("tour_guide"))
    officer.locator("#badge-number:not(:empty)").wait_for()
    press_to(officer, "#scan-text")
    officer.keyboard.insert_text(shown(live_city.city.license("tour_guide")))
    officer.keyboard.press("Enter")
    expect(officer.locator("#verdict-word")).to_be_focused()
    expect(officer.locator("#announce")).to_contain_text("核验通过")


def test_tabs_move_with_the_arrow_keys(open_page: OpenPage) -> None:
    page = open_page("/")
    press_to(page, "#tab-file")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-code")).to_be_focused()
    expect(page.locator("#panel-code")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-receipt")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-number")).to_be_focused()
    expect(page.locator("#number-type option")).not_to_have_count(0)


def test_nothing_moves_for_who_asked_for_stillness(open_page: OpenPage) -> None:
    page = open_page("/")
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert page.evaluate("document.getAnimations().length") == 0


def test_in_production_nobody_is_offered_a_sample_person(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    app = FastAPI()
    app.state.deps = live_city.city.service.deps
    install_pages(app, sandbox=False)
    document = TestClient(app).get("/holder").text
    assert 'data-profile="production"' in document
    page = open_page("/nowhere-yet")
    watch.allow("status of 404")
    page.route("**/holder", lambda route: route.fulfill(body=document, content_type="text/html; charset=utf-8"))
    page.goto(f"{live_city.base}/holder")
    expect(page.locator("#login-production")).to_contain_text("统一身份认证平台")
    expect(page.locator("#sample-banner")).to_be_hidden()
    expect(page.locator("#people")).to_have_count(0)
    assert not [url for url in watch.addresses if "/v1/sandbox" in url]


def test_no_page_holds_script_style_or_a_stranger(live_city: LiveCity) -> None:
    for path in ("/", "/holder", "/sign", "/officer", "/catalog", "/q/" + "A" * 22, "/s/" + "A" * 22, "/nowhere"):
        text = live_city.city.client.get(path).text
        assert "样本" in text
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert "{{" not in text
        assert text.count("<script") == 2
        assert text.count("<script src=") + text.count('<script type="module" src=') == 2
        assert "http://" not in text.replace(live_city.base, "")
