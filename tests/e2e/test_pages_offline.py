"""Holder and officer without network, in real browsers: a code made on the phone, read by the other's camera."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from city_browser import OpenPage, Watch, launch, read_code, sign_in
from fixtures_city import LiveCity
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, Route, expect
from test_pages_officer import film

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CUT = "ERR_INTERNET_DISCONNECTED"


@pytest.fixture(scope="module")
def camera_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film that the camera plays; it is read when the camera is opened."""
    return tmp_path_factory.mktemp("camera") / "camera.y4m"


@pytest.fixture(scope="module")
def camera(playwright: Playwright, camera_film: Path) -> Iterator[Browser]:
    """A browser whose camera plays the film; first there is nothing to be seen."""
    film(camera_film, Image.new("L", (460, 460), 128))
    running = launch(
        playwright,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_film}",
    )
    yield running
    running.close()


def phone(open_page: OpenPage, city: LiveCity, slug: str) -> Page:
    """A holder's page that can show without network, and then has none."""
    page = open_page("/holder")
    sign_in(page, city.city.holder_of(slug))
    page.locator("#offline-enable").click()
    page.locator("#offline-cores").wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(offline=True)
    return page


def shown(page: Page, row: dict[str, Any], to: Path | None = None) -> str:
    """The offline code of a license on the screen, as a camera sees it; the picture goes to ``to``."""
    page.locator(f'#offline-cores [data-core="{row["identifier"]}"]').click()
    page.locator("#show-qr").wait_for()
    png = page.locator("#code-frame").screenshot()
    if to is not None:
        to.write_bytes(png)
    return read_code(png)


def officer(open_page: OpenPage, city: LiveCity, slug: str, **options: Any) -> Page:
    """An officer's page that can check without network; it still has one."""
    page = open_page("/officer", **options)
    sign_in(page, city.city.officer_of(slug))
    page.locator("#offline-enable").click()
    expect(page.locator("#offline-as-of")).to_contain_text("状态数据截至")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


def paste(page: Page, code: str) -> None:
    page.locator("#scan-text").fill(code)
    page.locator("#scan-text").press("Enter")


WRITTEN = """
async (count) => {
  const open = indexedDB.open("certsvc.officer");
  await new Promise((done) => { open.onsuccess = done; });
  const store = open.result.transaction("kept").objectStore("kept");
  const get = store.get("queue");
  await new Promise((done) => { get.onsuccess = done; });
  open.result.close();
  return (get.result ?? []).length === count;
}
"""


def written(page: Page, count: int) -> None:
    """Wait until so many records of inspections lie on the device."""
    page.wait_for_function(WRITTEN, arg=count)


def test_both_without_network_the_camera_reads_and_green_needs_the_identity_document(
    open_page: OpenPage, live_city: LiveCity, watch: Watch, camera: Browser, camera_film: Path, tmp_path: Path
) -> None:
    watch.allow(CUT)
    city = live_city.city
    row = city.license("tour_guide")
    scans = "SELECT count(*) FROM scans WHERE code_kind = 'offline'"
    before = city.rows(scans)[0][0]
    checker = officer(open_page, live_city, "tour_guide", browser=camera)
    checker.context.set_offline(offline=True)
    holder = phone(open_page, live_city, "tour_guide")
    shown(holder, row, tmp_path / "code.png")
    film(camera_film, Image.open(tmp_path / "code.png").convert("L"))
    checker.get_by_role("button", name="扫码核验").click()
    result = checker.locator("#scan-result")
    expect(result).to_have_attribute("data-reason", "identity_not_compared")
    expect(result).to_have_attribute("data-colour", "amber")
    expect(checker.locator("#offline-mark")).to_contain_text(re.compile(r"状态数据截至 \d{4}年.*（(刚刚|.*前)）"))
    checker.locator("#identity-compared").check()
    expect(result).to_have_attribute("data-colour", "green")
    expect(result.locator("#verdict-word")).to_have_text("离线核验通过")
    expect(result).to_contain_text("不证明持证人是谁")
    # The same film again: the same code, which may be a screenshot, is not green with any tick.
    checker.get_by_role("button", name="继续扫码").click()
    expect(result).to_have_attribute("data-reason", "code_repeated")
    checker.locator("#identity-compared").check()
    expect(result).to_have_attribute("data-colour", "amber")
    written(checker, 2)
    # Closed in the middle of it: the record of what was on the screen is not lost; the page knows whom it serves.
    checker.reload()
    expect(checker.locator("#badge-number")).not_to_be_empty()
    expect(checker.locator("#unreached")).to_contain_text("现在没有网络")
    expect(checker.locator("#trouble [role=alert]")).to_have_count(0)
    paste(checker, f"{city.service.deps.policy.public_base}/s/{'A' * 22}")
    expect(checker.locator("#scan-note")).to_contain_text("只能核验离线码")
    checker.locator('[data-view="records"]').click()
    expect(checker.locator("#records-waiting li")).to_have_count(2)
    expect(checker.locator("#records-waiting")).to_contain_text(city.catalog.type("tour_guide").name)
    checker.locator('[data-view="scan"]').click()
    expect(checker.locator("#offline-waiting")).to_contain_text("2 件")
    checker.context.set_offline(offline=False)
    expect(checker.locator("#offline-waiting")).to_have_count(0)
    expect(checker.locator("#unreached")).to_have_count(0)
    expect(checker.locator("#scan-note")).to_have_count(0)
    checker.locator("#offline-refresh").click()
    expect(checker.locator("#offline-refresh")).not_to_have_attribute("aria-busy", "true")
    expect(checker.locator("#offline-refused")).to_have_count(0)
    assert city.rows(scans)[0][0] == before + 2
    checker.locator('[data-view="records"]').click()
    expect(checker.locator("#records li").first).to_contain_text("离线码")


