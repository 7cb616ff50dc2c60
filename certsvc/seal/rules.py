"""The rules of a seal beside its license types and its daily budget: where, when, how fast, and with whose approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import SHANGHAI, check_aware
from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.region import Region

if TYPE_CHECKING:
    from datetime import datetime

MINUTES_OF_DAY = 24 * 60
MAX_LISTED = 200
"""Matters, regions or types of one seal; a longer list is a mistake and would make every check of a use slow."""

MAX_PEOPLE = 20
"""Named approvers, and keepers, of one seal."""

MAX_PER_MINUTE = 6_000
"""A hundred uses a second is more than one key signs."""

MAX_DAILY_BUDGET = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class UseHours:
    """When a seal may be used (用印时段), in Asia/Shanghai.

    Attributes:
        days: ISO days of the week (1 Monday … 7 Sunday).
        begins, ends: minutes after midnight; the first minute is in the window, the last is not.
    """

    days: tuple[int, ...]
    begins: int
    ends: int

    def cover(self, at: datetime) -> bool:
        """Whether ``at`` lies in the window."""
        local = check_aware(at).astimezone(SHANGHAI)
        return local.isoweekday() in self.days and self.begins <= local.hour * 60 + local.minute < self.ends

    @property
    def zh(self) -> str:
        """For people: ``周一至周五 08:30-18:00`` or the days one by one."""
        names = "一二三四五六日"
        run = tuple(range(self.days[0], self.days[-1] + 1)) == self.days and len(self.days) > 1
        days = (
            f"周{names[self.days[0] - 1]}至周{names[self.days[-1] - 1]}"
            if run
            else "、".join(f"周{names[day - 1]}" for day in self.days)
        )
        return f"{days} {_clock(self.begins)}-{_clock(self.ends)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealRules:
    """What a use must keep to; an empty list, None or 0 means that there is no such rule.

    Attributes:
        matters: 事项 codes that the seal may be used for.
        regions: GB/T 2260 codes; a use must lie in one of them.
        hours: when it may be used.
        per_minute: most uses in any sixty seconds.
        manual_needed: how many of ``approvers`` must agree to one manual use (m of n).
        approvers: subjects of the people who may agree.
        keepers: subjects of its 保管人; empty means every keeper of the owner.
    """

    matters: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    hours: UseHours | None = None
    per_minute: int = 0
    manual_needed: int = 0
    approvers: tuple[str, ...] = ()
    keepers: tuple[str, ...] = ()

    def allows_matter(self, code: str) -> bool:
        """Whether a use for this matter lies in the scope."""
        return not self.matters or code in self.matters

    def allows_region(self, code: str) -> bool:
        """Whether a use for this region lies in the scope: in one of the regions, or in a part of one."""
        return not self.regions or any(region_contains(wide, code) for wide in self.regions)

    def kept_by(self, subject: str) -> bool:
        """Whether this keeper of the owner keeps this seal."""
        return not self.keepers or subject in self.keepers


NO_RULES = SealRules()
"""Of a seal that only its types and its budget bind."""


def region_contains(wide: str, code: str) -> bool:
    """Whether region ``code`` is ``wide`` or lies in it; False for texts that are no region codes."""
    try:
        return Region.parse(wide).contains(Region.parse(code))
    except InvalidIdentifier:
        return False


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
