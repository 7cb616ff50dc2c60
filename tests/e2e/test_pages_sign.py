"""A person applies, writes with the finger, reads, confirms with PIN and code, refuses, and withdraws: on the page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from city_browser import SMALLEST, OpenPage, Watch, sign_in
from fixtures_city import LiveCity
from people_city import CHEAP, PIN, PLACES
from playwright.sync_api import Page, expect
from upload_documents import letter

from certsvc.clock import rfc3339

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def ask(live_city: LiveCity, subject: str, title: str) -> str:
    """A document for one person to sign."""
    city = live_city.city
    keys: Any = city.service.deps.person_keys
    keys._cost = CHEAP
    body = {
        "title": title,
        "deadline": rfc3339(city.service.deps.clock.now() + timedelta(days=2)),
        "participants": [{"subject": subject, "reason": "本人承诺", "place": PLACES[0]}],
    }
    files = {"file": ("a.pdf", letter(2), "application/pdf")}
    answer = city.client.post("/v1/signings", headers=city.system(), files=files, data={"signing": json.dumps(body)})
    return str(city.answer(answer, 201)["round_id"])


def write(page: Page) -> None:
    """Draw on the pad, as a finger would."""
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 10):
        page.mouse.move(
            box["x"] + 20 + step * box["width"] / 14, box["y"] + box["height"] * (0.25 if step % 2 else 0.75)
        )
    page.mouse.up()


def apply(page: Page) -> None:
    """Fill the application and send it."""
    page.locator("#agree").check()
    page.locator("#pin-new").fill(PIN)
    page.locator("#pin-again").fill(PIN)
    write(page)
    page.locator("#act-code").fill(get_code(page))
    page.locator("#apply-go").click()


def get_code(page: Page) -> str:
    page.locator("#code-get").click()
    shown = page.locator("#code-sample")
    expect(shown).to_contain_text("签名验证码")
    found = re.search(r"\b[0-9]{6}\b", shown.inner_text())
    assert found is not None
    return found[0]


def told_where_it_is_wrong(page: Page) -> None:
    """An application without code, with a weak PIN, with another code."""
    # With everything but the code the last step is named; a weak PIN is told at its own field, as is a wrong code.
    write(page)
    page.locator("#apply-go").click()
    expect(page.locator("#apply-wrong")).to_contain_text("验证码")
    page.locator("#act-code").fill("000000")
    for box in ("#pin-new", "#pin-again"):
        page.locator(box).fill("123456")
    page.locator("#apply-go").click()
    expect(page.locator("#pin-new-wrong")).to_contain_text("过于简单")
    expect(page.locator("#pin-new")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#pin-new")).to_be_focused()
    expect(page.locator("#trouble")).to_be_empty()
    for box in ("#pin-new", "#pin-again"):
        page.locator(box).fill(PIN)
    page.locator("#apply-go").click()
    expect(page.locator("#act-code-wrong")).to_contain_text("验证码不正确")
    expect(page.locator("#pin-new-wrong")).to_have_count(0)


def open_round(page: Page, round_id: str) -> None:
    page.locator(f'[data-round="{round_id}"] [data-action="open"]').click()
    page.locator("#pages img").nth(1).wait_for()


def test_a_person_applies_reads_and_signs_on_the_smallest_phone(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 403")
    watch.allow("status of 422")
    subject = live_city.city.holder_of("nurse_practice")
    round_id = ask(live_city, subject, "示例承诺书甲")
    page = open_page("/sign", size=SMALLEST)
    sign_in(page, subject)
    open_round(page, round_id)
    assert page.locator("#pages img").first.evaluate("image => image.complete && image.naturalWidth > 400")
    expect(page.locator("#sign-form")).to_have_count(0)
    page.locator("#go-apply").click()
    # Without consent, with two PINs, without handwriting: each is told where it was forgotten.
    page.locator("#pin-new").fill(PIN)
    page.locator("#pin-again").fill("802468")
    page.locator("#apply-go").click()
    expect(page.locator("#apply-wrong")).to_contain_text("同意协议")
    page.locator("#agree").check()
    page.locator("#apply-go").click()
    expect(page.locator("#apply-wrong")).to_contain_text("不一样")
    page.locator("#pin-again").fill(PIN)
    page.locator("#apply-go").click()
    expect(page.locator("#apply-wrong")).to_contain_text("书写签名")
    told_where_it_is_wrong(page)
    apply(page)
    # Back at the document, which was in hand.
    page.locator("#sign-form").wait_for()
    expect(page.locator("#sign-first-day")).to_contain_text("未满一天")
    code = get_code(page)
    page.locator("#sign-code").fill(code)
    page.locator("#sign-pin").fill("111222")
    page.locator("#sign-go").click()
    expect(page.locator("#sign-wrong")).to_have_text("PIN 不正确，还可以再试 4 次")
    expect(page.locator("#sign-pin")).to_have_value("")
    page.locator("#sign-pin").fill(PIN)
    page.locator("#sign-go").click()
    page.locator("#rounds").wait_for()
    row = page.locator(f'[data-round="{round_id}"]')
    expect(row).to_have_attribute("data-state", "complete")
    expect(page.locator("#announce")).to_contain_text("签名完成")
    data = live_city.city.client.get(f"/v1/signings/{round_id}/file", headers=live_city.city.system()).content
    assert live_city.city.check(data)["reason"] == "ok_signed_document"
    assert not [address for address in watch.addresses if PIN in address or code in address]
    width, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= inner


def test_a_person_refuses_with_a_reason_after_a_second_thought(open_page: OpenPage, live_city: LiveCity) -> None:
    subject = live_city.city.holder_of("physician_practice")
    round_id = ask(live_city, subject, "示例承诺书乙")
    page = open_page("/sign")
    sign_in(page, subject)
    open_round(page, round_id)
    page.locator("#refuse-open").click()
    page.get_by_role("button", name="取消操作").click()
    expect(page.locator("#refuse-form")).to_be_hidden()
    page.locator("#refuse-open").click()
    page.locator("#refuse-reason").fill("内容与约定不符")
    page.get_by_role("button", name="确认拒签").click()
    expect(page.locator(f'[data-round="{round_id}"]')).to_have_attribute("data-state", "declined")


def test_a_person_stops_resumes_changes_the_pin_and_withdraws(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow("status of 422")
    subject = live_city.city.holder_of("ride_hailing_driver")
    ask(live_city, subject, "示例承诺书丙")
    page = open_page("/sign#signer")
    sign_in(page, subject)
    apply(page)
    card = page.locator("#signer-card")
    expect(card).to_have_attribute("data-state", "active")
    assert page.locator("#signer-picture").evaluate("image => image.decode().then(() => image.naturalWidth > 50)")
    page.get_by_role("button", name="停用").click()
    expect(card).to_have_attribute("data-state", "stopped")
    page.locator("#do-resume").click()
    page.locator("#pin-now").fill(PIN)
    page.locator("#resume-form-go").click()
    expect(card).to_have_attribute("data-state", "active")
    page.locator("#do-pin").click()
    page.locator("#pin-now").fill(PIN)
    page.locator("#pin-new").fill("913570")
    page.locator("#pin-again").fill("913570")
    page.locator("#act-code").fill(get_code(page))
    page.locator("#pin-new").fill("111111")
    page.locator("#pin-again").fill("111111")
    page.locator("#pin-form-go").click()
    expect(page.locator("#pin-new-wrong")).to_contain_text("过于简单")
    page.locator("#pin-new").fill("913570")
    page.locator("#pin-again").fill("913570")
    page.locator("#pin-form-go").click()
    expect(page.locator("#announce")).to_contain_text("PIN 已修改")
    page.locator("#do-rewrite").click()
    write(page)
    page.locator("#rewrite-form-go").click()
    expect(page.locator("#announce")).to_contain_text("手写签名已更换")
    page.locator("#do-withdraw").click()
    page.locator("#withdraw-form-no").click()
    expect(page.locator("#withdraw-form")).to_have_count(0)
    page.locator("#do-withdraw").click()
    page.get_by_role("button", name="确认注销").click()
    expect(page.locator("#apply-form")).to_be_visible()
    expect(page.locator(".uses li")).to_contain_text("注销")


def test_the_holders_page_leads_here_and_the_sign_in_is_shared(open_page: OpenPage, live_city: LiveCity) -> None:
    subject = live_city.city.holder_of("nurse_practice")
    page = open_page("/holder")
    sign_in(page, subject)
    page.locator("#to-sign").click()
    expect(page.locator("#signed-in")).to_be_visible()
    expect(page.locator("h1")).to_contain_text("电子签名")


def test_an_organisation_is_led_to_its_seals_and_offered_no_application(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    page = open_page("/sign#signer")
    sign_in(page, live_city.city.holder_of("travel_agency"))
    expect(page.locator("#signer-elsewhere")).to_contain_text("电子印章")
    expect(page.locator("#signer-elsewhere a")).to_have_attribute("href", "/seals")
    expect(page.locator("#apply-form")).to_have_count(0)


def test_one_module_holds_the_sign_in_of_the_pages_of_a_holder(repo_root: Path) -> None:
    scripts = repo_root / "certsvc" / "web" / "pages" / "static" / "js"
    makers = [path.name for path in scripts.glob("*.js") if 'name: "holder"' in path.read_text("utf-8")]
    assert makers == ["own_page.js"]
