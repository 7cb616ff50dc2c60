"""Takes the README's pictures from a running sandbox: ``make pictures`` (``python -m tests.pictures DEST``)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE: ViewportSize = {"width": 390, "height": 844}
TYPE = "tour_guide"
SCENE = 0


def call(base: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
    """One JSON call."""
    request = urllib.request.Request(base + path, method="GET" if body is None else "POST")
    request.add_header("Authorization", f"Bearer {token}")
    data = None
    if body is not None:
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=20) as response:
        return json.load(response)


def wait_for(base: str) -> None:
    """Until the service is ready."""
    for _ in range(400):  # a busy machine takes a while
        try:
            call(base, "/readyz")
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit("the sandbox did not start")


def take(base: str, place: Path, var: Path) -> None:
    """The license's page, the officer's result, and the code on the holder's phone."""
    people = call(base, "/v1/sandbox/people")
    holders = [p["subject"] for p in people if "holder" in p["roles"]]
    card: dict[str, Any] = {}
    holder = ""
    deadline = time.monotonic() + 60
    while not card and time.monotonic() < deadline:
        for subject in holders:
            token = call(base, "/v1/sandbox/login", {"subject": subject})["access_token"]
            found = [c for c in call(base, "/v1/wallet", token=token) if c["type"] == TYPE]
            if found:
                card, holder = found[0], subject
        time.sleep(0.2)
    token = call(base, "/v1/sandbox/login", {"subject": holder})["access_token"]
    pdf = var / "license.pdf"
    request = urllib.request.Request(f"{base}/v1/wallet/{card['identifier']}/file")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=20) as response:
        pdf.write_bytes(response.read())
    subprocess.run(
        ["pdftoppm", "-r", "64", "-png", "-singlefile", str(pdf), str(place / "license")], check=True, timeout=60
    )
    shown = call(base, "/v1/shows", {"identifier": card["identifier"], "scene": card["scenes"][SCENE]["code"]}, token)
    officer = next(p for p in people if "officer" in p["roles"] and card["issuer_name"] in p["name"])
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        page = browser.new_page(viewport=PHONE)
        page.goto(f"{base}/officer")
        scan(page, officer["name"], shown["code"])
        page.screenshot(path=str(place / "officer.png"))
        phone = browser.new_page(viewport=PHONE)
        phone.goto(f"{base}/holder")
        show(phone, holder, card["identifier"])
        phone.screenshot(path=str(place / "holder.png"))
        browser.close()


def show(page: Page, holder: str, identifier: str) -> None:
    """Sign in as the holder and hold the code out."""
    page.locator(f'#people button[data-subject="{holder}"]').click()
    page.locator(f'.license[data-identifier="{identifier}"]').get_by_role("button", name="亮证").click()
    page.locator("#scenes button").nth(SCENE).click()
    page.get_by_role("button", name="出示二维码").click()
    page.locator("#show-qr").wait_for()
    page.wait_for_timeout(300)


def scan(page: Page, officer: str, code: str) -> None:
    """Sign in as the officer and paste the code."""
    page.locator("#people button", has_text=officer).first.click()
    page.locator("#scan-text").fill(code)
    page.locator("#scan-submit").click()
    page.locator("#result-made").wait_for()
    page.wait_for_timeout(300)


def main(place: Path) -> None:
    """Start a sandbox in a temporary directory and take the pictures."""
    place.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as var:
        settings = {"CERTSVC_PROFILE": "sandbox", "CERTSVC_VAR_DIR": var, "CERTSVC_PORT": str(port)}
        server = subprocess.Popen(
            [sys.executable, "-m", "certsvc", "serve"], env={**os.environ, **settings}, stderr=subprocess.DEVNULL
        )
        try:
            wait_for(f"http://127.0.0.1:{port}")
            take(f"http://127.0.0.1:{port}", place, Path(var))
        finally:
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
