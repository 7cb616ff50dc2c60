"""Two thousand holders: what readers extract is what the data says, character for character."""

from __future__ import annotations

import random
from dataclasses import replace

import pypdfium2 as pdfium
import pytest
from rendering_samples import PORTRAIT, VALUES, item, job, license_type, renderer

from certsvc.rendering.page import chinese_date

COUNT, PARTS_OF_IT = 2000, 4
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
FACE = replace(
    PORTRAIT,
    photo=None,
    items=(
        item("持证人", "holder_name", 66.0, 20.0, min_size=5.0),
        item("代码", "holder_code", 90.0),
        item("编号", "number", 102.0),
    ),
)


def holder(dice: random.Random) -> str:
    """A name of one of five kinds: Han, rare Han, joined by dots, long Latin, a firm with a foreign name."""
    kind = dice.randrange(5)
    if kind == 0:
        return dice.choice(SURNAMES) + "".join(dice.choices(GIVEN, k=dice.randint(1, 3)))
    if kind == 1:
        return dice.choice(SURNAMES) + "".join(chr(dice.randint(*dice.choice(RARE))) for _ in range(dice.randint(1, 3)))
    if kind == 2:
        return "·".join(dice.sample(PARTS, dice.randint(2, 4)))
    if kind == 3:
        return " ".join(dice.choices(LATIN, k=dice.randint(2, 9)))
    return f"示例（{dice.choice(LATIN)}）{''.join(dice.choices(GIVEN, k=4))}有限公司"


@pytest.mark.parametrize("part", range(PARTS_OF_IT))
def test_two_thousand_holders_are_extracted_as_their_data_says(part: int) -> None:
    dice = random.Random(20260101 + part)
    kind = license_type(FACE)
    rare = 0
    for number in range(COUNT // PARTS_OF_IT):
        name = holder(dice)
        if renderer().check_glyphs(name):
            continue
        rare += any(ord(char) > 0xFFFF for char in name)
        values = {**VALUES, "holder_name": name, "number": f"JY2990000{number:07d}"}
        page = job(FACE, license_type=kind, values=values, photo=None, sandbox=False)
        document = pdfium.PdfDocument(renderer().render(page).data)
        text = "".join(document[0].get_textpage().get_text_range().split())
        document.close()
        expected = "".join(
            [name, VALUES["holder_code"], values["number"], page.issuer_name, chinese_date(page.issued_on)]
        )
        assert text.endswith("扫码核验" + "".join(expected.split())), name
    assert rare > COUNT // PARTS_OF_IT // 10
