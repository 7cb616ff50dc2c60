"""Settle by hand what became of a seal use whose answer a crash took: the way on from ``unknown``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import answered_key
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.events.seal_payloads import SealUseSettled
from certsvc.seal.model import ReservationResult

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.seal.model import SealReservation

log = structlog.get_logger("certsvc.seals")

STILL_AT_WORK = timedelta(minutes=10)
"""An open reservation is left to whoever works on it for so long: no lease and no key operation lasts longer."""
MAX_REASON_CHARS = 200


def settle_use_by_hand(
    deps: Deps, reservation_id: str, *, reason: str, actor: str, used: bool = True
) -> SealReservation:
    """Say what became of a use: it was used unless somebody knows that the key did not sign.

    Either way it stays counted against the budget of its day, and it is listed and alarmed about no more.

    Raises:
        InvalidInput: no reason, or a long one.
        NotFound: no such reservation.
        Conflict: it has an answer, or its work may still be going on.
    """
    if not 0 < len(reason.strip()) <= MAX_REASON_CHARS:
        raise InvalidInput(f"请用 --reason 说明依据（1 至 {MAX_REASON_CHARS} 个字），将写入留痕")
    now = deps.clock.now()
    result = ReservationResult.USED if used else ReservationResult.FAILED
    with deps.uow() as tx:
        before = tx.reconciling.reservation(reservation_id)
        if before is None:
            raise NotFound("没有这个预留编号，请用 certsvc seals unanswered 查看")
        settled = tx.seals.settle(reservation_id, result, open_before=now - STILL_AT_WORK, now=now)
        if settled is None:
            raise Conflict(
                "这次用印已有结果，或仍在办理中（十分钟内的未答预留不能核定），请用 certsvc seals unanswered 查看"
            )
        seal = tx.seals.by_id(settled.seal_id)
        payload = SealUseSettled(
            reservation_id=reservation_id,
            seal_id=settled.seal_id,
            owner_code=seal.owner_code if seal else "",
            result=result.value,
        )
        source = deps.policy.event_source
        tx.outbox.add(payload.event(event_id=deps.ids.new("evt"), source=source, subject=settled.seal_id, at=now))
        content = {"reservation_id": reservation_id, "purpose": settled.purpose, "digest": settled.digest}
        # The row that every answer has (reconciliation counts them), and one that says who answered, and why.
        keys = {"rows": [answered_key(settled)]}
        if before.result is not ReservationResult.OPEN:
            keys["former"] = [answered_key(before)]
        named = {**content, **keys}
        record(tx, deps, kind=f"seal.{result.value}", subject=settled.seal_id, actor=actor, content=named, at=now)
        said = {**content, "was": before.result.value, "result": result.value, "reason": reason.strip()}
        record(tx, deps, kind="seal.settled", subject=settled.seal_id, actor=actor, content=said, at=now)
    log.warning("use settled by hand", action="seal.settled", reservation_id=reservation_id, result=result.value)
    return settled
