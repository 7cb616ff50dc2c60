"""What the built pages promise as a whole: light, closed to strangers, readable by everybody."""

from __future__ import annotations

import pytest
from city_browser import OpenPage
from fastapi import FastAPI
from fastapi.testclient import TestClient
from fixtures_city import LiveCity

import certsvc.web.install
from certsvc.api.limits import SECURITY_HEADERS
from certsvc.web.install import ABILITIES, CONTENT_POLICY, install_pages

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FIRST_LOAD_BYTES = 300 * 1000
PAGES = ("/", "/holder", "/officer", "/counter", "/department", "/sign", "/catalog", "/seals", "/stamp")

WEIGH = """
() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((one) => !one.name.includes("/v1/")).map((one) => [one.name, one.transferSize])
"""


def test_the_first_load_of_every_page_is_under_300_kb(open_page: OpenPage, live_city: LiveCity) -> None:
    for path in PAGES:
        page = open_page(path)
        page.wait_for_load_state("networkidle")
        files = page.evaluate(WEIGH)
        assert len(files) > 3, path
        assert sum(size for _, size in files) < FIRST_LOAD_BYTES, (path, files)


def test_only_the_page_that_scans_may_compile_and_only_that(live_city: LiveCity) -> None:
    everywhere = dict(SECURITY_HEADERS)[b"content-security-policy"].decode()
    assert CONTENT_POLICY.format(more="") == everywhere
    policies = {path: live_city.city.client.get(path).headers["content-security-policy"] for path in PAGES}
    assert policies.pop("/officer") == everywhere.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
    assert set(policies.values()) == {everywhere}


def test_built_files_are_kept_for_ever_and_come_compressed(live_city: LiveCity) -> None:
    client = live_city.city.client
    text = client.get("/holder").text
    script = text.split('<script type="module" src="')[1].split('"')[0]
    for wanted, got in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)):
        answer = client.get(script, headers={"Accept-Encoding": wanted})
        assert answer.headers.get("content-encoding") == got
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "Accept-Encoding"
    assert client.get("/ui/assets/../manifest.json").status_code == 404
    assert client.get("/ui/nothing.js").status_code == 404
    worker = client.get("/holder/worker.js")
    assert worker.headers["service-worker-allowed"] == "/holder"
    assert worker.headers["cache-control"] == "no-cache"
    manifest = client.get("/officer/app.webmanifest").json()
    assert (manifest["scope"], manifest["start_url"], manifest["display"]) == ("/officer", "/officer", "standalone")


def test_a_challenge_leads_to_the_holders_page_and_its_address_stays_nowhere(live_city: LiveCity) -> None:
    client = live_city.city.client
    answer = client.get("/c/" + "A" * 22)
    assert answer.headers["cache-control"] == "no-store"
    assert 'data-page="holder"' in answer.text
    assert "A" * 22 not in answer.text
    # The page offers what the service has, and nothing else.
    paths = client.get("/v1/openapi.json").json()["paths"]
    offered = answer.text.split('data-able="')[1].split('"')[0].split()
    assert offered == [name for name, path in ABILITIES.items() if path in paths]


def test_the_device_keeps_no_answer_of_the_service(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/officer")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = page.evaluate(
        """async () => {
          const names = await caches.keys();
          const all = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys())));
          return [names, all.flat().map((one) => new URL(one.url).pathname)];
        }"""
    )
    assert len(kept[0]) == 1
    assert kept[0][0].startswith("certsvc /officer ")
    assert [name for name in kept[1] if name.endswith(".wasm")]
    assert all(name == "/officer" or name.startswith(("/ui/", "/static/")) for name in kept[1])


def test_without_a_build_the_built_pages_say_what_to_run(live_city: LiveCity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certsvc.web.install, "load_built", lambda: None)
    app = FastAPI()
    app.state.deps = live_city.city.service.deps
    install_pages(app, sandbox=True)
    client = TestClient(app)
    for path in ("/holder", "/officer", "/counter", "/department"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "make ui" in answer.text
    assert client.get("/").status_code == 200
