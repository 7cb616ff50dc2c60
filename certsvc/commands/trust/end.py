"""End proposals for the trust list: rejected by the second person, withdrawn by the first, or expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.trust.change import MAX_REASON, hold_open
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.seal.trust_list import PROPOSAL_LIFE, EndedProposal, Ending

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.trust_list import TrustProposal

SERVICE = "certsvc"
"""Who ends what nobody decided."""

BATCH = 100
"""Expired proposals per look."""


def reject_change(deps: Deps, caller: Principal, proposal_id: str, reason: str) -> EndedProposal:
    """Refuse a proposal (不予确认), with the reason.

    Raises:
        NotFound: no such proposal.
        Forbidden: the caller proposed it, and withdraws it instead.
        Conflict: it was confirmed, overtaken or ended.
        InvalidInput: no reason.
    """
    roles.require(caller, roles.TRUST_CONFIRMER)
    why = _reason(reason)
    with deps.uow() as tx:
        proposal = hold_open(tx, proposal_id)
        if proposal.proposed_by == caller.subject:
            raise Forbidden("提案人和确认人不得为同一人：自己的提案请撤回")
        return _end(deps, tx, proposal, Ending.REJECTED, by=caller.subject, reason=why, at=deps.clock.now())


def withdraw_change(deps: Deps, caller: Principal, proposal_id: str, reason: str) -> EndedProposal:
    """Take the own proposal back (撤回), with the reason.

    Raises:
        NotFound: no such proposal.
        Forbidden: somebody else proposed it.
        Conflict: it was confirmed, overtaken or ended.
        InvalidInput: no reason.
    """
    roles.require(caller, roles.TRUST_PROPOSER)
    why = _reason(reason)
    with deps.uow() as tx:
        proposal = hold_open(tx, proposal_id)
        if proposal.proposed_by != caller.subject:
            raise Forbidden("只有提案人可以撤回提案：他人的提案请由信任列表确认员不予确认")
        return _end(deps, tx, proposal, Ending.WITHDRAWN, by=caller.subject, reason=why, at=deps.clock.now())


def expire_proposals(deps: Deps) -> int:
    """Put on record which proposals nobody decided about in time; how many there were.

    They cannot be confirmed anyway (:func:`~certsvc.commands.trust.change.confirm_change` looks at the time).
    """
    now = deps.clock.now()
    ended = 0
    while True:
        with deps.uow.read() as tx:
            due = tx.trust.expired(now - PROPOSAL_LIFE, limit=BATCH)
        if not due:
            return ended
        ended += sum(_expire(deps, one.proposal_id, now) for one in due)


def _expire(deps: Deps, proposal_id: str, now: datetime) -> bool:
    with deps.uow() as tx:
        try:
            proposal = hold_open(tx, proposal_id)
        except (NotFound, Conflict):
            # Another process was here in this very moment.
            return False
        reason = f"{PROPOSAL_LIFE.days} 天内无人确认"
        _end(deps, tx, proposal, Ending.EXPIRED, by=SERVICE, reason=reason, at=now)
    return True


def _end(
    deps: Deps, tx: UnitOfWork, proposal: TrustProposal, how: Ending, *, by: str, reason: str, at: datetime
) -> EndedProposal:
    ended = EndedProposal(proposal=proposal, how=how, ended_by=by, ended_at=at, end_reason=reason)
    tx.trust.end(ended)
    content = {"proposal_id": proposal.proposal_id, "entry": proposal.body, "reason": reason}
    record(tx, deps, kind=f"trust.{how.value}", subject=proposal.entry_id, actor=by, content=content, at=at)
    return ended


def _reason(reason: str) -> str:
    if not reason.strip() or len(reason) > MAX_REASON:
        detail = f"请写明理由，不超过 {MAX_REASON} 字"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/reason", code="missing", detail=detail),))
    return reason.strip()
