"""存证 on the holder's page: the number within the log, and a bundle that the stand-alone verifier passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from city_browser import OpenPage, recorded, sign_in
from fixtures_city import LiveCity
from log_city import run_verifier
from playwright.sync_api import expect

PHONE = (390, 844)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_holder_sees_the_number_and_takes_a_bundle_that_verifies(
    open_page: OpenPage, live_city: LiveCity, tmp_path: Path
) -> None:
    row = live_city.city.license("tour_guide")
    recorded(live_city)
    page = open_page("/holder", size=PHONE)
    sign_in(page, live_city.city.holder_of("tour_guide"))
    card = page.locator(f'.license[data-identifier="{row["identifier"]}"]')
    card.locator("summary").click()
    note = card.locator(".evidence")
    expect(note).to_contain_text(re.compile(r"存证\s*第 [1-9]\d* 号，已纳入检查点（\d+ 条）"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than a phone"
    with page.expect_download() as waiting:
        note.get_by_role("button", name="下载证据包").click()
    assert waiting.value.suggested_filename == f"{row['identifier']}-evidence.zip"
    path = tmp_path / "evidence.zip"
    waiting.value.save_as(path)
    keys = live_city.city.client.get("/v1/log/keys").json()["verifier_keys"]
    run = run_verifier(path, "--key", keys[0])
    assert run.returncode == 0, run.stdout
    assert "不通过" not in run.stdout
