"""Anyone checks a file, a code or a number, and is never left with the wrong impression."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pikepdf
import pytest
from city_browser import OpenPage, Watch, read_code
from fixtures_city import LiveCity
from playwright.sync_api import Page, Route, expect

from certsvc.api.problems import problem_document

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Issue = Callable[..., dict[str, Any]]

GREEN, RED, AMBER = "rgb(10, 102, 64)", "rgb(163, 31, 26)", "rgb(125, 74, 0)"
WAYS = {"revoke": "已吊销", "rescind": "已撤销", "withdraw": "已撤回", "cancel": "已注销", "void": "已作废"}


def unsealed() -> bytes:
    """A sound PDF that nobody sealed."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        pdf.save(out)
    return out.getvalue()


def upload(page: Page, data: bytes, name: str = "license.pdf") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "application/pdf", "buffer": data})


def expect_verdict(page: Page, word: str, colour: str) -> None:
    """Word, colour and a drawn symbol together."""
    expect(page.locator("#verdict-word")).to_have_text(word)
    expect(page.locator(".verdict-head")).to_have_css("background-color", colour)
    expect(page.locator(".verdict-head svg path").first).to_be_visible()


def check_word(page: Page, name: str) -> str:
    return page.locator(f'#verdict-checks [data-check="{name}"] .word').inner_text()


def test_an_issued_file_is_green_and_every_check_has_its_word(open_page: OpenPage, live_city: LiveCity) -> None:
    row = live_city.city.license("food_operation")
    page = open_page("/")
    upload(page, live_city.city.file(row["identifier"]))
    expect_verdict(page, "核验通过", GREEN)
    assert check_word(page, "integrity") == "与印章一致"
    assert check_word(page, "coverage") == "覆盖整个文件"
    assert check_word(page, "modification") == "没有"
    assert check_word(page, "trust") == "在信任列表内"
    assert check_word(page, "registry_match") == "与登记的原件一致"
    assert check_word(page, "status") == "正常"
    expect(page.locator("#verdict-license")).to_contain_text(row["number"])
    expect(page.locator("#verdict-not-checked")).to_contain_text("均已核对")
    expect(page.locator("#verdict-basis")).to_contain_text("登记时间")
    expect(page.locator("#verdict-word")).to_be_focused()
    expect(page.locator("#announce")).to_contain_text("核验通过")
    page.locator("#verdict-signatures summary").click()
    expect(page.locator(".signature")).to_contain_text("电子印章")


