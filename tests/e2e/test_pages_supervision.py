"""好差评 on a phone and the page of 电子监察: what is read, answered and ruled on, at every size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from city_browser import SMALLEST, OpenPage, Watch, sign_in
from fixtures_city import LiveCity, ServedCity, lay_keys, sandbox_settings
from page_checks import complaints
from playwright.sync_api import expect

from certsvc.app import build, prepare
from certsvc.cli.demo import serving
from certsvc.clock import local_day, rfc3339
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.supervision.cards import raise_cards
from certsvc.license.figures import DayCount

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

MARKET = "11990000MB0000019F"
MATTER = "11990000MB0000019F2990131002003"


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    """A listening sandbox with counts, a reported day and a late case: quicker than the one of other pages."""
    var = tmp_path_factory.mktemp("supervision") / "var"
    lay_keys(city_keys, var)
    settings = sandbox_settings(var, f"sqlite:///{var / 'supervision.sqlite3'}")
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
            city = ServedCity(
                client=client,
                out=var,
                secrets=dict(parties.secrets),
                people=parties.people,
                catalog=service.deps.catalog,
                anchor=settings.keys / "trust",
                service=service,
            )
            fill(city)
            yield LiveCity(base=base, city=city)
    finally:
        service.close()


def fill(city: ServedCity) -> None:
    deps = city.service.deps
    now = deps.clock.now()
    with deps.uow() as tx:
        today, slug = local_day(now), "food_operation"
        for measure in ("issued", "fetched"):
            one = DayCount(day=today, measure=measure, department=MARKET, type_slug=slug, about="", value=1)
            tx.day_counts.add([one])
    rows = [{"matter_code": MATTER, "type": "food_operation", "count": 4}]
    day = {"authority_code": MARKET, "day": local_day(now).isoformat(), "rows": rows}
    city.answer(city.client.post("/v1/supervision/finished-cases", headers=city.system(), json=day), 201)
    case = {
        "authority_code": MARKET,
        "case_no": "KB-LATE",
        "step": "accepted",
        "at": rfc3339(now - timedelta(hours=2)),
        "matter_code": MATTER,
        "handler": "示例承办",
    }
    city.answer(city.client.post("/v1/supervision/cases", headers=city.system(), json=case), 201)
    city.execute("UPDATE supervision_cases SET due_on = '2026-01-05'")
    assert raise_cards(deps) == 1


def code(city: ServedCity, case_no: str) -> str:
    body = {
        "authority_code": MARKET,
        "matter_code": MATTER,
        "case_no": case_no,
        "channel": "counter",
        "completed_at": rfc3339(city.service.deps.clock.now()),
    }
    step = {"step": "accepted", "at": body["completed_at"]}
    step |= {key: body[key] for key in ("authority_code", "matter_code", "case_no")}
    city.answer(city.client.post("/v1/supervision/cases", headers=city.system(), json=step), 201)
    made = city.answer(city.client.post("/v1/services", headers=city.system(), json=body), 201)
    return "/r/" + str(made["url"]).rsplit("/r/", 1)[1]


@pytest.mark.parametrize("elder", [False, True], ids=["plain", "large"])
def test_a_service_is_rated_with_one_thumb_and_once(open_page: OpenPage, live_city: LiveCity, elder: bool) -> None:
    page = open_page(code(live_city.city, f"RATE-{elder}"), size=SMALLEST, elder=int(elder))
    page.get_by_text("非常不满意").click()
    page.get_by_text("态度不好").click()
    page.get_by_label("其他意见").fill("等了\n很久")
    assert complaints(page) == []
    page.get_by_role("button", name="提交评价").click()
    expect(page.locator("#rate-done-mark")).to_have_text("您的评价：非常不满意")
    expect(page.locator("#rate-form")).to_be_hidden()
    page.reload()
    expect(page.locator("#rate-done-mark")).to_have_text("您的评价：非常不满意")
    assert complaints(page) == []


def test_an_unknown_code_says_so(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 404")
    page = open_page("/r/" + "A" * 22, size=SMALLEST)
    expect(page.locator("#trouble [data-problem='404']")).to_be_visible()
    expect(page.locator("#rate-form")).to_be_hidden()


@pytest.mark.parametrize("english", [False, True], ids=["Chinese", "English"])
def test_figures_stand_beside_their_tables_and_queries(open_page: OpenPage, live_city: LiveCity, english: bool) -> None:
    page = open_page("/supervision", size=SMALLEST, english=english)
    sign_in(page, "supervisor-1")
    page.locator("#month").fill(local_day(live_city.city.service.deps.clock.now()).isoformat()[:7])
    page.locator("#month").dispatch_event("change")
    rate = page.locator('[data-figure="production"]')
    expect(rate.locator(".figure-value b")).to_have_text("25.0%")
    expect(rate.locator("svg rect.chart-bar")).to_have_count(1)
    expect(rate.locator("tbody td").last).to_have_text("25.0%")
    rate.locator("summary").click()
    expect(rate.locator("dl")).to_contain_text("supervision_days")
    expect(page.locator("#days polyline")).to_have_count(4)
    expect(page.locator("#bodies tbody tr").first).to_be_visible()
    assert complaints(page) == []
    with page.expect_download() as taken:
        page.locator("#sheet").click()
    assert taken.value.suggested_filename.endswith(".xlsx")


def test_a_card_is_answered_by_its_department_and_accepted_by_the_supervisor(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    page = open_page("/supervision", size=SMALLEST)
    sign_in(page, "supervision-clerk-1")
    card = page.locator(".card-red")
    expect(card).to_contain_text("示例承办")
    card.get_by_role("button", name="提交说明").click()
    expect(card.get_by_role("alert")).to_have_text("请填写整改说明")
    card.locator("textarea").fill("系统升级，已加派人员办理")
    assert complaints(page) == []
    card.get_by_role("button", name="提交说明").click()
    expect(page.locator("#cards .empty")).to_be_visible()
    expect(page.locator("#cards-said")).to_have_text("已提交，等待监察人员审核")
    page.get_by_role("button", name="退出登录").click()
    sign_in(page, "supervisor-1")
    expect(card.get_by_role("button", name="退回")).to_be_visible()
    card.locator("textarea").fill("认可")
    card.get_by_role("button", name="认可").click()
    expect(page.locator("#cards .empty")).to_be_visible()
    page.locator("#card-state").select_option("accepted")
    expect(card).to_contain_text("系统升级")
