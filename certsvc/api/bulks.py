"""Bulk decisions (批量办理): preview, confirmation by a second person, a window, effect license by license."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.import_models import Asked, DropIn
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.bulk.body import MAX_LICENSES, BulkBody
from certsvc.commands.bulk.decide import (
    MAX_LISTED,
    MAX_PAGE,
    confirm_bulk,
    drop_bulk,
    list_bulks,
    read_bulk,
    read_bulk_rows,
)
from certsvc.commands.bulk.preview import preview_bulk
from certsvc.commands.ports import Principal
from certsvc.license.bulk import (
    BULK_ROW_ZH,
    BULK_STATE_ZH,
    BulkBatch,
    BulkProgress,
    BulkRow,
    BulkRowState,
    BulkState,
)

router = APIRouter(tags=["bulk 批量办理"], route_class=JsonRoute)

CLERK = Access(roles.BATCH_CLERK)
VERIFIER = Access(roles.BATCH_VERIFIER)
EITHER = Access(roles.BATCH_CLERK, roles.BATCH_VERIFIER)
READER = Access(roles.BATCH_CLERK, roles.BATCH_VERIFIER, roles.AUDITOR)

BulkId = Annotated[str, Path(max_length=64, pattern=r"^blk_[0-9A-Z]+$", description="批量办理编号")]


class ConfirmIn(Asked):
    """Says what was seen in the preview."""

    count: int = Field(ge=1, le=MAX_LICENSES, description="预览中可以办理的张数，不一致的不予确认")


class BulkOut(Model):
    """A bulk decision, without its rows."""

    bulk_id: str
    authority_code: str
    state: BulkState
    state_zh: str
    action: str
    document_no: str
    decided_on: str
    basis: str
    until: str
    valid_until: str
    window_hours: float
    why_short: str
    total: int
    asked_by: str
    asked_at: datetime
    confirmed_by: str
    effect_at: datetime | None = Field(description="生效时刻，此前可以取消办理；未确认为空")
    ended_by: str
    ended_at: datetime | None
    reason: str

    @staticmethod
    def of(batch: BulkBatch) -> BulkOut:
        """From a bulk decision."""
        order = batch.order
        return BulkOut(
            bulk_id=batch.bulk_id,
            authority_code=batch.authority_code,
            state=batch.state,
            state_zh=BULK_STATE_ZH[batch.state],
            action=order.action,
            document_no=order.document_no,
            decided_on=order.decided_on.isoformat(),
            basis=order.basis,
            until=order.until.isoformat() if order.until else "",
            valid_until=order.valid_until.isoformat() if order.valid_until else "",
            window_hours=order.window.total_seconds() / 3600,
            why_short=order.why_short,
            total=batch.total,
            asked_by=batch.asked_by,
            asked_at=batch.asked_at,
            confirmed_by=batch.confirmed_by,
            effect_at=batch.effect_at,
            ended_by=batch.ended_by,
            ended_at=batch.ended_at,
            reason=batch.reason,
        )


class BulkCounts(Model):
    """Licenses by state."""

    not_allowed: int
    ready: int
    queued: int
    done: int
    failed: int


class BulkProgressOut(Model):
    """How far it is."""

    batch: BulkOut
    rows: BulkCounts

    @staticmethod
    def of(progress: BulkProgress) -> BulkProgressOut:
        """From the command's."""
        counts = {state.value: count for state, count in progress.rows.items()}
        return BulkProgressOut(batch=BulkOut.of(progress.batch), rows=BulkCounts.model_validate(counts))


class BulkRowOut(Model):
    """One license of it."""

    row: int
    given: str
    identifier: str
    stood: str = Field(description="预览时的状态")
    state: BulkRowState
    state_zh: str
    code: str
    detail: str = Field(description="办理的后果，或不能办理、未办成的原因")

    @staticmethod
    def of(row: BulkRow) -> BulkRowOut:
        """From a row."""
        return BulkRowOut(
            row=row.row_no,
            given=row.given,
            identifier=row.identifier,
            stood=row.stood,
            state=row.state,
            state_zh=BULK_ROW_ZH[row.state],
            code=row.code,
            detail=row.detail,
        )


class BulkRowPage(Model):
    """Rows behind ``after``; ask again with ``next`` as ``after``, unless it is 0."""

    rows: list[BulkRowOut]
    next: int


class BulkPage(Model):
    """Bulk decisions of the own authority, newest first; ask again with ``next`` as ``before``, unless it is empty."""

    bulks: list[BulkOut]
    next: str


@router.post("/v1/bulk-decisions", status_code=201)
def preview(
    request: Request, response: Response, body: BulkBody, caller: Annotated[Principal, Depends(CLERK)]
) -> BulkProgressOut:
    """预览: every license found or not, how it stands, whether it is allowed, what follows. Nothing is moved."""
    batch = preview_bulk(deps_of(request), caller, body)
    response.headers["Location"] = f"/v1/bulk-decisions/{batch.bulk_id}"
    return BulkProgressOut.of(read_bulk(deps_of(request), caller, batch.bulk_id))


@router.get("/v1/bulk-decisions")
def listed(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    before: Annotated[str, Query(max_length=64, pattern=r"^(blk_[0-9A-Z]+)?$")] = "",
) -> BulkPage:
    """Bulk decisions of the own authority."""
    found = list_bulks(deps_of(request), caller, before=before)
    last = found[-1].bulk_id if len(found) == MAX_LISTED else ""
    return BulkPage(bulks=[BulkOut.of(batch) for batch in found], next=last)


@router.get("/v1/bulk-decisions/{bulk_id}")
def one(request: Request, bulk_id: BulkId, caller: Annotated[Principal, Depends(READER)]) -> BulkProgressOut:
    """A bulk decision and how far it is."""
    return BulkProgressOut.of(read_bulk(deps_of(request), caller, bulk_id))


@router.get("/v1/bulk-decisions/{bulk_id}/rows")
def rows(
    request: Request,
    bulk_id: BulkId,
    caller: Annotated[Principal, Depends(EITHER)],
    after: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    state: BulkRowState | None = None,
) -> BulkRowPage:
    """Its licenses, each with what follows or why not."""
    found = read_bulk_rows(deps_of(request), caller, bulk_id, after=after, limit=limit, state=state)
    return BulkRowPage(rows=[BulkRowOut.of(row) for row in found], next=found[-1].row_no if len(found) == limit else 0)


@router.post("/v1/bulk-decisions/{bulk_id}/confirmation", status_code=201)
def confirm(
    request: Request, bulk_id: BulkId, body: ConfirmIn, caller: Annotated[Principal, Depends(VERIFIER)]
) -> BulkOut:
    """确认: by somebody else of the authority; it takes effect when the window is over."""
    return BulkOut.of(confirm_bulk(deps_of(request), caller, bulk_id, count=body.count))


@router.post("/v1/bulk-decisions/{bulk_id}/drop", status_code=201)
def drop(request: Request, bulk_id: BulkId, body: DropIn, caller: Annotated[Principal, Depends(EITHER)]) -> BulkOut:
    """取消办理: before it takes effect; afterwards only a new decision helps."""
    return BulkOut.of(drop_bulk(deps_of(request), caller, bulk_id, reason=body.reason))
