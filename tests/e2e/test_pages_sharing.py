"""What holders and the public see of uses: requests, answers in words, copies taken back, consent by a delegate."""

from __future__ import annotations

import html
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, Watch, sign_in
from consent_city import bind, citizen, later, party, state
from fixtures_city import LiveCity
from page_checks import complaints
from playwright.sync_api import Page, expect
from sharing_city import COPY, FOOD, OFFICE, RENEWAL, SUBSIDY, TRADE, Shop, open_shop
from test_pages_check import GREEN, RED, expect_verdict, upload
from test_use_bases import the_holder

from certsvc.commands.access.seed_sandbox import using_client_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

BORN = date(1985, 3, 4)
FORBIDDEN_WORDS = {"撤销", "撤回", "注销"}


def page_of(open_page: OpenPage, subject: str, view: str, **options: Any) -> Page:
    page = open_page("/holder", **options)
    sign_in(page, subject)
    page.goto(page.url.partition("#")[0] + f"#{view}")
    page.locator(f'#view[data-name="{view}"]').wait_for()
    return page


def card_of(page: Page, request_id: str) -> Any:
    return page.locator(f'#requests [data-request="{request_id}"]')


def test_a_request_is_told_in_plain_words_and_answered_by_one_press(open_page: OpenPage, live_city: LiveCity) -> None:
    shop = open_shop(live_city, TRADE, FOOD)
    wanted = {TRADE: ["holder_name", "address"], FOOD: ["number", "?valid", "?scope:business_items", COPY]}
    first = shop.asked(wanted, "YX-1")
    second = shop.asked({FOOD: ["number"]}, "YX-2")
    page = open_page("/holder")
    sign_in(page, shop.subject)
    expect(page.locator("#requests-waiting")).to_contain_text("有 2 项用证申请等您答复")
    expect(page.locator("#requests-badge")).to_have_text("2")
    page.locator("#to-requests").click()
    expect(page.locator('.sub-views [data-view="requests"]')).to_have_text("用证申请（2）")
    one = card_of(page, first)
    for words in (
        "等您答复",
        OFFICE,
        "食品经营许可（延续）",
        "YX-1",
        "jingban01",
        "办理食品经营许可延续",
        "营业执照",
        "看这些信息：持证主体、住所",
        "只问，不看内容：某一天是否正常（只答是或否）、“经营项目”里有没有某项内容（只答是或否）",
        f"仅供{OFFICE}",
        "将使用：",
        "前答复",
        "谁用过我的证",
    ):
        expect(one).to_contain_text(words)
    text = one.inner_text()
    assert "?" not in text
    assert "scope" not in text
    assert "有效" not in text.replace("有效期", "")
    one.get_by_role("button", name="同意", exact=False).first.click()
    expect(page.locator("#request-done")).to_contain_text("您已同意")
    expect(page.locator("#request-done")).to_be_focused()
    expect(one).to_have_attribute("data-state", "confirmed")
    expect(page.locator("#requests-badge")).to_have_text("1")
    assert shop.state(first) == "confirmed"
    card_of(page, second).get_by_role("button", name="不同意").click()
    expect(page.locator("#request-done")).to_contain_text("对方什么也看不到")
    expect(page.locator("#requests-badge")).to_have_count(0)
    assert shop.state(second) == "declined"
    assert not FORBIDDEN_WORDS & set(page.locator("button").all_inner_texts())
    # What was agreed can be used, and stands under the grants.
    shop.consented(first, fields=["number"])
    page.get_by_role("link", name="用证授权").click()
    expect(page.locator('#grants li[data-state="used"]').first).to_contain_text("食品经营许可（延续）")
    expect(page.locator('#grants li[data-state="open"]')).to_have_count(1)
    # What was taken goes on answering, and says so until it is taken back.
    used = page.locator('#grants li[data-state="used"]')
    expect(used).to_contain_text("还可核验 20 次")
    used.locator('[data-action="take"]').click()
    page.get_by_role("dialog").get_by_role("button", name="收回授权").click()
    expect(page.locator('#grants li[data-state="taken"]')).to_have_count(1)


