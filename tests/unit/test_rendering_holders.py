"""Two thousand holders on the faces of every type: readers extract what the data says, character for character."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from rendering_samples import renderer, sample_job

from certsvc.catalog.loader import load_catalog
from certsvc.commands.page_ports import PageJob
from certsvc.rendering.page import chinese_date

CATALOG = load_catalog()
SLUGS = tuple(kind.slug for kind in CATALOG.types)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许欧阳司马上官诸葛"
GIVEN = "镕喆堃翀昇頔犇骉煜晟烨玥珺怡萱梓涵轩宇浩然子墨雨桐一诺"
RARE = (
    (0x3400, 0x4DB5),
    (0x20000, 0x2A6D6),
    (0x2A700, 0x2B734),
    (0x2B740, 0x2B81D),
    (0x2B820, 0x2CEA1),
    (0x2CEB0, 0x2EBE0),
)
_PARTS = "阿依古丽 买买提 吐尔逊 阿卜杜热西提 才仁 卓玛 扎西 多吉 木合塔尔 帕提古丽 哈力克 沙依然"
_LATIN = "Wolfeschlegel Hubert Blaine Müller Łukasiewicz François Đorđević Ångström Nguyễn Oʼ Anne-Marie van der Sloot"
PARTS, LATIN = _PARTS.split(), _LATIN.split()
KINDS = ("han", "rare", "dots", "latin", "firm")


def printable(dice: random.Random) -> str:
    """A rare character that the fonts have; those that nobody has are counted in docs/fonts-coverage.md."""
    while True:
        char = chr(dice.randint(*dice.choice(RARE)))
        if not renderer().check_glyphs(char):
            return char


def holder(dice: random.Random, kind: str) -> str:
    """A name: Han, rare Han, joined by dots, long Latin, a firm with a foreign name."""
    if kind == "han":
        return dice.choice(SURNAMES) + "".join(dice.choices(GIVEN, k=dice.randint(1, 3)))
    if kind == "rare":
        return dice.choice(SURNAMES) + "".join(printable(dice) for _ in range(dice.randint(1, 3)))
    if kind == "dots":
        return "·".join(dice.sample(PARTS, dice.randint(2, 4)))
    if kind == "latin":
        return " ".join(dice.choices(LATIN, k=dice.randint(2, 9)))
    return f"示例（{dice.choice(LATIN)}）{''.join(dice.choices(GIVEN, k=4))}有限公司"


def expected(page: PageJob) -> list[str]:
    """Every text that a page prints of its data, in the order of the face."""
    shown = [page.values[item.source] for item in page.license_type.face.items]
    return [*shown, page.issuer_name, chinese_date(page.issued_on)]


def joined(text: str) -> str:
    """Without white space: a reader cannot tell a line that was wrapped from two."""
    return "".join(text.split())


@pytest.mark.parametrize("count", [500, pytest.param(2_000, marks=pytest.mark.slow)])
def test_holders_are_extracted_as_their_data_says(count: int) -> None:
    dice = random.Random(20260101)
    bases = [replace(sample_job(CATALOG, slug), sandbox=False) for slug in SLUGS]
    seen = dict.fromkeys(KINDS, 0)
    for number in range(count):
        kind, base = KINDS[number % len(KINDS)], bases[number % len(bases)]
        name = holder(dice, kind)
        page = replace(base, values={**base.values, "holder_name": name})
        document = pdfium.PdfDocument(renderer().render(page).data)
        text = document[0].get_textpage().get_text_range()
        document.close()
        assert joined(text).endswith(joined("扫码核验" + "".join(expected(page)))), (page.license_type.slug, name)
        if kind == "latin":
            assert name in " ".join(text.split()), "blanks are part of a Latin name, wrapped or not"
        seen[kind] += 1
    assert min(seen.values()) == count // len(KINDS)


def test_a_second_reader_finds_every_value_of_every_type(tmp_path: Path) -> None:
    """Poppler orders a page its own way, so each value is looked for by itself."""
    for slug in SLUGS:
        page = replace(sample_job(CATALOG, slug), sandbox=False)
        path = tmp_path / f"{slug}.pdf"
        path.write_bytes(renderer().render(page).data)
        done = subprocess.run(["pdftotext", "-enc", "UTF-8", "-raw", str(path), "-"], check=True, capture_output=True)
        text = joined(done.stdout.decode("utf-8"))
        missing = [value for value in expected(page) if joined(value) not in text]
        assert not missing, slug
