"""Beyond one verdict: as of a moment, receipts, many files, and the page as sealed beside the page now."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from city_browser import PHONE, SMALLEST, OpenPage, Watch
from fixtures_city import LiveCity
from later_changes import drawn_over
from playwright.sync_api import Page, Route, expect
from test_pages_check import AMBER, GREEN, RED, expect_verdict, unsealed, upload
from test_pages_layout import press_to

from certsvc.api.problems import problem_document

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SHANGHAI = ZoneInfo("Asia/Shanghai")
Issue = Callable[..., dict[str, Any]]

AT_THE_TOP = """
async (most) => {
  const top = () => document.getElementById('verdict').getBoundingClientRect().top;
  const before = top();
  for (let frames = 0; frames < 10; frames += 1) await new Promise(requestAnimationFrame);
  return top() === before && before >= 0 && before < most;
}
"""
"""Whether the verdict stands still, in that part of the screen."""

CUT_OFF = """
() => {
  const box = document.getElementById('verdict');
  const right = box.getBoundingClientRect().right + 1;
  const texts = [...box.querySelectorAll('dd, dd *, .word, .what, p')];
  return texts.filter((node) => node.getBoundingClientRect().right > right).map((node) => node.textContent);
}
"""
"""Texts that reach out of the verdict, which hides what does."""


def files(*pairs: tuple[str, bytes]) -> list[Any]:
    return [{"name": name, "mimeType": "application/pdf", "buffer": data} for name, data in pairs]


def saved(page: Page, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.locator(button).click()
    return Path(waiting.value.path()).read_bytes()


def original(live_city: LiveCity) -> bytes:
    return live_city.city.file(live_city.city.license("food_operation")["identifier"])


# As of a moment ---------------------------------------------------------------------------------------------------


def test_what_was_good_then_and_is_revoked_now_is_told_and_never_green(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Callable[..., None]
) -> None:
    row = issue()
    data = live_city.city.file(row["identifier"])
    then = datetime.now(SHANGHAI) + timedelta(seconds=1)  # a whole second after it was issued
    page = open_page("/")
    page.locator("#asof-box summary").click()
    page.evaluate("value => { const field = document.getElementById('asof'); field.step = 1; field.value = value; }",
                  then.strftime("%Y-%m-%dT%H:%M:%S"))  # fmt: skip
    page.wait_for_timeout(2000)  # that moment is past by the clock, which is what is tested
    upload(page, data)
    expect_verdict(page, "当时：核验通过", GREEN)
    expect(page.locator("#verdict-then")).to_contain_text("没有变化")
    move(row, "revoke")
    upload(page, data)
    expect_verdict(page, "当时：核验通过", AMBER)
    expect(page.locator("#verdict-then")).to_contain_text("不是现在")
    expect(page.locator("#verdict-then")).to_contain_text("证照已被吊销")
    expect(page.locator("#verdict-next")).to_have_text("当时可以采信；证照现在已吊销，现在的事项请勿采信。")
    page.get_by_role("button", name="改回现在").click()
    upload(page, data)
    expect_verdict(page, "已吊销", RED)
    expect(page.locator("#verdict-then")).to_have_count(0)


def test_a_moment_to_come_is_refused_at_the_field_and_nothing_is_sent(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    page = open_page("/")
    page.locator("#asof-box summary").click()
    page.locator("#asof").fill("2099-01-01T00:00")
    upload(page, original(live_city))
    expect(page.locator("#asof-wrong")).to_contain_text("不能晚于现在")
    expect(page.locator("#asof")).to_be_focused()
    assert not [url for url in watch.addresses if "/v1/verifications" in url]
    page.get_by_role("tab", name="查验回执").click()
    expect(page.locator("#asof-box")).to_be_hidden()


# Receipts ---------------------------------------------------------------------------------------------------------


def test_a_receipt_is_made_kept_and_read_again_and_told_from_that_of_another_file(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path, watch: Watch
) -> None:
    data = original(live_city)
    page = open_page("/")
    upload(page, data)
    expect_verdict(page, "核验通过", GREEN)
    receipt = saved(page, "#receipt-make")
    expect(page.locator("#receipt-done")).to_contain_text("已出具")
    page.get_by_role("tab", name="查验回执").click()
    page.get_by_role("button", name="查验回执").click()
    expect(page.locator("#receipt-text-wrong")).to_be_visible()
    kept = tmp_path / "receipt.jws"
    kept.write_bytes(receipt)
    page.set_input_files("#receipt-file", kept)
    page.set_input_files("#receipt-of", files(("license.pdf", data))[0])
    page.get_by_role("button", name="查验回执").click()
    expect(page.locator("#verdict-word")).to_have_text("回执属实")
    expect(page.locator("#verdict-word")).to_be_focused()
    expect(page.locator("#receipt-fit")).to_have_attribute("data-fit", "same")
    expect(page.locator("#receipt-said")).to_contain_text("核验通过")
    expect(page.locator("#verdict")).to_contain_text("与登记的原件一致")
    page.set_input_files("#receipt-of", files(("other.pdf", unsealed()))[0])
    page.get_by_role("button", name="查验回执").click()
    expect_verdict(page, "回执不是这个文件的", RED)
    watch.allow("status of 422")
    page.get_by_label("或粘贴回执内容").fill(receipt.decode()[:-8] + "AAAAAAAA")
    page.get_by_role("button", name="查验回执").click()
    expect_verdict(page, "回执无效", RED)


def test_a_receipt_of_a_revoked_license_names_its_state(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Callable[..., None]
) -> None:
    row = issue()
    move(row, "revoke")
    page = open_page("/")
    upload(page, live_city.city.file(row["identifier"]))
    receipt = saved(page, "#receipt-make")
    page.get_by_role("tab", name="查验回执").click()
    page.get_by_label("或粘贴回执内容").fill(receipt.decode())
    page.get_by_role("button", name="查验回执").click()
    expect(page.locator("#verdict-word")).to_have_text("回执属实")
    status = page.locator("#verdict .checks li", has=page.get_by_text("证照状态"))
    expect(status).to_contain_text("吊销")
    expect(page.locator("#verdict")).not_to_contain_text("异常")


# What is told apart -------------------------------------------------------------------------------------------------


def test_the_register_of_a_recognised_city_that_keeps_silent_is_named_as_that(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    page = open_page("/")

    def silent(route: Route) -> None:
        answer = route.fetch().json()
        cited = {
            "partner": "990300",
            "partner_name": "示例乙市",
            "list_version": 2,
            "effective_from": "2026-02-01T00:00:00Z",
            "note": "对方的核验接口没有答复",
        }
        told = {"reason": "cannot_check_now", "family": "later", "indication": "INDETERMINATE", "license": None}
        route.fulfill(json={**answer, **told, "recognition": cited, "unreachable": ["zz.yi.example"]})

    page.route("**/v1/verifications/file*", silent)
    upload(page, original(live_city))
    cited = page.locator("#verdict-recognition")
    for text in ("互认", "示例乙市", "第 2 版", "没有答复"):
        expect(cited).to_contain_text(text)
    host = page.locator('[data-host="zz.yi.example"]')
    expect(host).to_contain_text("互认城市的登记 zz.yi.example")
    expect(page.locator("#verdict-not-checked")).not_to_contain_text("吊销")


def test_bytes_behind_a_good_seal_leave_the_sealed_part_as_it_was(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/")
    upload(page, original(live_city) + b"more")
    expect_verdict(page, "印章未覆盖全文", RED)
    content = page.locator('#verdict-checks [data-check="integrity"]')
    expect(content).to_have_attribute("data-answer", "good")
    expect(content).to_contain_text("印章所盖部分一致")
    expect(page.locator('#verdict-checks [data-check="coverage"]')).to_have_attribute("data-answer", "bad")


@pytest.mark.parametrize(
    ("name", "data", "kind", "said"),
    [("空.pdf", b"", "empty", "文件是空的"), ("多个.zip", b"PK\x03\x04", "archive", "请解压后一次选多个文件")],
)
def test_what_need_not_be_sent_is_said_at_once(
    open_page: OpenPage, watch: Watch, name: str, data: bytes, kind: str, said: str
) -> None:
    page = open_page("/")
    page.set_input_files("#file", files((name, data)))
    expect(page.locator(f'#trouble [data-problem="{kind}"]')).to_contain_text(said)
    assert not [url for url in watch.addresses if "/v1/verifications" in url]


def test_a_broken_seal_object_is_not_called_a_pdf(open_page: OpenPage) -> None:
    page = open_page("/")
    page.set_input_files("#file", files(("印章.esl", b"garbage")))
    expect_verdict(page, "印章数据无法读取", AMBER)
    expect(page.locator("#verdict-next")).to_contain_text("印章保管人")


# Large letters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "elder"), [(PHONE, 1), (PHONE, 4), (SMALLEST, 4)])
def test_in_large_letters_the_verdict_is_at_the_top_and_nothing_of_it_is_cut_off(
    open_page: OpenPage, live_city: LiveCity, size: tuple[int, int], elder: int
) -> None:
    page = open_page("/", size=size, elder=elder)
    upload(page, original(live_city))
    expect(page.locator("#verdict-word")).to_be_visible()
    # A smooth scroll takes its time; a page that stops above or below the verdict never comes there.
    page.wait_for_function(AT_THE_TOP, arg=size[1] / 4)
    assert page.evaluate(CUT_OFF) == []
    widths = page.evaluate("() => [...document.querySelectorAll('.checks .what')].map((node) => node.clientWidth)")
    assert min(widths) > size[0] / 2, "what was checked has a line of its own"


# Many files -------------------------------------------------------------------------------------------------------


def test_many_files_have_a_verdict_each_wait_when_refused_and_leave_a_table(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 503")
    page = open_page("/", size=SMALLEST)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        document = problem_document(code="unavailable", title="忙", status=503, detail="忙")
        route.fulfill(status=503, json=document, headers={"Retry-After": "1"})

    page.route("**/v1/verifications/file", refuse_once)
    page.set_input_files(
        "#file", files(("甲.pdf", original(live_city)), ("=乙.pdf", unsealed()), ("丙.pdf", b"not a pdf"))
    )
    lines = page.locator("#batch-list li")
    expect(lines).to_have_count(3)
    expect(page.locator("#batch-text")).to_contain_text("秒后自动继续")
    expect(page.locator("#batch-text")).to_contain_text("1 个可以采信，2 个请逐个查看")
    for index, (word, colour) in enumerate(
        (("核验通过", "green"), ("没有电子印章", "red"), ("不是 PDF 文件，无法核验", "amber"))
    ):
        expect(lines.nth(index)).to_contain_text(word)
        expect(lines.nth(index)).to_have_attribute("data-colour", colour)
        expect(lines.nth(index).locator("svg path").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rows = list(csv.reader(io.StringIO(saved(page, "#batch-csv").decode("utf-8-sig"))))
    assert [row[:2] for row in rows] == [
        ["文件名", "结论"],
        ["甲.pdf", "核验通过"],
        ["'=乙.pdf", "没有电子印章"],
        ["丙.pdf", "不是 PDF 文件，无法核验"],
    ]
    page.get_by_role("button", name="=乙.pdf").click()
    expect_verdict(page, "没有电子印章", RED)


def test_many_files_can_be_stopped_and_say_what_was_not_checked(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 429")
    page = open_page("/")
    document = problem_document(code="rate_limited", title="忙", status=429, detail="忙")
    page.route(
        "**/v1/verifications/file",
        lambda route: route.fulfill(status=429, json=document, headers={"Retry-After": "60"}),
    )
    page.set_input_files("#file", files(("甲.pdf", unsealed()), ("乙.pdf", unsealed())))
    expect(page.locator("#batch-text")).to_contain_text("60 秒后自动继续")
    page.get_by_role("button", name="停止核验").click()
    expect(page.locator("#batch-text")).to_contain_text("核验了 0/2 个")
    expect(page.locator("#batch-list li").nth(1)).to_contain_text("没有核验")


# As sealed, and now -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "beside"), [((1024, 800), True), (SMALLEST, False)], ids=["desk", "phone"])
def test_the_page_as_sealed_stands_beside_the_page_now(
    open_page: OpenPage, live_city: LiveCity, size: tuple[int, int], beside: bool
) -> None:
    page = open_page("/", size=size)
    upload(page, drawn_over(original(live_city)))
    expect_verdict(page, "盖章后被改动", RED)
    expect(page.locator("#differ-text")).to_have_attribute("data-outcome", "shown")
    figures = page.locator(".differ-pair figure")
    expect(figures).to_have_count(2)
    expect(figures.nth(0).locator("figcaption")).to_have_text("盖章时")
    expect(figures.nth(1).locator("figcaption")).to_have_text("现在")
    expect(figures.nth(1).get_by_role("img")).to_have_attribute("alt", "第 1 页现在的样子")
    expect(page.locator("#verdict-differences")).to_contain_text("下部偏左")
    boxes = [figures.nth(index).bounding_box() for index in (0, 1)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert (boxes[0]["y"] == boxes[1]["y"]) is beside
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    mark = page.locator(".differ-mark").first.bounding_box()
    frame = page.locator(".differ-frame").first.bounding_box()
    assert mark is not None
    assert frame is not None
    assert frame["x"] <= mark["x"]
    assert mark["y"] > frame["y"] + frame["height"] / 2


def test_a_seal_that_is_broken_is_said_to_tell_nothing_of_the_page(open_page: OpenPage, live_city: LiveCity) -> None:
    data = bytearray(original(live_city))
    data[len(data) // 3] ^= 1
    page = open_page("/")
    upload(page, bytes(data))
    expect(page.locator("#differ-text")).to_contain_text("无法还原盖章时的页面")


# Keyboard ---------------------------------------------------------------------------------------------------------


def test_a_moment_a_number_and_a_receipt_need_no_mouse(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/")
    press_to(page, "#tab-file")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-receipt")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    row = live_city.city.license("food_operation")
    page.locator('#number-type option[value="food_operation"]').wait_for(state="attached")
    press_to(page, "#number-type")
    page.locator("#number-type").select_option("food_operation")
    press_to(page, "#number")
    page.keyboard.insert_text(row["number"])
    press_to(page, "#holder-name")
    page.keyboard.insert_text(live_city.city.catalog.sample("food_operation")["holder_name"])
    page.keyboard.press("Enter")
    expect(page.locator("#verdict-word")).to_be_focused()
    expect(page.locator("#announce")).to_contain_text("登记状态正常")
    press_to(page, "#receipt-make")
    with page.expect_download():
        page.keyboard.press("Enter")
    expect(page.locator("#verdict-word")).to_be_focused()
