"""A visit in real browsers: who came, joint visits, the outcome with note and picture, its history, and the dispute."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, Watch, read_code, sign_in
from consent_city import bind
from fixtures_city import LiveCity
from PIL import Image
from playwright.sync_api import Page, Route, expect

from certsvc.commands.access import roles

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FOOD, GUIDE, CHEMICAL, TEACHER = "food_operation", "tour_guide", "hazardous_chemical", "teacher_qualification"
TASK = "示例检〔2026〕88号"
GIVES_UP_S = 30
"""So long a page waits for the service otherwise (PATIENCE_MS of api.js)."""


def officer_page(open_page: OpenPage, city: LiveCity, subject: str, view: str = "") -> Page:
    page = open_page("/officer")
    sign_in(page, subject)
    page.locator("#badge-number:not(:empty)").wait_for()
    if view:
        page.locator(f'[data-view="{view}"]').click()
    return page


def colleague_of(city: LiveCity, subject: str) -> str:
    """The badge of the colleague without an account, whom the sandbox registers beside every officer."""
    badge = next(person.badge for person in city.city.people if person.subject == subject)
    return "9999" + badge[4:]


def open_visit(page: Page, task_no: str, second: str = "") -> None:
    page.locator("#visit-form").wait_for()
    page.locator("#visit-open").click()
    expect(page.locator("#visit-wrong")).not_to_be_empty()
    page.locator("#visit-task").select_option("special")
    page.locator("#visit-task-no").fill(task_no)
    page.locator("#visit-place").fill("示例区示例路1号")
    page.locator("#visit-second").fill(second)
    page.locator("#visit-open").click()
    page.locator("#visit").wait_for()


def end_visit(page: Page) -> None:
    page.locator('[data-view="visit"]').click()
    page.locator("#visit-close").click()
    page.get_by_role("dialog").get_by_role("button", name="结束检查").click()
    page.locator("#visit-form").wait_for()


def photo(to: Path) -> Path:
    Image.new("RGB", (900, 700), (180, 190, 170)).save(to, "JPEG")
    return to


def shown(city: LiveCity, slug: str, scene: str) -> str:
    row = city.city.license(slug)
    return str(city.city.show(slug, row["identifier"], scene)["code"])


def scan(page: Page, code: str) -> Any:
    page.locator('[data-view="scan"]').click()
    page.locator("#scan-text").fill(code)
    page.locator("#scan-text").press("Enter")
    page.locator("#scan-result").wait_for()
    return page.locator("#scan-result")


def test_a_visit_from_the_badge_to_the_answer_of_a_dispute(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path
) -> None:
    city, subject = live_city.city, live_city.city.officer_of(FOOD)
    page = officer_page(open_page, live_city, subject)
    expect(page.locator("#badge-visit")).to_contain_text("尚未登记检查")
    page.locator("#to-visit").click()
    open_visit(page, TASK, second=colleague_of(live_city, subject))
    expect(page.locator("#visit")).to_contain_text(colleague_of(live_city, subject))
    expect(page.locator("#badge-visit")).to_contain_text(TASK)

    # Whoever is visited scans the officers' code: any browser, nobody signed in.
    proof = read_code(page.locator("#visit .code-frame").screenshot())
    visited = open_page("/o/" + proof.rsplit("/o/", 1)[1])
    expect(visited.locator("#proof")).to_have_attribute("data-state", "open")
    expect(visited.locator("#proof")).to_contain_text(TASK)
    expect(visited.locator("#proof-officers li")).to_have_count(2)
    badge = next(person.badge for person in city.people if person.subject == subject)
    assert badge not in visited.locator("body").inner_text(), "the middle of a badge is masked"

    result = scan(page, shown(live_city, FOOD, "catering_inspection"))
    expect(result).to_have_attribute("data-colour", "green")
    outcome = page.locator(".outcome")
    outcome.get_by_label("责令改正").check()
    expect(outcome.get_by_label("改正期限")).to_have_value(re.compile(r"\d{4}-\d\d-\d\d"))
    # What is wrong stands beside its field, and the field has the focus: the top of the page is far away on a phone.
    due = str(outcome.get_by_label("改正期限").input_value())
    outcome.get_by_label("改正期限").fill("")
    outcome.locator('[data-action="outcome-send"]').click()
    expect(outcome.get_by_label("改正期限")).to_be_focused()
    expect(outcome.locator('.field:has(input[type="date"]) [role=alert]')).to_contain_text("改正期限")
    outcome.get_by_label("改正期限").fill(due)
    letter = tmp_path / "a.pdf"
    letter.write_bytes(b"%PDF-1.7")
    outcome.locator('input[type="file"]').set_input_files(letter)
    expect(outcome.locator('.row:has(input[type="file"]) [role=alert]')).to_contain_text("JPEG")
    expect(page.locator("#trouble [role=alert]")).to_have_count(0)
    clear_of_the_bar(page)
    outcome.get_by_label("检查情况（可不填）").fill("台账不全\n限期补齐")
    outcome.locator('[data-action="outcome-send"]').click()
    expect(outcome.locator(".outcome-done")).to_contain_text("责令改正")
    outcome.locator('input[type="file"]').set_input_files(photo(tmp_path / "a.jpg"))
    expect(outcome.locator(".outcome-pictures")).to_contain_text("1 张")
    correct(page)
    end_visit(page)
    visited.reload()
    expect(visited.locator("#proof")).to_have_attribute("data-state", "closed")
    expect(visited.locator("#proof-officers")).to_have_count(0)

    holder = open_page("/holder")
    sign_in(holder, city.holder_of(FOOD))
    disputed(holder, live_city)


def clear_of_the_bar(page: Page) -> None:
    """The way on is not behind the bar of the views."""
    bar, again = page.locator(".bar-below").bounding_box(), page.locator("#scan-again").bounding_box()
    assert bar is not None
    assert again is not None
    assert again["y"] + again["height"] <= bar["y"]


def correct(page: Page) -> None:
    """In the history: what was recorded, its picture, and a correction behind it."""
    page.locator('[data-view="records"]').click()
    row = page.locator("#records > li").first
    expect(row).to_contain_text(TASK)
    expect(row.locator(".handled li")).to_contain_text("台账不全 限期补齐")
    row.locator("summary").click()
    expect(row.locator(".facts")).to_contain_text("亮证码")
    row.locator('[data-action="pictures"]').click()
    picture = row.locator("img.evidence")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    row.locator('[data-action="outcome"]').click()
    form = row.locator(".outcome")
    form.get_by_label("合格").check()
    form.locator('[data-action="outcome-send"]').click()
    expect(form.locator("[role=alert]")).to_contain_text("更正理由")
    form.get_by_label("更正理由").fill("当场补齐台账")
    form.locator('[data-action="outcome-send"]').click()
    expect(row.locator(".handled li")).to_have_count(2)
    expect(row.locator(".handled li.past")).to_contain_text("责令改正")
    page.locator("#history-filter summary").click()
    page.locator("#history-outcome").select_option(label="合格")
    page.locator("#history-ask").click()
    expect(page.locator("#history-since")).to_have_value(re.compile(r"\d{4}"))
    expect(row).to_contain_text("更正理由：当场补齐台账")


def disputed(page: Page, live_city: LiveCity) -> None:
    """The holder reads who, why and what came of it, objects, and reads the answer; then marks the visit."""
    city = live_city.city
    page.goto(f"{live_city.base}/holder#uses")
    row = page.locator(f'#uses > li:has-text("{TASK}")').first
    expect(row).to_contain_text("执法支队")
    expect(row).to_contain_text("处理结果：合格")
    row.locator('[data-action="dispute"]').click()
    page.locator("#dispute-submit").click()
    expect(page.locator("#dispute-wrong")).to_be_visible()
    page.get_by_label("请说明情况和要求").fill("当日没有营业，\n请核实检查时间")
    page.locator("#dispute-submit").click()
    mine = page.locator("#disputes > li").first
    expect(mine).to_have_attribute("data-state", "filed")
    expect(mine).to_contain_text("当日没有营业， 请核实检查时间")
    answer(live_city, str(mine.get_attribute("data-dispute")))
    page.reload()
    expect(mine).to_contain_text("异议成立")
    expect(mine.locator(".answer")).to_contain_text("已更正记录")
    expect(mine.locator('[data-action="end-dispute"]')).to_have_count(0)
    # Another one, about what the license says, is let go again.
    page.get_by_role("link", name="证照", exact=True).click()
    license_card = page.locator(f'.license[data-identifier="{city.license(FOOD)["identifier"]}"]')
    license_card.locator("summary").click()
    license_card.locator('[data-action="dispute-content"]').click()
    page.get_by_label("请说明情况和要求").fill("经营场所门牌号写错了")
    page.locator("#dispute-submit").click()
    mine.locator('[data-action="end-dispute"]').click()
    page.get_by_role("dialog").get_by_role("button", name="不再申诉").click()
    expect(mine).to_contain_text("已由本人终止")
    page.locator('[data-view="visits"]').click()
    visit = page.locator(f'#own-visits > li:has-text("{TASK}")').first
    visit.locator('[data-action="rate"]').click()
    page.get_by_label("评价这次检查").select_option(label="满意")
    page.locator("#rating-send").click()
    expect(visit).to_contain_text("您的评价：满意")


def answer(live_city: LiveCity, dispute_id: str) -> None:
    """As a clerk of the body that made the use."""
    city = live_city.city
    body = next(person.authority_code for person in city.people if person.subject == city.officer_of(FOOD))
    clerk = bind(
        city, "clerk-of-shops", "异议经办", roles=frozenset({roles.DISPUTE_CLERK}), authority_code=body, badge="异议09"
    )
    path = f"/v1/disputes/{dispute_id}"
    city.answer(city.client.post(f"{path}/reviews", headers=clerk), 201)
    said = {"upheld": True, "text": "核查属实，已更正记录"}
    city.answer(city.client.post(f"{path}/answers", headers=clerk, json=said), 201)


def test_another_body_joins_by_the_code_of_the_visit_and_a_repeat_needs_a_reason(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 409")
    city = live_city.city
    leader, chemist = city.officer_of(GUIDE), city.officer_of(CHEMICAL)
    page = officer_page(open_page, live_city, leader, "visit")
    body = next(person.authority_code for person in city.people if person.subject == chemist)
    page.locator("#visit-joint summary").click()
    page.locator(f'#visit-joint input[value="{body}"]').check()
    page.locator("#visit-target summary").click()
    code = city.catalog.sample("pesticide_business")["holder_code"]  # of a company that no other test visits
    page.get_by_label("统一社会信用代码").fill(code)
    page.locator("#visit-region").fill(city.catalog.authority(body).region)
    open_visit(page, "联检1号")
    page.locator("#visit-join-code summary").click()
    number = read_code(page.locator("#visit-join-code .code-frame").screenshot())
    other = officer_page(open_page, live_city, chemist)
    other.locator("#scan-text").fill(number)
    other.locator("#scan-text").press("Enter")
    other.locator("#join-send").click()
    expect(other.locator("#visit")).to_contain_text("联检1号")
    expect(other.locator("#visit-close")).to_have_count(0)
    page.reload()
    expect(page.locator("#visit")).to_contain_text(city.catalog.authority(body).name)
    expect(page.locator("#visit-leave")).to_have_count(0)
    other.locator("#visit-leave").click()
    other.get_by_role("dialog").get_by_role("button", name="退出联合检查").click()
    other.locator("#visit-form").wait_for()
    page.reload()
    expect(page.locator("#visit")).to_contain_text("联检1号")
    end_visit(page)
    # The same company once more within the month: told, and a reason asked for.
    page.get_by_label("任务编号或检查通知书文号").fill("联检2号")
    page.locator("#visit-target summary").click()
    page.get_by_label("统一社会信用代码").fill(code)
    page.locator("#visit-open").click()
    expect(page.locator("#visit-repeat")).to_contain_text("已被检查")
    page.locator("#visit-open").click()
    expect(page.locator("#visit-wrong")).to_contain_text("再次检查的理由")
    page.get_by_label("再次检查的理由").fill("投诉反映仍未改正")
    page.locator("#visit-open").click()
    expect(page.locator("#visit")).to_contain_text("联检2号")
    end_visit(page)


def test_a_superior_reads_the_records_of_bodies_below_and_changes_none(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    city = live_city.city
    officers = [person for person in city.people if roles.OFFICER in person.roles]
    below = {person.authority_code: city.catalog.authority(person.authority_code).superior for person in officers}
    own, above = next((code, top) for code, top in below.items() if top in below)
    at = {person.authority_code: person.subject for person in officers}
    city.scan(at[own], "https://pay.example/collect?u=1")
    page = officer_page(open_page, live_city, at[above], "records")
    page.locator("#history-filter summary").click()
    page.get_by_label("哪个机关").select_option(own)
    page.locator("#history-ask").click()
    row = page.locator("#records > li").first
    expect(row).to_contain_text(city.catalog.authority(own).name)
    expect(page.locator('#records [data-action="outcome"]')).to_have_count(0)


def test_a_service_that_keeps_silent_is_not_waited_for(open_page: OpenPage, live_city: LiveCity) -> None:
    """The officer's own data answer after some seconds, and how old they are is said."""
    holder = open_page("/holder")
    sign_in(holder, live_city.city.holder_of(TEACHER))
    holder.locator("#offline-enable").click()
    holder.locator("#offline-cores").wait_for()
    page = officer_page(open_page, live_city, live_city.city.officer_of(TEACHER))
    page.locator("#offline-enable").click()
    expect(page.locator("#offline-as-of")).to_contain_text("状态数据截至")
    hung: list[Route] = []

    def hang(route: Route) -> None:
        hung.append(route)

    page.route("**/v1/scans", hang)
    holder.locator("#offline-cores button").first.click()
    holder.locator("#show-qr").wait_for()
    code = read_code(holder.locator("#code-frame").screenshot())
    began = time.monotonic()
    scan(page, code)
    assert time.monotonic() - began < GIVES_UP_S, "before any other call would be given up"
    assert len(hung) == 1, "the service was asked first"
    expect(page.locator("#scan-slow")).to_contain_text("4 秒")
    expect(page.locator("#offline-mark")).to_contain_text(re.compile(r"状态数据截至 .*（(刚刚|.*前)）"))
    expect(page.locator("#scan-result")).to_have_attribute("data-reason", "identity_not_compared")
    holder.get_by_role("button", name="结束亮证").click()
