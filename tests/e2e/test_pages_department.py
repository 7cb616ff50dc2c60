"""用证部门 in a browser: numbers, uses, a policy asked for, staff, an alert answered; 暂缓告知 by two people."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from city_browser import PATIENCE_MS, PHONE, SMALLEST, OpenPage, sign_in
from consent_city import bind
from fixtures_city import LiveCity
from page_checks import complaints, complaints_at
from page_states import department_states
from playwright.sync_api import Page, Route, expect

from certsvc.clock import SystemClock, local_day
from certsvc.commands.access import roles
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


def dayout(days: int) -> str:
    """The ISO date in Beijing so many days from today."""
    return (local_day(SystemClock().now()) + timedelta(days=days)).isoformat()


def fetch(live_city: LiveCity, status: int = 201, path: str = "/v1/fetches", **changes: Any) -> str:
    """A use of the body's system; its case number, which is new."""
    sample, case_no = live_city.city.catalog.sample(FOOD), changes.pop("case_no", f"DP-{uuid4().hex[:10].upper()}")
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
    city.answer(city.client.post(path, headers=city.system(CLIENT), json=body), status)
    return str(case_no)


def until(page: Page, ready: Callable[[], bool]) -> None:
    """Wait for what a loop of the service does; the page goes on meanwhile."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not ready():
        assert time.monotonic() < deadline, "the service did not do it"
        page.wait_for_timeout(100)


def test_numbers_and_uses_say_what_was_asked_and_why_not(open_page: OpenPage, live_city: LiveCity) -> None:
    given = fetch(live_city, fields=["number"])
    refused = fetch(live_city, 403, matter_code=BARE)
    page = department(open_page)
    expect(page.locator("#department-name")).to_have_text("示例省市场监督管理局")
    expect(page.locator('[data-total="fetches"]')).to_have_text(re.compile(r"^\s*[1-9]"))
    expect(page.locator('[data-reason="no_policy"]')).to_contain_text("下一步")
    expect(page.locator(f'.bars [data-code="{BARE}"]')).to_contain_text("企业设立登记")
    page.locator('[data-view="uses"]').click()
    rows = page.locator("#body-uses li")
    expect(rows.filter(has_text=given)).to_contain_text("已提供")
    expect(rows.filter(has_text=refused)).to_contain_text("没有开通用证策略")
    page.locator("#f-outcome").select_option("refused")
    page.locator("#f-matter").select_option(BARE)
    page.locator("#f-go").click()
    expect(rows.filter(has_text=given)).to_have_count(0)
    expect(rows.filter(has_text=refused)).to_have_count(1)
    page.locator("#f-to").fill("2020-01-01")
    page.locator("#f-go").click()
    expect(page.locator(".empty")).to_be_visible()


def test_a_notary_is_offered_no_duty(open_page: OpenPage) -> None:
    page = department(open_page, "notary-1")
    expect(page.locator("#consent-only")).to_contain_text("只能凭持证人授权")
    page.locator('[data-view="policies"]').click()
    expect(page.locator("#consent-only")).to_be_visible()
    page.locator("#policy-new").click()
    expect(page.locator('[data-basis="consent"]')).to_be_checked()
    expect(page.locator('[data-basis="duty"]')).to_have_count(0)
    expect(page.locator("#p-consent-only")).to_be_visible()
    assert complaints(page) == []


def test_a_policy_is_asked_for_and_its_state_seen(open_page: OpenPage, live_city: LiveCity) -> None:
    page = department(open_page)
    page.locator('[data-view="policies"]').click()
    page.locator("#policy-new").click()
    page.locator("#p-matter").select_option(BARE)
    expect(page.locator("#p-type")).to_have_value("")
    page.locator("#policy-send").click()
    expect(page.locator("#policy-wrong")).to_contain_text("请选择证照类型")
    page.locator("#p-type").select_option("tour_guide")
    page.locator("#policy-send").click()
    expect(page.locator("#policy-wrong")).to_contain_text("请勾选要用的内容")
    page.locator('#p-keys input[value="number"]').check()
    page.locator('[data-basis="duty"]').check()
    page.locator("#p-purpose").fill("核对从业人员资格")
    page.locator("#p-quota").fill("1000001")
    page.locator("#policy-send").click()
    expect(page.locator("#policy-wrong")).to_contain_text("1000000")
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
    case_no = fetch(live_city, fields=["number"], holder_code=NOBODY)
    move(row, "revoke")
    page = department(open_page)
    page.locator('[data-view="open"]').click()
    alert = page.locator("#alerts li").filter(has_text=row["identifier"])
    waiting = "SELECT count(*) FROM alerts WHERE identifier = '{}'".format(row["identifier"])
    until(page, lambda: bool(live_city.city.rows(waiting)[0][0]))  # the alert is made by a loop of the service
    page.reload()
    expect(alert.locator('[data-field="due"]')).to_contain_text("请在")
    expect(alert).to_contain_text("示例省市场监督管理局业务系统")
    expect(alert.locator('[data-field="cases"]')).to_have_text(f"相关办件：{case_no}")
    alert.locator('[data-action="answer"]').click()
    alert.locator('[data-action="send"]').click()
    expect(alert.locator(".wrong")).to_contain_text("请选择")
    alert.locator('[data-field="done"]').select_option("reviewed")
    alert.locator('[data-action="send"]').click()
    expect(alert).to_have_count(0)


NARROW = (360, 740)
LAW = "《示例办法》第十条第二款：告知将妨碍调查"
SAID = {False: ("待审批", "已批准", "只能查看"), True: ("Waits for approval", "Approved", "Reads only")}


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_a_use_is_withheld_by_two_people(open_page: OpenPage, live_city: LiveCity, english: bool) -> None:
    waits, approved, reads = SAID[english]
    case_no = f"ZH-{uuid4().hex[:10].upper()}"
    clerk = department(open_page, "use-clerk-1", size=NARROW, english=english)
    expect(clerk.locator(".who")).not_to_contain_text(reads)
    clerk.locator('[data-view="open"]').click()
    clerk.locator("#withhold-new").click()
    clerk.locator("#w-matter").select_option(MATTER)
    for field, value in (("#w-case", case_no), ("#w-until", dayout(5)), ("#w-law", LAW)):
        clerk.locator("#withhold-send").click()
        expect(clerk.locator("#withhold-wrong")).not_to_be_empty()
        clerk.locator(field).fill(value)
    assert complaints(clerk) == []
    clerk.locator("#withhold-send").click()
    row = clerk.locator("#withheld li").filter(has_text=case_no)
    expect(row).to_contain_text(waits)
    expect(row.locator("button")).to_have_count(0)
    approver = department(open_page, "use-checker-1", size=NARROW, english=english)
    expect(approver.locator(".who")).not_to_contain_text(reads)
    approver.locator('[data-view="open"]').click()
    expect(approver.locator("#withheld li").filter(has_text=case_no)).to_contain_text(LAW)
    expect(approver.locator("#withhold-new")).to_have_count(0)
    asked = approver.locator("#withheld li").filter(has_text=case_no)
    asked.locator('[data-action="agree"]').click()
    approver.locator(".ask .van-dialog__confirm").click()
    expect(asked).to_contain_text(approved)
    expect(approver.locator(".ask")).to_be_hidden()
    assert complaints(approver) == []
    city = live_city.city
    listed = city.client.get("/v1/withholdings", headers=city.person("use-clerk-1")).json()
    [made] = [one for one in listed if one["case_no"] == case_no]
    assert (made["state"], made["asked_by"], made["decided_by"]) == ("approved", "use-clerk-1", "use-checker-1")
    expect(asked).to_contain_text(made["withholding_id"])
    expect(asked.locator('[data-action="copy"]')).to_be_visible()
    fetch(live_city, fields=["number"], case_no=case_no, withholding_id=made["withholding_id"])


def test_in_english_names_are_english(open_page: OpenPage, live_city: LiveCity) -> None:
    fields = fetch(live_city, fields=["number"])
    asked = fetch(live_city, path="/v1/answers", ask="scope", field="business_items", term="热食")
    page = department(open_page, english=True)
    expect(page.locator(f'.bars [data-code="{FOOD}"]')).to_contain_text("Food operation")
    page.locator('[data-view="uses"]').click()
    row = page.locator("#body-uses li").filter(has_text=fields)
    for word in ("Food operation", "Duty", "Fields: Number"):
        expect(row).to_contain_text(word)
    row = page.locator("#body-uses li").filter(has_text=asked)
    for word in ("Does “Business items” contain what was given?", "Yes"):
        expect(row).to_contain_text(word)
    page.locator('[data-view="policies"]').click()
    force = page.locator("#policies-in-force li").filter(has_text="Food operation").first
    for word in ("May use: ", "Duty", "Number"):
        expect(force).to_contain_text(word)
    page.locator("#policy-new").click()
    page.locator("#p-type").select_option(FOOD)
    expect(page.locator("#p-keys")).to_contain_text("Business items")
    expect(page.locator("#p-keys")).to_contain_text("Whether the holder is this person")


def test_the_days_stay_and_numbers_of_the_newest_alone_say_so(open_page: OpenPage) -> None:
    page = open_page("/department", size=PC)
    asked: list[str] = []

    def cut(route: Route) -> None:
        """As for a body that asks more than is counted."""
        asked.append(route.request.url)
        answer = route.fetch()
        changed = {**answer.json(), "whole": False, "counted_from": "2026-11-28T01:02:03Z"}
        route.fulfill(response=answer, json=changed)

    page.route("**/v1/departments/overview*", cut)
    sign_in(page, "policy-clerk-1")
    expect(page.locator("#not-whole")).to_contain_text("自 2026年11月28日 09:02:03 起")
    page.locator("#days").select_option("90")
    page.locator('[data-view="uses"]').click()
    page.locator("#filter").wait_for()
    page.locator('[data-view="overview"]').click()
    expect(page.locator("#days")).to_have_value("90")
    page.locator('#not-whole [data-action="today"]').click()
    expect(page.locator('#not-whole [data-action="today"]')).to_have_count(0)
    expect(page.locator("#days")).to_have_value("1")
    page.unroute_all(behavior="wait")
    assert [url.split("days=")[1] for url in asked] == ["30", "90", "1"]


def test_readers_only_read(open_page: OpenPage, live_city: LiveCity) -> None:
    bind(live_city.city, "body-auditor", "示例审计", roles=frozenset({roles.AUDITOR}), authority_code=BODY)
    token = live_city.city.person("body-auditor")["Authorization"].split()[1]
    page = open_page("/department", size=PC)
    kept = {"token": token, "name": "示例审计", "until": 4_000_000_000_000}
    page.evaluate("kept => sessionStorage.setItem('certsvc.department', kept)", json.dumps(kept))
    page.reload()
    expect(page.locator(".who")).to_contain_text("只能查看")
    page.locator('[data-view="policies"]').click()
    page.locator("#policies-in-force").wait_for()
    expect(page.locator("#policy-new")).to_have_count(0)
    page.locator('[data-view="staff"]').click()
    page.locator("#systems li").first.wait_for()
    expect(page.locator('[data-action="staff"]')).to_have_count(0)


@pytest.mark.timeout(900)  # every width in one walk
def test_every_state_can_be_read_at_every_width(open_page: OpenPage, live_city: LiveCity) -> None:
    fetch(live_city, 403, matter_code=BARE)
    page, sizes = open_page("/", size=PC), (PC, PHONE, SMALLEST)
    wrong = [(state, *one) for state in department_states(page, live_city) for one in complaints_at(page, *sizes)]
    assert wrong == []


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
@pytest.mark.parametrize("size", [PHONE, SMALLEST], ids=["phone", "smallest"])
def test_an_alert_about_many_cases_fits_a_phone(
    open_page: OpenPage, live_city: LiveCity, size: tuple[int, int], english: bool
) -> None:
    page = department(open_page, size=size, english=english)
    row = {
        "alert_id": "alt_1",
        "identifier": "1.2.156.3005.2.11990000MB0000019F002.11990000MB0000019F.20261129000003.001.7",
        "license_type": FOOD,
        "type_name": "食品经营许可证",
        "change": "revoked",
        "change_zh": "吊销",
        "changed_at": "2026-11-28T01:02:03Z",
        "client_id": CLIENT,
        "due_at": "2026-12-05T01:02:03Z",
        "late": True,
        "cases": [f"DP-{n}-{'9' * 40}" for n in range(5)],
        "more_cases": True,
    }
    page.route("**/v1/departments/alerts*", lambda route: route.fulfill(json={"alerts": [row], "next": "more"}))
    page.locator('[data-view="open"]').click()
    alert = page.locator("#alerts li")
    expect(alert.locator('[data-field="cases"]')).to_contain_text("DP-4-")
    expect(alert.locator('[data-field="cases"]')).to_contain_text("Uses" if english else "用证记录")
    expect(page.get_by_role("button", name="Older ones" if english else "更早的记录")).to_be_visible()
    assert complaints(page) == []
    alert.locator('[data-action="answer"]').click()
    assert complaints(page) == []
