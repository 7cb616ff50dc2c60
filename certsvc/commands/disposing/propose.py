"""Lists of 鉴定销毁: proposed by one archivist, decided by another, taken back before they take effect."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.archiving.contents import codes_of
from certsvc.commands.disposing.judge import judged_cases, judged_licenses
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.supervision.reach import tell
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound
from certsvc.events.archive_payloads import DisposalMoved
from certsvc.events.canonical import canonical
from certsvc.license.archives import ARCHIVE_ZH, ArchiveKind
from certsvc.license.disposal import (
    BOUND_ZH,
    DISPOSAL_ZH,
    MAX_ITEMS,
    MOST_YEARS,
    UNDO_WINDOW,
    Bound,
    Disposal,
    DisposalItem,
    DisposalOutcome,
    DisposalState,
    ItemState,
    over_on,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.disposing.judge import Judged
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

READERS = (roles.ARCHIVIST, roles.AUDITOR)
NO_LIST_ZH = "没有这份清册，或不属于本机关"
NOT_OVER_ZH = "不在到期之列：没有到期、已经销毁，或不属于本机关"
MAX_TEXT = 500
"""Characters of a reason or an opinion; bounds what one account can write."""


class DisposalNamed(BaseModel):
    """One thing to be listed: by 证照标识 of any of its versions, or by 办件编号."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ArchiveKind = Field(description="license 证照 · case 办件")
    label: Line = Field(min_length=1, max_length=128, description="证照标识（任一版本的），或办件编号")


class DisposalBody(BaseModel):
    """鉴定意见：哪些，销毁还是延长保管，为什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: DisposalOutcome = Field(description="destroy 销毁 · extend 延长保管")
    years: int = Field(default=0, ge=0, le=MOST_YEARS, description="延长几年；销毁的不填")
    reason: Line = Field(min_length=2, max_length=MAX_TEXT, description="鉴定意见和依据")
    items: tuple[DisposalNamed, ...] = Field(min_length=1, max_length=MAX_ITEMS)


class DisposalDecisionBody(BaseModel):
    """审批：批准与否."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    approve: bool
    opinion: Line = Field(default="", max_length=MAX_TEXT, description="审批意见；不批准的须写明")


def propose(deps: Deps, caller: Principal, body: DisposalBody) -> Disposal:
    """List what is over; nothing happens before another archivist of the body approves.

    Raises:
        InvalidInput: years without 延长保管, or the other way round; the same thing twice.
        Conflict: something is not over, or bound; the problems name each and what to do.
    """
    roles.require(caller, roles.ARCHIVIST)
    if (body.outcome is DisposalOutcome.EXTEND) != (body.years > 0):
        raise InvalidInput("延长保管须写明延长几年（years），销毁的不写")
    now = deps.clock.now()
    with deps.uow() as tx:
        judged = _judged(deps, tx, caller, body)
        list_id = deps.ids.new("dis")
        made = Disposal(
            list_id=list_id,
            authority_code=caller.authority_code,
            outcome=body.outcome,
            years=body.years,
            reason=body.reason,
            state=DisposalState.PROPOSED,
            proposed_by=caller.subject,
            proposed_at=now,
        )
        items = [_item(list_id, place, one) for place, one in enumerate(judged, start=1)]
        tx.disposals.insert(made, items)
        tell_moved(deps, tx, made, items, caller.subject, now)
    return made


