"""Issue claimed requests: the spine of DESIGN.md 4, step by step, for one request or a batch.

A crash between any two steps leaves a row that says what was meant, and the next run resumes from it:

1. claim under a lease;
2. number reserved and intent stored, in one transaction;
3. page rendered, unsigned;
4. seal use reserved over the digest of exactly this page;
5. sealed, and the reservation answered;
6. the own verifier passes the file (structure, coverage, signature, chain, time);
7. object stored and read back;
8. license, outbox and evidence in one transaction.

A batch commits once per step and is of one lane: whatever is live goes first, backfill (存量, bulk renewals) takes what
is left, in smaller batches, so that a live request that comes meanwhile waits for few pages. A sealed file that was not
registered is never handed out; ``objects sweep`` removes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.batch import Piece, issue_pieces
from certsvc.commands.issuance.register import LostClaim
from certsvc.errors import (
    CertsvcError,
    Conflict,
    Refused,
    RenderingError,
    SealUnavailable,
)
from certsvc.events.payloads import IssuanceRefused
from certsvc.events.trace import tracing
from certsvc.license.request import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.ports import Deps
    from certsvc.license.request import ClaimedRequest

log = structlog.get_logger("certsvc.issuance")

BACKOFF_S = (2, 10, 60, 300, 900, 1800, 3600, 3600, 3600, 3600)
"""Seconds until the next try, by number of attempts."""

MAX_ATTEMPTS = len(BACKOFF_S)
"""Then an operator looks (``certsvc requests stuck``): what kills its worker or burns seal uses must end."""

PARKED_S = 24 * 3600
"""A parked request is looked at once a day."""

BATCH = 64
"""Requests that a worker takes at once: enough for the commits and statements of a batch to cost little per license.
All are registered with the last one, so more would only let the first ones wait."""

BACKFILL_BATCH = 8
"""Backfill requests that a worker takes at once: a live one that comes after them waits for their pages."""

LIVE_FRESH = timedelta(seconds=10)
"""A live request that was made since then and has not ended, whoever works on it, says that live ones come: a batch of
backfill would keep the next one from a press. What failed or was parked earlier says nothing of the kind."""

PER_LEASE_SECOND = 2
"""Requests per second of the lease at most, so that a batch ends long before another worker may take it over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Processed:
    """What became of the request that was worked on."""

    request_id: str
    outcome: str
    """``issued``, ``refused``, ``failed`` or ``lost``"""
    lane: Lane = Lane.LIVE
    gave_way: bool = False
    """backfill that was taken by itself because live requests come, here or in another process"""


def process_next(deps: Deps, *, worker: str, lease_s: int) -> Processed | None:
    """Work on the next waiting request; None when there is none."""
    done = process_batch(deps, worker=worker, lease_s=lease_s, limit=1)
    return done[0] if done else None


def process_batch(
    deps: Deps,
    *,
    worker: str,
    lease_s: int,
    limit: int = BATCH,
    up_to: Lane = Lane.BACKFILL,
    backfill: int = BACKFILL_BATCH,
) -> list[Processed]:
    """Work on waiting requests of one lane at once; empty when there is none.

    Args:
        deps: the ports.
        worker: who works.
        lease_s: how long the requests are its own.
        limit: how many at most, and ``backfill`` how many when they are backfill.
        up_to: no lane behind it is looked at.
        backfill: see ``limit``.
    """
    deps = deps.pinned()
    limit = min(limit, max(1, lease_s * PER_LEASE_SECOND))
    most = {Lane.LIVE: limit, Lane.BACKFILL: min(limit, backfill)}
    claimed, gave_way = _claim(deps, worker, lease_s, up_to, most)
    if not claimed:
        return []
    # Counters are taken in one order everywhere, so that two batches never wait for each other; the order of arrival
    # is kept within a type.
    claimed.sort(key=lambda one: (one.request.payload.type_slug, one.request.payload.authority_code))
    deps.faults.reach("issue.claimed")
    pieces = [Piece(claimed=one) for one in claimed]
    # What killed its worker before is tried alone, so that it takes no others with it.
    fresh = [piece for piece in pieces if piece.claimed.request.attempts <= 1]
    issue_pieces(deps, fresh)
    for piece in pieces:
        if piece.claimed.request.attempts > MAX_ATTEMPTS:
            continue
        if piece.claimed.request.attempts > 1:
            issue_pieces(deps, [piece])
    return [replace(_ended(deps, piece), lane=piece.claimed.request.lane, gave_way=gave_way) for piece in pieces]


