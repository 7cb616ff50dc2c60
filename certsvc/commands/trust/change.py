"""Propose and confirm changes of the trust list: two people, two roles, a reason, and nothing overwritten unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound, UnknownLicenseType
from certsvc.events.payloads import TrustChanged
from certsvc.seal.trust_entries import body_of, entry_id_of, kind_of, read_body
from certsvc.seal.trust_list import ENDING_ZH, FILE, NO_TYPE, PROPOSAL_LIFE, Anchor, TrustProposal, confirmed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.trust_list import EndedProposal, Recognition, TrustChange, TrustList

MAX_REASON = 500
MAX_ANCHORS = 1000
"""Anchors in the list: path building tries them one by one, and one verification must stay quick."""

MAX_RECOGNITIONS = 500
"""More than the country has cities that issue."""

MAX_WAITING = 1000
"""Proposals that wait: stops one account from filling the table."""

MAX_ENDED = 100
"""Ended proposals in one answer; every one stands in the evidence."""

SUBJECT = "trust-list"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustRecord:
    """What waits, what was changed, the newest that came to nothing, and the version in force."""

    version: int
    waiting: Sequence[TrustProposal]
    changes: Sequence[TrustChange]
    ended: Sequence[EndedProposal]


def propose_change(deps: Deps, caller: Principal, entry: Anchor | Recognition, reason: str) -> TrustProposal:
    """Keep a new or changed entry for confirmation; it is not in force by this.

    Raises:
        InvalidInput: no certificate, an anchor of the directory, a partner whose anchors are not listed for it, a type
            that the catalog does not have, a channel that is not https, or no reason.
        Conflict: the list or the queue is full.
    """
    roles.require(caller, roles.TRUST_PROPOSER)
    if not reason.strip() or len(reason) > MAX_REASON:
        raise _bad("reason", f"请写明变更理由，不超过 {MAX_REASON} 字")
    now = deps.clock.now()
    deps.trust.follow()
    _check(deps, entry)
    kind, entry_id = kind_of(entry), entry_id_of(entry)
    with deps.uow() as tx:
        if len(tx.trust.waiting(now - PROPOSAL_LIFE)) >= MAX_WAITING:
            raise Conflict(f"待确认的变更已有 {MAX_WAITING} 项，请先由确认人处理")
        proposal = TrustProposal(
            proposal_id=deps.ids.new("tpr"),
            kind=kind,
            entry_id=entry_id,
            body=body_of(entry),
            reason=reason.strip(),
            base=tx.trust.last_of(kind, entry_id),
            proposed_by=caller.subject,
            proposed_at=now,
        )
        tx.trust.propose(proposal)
        content = {"proposal_id": proposal.proposal_id, "entry": proposal.body, "reason": proposal.reason}
        record(tx, deps, kind="trust.proposed", subject=entry_id, actor=caller.subject, content=content, at=now)
    return proposal


def confirm_change(deps: Deps, caller: Principal, proposal_id: str) -> TrustChange:
    """Put a proposal in force; every process takes it up within seconds.

    Raises:
        NotFound: no such proposal.
        Forbidden: the caller proposed it.
        Conflict: it was confirmed, came to nothing, or its entry was changed since it was proposed.
        InvalidInput: it does not fit the list any more.
    """
    roles.require(caller, roles.TRUST_CONFIRMER)
    deps.trust.follow()
    with deps.uow() as tx:
        number = tx.trust.take_number()
        proposal = hold_open(tx, proposal_id)
        if proposal.proposed_by == caller.subject:
            raise Forbidden("提案人和确认人不得为同一人，请由其他人确认")
        if deps.clock.now() >= proposal.expires_at:
            raise Conflict(f"提案已超过 {PROPOSAL_LIFE.days} 天，不能再确认：仍需变更的，请重新提案")
        _check(deps, read_body(proposal.kind, proposal.body))
        change = _confirm(deps, tx, caller, proposal, number)
    deps.trust.follow()
    return change


def hold_open(tx: UnitOfWork, proposal_id: str) -> TrustProposal:
    """A proposal that was neither confirmed nor ended nor overtaken; nobody else decides about it meanwhile.

    Raises:
        NotFound: no such proposal.
        Conflict: it is open no more.
    """
    proposal = tx.trust.hold(proposal_id)
    if proposal is None:
        raise NotFound("没有这个变更提案，请核对编号")
    if (ended := tx.trust.ending(proposal_id)) is not None:
        raise Conflict(f"提案{ENDING_ZH[ended.how]}（{ended.end_reason}）：仍需变更的，请重新提案")
    if tx.trust.last_of(proposal.kind, proposal.entry_id) != proposal.base:
        raise Conflict("提案之后这个条目已经变更（或提案已确认）：请查看变更记录，需要时重新提案")
    return proposal


def trust_record(deps: Deps, caller: Principal, *, after: int = 0, limit: int | None = None) -> TrustRecord:
    """What waits, what was changed and what came to nothing, for those who change it, operators and auditors."""
    roles.require(caller, roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER, roles.OPERATOR, roles.AUDITOR)
    with deps.uow.read() as tx:
        return TrustRecord(
            version=tx.trust.version(),
            waiting=tx.trust.waiting(deps.clock.now() - PROPOSAL_LIFE),
            changes=tx.trust.changes(after=after, limit=limit),
            ended=tx.trust.ended(limit=MAX_ENDED),
        )


def _confirm(deps: Deps, tx: UnitOfWork, caller: Principal, proposal: TrustProposal, number: int) -> TrustChange:
    last = tx.trust.last()
    now = deps.clock.now()
    # A clock that was set back must not put a change before the one that it follows.
    at: datetime = max(now, last.confirmed_at) if last is not None else now
    previous = last.digest if last is not None else ""
    change = confirmed(proposal, number=number, by=caller.subject, at=at, previous=previous)
    tx.trust.confirm(change)
    payload = TrustChanged(
        version=number,
        kind=change.kind,
        entry_id=change.entry_id,
        digest=change.digest,
        reason=change.reason,
        proposed_by=change.proposed_by,
        confirmed_by=change.confirmed_by,
    )
    event_id = deps.ids.new("evt")
    tx.outbox.add(payload.event(event_id=event_id, source=deps.policy.event_source, subject=SUBJECT, at=at))
    content = {"proposal_id": change.proposal_id, "number": number, "digest": change.digest}
    record(tx, deps, kind="trust.confirmed", subject=change.entry_id, actor=caller.subject, content=content, at=at)
    return change


def _check(deps: Deps, entry: Anchor | Recognition) -> None:
    """What only the list, the catalog and the certificates can say about an entry."""
    current = deps.trust.current
    if isinstance(entry, Anchor):
        _check_anchor(deps, entry, current)
    else:
        _check_recognition(deps, entry, current)


def _check_anchor(deps: Deps, entry: Anchor, current: TrustList) -> None:
    known = current.anchor(entry.anchor_id)
    if known is not None and known.origin == FILE:
        raise _bad("certificate", "这张证书在运维配置的信任目录中，总是有效：请改信任目录或其中的 trust.toml")
    if known is None and len(current.anchors) >= MAX_ANCHORS:
        raise Conflict(f"信任列表已有 {MAX_ANCHORS} 张证书")
    deps.trust_lists.check_certificate(entry.certificate, authority=False)
    for der in entry.intermediates:
        deps.trust_lists.check_certificate(der, authority=True)


def _check_recognition(deps: Deps, entry: Recognition, current: TrustList) -> None:
    if current.recognition(entry.partner) is None and len(current.recognitions) >= MAX_RECOGNITIONS:
        raise Conflict(f"互认清单已有 {MAX_RECOGNITIONS} 个城市")
    for anchor_id in entry.anchors:
        anchor = current.anchor(anchor_id)
        if anchor is None or entry.purpose not in anchor.purposes:
            raise _bad(
                "anchors", f"根证书 {anchor_id} 不在信任列表中，或没有用途 {entry.purpose}：请先提案并确认根证书"
            )
    for one in entry.types:
        if one.slug != NO_TYPE:
            _check_type(deps, one.slug)
    if urlsplit(entry.channel).scheme != "https" and not deps.policy.sandbox:
        raise _bad("channel", "正式环境的核验通道须为 https：对方的答复决定证照是否有效")


def _check_type(deps: Deps, slug: str) -> None:
    try:
        deps.catalog.type(slug)
    except UnknownLicenseType as error:
        raise _bad("types", f"目录中没有证照类型 {slug}：请核对，或写 * 并给出名称") from error


def _bad(name: str, detail: str) -> InvalidInput:
    problem = FieldProblem(pointer=f"/{name}", code="trust_entry", detail=detail)
    return InvalidInput(detail, problems=(problem,))
