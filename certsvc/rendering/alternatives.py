"""What to write in place of a character that cannot be printed, where that is known for certain.

Three sources: the code points of private use that systems of GB 18030-2000 and GBK gave to characters which Unicode
had not yet (GB 18030-2005 and -2022 moved them to where they belong), the compatibility forms of Unicode, and the
character itself where a variation selector was put behind it.
"""

from __future__ import annotations

import unicodedata
from functools import cache

_FIRST = 0xE815
"""The code point of private use for 0xFE50, the first of eighty ideographs and components (GBK/5)."""
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


@cache
def private_use() -> dict[str, str]:
    """Characters of private use in old Chinese systems, and the Unicode characters that they stand for."""
    table = {chr(old): chr(new) for old, new in _MOVED.items()}
    for index, trail in enumerate(_TRAILS):
        char = bytes([_ROW, trail]).decode("gb18030")
        if unicodedata.category(char) != "Co":
            table[chr(_FIRST + index)] = char
    return table


def alternative(char: str) -> str:
    """One character to write in place of ``char``, or an empty text when none is known for certain."""
    known = private_use().get(char)
    if known:
        return known
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain != char else ""
