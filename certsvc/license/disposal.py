"""鉴定销毁: what is over its 保管期限 is judged by one archivist, decided by another, and goes by decision (pure).

Laws:

* ``proposed → approved | declined | withdrawn``; ``approved → withdrawn`` until its window is over, then ``running →
  done``. 延长保管 has no window: approved, it is ``done``. Who proposed does not decide.
* Of a list each item stands by itself: ``listed → removing → destroyed``, ``listed → spared`` (缓销, with the reason)
  where something came in between, or ``listed → extended``.
* An item that is ``removing`` has lost its personal columns already and goes on to ``destroyed``; there is no way back.
* Number, dates, state, digests, moves and evidence of what was destroyed stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.license.archives import MaterialState
from certsvc.license.model import Holder

if TYPE_CHECKING:
    from certsvc.license.archives import ArchiveKind, Material
    from certsvc.license.model import Decision, LicenseVersion, MoveRecord

UNDO_WINDOW = timedelta(days=7)
"""From the approval of a destruction to its effect: the days in which anybody of the body may take it back."""
MAX_ITEMS = 200
"""Of one list: what one person can look through, and what one sheet of 销毁清册 shows."""
MOST_YEARS = 30
"""延长保管 by once; longer is another appraisal."""


class DisposalOutcome(StrEnum):
    """鉴定意见."""

    DESTROY = "destroy"
    EXTEND = "extend"


OUTCOME_ZH: dict[DisposalOutcome, str] = {DisposalOutcome.DESTROY: "销毁", DisposalOutcome.EXTEND: "延长保管"}


class DisposalState(StrEnum):
    """Where a list stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


DISPOSAL_ZH: dict[DisposalState, str] = {
    DisposalState.PROPOSED: "待审批",
    DisposalState.APPROVED: "已批准，待生效",
    DisposalState.RUNNING: "正在销毁",
    DisposalState.DONE: "已完成",
    DisposalState.DECLINED: "未批准",
    DisposalState.WITHDRAWN: "已撤回",
}
OPEN = frozenset({DisposalState.PROPOSED, DisposalState.APPROVED, DisposalState.RUNNING})
"""States of a list whose items are in no other list."""


class ItemState(StrEnum):
    """What became of an item."""

    LISTED = "listed"
    SPARED = "spared"
    REMOVING = "removing"
    DESTROYED = "destroyed"
    EXTENDED = "extended"


ITEM_ZH: dict[ItemState, str] = {
    ItemState.LISTED: "待处理",
    ItemState.SPARED: "缓销",
    ItemState.REMOVING: "正在销毁",
    ItemState.DESTROYED: "已销毁",
    ItemState.EXTENDED: "已延长保管",
}
GONE = frozenset({ItemState.REMOVING, ItemState.DESTROYED})


class Bound(StrEnum):
    """Why what is over its term may not go yet."""

    STANDING = "standing"
    NOT_ARCHIVED = "not_archived"
    UNDER_WAY = "under_way"
    IN_CASE = "in_case"
    DISPUTED = "disputed"
    HELD = "held"
    LISTED = "listed"


BOUND_ZH: dict[Bound, str] = {
    Bound.STANDING: "证照没有终止：先办理注销等手续",
    Bound.NOT_ARCHIVED: "现在的内容没有归档信息包：先制作（certsvc archive make）",
    Bound.UNDER_WAY: "所在办件还没有办结",
    Bound.IN_CASE: "所在办件的归档信息包还在，须先到期，或列入同一份清册",
    Bound.DISPUTED: "有未办结的异议申诉",
    Bound.HELD: "已登记暂停销毁",
    Bound.LISTED: "已列入另一份清册",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Disposal:
    """One list of an appraisal, and what was decided about it.

    Attributes:
        years: of 延长保管; 0 for a destruction.
        reason, opinion: in the words of who proposed and who decided; they may name people.
        effect_at: when an approved destruction may begin; None before.
    """

    list_id: str
    authority_code: str
    outcome: DisposalOutcome
    years: int
    reason: str
    state: DisposalState
    proposed_by: str
    proposed_at: datetime
    opinion: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    effect_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisposalItem:
    """One license with all its versions, or the records of one case, in a list.

    Attributes:
        place: its number in the list, from 1.
        authority_code: of the time of the case, or the body whose the license is today.
        subject, label: as of its packages.
        title: 题名, which names no one.
        over_on: the first day behind its 保管期限.
        packages: hex SHA-256 of its packages.
        why: word of :class:`Bound` of one that was spared, or empty.
        extended_until: the new end of its term, or None.
    """

    list_id: str
    place: int
    kind: ArchiveKind
    authority_code: str
    subject: str
    label: str
    title: str
    keeping: str
    formed_on: date
    over_on: date
    files: int
    packages: tuple[str, ...]
    state: ItemState
    why: str = ""
    moved_at: datetime | None = None
    extended_until: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """暂停销毁 of one license or case: litigation, audit, inspection."""

    hold_id: str
    kind: ArchiveKind
    authority_code: str
    subject: str
    label: str
    reason: str
    placed_by: str
    placed_at: datetime
    lifted_by: str = ""
    lifted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasedRow:
    """A row whose personal columns went by decision.

    Attributes:
        was: its key (``commands/evidence/rows.py``) before; ``was_before`` as earlier releases named it, or empty.
    """

    noun: str
    row_id: str
    was: str
    was_before: str
    list_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class GoneFile:
    """An object that went by decision: of which list and which of its items."""

    object_name: str
    sha256: str
    list_id: str
    place: int
    at: datetime


def over_on(years: int, last: date) -> date:
    """The first day behind a term of ``years``, which begins on 1 January after the year of the ``last`` thing."""
    return date(last.year + 1 + years, 1, 1)


def erased_version(version: LicenseVersion) -> LicenseVersion:
    """What stays of a version: no number, holder, data and photo."""
    nobody = Holder(name="", code="", code_type=version.holder.code_type)
    return replace(version, number="", holder=nobody, data={}, photo_id="")


def erased_material(material: Material) -> Material:
    """What stays of a 电子材料: neither name nor holder."""
    return replace(material, name="", holder=None, state=MaterialState.DESTROYED)


def erased_move(move: MoveRecord) -> MoveRecord:
    """What stays of a move: its decision without the basis, which may name people."""
    decision: Decision | None = None if move.decision is None else replace(move.decision, basis="")
    return replace(move, decision=decision)
