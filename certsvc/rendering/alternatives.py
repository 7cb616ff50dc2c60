"""What to write in place of a character that cannot be printed, where that is known for certain.

Three sources: the characters of private use that have a code point of their own since (``catalog.old_characters``), the
compatibility forms of Unicode, and the character itself where a variation selector was put behind it.
"""

from __future__ import annotations

import unicodedata

from certsvc.catalog.old_characters import standard_for


def alternative(char: str) -> str:
    """One character to write in place of ``char``, or an empty text when none is known for certain."""
    if known := standard_for(char):
        return known
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain != char else ""
