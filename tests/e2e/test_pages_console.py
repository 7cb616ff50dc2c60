"""管理台 in a browser: what each duty sees, a license's life, what is stuck and tried again, charts, proofs."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from city_browser import PHONE, SMALLEST, OpenPage, recorded, sign_in, sign_out
from fixtures_city import LiveCity
from page_checks import complaints
from page_states import console_states
from playwright.sync_api import Page, expect

from certsvc.license.parked import ParkedEvent
from certsvc.license.request import RequestState

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PC = (1280, 900)
FOOD = "food_operation"
PLATFORM = "approval-platform"


def console(open_page: OpenPage, subject: str = "operator-1", **options: Any) -> Page:
    page = open_page("/console", **{"size": PC, **options})
    sign_in(page, subject)
    page.locator("#console-views").wait_for()
    return page


def park(live_city: LiveCity) -> str:
    """An event of the broker that nobody could carry out."""
    deps = live_city.city.service.deps
    parked_id = deps.ids.new("prk")
    event = ParkedEvent(
        parked_id=parked_id,
        client_id=PLATFORM,
        sequence=1,
        headers={},
        body=b"{}",
        code="invalid_input",
        detail="x",
        state="parked",
        parked_at=deps.clock.now(),
    )
    with deps.uow() as tx:
        tx.parked.add(event)
    return parked_id


def issued(live_city: LiveCity) -> dict[str, Any]:
    """A license of this test, by the city's own workers."""
    city = live_city.city
    body = city.body(FOOD, f"CP-{uuid4().hex[:10].upper()}")
    answer = city.client.post("/v1/issuances", headers=city.system(), json=body)
    return dict(city.wait(city.answer(answer, 202)["request_id"]))


def fail(live_city: LiveCity) -> str:
    """A request that failed and is due in an hour: the city's own workers leave it alone until it is hastened."""
    city = live_city.city
    deps = city.service.deps
    request_id, now = deps.ids.new("req"), deps.clock.now()
    with deps.uow() as tx:
        base = tx.requests.by_id(city.license(FOOD)["request_id"])
        assert base is not None
        failed = dataclasses.replace(
            base,
            request_id=request_id,
            payload=dataclasses.replace(base.payload, business_no=f"CP-{uuid4().hex[:10].upper()}", number=""),
            idempotency_key="",
            event_source="",
            event_id="",
            state=RequestState.FAILED,
            reason_code="seal_unavailable",
            reason_detail="x",
            attempts=1,
            version_id="",
            created_at=now + timedelta(hours=1),
            updated_at=now,
        )
        assert tx.requests.insert(failed)
    return request_id


def test_each_duty_sees_its_own_views_and_no_others(open_page: OpenPage) -> None:
    page = console(open_page)
    views = page.locator("#console-views [data-go]")
    expect(page.locator('[data-go="search"]')).to_be_visible()
    names = views.evaluate_all("(all) => all.map((one) => one.dataset.go)")
    assert {"search", "stuck", "charts"} <= set(names)
    assert "audit" not in names
    assert "license" not in names
    page.goto(page.url.split("#", maxsplit=1)[0] + "#audit")
    expect(page.locator("#console-views")).to_be_visible()
    expect(page.locator("#audit")).to_have_count(0)
    sign_out(page)
    sign_in(page, "auditor-1")
    expect(page.locator("#audit")).to_be_visible()


def test_a_license_is_found_and_told_and_checked(open_page: OpenPage, live_city: LiveCity) -> None:
    row = issued(live_city)
    recorded(live_city)
    identifier = row["identifier"]
    page = console(open_page, "auditor-1")
    page.locator('[data-view="search"]').click()
    page.locator("#found li").first.wait_for()
    page.locator("#s-text").fill(row["number"])
    page.locator("#s-go").click()
    expect(page.locator("#found li")).to_have_count(1)
    page.locator(f'[data-identifier="{identifier}"] a').click()
    expect(page.locator('#timeline [data-kind="license.issued"]')).to_contain_text("制发")
    expect(page.locator("#license-facts")).to_contain_text("已存证")
    page.locator("#l-face").click()
    expect(page.locator("#l-picture")).to_be_visible()
    page.locator("#l-check").click()
    expect(page.locator("#l-verdict")).to_have_attribute("data-colour", "green")
    with page.expect_download() as kept:
        page.locator("#l-pdf").click()
    assert kept.value.suggested_filename == f"{identifier}.pdf"
    page.locator(".back").click()
    page.locator("#s-text").fill("没有这个号码")
    page.locator("#s-go").click()
    expect(page.locator(".empty")).to_contain_text("没有找到")
    page.locator("#s-text").fill("")
    page.locator("#s-state").select_option("valid")
    page.locator("#s-go").click()
    page.locator('#found [data-state="valid"]').first.wait_for()


