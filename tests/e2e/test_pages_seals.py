"""The page of seals: everybody sees the own seals and is offered the moves of the own duty, and no other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from city_browser import SMALLEST, OpenPage, Watch, sign_in, sign_out
from fixtures_city import LiveCity, ServedCity, lay_keys, sandbox_settings
from page_checks import OVERFLOW, POINT, TARGETS, UNNAMED, VISIBLE_TEXT
from playwright.sync_api import Page, expect
from seal_people import APPLICANT, KEEPER, SAID, VOTERS, seal_in_use, wanted

from certsvc.app import build, prepare
from certsvc.cli.demo import serving
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.seals.apply_seal import apply_seal
from certsvc.commands.seals.approve_use import ask_use, use_of
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.read_seals import read_seal
from certsvc.seal.model import SealState

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    """A listening sandbox with its seals and no licenses: quicker than the one that other pages need."""
    var = tmp_path_factory.mktemp("seals") / "var"
    lay_keys(city_keys, var)
    settings = sandbox_settings(var, f"sqlite:///{var / 'seals.sqlite3'}")
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
            yield LiveCity(base=base, city=city)
    finally:
        service.close()


def card(page: Page, seal_id: str) -> str:
    """Selector of a seal's card."""
    return f'#seals [data-seal="{seal_id}"]'


def moves_of(page: Page, seal_id: str) -> list[str]:
    """The moves that the page offers for a seal."""
    page.locator(card(page, seal_id)).wait_for()
    return [
        str(one.get_attribute("data-move")) for one in page.locator(f"{card(page, seal_id)} button[data-move]").all()
    ]


