"""用证申请: a system asks a named holder for what a case needs; the holder's yes becomes grants that need no code.

Whether the holder has such licenses is looked up when the holder answers and not before, so that asking tells nothing.
Where a type says so, every co-holder must confirm too before anything may be used.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day, rfc3339
from certsvc.commands.access import roles
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.confirm_use import confirm
from certsvc.commands.sharing.policy import chosen, keys_on_consent
from certsvc.commands.showing.rights import MAX_OTHERS, holder_of
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.consent_payloads import ConsentAnswered, ConsentAsked
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.consents import (
    MAX_CONSENT_DAYS,
    MAX_OPEN_PER_CLIENT,
    MAX_OPEN_PER_HOLDER,
    MAX_REQUEST_HOURS,
    MAX_REQUEST_TYPES,
    Party,
    RequestState,
    UseRequest,
)
from certsvc.license.relations import RelationKind
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import Holder, LicenseVersion
    from certsvc.license.uses import Grant

NO_REQUEST_ZH = "没有这项用证申请"
MAX_LISTED = 200
"""Requests in one list."""


class ItemBody(BaseModel):
    """一类证照和所需的信息项、核验项."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Line = Field(max_length=64, description="证照类型")
    fields: tuple[Line, ...] = Field(
        default=(),
        max_length=100,
        description="信息项，*copy 为证照文件，?valid、?scope:字段、?holder 为核验；缺省为全部",
    )


class UseRequestBody(BaseModel):
    """用证申请：向谁、为哪个事项、哪个办件、谁经办、要什么、为什么、到何时."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holder: PartyBody = Field(description="持证人")
    matter_code: Line = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(min_length=1, max_length=64, description="办件编号")
    operator: Line = Field(min_length=1, max_length=64, description="经办人账号")
    purpose: Line = Field(min_length=2, max_length=200, description="使用目的，持证人会看到")
    items: tuple[ItemBody, ...] = Field(min_length=1, max_length=MAX_REQUEST_TYPES)
    hours: int = Field(default=24, ge=1, le=MAX_REQUEST_HOURS, description="等待确认的小时数，过时失效")
    days: int = Field(default=1, ge=1, le=MAX_CONSENT_DAYS, description="确认后授权的有效天数，自申请时起算")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request, who must confirm it, and for the client what came of it."""

    request: UseRequest
    parties: Sequence[Party] = ()
    grants: Mapping[str, Grant] = field(default_factory=dict)
    """by type"""
    delegation_id: str = ""
    mine: Party | None = None
    """for whom the reader answers, in a list of what a holder was asked"""
    asked_as: str = ""
    """by what right: a word of ``ShowBasis``"""


def ask_use(deps: Deps, caller: Principal, body: UseRequestBody) -> Asked:
    """Ask a holder.

    Raises:
        NoLawfulBasis: not an open matter of the caller's body, not by consent, or more than it may see.
        InvalidInput: the holder's code is none, or a type is named twice.
        Conflict: as many wait already as may.
    """
    roles.require(caller, roles.USING)
    now = deps.clock.now()
    holder = body.holder.holder("/holder/code")
    with deps.uow() as tx:
        items = _items(deps, tx, caller, body)
        tx.bases.hold_client(caller.subject)
        if tx.bases.count_open(caller.subject, holder, now=now) >= MAX_OPEN_PER_HOLDER:
            raise Conflict(f"该持证人已有 {MAX_OPEN_PER_HOLDER} 项申请待确认，请等答复或到期后再申请")
        if tx.bases.count_open(caller.subject, None, now=now) >= MAX_OPEN_PER_CLIENT:
            raise Conflict(f"本系统已有 {MAX_OPEN_PER_CLIENT} 项申请待确认，请稍后再申请")
        request = UseRequest(
            request_id=deps.ids.new("urq"),
            client_id=caller.subject,
            client_name=caller.name,
            authority_code=caller.authority_code,
            matter_code=body.matter_code,
            case_no=body.case_no,
            operator=body.operator,
            purpose=body.purpose,
            holder=holder,
            items=items,
            created_at=now,
            lapses_at=now + timedelta(hours=body.hours),
            until=now + max(timedelta(days=body.days), timedelta(hours=body.hours)),
        )
        tx.bases.insert_request(request)
        party = Party(
            party_id=deps.ids.new("upt"),
            request_id=request.request_id,
            holder=holder,
            version_id="",
            created_at=now,
        )
        tx.bases.insert_party(party)
        _on_record(deps, tx, "consent.asked", request, caller.subject, now)
        _tell_asked(deps, tx, request, now)
    return Asked(request=request, parties=(party,))


