"""印章 in the console: what one sees, what is used up, moves with their reasons, and nothing one may not do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from city_browser import OpenPage
from fixtures_city import LiveCity
from page_checks import complaints
from playwright.sync_api import expect
from quiet_city import confirm, console, quiet_city
from seal_people import KEEPER, VOTERS, seal_in_use

from certsvc.commands.seals.approve_use import ask_use, read_approval, use_of
from certsvc.commands.seals.read_seals import read_seal
from certsvc.commands.seals.use_seal import reserve_use, settle_uses
from certsvc.seal.approval import ApprovalState
from certsvc.seal.model import SealState
from certsvc.seal.use import SealUse

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

DIGEST = hashlib.sha256(b"a page").hexdigest()


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    with quiet_city(city_keys, tmp_path_factory.mktemp("console_seals")) as city:
        yield city


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_a_keeper_sees_what_is_used_up_and_stops_with_a_reason(
    open_page: OpenPage, live_city: LiveCity, english: bool
) -> None:
    deps = live_city.city.service.deps
    seal = seal_in_use(deps, daily_budget=2, per_minute=5)
    first, second = (reserve_use(deps, seal, purpose=f"issue:{n}", digest=DIGEST, use=SealUse()) for n in (1, 2))
    settle_uses(deps, [(first, DIGEST)])
    page = console(open_page, "keeper-1", "seals", english=english, narrow=True)
    tile = page.locator(f'[data-seal="{seal.seal_id}"]')
    expect(tile).to_contain_text("2 of 2" if english else "2 次，上限 2 次")
    expect(tile).to_contain_text("used up" if english else "已用满")
    tile.locator("img").wait_for()
    page.locator("#seal-find").fill(seal.seal_id)
    expect(page.locator("[data-seal]")).to_have_count(1)
    assert complaints(page) == []
    tile.locator("[data-open]").click()
    expect(page.locator("#seal-uses li")).to_have_count(2)
    expect(page.locator("#seal-past li")).to_have_count(4)
    expect(page.locator("#seal-uses")).to_contain_text(second.purpose)
    assert complaints(page) == []
    assert [str(one.get_attribute("data-move")) for one in page.locator("button[data-move]").all()] == [
        "stop",
        "remake",
        "renew",
    ]
    page.locator('button[data-move="stop"]').click()
    page.locator('[data-action="confirm"]').click()
    expect(page.locator('[data-form="stop"] .wrong')).not_to_be_empty()
    page.locator("#move-reason").fill("发现异常用印")
    page.locator('[data-action="confirm"]').click()
    confirm(page)
    expect(page.locator("#seal-now")).to_have_attribute("data-state", "stopped")
    assert read_seal(deps, KEEPER, seal.seal_id).shown.state is SealState.STOPPED
    expect(page.locator('#seal-past [data-past="stop"]')).to_contain_text("发现异常用印")


def test_a_use_is_voted_on_and_auditors_only_look(open_page: OpenPage, live_city: LiveCity) -> None:
    deps = live_city.city.service.deps
    voters = tuple(one.subject for one in VOTERS)
    seal = seal_in_use(deps, manual_needed=1, approvers=voters)
    use = use_of(type_slug="", matter_code="", region="")
    asked = ask_use(deps, KEEPER, seal.seal_id, digest=DIGEST, purpose="示例：在通知上用印", use=use)
    page = console(open_page, "use-approver-1", "seals")
    page.locator(f'[data-open="{seal.seal_id}"]').click()
    page.locator(f'[data-approval="{asked.approval_id}"] [data-vote="true"]').click()
    expect(page.locator(f'[data-approval="{asked.approval_id}"]')).to_contain_text("已批准")
    assert read_approval(deps, KEEPER, asked.approval_id)[0].state is ApprovalState.GRANTED
    page = console(open_page, "auditor-1", "seals")
    page.locator("#seal-find").fill(seal.seal_id)
    page.locator(f'[data-open="{seal.seal_id}"]').click()
    page.locator("#seal-past li").first.wait_for()
    expect(page.locator("button[data-move]")).to_have_count(0)
    expect(page.locator("#approvals-title")).to_have_count(0)
    expect(page.locator('.ways [data-view="imports"]')).to_have_count(1)


def test_a_seal_goes_from_application_to_use_by_four_people(open_page: OpenPage, live_city: LiveCity) -> None:
    page = console(open_page, "applicant-1", "seals", narrow=True)
    expect(page.locator('.ways [data-view="webhooks"]')).to_have_count(0)
    page.locator('[data-action="apply"]').click()
    page.locator("#apply-send").click()
    expect(page.locator("#apply-wrong")).not_to_be_empty()
    assert complaints(page) == []
    for field, value in (
        ("document_no", "示例发〔2026〕8号"),
        ("name", "示例行政审批专用章（8）"),
        ("second", "行政审批专用章"),
        ("number", "(8)"),
        ("keepers", "keeper-1"),
    ):
        page.locator(f"#a-{field}").fill(value)
    page.locator("#a-algorithm").select_option("p256")
    page.locator("#apply-send").click()
    page.locator("#seal-now").wait_for()
    seal_id = page.evaluate("location.hash").split("/")[1]
    for who, move, needs in (
        ("approver-1", "approve", "document_no"),
        ("maker-1", "make", ""),
        ("keeper-1", "activate", ""),
    ):
        page = console(open_page, who, "seals")
        page.locator("#seal-find").fill(seal_id)
        page.locator(f'[data-open="{seal_id}"]').click()
        page.locator(f'button[data-move="{move}"]').click()
        if needs:
            page.locator(f"#move-{needs}").fill("示例批〔2026〕8号")
        page.locator('[data-action="confirm"]').click()
        expect(page.locator('[data-action="confirm"]')).to_have_count(0)
    expect(page.locator("#seal-now")).to_have_attribute("data-state", "active")
    assert read_seal(live_city.city.service.deps, KEEPER, seal_id).shown.state is SealState.ACTIVE