def decide(deps: Deps, caller: Principal, list_id: str, body: DisposalDecisionBody) -> Disposal:
    """Approve or decline, as a second archivist of the body.

    延长保管 takes effect at once, a destruction after its window.

    Raises:
        NotFound: no such list, or another body's.
        Forbidden: the caller proposed it.
        InvalidInput: declined without an opinion.
        Conflict: it was decided or taken back.
    """
    roles.require(caller, roles.ARCHIVIST)
    if not body.approve and not body.opinion:
        raise InvalidInput("不批准的须写明意见（opinion）")
    now = deps.clock.now()
    with deps.uow() as tx:
        found = own_list(deps, tx, caller, list_id)
        if found.proposed_by == caller.subject:
            raise Forbidden("提出人和审批人不得为同一人，请由本机关的其他档案员审批；自己提出的可以撤回")
        decided = replace(found, opinion=body.opinion, decided_by=caller.subject, decided_at=now)
        if not body.approve:
            decided = replace(decided, state=DisposalState.DECLINED, ended_by=caller.subject, ended_at=now)
        elif found.outcome is DisposalOutcome.EXTEND:
            decided = replace(decided, state=DisposalState.DONE, effect_at=now, ended_by=caller.subject, ended_at=now)
        else:
            decided = replace(decided, state=DisposalState.APPROVED, effect_at=now + UNDO_WINDOW)
        if not tx.disposals.move(decided, source=DisposalState.PROPOSED):
            raise Conflict(f"这份清册现在是“{DISPOSAL_ZH[found.state]}”，不能再审批")
        items = tx.disposals.items_of(list_id)
        if decided.state is DisposalState.DONE:
            items = [_extended(tx, one, found.years, now) for one in items]
        tell_moved(deps, tx, decided, items, caller.subject, now)
    return decided


def take_back(deps: Deps, caller: Principal, list_id: str) -> Disposal:
    """Take a list back, by any archivist of the body, until its window is over and it is being carried out.

    Raises:
        NotFound: no such list, or another body's.
        Conflict: it is being carried out, or ended.
    """
    roles.require(caller, roles.ARCHIVIST)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = own_list(deps, tx, caller, list_id)
        back = replace(found, state=DisposalState.WITHDRAWN, ended_by=caller.subject, ended_at=now)
        takable = found.state in (DisposalState.PROPOSED, DisposalState.APPROVED)
        if not takable or not tx.disposals.move(back, source=found.state):
            raise Conflict(f"这份清册现在是“{DISPOSAL_ZH[found.state]}”，不能撤回")
        tell_moved(deps, tx, back, tx.disposals.items_of(list_id), caller.subject, now)
    return back


def list_disposals(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None = None
) -> Sequence[Disposal]:
    """Lists of the own body and those merged into it, or of all for an auditor, newest first."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.disposals.of(bodies_of(deps, caller), limit=limit, behind=behind)


def read_disposal(deps: Deps, caller: Principal, list_id: str) -> tuple[Disposal, Sequence[DisposalItem]]:
    """A list and its items; NotFound for another body's, in the same words as for none."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return own_list(deps, tx, caller, list_id), tx.disposals.items_of(list_id)


def tell_moved(
    deps: Deps, tx: UnitOfWork, disposal: Disposal, items: Sequence[DisposalItem], actor: str, now: datetime
) -> None:
    """Event and evidence of a step of a list; the evidence names what is listed, and digests of the words."""
    payload = DisposalMoved(
        list_id=disposal.list_id,
        authority_code=disposal.authority_code,
        outcome=disposal.outcome.value,
        state=disposal.state.value,
        items=len(items),
    )
    tell(deps, tx, payload, disposal.list_id, now)
    content: dict[str, Any] = {
        "outcome": disposal.outcome.value,
        "years": disposal.years,
        "state": disposal.state.value,
        "items_sha256": listed_sha256(items),
        "count": len(items),
        "reason_sha256": hashlib.sha256(disposal.reason.encode()).hexdigest(),
        "opinion_sha256": hashlib.sha256(disposal.opinion.encode()).hexdigest(),
    }
    subject = disposal.list_id
    record(tx, deps, kind="disposal.moved", subject=subject, actor=actor, content=content, at=now)


def listed_sha256(items: Sequence[DisposalItem]) -> str:
    """Over what a list names, whatever became of it: it is the same in every step, and stands on the sheet."""
    rows = [
        [one.place, one.kind.value, one.authority_code, one.label, one.keeping, one.over_on.isoformat(), *one.packages]
        for one in items
    ]
    return hashlib.sha256(canonical(rows)).hexdigest()


