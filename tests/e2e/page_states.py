"""Every page and state that people meet, for tests that look at all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from city_browser import sign_in, sign_out
from fixtures_city import LiveCity
from later_changes import drawn_over
from playwright.sync_api import Page
from sharing_city import COPY, FOOD, RENEWAL, SUBSIDY, open_shop
from test_fetch import CLIENT
from test_pages_sign import ask


def states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Walk through every page and state that people meet, and stop at each."""
    yield from public_states(page, live_city)
    yield from holder_states(page, live_city)
    yield from sharing_states(page, live_city)
    yield from sign_states(page, live_city)
    yield from officer_states(page, live_city)
    yield from counter_states(page, live_city)
    yield from department_states(page, live_city)


def public_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Check, printed code, show code, missing."""
    city = live_city.city
    page.goto(f"{live_city.base}/")
    yield "check"
    row = city.license("food_operation")
    data = city.file(row["identifier"])
    page.set_input_files("#file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": data})
    page.locator("#verdict-signatures summary").click()
    page.locator("#verdict-details summary").click()
    yield "check: verdict with all details"
    page.locator("#tab-code").click()
    yield "check: code"
    page.locator("#tab-number").click()
    page.locator("#number-type option").nth(1).wait_for(state="attached")
    page.locator("#number-submit").click()
    yield "check: number with mistakes"
    page.locator("#tab-receipt").click()
    page.locator("#receipt-submit").click()
    yield "check: receipt with mistakes"
    page.locator("#tab-file").click()
    page.locator("#asof-box summary").click()
    page.set_input_files("#file", {"name": "b.pdf", "mimeType": "application/pdf", "buffer": drawn_over(data)})
    page.locator(".differ-mark").first.wait_for()
    yield "check: as sealed and now"
    two: list[Any] = [{"name": name, "mimeType": "", "buffer": b"x"} for name in ("甲" * 40 + ".pdf", "b.pdf")]
    page.set_input_files("#file", two)
    page.locator("#batch-csv:visible").wait_for()
    yield "check: many files"
    page.goto(f"{live_city.base}/catalog")
    page.locator("#entries summary").first.click()
    yield "catalog"
    page.locator("#search").fill("没有这样的证照")
    page.locator("#entries .empty").wait_for()
    yield "catalog: nothing found"
    page.goto(f"{live_city.base}/missing/page")
    yield "missing"
    page.goto(f"{live_city.base}/q/{'A' * 22}")
    page.locator("#verdict-word").wait_for()
    yield "printed code"
    page.goto(f"{live_city.base}/s/{'A' * 22}")
    page.locator("#look").click()
    page.locator("#verdict-word").wait_for()
    yield "show code"


def holder_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Login, wallet, the three steps of showing, uses, grants."""
    city = live_city.city
    page.goto(f"{live_city.base}/holder")
    page.locator("#people").wait_for()
    yield "holder: login"
    sign_in(page, city.holder_of("tour_guide"))
    page.locator(".license summary").first.click()
    page.locator(".license .evidence").first.wait_for()
    yield "holder: wallet"
    page.locator('[data-action="show"]').first.click()
    page.locator("#scenes").wait_for()
    yield "holder: scenes"
    page.locator("#scenes button").first.click()
    page.locator("#show-preview").wait_for()
    yield "holder: preview"
    page.locator("#show-go").click()
    page.locator("#show-qr").wait_for()
    yield "holder: code"
    page.locator('[data-view="uses"]').click()
    page.locator("#uses:visible, .empty:visible").first.wait_for()
    yield "holder: uses"
    sign_out(page)
    sign_in(page, city.holder_of("business_license"))
    page.locator('[data-view="grants"]').click()
    page.locator("#grant-new").click()
    page.locator("#grant-place :is(select, input)").first.wait_for()
    yield "holder: grant"


