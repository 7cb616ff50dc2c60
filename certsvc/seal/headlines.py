"""A verdict as a person reads it first: a mark, a few words and the next step.

The indication is for machines and follows EN 319 102-1: a good seal is ``TOTAL-PASSED`` also where no register was
asked, and a license that was good at the moment asked about is that however it stands now. A person who reads only the
first words must not take either for "rely on it".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.seal.families import NEXT_STEP, Family
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch

if TYPE_CHECKING:
    from certsvc.seal.verdict import Verdict


class Mark(StrEnum):
    """What a reader may conclude at the first glance."""

    PASSED = "passed"
    SEAL_ONLY = "seal_only"
    """the seal is good; how the license stands was not asked"""
    SINCE_CHANGED = "since_changed"
    """passed at the moment asked about, and not now"""
    FAILED = "failed"
    OPEN = "open"
    UNREADABLE = "unreadable"
    """nothing was judged: the upload is no file that could be"""


MARK_ZH: dict[Mark, str] = {
    Mark.PASSED: "通过",
    Mark.SEAL_ONLY: WORDS[Reason.OK_REGISTER_NOT_ASKED].short_zh,
    Mark.SINCE_CHANGED: "当时通过，现在已变",
    Mark.FAILED: "不通过",
    Mark.OPEN: "无法判定",
    Mark.UNREADABLE: "无法核验",
}
"""What files of a mark are counted as."""

_SOUND_NOW = frozenset({Family.OK, Family.NOTED})
"""Families of a license that is in force."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The first words of a verdict."""

    mark: Mark
    zh: str


def headline_of(verdict: Verdict) -> Headline:
    """Mark and words of a verdict."""
    mark = _mark(verdict)
    words = WORDS[verdict.reason]
    if mark is Mark.UNREADABLE:
        return Headline(mark, words.short_zh)
    if mark is Mark.SEAL_ONLY and verdict.registry_match is RegistryMatch.NONE:
        return Headline(mark, "印章有效（登记中没有）")
    if verdict.later is not None:
        then = "不通过" if mark is Mark.FAILED else "通过"
        return Headline(mark, f"当时{then}，现在{_now_zh(verdict.later)}")
    if verdict.as_of is not None and mark is Mark.PASSED:
        return Headline(mark, "当时通过")
    return Headline(mark, MARK_ZH[mark])


def next_step(verdict: Verdict) -> tuple[str, str]:
    """What the reader of a verdict does now, in Chinese and English: that of its reason, unless things have changed."""
    if verdict.later is not None:
        now, now_en = _now_zh(verdict.later), WORDS[verdict.later].short_en
        if _mark(verdict) is Mark.SINCE_CHANGED:
            return (
                f"当时可以采信；证照现在{now}，现在的事项请勿采信。",
                f"It could be relied on then. Now: {now_en}. Do not rely on it for anything of today.",
            )
        return (
            f"这是当时的结论；证照现在{now}，办现在的事项请不填时刻再核验一次。",
            f"This was so then. Now: {now_en}. For anything of today, check again as of now.",
        )
    if _mark(verdict) is Mark.SEAL_ONLY:
        return NEXT_STEP[Family.SEAL_ONLY]
    words = WORDS[verdict.reason]
    return words.next_zh, words.next_en


def only_added_to(verdict: Verdict) -> bool:
    """Whether what the seals cover is as it was sealed, and the file differs only by what was added to it."""
    sound = [one.intact is Check.GOOD and one.valid is Check.GOOD for one in verdict.signatures]
    return verdict.integrity is Check.BAD and bool(sound) and all(sound)


def _mark(verdict: Verdict) -> Mark:
    family = WORDS[verdict.reason].family
    if family is Family.BROKEN:
        return Mark.UNREADABLE
    if verdict.indication is Indication.INDETERMINATE:
        return Mark.OPEN
    if verdict.indication is Indication.TOTAL_FAILED:
        return Mark.FAILED
    if verdict.later is not None and WORDS[verdict.later].family not in _SOUND_NOW:
        return Mark.SINCE_CHANGED
    unasked = verdict.registry_match in {RegistryMatch.NONE, RegistryMatch.NOT_CHECKED}
    if family is Family.SEAL_ONLY or (verdict.reason is Reason.OK and unasked):
        # Anchors that the caller brought make a seal good here, and nobody's register was asked.
        return Mark.SEAL_ONLY
    return Mark.PASSED


def _now_zh(later: Reason) -> str:
    return "正常" if later is Reason.OK else WORDS[later].short_zh
