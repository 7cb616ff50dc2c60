"""待处理: requests that failed or wait too long, parked events, unanswered seal uses, and who is late with events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.console.reach import OPERATORS, READERS
from certsvc.commands.console.reasons import WAITS, why_of
from certsvc.commands.evidence.record import record
from certsvc.commands.seals.settle_use import STILL_AT_WORK
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.license.request import RequestState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parked import ParkedEvent
    from certsvc.license.request import IssuanceRequest
    from certsvc.seal.model import SealReservation

WAITS_LONG = timedelta(minutes=5)
"""An accepted request is begun within a second; after so long somebody looks."""
LATE = timedelta(minutes=1)
"""A consumer takes events within a second; longest regular pause after a failure is five minutes."""
COUNTED = 10_000
"""Rows of the backlog that are counted at most: looking must not cost more the worse things are."""
MAX_ROWS = 100
"""Requests of each state, events and uses told by name; each request is decrypted."""
MAX_RETRIED = 100
"""Requests of one retry: each is a write."""
RETRIED = "issuance.retried"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Requests that wait for one reason (:data:`WAITS` or the code of a failure)."""

    reason: str
    count: int
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """A consumer of events that is late: by how many, and since when."""

    name: str
    count: int
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Stuck:
    """What waits for somebody.

    Attributes:
        failed: the oldest of those that failed; ``waiting`` the oldest that nobody has begun. Neither list takes the
            room of the other: what is to be done about them differs.
        parked: events of the broker that could not be carried out.
        reservations: uses of seals without an answer, to be settled by hand.
        unsequenced: committed events that nobody was given yet; more than a moment means that no relay runs.
        failed_deliveries: webhooks that were given up.
    """

    groups: Sequence[Group]
    failed: Sequence[IssuanceRequest]
    waiting: Sequence[IssuanceRequest]
    parked: Sequence[ParkedEvent]
    reservations: Sequence[SealReservation]
    behind: Sequence[Behind]
    unsequenced: int
    unsequenced_since: datetime | None
    failed_deliveries: int


def read_stuck(deps: Deps, caller: Principal) -> Stuck:
    """Everything that waits, over one snapshot."""
    roles.require(caller, *READERS)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        failing = tx.console.backlog(RequestState.FAILED, before=now, most=COUNTED)
        waiting = tx.console.backlog(RequestState.ACCEPTED, before=now - WAITS_LONG, most=COUNTED)
        groups = [Group(reason=code, count=count, since=since) for code, count, since in failing]
        if waiting:
            count, since = sum(one[1] for one in waiting), min(one[2] for one in waiting)
            groups.append(Group(reason=WAITS, count=count, since=since))
        failed = _failed(tx, [one[0] for one in failing], now)
        untouched = tx.console.oldest(RequestState.ACCEPTED, before=now - WAITS_LONG, limit=MAX_ROWS)
        last, places = tx.operations.last_position(), tx.console.places()
        late = {
            name: oldest
            for name, place in places.items()
            if place < last and (oldest := tx.operations.first_behind(place)) is not None and oldest < now - LATE
        }
        unsequenced = tx.operations.unsequenced(most=COUNTED)
        return Stuck(
            groups=groups,
            failed=failed,
            waiting=untouched,
            parked=tx.parked.waiting(client_id=None, after="", limit=MAX_ROWS),
            reservations=tx.seals.unanswered(before=now - STILL_AT_WORK, limit=MAX_ROWS),
            behind=[Behind(name=name, count=last - places[name], since=since) for name, since in late.items()],
            unsequenced=unsequenced.count,
            unsequenced_since=unsequenced.oldest,
            failed_deliveries=tx.operations.failed_deliveries(most=COUNTED),
        )


def _failed(tx: UnitOfWork, reasons: Sequence[str], now: datetime) -> Sequence[IssuanceRequest]:
    """The oldest of each reason: many of one that must not be retried hide none of another that may."""
    share = max(1, MAX_ROWS // max(1, len(reasons)))
    named = [
        one
        for reason in reasons[:MAX_ROWS]
        for one in tx.console.oldest(RequestState.FAILED, before=now, limit=share, reason=reason)
    ]
    return sorted(named, key=lambda one: (one.updated_at, one.request_id))


def retry_requests(deps: Deps, caller: Principal, request_ids: Sequence[str]) -> int:
    """Let failed requests be tried at once, with their attempts counted anew; how many are.

    The evidence keeps how often each was tried before.

    Raises:
        InvalidInput: none, or too many.
        NotFound: one of them is not there; then none is tried.
        Conflict: none of them waits for a try: somebody works on them, or they have ended; or one of them failed for a
            reason that must be cleared up first, then none is tried.
    """
    roles.require(caller, *OPERATORS)
    if not 0 < len(request_ids) <= MAX_RETRIED:
        raise InvalidInput(f"一次重试 1 至 {MAX_RETRIED} 个申请")
    now, done = deps.clock.now(), 0
    with deps.uow() as tx:
        for request_id in sorted(set(request_ids)):
            request = tx.requests.by_id(request_id)
            if request is None:
                raise NotFound("没有这个申请，请刷新后再看")
            if request.state is RequestState.FAILED and not why_of(request.reason_code).retry:
                raise Conflict(f"申请 {request_id} 不能重试：{why_of(request.reason_code).next_zh}")
            if not tx.console.hasten(request_id, now=now):
                continue
            done += 1
            content = {"reason": request.reason_code, "attempts": request.attempts}
            record(tx, deps, kind=RETRIED, subject=request_id, actor=caller.subject, content=content, at=now)
    if not done:
        raise Conflict("这些申请正在办理或已有结果，不用重试；请刷新后再看")
    return done
