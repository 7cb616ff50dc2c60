"""What a file looked like when it was sealed, and looks like now: the pages that differ, or why none can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Compared(StrEnum):
    """How the comparison ended."""

    SHOWN = "shown"
    """some pages differ"""
    SAME_LOOK = "same_look"
    """something follows the sealed part, and no page that was compared looks different"""
    NOTHING_AFTER = "nothing_after"
    """nothing follows the sealed part"""
    NO_SEAL = "no_seal"
    """no seal that is sound and trusted says what the pages were"""
    CANNOT_DRAW = "cannot_draw"
    """the pages cannot be drawn within the limits"""


COMPARED_WORDS: dict[Compared, tuple[str, str]] = {
    Compared.SHOWN: (
        "盖章以后，下列页面的样子变了。",
        "These pages look different since the file was sealed.",
    ),
    Compared.SAME_LOOK: (
        "盖章以后文件里追加了内容，但所比对的页面看起来没有变化；改动可能在看不见的地方。",
        "Something was added after sealing, but the pages that were compared look the same.",
    ),
    Compared.NOTHING_AFTER: (
        "盖章以后没有追加内容，没有两个样子可以比对；登记的原件含有个人信息，不在这里提供。",
        "Nothing was added after sealing, so nothing can be compared; the registered original is not given here.",
    ),
    Compared.NO_SEAL: (
        "没有一枚印章与现在的内容相符且受信任，无法还原盖章时的页面。",
        "No trusted seal fits the content as it is now: the pages as sealed cannot be restored.",
    ),
    Compared.CANNOT_DRAW: (
        "页面无法在限定的时间和内存内绘制，不能比对。",
        "The pages cannot be drawn within the limits of time and memory.",
    ),
}
"""In plain words, Chinese and English."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedPage:
    """A page that differs.

    Attributes:
        number: from 1.
        sealed, now: PNG; empty where the file had, or has, no such page.
        region: left, top, right and bottom of what differs, as parts of the page; None when the whole page does.
    """

    number: int
    sealed: bytes
    now: bytes
    region: tuple[float, float, float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The pages as sealed beside the pages now.

    Attributes:
        pages_sealed, pages_now: how many pages there were, and are.
        compared: how many were compared, from the first.
        more: whether more pages differ than are shown.
    """

    outcome: Compared
    pages: tuple[ChangedPage, ...] = ()
    pages_sealed: int = 0
    pages_now: int = 0
    compared: int = 0
    more: bool = False
