"""Without network in real browsers: visit, outcome, note and picture lie on the device, and arrive once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, Watch
from fixtures_city import LiveCity
from playwright.sync_api import Page, Route, expect
from test_pages_offline import CUT, officer, paste, phone, shown, written
from test_pages_visits import colleague_of, photo

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

GUIDE = "tour_guide"
TASK = "示例检〔2026〕51号"

SPOIL = """async () => {
  const open = indexedDB.open("certsvc.officer");
  await new Promise((done) => { open.onsuccess = done; });
  const store = open.result.transaction("kept", "readwrite").objectStore("kept");
  const get = store.get("queue");
  await new Promise((done) => { get.onsuccess = done; });
  for (const one of get.result) one.record.outcome.due_on = "2000-01-01";
  const put = store.put(get.result, "queue");
  await new Promise((done) => { put.onsuccess = done; });
  open.result.close();
}"""


@pytest.fixture
def devices(live_city: LiveCity) -> Iterator[None]:
    """The city is shared, and a person has few devices: those that a test enrolled are given up behind it."""
    city = live_city.city
    people = (city.officer_of(GUIDE), city.holder_of(GUIDE))

    def known() -> set[tuple[str, str]]:
        found = {who: city.client.get("/v1/devices", headers=city.person(who)) for who in people}
        return {(who, one["device_id"]) for who, answer in found.items() for one in city.answer(answer, 200)}

    before = known()
    yield
    for who, device in known() - before:
        city.answer(city.client.post(f"/v1/devices/{device}/block", headers=city.person(who)), 200)


@pytest.fixture
def visit(live_city: LiveCity) -> Iterator[dict[str, Any]]:
    """A visit of two officers, as the officer registered it while there was a network."""
    city, subject = live_city.city, live_city.city.officer_of(GUIDE)
    header = city.person(subject)
    body = {
        "badge": next(person.badge for person in city.people if person.subject == subject),
        "second_badge": colleague_of(live_city, subject),
        "task_kind": "special",
        "task_no": TASK,
        "region": "990100",
    }
    made = city.answer(city.client.post("/v1/visits", headers=header, json=body), 201)
    yield made
    city.answer(city.client.post(f"/v1/visits/{made['visit_id']}/close", headers=header), 201)


def records_of(city: LiveCity, visit_id: str) -> list[dict[str, Any]]:
    header = city.city.person(city.city.officer_of(GUIDE))
    answer = city.city.client.get("/v1/inspections", headers=header, params={"visit": visit_id})
    return list(city.city.answer(answer, 200)["records"])


def lose_answers(page: Page, address: str) -> list[int]:
    """The service gets what is sent to this address, and its answer is lost on the way; how often so far."""
    lost: list[int] = []

    def lose(route: Route) -> None:
        answer = route.fetch()
        lost.append(answer.status)
        route.abort("internetdisconnected")

    page.route(address, lose)
    return lost


def noted(page: Page, code: str, picture: Path) -> str:
    """An inspection with all that belongs to it; the day until which things are to be put right."""
    paste(page, code)
    page.locator("#identity-compared").check()
    outcome = page.locator(".outcome")
    outcome.get_by_label("责令改正").check()
    outcome.get_by_label("改正期限").fill("2000-01-01")
    outcome.locator('[data-action="outcome-send"]').click()
    expect(outcome.locator('.field:has(input[type="date"]) [role=alert]')).to_contain_text("366 天")
    due = str(outcome.get_by_label("改正期限").get_attribute("min"))
    outcome.get_by_label("改正期限").fill(due)
    outcome.get_by_label("检查情况（可不填）").fill("台账不全\n限期补齐")
    outcome.locator('[data-action="outcome-send"]').click()
    expect(outcome.locator(".outcome-done")).to_contain_text("已记在本机：责令改正")
    outcome.locator('input[type="file"]').set_input_files(picture)
    expect(outcome.locator(".outcome-pictures")).to_contain_text("1 张")
    return due


def kept(page: Page, live_city: LiveCity) -> None:
    """What waits on the device is told with its visit, outcome and picture."""
    page.locator('[data-view="records"]').click()
    row = page.locator("#records-waiting li")
    expect(row).to_have_count(1)
    for words in (
        TASK,
        colleague_of(live_city, live_city.city.officer_of(GUIDE)),
        "责令改正",
        "台账不全 限期补齐",
        "1 张",
    ):
        expect(row).to_contain_text(words)
    page.locator('[data-view="scan"]').click()


@pytest.mark.usefixtures("devices")
def test_what_was_noted_without_network_arrives_once_with_its_visit(
    open_page: OpenPage, live_city: LiveCity, watch: Watch, visit: dict[str, Any], tmp_path: Path
) -> None:
    watch.allow(CUT)
    code = shown(phone(open_page, live_city, GUIDE), live_city.city.license(GUIDE))
    page = officer(open_page, live_city, GUIDE)
    expect(page.locator("#badge-visit")).to_contain_text(TASK)
    page.context.set_offline(offline=True)
    # Closed and opened again without network: the device knows in which visit its officer is.
    page.reload()
    expect(page.locator("#badge-visit")).to_contain_text(TASK)
    due = noted(page, code, photo(tmp_path / "a.jpg"))
    expect(page.locator("#offline-visit")).to_contain_text(TASK)
    written(page, 1)
    page.reload()
    kept(page, live_city)
    assert records_of(live_city, visit["visit_id"]) == []

    # Taken by the service, and the device does not learn of it: it sends again.
    lost = lose_answers(page, "**/v1/inspections/batch")
    page.context.set_offline(offline=False)
    expect(page.locator("#offline-refresh")).to_be_visible()
    page.wait_for_function("() => navigator.onLine")
    page.locator("#offline-refresh").click()
    expect(page.locator("#offline-refresh")).not_to_have_attribute("aria-busy", "true")
    assert set(lost) == {200}
    written(page, 1)
    page.unroute("**/v1/inspections/batch")
    lost_pictures = lose_answers(page, "**/v1/scans/*/pictures")
    page.locator("#offline-refresh").click()
    expect(page.locator("#offline-refresh")).not_to_have_attribute("aria-busy", "true")
    assert set(lost_pictures) == {201}
    written(page, 1)
    page.unroute("**/v1/scans/*/pictures")
    page.reload()
    expect(page.locator("#offline-waiting")).to_have_count(0)
    written(page, 0)
    expect(page.locator("#offline-refused")).to_have_count(0)

    [row] = records_of(live_city, visit["visit_id"])
    assert (row["code_kind"], row["task_no"], row["task_kind_zh"]) == ("offline", TASK, "专项检查")
    assert row["badge"] == visit["officers"][0]["badge"] or row["badge"] == visit["officers"][1]["badge"]
    [came] = row["records"]
    assert (came["outcome"], came["due_on"], came["note"]) == ("rectify", due, "台账不全 限期补齐")
    assert len(row["pictures"]) == 1


@pytest.mark.usefixtures("devices")
def test_what_is_refused_stays_on_the_device_with_all_that_was_noted(
    open_page: OpenPage, live_city: LiveCity, watch: Watch, visit: dict[str, Any], tmp_path: Path
) -> None:
    watch.allow(CUT)
    code = shown(phone(open_page, live_city, GUIDE), live_city.city.license(GUIDE))
    page = officer(open_page, live_city, GUIDE)
    expect(page.locator("#badge-visit")).to_contain_text(TASK)
    page.context.set_offline(offline=True)
    noted(page, code, photo(tmp_path / "a.jpg"))
    page.locator('[data-view="records"]').click()
    expect(page.locator("#records-waiting li")).to_have_count(1)
    page.evaluate(SPOIL)
    page.context.set_offline(offline=False)
    page.reload()
    refused = page.locator("#offline-refused li")
    page.locator('[data-view="scan"]').click()
    expect(refused).to_have_count(1)
    for words in ("改正期限", TASK, "台账不全 限期补齐", "1 张"):
        expect(refused).to_contain_text(words)
    page.reload()
    expect(refused).to_have_count(1)
    with page.expect_download() as saved:
        refused.get_by_role("button", name="另存照片").click()
    assert saved.value.path().stat().st_size == (tmp_path / "a.jpg").stat().st_size
    # Whoever holds the device and is not signed in learns that there is something, and not what was noted.
    page.get_by_role("button", name="退出登录").click()
    page.locator("#people").wait_for()
    expect(refused).to_have_count(1)
    expect(refused).not_to_contain_text("台账不全")
    expect(refused.get_by_role("button", name="另存照片")).to_have_count(0)
    assert records_of(live_city, visit["visit_id"]) == []