def test_a_phone_that_was_switched_off_shows_without_network_and_without_signing_in(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow(CUT)
    row = live_city.city.license("tour_guide")
    before = phone(open_page, live_city, "tour_guide")
    # Another tab has no sign-in, as after a start of the phone; the page comes from the device.
    cold = open_page("/holder", context=before.context)
    expect(cold.locator("#login")).to_be_visible()
    code = shown(cold, row)
    assert code.startswith("ELC1:")
    first = cold.locator("#show-qr").get_attribute("data-show")
    expect(cold.locator("#show-left")).to_contain_text("秒后自动更新")
    expect(cold.locator("#show-qr")).not_to_have_attribute("data-show", str(first))
    assert "有效" not in cold.locator("body").inner_text().replace("有效期", "")
    # The key cannot be taken out, not even by the page itself.
    taken = cold.evaluate(
        """async () => {
          const open = indexedDB.open("certsvc.holder");
          await new Promise((done) => { open.onsuccess = done; });
          const get = open.result.transaction("kept").objectStore("kept").get("device");
          await new Promise((done) => { get.onsuccess = done; });
          const key = get.result.keys.privateKey;
          return [key.extractable, await crypto.subtle.exportKey("jwk", key).then(() => "out", (e) => e.name)];
        }"""
    )
    assert taken == [False, "InvalidAccessError"]
    # The page that is signed in says calmly that there is no network; one license goes off the device without it.
    before.reload()
    expect(before.locator("#wallet-cut")).to_contain_text("现在没有网络")
    expect(before.locator("#trouble [role=alert]")).to_have_count(0)
    drop = before.locator(f'#offline-cores li:has([data-core="{row["identifier"]}"]) [data-action="drop"]')
    drop.click()
    before.get_by_role("dialog").get_by_role("button", name="从本机移除").click()
    expect(drop).to_have_count(0)
    before.context.set_offline(offline=False)
    before.locator("#wallet").wait_for()
    expect(before.locator("#wallet-cut")).to_have_count(0)
    expect(drop).to_have_count(0)


def test_an_ending_is_seen_after_the_next_update_and_what_is_not_ours_at_once(
    open_page: OpenPage,
    live_city: LiveCity,
    watch: Watch,
    issue: Callable[..., dict[str, Any]],
    move: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch.allow(CUT)
    # One file serves all devices for a minute, and one status list for ten seconds: not for a test.
    monkeypatch.setattr("certsvc.commands.offline.bundle.RESIGN_S", 0)
    monkeypatch.setattr("certsvc.commands.verifying.status_lists.REBUILD_S", 0)
    row = issue()
    code = shown(phone(open_page, live_city, "food_operation"), row)
    checker = officer(open_page, live_city, "food_operation")
    move(row, "revoke")
    checker.locator("#offline-refresh").click()
    expect(checker.locator("#offline-refresh")).not_to_have_attribute("aria-busy", "true")
    asked = [url.partition("?")[0].partition("/v1/")[2] for url in watch.addresses if "/v1/offline-bundle" in url]
    assert asked.count("offline-bundle/keys") == 1 < asked.count("offline-bundle"), "keys are asked for once"
    checker.context.set_offline(offline=True)
    paste(checker, code)
    result = checker.locator("#scan-result")
    expect(result).to_have_attribute("data-reason", "not_in_force")
    expect(result).to_have_attribute("data-colour", "red")
    expect(checker.locator("#identity-compared")).to_have_count(0)
    # One letter changed: no code of ours. An online code: nothing can be said here.
    paste(checker, code[:-9] + ("A" if code[-9] != "A" else "B") + code[-8:])
    expect(result).to_have_attribute("data-reason", re.compile("code_unknown|code_device_wrong"))
    expect(result).to_have_attribute("data-colour", "red")
    paste(checker, f"{live_city.city.service.deps.policy.public_base}/s/{'A' * 22}")
    expect(checker.locator("#scan-note")).to_contain_text("只能核验离线码")
    expect(result).to_have_count(0)


def test_old_status_data_take_the_green_away_and_after_a_day_prove_nothing(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    watch.allow(CUT)
    row = live_city.city.license("tour_guide")
    holder = phone(open_page, live_city, "tour_guide")
    checker = officer(open_page, live_city, "tour_guide")
    checker.context.set_offline(offline=True)
    age = """async (hours) => {
      const open = indexedDB.open("certsvc.officer");
      await new Promise((done) => { open.onsuccess = done; });
      const store = open.result.transaction("kept", "readwrite").objectStore("kept");
      const get = store.get("bundle");
      await new Promise((done) => { get.onsuccess = done; });
      const put = store.put({ ...get.result, asOf: get.result.asOf - hours * 3600 }, "bundle");
      await new Promise((done) => { put.onsuccess = done; });
    }"""
    code = shown(holder, row)
    for hours, reason, words in ((5, "status_old", "5 小时前"), (20, "status_stale", "25 小时前")):
        checker.evaluate(age, hours)
        checker.reload()
        expect(checker.locator("#offline-as-of")).to_contain_text(words)
        paste(checker, code)
        result = checker.locator("#scan-result")
        expect(result).to_have_attribute("data-reason", reason)
        checker.locator("#identity-compared").check()
        expect(result).to_have_attribute("data-reason", reason)
        expect(result).to_have_attribute("data-colour", "amber")


def test_a_device_that_was_blocked_still_delivers_its_records(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    slug = "food_operation"
    watch.allow(CUT)
    watch.allow("403")
    city = live_city.city
    late = "SELECT count(*) FROM inspection_records WHERE flags LIKE '%received_after_block%'"
    before = city.rows(late)[0][0]
    code = shown(phone(open_page, live_city, slug), city.license(slug))
    checker = officer(open_page, live_city, slug)
    checker.context.set_offline(offline=True)
    paste(checker, code)
    checker.locator("#identity-compared").check()
    written(checker, 1)
    checker.reload()
    expect(checker.locator("#offline-waiting")).to_contain_text("1 件")
    header = city.person(city.officer_of(slug))
    for one in city.answer(city.client.get("/v1/devices", headers=header), 200):
        city.answer(city.client.post(f"/v1/devices/{one['device_id']}/block", headers=header), 200)
    checker.context.set_offline(offline=False)
    expect(checker.locator("#offline-waiting")).to_have_count(0)
    assert city.rows(late)[0][0] == before + 1
    expect(checker.locator("#offline-taken")).to_contain_text("离线数据已删除")
    expect(checker.locator("#offline-as-of")).to_have_count(0)
    checker.reload()
    checker.locator("#offline-taken").wait_for()
    checker.locator("#offline-enable").click()
    expect(checker.locator("#offline-as-of")).to_be_visible()


def test_who_signs_out_leaves_no_code_on_the_device(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/holder")
    sign_in(page, live_city.city.holder_of("tour_guide"))
    page.locator("#offline-enable").click()
    page.locator("#offline-cores").wait_for()
    page.get_by_role("button", name="退出登录").click()
    page.locator("#people").wait_for()
    expect(page.locator("#offline-wallet")).to_have_count(0)
    page.reload()
    page.locator("#people").wait_for()
    expect(page.locator("#offline-wallet")).to_have_count(0)


def test_who_signs_out_is_out_before_anything_answers(open_page: OpenPage, live_city: LiveCity) -> None:
    page = open_page("/holder")
    sign_in(page, live_city.city.holder_of("food_operation"))
    page.locator("#offline-enable").click()
    page.locator("#offline-cores").wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/devices/*/block", hold)
    page.locator("#logout").click()
    assert page.evaluate("sessionStorage.getItem('certsvc.holder')") is None
    page.reload()
    page.locator("#people").wait_for()
    expect(page.locator("#offline-wallet")).to_have_count(0)
