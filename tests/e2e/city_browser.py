"""A real Chromium for the pages, and people to be in them. A missing browser fails the tests; it never skips them."""

from __future__ import annotations

import io
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import zxingcpp
from fixtures_city import LiveCity
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = (390, 844)
SMALLEST = (320, 640)
PATIENCE_MS = 60_000
"""So long is anything waited for; what is slower on a machine that does other things is no failure of a page."""

expect.set_options(timeout=PATIENCE_MS)

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """One per module: its event loop must not outlive the tests that need it."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: the pages are tested in a real browser (make setup-test installs it)")
    with sync_playwright() as running:
        yield running


def launch(playwright: Playwright, *more: str) -> Browser:
    """A Chromium with the arguments every test uses, and ``more``."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *more])


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The browser of a module; every test has contexts of its own."""
    running = launch(playwright)
    yield running
    running.close()


@dataclass
class Watch:
    """What a page did wrong while it was used."""

    wrong: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, part: str) -> None:
        """Expect console lines that hold ``part``: the browser itself reports every answer of 400 and above."""
        self.allowed.append(part)

    def unexpected(self) -> list[str]:
        """What nobody allowed."""
        return [line for line in self.wrong if not any(part in line for part in self.allowed)]


class OpenPage(Protocol):
    """Opens a page of the live city in a context of its own, or beside others in ``context``."""

    def __call__(
        self,
        path: str = "/",
        *,
        size: tuple[int, int] = PHONE,
        elder: int = 0,
        english: bool = False,
        browser: Browser | None = None,
        context: BrowserContext | None = None,
    ) -> Page: ...


@pytest.fixture
def watch() -> Watch:
    """What went wrong in any page of this test."""
    return Watch()


@pytest.fixture
def open_page(browser: Browser, live_city: LiveCity, watch: Watch) -> Iterator[OpenPage]:
    """Pages whose console must stay clean; ``elder`` is 0 or the letter size 1 to 4 of the 长辈版."""
    contexts: list[BrowserContext] = []
    default = browser

    def listen(page: Page) -> None:
        def heard(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                watch.wrong.append(f"{message.type}: {message.text}")

        page.on("console", heard)
        page.on("pageerror", lambda error: watch.wrong.append(f"pageerror: {error}"))
        page.on("request", lambda request: watch.addresses.append(request.url))
        page.set_default_timeout(PATIENCE_MS)

    def make(
        path: str = "/",
        *,
        size: tuple[int, int] = PHONE,
        elder: int = 0,
        english: bool = False,
        browser: Browser | None = None,
        context: BrowserContext | None = None,
    ) -> Page:
        if context is None:
            viewport = {"width": size[0], "height": size[1]}
            context = (browser or default).new_context(viewport=viewport, locale="zh-CN", accept_downloads=True)  # type: ignore[arg-type]
            contexts.append(context)
            kept = {"elder": "1" if elder else "0", "size": str(elder or 1), "lang": "en" if english else "zh"}
            script = "".join(f"localStorage.setItem('certsvc.{key}', '{value}');" for key, value in kept.items())
            context.add_init_script(f"if (!localStorage.getItem('certsvc.lang')) {{ {script} }}")
        page = context.new_page()
        listen(page)
        page.goto(live_city.base + path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert watch.unexpected() == []
    outside = [url for url in watch.addresses if not url.startswith((live_city.base, "data:", "blob:"))]
    assert outside == [], "a page called somebody else"


# The city ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def issue(live_city: LiveCity) -> Callable[..., dict[str, Any]]:
    """Issue a license of a type for this test alone."""
    city = live_city.city

    def make(slug: str = "food_operation", **changes: Any) -> dict[str, Any]:
        body = city.body(slug, f"PAGE-{os.getpid()}-{next(_numbers)}", **changes)
        answer = city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
        done = city.wait(answer["request_id"])
        assert done["state"] == "issued", done
        return {"type": slug, **done}

    return make


@pytest.fixture
def move(live_city: LiveCity) -> Callable[..., None]:
    """Carry out a decision of the issuer about a license."""
    city = live_city.city

    def make(row: dict[str, Any], name: str, **changes: Any) -> None:
        body = {
            "move": name,
            "authority_code": city.catalog.sample(row["type"])["issuer_code"],
            "document_no": "示市监决〔2026〕7号",
            "decided_on": "2026-01-15",
            "basis": "《中华人民共和国行政许可法》",
            **changes,
        }
        response = city.client.post(f"/v1/licenses/{row['identifier']}/moves", headers=city.system(), json=body)
        city.answer(response, 201)

    return make


@pytest.fixture
def shown(live_city: LiveCity) -> Callable[..., str]:
    """The text of a fresh show code of a license, for the scene of officers."""
    city = live_city.city

    def make(row: dict[str, Any], scene: int = 0) -> str:
        code = city.catalog.type(row["type"]).scenes[scene].code
        body = {"identifier": row["identifier"], "scene": code}
        headers = city.person(city.holder_of(row["type"]))
        return str(city.answer(city.client.post("/v1/shows", headers=headers, json=body), 201)["code"])

    return make


def sign_in(page: Page, subject: str) -> None:
    """Choose a sample person on the page's login."""
    page.locator(f'#people button[data-subject="{subject}"]').click()
    page.locator("#signed-in").wait_for()


def sign_out(page: Page) -> None:
    """Leave, and wait until the page has left: a new address would cut what it still forgets."""
    page.locator("#logout").click()
    page.locator("#people").wait_for()


def recorded(live_city: LiveCity) -> None:
    """Wait until what happened so far is in the log and under a checkpoint: its loops take a moment, or more."""
    city = live_city.city
    rows = city.rows("SELECT max(row_no) FROM evidence")[0][0]
    waits = f"""
        SELECT count(*) FROM evidence WHERE row_no <= {rows}
        AND (position IS NULL OR position > (SELECT coalesce(max(size), 0) FROM log_checkpoints))
    """
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while city.rows(waits)[0][0]:
        assert time.monotonic() < deadline, "the log stands still"
        time.sleep(0.05)


def read_code(png: bytes) -> str:
    """What an independent reader sees in a picture."""
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)))
    assert len(found) == 1, f"{len(found)} codes in the picture"
    return found[0].text
