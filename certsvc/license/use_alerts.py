"""状态变更通报: whoever used a license learns what became of it, and says what was done about it (pure).

Laws:

1. A change that users must know of makes one batch; a batch makes one alert per client that was given data or a copy,
   and one per body whose officers scanned, within :data:`ALERT_DAYS` before the change.
2. An alert is *open* until its addressee acknowledges it with what was done; nobody else can.
3. One that stays open is brought to mind once, after :data:`REMIND_DAYS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ALERT_DAYS = 366
"""How far back uses count: an approval that stood on the license is reviewed within a year (年度检查)."""

MAX_CASE_USES = 50
"""Uses of one addressee that are looked through for their case numbers: bounds what a page of alerts costs."""
REMIND_DAYS = 7
"""After so many days without an answer the addressee is reminded, and the alert is listed as late."""

ALERTED_CHANGES: frozenset[str] = frozenset(
    {
        *("suspended", "resumed", "rescinded", "withdrawn", "revoked", "cancelled", "voided"),
        *("reinstated", "superseded", "corrected"),
    }
)
"""Action part of the events of a license (``license.<change>``) that users are told of."""

MATERIAL_WITHDRAWN = "material_withdrawn"
"""The change of a 电子材料 that users are told of: who registered it took it back."""

CHANGE_ZH: dict[str, str] = {
    MATERIAL_WITHDRAWN: "材料收回",
    "suspended": "暂扣",
    "resumed": "恢复",
    "rescinded": "撤销",
    "withdrawn": "撤回",
    "revoked": "吊销",
    "cancelled": "注销",
    "voided": "作废",
    "reinstated": "恢复效力",
    "superseded": "换发",
    "corrected": "更正",
}


class AlertState(StrEnum):
    """Whether the addressee has answered."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


class AlertDone(StrEnum):
    """What an addressee did about it."""

    NOTHING_DEPENDS = "nothing_depends"
    """没有仍在依靠这张证照的办件"""
    REVIEWED = "reviewed"
    """已复核相关办件，不需处理"""
    CASE_CHANGED = "case_changed"
    """已中止、撤回或更正相关办件"""
    COPY_DESTROYED = "copy_destroyed"
    """已停用或销毁所持加注件"""


DONE_ZH: dict[AlertDone, str] = {
    AlertDone.NOTHING_DEPENDS: "没有依靠这张证照的办件",
    AlertDone.REVIEWED: "已复核相关办件，不需处理",
    AlertDone.CASE_CHANGED: "已中止、撤回或更正相关办件",
    AlertDone.COPY_DESTROYED: "已停用或销毁所持加注件",
}


class BatchStage(StrEnum):
    """Which users of a batch are being looked for."""

    FETCHES = "fetches"
    SCANS = "scans"
    DONE = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertBatch:
    """One change, and how far its users have been told.

    Attributes:
        batch_id: the id of the event that told of the change.
        change: one of :data:`ALERTED_CHANGES`.
        since: uses from then on count.
        last_at, last_id: the use that was looked at last; uses are gone through from the newest to the oldest.
    """

    batch_id: str
    version_id: str
    change: str
    changed_at: datetime
    since: datetime
    stage: BatchStage = BatchStage.FETCHES
    last_at: datetime | None = None
    last_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UseAlert:
    """One alert.

    Attributes:
        client_id: the system that it is for; empty where it is for a body whose officers scanned.
        authority_code: USCC of the body.
        note: free words of whoever acknowledged; encrypted at rest.
        cases: 办件编号 of the uses that it is about, the newest first; told to its addressee and not stored with it.
        more_cases: whether there may be older ones.
    """

    alert_id: str
    batch_id: str
    version_id: str
    identifier: str
    license_type: str
    issuer_code: str
    change: str
    changed_at: datetime
    client_id: str
    authority_code: str
    created_at: datetime
    state: AlertState = AlertState.OPEN
    done: str = ""
    note: str = ""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    reminded_at: datetime | None = None
    cases: tuple[str, ...] = ()
    more_cases: bool = False

    @property
    def due_at(self) -> datetime:
        """By when it should be answered."""
        return self.created_at + timedelta(days=REMIND_DAYS)

    def late(self, now: datetime) -> bool:
        """Whether it waits for longer than it should."""
        return self.state is AlertState.OPEN and now >= self.due_at
