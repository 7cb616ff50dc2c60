"""The page where documents are stamped, in a real browser: a tap, a keyword, a seam, a refusal, the file at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from city_browser import PHONE, SMALLEST, OpenPage, Watch, sign_in
from fixtures_city import LiveCity
from pikepdf import Dictionary, Name, String
from playwright.sync_api import Page, expect
from upload_documents import changed, letter, picture, red_box

from certsvc.store.seals import rules_json

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

KEEPER = "keeper-1"
DESKTOP = (1280, 900)
SHOTS = os.environ.get("CERTSVC_SHOTS", "")


def shot(page: Page, name: str) -> None:
    """A picture for the eye, when asked for."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def give(page: Page, data: bytes) -> None:
    """Choose a file and wait for its page."""
    page.locator("#file").set_input_files({"name": "合同.pdf", "mimeType": "application/pdf", "buffer": data})
    page.locator("#stage-place").wait_for()
    page.locator("#sheet .sheet-frame[data-page]").wait_for()


def look(page: Page) -> None:
    """To the preview."""
    page.locator("#preview").click()
    page.locator("#stage-confirm").wait_for()
    page.locator("#shown .sheet-frame[data-page]").wait_for()


def finish(page: Page, tmp_path: Path) -> bytes:
    """Confirm and download."""
    page.locator("#purpose").fill("示例批复用印")
    page.locator("#seal-now").click()
    page.locator("#stage-done").wait_for()
    with page.expect_download() as download:
        page.locator("#download").click()
    path = tmp_path / "stamped.pdf"
    download.value.save_as(path)
    return path.read_bytes()


def near(page: Page, field: str, wanted_mm: float) -> None:
    """Wait until a place stands in its field, to three millimetres: a finger is no finer."""
    expression = "([field, wanted]) => Math.abs(document.querySelector(field).valueAsNumber - wanted) < 3"
    page.wait_for_function(expression, arg=[field, wanted_mm])


