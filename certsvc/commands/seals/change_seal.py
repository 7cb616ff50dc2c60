"""Stop and resume a seal (停用/恢复), by its keeper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.payloads import SealResumed, SealStopped
from certsvc.seal.model import SEAL_STATE_ZH, SealState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.model import Seal


def list_seals(deps: Deps, caller: Principal) -> Sequence[Seal]:
    """Seals the caller may see: a keeper those of the own authority, an auditor all."""
    roles.require(caller, roles.SEAL_KEEPER, roles.AUDITOR)
    with deps.uow.read() as tx:
        seals = tx.seals.all()
    if roles.AUDITOR in caller.roles:
        return seals
    return [seal for seal in seals if seal.owner_code == caller.authority_code]


def change_seal(deps: Deps, caller: Principal, seal_id: str, *, stop: bool, reason: str) -> Seal:
    """Stop or resume; effective for the next reservation at once.

    Raises:
        NotFound: no such seal, or not of the caller's authority.
        Conflict: the seal is not in a state that allows it.
    """
    roles.require(caller, roles.SEAL_KEEPER)
    if not reason.strip():
        problem = FieldProblem(pointer="/reason", code="missing", detail="请写明停用或恢复的原因")
        raise InvalidInput("缺少原因", problems=(problem,))
    now = deps.clock.now()
    source, target = (SealState.ACTIVE, SealState.STOPPED) if stop else (SealState.STOPPED, SealState.ACTIVE)
    with deps.uow() as tx:
        seal = tx.seals.by_id(seal_id)
        if seal is None or seal.owner_code != caller.authority_code:
            raise NotFound("没有这枚印章，或不属于本单位")
        if not tx.seals.set_state(seal_id, source=source, target=target):
            asked = "停用" if stop else "恢复"
            raise Conflict(f"印章当前状态为“{SEAL_STATE_ZH[seal.state]}”，不能{asked}")
        payload_type = SealStopped if stop else SealResumed
        payload = payload_type(seal_id=seal_id, owner_code=seal.owner_code)
        tx.outbox.add(
            payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=seal_id, at=now)
        )
        record(
            tx,
            deps,
            kind="seal.stopped" if stop else "seal.resumed",
            subject=seal_id,
            actor=caller.subject,
            content={"reason": reason},
            at=now,
        )
        changed = tx.seals.by_id(seal_id)
    if changed is None:
        msg = "a seal vanished within its own transaction"
        raise RuntimeError(msg)
    return changed
