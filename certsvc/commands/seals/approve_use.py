"""Ask for, and decide about, one manual use of a seal (人工用印审批)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.seals.duties import UNSEEN
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.events.seal_payloads import SealUseDecided
from certsvc.seal.approval import APPROVAL_LIFETIME, APPROVAL_ZH, ApprovalState, UseApproval, Vote
from certsvc.seal.model import SEAL_STATE_ZH, SealState
from certsvc.seal.use import SealUse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

LISTED = 200
"""Approvals in one answer, the newest."""

NOT_THERE = "没有这项用印申请，或不属于本单位"


def ask_use(deps: Deps, caller: Principal, seal_id: str, *, digest: str, purpose: str, use: SealUse) -> UseApproval:
    """Ask the named approvers of a seal for one manual use over ``digest``.

    Raises:
        NotFound: no such seal, or not of the caller's authority.
        Forbidden: the caller does not keep this seal.
        Conflict: the seal is not in use, or its manual use needs no approval.
    """
    roles.require(caller, roles.SEAL_KEEPER)
    now = deps.clock.now()
    with deps.uow() as tx:
        seal = tx.seals.by_id(seal_id)
        if seal is None or seal.owner_code != caller.authority_code:
            raise NotFound(UNSEEN)
        if not seal.rules.kept_by(caller.subject):
            raise Forbidden("您不是这枚印章登记的保管人，请由登记的保管人提交")
        if seal.state is not SealState.ACTIVE:
            raise Conflict(f"印章当前状态为“{SEAL_STATE_ZH[seal.state]}”，不能申请用印")
        if seal.rules.manual_needed == 0:
            raise Conflict("这枚印章的人工用印无须审批，可直接用印")
        approval = UseApproval(
            approval_id=deps.ids.new("apr"),
            seal_id=seal_id,
            owner_code=seal.owner_code,
            digest=digest,
            purpose=purpose,
            type_slug=use.type_slug,
            matter_code=use.matter_code,
            region=use.region,
            asked_by=caller.subject,
            asked_at=now,
            expires_at=now + APPROVAL_LIFETIME,
            needed=seal.rules.manual_needed,
            approvers=seal.rules.approvers,
        )
        tx.approvals.ask(approval)
        _prove(deps, tx, approval, "seal.use_asked", caller.subject, now)
    return approval


def vote_on_use(
    deps: Deps, caller: Principal, approval_id: str, *, agrees: bool, represented_by: str = ""
) -> UseApproval:
    """Agree to a manual use or refuse it; with ``represented_by`` as 首席代表, who decides alone.

    Raises:
        NotFound: no such approval, or not of the caller's authority.
        Forbidden: not a named approver, the person who asked, or an appointment that does not cover the use.
        Conflict: decided already, run out, or the caller has voted.
    """
    roles.require(caller, roles.SEAL_USE_APPROVER)
    now = deps.clock.now()
    with deps.uow() as tx:
        approval = tx.approvals.by_id(approval_id, hold=True)
        if approval is None or approval.owner_code != caller.authority_code:
            raise NotFound(NOT_THERE)
        _check_voter(tx, caller, approval, represented_by, now)
        if approval.state is not ApprovalState.WAITING:
            raise Conflict(f"用印申请当前为“{APPROVAL_ZH[approval.state]}”，不能再表决")
        if now >= approval.expires_at:
            raise Conflict("用印申请已超过时限，请由保管人重新提交")
        vote = Vote(voter=caller.subject, agrees=agrees, at=now, represented_by=represented_by)
        if not tx.approvals.vote(approval_id, vote):
            raise Conflict("您已对这项用印申请表过态，每人一次")
        kind = "seal.use_agreed" if agrees else "seal.use_refused"
        _prove(deps, tx, approval, kind, caller.subject, now)
        after = approval.after(tx.approvals.votes(approval_id))
        if after is not ApprovalState.WAITING:
            tx.approvals.set_state(approval_id, source=ApprovalState.WAITING, target=after)
            _tell(deps, tx, approval, after, now)
        decided = tx.approvals.by_id(approval_id)
    return decided or approval


def list_approvals(deps: Deps, caller: Principal) -> Sequence[UseApproval]:
    """The newest approvals about the seals of the caller's authority."""
    roles.require(caller, roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER)
    with deps.uow.read() as tx:
        return tx.approvals.of_owner(caller.authority_code, limit=LISTED)


def read_approval(deps: Deps, caller: Principal, approval_id: str) -> tuple[UseApproval, Sequence[Vote]]:
    """An approval and its votes, for the authority's keepers and approvers and for auditors; NotFound otherwise."""
    roles.require(caller, roles.SEAL_KEEPER, roles.SEAL_USE_APPROVER, roles.AUDITOR)
    with deps.uow.read() as tx:
        approval = tx.approvals.by_id(approval_id)
        own = approval is not None and approval.owner_code == caller.authority_code
        if approval is None or not (own or roles.AUDITOR in caller.roles):
            raise NotFound(NOT_THERE)
        return approval, tx.approvals.votes(approval_id)


def use_of(*, type_slug: str, matter_code: str, region: str) -> SealUse:
    """The manual use that is asked for."""
    return SealUse(type_slug=type_slug, matter_code=matter_code, region=region, manual=True)


def _check_voter(tx: UnitOfWork, caller: Principal, approval: UseApproval, represented_by: str, now: datetime) -> None:
    if caller.subject == approval.asked_by:
        raise Forbidden("提交人不得审批自己的用印申请")
    if not represented_by:
        if caller.subject not in approval.approvers:
            raise Forbidden("您不是这枚印章指定的用印审批人")
        return
    one = tx.approvals.representative(represented_by)
    if one is None or one.person != caller.subject:
        problem = FieldProblem(pointer="/represented_by", code="unknown", detail="没有这项首席代表授权，或不是授予您的")
        raise InvalidInput("首席代表授权有误", problems=(problem,))
    use = use_of(type_slug=approval.type_slug, matter_code=approval.matter_code, region=approval.region)
    fault = one.problem_of(approval.owner_code, use, now)
    if fault:
        raise Forbidden(f"{fault}，请由指定的用印审批人办理")


def _tell(deps: Deps, tx: UnitOfWork, approval: UseApproval, state: ApprovalState, now: datetime) -> None:
    payload = SealUseDecided(
        approval_id=approval.approval_id,
        seal_id=approval.seal_id,
        owner_code=approval.owner_code,
        state=state.value,
    )
    event_id = deps.ids.new("evt")
    tx.outbox.add(payload.event(event_id=event_id, source=deps.policy.event_source, subject=approval.seal_id, at=now))


def _prove(deps: Deps, tx: UnitOfWork, approval: UseApproval, kind: str, actor: str, now: datetime) -> None:
    content = {"approval_id": approval.approval_id, "digest": approval.digest, "purpose": approval.purpose}
    record(tx, deps, kind=kind, subject=approval.seal_id, actor=actor, content=content, at=now)
