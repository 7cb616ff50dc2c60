"""成批换章: a plan that gives licenses in force a new form of their file, sealed as things are today (pure).

Laws:

* ``proposed → running | declined | cancelled``; ``running ⇄ paused``; both → ``cancelled``; ``running → done``. Who
  proposed does not decide.
* A license has one outcome in a plan. Number, identifier, dates, state and version stay; every earlier form stays
  registered and genuine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.seal.care import LossKind


class PlanState(StrEnum):
    """Where a plan stands."""

    PROPOSED = "proposed"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    DECLINED = "declined"
    CANCELLED = "cancelled"


PLAN_ZH: dict[PlanState, str] = {
    PlanState.PROPOSED: "待审批",
    PlanState.RUNNING: "办理中",
    PlanState.PAUSED: "已暂停",
    PlanState.DONE: "已办结",
    PlanState.DECLINED: "未批准",
    PlanState.CANCELLED: "已取消",
}


class PlanMove(StrEnum):
    """What people may do with a plan that was approved, or is to be."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


PLAN_MOVES: dict[PlanMove, tuple[frozenset[PlanState], PlanState]] = {
    PlanMove.PAUSE: (frozenset({PlanState.RUNNING}), PlanState.PAUSED),
    PlanMove.RESUME: (frozenset({PlanState.PAUSED}), PlanState.RUNNING),
    PlanMove.CANCEL: (
        frozenset({PlanState.PROPOSED, PlanState.RUNNING, PlanState.PAUSED}),
        PlanState.CANCELLED,
    ),
}
"""From which states, and to which."""


class ResealOutcome(StrEnum):
    """What became of a license of a plan."""

    RESEALED = "resealed"
    SKIPPED = "skipped"
    FAILED = "failed"


OUTCOME_ZH: dict[ResealOutcome, str] = {
    ResealOutcome.RESEALED: "已换章",
    ResealOutcome.SKIPPED: "不换",
    ResealOutcome.FAILED: "未办成",
}


class Unfit(StrEnum):
    """Why a license is not sealed anew."""

    NOT_IN_FORCE = "not_in_force"
    ELSEWHERE = "elsewhere"
    PROVISIONAL = "provisional"
    HELD = "held"
    ERASED = "erased"
    NO_CONTENT = "no_content"
    RENAMED = "renamed"
    SAME_GROUND = "same_ground"
    CHANGED = "changed"


UNFIT_ZH: dict[Unfit, str] = {
    Unfit.NOT_IN_FORCE: "证照不是有效状态（已终止、过期或暂扣）",
    Unfit.ELSEWHERE: "不是本系统制作的文件",
    Unfit.PROVISIONAL: "模拟审批意见，不换章",
    Unfit.HELD: "已登记暂停销毁，文件保持原样",
    Unfit.ERASED: "内容已依鉴定销毁",
    Unfit.NO_CONTENT: "没有制证时保存的内容，请按变更、换发办理",
    Unfit.RENAMED: "颁发机构已更名或撤并，请按变更办理",
    Unfit.SAME_GROUND: "现行签章方案仍依赖要换掉的一项，请先调整签章方案或印章",
    Unfit.CHANGED: "办理期间证照状态或文件有变化",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ResealPlan:
    """A plan.

    Attributes:
        kind, value: what the files are to stand on no more, as ``seal/care.py`` names it.
        types, bodies: license types and issuing bodies; empty means all.
        total: licenses when it was proposed.
        profiles: what is still to be looked through; empty before the first look and after the last.
        begun: whether the first look was made.
        behind: id of the last artifact of the first profile that was looked at.
        waits_for: why nothing comes on at the moment, in Chinese, or empty.
    """

    plan_id: str
    kind: LossKind
    value: str
    types: tuple[str, ...]
    bodies: tuple[str, ...]
    total: int
    reason: str
    state: PlanState
    proposed_by: str
    proposed_at: datetime
    opinion: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None
    profiles: tuple[str, ...] = ()
    begun: bool = False
    behind: str = ""
    waits_for: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResealItem:
    """What became of one license.

    Attributes:
        code: word of :class:`Unfit`, or the code of an error; empty when it was sealed.
        detail: the reason in Chinese.
    """

    plan_id: str
    version_id: str
    identifier: str
    outcome: ResealOutcome
    at: datetime
    code: str = ""
    detail: str = ""
    artifact_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanProgress:
    """A plan and how many licenses have which outcome."""

    plan: ResealPlan
    counts: Mapping[ResealOutcome, int]
