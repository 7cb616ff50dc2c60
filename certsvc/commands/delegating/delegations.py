"""What becomes of a delegation: accepted or declined, kept by a new 法定代表人, ended; and the lists of both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.showing.rights import alive, holder_of, same
from certsvc.errors import Conflict, NotFound
from certsvc.events.consent_payloads import DelegationAccepted, DelegationEnded
from certsvc.license.delegations import MAX_OPEN_DELEGATIONS, DelegationEnd, DelegationState
from certsvc.license.relations import RelationKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import Holder, LicenseVersion

NO_DELEGATION_ZH = "没有这份代亮授权"


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegationLists:
    """Both sides, newest first, and the licenses they name by license id (the newest version of each)."""

    given: Sequence[Delegation]
    received: Sequence[Delegation]
    licenses: Mapping[str, LicenseVersion]


def list_delegations(deps: Deps, caller: Principal) -> DelegationLists:
    """Those over the caller's licenses or the represented company's, those the caller gave, and those received."""
    roles.require(caller, roles.HOLDER)
    me, day = holder_of(caller), local_day(deps.clock.now())
    with deps.uow.read() as tx:
        represented = tx.relations.of_other(me, RelationKind.REPRESENTATIVE)
        companies = [one.subject for one in represented if one.holds(day)]
        found = [*tx.delegations.of_grantor(me, limit=MAX_OPEN_DELEGATIONS)]
        for holder in (me, *companies):
            found += tx.delegations.of_holder(holder, limit=MAX_OPEN_DELEGATIONS)
        given = {one.delegation_id: one for one in found}
        received = tx.delegations.of_delegate(me, limit=MAX_OPEN_DELEGATIONS)
        named = {license_id for one in (*given.values(), *received) for license_id in one.scope}
        versions = tx.licenses.of_licenses(sorted(named))
    newest_first = sorted(given.values(), key=lambda one: (one.created_at, one.delegation_id), reverse=True)
    return DelegationLists(given=newest_first, received=received, licenses={one.license_id: one for one in versions})


def answer_delegation(deps: Deps, caller: Principal, delegation_id: str, *, accept: bool) -> Delegation:
    """The delegate accepts or declines.

    Raises:
        NotFound: not offered to the caller.
        Conflict: answered already, past its last day, or what it rests on has ended.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    state = DelegationState.ACTIVE if accept else DelegationState.DECLINED
    with deps.uow() as tx:
        found = tx.delegations.by_id(delegation_id)
        if found is None or not same(found.delegate, holder_of(caller)):
            raise NotFound(NO_DELEGATION_ZH)
        # A death that was stated while it was offered did not see it: it is asked about before it begins.
        begins = not accept or alive(tx, found.holder, found.grantor, found.delegate)
        if found.stands(now) is not DelegationState.OFFERED or not begins:
            raise Conflict("这份代亮授权已答复、已结束或已过期")
        if accept and found.parent_id and not tx.delegations.hold(found.parent_id):
            raise Conflict("指定您的证照管理员已不在任，或待新任法定代表人确认")
        if not tx.delegations.answer(delegation_id, state, now=now):
            raise Conflict("这份代亮授权刚刚被收回")
        if accept:
            payload = DelegationAccepted(
                delegation_id=delegation_id,
                level=found.level.value,
                licenses=len(found.scope),
                until=found.until.isoformat(),
            )
            event_id, source = deps.ids.new("evt"), deps.policy.event_source
            tx.outbox.add(payload.event(event_id=event_id, source=source, subject=delegation_id, at=now))
        _on_record(tx, deps, f"delegation.{'accepted' if accept else 'declined'}", found, caller.subject, now)
        return _again(tx, delegation_id)


def confirm_delegation(deps: Deps, caller: Principal, delegation_id: str) -> Delegation:
    """A new 法定代表人 keeps a 证照管理员 and the 办事人 below.

    Raises:
        NotFound: not of a company that the caller represents.
        Conflict: it does not wait for this, or its last day is over.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.delegations.by_id(delegation_id)
        if found is None or not _speaks_for(tx, caller, found, now):
            raise NotFound(NO_DELEGATION_ZH)
        waits = found.stands(now) is DelegationState.UNCONFIRMED and not found.parent_id
        confirmed = tx.delegations.confirm(delegation_id) if waits else ()
        if not confirmed:
            raise Conflict("这份代亮授权不需要确认，或已结束、已过期")
        for one in confirmed:
            _on_record(tx, deps, "delegation.confirmed", one, caller.subject, now)
        return _again(tx, delegation_id)


def end_delegation(deps: Deps, caller: Principal, delegation_id: str) -> None:
    """End one at once, and everything below it: by its holder, who gave it, the 法定代表人, or the delegate.

    Raises:
        NotFound: none of these, or it has ended already.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.delegations.by_id(delegation_id)
        if found is None:
            raise NotFound(NO_DELEGATION_ZH)
        me = holder_of(caller)
        if same(found.grantor, me) or _speaks_for(tx, caller, found, now):
            because = DelegationEnd.BY_GRANTOR
        elif same(found.delegate, me):
            because = DelegationEnd.BY_DELEGATE
        else:
            raise NotFound(NO_DELEGATION_ZH)
        ended = tx.delegations.end((delegation_id,), because, now=now)
        if not ended:
            raise NotFound(NO_DELEGATION_ZH)
        tell_ended(deps, tx, ended, actor=caller.subject, now=now)


def tell_ended(deps: Deps, tx: UnitOfWork, ended: Sequence[Delegation], *, actor: str, now: datetime) -> None:
    """Event and record of each that has just ended; what was consented to under it and is not used yet is withdrawn."""
    for grant_id in tx.sharing.withdraw_under([one.delegation_id for one in ended], now=now):
        record(tx, deps, kind="grant.withdrawn", subject=grant_id, actor=actor, content={"because": "ended"}, at=now)
    for one in ended:
        payload = DelegationEnded(delegation_id=one.delegation_id, level=one.level.value, reason=one.ended_because)
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=one.delegation_id, at=now))
        _on_record(tx, deps, "delegation.ended", one, actor, now)


def unconfirm(deps: Deps, tx: UnitOfWork, company: Holder, *, actor: str, now: datetime) -> None:
    """What a company's delegates have waits for its new 法定代表人, on record; what was only offered has ended."""
    for one in tx.delegations.unconfirm(company, now=now):
        kind = "delegation.unconfirmed" if one.state is DelegationState.UNCONFIRMED else "delegation.ended"
        _on_record(tx, deps, kind, one, actor, now)


def _speaks_for(tx: UnitOfWork, caller: Principal, found: Delegation, now: datetime) -> bool:
    """Whether the caller is the holder, or the 法定代表人 of the company that is."""
    me = holder_of(caller)
    if same(found.holder, me):
        return True
    return any(
        one.other is not None and same(one.other, me) and one.holds(local_day(now))
        for one in tx.relations.of_subject(found.holder, RelationKind.REPRESENTATIVE)
    )


def _again(tx: UnitOfWork, delegation_id: str) -> Delegation:
    found = tx.delegations.by_id(delegation_id)
    if found is None:
        msg = "a delegation is never deleted"
        raise RuntimeError(msg)
    return found


def _on_record(tx: UnitOfWork, deps: Deps, kind: str, one: Delegation, actor: str, now: datetime) -> None:
    content = {"level": one.level.value, "because": one.ended_because}
    record(tx, deps, kind=kind, subject=one.delegation_id, actor=actor, content=content, at=now)
