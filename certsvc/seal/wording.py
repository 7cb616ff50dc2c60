"""What a reason is in words; the words themselves stand in ``reason_words.py`` and ``offline_words.py``."""

from __future__ import annotations

from dataclasses import dataclass

from certsvc.seal.families import NEXT_STEP, Family


@dataclass(frozen=True, slots=True)
class Words:
    """A reason in words.

    Attributes:
        short_zh, short_en: two to twelve words for the head of a page.
        zh, en: one sentence.
        own_next: the next step in Chinese and English where that of the family does not help; else None.
    """

    family: Family
    short_zh: str
    short_en: str
    zh: str
    en: str
    own_next: tuple[str, str] | None = None

    @property
    def next_zh(self) -> str:
        """The next step in Chinese."""
        return (self.own_next or NEXT_STEP[self.family])[0]

    @property
    def next_en(self) -> str:
        """The next step in English."""
        return (self.own_next or NEXT_STEP[self.family])[1]
