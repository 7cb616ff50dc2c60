"""What holders agree and object to: 代亮 from offer to withdrawal, bundles, devices, and a dispute over a use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from city_browser import OpenPage, Watch, read_code, sign_in
from fixtures_city import LiveCity
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

GUIDE, TEACHER, COMPANY = "tour_guide", "teacher_qualification", "business_license"
FORBIDDEN_WORDS = {"撤销", "撤回", "注销"}


def holder_page(open_page: OpenPage, city: LiveCity, slug: str, view: str = "") -> Page:
    page = open_page("/holder")
    sign_in(page, city.city.holder_of(slug))
    if view:
        page.goto(f"{city.base}/holder#{view}")
    return page


def offer(page: Page, city: LiveCity, slug: str, to: str, uses: int) -> None:
    """The form of a new 代亮, filled in by its labels."""
    sample = city.city.catalog.sample(to)
    page.locator("#delegation-new").click()
    page.locator("#delegation-submit").click()
    expect(page.locator("#delegation-wrong")).to_have_text("请填写受托人姓名")
    page.get_by_label("受托人姓名").fill(sample["holder_name"])
    page.get_by_label("受托人证件号码").fill(sample["holder_code"])
    page.get_by_label("最多出示次数").fill(str(uses))
    page.locator("#delegation-submit").click()
    expect(page.locator("#delegation-wrong")).to_contain_text("至少选择一张证照")
    scope = page.locator(f'[data-scope="{city.city.license(slug)["identifier"]}"]')
    scope.get_by_role("checkbox").first.check()
    page.locator("#delegation-submit").click()


def code_on_screen(page: Page) -> str:
    page.locator("#show-qr").wait_for()
    return read_code(page.locator("#code-frame").screenshot())


def scan(page: Page, code: str) -> None:
    page.locator("#scan-text").fill(code)
    page.locator("#scan-text").press("Enter")


def accept(page: Page, city: LiveCity) -> None:
    """The delegate reads who gives what, and says yes."""
    received = page.locator("#delegations-received > li").first
    expect(received).to_contain_text(city.city.catalog.sample(GUIDE)["holder_name"])
    received.get_by_role("button", name="接受", exact=True).click()
    expect(received).to_have_attribute("data-state", "active")


def show_other(page: Page, city: LiveCity, left: int) -> str:
    """From the list of others' licenses to the code; looking before it uses nothing up."""
    page.get_by_role("link", name="证照", exact=True).click()
    identifier = city.city.license(GUIDE)["identifier"]
    other = page.locator(f'#others [data-identifier="{identifier}"][data-basis="delegation"]')
    expect(other).to_contain_text(f"还可出示 {left} 次")
    other.get_by_role("button", name=re.compile("^亮证")).click()
    page.locator("#scenes button").first.click()
    page.locator("#show-preview").wait_for()
    page.locator("#show-edit").click()
    page.locator("#scenes button").first.click()
    page.locator("#show-go").click()
    expect(page.locator("#show-presenter")).to_contain_text("代亮")
    return code_on_screen(page)