def test_a_keeper_stops_and_resumes_with_a_reason_and_can_go_back_without_effect(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    deps = live_city.city.service.deps
    seal_id = seal_in_use(deps).seal_id
    page = open_page("/seals", size=SMALLEST)
    sign_in(page, "keeper-1")
    expect(page.locator("#badge-unit")).to_have_text("示例省市场监督管理局")
    assert moves_of(page, seal_id) == ["stop", "remake", "renew"]
    here = page.locator(card(page, seal_id))
    expect(here.locator("img")).to_be_visible()
    expect(here).to_contain_text("0 次，上限 100 次")
    here.locator('[data-move="stop"]').click()
    here.get_by_role("button", name="取消操作").click()
    expect(here.locator('[data-move="stop"]')).to_be_focused()
    here.locator('[data-move="stop"]').click()
    here.get_by_role("button", name="确认停用").click()
    expect(here.locator(".wrong")).to_be_visible()
    assert read_seal(deps, KEEPER, seal_id).shown.state is SealState.ACTIVE
    here.get_by_label("原因").fill("发现异常")
    here.get_by_role("button", name="确认停用").click()
    expect(here.locator('[data-state="stopped"]')).to_be_visible()
    here.locator('[data-move="resume"]').click()
    here.get_by_label("原因").fill("已查明")
    here.get_by_role("button", name="确认恢复").click()
    expect(here.locator('[data-state="active"]')).to_be_visible()
    here.locator("summary").click()
    expect(here.locator(".uses li").first).to_contain_text("已查明")
    with deps.uow.read() as tx:
        keeper = tx.access.person("keeper-1")
    assert keeper is not None
    expect(here.locator(".uses li").first).to_contain_text(f"办理人 {keeper.name}")


def test_an_application_is_approved_and_made_by_those_who_may(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    deps = live_city.city.service.deps
    seal_id = apply_seal(deps, APPLICANT, wanted(), SAID).seal_id
    page = open_page("/seals")
    for who, moves in (("auditor-1", []), ("keeper-1", ["drop"]), ("security-1", []), ("maker-1", [])):
        sign_in(page, who)
        assert moves_of(page, seal_id) == moves, who
        sign_out(page)
    sign_in(page, "approver-1")
    assert moves_of(page, seal_id) == ["approve", "refuse"]
    here = page.locator(card(page, seal_id))
    here.locator('[data-move="approve"]').click()
    here.get_by_label("文书号").fill("示例批〔2026〕1号")
    here.get_by_role("button", name="确认批准制发").click()
    expect(here.locator('[data-state="approved"]')).to_be_visible()
    sign_out(page)
    sign_in(page, "maker-1")
    assert moves_of(page, seal_id) == ["make"]
    here.locator('[data-move="make"]').click()
    here.get_by_role("button", name="确认制作").click()
    expect(here.locator('[data-state="made"]')).to_be_visible()
    sign_out(page)
    sign_in(page, "keeper-1")
    here.locator('[data-move="activate"]').click()
    here.get_by_role("button", name="确认启用").click()
    expect(here.locator('[data-state="active"]')).to_be_visible()


def test_an_approver_of_uses_answers_and_the_request_is_gone(open_page: OpenPage, live_city: LiveCity) -> None:
    deps = live_city.city.service.deps
    seal = seal_in_use(deps, manual_needed=1, approvers=tuple(voter.subject for voter in VOTERS))
    use = use_of(type_slug="", matter_code="", region="")
    digest = hashlib.sha256(b"page").hexdigest()
    one = ask_use(deps, KEEPER, seal.seal_id, digest=digest, purpose="示例事由", use=use)
    page = open_page("/seals", size=SMALLEST)
    sign_in(page, "use-approver-1")
    line = page.locator(f'[data-approval="{one.approval_id}"]')
    expect(line).to_contain_text("示例事由")
    line.locator('[data-vote="true"]').click()
    expect(line).to_contain_text("已批准")
    expect(line.locator("button")).to_have_count(0)


def test_the_page_fits_a_small_phone_in_large_print_and_every_control_has_a_name(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    deps = live_city.city.service.deps
    seal_id = seal_in_use(deps, regions=("990100",)).seal_id
    move_seal(deps, KEEPER, seal_id, "stop", SAID)
    for elder, size in ((0, SMALLEST), (1, SMALLEST), (4, SMALLEST), (0, (1024, 800))):
        page = open_page("/seals", size=size, elder=elder)
        sign_in(page, "keeper-1")
        here = page.locator(card(page, seal_id))
        here.locator('[data-move="resume"]').click()
        here.locator("summary").click()
        here.locator(".uses li").first.wait_for()
        width, inner = page.evaluate(OVERFLOW)
        assert width <= inner, (elder, width, inner)
        assert page.evaluate(UNNAMED) == []
        texts = page.evaluate(VISIBLE_TEXT)
        assert [item for item in texts if item["contrast"] < 4.5] == []
        least = 60 * POINT - 0.5 if elder else 44
        assert [one for one in page.evaluate(TARGETS) if one["height"] < least or one["width"] < least] == []
        if elder:
            assert [item for item in texts if item["size"] < 18 * POINT - 0.01] == []
        shots = os.environ.get("SHOTS")
        if shots:
            page.screenshot(path=f"{shots}/seals-{elder}-{size[0]}.png", full_page=True)


def test_a_maker_sees_the_seals_of_the_region(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/seals", english=True)
    sign_in(page, "maker-1")
    expect(page.locator("#seals > li")).to_have_count(12)
    page.locator("#more").click()
    expect(page.locator("#seals > li")).to_have_count(24)
    expect(page.locator("#count")).to_contain_text("seals")


def test_seals_are_found_by_words_and_a_role_with_nothing_to_do_is_told(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    deps = live_city.city.service.deps
    seal_id = seal_in_use(deps, name="示例省市场监督管理局查找专用章").seal_id
    page = open_page("/seals", size=SMALLEST)
    sign_in(page, "auditor-1")
    expect(page.locator("#idle")).to_contain_text("现在没有需要您办理的事项")
    expect(page.locator("#idle")).to_contain_text("只查看")
    page.locator("#search").fill("启用 查找专用章")
    expect(page.locator("#seals > li")).to_have_count(1)
    expect(page.locator(card(page, seal_id))).to_be_visible()
    expect(page.locator("#count")).to_contain_text("共 1 枚")
    page.locator("#search").fill("没有这枚")
    expect(page.locator("#seals > li")).to_have_count(0)
    expect(page.locator("#count")).to_contain_text("没有符合的印章")
    sign_out(page)
    sign_in(page, "keeper-1")
    expect(page.locator(card(page, seal_id))).to_be_visible()
    expect(page.locator("#idle")).to_be_hidden()
    sign_out(page)
    sign_in(page, "use-approver-3")
    expect(page.locator("#idle")).to_contain_text("表态")