def sharing_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Use requests, uses with answers and copies, consent by a delegate, the check of a copy."""
    shop = open_shop(live_city, FOOD)
    done, data = shop.copied(case_no="YX-9")
    question = {"matter_code": SUBSIDY, "case_no": "BT-1", "purpose": "核定餐饮业稳岗补贴"}
    shop.used("/v1/answers", **question, ask="scope", field="business_items", term="热食")
    wanted = {FOOD: ["holder_name", "number", "valid_until", "?valid", "?scope:business_items", COPY]}
    shop.asked(wanted, "YX-1")
    shop.asked(wanted, "YX-2")
    page.goto(f"{live_city.base}/holder")
    page.locator("#people, #signed-in:not([hidden])").first.wait_for()
    if page.locator("#logout").is_visible():
        sign_out(page)
        page.reload()  # the list of people of a page that was open before has no new ones
    sign_in(page, shop.subject)
    page.locator("#requests-waiting").wait_for()
    yield "holder: somebody waits"
    page.locator("#to-requests").click()
    page.locator("#requests").wait_for()
    yield "holder: use requests"
    page.locator('[data-action="refuse"]').first.click()
    page.locator("#request-done").wait_for()
    yield "holder: use request answered"
    page.locator('[data-view="uses"]').first.click()
    page.locator("[data-copy]").wait_for()
    yield "holder: answers and copies"
    page.goto(f"{live_city.base}/holder#delegations")
    page.locator("#delegation-new").click()
    page.locator(".scope").first.get_by_role("checkbox").first.check()
    page.locator('#use-matters input[value="named"]').check()
    page.locator("#use-matters-warning").wait_for()
    yield "holder: consent by a delegate"
    sign_out(page)
    page.goto(f"{live_city.base}/")
    page.set_input_files("#file", {"name": "copy.pdf", "mimeType": "application/pdf", "buffer": data})
    page.locator("#verdict-copy").wait_for()
    yield "check: annotated copy"
    with live_city.city.service.deps.uow.read() as tx:
        copy = tx.copies.by_fetch(done["fetch_id"])
    assert copy is not None
    page.goto(f"{live_city.base}/q/{copy.token}")
    page.locator("#verdict-copy").wait_for()
    yield "printed code of an annotated copy"


def sign_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """The list of documents, one document, its refusal, the application."""
    subject = live_city.city.holder_of("teacher_qualification")
    round_id = ask(live_city, subject, "示例承诺书")
    page.goto(f"{live_city.base}/holder")
    page.locator("#people, #signed-in:not([hidden])").first.wait_for()
    if page.locator("#logout").is_visible():
        sign_out(page)
    page.goto(f"{live_city.base}/sign")
    page.locator("#people").wait_for()
    sign_in(page, subject)
    page.locator("#rounds").wait_for()
    yield "sign: documents"
    page.locator(f'[data-round="{round_id}"] [data-action="open"]').click()
    page.locator("#refuse-open").click()
    page.locator("#refuse-form").wait_for()
    yield "sign: document"
    page.locator('[data-view="signer"]').click()
    page.locator("#apply-form").wait_for()
    yield "sign: application"
    sign_out(page)


def officer_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Login, ready, a result, records."""
    city = live_city.city
    page.goto(f"{live_city.base}/officer")
    page.locator("#people").wait_for()
    yield "officer: login"
    sign_in(page, city.officer_of("tour_guide"))
    page.locator("#badge-number:not(:empty)").wait_for()
    yield "officer: ready"
    kind = city.catalog.type("tour_guide")
    body = {"identifier": city.license("tour_guide")["identifier"], "scene": kind.scenes[0].code}
    headers = city.person(city.holder_of("tour_guide"))
    shown = city.answer(city.client.post("/v1/shows", headers=headers, json=body), 201)
    page.locator("#scan-text").fill(shown["code"])
    page.locator("#scan-submit").click()
    page.locator("#result-photo").wait_for()
    yield "officer: result"
    page.locator('[data-view="records"]').click()
    page.locator("#records").wait_for()
    yield "officer: records"


FOOD_RENEWAL = "11990000MB0000019F2990131002003"


