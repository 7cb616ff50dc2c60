"""The public catalog: four lists, a search over all words of a row, and the same rows as a spreadsheet."""

from __future__ import annotations

from pathlib import Path

import pytest
from city_browser import SMALLEST, OpenPage
from fixtures_city import LiveCity
from playwright.sync_api import expect
from rendering_spreadsheet_rows import sheet_rows

from certsvc.catalog.lists import public_lists

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_every_list_shows_its_rows_and_downloads_as_a_spreadsheet(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/catalog")
    expect(page.locator('[data-place="catalog"]')).to_have_attribute("aria-current", "page")
    for made in public_lists(live_city.city.catalog):
        page.locator(f"#tab-{made.name}").click()
        expect(page.locator("#list-title")).to_have_text(made.title)
        expect(page.locator("#count")).to_contain_text(f"共 {len(made.rows)} 条")
        page.locator("#entries summary").first.click()
        for name, cell in zip(made.header[1:], made.rows[0][1:], strict=True):
            first = page.locator("#entries > li").first
            if cell:
                expect(first).to_contain_text(cell)
            assert name
        with page.expect_download() as waiting:
            page.locator("#download").click()
        assert waiting.value.suggested_filename == f"{made.title}.xlsx"
        assert sheet_rows(Path(waiting.value.path()).read_bytes()) == [made.header, *made.rows]


def test_the_search_finds_rows_with_all_words_and_more_are_shown_on_request(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    page = open_page("/catalog#making", size=SMALLEST)
    made = public_lists(live_city.city.catalog)[1]
    expect(page.locator("#entries > li")).to_have_count(40)
    page.locator("#more").click()
    expect(page.locator("#entries > li")).to_have_count(80)
    expect(page.locator("#entries > li:nth-child(41) summary")).to_be_focused()
    page.locator("#search").fill("食品经营许可证 示例省")
    wanted = [
        row for row in made.rows if all(any(word in cell for cell in row) for word in ("食品经营许可证", "示例省"))
    ]
    assert 0 < len(wanted) < 40
    expect(page.locator("#entries > li")).to_have_count(len(wanted))
    expect(page.locator("#announce")).to_contain_text(f"符合的 {len(wanted)} 条")
    page.locator("#search").fill("没有这样的证照")
    expect(page.locator("#entries .empty")).to_be_visible()
    expect(page.locator("#more")).to_be_hidden()
