"""An officer shows first, then scans: camera, picture or text; two taps and the answer stands there."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import segno
from city_browser import OpenPage, Watch, launch, sign_in
from fixtures_city import LiveCity
from PIL import Image
from playwright.sync_api import Page, Playwright, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Shown = Callable[..., str]


def officer_page(open_page: OpenPage, city: LiveCity, slug: str = "tour_guide", **options: Any) -> Page:
    page = open_page("/officer", **options)
    sign_in(page, city.city.officer_of(slug))
    page.locator("#badge-number:not(:empty)").wait_for()
    return page


def picture(text: str, *, side: int = 900, turn: float = 0.0) -> Image.Image:
    """A photo of a code: grey ground, turned a little."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=10, border=4)
    code = Image.open(out).convert("L").resize((side // 2, side // 2))
    ground = Image.new("L", (side, side), 150)
    ground.paste(code, (side // 4, side // 4))
    return ground.rotate(turn, resample=Image.Resampling.BICUBIC, fillcolor=150)


def film(path: Path, frame: Image.Image) -> None:
    """A short film of one frame, 640 x 480, in YUV4MPEG2 (what Chromium's fake camera plays)."""
    ground = Image.new("L", (640, 480), 110)
    ground.paste(frame.resize((460, 460)), (90, 10))
    luma = ground.tobytes()
    one = b"FRAME\n" + luma + bytes([128]) * (640 * 480 // 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + one * 3)


def test_the_officer_is_shown_first_with_unit_on_top_and_number(open_page: OpenPage, live_city: LiveCity) -> None:
    person = next(p for p in live_city.city.people if p.subject == live_city.city.officer_of("tour_guide"))
    page = officer_page(open_page, live_city)
    unit, number = page.locator("#badge-unit"), page.locator("#badge-number")
    expect(unit).to_have_text(live_city.city.catalog.authority(person.authority_code).name)
    expect(number).to_have_text(person.badge)
    tops = [
        box["y"] for box in (unit.bounding_box(), number.bounding_box(), page.locator("#scanner").bounding_box()) if box
    ]
    assert tops == sorted(tops)
    assert len(tops) == 3


def test_the_camera_reads_the_code_and_the_answer_comes_by_itself(
    playwright: Playwright, open_page: OpenPage, live_city: LiveCity, shown: Shown, watch: Watch, tmp_path: Path
) -> None:
    film(tmp_path / "camera.y4m", picture(shown(live_city.city.license("tour_guide")), turn=7))
    camera = launch(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.y4m'}",
    )
    try:
        page = officer_page(open_page, live_city, browser=camera)
        # One tap. This Chromium has no BarcodeDetector, so the page's own reader is what is tested here.
        page.get_by_role("button", name="扫码核验").click()
        expect(page.locator("#scan-result")).to_have_attribute("data-colour", "green")
        expect(page.locator("#result-photo")).to_be_visible()
        # The camera is off while the officer reads.
        assert page.evaluate("document.getElementById('scan-video').srcObject") is None
        assert [url for url in watch.addresses if url.endswith(".wasm")], "the page's own reader was not asked"
        page.get_by_role("button", name="继续扫码").click()
        # The second tap looks again: the same film shows the same code, which has been used.
        expect(page.locator("#scan-result")).to_have_attribute("data-reason", "code_used")
        page.close()
    finally:
        camera.close()


def test_without_a_camera_the_page_names_the_other_ways(open_page: OpenPage, live_city: LiveCity) -> None:
    page = officer_page(open_page, live_city)
    page.get_by_role("button", name="扫码核验").click()
    expect(page.locator("#trouble [role=alert]")).to_contain_text("选择二维码图片")


def test_a_chosen_picture_is_read_on_the_device(
    open_page: OpenPage, live_city: LiveCity, shown: Shown, tmp_path: Path
) -> None:
    picture(shown(live_city.city.license("teacher_qualification")), side=1400, turn=-23).save(tmp_path / "photo.png")
    Image.new("L", (600, 400), 90).save(tmp_path / "nothing.png")
    page = officer_page(open_page, live_city, "teacher_qualification")
    page.set_input_files("#scan-picture", tmp_path / "nothing.png")
    expect(page.locator("#trouble [role=alert]")).to_contain_text("没有找到二维码")
    expect(page.locator("#scan-text")).to_be_focused()
    page.set_input_files("#scan-picture", tmp_path / "photo.png")
    expect(page.locator("#scan-result")).to_have_attribute("data-colour", "green")
    expect(page.locator("#trouble [role=alert]")).to_have_count(0)


def test_a_scan_gun_behind_a_chinese_input_method_still_works(
    open_page: OpenPage, live_city: LiveCity, shown: Shown
) -> None:
    text = shown(live_city.city.license("tour_guide"))
    head, token = text.rsplit("/", 1)
    wide = "".join("。" if c == "." else chr(ord(c) + 0xFEE0) for c in head)
    page = officer_page(open_page, live_city)
    page.locator("#scan-text").fill(f"{wide}／{token}")
    page.keyboard.press("Enter")
    expect(page.locator("#scan-result")).to_have_attribute("data-colour", "green")


def test_a_foreign_code_is_red_and_leaves_no_old_answer_beside_it(
    open_page: OpenPage, live_city: LiveCity, shown: Shown
) -> None:
    page = officer_page(open_page, live_city)
    page.locator("#scan-text").fill(shown(live_city.city.license("tour_guide")))
    page.keyboard.press("Enter")
    expect(page.locator("#result-photo")).to_be_visible()
    page.locator("#scan-text").fill("https://pay.example/collect?u=1")
    page.keyboard.press("Enter")
    result = page.locator("#scan-result")
    expect(result).to_have_attribute("data-reason", "not_ours")
    expect(result.locator("#verdict-word")).to_have_text("不是本机关签发")
    expect(result.locator(".verdict-head svg")).to_have_attribute("data-shape", "foreign")
    expect(result.locator("#result-photo")).to_have_count(0)
    page.get_by_role("link", name="检查记录").click()
    expect(page.locator('#records li[data-outcome="not_ours"]').first).to_contain_text("不是本机关签发")
    expect(page.locator('#records li[data-outcome="ok"]').first).to_contain_text("核验通过")


@pytest.mark.parametrize("levels", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_the_pages_reader_agrees_with_the_maker_of_codes(open_page: OpenPage, levels: int) -> None:
    """Every version from 1 to 40, the levels in turn or all of them, three kinds of text, turned by any quarter."""
    page = open_page("/")
    address = page.locator('script[type="module"]').get_attribute("src")
    assert address is not None
    reader = address.rsplit("/", 1)[0] + "/qr/decode.js"
    wrong = []
    texts = ("0123456789" * 3, "HTTPS://ZZ.EXAMPLE/Q/", "证照https://zz.example/s/aZ_-")
    every = itertools.product(range(1, 41), range(4))
    for version, level in ((version, "LMQH"[n]) for version, n in every if (version + n) % 4 < levels):
        # Seven characters fit into the smallest code of every level.
        text = texts[version % 3][: 4 if version < 3 else 7]
        out = io.BytesIO()
        segno.make_qr(text, version=version, error=level, boost_error=False).save(out, kind="png", scale=3, border=4)
        image = Image.open(out).convert("RGBA").rotate(90 * (version % 4))
        read = page.evaluate(
            "async ([reader, bytes, width, height]) => (await import(reader)).decode("
            "Uint8ClampedArray.from(atob(bytes), (c) => c.charCodeAt(0)), width, height)",
            [reader, base64.b64encode(image.tobytes()).decode(), image.width, image.height],
        )
        if read != text:
            wrong.append((version, level, read))
    assert wrong == []


def test_this_browser_has_no_reader_of_its_own(open_page: OpenPage) -> None:
    """When this fails, Chromium has learnt it, and the camera test covers the browser's reader instead of ours."""
    page = open_page("/officer")
    assert page.evaluate("typeof BarcodeDetector") == "undefined"