def read_request(deps: Deps, caller: Principal, request_id: str) -> Asked:
    """What came of a request of the caller; NotFound for another client's."""
    roles.require(caller, roles.USING)
    with deps.uow.read() as tx:
        found = tx.bases.request(request_id)
        if found is None or found.client_id != caller.subject:
            raise NotFound(NO_REQUEST_ZH)
        return _with_grants(tx, found)


def list_requests(deps: Deps, caller: Principal) -> Sequence[Asked]:
    """What the caller was asked, for the own licenses, those of wards, a represented company, and as a delegate."""
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    if not caller.holder_code:
        return ()
    with deps.uow.read() as tx:
        acting = _acting_for(tx, caller, now)
        given = _given_for(tx, caller, now)
        parties = tx.bases.parties_with([*acting, *(one.holder for one in given)], limit=MAX_LISTED)
        requests = tx.bases.requests([party.request_id for party in parties])
        versions = tx.licenses.by_version_ids(sorted({party.version_id for party in parties} - {""}))
        found: dict[str, Asked] = {}
        for party in parties:
            request = requests[party.request_id]
            before = found.get(party.request_id)
            if before and (before.mine is None or before.mine.state is RequestState.ASKED):
                continue  # of two for whom the reader may answer, the one who has not yet
            delegation = None
            if not _is_among(party.holder, acting):
                delegation = _by_delegation(given, party, request)
                if delegation is None:
                    continue
            one = _with_grants(tx, _part_of(request, party, versions))
            delegation_id = delegation.delegation_id if delegation else ""
            as_whom = _as_whom(party, caller, delegation)
            found[party.request_id] = replace(one, delegation_id=delegation_id, mine=party, asked_as=as_whom)
    return list(found.values())


def _part_of(request: UseRequest, party: Party, versions: Mapping[str, LicenseVersion]) -> UseRequest:
    """What this party is asked: a co-holder only about the shared license, whatever else the holder is asked about."""
    version = versions.get(party.version_id)
    if version is None:
        return request
    return replace(request, items={slug: keys for slug, keys in request.items.items() if slug == version.type_slug})


def _as_whom(party: Party, caller: Principal, delegation: Delegation | None) -> ShowBasis:
    """By what right the caller answers for a party."""
    if delegation is not None:
        return ShowBasis.DELEGATION
    if _is_among(party.holder, [holder_of(caller)]):
        return ShowBasis.CO_HOLDER if party.version_id else ShowBasis.OWN
    company = HolderCodeType.of(party.holder.code_type).is_organisation
    return ShowBasis.REPRESENTATIVE if company else ShowBasis.GUARDIAN


