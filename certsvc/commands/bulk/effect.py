"""Carry out what is due: license by license, through the command of a single decision, each once.

A process that dies leaves rows that are not done; the next one asks for the same decision again, which then returns
what it did. A license that has moved meanwhile is said to be not done, with the reason, and holds up no other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.access import roles
from certsvc.commands.bulk.body import move_body, renewal
from certsvc.commands.evidence.record import record
from certsvc.commands.imports.pace import room_for
from certsvc.commands.issuance.accept_issuance import ask_once
from certsvc.commands.issuance.move_license import move_license
from certsvc.commands.ports import Principal
from certsvc.errors import CertsvcError, Unavailable
from certsvc.license.bulk import RENEW, BulkRow, BulkRowState
from certsvc.license.states import STATE_ZH

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.license.bulk import BulkBatch, ClaimedBulk

log = structlog.get_logger("certsvc.bulk")

AT_ONCE = 32
"""Licenses moved under one hold of the claim; each is a transaction of its own."""
PAUSE = timedelta(seconds=1)
PAUSE_SHUT = timedelta(seconds=30)
DONE_RENEWED = "已换发，新证照标识 {identifier}"


def advance_bulk(deps: Deps, *, lease_s: int) -> bool:
    """Take one bulk decision a step further; False when nothing is due, or nothing can be done right now."""
    now = deps.clock.now()
    with deps.uow() as tx:
        claimed = tx.bulks.claim(token=deps.ids.new("clm"), now=now, until=now + timedelta(seconds=lease_s))
    if claimed is None:
        return False
    deps = deps.pinned()
    deps.faults.reach("bulk.claimed")
    return _renew_some(deps, claimed) if claimed.batch.order.action == RENEW else _move_some(deps, claimed)


def _move_some(deps: Deps, claimed: ClaimedBulk) -> bool:
    batch = claimed.batch
    with deps.uow.read() as tx:
        rows = tx.bulks.rows(batch.bulk_id, after=0, limit=AT_ONCE, state=BulkRowState.READY)
    actor = Principal(
        subject=batch.confirmed_by,
        kind="person",
        roles=frozenset({roles.APPROVAL}),
        authority_code=batch.authority_code,
    )
    for row in rows:
        done = _moved(deps, actor, batch, row)
        deps.faults.reach("bulk.moved")
        with deps.uow() as tx:
            tx.bulks.set_row(batch.bulk_id, done, source=BulkRowState.READY)
    return _go_on(deps, claimed, waits=False, came_on=bool(rows), left=len(rows) == AT_ONCE)


def _moved(deps: Deps, actor: Principal, batch: BulkBatch, row: BulkRow) -> BulkRow:
    try:
        moved = move_license(deps, actor, row.identifier, move_body(batch.order, batch.authority_code))
    except Unavailable:
        raise
    except CertsvcError as error:
        return replace(row, state=BulkRowState.FAILED, code=error.code, detail=error.detail)
    return replace(row, state=BulkRowState.DONE, detail=f"已变为“{STATE_ZH[moved.record.to_state]}”")


def _renew_some(deps: Deps, claimed: ClaimedBulk) -> bool:
    batch, now = claimed.batch, deps.clock.now()
    noted = _note_ended(deps, batch)
    with deps.uow.read() as tx:
        counts = tx.bulks.counts(batch.bulk_id)
        queued, left = counts[BulkRowState.QUEUED], counts[BulkRowState.READY]
        first = tx.bulks.rows(batch.bulk_id, after=0, limit=1, state=BulkRowState.READY)
        version = tx.licenses.by_identifier(first[0].identifier) if first else None
        count, waits = 0, False
        if version is not None:
            kind = deps.catalog.type(version.type_slug)
            room = room_for(deps, tx, batch.authority_code, kind, queued=queued)
            count, waits = min(room.count, AT_ONCE), bool(room.waits_for)
        rows = tx.bulks.rows(batch.bulk_id, after=0, limit=count, state=BulkRowState.READY) if count else ()
    for row in rows:
        _ask(deps, batch, row, now)
    came_on = bool(noted or rows)
    return _go_on(deps, claimed, waits=waits, came_on=came_on, left=left > 0 or queued > 0)


def _ask(deps: Deps, batch: BulkBatch, row: BulkRow, now: datetime) -> None:
    """One renewal becomes a backfill request, in one transaction with its row."""
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(row.identifier)
        if version is None:
            msg = "a license of a preview is not there"
            raise RuntimeError(msg)
        try:
            wanted = renewal(deps, tx, batch, row.row_no, version, now)
        except Unavailable:
            raise
        except CertsvcError as error:
            failed = replace(row, state=BulkRowState.FAILED, code=error.code, detail=error.detail)
            tx.bulks.set_row(batch.bulk_id, failed, source=BulkRowState.READY)
            return
        request = ask_once(deps, tx, wanted)
        asked = replace(row, state=BulkRowState.QUEUED, request_id=request.request_id)
        tx.bulks.set_row(batch.bulk_id, asked, source=BulkRowState.READY)


def _note_ended(deps: Deps, batch: BulkBatch) -> int:
    with deps.uow() as tx:
        ended = tx.bulks.ended_requests(batch.bulk_id, limit=AT_ONCE)
        for one in ended:
            (row,) = tx.bulks.rows(batch.bulk_id, after=one.row_no - 1, limit=1, state=BulkRowState.QUEUED)
            if one.identifier:
                said = DONE_RENEWED.format(identifier=one.identifier)
                done = replace(row, state=BulkRowState.DONE, detail=said)
            else:
                done = replace(row, state=BulkRowState.FAILED, code=one.code, detail=one.detail)
            tx.bulks.set_row(batch.bulk_id, done, source=BulkRowState.QUEUED)
    return len(ended)


def _go_on(deps: Deps, claimed: ClaimedBulk, *, waits: bool, came_on: bool, left: bool) -> bool:
    """Give the claim back, or end it when nothing is left; whether it came on."""
    batch, now = claimed.batch, deps.clock.now()
    pause = timedelta(0) if came_on else PAUSE_SHUT if waits else PAUSE
    with deps.uow() as tx:
        if left:
            tx.bulks.keep(batch.bulk_id, claim_token=claimed.claim_token, ready_at=now + pause)
            return came_on
        if tx.bulks.finish(batch.bulk_id, claim_token=claimed.claim_token, now=now):
            counts = tx.bulks.counts(batch.bulk_id)
            done, failed = counts[BulkRowState.DONE], counts[BulkRowState.FAILED]
            content = {"done": done, "failed": failed}
            record(tx, deps, kind="bulk.finished", subject=batch.bulk_id, actor="certsvc", content=content, at=now)
            log.info("finished", action="bulk.finished", bulk_id=batch.bulk_id, done=done, failed=failed)
    return True