def counter_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Login, an empty desk, an answered list, paper with a reason, what is to come, tickets."""
    page.goto(f"{live_city.base}/counter")
    page.locator("#people").wait_for()
    yield "counter: login"
    sign_in(page, "clerk-1")
    page.locator("#check-form").wait_for()
    yield "counter: ready"
    page.locator("#check-go").click()
    page.locator("#check-wrong:not(:empty)").wait_for()
    yield "counter: something missing"
    page.locator("#matter").select_option(FOOD_RENEWAL)
    page.locator("#case-no").fill(f"STATES-{uuid4().hex[:12]}")
    page.locator("#holder").fill(live_city.city.catalog.sample("food_operation")["holder_code"])
    page.locator("#check-go").click()
    page.locator("#rows li").first.wait_for()
    yield "counter: list"
    page.locator('[data-material="food_operation"] [data-action="paper"]').click()
    page.locator(".row-ask").wait_for()
    yield "counter: paper with a reason"
    page.locator('[data-view="later"]').click()
    page.locator("#to-come:visible, .empty:visible").first.wait_for()
    yield "counter: to come"
    page.locator('[data-view="tickets"]').click()
    page.locator("#tickets:visible, .empty:visible").first.wait_for()
    yield "counter: tickets"
    sign_out(page)


def department_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Login, numbers, uses of each kind, policies in force and asked for, staff, what waits and what is withheld."""
    used_by_department(live_city)
    page.goto(f"{live_city.base}/department")
    page.locator("#people").wait_for()
    yield "department: login"
    sign_in(page, "policy-clerk-1")
    page.locator("#totals").wait_for()
    yield "department: numbers"
    page.locator('[data-view="uses"]').click()
    for kind in ("fetch", "answer", "copy"):
        page.locator(f'#body-uses [data-kind="{kind}"][data-given="true"]').first.wait_for()
    page.locator('#body-uses [data-given="false"]').first.wait_for()
    yield "department: uses of each kind"
    page.locator('[data-view="policies"]').click()
    page.locator("#policies-in-force").wait_for()
    yield "department: policies in force"
    page.locator("#policy-new").click()
    page.locator("#p-type").select_option("food_operation")
    page.locator("#p-keys").wait_for()
    page.locator("#policy-send").click()
    page.locator("#policy-wrong:not(:empty)").wait_for()
    yield "department: policy with mistakes"
    page.locator('[data-view="staff"]').click()
    page.locator('[data-action="staff"]').first.click()
    page.locator("#staff-form").wait_for()
    yield "department: staff"
    page.locator('[data-view="open"]').click()
    page.locator("#open-requests").wait_for()
    page.locator('#withheld [data-state="asked"]').first.wait_for()
    yield "department: to do"
    sign_out(page)
    sign_in(page, "use-clerk-1")
    page.locator("#withhold-new").click()
    page.locator("#withhold-send").click()
    page.locator("#withhold-wrong:not(:empty)").wait_for()
    yield "department: to withhold, with mistakes"
    sign_out(page)
    sign_in(page, "use-checker-1")
    page.locator('#withheld [data-action="agree"]').first.wait_for()
    yield "department: withheld, to decide"
    sign_out(page)


def used_by_department(live_city: LiveCity) -> None:
    """A use of each kind, a refused one, a request that waits for its holder, and one to withhold."""
    shop, city = open_shop(live_city, FOOD), live_city.city
    shop.used("/v1/fetches", fields=["number", "business_items", "holder_name"])
    shop.used("/v1/answers", ask="scope", field="business_items", term="热食")
    shop.copied()
    shop.asked({FOOD: ["number"]}, "YX-3")
    refused = {
        "matter_code": "11990000MB0000019F2990131001001",
        "case_no": "YX-2",
        "purpose": "企业设立登记",
        "operator": "jingban01",
        "basis": "duty",
        "type": FOOD,
        "holder_code": shop.code,
        "holder_code_type": "001",
    }
    city.answer(city.client.post("/v1/fetches", headers=city.system(CLIENT), json=refused), 403)
    until = (city.service.deps.clock.now() + timedelta(days=3)).isoformat()
    law = "《示例办法》第十条第二款：告知将妨碍调查"
    body = {"matter_code": RENEWAL, "case_no": "YX-4", "until": until, "legal_basis": law}
    city.answer(city.client.post("/v1/withholdings", headers=city.person("use-clerk-1"), json=body), 201)


CONSOLE_VIEWS = (
    ("search", "#found li"),
    ("stuck", "#stuck-relays"),
    ("charts", "#chart-states tbody tr"),
    ("audit", "#leaves tbody tr"),
    ("seals", "[data-seal]"),
    ("imports", ".desk-view .empty, #imports li"),
    ("disposals", "#no-disposals, #disposals li"),
    ("webhooks", ".desk-view .empty, #webhooks li"),
    ("trust", "#anchors li"),
    ("catalog", "#types li"),
)
"""The views of an auditor, who has most of them, and what is there when they have been read."""


def console_states(page: Page, live_city: LiveCity) -> Iterator[str]:
    """Login, every view as an auditor meets it, a license, a seal, a type; what an operator mends."""
    identifier = live_city.city.license(FOOD)["identifier"]
    page.goto(f"{live_city.base}/console")
    page.locator("#people").wait_for()
    yield "console: login"
    sign_in(page, "auditor-1")
    page.locator("#console-views").wait_for()
    yield "console: home"
    for view, mark in CONSOLE_VIEWS:
        page.locator(f'.ways [data-view="{view}"]').click()
        page.locator(mark).first.wait_for()
        yield f"console: {view}"
    page.locator("#types a").first.click()
    page.locator("#type-picture").wait_for()
    yield "console: type"
    page.goto(f"{live_city.base}/console#license/{identifier}")
    page.locator("#timeline li").first.wait_for()
    page.locator("#l-check").click()
    page.locator("#l-verdict").wait_for()
    yield "console: license"
    page.locator('.ways [data-view="seals"]').click()
    page.locator("[data-open]").first.click()
    page.locator("#seal-now").wait_for()
    yield "console: seal"
    sign_out(page)
