"""自造字区 characters of old systems that have had a code point of their own since: what to write instead.

Fonts of the nineties put the characters of GBK rows FE50 to FEA0 at U+E815 to U+E864, one after the other. GB 18030 has
given the same bytes to real code points since; the 14 that Python's tables still hold at the old place are added.
"""

from __future__ import annotations

import re
from functools import cache

FIRST, LAST = 0xE815, 0xE864
_LEAD, _FIRST_TRAIL, _NO_TRAIL = 0xFE, 0x50, 0x7F
_SINCE_2005 = {
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
}
PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
"""What only the system that made it knows the looks of."""


@cache
def standard_for(character: str) -> str:
    """The character that GB 18030 has for an old one now, or empty when nobody can know."""
    code = ord(character)
    if code in _SINCE_2005:
        return chr(_SINCE_2005[code])
    if not FIRST <= code <= LAST:
        return ""
    trail = _FIRST_TRAIL + code - FIRST
    return bytes((_LEAD, trail + (trail >= _NO_TRAIL))).decode("gb18030")
