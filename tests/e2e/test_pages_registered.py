"""What was made elsewhere is never taken for ours: wallet, officer's page and public check name the source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from city_browser import OpenPage, sign_in
from elsewhere import SLUG, SOURCE_NAME, Elsewhere, register
from fixtures_city import LiveCity, _served, lay_keys, sandbox_settings
from playwright.sync_api import expect

from certsvc.app import build, prepare
from certsvc.cli.demo import serving
from certsvc.commands.access.seed_sandbox import seed_sandbox

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SENTENCE = f"来源：{SOURCE_NAME}登记，非本机关签发"


@pytest.fixture(scope="module")
def live_city(city_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCity]:
    """A listening sandbox that trusts a source and has registered one license of it."""
    import httpx

    place = tmp_path_factory.mktemp("registered")
    var, elsewhere = place / "var", Elsewhere(place / "elsewhere")
    lay_keys(city_keys, var)
    settings = sandbox_settings(var, f"sqlite:///{var / 'live.sqlite3'}", trust_dir=elsewhere.trust_dir)
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
            city = _served(service, parties, client, var)
            done = city.answer(register(city, elsewhere.file()), 201)
            city.licenses.append({"type": SLUG, **done})
            yield LiveCity(base=base, city=city)
    finally:
        service.close()


def test_the_check_of_its_file_names_the_source_and_does_not_say_issued_here(
    open_page: OpenPage, live_city: LiveCity
) -> None:
    row = live_city.city.license(SLUG)
    page = open_page("/")
    data = live_city.city.file(row["identifier"])
    page.set_input_files("#file", {"name": "license.pdf", "mimeType": "application/pdf", "buffer": data})
    expect(page.locator("#verdict-word")).to_have_text("核验通过")
    expect(page.locator("#verdict-text")).to_contain_text("来源系统签章属实")
    expect(page.locator("#verdict-text")).not_to_contain_text("由本机关签发")
    expect(page.locator("#verdict-license")).to_contain_text(SENTENCE)


def test_the_wallet_and_the_officer_name_the_source(open_page: OpenPage, live_city: LiveCity) -> None:
    city, row = live_city.city, live_city.city.license(SLUG)
    page = open_page("/holder")
    sign_in(page, city.holder_of(SLUG))
    expect(page.locator(f'.license[data-identifier="{row["identifier"]}"] .origin')).to_have_text(SENTENCE)
    shown = city.show(SLUG, row["identifier"], "law_enforcement")
    officer = open_page("/officer")
    sign_in(officer, city.officer_of(SLUG))
    officer.locator("#scan-text").fill(shown["code"])
    officer.locator("#scan-text").press("Enter")
    expect(officer.locator("#result-license")).to_contain_text(SENTENCE)
    expect(officer.locator("#result-notes")).to_contain_text(SENTENCE)