def answer_request(deps: Deps, caller: Principal, request_id: str, *, accept: bool, delegation_id: str = "") -> Asked:
    """Confirm or decline what the caller was asked.

    Raises:
        NotFound: no such request, or not one that the caller may answer, or the holder has none of the licenses.
        Conflict: answered, lapsed, too young, dead by the register, or the delegation is not for this.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        request = tx.bases.request(request_id, hold=True)
        parties = tx.bases.parties_of(request_id) if request is not None else ()
        party = _party_of(tx, caller, parties, request, delegation_id, now)
        if request is None or party is None:
            raise NotFound(NO_REQUEST_ZH)
        if request.stands(now) is not RequestState.ASKED or party.state is not RequestState.ASKED:
            raise Conflict("这项申请已答复或已过时")
        if accept:
            done = confirm(deps, tx, caller, request, party, delegation_id=delegation_id, now=now)
        else:
            _decline(tx, caller, request, party, now)
            done = True
        word = "confirmed" if accept else "declined"
        _on_record(deps, tx, f"consent.{word}", request, caller.subject, now)
        if done:
            payload = ConsentAnswered(
                request_id=request_id,
                client_id=request.client_id,
                authority_code=request.authority_code,
                matter_code=request.matter_code,
                outcome=word,
            )
            event_id, source = deps.ids.new("evt"), deps.policy.event_source
            tx.outbox.add(payload.event(event_id=event_id, source=source, subject=request_id, at=now))
        after = tx.bases.request(request_id)
        return _with_grants(tx, after or request)


def _items(deps: Deps, tx: UnitOfWork, caller: Principal, body: UseRequestBody) -> dict[str, tuple[str, ...]]:
    items: dict[str, tuple[str, ...]] = {}
    for index, item in enumerate(body.items):
        if item.type in items:
            problem = FieldProblem(pointer=f"/items/{index}/type", code="repeated", detail="同一证照类型只写一次")
            raise InvalidInput("证照类型重复", problems=(problem,))
        allowed = keys_on_consent(deps, tx, body.matter_code, caller.authority_code, item.type)
        items[item.type] = chosen(allowed, item.fields)
    return items


def _decline(tx: UnitOfWork, caller: Principal, request: UseRequest, party: Party, now: datetime) -> None:
    declined = replace(party, state=RequestState.DECLINED, answered_by=caller.subject, answered_at=now)
    closed = tx.bases.close_request(request.request_id, RequestState.DECLINED, now=now)
    if not closed or not tx.bases.answer_party(declined, now=now):
        raise Conflict("这项申请已答复或已过时")


def _party_of(
    tx: UnitOfWork,
    caller: Principal,
    parties: Sequence[Party],
    request: UseRequest | None,
    delegation_id: str,
    now: datetime,
) -> Party | None:
    """For whom the caller answers: one who was asked and waits, else one who has answered."""
    if request is None or not caller.holder_code:
        return None
    if delegation_id:
        given = [one for one in _given_for(tx, caller, now) if one.delegation_id == delegation_id]
        mine = [party for party in parties if _by_delegation(given, party, request) is not None]
    else:
        acting = _acting_for(tx, caller, now)
        mine = [party for party in parties if _is_among(party.holder, acting)]
    waiting = (party for party in mine if party.state is RequestState.ASKED)
    return next(waiting, mine[0] if mine else None)


def _acting_for(tx: UnitOfWork, caller: Principal, now: datetime) -> list[Holder]:
    """The caller, and those for whom the caller decides as guardian or 法定代表人."""
    me, day = holder_of(caller), local_day(now)
    related = [
        relation.subject
        for kind in (RelationKind.GUARDIAN, RelationKind.REPRESENTATIVE)
        for relation in tx.relations.of_other(me, kind)
        if relation.holds(day)
    ]
    return [me, *related]


def _given_for(tx: UnitOfWork, caller: Principal, now: datetime) -> list[Delegation]:
    """Delegations under which the caller may consent for somebody."""
    given = tx.delegations.active_of_delegate(holder_of(caller), day=local_day(now), limit=MAX_OTHERS)
    return [one for one in given if one.use_matters]


def _by_delegation(given: Sequence[Delegation], party: Party, request: UseRequest) -> Delegation | None:
    """The delegation that is for this matter; licenses are looked at when it is confirmed."""
    if party.version_id:
        return None  # a co-holder speaks for the own part in person
    matters = ("*", request.matter_code)
    return next(
        (one for one in given if _is_among(party.holder, [one.holder]) and set(matters) & set(one.use_matters)), None
    )


def _is_among(holder: Holder, people: Sequence[Holder]) -> bool:
    return any((holder.code_type, holder.code) == (one.code_type, one.code) for one in people)


def _with_grants(tx: UnitOfWork, request: UseRequest) -> Asked:
    grants = tx.sharing.of_consents([request.request_id]) if request.state is RequestState.CONFIRMED else ()
    versions = tx.licenses.by_version_ids([grant.version_id for grant in grants]) if grants else {}
    by_type = {versions[grant.version_id].type_slug: grant for grant in grants}
    return Asked(request=request, parties=tx.bases.parties_of(request.request_id), grants=by_type)


def _tell_asked(deps: Deps, tx: UnitOfWork, request: UseRequest, now: datetime) -> None:
    """The same for every holder, with licenses or without: whom it concerns is told later, by the notice."""
    payload = ConsentAsked(
        request_id=request.request_id,
        client_id=request.client_id,
        authority_code=request.authority_code,
        matter_code=request.matter_code,
        lapses_at=rfc3339(request.lapses_at),
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=request.request_id, at=now))


def _on_record(deps: Deps, tx: UnitOfWork, kind: str, request: UseRequest, actor: str, now: datetime) -> None:
    content = {
        "client_id": request.client_id,
        "matter_code": request.matter_code,
        "case_no": request.case_no,
        "types": sorted(request.items),
    }
    record(tx, deps, kind=kind, subject=request.request_id, actor=actor, content=content, at=now)
