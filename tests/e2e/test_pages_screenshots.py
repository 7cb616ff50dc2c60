"""What a picture of a code is worth in real browsers: to a second officer, under another key, and after a minute."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, Watch, read_code, sign_in
from fixtures_city import LiveCity
from offline_phone import PREFIX, Phone, unbase45
from playwright.sync_api import Page, expect
from status_reader import cbor
from test_pages_holder import holder_page, show
from test_pages_officer import officer_page
from test_pages_offline import CUT, officer, paste, phone
from test_pages_offline import shown as shown_offline

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SLUG = "tour_guide"
OFFLINE_SLUG = "teacher_qualification"
"""Of other people than those of the tests of offline pages: nobody may have more than three devices."""
TOO_OLD_S = 61
"""RELIABILITY 2: a screenshot of an online code is refused at this age."""
OFFLINE_TOO_OLD_S = 30 + 60 + 1
"""The device's signature may be 30 s old and clocks differ by 60 s."""


def screenshot(page: Page, row: dict[str, Any], to: Path) -> str:
    """A holder shows; what somebody photographs of it."""
    show(page, row)
    to.write_bytes(page.locator("#code-frame").screenshot())
    return read_code(to.read_bytes())


def other_officer(city: LiveCity) -> str:
    """An officer of another body than the one whose scene it is."""
    own = city.city.officer_of(SLUG)
    unit = next(one.authority_code for one in city.city.people if one.subject == own)
    return next(one.subject for one in city.city.people if one.badge and one.authority_code != unit)


def expect_nothing_given(page: Page, reason: str) -> None:
    result = page.locator("#scan-result")
    expect(result).to_have_attribute("data-reason", reason)
    assert result.get_attribute("data-colour") != "green"
    expect(result.locator("#result-photo")).to_have_count(0)


def test_a_screenshot_is_worth_nothing_to_a_second_officer_or_after_61_seconds(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path
) -> None:
    row = live_city.city.license(SLUG)
    holder = holder_page(open_page, live_city, SLUG)
    late = screenshot(holder, row, tmp_path / "late.png")
    taken = time.monotonic()
    holder.close()  # nobody renews it, nobody has used it
    again = holder_page(open_page, live_city, SLUG)
    used = screenshot(again, row, tmp_path / "used.png")
    assert used != late
    first = officer_page(open_page, live_city, SLUG)
    first.set_input_files("#scan-picture", tmp_path / "used.png")
    expect(first.locator("#scan-result")).to_have_attribute("data-colour", "green")
    second = open_page("/officer")
    sign_in(second, other_officer(live_city))
    second.set_input_files("#scan-picture", tmp_path / "used.png")
    expect_nothing_given(second, "code_used")
    again.get_by_role("button", name="立即更新").click()
    expect(again.locator("#code-frame")).to_be_visible()
    second.wait_for_timeout(max(0.0, TOO_OLD_S - (time.monotonic() - taken)) * 1000)
    first.set_input_files("#scan-picture", tmp_path / "late.png")
    expect_nothing_given(first, "code_expired")


def test_an_unused_code_of_an_inspection_gives_a_clerk_no_photo_and_no_field(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path
) -> None:
    screenshot(holder_page(open_page, live_city, SLUG), live_city.city.license(SLUG), tmp_path / "code.png")
    clerk = open_page("/officer")
    sign_in(clerk, "clerk-1")
    clerk.set_input_files("#scan-picture", tmp_path / "code.png")
    result = clerk.locator("#scan-result")
    expect(result).to_be_visible()
    expect(result.locator("#result-photo")).to_have_count(0)
    assert live_city.city.catalog.sample(SLUG)["holder_code"] not in result.inner_text()


def test_another_devices_signature_and_an_old_screenshot_are_refused_without_network(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow(CUT)
    row = live_city.city.license(OFFLINE_SLUG)
    code = shown_offline(phone(open_page, live_city, OFFLINE_SLUG), row)
    core, _ = cbor(unbase45(code.removeprefix(PREFIX)))
    stolen = Phone().code(core, time.time())
    checker = officer(open_page, live_city, OFFLINE_SLUG)
    checker.context.set_offline(offline=True)
    result = checker.locator("#scan-result")
    paste(checker, stolen)
    expect(result).to_have_attribute("data-reason", "code_device_wrong")
    expect(result).to_have_attribute("data-colour", "red")
    expect(checker.locator("#identity-compared")).to_have_count(0)
    # The same core by the device it belongs to: good, once the document was compared.
    paste(checker, code)
    expect(result).to_have_attribute("data-reason", "identity_not_compared")
    # To an officer who has not seen it, but whose clock is 91 s further on, the same picture is too old.
    late = officer(open_page, live_city, OFFLINE_SLUG)
    late.context.set_offline(offline=True)
    late.clock.set_system_time(time.time() + OFFLINE_TOO_OLD_S)
    paste(late, code)
    expect(late.locator("#scan-result")).to_have_attribute("data-reason", "code_expired")
    late.locator("#identity-compared").check()
    expect(late.locator("#scan-result")).to_have_attribute("data-reason", "code_expired")
    expect(late.locator("#scan-result")).not_to_have_attribute("data-colour", "green")