def test_one_changed_byte_is_red_and_is_not_called_ended(open_page: OpenPage, live_city: LiveCity) -> None:
    data = bytearray(live_city.city.file(live_city.city.license("food_operation")["identifier"]))
    data[len(data) // 3] ^= 1
    page = open_page("/")
    upload(page, bytes(data))
    expect_verdict(page, "内容被改动", RED)
    expect(page.locator("#verdict")).to_have_attribute("data-group", "changed")
    expect(page.locator("#verdict-next")).to_contain_text("请勿采信")
    assert check_word(page, "registry_match") == "带有本机关的印章，不是登记的原件"
    expect(page.locator("#verdict-checks [data-check=status]")).to_have_count(0)
    expect(page.locator("#verdict-not-checked")).to_contain_text("证照状态")


@pytest.mark.parametrize("way", WAYS)
def test_an_ended_license_is_red_and_says_which_way_it_ended(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Callable[..., None], way: str
) -> None:
    row = issue()
    data = live_city.city.file(row["identifier"])
    move(row, way)
    page = open_page("/")
    upload(page, data)
    expect_verdict(page, WAYS[way], RED)
    expect(page.locator(".verdict-head svg")).to_have_attribute("data-shape", "ended")
    assert check_word(page, "integrity") == "与印章一致"
    assert check_word(page, "status") == WAYS[way].removeprefix("已")


def test_suspended_is_its_own_word_and_symbol(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Callable[..., None]
) -> None:
    row = issue()
    move(row, "suspend", until="2030-01-15")
    page = open_page("/")
    upload(page, live_city.city.file(row["identifier"]))
    expect_verdict(page, "已暂扣", RED)
    expect(page.locator(".verdict-head svg")).to_have_attribute("data-shape", "paused")


def test_a_license_past_its_last_day_is_expired_not_ended(
    open_page: OpenPage, live_city: LiveCity, issue: Issue
) -> None:
    row = issue("tour_guide", issued_on="2020-01-01", valid_from="2020-01-01", valid_until="2022-12-31")
    page = open_page("/")
    upload(page, live_city.city.file(row["identifier"]))
    expect_verdict(page, "已过有效期", RED)
    expect(page.locator(".verdict-head svg")).to_have_attribute("data-shape", "expired")


@pytest.mark.parametrize(
    ("data", "word", "colour"),
    [(unsealed(), "没有电子印章", RED), (b"not a pdf at all", "不是 PDF 文件，无法核验", AMBER)],
    ids=["without a seal", "not a PDF"],
)
def test_a_file_of_somebody_else_gets_its_own_word(open_page: OpenPage, data: bytes, word: str, colour: str) -> None:
    page = open_page("/")
    upload(page, data)
    expect_verdict(page, word, colour)


def test_the_types_are_fetched_once_so_that_the_chosen_one_stays(open_page: OpenPage) -> None:
    page = open_page("/")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/v1/catalog/types") else None)
    page.get_by_role("tab", name="证照编号").click()  # focus, then click, while the list is empty
    expect(page.locator("#number-type option")).not_to_have_count(0)
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1


def test_a_number_with_the_holders_full_name_is_found_and_without_it_is_not(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    row = live_city.city.license("food_operation")
    page = open_page("/")
    page.get_by_role("tab", name="证照编号").click()
    page.get_by_role("button", name="核验", exact=True).click()
    expect(page.locator("#number-form .wrong")).to_have_count(3)
    expect(page.locator("#number-type")).to_be_focused()
    page.get_by_label("证照类型").select_option(label="食品经营许可证")
    page.get_by_role("textbox", name="证照编号").fill(row["number"])
    page.get_by_label("持证主体全称").fill("示例餐饮")
    page.get_by_role("button", name="核验", exact=True).click()
    expect_verdict(page, "未查到此证照", RED)
    page.get_by_label("持证主体全称").fill(live_city.city.catalog.sample("food_operation")["holder_name"])
    page.get_by_role("button", name="核验", exact=True).click()
    expect_verdict(page, "登记状态正常", GREEN)
    expect(page.locator("#verdict-not-checked")).to_contain_text("文件内容")
    expect(page.locator("#verdict-not-checked")).to_contain_text("印章证书")


def test_the_printed_code_leads_to_its_own_verdict_at_once(
    open_page: OpenPage, live_city: LiveCity, issue: Issue, move: Callable[..., None], tmp_path: Path
) -> None:
    row = issue()
    (tmp_path / "page.pdf").write_bytes(live_city.city.file(row["identifier"]))
    command = ["pdftoppm", "-r", "150", "-png", "-singlefile", "page.pdf", "page"]
    subprocess.run(command, check=True, cwd=tmp_path, timeout=60)
    path = urlsplit(read_code((tmp_path / "page.png").read_bytes())).path
    assert path.startswith("/q/")
    page = open_page(path)
    expect_verdict(page, "登记状态正常", GREEN)
    expect(page.locator("#verdict-license")).to_contain_text("食品经营许可证")
    expect(page.locator("#verdict-not-checked")).to_contain_text("文件内容")
    expect(page.locator("#code-more-text")).to_be_visible()
    move(row, "revoke")
    page.reload()
    expect_verdict(page, "已吊销", RED)
    wrong = open_page("/q/" + "A" * 22)
    expect_verdict(wrong, "不是正确的二维码", RED)
    expect(wrong.locator("#verdict-text")).not_to_contain_text("亮证码")
    expect(wrong.locator("#code-more-text")).to_be_hidden()
    expect(wrong.locator("#code-more-none")).to_be_visible()


def test_a_show_code_in_an_ordinary_camera_explains_itself_and_stays_unused(
    open_page: OpenPage, live_city: LiveCity, shown: Callable[..., str]
) -> None:
    code = shown(live_city.city.license("tour_guide"))
    page = open_page(urlsplit(code).path)
    expect(page.get_by_role("heading", level=1)).to_contain_text("这是一张亮证码")
    expect(page.locator("#to-officer")).to_have_attribute("href", "/officer")
    expect(page.locator("#verdict")).to_be_hidden()
    page.get_by_role("button", name="查看证照状态").click()
    expect_verdict(page, "登记状态正常", GREEN)
    scan = live_city.city.client.post(
        "/v1/scans", headers=live_city.city.person(live_city.city.officer_of("tour_guide")), json={"code": code}
    )
    assert live_city.city.answer(scan, 201)["light"] == "green"


def test_a_foreign_code_is_not_ours(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("tab", name="二维码").click()
    page.get_by_label("粘贴二维码内容，或用扫码枪").fill("https://zz.certsvc.example.evil.example/q/" + "A" * 22)
    page.get_by_role("button", name="核验这段内容").click()
    expect_verdict(page, "不是本机关签发", RED)


# Trouble ----------------------------------------------------------------------------------------------------------


def test_no_network_says_so_and_another_try_works(open_page: OpenPage, live_city: LiveCity, watch: Watch) -> None:
    watch.allow("ERR_INTERNET_DISCONNECTED")
    page = open_page("/")
    page.context.set_offline(offline=True)
    upload(page, live_city.city.file(live_city.city.license("food_operation")["identifier"]))
    expect(page.locator("#trouble [role=alert]")).to_contain_text("网络不通")
    expect(page.locator("#trouble")).to_contain_text("没有得出任何结论")
    expect(page.locator("#verdict")).to_be_hidden()
    page.context.set_offline(offline=False)
    page.get_by_role("button", name="再试一次").click()
    expect_verdict(page, "核验通过", GREEN)
    expect(page.locator("#trouble [role=alert]")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "word", "next_step"),
    [
        (413, "文件太大", "原文件"),
        (429, "操作太频繁", "等一分钟"),
        (503, "服务暂时不可用", "不代表证照有问题"),
        (500, "服务出现问题", "稍后再试"),
    ],
)
def test_every_refusal_has_a_sentence_with_the_next_step(
    open_page: OpenPage, watch: Watch, status: int, word: str, next_step: str
) -> None:
    watch.allow(f"status of {status}")
    document = problem_document(code="x", title="标题", status=status, detail="服务给出的说明")

    def refuse(route: Route) -> None:
        route.fulfill(status=status, json=document, content_type="application/problem+json")

    page = open_page("/")
    page.route("**/v1/verifications/file", refuse)
    upload(page, unsealed())
    box = page.locator("#trouble [role=alert]")
    expect(box).to_contain_text(word)
    expect(box).to_contain_text(next_step)
    expect(box).to_contain_text("服务给出的说明")
    expect(page.locator("#verdict")).to_be_hidden()


def test_a_file_over_the_limit_is_refused_before_it_is_sent(open_page: OpenPage, watch: Watch, tmp_path: Path) -> None:
    page = open_page("/")
    limit = int(page.locator("html").get_attribute("data-max-upload") or 0)
    assert limit > 0
    large = tmp_path / "large.pdf"
    large.write_bytes(b"%PDF-1.7\n")
    os.truncate(large, limit + 1)
    page.set_input_files("#file", large)
    expect(page.locator("#trouble [role=alert]")).to_contain_text("文件太大")
    assert not [url for url in watch.addresses if url.endswith("/v1/verifications/file")]


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 404")
    page = open_page("/nowhere/at/all")
    expect(page.get_by_role("heading", level=1)).to_contain_text("没有这个页面")
    answer = live_city.city.client.get("/v1/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert live_city.city.client.get("/holder/../../etc/passwd").status_code == 404
    assert live_city.city.client.get("/static/x/%2e%2e/%2e%2e/layout.html").status_code == 404


def test_static_files_are_kept_for_ever_under_their_version_and_pages_are_asked_again(live_city: LiveCity) -> None:
    client = live_city.city.client
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "camera=(self)" in page.headers["permissions-policy"]
    again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    address = page.text.split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
    asset = client.get(address)
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith("text/css")
    old = client.get("/static/0000000000000000/css/base.css")
    assert old.headers["cache-control"] == "no-cache"
    assert client.get("/q/" + "A" * 22).headers["cache-control"] == "no-store"
