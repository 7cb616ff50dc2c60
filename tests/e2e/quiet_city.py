"""A listening sandbox without licenses and loops, for pages that need neither: it starts in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from city_browser import OpenPage, sign_in
from fixtures_city import LiveCity, ServedCity, lay_keys, sandbox_settings
from playwright.sync_api import Page

from certsvc.app import build, prepare
from certsvc.cli.demo import serving
from certsvc.commands.access.seed_sandbox import seed_sandbox

PC = (1280, 900)
NARROW = (360, 740)


@contextmanager
def quiet_city(city_keys: Path, place: Path) -> Iterator[LiveCity]:
    """The city, over keys that were made before, in ``place``."""
    var = place / "var"
    lay_keys(city_keys, var)
    settings = sandbox_settings(var, f"sqlite:///{var / 'quiet.sqlite3'}")
    prepare(settings)
    service = build(settings)
    try:
        parties = seed_sandbox(service.deps)
        with serving(service) as base, httpx.Client(base_url=base, timeout=60) as client:
            city = ServedCity(
                client=client,
                out=var,
                secrets=dict(parties.secrets),
                people=parties.people,
                catalog=service.deps.catalog,
                anchor=settings.keys / "trust",
                service=service,
            )
            yield LiveCity(base=base, city=city)
    finally:
        service.close()


def console(open_page: OpenPage, subject: str, view: str, *, english: bool = False, narrow: bool = False) -> Page:
    """The console as somebody sees it, at one view."""
    page = open_page("/console", size=NARROW if narrow else PC, english=english)
    sign_in(page, subject)
    page.locator(f'.ways [data-view="{view}"]').click()
    page.locator(".desk-view .view-title").wait_for()
    return page


def confirm(page: Page) -> None:
    """Say yes to what is asked before something is done."""
    page.locator(".ask .van-dialog__confirm:visible").click()
    page.locator(".ask:visible").wait_for(state="hidden")


def drain(city: LiveCity) -> None:
    """Do all work that waits, in a thread without the browser's event loop, which the inspector of files refuses."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(city.city.drain).result()
