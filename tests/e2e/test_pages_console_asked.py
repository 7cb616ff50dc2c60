"""The console keeps to what it asked: older rows of one question, no step that cannot help."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, sign_in
from fixtures_city import LiveCity
from playwright.sync_api import Page, Route, expect
from quiet_city import PC, quiet_city

from certsvc.commands.supervision.rounds import supervise

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AT = "2026-11-28T00:00:00Z"
SLUG = "tour_guide"
LEAVES = {
    "leaves": [{"position": 9, "evidence_id": "evd_9", "kind": "seal.used", "at": AT}],
    "before": 9,
    "size": 9,
    "checkpoint_at": AT,
    "kinds": [{"key": "trust.", "zh": "信任列表", "en": "Trust"}],
}
FOUND = {"licenses": [], "requests": [], "whole": True, "next": "lic_9"}
GROUP = {"why": "x", "why_en": "x", "next": "x", "next_en": "x", "count": 1, "since": AT}
REQUEST = {
    "state": "failed",
    "business_no": "B",
    "case_no": "",
    "type": SLUG,
    "type_name": "导游证",
    "authority_name": "示例局",
    "attempts": 1,
    "created_at": AT,
    "updated_at": AT,
}
STUCK = {
    "groups": [
        {**GROUP, "reason": "integrity", "step": "clear_up", "retry": False},
        {**GROUP, "reason": "waits", "step": "start", "retry": False},
        {**GROUP, "reason": "signing", "step": "retry", "retry": True},
    ],
    "requests": [
        {**REQUEST, "request_id": "req_1", "reason": "integrity", "step": "clear_up"},
        {**REQUEST, "request_id": "req_2", "reason": "signing", "step": "retry"},
        {**REQUEST, "request_id": "req_3", "reason": "", "state": "accepted", "step": "start"},
    ],
    "parked": [],
    "reservations": [],
    "behind": [],
    "unsequenced": 0,
    "unsequenced_since": None,
    "failed_deliveries": 3,
}


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    with quiet_city(city_keys, tmp_path_factory.mktemp("console_asked")) as city:
        # Days without anything are no rows of a chart. In a thread of its own: the browser's loop runs in this one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(city.city.issue, "tour_guide", "ASKED-1").result()
            thread.submit(supervise, city.city.service.deps, owner="test").result()
        yield city


def entered(open_page: OpenPage, subject: str) -> Page:
    page = open_page("/console", size=PC)
    sign_in(page, subject)
    page.locator(".ways").wait_for()
    return page


def answering(page: Page, path: str, answer: Any) -> list[Any]:
    """Answer every call of a path so; the bodies that were sent."""
    sent: list[Any] = []

    def handle(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json=answer)

    page.route(f"**{path}", handle)
    return sent


@pytest.mark.parametrize(
    ("view", "path", "answer", "choice", "value", "more"),
    [
        ("audit", "/v1/console/leaves", LEAVES, "#a-kind", "trust.", "#leaves-more"),
        ("search", "/v1/console/searches", FOUND, "#s-state", "valid", "#found-more"),
    ],
)
def test_older_rows_are_those_of_the_question_that_was_asked(
    open_page: OpenPage, live_city: LiveCity, view: str, path: str, answer: Any, choice: str, value: str, more: str
) -> None:
    page = entered(open_page, "auditor-1")
    sent = answering(page, path, answer)
    page.locator(f'[data-view="{view}"]').click()
    page.locator(more).wait_for()
    page.locator(choice).select_option(value)
    with page.expect_response(f"**{path}"):
        page.locator(more).click()
    first, second = sent
    assert value not in second.values()
    assert {key: was for key, was in first.items() if second[key] != was} in ({"before": 0}, {"cursor": ""})


def test_what_cannot_be_retried_has_no_button_and_what_is_next_can_be_done(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    page = entered(open_page, "operator-1")
    answering(page, "/v1/console/stuck", STUCK)
    page.locator('[data-view="stuck"]').click()
    expect(page.locator('[data-reason="signing"] [data-action="retry-all"]')).to_have_count(1)
    expect(page.locator('[data-reason="integrity"] [data-action]')).to_have_count(0)
    expect(page.locator('[data-request="req_2"] [data-action="retry"]')).to_have_count(1)
    expect(page.locator('[data-request="req_1"] [data-action="retry"]')).to_have_count(0)
    expect(page.locator('[data-request="req_3"] [data-action="retry"]')).to_have_count(0)
    steps = page.locator("[data-step]")
    assert steps.evaluate_all("(all) => all.map((one) => one.dataset.step)") == ["retry", "clear_up", "start"]
    for step, reason, request in (("retry", "signing", 2), ("clear_up", "integrity", 1), ("start", "waits", 3)):
        part = page.locator(f'[data-step="{step}"]')
        expect(part.locator(f'[data-reason="{reason}"]')).to_have_count(1)
        expect(part.locator("[data-request]")).to_have_count(1)
        expect(part.locator(f'[data-request="req_{request}"]')).to_have_count(1)
    expect(page.locator('#deliveries-next a[href="#webhooks"]')).to_have_count(1)


def test_a_draft_of_another_type_is_not_proposed(open_page: OpenPage, live_city: LiveCity) -> None:
    page = entered(open_page, "proposer-1")
    page.locator('[data-view="catalog"]').click()
    page.locator(f'[data-type="{SLUG}"] a').click()
    page.locator('[data-action="edit"]').click()
    page.locator("#draft").wait_for()
    page.locator("#draft").fill(page.locator("#draft").input_value() + "\n# x\n")

    def other(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "type": "travel_agency"})

    page.locator("#draft-check").click()
    page.locator("#draft-propose").wait_for()
    page.route("**/v1/catalog/drafts", other)
    page.locator("#draft-check").click()
    expect(page.locator("#draft-told")).to_contain_text("travel_agency")
    expect(page.locator("#draft-propose")).to_have_count(0)


def test_the_page_beside_a_draft_is_that_of_the_draft_or_none(open_page: OpenPage, live_city: LiveCity) -> None:
    page = entered(open_page, "proposer-1")
    page.locator('[data-view="catalog"]').click()
    page.locator(f'[data-type="{SLUG}"] a').click()
    page.locator('[data-action="edit"]').click()
    picture = page.locator("#draft-picture")
    picture.wait_for()
    before = picture.get_attribute("src")
    text = page.locator("#draft").input_value()
    rest = "\n".join(line for line in text.splitlines() if not line.startswith("version ="))
    page.locator("#draft").fill("version = 2\n" + rest.replace('title = "导游证"', 'title = "导游证新版"', 1))
    expect(picture).to_have_count(0)
    expect(page.locator("#draft-undrawn")).to_be_visible()
    page.locator("#draft-check").click()
    picture.wait_for()
    assert picture.get_attribute("src") != before
    expect(page.locator("#preview-title")).to_contain_text("第 2 版")
    page.locator("#draft").fill(text)
    expect(picture).to_have_count(0)


def test_charts_say_the_days_that_their_answer_was_asked_for(open_page: OpenPage, live_city: LiveCity) -> None:
    page = entered(open_page, "operator-1")
    page.locator('[data-view="charts"]').click()
    page.locator('#charts[data-days="30"]').wait_for()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/v1/console/charts*", hold_the_first)
    page.locator("#c-days").select_option("365")
    while not held:
        page.wait_for_timeout(20)
    # The answer on the page is still that of thirty days, and told by day.
    expect(page.locator("#charts")).to_have_attribute("data-days", "30")
    expect(page.locator("#chart-issued caption")).to_contain_text("按日")
    page.locator("#c-days").select_option("7")
    page.locator('#charts[data-days="7"]').wait_for()
    # The slow answer to the earlier choice comes last, and takes no place.
    with page.expect_response("**/v1/console/charts*"):
        held[0].continue_()
    expect(page.locator("#charts")).to_have_attribute("data-days", "7")
    expect(page.locator("#chart-issued caption")).to_contain_text("按日")
