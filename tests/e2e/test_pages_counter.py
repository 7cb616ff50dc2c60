"""综合窗口 in a browser: a scan gun with the Chinese input method on, the list, paper that asks why, print, outage."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from city_browser import PHONE, OpenPage, Watch, sign_in
from fixtures_city import LiveCity
from page_checks import complaints_at
from page_states import counter_states
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PC = (1280, 900)
FOOD_RENEWAL = "11990000MB0000019F2990131002003"
CLERK = "clerk-1"


def counter_page(open_page: OpenPage, **options: Any) -> Page:
    page = open_page("/counter", **{"size": PC, **options})
    sign_in(page, CLERK)
    page.locator("#check-form").wait_for()
    return page


def number() -> str:
    return f"KB-{uuid4().hex[:12].upper()}"


def full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def show_code(live_city: LiveCity) -> str:
    city = live_city.city
    kind = city.catalog.type("food_operation")
    scene = next(one.code for one in kind.scenes if one.audience == "clerk")
    body = {"identifier": city.license("food_operation")["identifier"], "scene": scene}
    headers = city.person(city.holder_of("food_operation"))
    return str(city.answer(city.client.post("/v1/shows", headers=headers, json=body), 201)["code"])


def check(page: Page, live_city: LiveCity, case_no: str) -> None:
    page.locator("#matter").select_option(FOOD_RENEWAL)
    page.locator("#case-no").fill(case_no)
    page.locator("#holder").fill(live_city.city.catalog.sample("food_operation")["holder_code"])
    page.locator("#check-go").click()
    page.locator("#rows li").first.wait_for()


def test_a_burst_of_full_width_letters_is_the_holders_code(open_page: OpenPage, live_city: LiveCity) -> None:
    page = counter_page(open_page)
    expect(page.locator("#scan")).to_be_focused()
    page.locator("#matter").select_option(FOOD_RENEWAL)
    page.locator("#case-no").fill(number())
    page.locator("#scan").focus()
    page.keyboard.insert_text(full_width(show_code(live_city)))
    page.keyboard.press("Enter")
    page.locator("#rows li").first.wait_for()
    expect(page.locator('[data-material="food_operation"]')).to_have_attribute("data-answer", "exempt_license")
    expect(page.locator("#code-verdict")).to_be_visible()
    expect(page.locator("#scan")).to_be_focused()
    expect(page.locator("#scan")).to_have_value("")


def test_the_guns_enter_may_only_end_a_composition(open_page: OpenPage, live_city: LiveCity) -> None:
    """With an input method keys are "Process", the text comes composed, and no Enter follows."""
    page = counter_page(open_page)
    code = live_city.city.catalog.sample("food_operation")["holder_code"]
    page.locator("#scan").focus()
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": code, "selectionStart": len(code), "selectionEnd": len(code)})
    page.evaluate(
        """() => document.getElementById("scan").dispatchEvent(
          new KeyboardEvent("keydown", { key: "Process", code: "Enter", isComposing: true, bubbles: true }))"""
    )
    session.send("Input.insertText", {"text": full_width(code)})
    expect(page.locator("#holder")).to_have_value(code)
    expect(page.locator("#holder-type")).to_have_value("001")
    # Without that Enter the text stays, to be looked at.
    session.send("Input.imeSetComposition", {"text": "ka", "selectionStart": 2, "selectionEnd": 2})
    session.send("Input.insertText", {"text": "卡"})
    expect(page.locator("#scan")).to_have_value("卡")
    page.keyboard.press("Enter")
    expect(page.locator("#case-no")).to_have_value("")
    expect(page.locator("#scan-said")).to_have_class("wrong")


def test_the_gun_gets_the_focus_back_from_nothing_and_from_nobody_else(open_page: OpenPage) -> None:
    page = counter_page(open_page)
    page.locator("h1").click()
    expect(page.locator("#scan")).to_be_focused()
    page.locator("#case-no").click()
    expect(page.locator("#case-no")).to_be_focused()
    page.keyboard.type("A-1")
    expect(page.locator("#case-no")).to_have_value("A-1")
    # A gun that fires while a button has the focus types into its own field.
    page.locator("#check-go").focus()
    page.keyboard.type("91990000MA0000015Q")
    page.keyboard.press("Enter")
    expect(page.locator("#holder")).to_have_value("91990000MA0000015Q")


def test_rows_have_word_symbol_and_colour_and_paper_asks_why(open_page: OpenPage, live_city: LiveCity) -> None:
    page = counter_page(open_page)
    case_no = number()
    check(page, live_city, case_no)
    rows = page.locator("#rows li")
    for at in range(rows.count()):
        row = rows.nth(at)
        expect(row.locator(".answer-word")).not_to_be_empty()
        expect(row.locator(".answer-word svg")).to_have_count(1)
        assert row.get_attribute("data-colour")
    row = page.locator('[data-material="food_operation"]')
    row.locator('[data-action="paper"]').click()
    row.locator('[data-action="note"]').click()
    expect(row.locator(".wrong")).not_to_be_empty()
    row.locator("select").select_option("differs")
    row.locator("input").fill("证面地址与申请表不一致")
    row.locator('[data-action="note"]').click()
    expect(row.locator(".counted")).to_have_text("应免未免", use_inner_text=True)
    promise = page.locator('[data-material="unchanged"]')
    promise.locator("input[type=checkbox]").check()
    promise.locator('[data-action="promise"]').click()
    expect(promise.locator(".taken-word")).to_contain_text("已承诺")
    city = live_city.city
    shown = city.client.get(f"/v1/counter/cases/{case_no}", headers=city.person(CLERK)).json()
    taken = {row["material"]: row["taken"] for row in shown["sheets"][0]["rows"]}
    assert (taken["food_operation"]["reason"], taken["food_operation"]["counts"]) == ("differs", True)
    assert taken["unchanged"]["kind"] == "promise"


def test_a_ticket_begins_with_the_case_and_is_sent(open_page: OpenPage, live_city: LiveCity) -> None:
    page = counter_page(open_page)
    check(page, live_city, number())
    page.locator('[data-material="food_operation"] [data-action="report"]').click()
    expect(page.locator("#ticket-type")).to_have_value("food_operation")
    expect(page.locator("#ticket-holder")).not_to_have_value("")
    page.locator("#ticket-send").click()
    expect(page.locator("#ticket-wrong")).not_to_be_empty()
    page.locator("#ticket-right").fill("应有 2025 年延续后的许可证")
    page.locator("#ticket-evidence").fill("持证人出示纸质正本")
    page.locator("#ticket-send").click()
    expect(page.locator("#tickets li").first).to_contain_text("应有 2025 年延续后的许可证")
    page.locator('[data-view="check"]').click()
    expect(page.locator("#rows li").first).to_be_visible()


def test_the_sheet_prints_and_nothing_else_does(open_page: OpenPage, live_city: LiveCity) -> None:
    page = counter_page(open_page)
    check(page, live_city, number())
    page.emulate_media(media="print")
    for hidden in ("header", "footer", "#check-form", ".row-act", "#print", "nav.views"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for seen in ("#sheet-title", "#rows li", ".signature"):
        assert page.locator(seen).first.is_visible(), seen
    page.emulate_media(media="screen")
    expect(page.locator("#check-form")).to_be_visible()


def test_without_the_service_a_slip_is_written_and_entered_later(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 503")
    page = counter_page(open_page)
    case_no = number()
    problem = {"type": "about:blank", "title": "服务暂不可用", "status": 503, "detail": "数据库暂时无法应答"}
    page.route("**/v1/counter/checks", lambda route: route.fulfill(status=503, json=problem))
    check(page, live_city, case_no)
    expect(page.locator("#outage")).to_contain_text("不因系统故障收纸质")
    expect(page.locator('[data-material="food_operation"]')).to_have_attribute("data-answer", "later")
    assert page.locator("#rows [data-action]").count() == 0
    kept = page.evaluate("JSON.stringify({...localStorage})")
    assert case_no in kept
    assert live_city.city.catalog.sample("food_operation")["holder_code"] not in kept
    page.unroute("**/v1/counter/checks")
    page.locator('#slips [data-action="enter"]').click()
    page.locator("#holder").fill(live_city.city.catalog.sample("food_operation")["holder_code"])
    page.locator("#check-go").click()
    expect(page.locator("#differences")).to_contain_text("免提交")
    expect(page.locator("#slips")).to_have_count(0)
    city = live_city.city
    shown = city.client.get(f"/v1/counter/cases/{case_no}", headers=city.person(CLERK)).json()
    assert [bool(sheet["slip_no"]) for sheet in shown["sheets"]] == [False, True]


@pytest.mark.timeout(900)  # every width in one walk
def test_every_state_can_be_read_at_every_width(open_page: OpenPage, live_city: LiveCity) -> None:
    """The smallest width, with the same checks, is part of the walk of test_pages_layout.py in both languages."""
    page, sizes = open_page("/", size=PC), (PC, PHONE)
    wrong = [(state, *one) for state in counter_states(page, live_city) for one in complaints_at(page, *sizes)]
    assert wrong == []
