"""How a round ends without being complete.

A participant declines, the creator cancels, the deadline passes, or the seal that was asked for will never be set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.signings.read import own_step, read_round
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.signing_payloads import SigningCancelled, SigningDeclined, SigningExpired, SigningUnsealed
from certsvc.seal.signing_round import ROUND_STATE_ZH, STEP_STATE_ZH, StepState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.signings.read import SeenRound
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload
    from certsvc.seal.signing_round import SigningRound

EXPIRE_AT_ONCE = 100


def decline(deps: Deps, caller: Principal, round_id: str, reason: str) -> SeenRound:
    """拒签, with a reason that the creator reads; no PIN is needed to say no.

    Raises:
        NotFound: not the caller's round.
        InvalidInput: no reason.
        Conflict: the caller has signed, it is not the own turn, or the round has ended.
    """
    remark = _reason(reason, "请写明拒签的原因")
    now = deps.clock.now()
    with deps.uow() as tx:
        signing, step = own_step(tx, deps, caller, round_id)
        if step.state is not StepState.WAITING:
            raise Conflict(f"您在这份文件上的签名状态为“{STEP_STATE_ZH[step.state]}”，不能拒签")
        if not tx.signings.decline(round_id, step.step_id, remark=remark, now=now):
            raise _ended(signing, now)
        payload = SigningDeclined(round_id=round_id, step_id=step.step_id)
        _tell(tx, deps, payload, round_id, caller.subject, {"step_id": step.step_id, "reason": remark}, now)
    return read_round(deps, caller, round_id)


def cancel(deps: Deps, caller: Principal, round_id: str, reason: str) -> SeenRound:
    """The creator cancels (取消) an open round.

    Raises:
        NotFound: not the caller's round.
        InvalidInput: no reason.
        Conflict: the round has ended, or everybody has signed and the seal is being set.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY, roles.CLERK)
    remark = _reason(reason, "请写明取消的原因")
    now = deps.clock.now()
    with deps.uow() as tx:
        signing = tx.signings.by_id(round_id)
        if signing is None or signing.created_by != caller.subject:
            raise NotFound("没有这份签署文件，或不是由您发起")
        if not tx.signings.cancel(round_id, now=now):
            raise _ended(signing, now)
        _tell(tx, deps, SigningCancelled(round_id=round_id), round_id, caller.subject, {"reason": remark}, now)
    return read_round(deps, caller, round_id)


def expire_rounds(deps: Deps) -> int:
    """End the rounds whose deadline passed; how many."""
    now = deps.clock.now()
    done = 0
    with deps.uow.read() as tx:
        overdue = tx.signings.overdue(now, limit=EXPIRE_AT_ONCE)
    for round_id in overdue:
        with deps.uow() as tx:
            signing = tx.signings.by_id(round_id)
            if signing is None or not tx.signings.expire(round_id, now=now):
                continue
            left = sum(1 for step in signing.steps if step.state is StepState.WAITING)
            _tell(tx, deps, SigningExpired(round_id=round_id, left_to_sign=left), round_id, "certsvc", {}, now)
            done += 1
    return done


def end_unsealed(deps: Deps, signing: SigningRound, reason: str, *, token: str) -> None:
    """End a round that everybody signed and nobody can seal, under the claim ``token``; all parties read the reason.

    The signatures stay good; the creator has the file and asks for a seal elsewhere.
    """
    now = deps.clock.now()
    seal_id = signing.seal.seal_id if signing.seal else ""
    with deps.uow() as tx:
        if not tx.round_seals.refuse(signing.round_id, token=token, trouble=reason, now=now):
            return
        payload = SigningUnsealed(
            round_id=signing.round_id,
            authority_code=signing.authority_code,
            sha256=signing.head.sha256,
            seal_id=seal_id,
        )
        _tell(tx, deps, payload, signing.round_id, "certsvc", {"seal_id": seal_id, "reason": reason}, now)


def _tell(
    tx: UnitOfWork,
    deps: Deps,
    payload: Payload,
    round_id: str,
    actor: str,
    content: Mapping[str, object],
    now: datetime,
) -> None:
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=round_id, at=now))
    record(
        tx,
        deps,
        kind=payload.NAME.removesuffix(".v1"),
        subject=round_id,
        actor=actor,
        content=content,
        at=now,
    )


def _reason(text: str, detail: str) -> str:
    if not text.strip():
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/reason", code="missing", detail=detail),))
    return text.strip()


def _ended(signing: SigningRound, now: datetime) -> Conflict:
    return Conflict(f"{ROUND_STATE_ZH[signing.state_at(now)]}，不能再办理")
