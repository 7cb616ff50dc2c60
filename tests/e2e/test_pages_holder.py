"""A holder shows a license, sees who used it, and grants a use; an officer looks at the other end."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, Watch, read_code, sign_in
from fixtures_city import LiveCity
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Issue = Callable[..., dict[str, Any]]
Move = Callable[..., None]

BLACK, AMBER_CODE = "rgb(0, 0, 0)", "rgb(143, 82, 0)"


def card(page: Page, row: dict[str, Any]) -> Any:
    return page.locator(f'.license[data-identifier="{row["identifier"]}"]')


def show(page: Page, row: dict[str, Any], scene: int = 0) -> None:
    """From the wallet to the code, by the buttons a person presses."""
    card(page, row).get_by_role("button", name="亮证").click()
    page.locator("#scenes button").nth(scene).click()
    page.get_by_role("button", name="出示二维码").click()
    page.locator("#show-qr").wait_for()


def code_on_screen(page: Page) -> str:
    """Read from the screenshot, as a camera would."""
    return read_code(page.locator("#code-frame").screenshot())


def holder_page(open_page: OpenPage, city: LiveCity, slug: str) -> Page:
    page = open_page("/holder")
    sign_in(page, city.city.holder_of(slug))
    return page


def test_a_shown_code_is_green_with_the_photo_once_and_used_the_second_time(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    row = live_city.city.license("tour_guide")
    holder = holder_page(open_page, live_city, "tour_guide")
    expect(card(holder, row)).to_contain_text("正常")
    card(holder, row).get_by_role("button", name="亮证").click()
    holder.get_by_role("button", name="旅游执法检查").click()
    # What will be seen stands on the screen before any code does.
    expect(holder.locator("#show-preview")).to_contain_text(row["number"])
    expect(holder.locator("#show-qr")).to_have_count(0)
    holder.get_by_role("button", name="出示二维码").click()
    expect(holder.locator("#show-made")).to_have_text(re.compile(r"生成时间 \d{4}年\d+月\d+日 \d\d:\d\d:\d\d"))
    expect(holder.locator("#show-qr")).to_have_css("color", BLACK)
    code = code_on_screen(holder)
    # The screen is held out to strangers: the number of the identity card stands there when the holder asks for it.
    number = live_city.city.catalog.sample("tour_guide")["holder_code"]
    assert number not in holder.locator("#showing").inner_text()
    holder.get_by_role("button", name="显示证件号码").click()
    expect(holder.locator("#showing")).to_contain_text(number)

    officer = open_page("/officer")
    sign_in(officer, live_city.city.officer_of("tour_guide"))
    officer.get_by_label("粘贴二维码内容，或用扫码枪").fill(code)
    officer.keyboard.press("Enter")
    result = officer.locator("#scan-result")
    expect(result).to_have_attribute("data-colour", "green")
    expect(result.locator("#verdict-word")).to_have_text("核验通过")
    expect(result).to_contain_text(live_city.city.catalog.sample("tour_guide")["holder_name"])
    expect(result.locator("#result-made")).to_contain_text("核验时间")
    expect(result.locator("#result-seal")).to_contain_text("印章名称")
    expect(holder.locator("#show-scanned")).to_contain_text("看到的信息")
    photo = result.locator("#result-photo")
    expect(photo).to_be_visible()
    assert photo.evaluate("image => image.complete && image.naturalWidth > 50")

    officer.get_by_label("粘贴二维码内容，或用扫码枪").fill(code)
    officer.keyboard.press("Enter")
    expect(result).to_have_attribute("data-reason", "code_used")
    expect(result).to_have_attribute("data-colour", "amber")
    expect(result.locator("#verdict-word")).to_have_text("二维码已被使用")
    expect(result.locator("#result-photo")).to_have_count(0)

    holder.get_by_role("link", name="谁用过我的证").click()
    expect(holder.locator('#uses li[data-outcome="ok"]').first).to_contain_text("看到的信息")
    expect(holder.locator('#uses li[data-outcome="code_used"]').first).to_contain_text("没有提供信息项")
    token = code.rsplit("/", 1)[1]
    assert not [url for url in watch.addresses if token in url], "a show code stood in an address"


def test_the_code_renews_itself_and_stops_when_the_network_is_gone(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    page = open_page("/")
    page.clock.install()
    page.goto(live_city.base + "/holder")
    sign_in(page, live_city.city.holder_of("tour_guide"))
    show(page, live_city.city.license("tour_guide"))
    first = code_on_screen(page)
    old = page.locator("#show-qr").get_attribute("data-show")
    page.clock.fast_forward(31_000)
    expect(page.locator("#show-qr")).not_to_have_attribute("data-show", str(old))
    second = code_on_screen(page)
    assert second != first
    old = page.locator("#show-qr").get_attribute("data-show")
    page.get_by_role("button", name="立即更新").click()
    expect(page.locator("#show-qr")).not_to_have_attribute("data-show", str(old))
    expect(page.locator("#show-left")).to_contain_text("秒后自动更新")
    page.context.set_offline(offline=True)
    page.clock.fast_forward(61_000)
    expect(page.locator("#code-frame")).to_have_class(re.compile("stopped"))
    expect(page.locator("#show-qr")).to_be_hidden()
    expect(page.locator("#showing [role=alert]")).to_contain_text("没有得出任何结论")


def test_a_license_that_is_not_in_order_shows_another_colour_with_words_and_the_decision(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Move
) -> None:
    row = issue()
    move(row, "suspend", until="2030-01-15", document_no="示市监扣〔2026〕3号")
    page = holder_page(open_page, live_city, "food_operation")
    expect(card(page, row)).to_contain_text("暂扣")
    expect(card(page, row).locator('[data-action="grant"]')).to_have_count(0)
    show(page, row)
    expect(page.locator("#abnormal")).to_have_text("状态异常：暂扣")
    expect(page.locator("#show-why")).to_contain_text("示市监扣〔2026〕3号")
    expect(page.locator("#show-why")).to_contain_text("2030年1月15日")
    expect(page.locator("#show-qr")).to_have_css("color", AMBER_CODE)
    # The colour must not keep a camera from reading it.
    code = code_on_screen(page)
    officer = open_page("/officer")
    sign_in(officer, live_city.city.officer_of("food_operation"))
    officer.locator("#scan-text").fill(code)
    officer.locator("#scan-submit").click()
    expect(officer.locator("#scan-result")).to_have_attribute("data-colour", "red")
    expect(officer.locator("#verdict-word")).to_have_text("已暂扣")


def test_the_holders_screen_never_says_that_a_license_is_valid(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Move
) -> None:
    row = issue()
    page = holder_page(open_page, live_city, "food_operation")
    seen: list[str] = []

    def look() -> None:
        seen.append(page.locator("body").inner_text())

    card(page, row).locator("summary").click()
    expect(card(page, row).locator(".evidence")).to_contain_text("存证")
    look()
    card(page, row).get_by_role("button", name="亮证").click()
    page.locator("#scenes").wait_for()
    look()
    page.locator("#scenes button").first.click()
    page.locator("#show-preview").wait_for()
    look()
    page.get_by_role("button", name="出示二维码").click()
    page.locator("#show-qr").wait_for()
    look()
    for name, place in (("谁用过我的证", "#uses"), ("授权", "#grant-place *")):
        page.get_by_role("link", name=name, exact=True).click()
        page.locator(place).first.wait_for()
        look()
    text = "\n".join(seen)
    assert "有效期" in text
    assert "有效" not in text.replace("有效期", "")
    buttons = page.locator("button").all_inner_texts()
    assert buttons
    assert not [word for word in buttons if word in {"撤销", "撤回", "注销"}]


def test_the_downloaded_file_is_the_registered_one(open_page: OpenPage, live_city: LiveCity, tmp_path: Path) -> None:
    row = live_city.city.license("tour_guide")
    page = holder_page(open_page, live_city, "tour_guide")
    with page.expect_download() as download:
        card(page, row).get_by_role("button", name="下载 PDF").click()
    download.value.save_as(tmp_path / "license.pdf")
    assert download.value.suggested_filename == f"{row['identifier']}.pdf"
    assert hashlib.sha256((tmp_path / "license.pdf").read_bytes()).hexdigest() == row["sha256"]


def test_a_document_offers_no_show_and_no_grant_and_says_what_to_do(
    open_page: OpenPage, live_city: LiveCity, issue: Callable[..., dict[str, Any]]
) -> None:
    row = issue("delivery_receipt")
    page = holder_page(open_page, live_city, "delivery_receipt")
    expect(card(page, row)).to_contain_text("文书，不用亮证")
    assert [button.inner_text() for button in card(page, row).get_by_role("button").all()] == ["下载 PDF"]


def test_a_grant_gives_a_code_that_works_once_and_can_be_taken_back(open_page: OpenPage, live_city: LiveCity) -> None:
    city = live_city.city
    page = holder_page(open_page, live_city, "business_license")
    page.get_by_role("link", name="授权", exact=True).click()
    page.get_by_role("button", name="新的授权").click()
    page.get_by_label("用哪张证照").select_option(city.license("business_license")["identifier"])
    page.get_by_label("办什么事").select_option(label="食品经营许可（新办）")
    authority = city.catalog.authority("11990000MB0000019F").name
    expect(page.locator("#grant-body")).to_contain_text(authority)
    client = page.get_by_label("给哪个系统使用").input_value()
    for part in (authority, "食品经营许可（新办）", "营业执照"):
        expect(page.locator("#grant-sum")).to_contain_text(part)
    page.get_by_label("办件编号").fill("BJ-1")
    assert page.get_by_role("group", name="可以看的信息").get_by_role("checkbox", checked=True).count() == 0
    page.get_by_role("button", name="确认授权").click()
    expect(page.locator("#grant-wrong")).to_have_text("请至少选择一项信息。")
    page.get_by_label("法定代表人", exact=False).check()
    page.get_by_role("button", name="确认授权").click()
    code = page.locator("#grant-code").inner_text()
    assert read_code(page.locator("#grant-place .code-frame").screenshot()) == code
    expect(page.locator("#grant-place")).to_contain_text("食品经营许可（新办）")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", code)
    body = {
        "matter_code": "11990000MB0000019F2990131002001",
        "case_no": "BJ-1",
        "operator": "窗口01",
        "purpose": "食品经营许可新办",
        "basis": "consent",
        "type": "business_license",
        "grant_code": code,
        "fields": ["legal_representative"],
    }
    response = city.client.post("/v1/fetches", headers=city.system(client), json=body)
    assert response.status_code == 201, response.text
    page.get_by_role("button", name="完成").click()
    expect(page.locator('#grants li[data-state="used"]').first).to_contain_text("食品经营许可（新办）")
    page.get_by_role("link", name="谁用过我的证").click()
    expect(page.locator('#uses li[data-kind="fetch"]').first).to_contain_text("BJ-1")

    page.get_by_role("link", name="授权", exact=True).click()
    page.get_by_role("button", name="新的授权").click()
    page.get_by_label("用哪张证照").select_option(city.license("business_license")["identifier"])
    page.get_by_label("办什么事").select_option(label="食品经营许可（新办）")
    page.get_by_role("button", name="全选").click()
    expect(page.locator("#grant-sum")).to_contain_text("加注件自授权起 1 天内可用")
    page.get_by_label("加注件用到何时").select_option("7")
    expect(page.locator("#grant-sum")).to_contain_text("加注件自授权起 7 天内可用")
    page.get_by_role("button", name="确认授权").click()
    expect(page.locator("#grant-place")).to_contain_text("加注件用到何时")
    page.get_by_role("button", name="完成").click()
    page.get_by_role("button", name="收回授权").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("确定收回吗")
    page.get_by_role("dialog").get_by_role("button", name="取消操作").click()
    expect(page.locator('#grants li[data-state="open"]')).to_have_count(1)
    page.get_by_role("button", name="收回授权").first.click()
    page.get_by_role("dialog").get_by_role("button", name="收回授权").click()
    expect(page.locator('#grants li[data-state="taken"]')).to_have_count(1)


def test_a_session_that_ended_leads_back_to_the_login_with_a_sentence(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 401")
    page = holder_page(open_page, live_city, "tour_guide")
    page.locator("#wallet").wait_for()
    kept = page.evaluate("sessionStorage.getItem('certsvc.holder')")
    token = re.search(r'"token":"([^"]+)"', kept)
    assert token is not None
    assert page.evaluate("Object.keys(localStorage).join()").count("holder") == 0
    broken = token.group(1)[:-6] + base64.urlsafe_b64encode(b"xxxx").decode()[:6]
    page.evaluate(
        "broken => sessionStorage.setItem('certsvc.holder', JSON.stringify({...JSON.parse(sessionStorage.getItem("
        "'certsvc.holder')), token: broken}))",
        broken,
    )
    page.reload()
    expect(page.locator("#trouble [role=alert]")).to_contain_text("登录已到期")
    expect(page.locator("#trouble [role=alert]")).to_contain_text("请重新登录")
    expect(page.locator("#signed-in")).to_be_hidden()
    sign_in(page, live_city.city.holder_of("tour_guide"))
    page.locator("#wallet").wait_for()
    expect(page.locator("#trouble [role=alert]")).to_have_count(0)
    assert not [url for url in watch.addresses if token.group(1)[:40] in url], "a token stood in an address"
    page.get_by_role("button", name="退出登录").click()
    expect(page.locator("#people")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('certsvc.holder')") is None
