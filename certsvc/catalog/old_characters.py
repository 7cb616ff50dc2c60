"""自造字区 characters of old systems that have had a code point of their own since: what to write instead.

Fonts of the nineties put the characters of GBK rows FE50 to FEA0 at U+E815 to U+E864, one after the other, and some
letters and vertical forms elsewhere. GB 18030-2005 and -2022 moved them to where they belong.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

FIRST, LAST = 0xE815, 0xE864
"""Code points of private use for 0xFE50 to 0xFEA0, eighty ideographs and components (GBK/5)."""
_ROW = 0xFE
_TRAILS = (*range(0x50, 0x7F), *range(0x80, 0xA1))
_MOVED = {
    # The fourteen of them that GB 18030-2000 still left in private use, and where GB 18030-2022 has them.
    0xE816: 0x20087,
    0xE817: 0x20089,
    0xE818: 0x200CC,
    0xE81E: 0x9FB4,
    0xE826: 0x9FB5,
    0xE82B: 0x9FB6,
    0xE82C: 0x9FB7,
    0xE831: 0x215D7,
    0xE832: 0x9FB8,
    0xE83B: 0x2298F,
    0xE843: 0x9FB9,
    0xE854: 0x9FBA,
    0xE855: 0x241FE,
    0xE864: 0x9FBB,
    # Two letters of Pinyin, and ten vertical forms.
    0xE7C7: 0x1E3F,
    0xE7C8: 0x01F9,
    0xE78D: 0xFE10,
    0xE78E: 0xFE12,
    0xE78F: 0xFE11,
    0xE790: 0xFE13,
    0xE791: 0xFE14,
    0xE792: 0xFE15,
    0xE793: 0xFE16,
    0xE794: 0xFE17,
    0xE795: 0xFE18,
    0xE796: 0xFE19,
}
PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
"""What only the system that made it knows the looks of."""


@cache
def private_use() -> dict[str, str]:
    """Characters of private use in old Chinese systems, and the Unicode characters that they stand for."""
    table = {chr(old): chr(new) for old, new in _MOVED.items()}
    for index, trail in enumerate(_TRAILS):
        char = bytes([_ROW, trail]).decode("gb18030")
        if unicodedata.category(char) != "Co":
            table[chr(FIRST + index)] = char
    return table


def standard_for(character: str) -> str:
    """The character that GB 18030 has for an old one now, or empty when nobody can know."""
    return private_use().get(character, "")
