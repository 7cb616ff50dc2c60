"""反扫 in real browsers, and codes as a phone's camera sees them: from the side, blurred, in low light."""

from __future__ import annotations

import io
import json
import random
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import pytest
from city_browser import OpenPage, Watch, read_code, sign_in
from fixtures_city import LiveCity
from PIL import Image, ImageEnhance, ImageFilter
from playwright.sync_api import Page, Route, expect
from test_pages_visits import officer_page

from certsvc.license.offline import MAX_TEXT
from certsvc.rendering.codes import qr_png

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

GUIDE = "tour_guide"
PURPOSE = "景区执法检查"
SIDE = 1200
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def ask(page: Page, purpose: str) -> str:
    """The officer asks; the text of the code on the screen."""
    page.locator("#ask-go").click()
    expect(page.locator("#ask-wrong")).to_be_visible()
    page.get_by_label("核验目的（持证人会看到）").fill(purpose)
    page.locator("#ask-scene").select_option("tour_guide tour_inspection")
    page.locator("#ask-go").click()
    page.locator("#ask-qr").wait_for()
    return read_code(page.locator("#code-frame").screenshot())


def test_the_holder_sees_who_asks_and_why_and_only_the_asker_gets_the_answer(
    open_page: OpenPage, live_city: LiveCity, watch: Watch
) -> None:
    city = live_city.city
    officer = officer_page(open_page, live_city, city.officer_of(GUIDE), "ask")
    code = ask(officer, PURPOSE)
    assert "/c/" in code
    # A phone's camera opens the address; nobody is signed in there yet.
    path = "/c/" + code.rsplit("/c/", 1)[1]
    holder = open_page(path)
    expect(holder.locator("#answer-sign-in")).to_contain_text("登录后可以看到是谁")
    sign_in(holder, city.holder_of(GUIDE))
    question = holder.locator("#answer")
    unit = next(person.authority_code for person in city.people if person.subject == city.officer_of(GUIDE))
    for word in (city.catalog.authority(unit).name, PURPOSE, "旅游执法检查", "还会显示照片"):
        expect(question).to_contain_text(word)
    assert officer.locator("#scan-result").count() == 0, "looking answers nothing"
    holder.locator("#answer-yes").click()
    expect(holder.locator("#answer-done")).to_be_visible()
    result = officer.locator("#scan-result")
    expect(result).to_have_attribute("data-colour", "green")
    expect(result.locator("#result-photo")).to_be_visible()
    expect(result).to_contain_text(city.catalog.sample(GUIDE)["holder_name"])
    expect(officer.locator(".outcome"), "what came of it can be noted").to_have_count(1)
    holder.locator("#answer-end").click()
    holder.goto(f"{live_city.base}/holder#uses")
    expect(holder.locator("#uses li").first).to_contain_text(PURPOSE)
    token = code.rsplit("/", 1)[1]
    assert not [url for url in watch.addresses if token in url and "/v1/" in url]

    # Declined: the officer is told, and nothing else.
    officer.get_by_label("核验目的（持证人会看到）").fill("")
    code = ask(officer, "随机检查")
    expect(result).to_have_count(0)
    holder.goto(f"{live_city.base}/holder#wallet")
    holder.locator("#answer-paste summary").click()
    holder.locator("#answer-text").fill(code)
    holder.locator("#answer-open").click()
    expect(question).to_contain_text("随机检查")
    holder.locator("#answer-no").click()
    expect(holder.locator("#answer-done")).to_be_visible()
    expect(officer.locator("#ask-told")).to_contain_text("未同意")
    expect(result).to_have_count(0)


def photographed(text: str, dice: random.Random) -> bytes:
    """A code as a phone photographs it: small in the picture, from the side, turned, blurred, dark, noisy, as JPEG."""
    code = Image.open(io.BytesIO(qr_png(text))).convert("L")
    size = dice.randint(620, 800)
    code = code.resize((size, size), Image.Resampling.LANCZOS)
    ground = Image.new("L", (SIDE, SIDE), dice.randint(120, 200))
    ground.paste(code, ((SIDE - size) // 2, (SIDE - size) // 2))
    turned = ground.rotate(dice.uniform(-25, 25), resample=Image.Resampling.BICUBIC, fillcolor=150)
    lean = dice.uniform(0.08, 0.18) * SIDE
    corners = [(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)]
    seen = [(0, 0), (SIDE, lean), (SIDE, SIDE - lean), (0, SIDE)]
    leaning = turned.transform(
        (SIDE, SIDE), Image.Transform.PERSPECTIVE, plane(seen, corners), Image.Resampling.BICUBIC, fillcolor=150
    )
    blurred = leaning.filter(ImageFilter.GaussianBlur(dice.uniform(1.2, 2.4)))
    dark = ImageEnhance.Brightness(blurred).enhance(dice.uniform(0.25, 0.4))
    noise = Image.effect_noise((SIDE, SIDE), 14).point(lambda value: max(0, value - 110))
    out = io.BytesIO()
    Image.blend(dark, noise, 0.12).save(out, "JPEG", quality=dice.randint(45, 70))
    return out.getvalue()


def plane(seen: Sequence[tuple[float, float]], flat: Sequence[tuple[float, float]]) -> list[float]:
    """Coefficients by which PIL finds for each point of ``seen`` the one of ``flat`` (eight linear equations)."""
    rows = []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for at in range(8):
        best = max(range(at, 8), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for other in range(8):
            if other != at:
                rows[other] = [a - rows[other][at] * b for a, b in zip(rows[other], rows[at], strict=True)]
    return [row[8] for row in rows]


def codes(base: str, dice: random.Random) -> list[str]:
    """Ten codes: online, printed, asked, officers', and offline ones up to the longest there can be."""
    short = [
        f"{base}/{kind}/{urlsafe_b64encode(dice.randbytes(16)).decode()[:22]}" for kind in ("s", "q", "c", "o", "s")
    ]
    lengths = (380, 440, 500, 540, MAX_TEXT)
    long = ["ELC1:" + "".join(dice.choice(ALPHABET) for _ in range(length - 5)) for length in lengths]
    return [*short, *(text.rstrip(" .") for text in long)]


def test_photographs_of_codes_are_read_nine_times_of_ten(open_page: OpenPage, live_city: LiveCity) -> None:
    dice = random.Random(20261127)
    page = officer_page(open_page, live_city, live_city.city.officer_of(GUIDE))
    read: list[str] = []

    def taken(route: Route) -> None:
        read.append(json.loads(route.request.post_data or "{}")["code"])
        route.fulfill(status=201, content_type="application/json", body=json.dumps(NOTHING))

    page.route("**/v1/scans", taken)
    wanted = codes(live_city.city.service.deps.policy.public_base, dice)
    for text in wanted:
        picture: Any = {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photographed(text, dice)}
        page.set_input_files("#scan-picture", picture)
        # The box is emptied when the picture was looked at.
        expect(page.locator("#scan-picture")).to_have_value("")
        page.locator("#scan-result, #trouble [role=alert]").first.wait_for()
    assert sum(text in read for text in wanted) >= 9, [text[:30] for text in wanted if text not in read]
    assert set(read) <= set(wanted), "never another text"


NOTHING: dict[str, Any] = {
    "scan_id": "scn_0",
    "light": "amber",
    "text": "",
    "reasons": [],
    "license": None,
    "scene_name": "",
    "fields": [],
    "photo": "",
    "seal": None,
    "notes": [],
    "card_needed": False,
    "presenter": None,
    "bundle": None,
    "at": "2026-11-27T00:00:00Z",
}