def fits(page: Page) -> bool:
    """Whether nothing stands out on the right."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize(
    ("size", "elder"), [(SMALLEST, 0), (SMALLEST, 2), (DESKTOP, 0)], ids=["small", "elder", "desktop"]
)
def test_a_document_is_stamped_where_it_was_tapped(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path, size: tuple[int, int], elder: int
) -> None:
    page = open_page("/stamp", size=size, elder=elder)
    sign_in(page, KEEPER)
    shot(page, f"choose-{size[0]}-{elder}")
    give(page, letter(3))
    assert fits(page)
    expect(page.locator("#sheet .sheet-number")).to_have_text("3 / 3 页", use_inner_text=True)
    frame = page.locator("#sheet .sheet-frame")
    box = frame.bounding_box()
    assert box is not None
    frame.click(position={"x": box["width"] * 0.6, "y": box["height"] * 0.5})
    near(page, "#x", 126)
    near(page, "#y", 148.5)
    page.locator("#sheet .spot").focus()
    page.keyboard.press("Shift+ArrowDown")
    near(page, "#y", 158.5)
    shot(page, f"place-{size[0]}-{elder}")
    look(page)
    assert fits(page)
    shot(page, f"confirm-{size[0]}-{elder}")
    page.locator("#seal-now").click()
    expect(page.locator("#purpose-wrong")).to_be_visible()
    data = finish(page, tmp_path)
    assert fits(page)
    shot(page, f"done-{size[0]}-{elder}")
    found = red_box(picture(data, 2))
    assert found is not None
    middle = (found[0] + found[2]) / 2 / 72 * 25.4, (found[1] + found[3]) / 2 / 72 * 25.4
    assert abs(middle[0] - 126) < 3
    assert abs(middle[1] - 158.5) < 3
    assert red_box(picture(data, 0)) is None
    verdict = live_city.city.check(data)
    assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact")


def test_the_circle_can_be_dragged_and_every_page_stamped(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("/stamp", size=DESKTOP)
    sign_in(page, KEEPER)
    give(page, letter(2))
    spot = page.locator("#sheet .spot")
    page.locator("#sheet .sheet-frame").evaluate(
        "frame => frame.scrollIntoView({ block: 'start', behavior: 'instant' })"
    )
    box, frame = spot.bounding_box(), page.locator("#sheet .sheet-frame").bounding_box()
    assert box is not None
    assert frame is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 0.5, frame["y"] + frame["height"] * 0.25, steps=5)
    page.mouse.up()
    expect(page.locator("#x")).to_have_value(re.compile(r"^10[2-8]"))
    page.locator("#which").select_option("all")
    page.locator("#dated").check()
    page.locator("#date").fill("2026-03-01")
    page.locator("#marked").check()
    page.locator("#watermark").fill("仅供示例使用")
    look(page)
    expect(page.locator("#shown-facts")).to_contain_text("整章 2 处")
    data = finish(page, tmp_path)
    assert all(red_box(picture(data, number)) for number in (0, 1))


def test_a_keyword_that_is_not_there_is_told_and_corrected(open_page: OpenPage, watch: Watch, tmp_path: Path) -> None:
    page = open_page("/stamp", size=PHONE)
    sign_in(page, KEEPER)
    give(page, letter(3))
    page.locator("#way-keyword").click()
    page.locator("#keyword").fill("（盖璋）")
    page.locator("#seam").check()
    watch.allow("422")
    page.locator("#preview").click()
    said = page.locator("#trouble [role=alert]")
    expect(said).to_contain_text("(盖章)")
    shot(page, "keyword-refused")
    page.locator("#keyword").fill("（盖章）")
    page.locator("#count").fill("3")
    look(page)
    data = finish(page, tmp_path)
    assert all(red_box(picture(data, number)) for number in range(3))


def test_a_file_that_can_change_its_face_is_refused_with_what_to_do(open_page: OpenPage, watch: Watch) -> None:
    page = open_page("/stamp", size=SMALLEST)
    sign_in(page, KEEPER)
    action = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    bad = changed(letter(1), lambda document: document.Root.__setitem__("/OpenAction", action))
    watch.allow("422")
    page.locator("#file").set_input_files({"name": "x.pdf", "mimeType": "application/pdf", "buffer": bad})
    said = page.locator("#trouble [role=alert]")
    expect(said).to_contain_text("脚本")
    expect(said).to_contain_text("打印为 PDF")
    expect(page.locator("#stage-choose")).to_be_visible()
    shot(page, "refused")
    give(page, letter(1))


def test_the_page_speaks_english_too(open_page: OpenPage) -> None:
    page = open_page("/stamp", size=SMALLEST, english=True)
    sign_in(page, KEEPER)
    expect(page.locator("#choose-title")).to_have_text("Choose a seal and a file", use_inner_text=True)
    give(page, letter(1))
    assert fits(page)


# A seal that needs approval ------------------------------------------------------------------------------------------


@pytest.fixture
def by_two(live_city: LiveCity) -> Iterator[str]:
    """The first seal of the keeper's authority, which two people must agree to use by hand; afterwards as it was."""
    city = live_city.city
    seals = city.answer(city.client.get("/v1/seals", headers=city.person(KEEPER)), 200)
    seal_id = next(seal["seal_id"] for seal in seals if seal["state"] == "active")
    before = city.rows(f"SELECT rules FROM seal_versions WHERE seal_id = '{seal_id}' AND state = 'current'")[0][0]
    with city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id)
    assert seal is not None
    changed_rules = replace(seal.rules, manual_needed=2, approvers=("use-approver-1", "use-approver-2"))
    _set_rules(live_city, seal_id, rules_json(changed_rules))
    yield seal_id
    _set_rules(live_city, seal_id, before)


def _set_rules(live_city: LiveCity, seal_id: str, rules: str) -> None:
    literal = rules.replace(":", "\\:")
    live_city.city.execute(f"UPDATE seal_versions SET rules = '{literal}' WHERE seal_id = '{seal_id}'")


def vote(live_city: LiveCity, approval_id: str, voter: str, *, agrees: bool = True) -> None:
    """One answer to a request."""
    city = live_city.city
    path = f"/v1/seal-approvals/{approval_id}/votes"
    city.answer(city.client.post(path, headers=city.person(voter), json={"agrees": agrees}), 201)


def newest_approval(live_city: LiveCity) -> dict[str, Any]:
    """What was asked for last."""
    city = live_city.city
    return dict(city.answer(city.client.get("/v1/seal-approvals", headers=city.person(KEEPER)), 200)[0])


