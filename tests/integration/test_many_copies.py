"""Many annotated copies, every one of them looked at: verdicts, a second reader, the picture, and how each ends."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from fixtures_city import FONTS, ServedCity
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageStat
from test_annotated_copies import MATTER_NAME, check, copy_of, marked_everywhere, original, text_of
from test_fetch import CLIENT, SLUG

from certsvc.clock import FixedClock, SystemClock
from certsvc.rendering.raster import page_image

SAMPLE, ALL = 12, 500
SHORT = timedelta(days=10)
"""So long every second copy is good; the others last until their license ends."""
SCALE = 2
"""Pixels of a point."""
RISES, ROW, RAISED, SIZE, PITCH = 32, 112.0, 0.72, 12.0, 17.0
"""How the watermark lies, in degrees and points, measured once more here: the block above the middle of the page."""
FONT, EM = str(FONTS / "NotoSansSC_400Regular.ttf"), 1000
ALIKE = 0.5
"""Correlation of the words as we draw them with the ink at their place, at least; other words stay below it."""


@dataclass(frozen=True)
class Made:
    """A copy and what was asked for."""

    case_no: str
    given: dict[str, Any]
    data: bytes

    @property
    def short(self) -> bool:
        return int(self.case_no.rpartition("-")[2]) % 2 == 0

    def words(self) -> list[str]:
        """The lines of the watermark."""
        until = datetime.fromisoformat(self.given["copy_until"]) + timedelta(hours=8)
        day = f"{until.year}年{until.month}月{until.day}日"
        return [
            "仅供示例省市场监督管理局办理",
            f"“{MATTER_NAME}（新办）”使用",
            f"办件 {self.case_no}　有效至{day}{until.hour}时{until.minute:02d}分",
            f"加注件 {self.given['copy_number']}",
        ]


def correlation(one: Image.Image, other: Image.Image) -> float:
    """Of the shades of two pictures of one size: 1 where they are the same but for contrast."""
    a, b = ImageStat.Stat(one), ImageStat.Stat(other)
    together = ImageStat.Stat(ImageChops.multiply(one, other)).mean[0] * 255 - a.mean[0] * b.mean[0]
    return float(together / max(1e-6, a.stddev[0] * b.stddev[0]))


def picture(data: bytes) -> Image.Image:
    with pikepdf.open(io.BytesIO(data)) as document:
        width = float(document.pages[0].MediaBox[2])
    return page_image(data, round(width * SCALE)).convert("L")


def ink(copy: bytes, plain: Image.Image) -> Image.Image:
    """What the copy's picture has over the original's, turned so that the watermark lies level."""
    page = picture(copy).crop((0, 0, *plain.size))
    differs = ImageChops.difference(page, plain).point(lambda value: min(255, value * 4))
    return differs.rotate(-RISES, Image.Resampling.BICUBIC)


@cache
def measure() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, EM)


def likeness(level: Image.Image, words: list[str]) -> list[float]:
    """Of each line as this test draws it, with the ink that is at its place."""
    font = ImageFont.truetype(FONT, SIZE * SCALE)
    found = []
    for number, line in enumerate(words):
        # One by one: a line set as a whole is kerned, and its steps are of whole pixels.
        steps = [measure().getlength(char) / EM * SIZE * SCALE for char in line]
        left, base = (level.width - sum(steps)) / 2, level.height / 2 - (RAISED * ROW - PITCH * number) * SCALE
        top, high = round(base - SIZE * SCALE), round(1.25 * SIZE * SCALE)
        drawn = Image.new("L", (round(sum(steps)), high))
        for at, char in enumerate(line):
            place = (left - round(left) + sum(steps[:at]), base - top)
            ImageDraw.Draw(drawn).text(place, char, 255, font, anchor="ls")
        there = level.crop((round(left), top, round(left) + drawn.width, top + high))
        found.append(correlation(drawn, there))
    return found


def signed_for_others(path: Path) -> None:
    """A reader that is not ours finds the whole file signed."""
    said = subprocess.run(["pdfsig", path], check=False, capture_output=True, text=True).stdout
    assert "Signature is Valid" in said
    assert "Total document signed" in said


def many_copies(city: ServedCity, clock: FixedClock, count: int, tmp_path: Path) -> None:
    done = city.issue(SLUG, "C-1")
    until = (clock.now() + SHORT).isoformat()
    made = []
    for n in range(count):
        asked = {"case_no": f"BJ-2026-{n:03d}", **({"copy_until": until} if n % 2 == 0 else {})}
        made.append(Made(asked["case_no"], *copy_of(city, **asked)))
    assert len({hashlib.sha256(one.data).digest() for one in made}) == count
    assert len({one.given["copy_number"] for one in made}) == count
    looked_at(city, made, original(city, done["identifier"]), tmp_path)
    clock.advance(SHORT)
    city.tokens.clear()
    for one in made:
        assert refusal(city, one) == (("copy_expired", 409) if one.short else ("ok_copy", 200)), one.case_no
    city.answer(city.move(done["identifier"], "revoke", slug=SLUG), 201)
    for one in made:
        # That its license ended is the graver thing to say of one that expired before.
        assert refusal(city, one) == ("copy_license_ended", 409), one.case_no
    [(open_uses,)] = city.rows("SELECT count(*) FROM reservations WHERE result <> 'used'")
    assert open_uses == 0, "every use of the seal was reserved and answered"


def looked_at(city: ServedCity, made: list[Made], plain: bytes, tmp_path: Path) -> None:
    """Each verifies here and elsewhere, and bears its own words in text and picture, and those of no other copy."""
    before = picture(plain)
    path = tmp_path / "copy.pdf"
    for one, other in zip(made, [*made[1:], made[0]], strict=True):
        assert check(city, one.data)["reason"] == "ok_copy", one.case_no
        path.write_bytes(one.data)
        signed_for_others(path)
        text = re.sub(r"\s", "", text_of(one.data, tmp_path))
        for said in (one.case_no, one.given["copy_number"]):
            assert said in text, one.case_no
        assert other.case_no not in text
        assert marked_everywhere(one.data, plain), one.case_no
        level = ink(one.data, before)
        own, others = likeness(level, one.words()), likeness(level, other.words())
        assert min(own) > ALIKE, (one.case_no, own)
        assert all(mine > theirs for mine, theirs in zip(own[2:], others[2:], strict=True)), (own, others)


def refusal(city: ServedCity, one: Made) -> tuple[str, int]:
    """The verdict over the file, and whether it is given out again."""
    again = city.client.get(f"/v1/fetches/{one.given['fetch_id']}/copy", headers=city.system(CLIENT))
    return check(city, one.data)["reason"], again.status_code


@pytest.fixture
def moving(sqlite_url: str, make_city: Callable[..., ServedCity]) -> tuple[ServedCity, FixedClock]:
    """A city whose clock is set by hand."""
    clock = FixedClock(SystemClock().now())
    return make_city(sqlite_url, clock=clock), clock


def test_a_sample_of_copies_verify_show_the_mark_and_end(moving: tuple[ServedCity, FixedClock], tmp_path: Path) -> None:
    many_copies(*moving, SAMPLE, tmp_path)


def test_words_that_are_not_on_the_page_are_not_found_there(
    moving: tuple[ServedCity, FixedClock], tmp_path: Path
) -> None:
    """The look at the picture tells: a page without the mark has none of the words, and the mark is none of others."""
    city, _ = moving
    done = city.issue(SLUG, "C-1")
    plain = original(city, done["identifier"])
    one = Made("BJ-2026-001", *copy_of(city, case_no="BJ-2026-001"))
    before = picture(plain)
    assert max(likeness(ink(plain, before), one.words())) < ALIKE
    wrong = ["证照正本处处可用不必另行核对", "出借转让涂改一概听便", "长期有效不限办件二〇九九", "原件正本无编号"]
    found = likeness(ink(one.data, before), wrong)
    assert max(found) < ALIKE


@pytest.mark.slow
def test_five_hundred_copies_verify_show_the_mark_and_end(
    moving: tuple[ServedCity, FixedClock], tmp_path: Path
) -> None:
    many_copies(*moving, ALL, tmp_path)