def _claim(
    deps: Deps, worker: str, lease_s: int, lane: Lane, most: Mapping[Lane, int]
) -> tuple[list[ClaimedRequest], bool]:
    """Up to ``most`` requests of one lane, the first up to ``lane`` that has any; one, when it gives way to live ones.

    Whether live ones come is read from the queue, so that every process sees what any of them works on.
    """
    now = deps.clock.sure()
    with deps.uow() as tx:
        first = tx.requests.claim(worker=worker, token=deps.ids.new("clm"), now=now, lease_s=lease_s, up_to=lane)
        if first is None:
            return [], False
        found = first.request.lane
        newest = tx.requests.newest_waiting(Lane.LIVE) if found is not Lane.LIVE else None
        if newest is not None and newest > now - LIVE_FRESH:
            return [first], True
        if most[found] == 1:
            return [first], False
        token = deps.ids.new("clm")
        more = tx.requests.claim_some(
            worker=worker, token=token, now=now, lease_s=lease_s, lane=found, limit=most[found] - 1
        )
        return [first, *more], False


def _ended(deps: Deps, piece: Piece) -> Processed:
    claimed, error, request_id = piece.claimed, piece.failure, piece.request_id
    if claimed.request.attempts > MAX_ATTEMPTS:
        log.error("gives up for a day", action="issue.stuck", request_id=request_id)
        return _failed(deps, claimed, "too_many_attempts", "多次尝试未成功，已转人工处理，请联系运维")
    if error is None:
        return Processed(request_id=request_id, outcome="issued")
    if isinstance(error, LostClaim):
        log.warning("claim lost", action="issue.lost", request_id=request_id)
        return Processed(request_id=request_id, outcome="lost")
    if isinstance(error, SealUnavailable):
        return _failed(deps, claimed, error.code, error.detail)
    if isinstance(error, Refused | Conflict | RenderingError):
        # The request's own fault. Everything else (a type or a font that this host lacks, a key, a store) may be
        # mended without asking the approval system again, and is tried again.
        return _refused(deps, claimed, error)
    if isinstance(error, CertsvcError):
        return _failed(deps, claimed, error.code, error.detail)
    log.error("unexpected failure", action="issue.crashed", request_id=request_id, exc_info=error)
    return _failed(deps, claimed, "internal", "内部错误，系统将自动重试")


def _refused(deps: Deps, claimed: ClaimedRequest, error: CertsvcError) -> Processed:
    request = claimed.request
    now = deps.clock.now()
    detail = error.detail + "".join(f"；{p.pointer} {p.detail}" for p in error.problems)
    with deps.uow() as tx:
        held = tx.requests.refuse(
            request.request_id, claim_token=claimed.claim_token, code=error.code, detail=detail, now=now
        )
        if held:
            tx.intents.drop(request.request_id)
            payload = IssuanceRefused(
                request_id=request.request_id,
                authority_code=request.payload.authority_code,
                business_no=request.payload.business_no,
                license_type=request.payload.type_slug,
                reason=error.code,
            )
            event_id, source = deps.ids.new("evt"), deps.policy.event_source
            with tracing(request.traceparent):
                tx.outbox.add(payload.event(event_id=event_id, source=source, subject=request.request_id, at=now))
            record(
                tx,
                deps,
                kind="issuance.refused",
                subject=request.request_id,
                actor="certsvc",
                content={"reason": error.code},
                at=now,
            )
    log.info("refused", action="issue.refused", request_id=request.request_id, reason=error.code)
    return Processed(request_id=request.request_id, outcome="refused" if held else "lost")


def _failed(deps: Deps, claimed: ClaimedRequest, code: str, detail: str) -> Processed:
    request = claimed.request
    now = deps.clock.now()
    wait = BACKOFF_S[max(request.attempts, 1) - 1] if request.attempts <= MAX_ATTEMPTS else PARKED_S
    with deps.uow() as tx:
        held = tx.requests.fail(
            request.request_id,
            claim_token=claimed.claim_token,
            code=code,
            detail=detail,
            next_try_at=now + timedelta(seconds=wait),
            now=now,
        )
    log.warning("failed, will retry", action="issue.failed", request_id=request.request_id, reason=code, wait_s=wait)
    return Processed(request_id=request.request_id, outcome="failed" if held else "lost")