def test_a_lapsed_request_is_grey_and_cannot_be_answered(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    shop = open_shop(live_city, FOOD)
    lapsed, late = (shop.asked({FOOD: ["number"]}, f"YX-{n}", hours=1) for n in (1, 2))
    past = later(live_city.city.service.deps.clock.now() - timedelta(minutes=1))
    over = "UPDATE use_requests SET lapses_at = '{}' WHERE request_id = '{}'"
    live_city.city.execute(over.format(past, lapsed))
    page = page_of(open_page, shop.subject, "requests")
    old = card_of(page, lapsed)
    expect(old).to_have_attribute("data-state", "lapsed")
    expect(old).to_contain_text("已过时失效")
    expect(old.get_by_role("button")).to_have_count(0)
    expect(old).to_have_css("background-color", "rgb(238, 241, 245)")
    expect(page.locator("#requests li").first).to_have_attribute("data-request", late)
    # One that lapses while the page is open says so when it is pressed.
    live_city.city.execute(over.format(past, late))
    watch.allow("status of 409")
    card_of(page, late).locator('[data-action="agree"]').click()
    expect(page.locator("#trouble [role=alert]")).to_contain_text("已过时")
    expect(card_of(page, late)).to_have_attribute("data-state", "lapsed")
    expect(page.locator("#request-done")).to_have_count(0)


def test_a_representative_a_guardian_and_a_delegate_are_told_for_whom_they_answer(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    city = live_city.city
    shop = open_shop(live_city, TRADE, FOOD)
    boss_no = citizen(BORN, int(shop.code[11:14]) or 1)
    bind(city, f"boss-{shop.subject}", "示例店主", code=boss_no)
    city.answer(state(city, "representative", shop.party, party("示例店主", boss_no)), 201)
    made = shop.asked({FOOD: ["number"]}, "YX-1")
    page = page_of(open_page, f"boss-{shop.subject}", "requests")
    expect(card_of(page, made)).to_contain_text(f"您是法定代表人，替{shop.name}答复")
    card_of(page, made).locator('[data-action="agree"]').click()
    expect(card_of(page, made)).to_have_attribute("data-state", "confirmed")

    aunt_no = citizen(date(1979, 5, 6), int(shop.code[11:14]) or 1)
    shop.delegate(f"aunt-{shop.subject}", "示例帮手", aunt_no, use_matters=[RENEWAL])
    made = shop.asked({FOOD: ["number"]}, "YX-2")
    page = page_of(open_page, f"aunt-{shop.subject}", "requests")
    expect(card_of(page, made)).to_contain_text(f"您是受托人，替{shop.name}答复")
    card_of(page, made).locator('[data-action="agree"]').click()
    expect(card_of(page, made)).to_have_attribute("data-state", "confirmed")

    birth, matter = "birth_record", "11990101MB0002102G4992009101001"
    body = {
        "holder": the_holder(city, birth),
        "matter_code": matter,
        "case_no": "LH-1",
        "operator": "jingban01",
        "purpose": "新生儿落户",
        "items": [{"type": birth, "fields": ["holder_name"]}],
    }
    client = city.system(using_client_id(matter[:18]))
    made = city.answer(city.client.post("/v1/use-requests", headers=client, json=body), 201)["request_id"]
    page = page_of(open_page, city.shower_of(birth), "requests")
    child = city.catalog.sample(birth)["holder_name"]
    expect(card_of(page, made)).to_contain_text(f"您是监护人，替{child}答复")
    card_of(page, made).locator('[data-action="refuse"]').click()
    expect(card_of(page, made)).to_have_attribute("data-state", "declined")


def test_uses_tell_question_answer_and_basis_in_words_and_leave_as_a_table(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path
) -> None:
    shop = open_shop(live_city, FOOD)
    question = {"matter_code": SUBSIDY, "case_no": "BT-1", "purpose": "核定餐饮业稳岗补贴"}
    shop.used("/v1/answers", **question, ask="scope", field="business_items", term="热食")
    shop.used("/v1/answers", **question, ask="valid", on="2026-02-01")
    page = page_of(open_page, shop.subject, "uses")
    rows = page.locator("#uses li").filter(has_text="BT-1")
    scope = rows.filter(has_text="热食")
    expect(scope).to_contain_text("问：“经营项目”是否包含“热食”")
    expect(scope).to_contain_text("答：是")
    expect(scope).to_contain_text("依据：依职能")
    expect(scope).to_contain_text("没有看到证照内容")
    expect(rows.filter(has_not_text="热食")).to_contain_text("问：2026年2月1日证照是否正常")
    text = page.locator("#uses").inner_text()
    assert "有效" not in text.replace("有效期", "")
    with page.expect_download() as download:
        page.locator("#uses-export").click()
    assert download.value.suggested_filename == "谁用过我的证.xlsx"
    download.value.save_as(tmp_path / "uses.xlsx")
    with zipfile.ZipFile(tmp_path / "uses.xlsx") as parts:
        assert "热食" in html.unescape(parts.read("xl/worksheets/sheet1.xml").decode("utf-8"))


def test_a_copy_given_on_consent_is_taken_back_after_asking_and_one_on_duty_is_not(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    shop = open_shop(live_city, FOOD)
    shop.copied(case_no="YX-8")
    request_id = shop.asked({FOOD: ["number", COPY]}, "YX-1")
    shop.confirm(request_id)
    mine = shop.consented(request_id, fields=[COPY])
    page = page_of(open_page, shop.subject, "uses")
    duty = page.locator("#uses li").filter(has_text="YX-8")
    expect(duty).to_contain_text("依职能取得的，不能收回")
    expect(duty.locator('[data-action="take-copy"]')).to_have_count(0)
    own = page.locator(f'#uses [data-use="{mine["fetch_id"]}"]')
    expect(own).to_contain_text("依据：持证人授权")
    expect(own).to_contain_text(mine["copy_number"])
    own.get_by_role("button", name="收回加注件").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("都会看到“持证人已收回”")
    dialog.get_by_role("button", name="取消操作").click()
    expect(own.locator("[data-copy]")).to_have_attribute("data-copy-state", "given")
    own.get_by_role("button", name="收回加注件").click()
    dialog.get_by_role("button", name="收回加注件").click()
    expect(own.locator("[data-copy]")).to_have_attribute("data-copy-state", "withdrawn")
    expect(own).to_contain_text("已收回，不能再用")
    assert not FORBIDDEN_WORDS & set(page.locator("button").all_inner_texts())


def test_a_withheld_use_is_told_with_its_reason_when_its_moment_has_come(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    city = live_city.city
    shop = open_shop(live_city, FOOD)
    hidden = withheld(live_city, shop, "YX-9")
    shop.used("/v1/fetches", case_no="YX-10", fields=["number"])
    page = page_of(open_page, shop.subject, "uses")
    expect(page.locator("#uses")).to_contain_text("YX-10")
    row = page.locator(f'#uses [data-use="{hidden}"]')
    expect(row).to_have_count(0)
    past = later(city.service.deps.clock.now() - timedelta(seconds=1))
    city.execute(f"UPDATE fetches SET withheld_until = '{past}' WHERE fetch_id = '{hidden}'")
    page.reload()
    expect(row.locator('[data-part="withheld"]')).to_contain_text("曾依法暂缓告知")
    expect(row.locator('[data-part="withheld"]')).to_contain_text("《示例办法》第十条第二款")


def withheld(live_city: LiveCity, shop: Shop, case_no: str) -> str:
    """A use on duty that two people of the body keep from the holder for a while; its number."""
    city = live_city.city
    until = (city.service.deps.clock.now() + timedelta(days=1)).isoformat()
    basis = "《示例办法》第十条第二款：告知将妨碍调查"
    body = {"matter_code": RENEWAL, "case_no": case_no, "until": until, "legal_basis": basis}
    made = city.answer(city.client.post("/v1/withholdings", headers=city.person("use-clerk-1"), json=body), 201)
    path = f"/v1/withholdings/{made['withholding_id']}/decisions"
    city.answer(city.client.post(path, headers=city.person("use-checker-1"), json={"agrees": True}), 201)
    done = shop.used("/v1/fetches", case_no=case_no, fields=["number"], withholding_id=made["withholding_id"])
    return str(done["fetch_id"])


def test_a_delegate_may_consent_only_where_the_holder_said_so_after_a_warning(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    shop = open_shop(live_city, FOOD)
    number = citizen(date(1991, 7, 8), int(shop.code[11:14]) or 1)
    bind(live_city.city, f"aide-{shop.subject}", "示例办事员", code=number)
    page = page_of(open_page, shop.subject, "delegations")
    page.locator("#delegation-new").click()
    page.get_by_label("受托人姓名").fill("示例办事员")
    page.get_by_label("受托人证件号码").fill(number)
    expect(page.locator("#use-matters")).to_have_count(0)
    page.locator(".scope").first.get_by_role("checkbox").first.check()
    part = page.locator("#use-matters")
    expect(part.get_by_label("不可以，用证由我自己答复")).to_be_checked()
    expect(page.locator("#use-matters-warning")).to_have_count(0)
    part.get_by_label("什么事项都可以").check()
    expect(page.locator("#use-matters-warning")).to_contain_text("包括以后新开的事项")
    part.get_by_label("只有我选的事项可以").check()
    expect(page.locator("#use-matters-warning")).to_contain_text("不用再问您")
    page.locator("#delegation-submit").click()
    expect(page.locator("#delegation-wrong")).to_contain_text("请至少选一个事项")
    part.get_by_label("食品经营许可（延续）").check()
    page.locator("#delegation-submit").click()
    given = page.locator("#delegations-given > li").first
    expect(given.locator('[data-part="use-matters"]')).to_have_text("可以替持证人同意用证：食品经营许可（延续）")

    aide = page_of(open_page, f"aide-{shop.subject}", "delegations")
    received = aide.locator("#delegations-received > li").first
    expect(received).to_contain_text("您可以在“用证申请”里替持证人答复")
    received.get_by_role("button", name="接受", exact=True).click()
    expect(received).to_have_attribute("data-state", "active")
    named = shop.asked({FOOD: ["number"]}, "YX-1")
    other = shop.asked({FOOD: ["number"]}, "BT-1", matter_code=SUBSIDY)
    aide.goto(f"{live_city.base}/holder#requests")
    aide.reload()
    expect(card_of(aide, named)).to_be_visible()
    expect(card_of(aide, other)).to_have_count(0)


def test_anybody_sees_for_whom_a_copy_was_made_and_how_it_stands(
    open_page: OpenPage, live_city: LiveCity, move: Any
) -> None:
    city = live_city.city
    shop = open_shop(live_city, FOOD)
    done, data = shop.copied()
    page = open_page("/")
    upload(page, data)
    expect_verdict(page, "加注件核验通过", GREEN)
    facts = page.locator("#verdict-copy")
    for words in (OFFICE, "食品经营许可（延续）", done["copy_number"], "不是证照原件"):
        expect(facts).to_contain_text(words)
    expect(page.locator("#verdict-license h3")).to_have_text("加注件所依据的证照")
    expect(page.locator('#verdict-checks [data-check="registry_match"]')).to_contain_text("与提供过的加注件一致")
    assert "YX-1" not in page.locator("main").inner_text(), "the case is nobody else's business"
    assert complaints(page) == []

    with city.service.deps.uow.read() as tx:
        copy = tx.copies.by_fetch(done["fetch_id"])
    assert copy is not None
    code = open_page(f"/q/{copy.token}")
    expect(code.locator("#verdict")).to_have_attribute("data-reason", "ok_copy_registered")
    expect(code.locator("#verdict-word")).to_have_text("加注件登记状态正常")
    expect(code.locator("#verdict-copy")).to_contain_text("食品＊＊＊")
    expect(code.locator("#verdict-copy")).to_contain_text("事项名称隐去一部分")
    expect(code.locator("#code-more-copy")).to_be_visible()
    expect(code.locator("#code-more-text")).to_be_hidden()
    assert complaints(code) == []


def test_a_copy_that_is_good_no_more_says_which_way_and_what_to_do(
    open_page: OpenPage, live_city: LiveCity, move: Any
) -> None:
    city = live_city.city
    shop = open_shop(live_city, FOOD)
    done, data = shop.copied()
    page = open_page("/")
    move({"type": FOOD, **shop.rows[FOOD]}, "suspend", until="2030-01-15")
    upload(page, data)
    expect_verdict(page, "证照暂扣，加注件暂停使用", RED)
    expect(page.locator("#copy-state")).to_have_text("证照暂扣，加注件暂停使用")
    move({"type": FOOD, **shop.rows[FOOD]}, "resume")
    past = later(city.service.deps.clock.now() - timedelta(minutes=1))
    city.execute(f"UPDATE copies SET until = '{past}' WHERE fetch_id = '{done['fetch_id']}'")
    upload(page, data)
    expect_verdict(page, "加注件已过期", RED)
    expect(page.locator(".verdict-head svg")).to_have_attribute("data-shape", "expired")
    expect(page.locator("#verdict-next")).to_contain_text("请勿采信")

    request_id = shop.asked({FOOD: [COPY]}, "YX-1")
    shop.confirm(request_id)
    taken = shop.consented(request_id, fields=[COPY])
    with city.service.deps.uow.read() as tx:
        second = tx.copies.by_fetch(taken["fetch_id"])
    assert second is not None
    path = f"/v1/copies/{second.copy_id}/withdrawals"
    city.answer(city.client.post(path, headers=shop.headers), 201)
    page.goto(f"{live_city.base}/q/{second.token}")
    expect_verdict(page, "加注件已收回", RED)
    expect(page.locator("#copy-state")).to_have_class("bad")
    assert complaints(page) == []
