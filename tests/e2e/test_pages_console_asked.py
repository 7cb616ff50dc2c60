"""The console keeps to what it asked: older rows of one question, no step that cannot help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, sign_in
from fixtures_city import LiveCity
from playwright.sync_api import Page, Route, expect
from quiet_city import PC, quiet_city

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AT = "2026-11-28T00:00:00Z"
SLUG = "tour_guide"
LEAVES = {
    "leaves": [{"position": 9, "evidence_id": "evd_9", "kind": "seal.used", "at": AT}],
    "before": 9,
    "size": 9,
    "checkpoint_at": AT,
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
    "groups": [{**GROUP, "reason": "integrity", "retry": False}, {**GROUP, "reason": "signing", "retry": True}],
    "requests": [
        {**REQUEST, "request_id": "req_1", "reason": "integrity"},
        {**REQUEST, "request_id": "req_2", "reason": "signing"},
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
        yield city


def entered(open_page: OpenPage, subject: str) -> Page:
    page = open_page("/console", size=PC)
    sign_in(page, subject)
    page.locator(".ways").wait_for()
    page.set_default_timeout(10_000)
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
    page.locator(more).click()
    expect(page.locator(more)).to_be_enabled()
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
