"""一业一证: how a bundle stands, derived from its members each time; nothing about it is stored (DOMAIN.md 1.7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.entry import Bundle


class MemberStanding(StrEnum):
    """How one license of the bundle stands; the caller knows the register."""

    GOOD = "good"
    ATTENTION = "attention"
    """valid, but amber: due for a check, 歇业, an obligation past its date"""
    ENDED = "ended"
    """expired, suspended or ended by a decision"""
    MISSING = "missing"
    """none was ever issued to this holder"""


class BundleState(StrEnum):
    """What a scan of the one code says."""

    COMPLETE = "complete"
    """齐备"""
    ATTENTION = "attention"
    """齐备，有事项待办"""
    INCOMPLETE = "incomplete"
    """未办齐: a required license was never issued"""
    IMPAIRED = "impaired"
    """状态异常: a license in it has ended or is suspended"""


BUNDLE_ZH: dict[BundleState, str] = {
    BundleState.COMPLETE: "齐备",
    BundleState.ATTENTION: "齐备，有事项待办",
    BundleState.INCOMPLETE: "未办齐",
    BundleState.IMPAIRED: "状态异常",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleStanding:
    """The derived state, and the slugs that made it so in the order of the bundle."""

    state: BundleState
    missing: tuple[str, ...]
    ended: tuple[str, ...]
    attention: tuple[str, ...]


def bundle_standing(bundle: Bundle, members: Mapping[str, MemberStanding]) -> BundleStanding:
    """The standing of a bundle.

    Args:
        bundle: from the catalog.
        members: standing by slug; a slug left out counts as missing, one that the bundle does not have is ignored.
    """

    def having(standing: MemberStanding, slugs: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(slug for slug in slugs if members.get(slug, MemberStanding.MISSING) is standing)

    every = bundle.required + bundle.optional
    missing = having(MemberStanding.MISSING, bundle.required)
    ended, attention = having(MemberStanding.ENDED, every), having(MemberStanding.ATTENTION, every)
    if ended:
        state = BundleState.IMPAIRED
    elif missing:
        state = BundleState.INCOMPLETE
    else:
        state = BundleState.ATTENTION if attention else BundleState.COMPLETE
    return BundleStanding(state=state, missing=missing, ended=ended, attention=attention)
