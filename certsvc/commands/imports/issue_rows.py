"""Carry out an approved import: rows become backfill requests, and what became of each request is noted at its row.

Every row is asked for once, whatever dies in between: row and request change in one transaction, and the business key
of the request is made of import and row. What the catalog or the calendar no longer allows is refused at its row.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.imports.check_row import RowChecker
from certsvc.commands.imports.pace import Room, room_for
from certsvc.commands.issuance.accept_issuance import ask_once
from certsvc.events.import_payloads import ImportFinished
from certsvc.license.imports import Fault, RowState
from certsvc.license.request import IssuanceRequest, Lane, RequestState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.imports.check_row import CheckedRow
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.imports import ClaimedImport, ImportBatch, ImportRow
    from certsvc.license.request import IssuancePayload

log = structlog.get_logger("certsvc.imports")

AT_ONCE = 16
"""Rows asked for, or noted, in one transaction; SQLite has one writer, and live requests wait for it."""
PAUSE = timedelta(seconds=1)
"""When to look again at an import whose rows are being issued."""
PAUSE_SHUT = timedelta(seconds=30)
"""When to look again at one that waits for its seal or for tomorrow."""
RESULT_DAYS = 30
"""How long the rows of a finished import are kept, for the result file; then what they say is erased."""
KEY_CHARS = 24


def issue_some(deps: Deps, claimed: ClaimedImport) -> bool:
    """One step of an approved import; whether it came on."""
    batch = claimed.batch
    noted = _note_ended(deps, batch)
    with deps.uow.read() as tx:
        counts = tx.import_rows.counts(batch.import_id)
        queued, left = counts[RowState.QUEUED], counts[RowState.PASSED]
        kind = deps.catalog.type(batch.type_slug)
        room = room_for(deps, tx, batch.authority_code, kind, queued=queued) if left else Room(count=0)
        rows = tx.import_rows.passed(batch.import_id, limit=min(room.count, AT_ONCE)) if room.count else ()
    checker = RowChecker(deps, batch)
    checked = [(row, checker.again(row.row_no, row.cells)) for row in rows]
    now = deps.clock.now()
    came_on = bool(noted or rows)
    pause = timedelta(0) if came_on else PAUSE_SHUT if room.waits_for else PAUSE
    with deps.uow() as tx:
        held = tx.imports.keep(
            batch.import_id,
            claim_token=claimed.claim_token,
            ready_at=now + pause,
            total=batch.total,
            waits_for=room.waits_for,
        )
        if not held:
            return True
        for row, found in checked:
            _ask(deps, tx, batch, row, found, now)
        if left == 0 and queued == 0:
            _finish(deps, tx, claimed, now)
    if rows:
        deps.faults.reach("import.requests_made")
    return came_on or (left == 0 and queued == 0)


def _note_ended(deps: Deps, batch: ImportBatch) -> int:
    """Note at their rows what became of requests that have ended; how many."""
    with deps.uow() as tx:
        ended = tx.import_rows.ended_requests(batch.import_id, limit=AT_ONCE)
        for one in ended:
            issued = bool(one.identifier)
            tx.import_rows.end(
                batch.import_id,
                one.row_no,
                source=RowState.QUEUED,
                state=RowState.ISSUED if issued else RowState.REFUSED,
                identifier=one.identifier,
                faults=() if issued else (Fault(column="", code=one.code, detail=one.detail),),
            )
    if ended:
        deps.faults.reach("import.noted")
    return len(ended)


def _ask(deps: Deps, tx: UnitOfWork, batch: ImportBatch, row: ImportRow, checked: CheckedRow, now: datetime) -> None:
    """One row becomes a request, or is refused by what has changed since it was checked."""
    if checked.payload is None:
        tx.import_rows.end(
            batch.import_id,
            row.row_no,
            source=RowState.PASSED,
            state=RowState.REFUSED,
            identifier="",
            faults=checked.faults,
        )
        return
    request = ask_once(deps, tx, _request(deps, tx, batch, row, checked.payload, now))
    tx.import_rows.queue(batch.import_id, row.row_no, request_id=request.request_id)


def _request(
    deps: Deps, tx: UnitOfWork, batch: ImportBatch, row: ImportRow, payload: IssuancePayload, now: datetime
) -> IssuanceRequest:
    business_no = f"{batch.import_id}.{row.row_key[:KEY_CHARS]}"
    return IssuanceRequest(
        request_id=deps.ids.new("req"),
        caller=batch.uploaded_by,
        payload=replace(payload, business_no=business_no),
        body_hash=row.row_key,
        idempotency_key="",
        event_source="",
        event_id="",
        photo_id=tx.photos.put(row.photo) if row.photo else "",
        state=RequestState.ACCEPTED,
        attempts=0,
        reason_code="",
        reason_detail="",
        version_id="",
        created_at=now,
        updated_at=now,
        lane=Lane.BACKFILL,
    )


def _finish(deps: Deps, tx: UnitOfWork, claimed: ClaimedImport, now: datetime) -> None:
    """Every row has ended: say so, once."""
    batch = claimed.batch
    keep_until = now + timedelta(days=RESULT_DAYS)
    if not tx.imports.finish(batch.import_id, claim_token=claimed.claim_token, keep_until=keep_until):
        return
    counts = tx.import_rows.counts(batch.import_id)
    issued, refused = counts[RowState.ISSUED], counts[RowState.REFUSED]
    event = ImportFinished(
        import_id=batch.import_id,
        authority_code=batch.authority_code,
        license_type=batch.type_slug,
        trust=batch.trust.value,
        issued=issued,
        refused=refused,
    )
    source = deps.policy.event_source
    tx.outbox.add(event.event(event_id=deps.ids.new("evt"), source=source, subject=batch.import_id, at=now))
    content = {"issued": issued, "refused": refused}
    record(tx, deps, kind="import.finished", subject=batch.import_id, actor="certsvc", content=content, at=now)
    log.info("finished", action="import.finished", import_id=batch.import_id, issued=issued, refused=refused)
