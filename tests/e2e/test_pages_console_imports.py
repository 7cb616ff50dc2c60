"""批量导入 in the console: a table checked before anything is issued, sampled and approved by another person, live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from city_browser import OpenPage
from fixtures_city import LiveCity
from import_desk import SLUG, ImportDesk
from page_checks import complaints
from playwright.sync_api import expect
from quiet_city import confirm, console, drain, quiet_city

from certsvc.clock import local_day

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    with quiet_city(city_keys, tmp_path_factory.mktemp("console_imports")) as city:
        yield city


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_a_table_is_checked_sampled_approved_and_issued(
    open_page: OpenPage, live_city: LiveCity, english: bool
) -> None:
    desk = ImportDesk(live_city.city)
    first = 50 if english else 1
    table = desk.csv([desk.row(first), desk.row(first + 1), desk.row(first + 2, holder_name="")])
    page = console(open_page, "batch-clerk-1", "imports", english=english, narrow=True)
    page.locator("#upload-send").click()
    expect(page.locator("#upload-wrong")).not_to_be_empty()
    page.locator("#i-type").select_option(SLUG)
    with page.expect_download() as got:
        page.locator("#template").click()
    assert got.value.path().read_bytes()[:2] == b"PK"
    page.locator("#i-file").set_input_files({"name": "t.csv", "mimeType": "text/csv", "buffer": table})
    assert complaints(page) == []
    page.locator("#upload-send").click()
    state = page.locator("#import-state")
    expect(state).to_have_attribute("data-state", "uploaded")
    drain(live_city)
    expect(state).to_have_attribute("data-state", "checked")
    expect(page.locator('#import-rows [data-row="4"]')).to_be_visible()
    expect(page.locator('#import-rows [data-row="4"] p').nth(1)).to_be_visible()
    assert complaints(page) == []
    import_id = page.evaluate("location.hash").split("/")[1]
    other = console(open_page, "batch-verifier-1", "imports", english=english, narrow=True)
    expect(other.locator("#upload-send")).to_have_count(0)
    other.locator(f'[data-import="{import_id}"] a').click()
    other.locator('[data-action="draw"]').click()
    rows = other.locator("[data-sample]")
    expect(rows).to_have_count(2)
    for number in range(2):
        rows.nth(number).locator('[data-judge="confirmed"]').click()
        expect(rows.nth(number)).to_have_attribute("data-colour", "green")
    assert complaints(other) == []
    other.locator('[data-action="approve"]').click()
    expect(other.locator("#decide-wrong")).not_to_be_empty()
    other.locator("#i-said").fill("抽样一致")
    other.locator('[data-action="approve"]').click()
    confirm(other)
    expect(other.locator("#import-state")).to_have_attribute("data-state", "approved")
    drain(live_city)
    expect(other.locator("#import-state")).to_have_attribute("data-state", "finished")
    expect(other.locator('[data-count="issued"]')).to_contain_text("2")
    with page.expect_download() as got:
        page.locator("#import-result").click()
    assert got.value.path().read_bytes()[:2] == b"PK"
    if not english:
        withdraw_in_bulk(open_page, desk, import_id)


def withdraw_in_bulk(open_page: OpenPage, desk: ImportDesk, import_id: str) -> None:
    """A bulk ending of what was issued: previewed, confirmed by another, undone within its window."""
    licenses = [row["identifier"] for row in desk.rows(import_id, state="issued")]
    page = console(open_page, "batch-clerk-1", "imports", narrow=True)
    page.locator("#bulk-new").click()
    page.locator("#bulk-preview").click()
    expect(page.locator("#bulk-form .wrong")).not_to_be_empty()
    page.locator("#b-licenses").fill("\n".join(licenses))
    page.locator("#b-document").fill("示例注〔2026〕1号")
    page.locator("#b-decided").fill(local_day(desk.city.service.deps.clock.now()).isoformat())
    page.locator("#b-basis").fill("《行政许可法》第七十条")
    assert complaints(page) == []
    page.locator("#bulk-preview").click()
    expect(page.locator('[data-count="ready"]')).to_contain_text("2")
    bulk_id = page.evaluate("location.hash").split("/")[1]
    page = console(open_page, "batch-verifier-1", "imports")
    page.locator(f'[data-bulk="{bulk_id}"] a').click()
    page.locator('[data-action="confirm"]').click()
    confirm(page)
    expect(page.locator("#bulk-window")).to_contain_text("可以取消")
    page.locator("#b-why").fill("文书号有误")
    page.locator('[data-action="undo"]').click()
    confirm(page)
    expect(page.locator("#bulk-state")).to_have_attribute("data-state", "dropped")