def test_an_operator_sees_no_file_and_no_grounds(open_page: OpenPage, live_city: LiveCity) -> None:
    identifier = live_city.city.license(FOOD)["identifier"]
    page = console(open_page)
    page.goto(page.url.split("#", maxsplit=1)[0] + f"#license/{identifier}")
    page.locator("#timeline li").first.wait_for()
    expect(page.locator("#l-pdf")).to_have_count(0)
    expect(page.locator("#license-facts")).to_contain_text("由审计管理员查看")


def test_what_is_stuck_says_why_and_is_tried_again(open_page: OpenPage, live_city: LiveCity) -> None:
    request_id, parked_id = fail(live_city), park(live_city)
    page = console(open_page)
    page.locator('[data-view="stuck"]').click()
    group = page.locator('[data-step="retry"] [data-reason="seal_unavailable"]')
    expect(group).to_contain_text("下一步")
    row = page.locator(f'[data-step="retry"] [data-request="{request_id}"]')
    row.locator('[data-action="retry"]').click()
    expect(page.locator("#announce")).to_contain_text("已安排重试 1 件")
    parked = page.locator(f'#parked [data-parked="{parked_id}"]')
    expect(parked.locator('[data-action="replay"]')).to_be_visible()
    sign_out(page)
    sign_in(page, "auditor-1")
    expect(page.locator(f'#parked [data-parked="{parked_id}"]')).to_be_visible()
    expect(page.locator('[data-action="replay"]')).to_have_count(0)
    expect(page.locator('[data-action="retry"]')).to_have_count(0)


def test_numbers_are_bars_and_tables(open_page: OpenPage, live_city: LiveCity) -> None:
    live_city.city.license(FOOD)
    page = console(open_page)
    page.locator('[data-view="charts"]').click()
    page.locator('#charts[data-days="30"]').wait_for()
    expect(page.locator("#chart-issued tbody tr").first).to_be_visible()
    figures = page.locator("#chart-issued tbody .figure").all_inner_texts()
    assert 0 < len(figures) < 30, "days with nothing are not told one by one"
    assert all(int(one.split()[0]) > 0 for one in figures)
    for name in ("types", "scenes", "scanned", "fetched", "replaced", "states", "ended", "requests", "sealing"):
        expect(page.locator(f"#chart-{name}")).to_be_visible()
    expect(page.locator('#chart-states [data-key="valid"]')).to_contain_text("证")
    expect(page.locator('#chart-requests [data-key="issued"]')).to_contain_text("件")
    page.locator("#c-days").select_option("90")
    page.locator('#charts[data-days="90"]').wait_for()
    expect(page.locator("#chart-issued caption")).to_contain_text("按周")


def test_a_leaf_is_found_and_its_proof_computed(open_page: OpenPage, live_city: LiveCity) -> None:
    row = issued(live_city)
    recorded(live_city)
    page = console(open_page, "auditor-1")
    page.locator('[data-view="audit"]').click()
    expect(page.locator("#checkpoint")).to_contain_text("条")
    page.locator("#a-subject").fill(row["identifier"])
    page.locator("#a-kind").select_option("license.")
    page.locator("#a-go").click()
    leaf = page.locator('#leaves [data-kind="license.issued"]')
    expect(leaf).to_have_count(1)
    leaf.locator('[data-action="prove"]').click()
    expect(page.locator("#proof")).to_have_attribute("data-holds", "true")
    expect(page.locator("#proof")).to_contain_text("已存证")
    # One hash changed on its way is noticed by the page itself.
    page.route("**/v1/log/proofs/inclusion*", lambda route: route.fulfill(json=forged(route.fetch().json())))
    leaf.locator('[data-action="prove"]').click()
    expect(page.locator("#proof")).to_have_attribute("data-holds", "false")


def forged(proof: dict[str, Any]) -> dict[str, Any]:
    """Another leaf in the place of the one that was asked for."""
    return {**proof, "leaf_hash": proof["root"]}


@pytest.mark.parametrize(("size", "english"), [(SMALLEST, False), (PHONE, True)])
def test_every_view_is_readable_everywhere(
    open_page: OpenPage, live_city: LiveCity, size: tuple[int, int], english: bool
) -> None:
    fail(live_city)
    park(live_city)
    page = open_page("/", size=size, english=english)
    wrong = {stop: found for stop in console_states(page, live_city) if (found := complaints(page))}
    assert wrong == {}