def bodies_of(deps: Deps, caller: Principal) -> Sequence[str] | None:
    """Whose lists the caller sees; None: those of all."""
    if roles.AUDITOR in caller.roles:
        return None
    return codes_of(deps, caller.authority_code)


def own_list(deps: Deps, tx: UnitOfWork, caller: Principal, list_id: str) -> Disposal:
    """The list, if it is the caller's to see; NotFound."""
    found, bodies = tx.disposals.by_id(list_id), bodies_of(deps, caller)
    if found is None or not (bodies is None or found.authority_code in bodies):
        raise NotFound(NO_LIST_ZH)
    return found


def _judged(deps: Deps, tx: UnitOfWork, caller: Principal, body: DisposalBody) -> list[Judged]:
    """What was named, cases first, in the order in which it was named; raises as :func:`propose`."""
    codes = frozenset(codes_of(deps, caller.authority_code))
    found: list[Judged] = []
    missing: list[FieldProblem] = []
    for index, named in enumerate(body.items):
        one = find_over(deps, tx, named.kind, named.label, codes)
        if one is None:
            missing.append(_problem(index, "not_over", f"{ARCHIVE_ZH[named.kind]} {named.label}：{NOT_OVER_ZH}"))
        else:
            found.append(one)
    if missing:
        raise Conflict("清册中有不能列入的，请按所列各项处理后重新提出", problems=tuple(missing))
    if len({one.key for one in found}) != len(found):
        raise InvalidInput("同一证照或办件只能列一次")
    cases = {(one.contents.authority_code, one.contents.subject) for one in found if one.key[0] is ArchiveKind.CASE}
    bound = [
        _problem(index, word.value, f"{ARCHIVE_ZH[one.contents.kind]} {one.contents.label}：{BOUND_ZH[word]}")
        for index, one in enumerate(found)
        for word in one.bound
        if not (word is Bound.IN_CASE and set(one.cases) <= cases)
        # What is kept longer need not be fit to go.
        and not (body.outcome is DisposalOutcome.EXTEND and word is not Bound.LISTED)
    ]
    if bound:
        raise Conflict("清册中有不能列入的，请按所列各项处理后重新提出", problems=tuple(bound))
    return sorted(found, key=lambda one: one.contents.kind is ArchiveKind.LICENSE)


def find_over(
    deps: Deps, tx: UnitOfWork, kind: ArchiveKind, label: str, codes: frozenset[str], *, own: str = ""
) -> Judged | None:
    """One thing of these bodies that is over, by what people call it."""
    if kind is ArchiveKind.LICENSE:
        version = tx.licenses.by_identifier(label)
        if version is None:
            return None
        several = list(judged_licenses(deps, tx, [version.license_id], own_list=own))
    else:
        several = list(judged_cases(deps, tx, [(code, label) for code in sorted(codes)], own_list=own))
    return next((one for one in several if one.contents.authority_code in codes), None)


def _item(list_id: str, place: int, one: Judged) -> DisposalItem:
    return DisposalItem(
        list_id=list_id,
        place=place,
        kind=one.contents.kind,
        authority_code=one.contents.authority_code,
        subject=one.contents.subject,
        label=one.contents.label,
        title=one.title,
        keeping=one.keeping.value,
        formed_on=one.formed_on,
        over_on=one.over_on,
        files=one.files,
        packages=tuple(package.sha256 for package in one.packages),
        state=ItemState.LISTED,
    )


def _extended(tx: UnitOfWork, item: DisposalItem, years: int, now: datetime) -> DisposalItem:
    until = over_on(years, local_day(now))
    moved = replace(item, state=ItemState.EXTENDED, moved_at=now, extended_until=until)
    if not tx.disposals.move_item(moved, source=ItemState.LISTED):
        raise Conflict("清册中的一项刚刚有变化，请刷新后再审批")
    return moved


def _problem(index: int, code: str, detail: str) -> FieldProblem:
    return FieldProblem(pointer=f"/items/{index}", code=code, detail=detail)