def test_a_delegate_accepts_shows_within_the_limits_and_is_stopped_at_once(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 409")
    city = live_city.city
    grantor = holder_page(open_page, live_city, GUIDE, "delegations")
    offer(grantor, live_city, GUIDE, TEACHER, uses=2)
    given = grantor.locator("#delegations-given > li").first
    expect(given).to_have_attribute("data-state", "offered")
    expect(given).to_contain_text("请对方登录")
    assert city.catalog.sample(TEACHER)["holder_code"] not in given.inner_text(), "numbers of papers are masked"

    delegate = holder_page(open_page, live_city, TEACHER, "delegations")
    accept(delegate, live_city)
    first = show_other(delegate, live_city, left=2)
    officer = open_page("/officer")
    sign_in(officer, city.officer_of(GUIDE))
    scan(officer, first)
    result = officer.locator("#scan-result")
    expect(result).to_have_attribute("data-colour", "green")
    expect(officer.locator("#result-presenter")).to_contain_text("代亮")
    expect(delegate.locator("#show-scanned")).to_contain_text("已被扫码")
    shown = str(delegate.locator("#show-qr").get_attribute("data-show"))
    delegate.locator("#show-refresh").click()
    expect(delegate.locator("#show-qr")).not_to_have_attribute("data-show", shown)
    delegate.locator("#show-refresh").click()
    expect(delegate.locator("#showing [role=alert]")).to_contain_text("次数")
    grantor.reload()
    expect(given).to_have_attribute("data-state", "used_up")
    grantor.goto(f"{live_city.base}/holder#uses")
    expect(grantor.locator('#uses li[data-outcome="ok"]').first).to_contain_text("由他人出示：代亮")

    # A code that is on the screen dies with its delegation.
    grantor.goto(f"{live_city.base}/holder#delegations")
    offer(grantor, live_city, GUIDE, TEACHER, uses=5)
    expect(given).to_have_attribute("data-state", "offered")
    delegate.goto(f"{live_city.base}/holder#delegations")
    accept(delegate, live_city)
    alive = show_other(delegate, live_city, left=5)
    grantor.locator('#delegations-given [data-action="end"]').first.click()
    dialog = grantor.get_by_role("dialog")
    expect(dialog).to_contain_text("已亮出的码同时失效")
    assert not FORBIDDEN_WORDS & set(grantor.locator("button").all_inner_texts())
    dialog.get_by_role("button", name="收回授权").click()
    expect(given).to_have_attribute("data-state", "ended")
    scan(officer, alive)
    expect(result).not_to_have_attribute("data-colour", "green")
    expect(officer.locator("#result-person")).to_have_count(0)


def test_a_bundle_tells_its_members_and_one_code_shows_them_all(open_page: OpenPage, live_city: LiveCity) -> None:
    city = live_city.city
    page = holder_page(open_page, live_city, COMPANY)
    bundle = page.locator('[data-bundle="restaurant"]')
    for slug in (COMPANY, "food_operation"):
        expect(bundle.locator(f'[data-member="{slug}"] .word')).not_to_be_empty()
    bundle.get_by_role("button", name=re.compile("^一码出示")).click()
    page.locator('[data-reader="officer"]').click()
    expect(page.locator("#bundle-preview")).to_contain_text(city.catalog.type("food_operation").name)
    page.locator("#show-go").click()
    code = code_on_screen(page)
    officer = open_page("/officer")
    sign_in(officer, city.officer_of("food_operation"))
    scan(officer, code)
    members = officer.locator("#bundle-members .member")
    expect(members.first).to_be_visible()
    assert {COMPANY, "food_operation"} <= {one.get_attribute("data-member") for one in members.all()}
    expect(page.locator("#show-scanned")).to_contain_text("已被扫码")
    # Those that are not in order are named on top, with their reasons below.
    against = officer.locator("#bundle-members .member:not([data-light=green])")
    expect(officer.locator("#bundle-against li")).to_have_count(against.count())
    assert all(one.locator(".member-reason").count() for one in against.all())
    # Each license has a record of its own, so what came of it is noted by itself.
    member = officer.locator('.member[data-member="food_operation"]')
    member.locator("summary").click()
    member.get_by_label("合格").check()
    member.locator('[data-action="outcome-send"]').click()
    expect(member.locator(".outcome-done")).to_contain_text("合格")


def test_a_lost_phone_is_blocked_by_its_owner_from_another_device(open_page: OpenPage, live_city: LiveCity) -> None:
    lost = holder_page(open_page, live_city, TEACHER)
    lost.locator("#offline-enable").click()
    lost.locator("#offline-cores").wait_for()
    page = holder_page(open_page, live_city, TEACHER)
    page.locator("#to-devices").click()
    newest = page.locator('#devices > li[data-state="active"]').first
    number = newest.get_attribute("data-device")
    device = page.locator(f'[data-device="{number}"]')
    expect(device).not_to_contain_text("本机")
    expect(lost.locator("#offline-wallet")).to_be_visible()
    device.get_by_role("button", name=re.compile("^挂失")).click()
    page.get_by_role("dialog").get_by_role("button", name="挂失").click()
    expect(device).to_have_attribute("data-state", "blocked")
    expect(device).to_contain_text("挂失时间")
    assert {one["device_id"]: one["state"] for one in devices(live_city)}[number] == "blocked"


def devices(city: LiveCity) -> list[dict[str, Any]]:
    headers = city.city.person(city.city.holder_of(TEACHER))
    return list(city.city.answer(city.city.client.get("/v1/devices", headers=headers), 200))
