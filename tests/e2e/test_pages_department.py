"""用证部门 in a browser: numbers, filtered uses, a policy asked for, staff, an alert answered; readers read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from city_browser import PHONE, SMALLEST, OpenPage, sign_in
from fixtures_city import LiveCity
from page_checks import complaints
from page_states import department_states
from playwright.sync_api import Page, expect

from certsvc.commands.access.seed_sandbox import using_client_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PC = (1280, 900)
BODY = "11990000MB0000019F"
CLIENT = using_client_id(BODY)
MATTER = "11990000MB0000019F2990131002003"
BARE = "11990000MB0000019F2990131001001"
FOOD = "food_operation"
NOBODY = "91990000MA0000023K"
"""A company without licenses in the live city."""


def department(open_page: OpenPage, subject: str = "policy-clerk-1", **options: Any) -> Page:
    page = open_page("/department", **{"size": PC, **options})
    sign_in(page, subject)
    page.locator("#totals").wait_for()
    return page


def fetch(live_city: LiveCity, status: int = 201, **changes: Any) -> str:
    """A use of the body's system; its case number, which is new."""
    sample, case_no = live_city.city.catalog.sample(FOOD), f"DP-{uuid4().hex[:10].upper()}"
    body = {
        "matter_code": MATTER,
        "case_no": case_no,
        "purpose": "办理食品经营许可延续",
        "operator": "jingban01",
        "basis": "duty",
        "type": FOOD,
        "holder_code": sample["holder_code"],
        "holder_code_type": sample["holder_code_type"],
        **changes,
    }
    city = live_city.city
    city.answer(city.client.post("/v1/fetches", headers=city.system(CLIENT), json=body), status)
    return case_no


def test_numbers_and_uses_say_what_was_asked_and_why_not(open_page: OpenPage, live_city: LiveCity) -> None:
    given = fetch(live_city, fields=["number"])
    refused = fetch(live_city, 403, matter_code=BARE)
    page = department(open_page)
    expect(page.locator("#department-name")).to_have_text("示例省市场监督管理局")
    assert int(page.locator('[data-total="fetches"]').inner_text().split()[0]) >= 1
    expect(page.locator('[data-reason="no_lawful_basis"]')).to_contain_text("下一步")
    expect(page.locator(f'.bars [data-code="{BARE}"]')).to_contain_text("企业设立登记")
    page.locator('[data-view="uses"]').click()
    rows = page.locator("#body-uses li")
    expect(rows.filter(has_text=given)).to_contain_text("已提供")
    expect(rows.filter(has_text=refused)).to_contain_text("无合法用证依据")
    page.locator("#f-outcome").select_option("refused")
    page.locator("#f-matter").select_option(BARE)
    page.locator("#f-go").click()
    expect(rows.filter(has_text=given)).to_have_count(0)
    expect(rows.filter(has_text=refused)).to_have_count(1)
    page.locator("#f-to").fill("2020-01-01")
    page.locator("#f-go").click()
    expect(page.locator(".empty")).to_be_visible()


def test_a_policy_is_asked_for_and_its_state_seen(open_page: OpenPage, live_city: LiveCity) -> None:
    page = department(open_page)
    page.locator('[data-view="policies"]').click()
    page.locator("#policy-new").click()
    page.locator("#p-matter").select_option(BARE)
    page.locator("#p-type").select_option("tour_guide")
    page.locator("#policy-send").click()
    expect(page.locator("#policy-wrong")).to_contain_text("请勾选要用的内容")
    page.locator('#p-keys input[value="number"]').check()
    page.locator('[data-basis="duty"]').check()
    page.locator("#p-quota").fill("20")
    purpose = f"核对从业人员资格 {uuid4().hex[:8]}"
    page.locator("#p-purpose").fill(purpose)
    page.locator("#policy-send").click()
    row = page.locator("#asked-policies li").filter(has_text=purpose)
    expect(row).to_have_attribute("data-state", "requested")
    city = live_city.city
    path = f"/v1/policies/{row.get_attribute('data-policy')}/closings"
    headers = city.person("policy-clerk-1")
    city.answer(city.client.post(path, headers=headers, json={"reason": "示例：不再需要"}), 201)
    page.locator('[data-view="uses"]').click()
    page.locator('[data-view="policies"]').click()
    expect(row).to_contain_text("示例：不再需要")


def test_staff_is_registered_and_stopped(open_page: OpenPage, live_city: LiveCity) -> None:
    page = department(open_page)
    page.locator('[data-view="staff"]').click()
    page.locator(f'[data-client="{CLIENT}"] [data-action="staff"]').click()
    page.locator("#staff-add").click()
    expect(page.locator("#staff-wrong")).not_to_be_empty()
    account = f"jb{uuid4().hex[:8]}"
    page.locator("#s-account").fill(account)
    page.locator("#s-name").fill("示例甲")
    page.locator("#staff-add").click()
    member = page.locator(f'[data-account="{account}"]')
    expect(member).to_contain_text("在用")
    member.locator('[data-action="turn"]').click()
    expect(member).to_contain_text("已停用")
    city = live_city.city
    listed = city.client.get(f"/v1/clients/{CLIENT}/staff", headers=city.person("policy-clerk-1")).json()
    assert [one["active"] for one in listed if one["account"] == account] == [False]


def test_an_alert_to_a_system_is_answered(
    open_page: OpenPage, live_city: LiveCity, issue: Callable[..., dict[str, Any]], move: Callable[..., None]
) -> None:
    row = issue(FOOD, holder={"name": "示例通报有限公司", "code": NOBODY, "code_type": "001"})
    fetch(live_city, fields=["number"], holder_code=NOBODY)
    move(row, "revoke")
    page = department(open_page)
    page.locator('[data-view="open"]').click()
    alert = page.locator("#alerts li").filter(has_text=row["identifier"])
    for _ in range(30):  # the alert is made by a loop of the service
        page.locator("#alerts:visible, .empty:visible").first.wait_for()
        if alert.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    alert.locator('[data-action="answer"]').click()
    alert.locator('[data-action="send"]').click()
    expect(alert.locator(".wrong")).to_contain_text("请选择")
    alert.locator('[data-field="done"]').select_option("reviewed")
    alert.locator('[data-action="send"]').click()
    expect(alert).to_have_count(0)


def test_readers_only_read(open_page: OpenPage) -> None:
    page = department(open_page, "use-checker-1")
    expect(page.locator(".who")).to_contain_text("只能查看")
    page.locator('[data-view="policies"]').click()
    page.locator("#policies-in-force").wait_for()
    expect(page.locator("#policy-new")).to_have_count(0)
    page.locator('[data-view="staff"]').click()
    page.locator("#systems li").first.wait_for()
    expect(page.locator('[data-action="staff"]')).to_have_count(0)


@pytest.mark.parametrize("size", [PC, PHONE, SMALLEST], ids=["pc", "phone", "smallest"])
def test_every_state_can_be_read_at_every_width(
    open_page: OpenPage, live_city: LiveCity, size: tuple[int, int]
) -> None:
    fetch(live_city, 403, matter_code=BARE)
    page = open_page("/", size=size)
    wrong = [(state, *one) for state in department_states(page, live_city) for one in complaints(page)]
    assert wrong == []
