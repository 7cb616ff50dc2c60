"""到期鉴定 in a browser: what binds each item, who proposes and decides, what is taken back, the sheet; at 360 px."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from city_browser import OpenPage, sign_in
from disposal_records import make_disposal, make_item
from fixtures_city import LiveCity
from page_checks import complaints
from playwright.sync_api import Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SMALL = (360, 740)
FREE, BOUND = "1.2.156.3005.2.FREE", "1.2.156.3005.2.BOUND"


def over(label: str, *bound: str) -> dict[str, Any]:
    return {
        "kind": "license",
        "kind_zh": "证照",
        "label": label,
        "authority_code": "11990000MB0000019F",
        "title": "示例特种设备作业人员证",
        "keeping": "years_10",
        "keeping_zh": "定期10年",
        "formed_on": "2015-01-01",
        "over_on": "2026-01-01",
        "bound": [{"code": code, "reason": "有未办结的异议申诉"} for code in bound],
    }


def listed(live_city: LiveCity) -> str:
    """A list that archivist-1 proposed."""
    deps = live_city.city.service.deps
    list_id, now = deps.ids.new("dis"), deps.clock.now()
    with deps.uow() as tx:
        item = make_item(list_id=list_id, subject=deps.ids.new("lic"), label=f"1.2.156.{list_id}")
        tx.disposals.insert(make_disposal(list_id=list_id, proposed_at=now - timedelta(minutes=1)), [item])
    return list_id


def opened(open_page: OpenPage, subject: str, place: str = "disposals") -> Page:
    page = open_page("/console", size=SMALL)
    sign_in(page, subject)
    page.locator("#console-views").wait_for()
    page.goto(page.url.split("#", maxsplit=1)[0] + f"#{place}")
    return page


def test_what_is_due_says_what_binds_it_and_only_what_is_free_is_proposed(open_page: OpenPage) -> None:
    page = opened(open_page, "archivist-1")
    sent: list[Any] = []

    def due(route: Route) -> None:
        # By what is asked, not by how often: a page that asks again is answered alike.
        begins = route.request.url.endswith("cursor=")
        found = [] if begins or sent else [over(FREE), over(BOUND, "disputed")]
        route.fulfill(json={"found": found, "next": "x" if begins and not sent else ""})

    page.route("**/v1/disposals/due*", due)

    def propose(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        sent.append(json.loads(route.request.post_data or ""))
        route.fulfill(status=201, json={"list_id": "dis_x"})

    page.route("**/v1/disposals", propose)
    page.locator("#due-look").click()
    expect(page.locator("#due li")).to_have_count(2)
    expect(page.locator(f'[data-due="{BOUND}"]')).to_contain_text("异议")
    expect(page.locator(f'[data-due="{BOUND}"] input')).to_have_count(0)
    assert complaints(page) == []
    page.locator("#propose").click()
    expect(page.locator("#propose-wrong")).not_to_be_empty()
    page.locator(f'[data-due="{FREE}"] input').check()
    page.locator("#d-reason").fill("保管期限已满，无继续保存价值")
    page.locator("#propose").click()
    expect(page.locator("#no-due")).to_be_visible()
    items = [{"kind": "license", "label": FREE}]
    reason = "保管期限已满，无继续保存价值"
    assert sent == [{"outcome": "destroy", "years": 0, "reason": reason, "items": items}]


def test_two_people_decide_and_either_takes_back_within_the_window(open_page: OpenPage, live_city: LiveCity) -> None:
    list_id = listed(live_city)
    first = opened(open_page, "archivist-1")
    first.locator(f'[data-list="{list_id}"] a').click()
    expect(first.locator("#own-list")).to_be_visible()
    expect(first.locator('[data-way="agree"]')).to_have_count(0)
    expect(first.locator('[data-way="take_back"]')).to_have_count(1)
    second = opened(open_page, "archivist-2", f"disposals/{list_id}")
    second.locator('[data-way="refuse"]').click()
    expect(second.locator("#disposal .wrong")).not_to_be_empty()
    second.locator("#d-opinion").fill("同意销毁")
    second.locator('[data-way="agree"]').click()
    second.get_by_role("dialog").get_by_role("button", name="批准", exact=True).click()
    expect(second.locator("#disposal")).to_have_attribute("data-state", "approved")
    expect(second.locator("#window")).to_be_visible()
    assert complaints(second) == []
    with second.expect_download() as kept:
        second.locator("#sheet").click()
    assert kept.value.suggested_filename == f"{list_id}.xlsx"
    second.locator('[data-way="take_back"]').click()
    second.get_by_role("dialog").get_by_role("button", name="收回清册", exact=True).click()
    expect(second.locator("#disposal")).to_have_attribute("data-state", "withdrawn")
    expect(second.locator("[data-way]")).to_have_count(0)


def test_an_auditor_looks_and_is_offered_nothing_else_and_an_operator_has_no_such_view(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    list_id = listed(live_city)
    page = opened(open_page, "auditor-1", f"disposals/{list_id}")
    expect(page.locator("#disposal-items li")).to_have_count(1)
    expect(page.locator("[data-way]")).to_have_count(0)
    page.goto(page.url.split("#", maxsplit=1)[0] + "#disposals")
    page.locator("#disposals li").first.wait_for()
    expect(page.locator("#propose-form")).to_have_count(0)
    page.locator("#logout").click()
    page.locator("#people").wait_for()
    sign_in(page, "operator-1")
    page.locator(".ways").wait_for()
    expect(page.locator('.ways [data-view="disposals"]')).to_have_count(0)