def test_a_use_that_needs_two_is_asked_for_from_the_preview_and_sealed_when_they_agreed(
    open_page: OpenPage, live_city: LiveCity, by_two: str, tmp_path: Path
) -> None:
    page = open_page("/stamp", size=SMALLEST)
    sign_in(page, KEEPER)
    page.locator(f'#seals input[value="{by_two}"]').check()
    give(page, letter(1))
    look(page)
    notice = page.locator("#approval [data-approval]")
    expect(notice).to_have_attribute("data-approval", "none")
    expect(notice).to_contain_text("须 2 人同意")
    expect(page.locator("#seal-now")).to_be_hidden()
    page.locator("#ask-now").click()
    expect(page.locator("#purpose-wrong")).to_be_visible()
    page.locator("#purpose").fill("示例合同用印")
    page.locator("#ask-now").click()
    expect(notice).to_have_attribute("data-approval", "waiting")
    expect(page.locator("#ask-now")).to_be_hidden()
    expect(page.locator("#seal-now")).to_be_hidden()
    assert fits(page)
    shot(page, "approval-waiting")
    asked = newest_approval(live_city)
    assert (asked["seal_id"], asked["purpose"]) == (by_two, "示例合同用印")
    vote(live_city, asked["approval_id"], "use-approver-1")
    page.locator("#approval-again").click()
    expect(notice).to_contain_text("已同意 1 人，须 2 人")
    # Another file, or the same one elsewhere, is another content; the same again finds the request.
    page.locator('#stage-confirm [data-back="place"]').click()
    page.locator("#lock").check()
    look(page)
    expect(notice).to_have_attribute("data-approval", "none")
    page.locator('#stage-confirm [data-back="place"]').click()
    page.locator("#lock").uncheck()
    look(page)
    expect(notice).to_have_attribute("data-approval", "waiting")
    vote(live_city, asked["approval_id"], "use-approver-2")
    # Nobody presses anything: the page looks by itself, every five seconds.
    expect(notice).to_have_attribute("data-approval", "granted")
    expect(page.locator("#seal-now")).to_be_visible()
    data = finish(page, tmp_path)
    assert live_city.city.check(data)["registry_match"] == "exact"
    row = live_city.city.answer(live_city.city.client.get("/v1/stampings", headers=live_city.city.person(KEEPER)), 200)[
        0
    ]
    assert row["approval_id"] == asked["approval_id"]
    assert newest_approval(live_city)["state"] == "used"


def test_a_use_that_was_refused_may_be_asked_for_again(open_page: OpenPage, live_city: LiveCity, by_two: str) -> None:
    page = open_page("/stamp", size=PHONE)
    sign_in(page, KEEPER)
    page.locator(f'#seals input[value="{by_two}"]').check()
    give(page, letter(2))
    look(page)
    page.locator("#purpose").fill("示例合同用印")
    page.locator("#ask-now").click()
    notice = page.locator("#approval [data-approval]")
    expect(notice).to_have_attribute("data-approval", "waiting")
    vote(live_city, newest_approval(live_city)["approval_id"], "use-approver-2", agrees=False)
    page.locator("#approval-again").click()
    expect(notice).to_have_attribute("data-approval", "refused")
    expect(page.locator("#seal-now")).to_be_hidden()
    expect(page.locator("#ask-now")).to_be_visible()


def test_a_small_phone_shows_the_whole_name_of_every_seal(open_page: OpenPage) -> None:
    page = open_page("/stamp", size=SMALLEST)
    sign_in(page, KEEPER)
    page.locator("#seals label").first.wait_for()
    assert fits(page)
    for one in page.locator("#seals label span").all():
        assert one.evaluate(
            "one => one.scrollWidth <= one.clientWidth + 1 && one.getBoundingClientRect().right <= innerWidth"
        )


def test_without_an_active_seal_the_page_says_what_to_do_next(open_page: OpenPage) -> None:
    page = open_page("/stamp", size=SMALLEST)
    page.route("**/v1/seals", lambda route: route.fulfill(json=[]))
    sign_in(page, KEEPER)
    notice = page.locator("#no-seal")
    expect(notice).to_contain_text("印章经办人")
    expect(notice.locator("a")).to_have_attribute("href", "/seals")
    expect(page.locator("#drop")).to_be_hidden()
    assert fits(page)
