"""代亮: a holder lets family or staff show named licenses for named scenes until a day, a number of times.

Laws (DOMAIN.md 3):

* ``offered → active → ended``; ``offered → declined``. Only the delegate makes it active. ``active ⇄ unconfirmed``:
  a new 法定代表人 has not confirmed it yet, and nothing is shown under it meanwhile.
* A company's chain is 法定代表人 → at most five 证照管理员 → 办事人; nobody below hands on. What a manager lets others
  show, and until when, lies within what the manager may show.
* When one ends, for whatever reason, everything below it ends. Death ends every one that the person gave or was given.
* Its end is the end of its last day in Asia/Shanghai; being past it is derived, never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.license.model import Holder

MAX_MANAGERS = 5
"""证照管理员 of one company at a time (DOMAIN.md 3)."""

MAX_DELEGATION_DAYS = 366
"""A longer one outlives the holder's memory of it."""

MAX_DELEGATION_USES = 1000
"""Codes under one delegation: a shop shows a few a day; stops one that leaked from being mined."""

MAX_OPEN_DELEGATIONS = 200
"""Delegations of one holder that are offered or in force: bounds what one account can write and what a list reads."""

MAX_SCOPE = 50
"""Licenses in one delegation."""

MAX_USE_MATTERS = 50
"""Matters named in one delegation; more is ``*``, which the holder should say in so many words."""

ANY_MATTER = "*"
"""In ``use_matters``: consent for every matter."""


class DelegationLevel(StrEnum):
    """Which step of which chain."""

    FAMILY = "family"
    """亲属: a person's licenses"""
    MANAGER = "manager"
    """证照管理员, named by the 法定代表人"""
    STAFF = "staff"
    """办事人, named by a 证照管理员"""


LEVEL_ZH: dict[DelegationLevel, str] = {
    DelegationLevel.FAMILY: "亲属",
    DelegationLevel.MANAGER: "证照管理员",
    DelegationLevel.STAFF: "办事人",
}


class DelegationState(StrEnum):
    """What became of it; ``expired`` and ``used_up`` are derived and never stored."""

    OFFERED = "offered"
    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    DECLINED = "declined"
    ENDED = "ended"
    EXPIRED = "expired"
    USED_UP = "used_up"


OPEN_STATES = frozenset({DelegationState.OFFERED, DelegationState.ACTIVE, DelegationState.UNCONFIRMED})


END_ZH: dict[str, str] = {
    "grantor": "授权人已收回",
    "delegate": "受托人已退出",
    "above": "上级授权已结束",
    "representative": "法定代表人已变更",
    "death": "当事人死亡",
}


class DelegationEnd(StrEnum):
    """Why one ended."""

    BY_GRANTOR = "grantor"
    BY_DELEGATE = "delegate"
    ABOVE = "above"
    """the one above it ended"""
    REPRESENTATIVE = "representative"
    """another 法定代表人 came before it was accepted"""
    DEATH = "death"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """One delegation.

    Attributes:
        parent_id: the manager's delegation under which staff were named; empty at the top.
        holder: whose licenses these are.
        grantor: who named the delegate: the holder, the 法定代表人 or the 证照管理员.
        delegate: who may show.
        scope: license id -> codes of the scenes.
        until: last day.
        slot: 1 to 5 of a manager in office, else 0.
        use_matters: matters for which the delegate may consent to uses (委托用证); ``*`` for every one.
    """

    delegation_id: str
    parent_id: str
    level: DelegationLevel
    holder: Holder
    grantor: Holder
    delegate: Holder
    scope: Mapping[str, tuple[str, ...]]
    until: date
    max_uses: int
    used: int
    slot: int
    state: DelegationState
    created_at: datetime
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    ended_because: str = ""
    use_matters: tuple[str, ...] = ()

    def stands(self, now: datetime) -> DelegationState:
        """The state at ``now``, its last day and its number of uses included."""
        if self.state in OPEN_STATES and local_day(now) > self.until:
            return DelegationState.EXPIRED
        if self.state is DelegationState.ACTIVE and self.used >= self.max_uses:
            return DelegationState.USED_UP
        return self.state

    def consents(self, license_id: str, matter_code: str, now: datetime) -> bool:
        """Whether a use for a matter may be consented to under it now; what was consented needs no use that is left."""
        matters = ANY_MATTER in self.use_matters or matter_code in self.use_matters
        stands = self.state is DelegationState.ACTIVE and local_day(now) <= self.until
        return stands and matters and license_id in self.scope

    def allows(self, license_id: str, scene: str, now: datetime) -> bool:
        """Whether a code may be made under it now; an empty ``scene`` asks for any of them."""
        scenes = self.scope.get(license_id, ())
        return self.stands(now) is DelegationState.ACTIVE and (scene in scenes if scene else bool(scenes))
