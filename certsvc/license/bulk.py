"""One decision about many licenses: a preview, a second person, a window in which it can be dropped, then effect.

Laws (DOMAIN.md 6): the window lies before effect; what has taken effect has none and is undone only by a decision of
its own. A short window needs a reason. Each license is moved by the same command as a single decision, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RENEW = "renew"
"""The action that makes new versions; every other is the name of a move."""

WINDOW = timedelta(hours=24)
"""How long a confirmed decision waits, unless it says otherwise."""
LONGEST_WINDOW = timedelta(days=30)


class BulkState(StrEnum):
    """Where a bulk decision stands."""

    PREVIEW = "preview"
    CONFIRMED = "confirmed"
    WORKING = "working"
    FINISHED = "finished"
    DROPPED = "dropped"


BULK_STATE_ZH: dict[BulkState, str] = {
    BulkState.PREVIEW: "待确认",
    BulkState.CONFIRMED: "已确认，等待生效",
    BulkState.WORKING: "办理中",
    BulkState.FINISHED: "已办结",
    BulkState.DROPPED: "已取消办理",
}


class BulkRowState(StrEnum):
    """Where one license of it stands."""

    NOT_ALLOWED = "not_allowed"
    READY = "ready"
    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"


BULK_ROW_ZH: dict[BulkRowState, str] = {
    BulkRowState.NOT_ALLOWED: "不能办理",
    BulkRowState.READY: "可以办理",
    BulkRowState.QUEUED: "制证中",
    BulkRowState.DONE: "已办理",
    BulkRowState.FAILED: "未办成",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkOrder:
    """What is to be done to every license: the decision of one authority.

    Attributes:
        action: name of a move, or :data:`RENEW`.
        until: end of a suspension, or None.
        valid_until: new last day of a renewal, or None.
        window: how long it waits after confirmation.
        why_short: why the window is shorter than :data:`WINDOW`, or empty.
    """

    action: str
    document_no: str
    decided_on: date
    basis: str
    until: date | None = None
    valid_until: date | None = None
    window: timedelta = WINDOW
    why_short: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkBatch:
    """A bulk decision.

    Attributes:
        effect_at: from when it is carried out, once it is confirmed.
        ended_by: who dropped it, or empty.
    """

    bulk_id: str
    authority_code: str
    state: BulkState
    order: BulkOrder
    total: int
    asked_by: str
    asked_at: datetime
    confirmed_by: str = ""
    effect_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkRow:
    """One license of it.

    Attributes:
        given: identifier or number, as it was sent.
        identifier: 证照标识 that was found, or empty.
        stood: state of the license at the preview, or empty.
        detail: what follows from the decision, or why it cannot be carried out.
        request_id: of the renewal that was asked for.
    """

    row_no: int
    state: BulkRowState
    given: str
    identifier: str = ""
    stood: str = ""
    code: str = ""
    detail: str = ""
    request_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedBulk:
    """A bulk decision that one worker holds under a lease; ``claim_token`` guards every later write."""

    batch: BulkBatch
    claim_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkProgress:
    """How far it is: rows by state."""

    batch: BulkBatch
    rows: Mapping[BulkRowState, int]
