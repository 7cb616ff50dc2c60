"""用证申请: a system asks a named holder for what a case needs; the holder's yes becomes grants that need no code.

Whether the holder has such licenses is looked up when the holder answers and not before, so that asking tells nothing.
Where a type says so, every co-holder must confirm too before anything may be used.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import end_of_day, local_day, rfc3339
from certsvc.commands.access import roles
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.answerers import (
    NO_REQUEST_ZH,
    acting_for,
    ask_of_nobody,
    given_to,
    is_among,
    party_answered,
)
from certsvc.commands.sharing.choices import choices_for
from certsvc.commands.sharing.confirm_use import confirm
from certsvc.commands.sharing.held import held_by
from certsvc.commands.sharing.policy import by_own_code, chosen, keys_on_consent
from certsvc.commands.sharing.refused_requests import refuse_request
from certsvc.commands.showing.rights import holder_of
from certsvc.errors import (
    CertsvcError,
    Conflict,
    FieldProblem,
    IntegrityError,
    InvalidInput,
    NotFound,
    RateLimited,
    Unavailable,
)
from certsvc.events.consent_payloads import ConsentAnswered, ConsentAsked
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.consents import (
    MAX_ASKS_PER_HOLDER,
    MAX_CONSENT_DAYS,
    MAX_OPEN_PER_CLIENT,
    MAX_OPEN_PER_HOLDER,
    MAX_REQUEST_HOURS,
    MAX_REQUEST_TYPES,
    PAUSE_AFTER_NO,
    Party,
    RequestState,
    UseRequest,
)
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.choices import Choice
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import Holder, LicenseVersion
    from certsvc.license.uses import Grant

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
    identifiers: Mapping[str, str] = field(default_factory=dict)
    """of the licenses of the grants, by version id"""
    delegation_id: str = ""
    mine: Party | None = None
    """for whom the reader answers, in a list of what a holder was asked"""
    asked_as: str = ""
    """by what right: a word of ``ShowBasis``"""
    choices: Mapping[str, Sequence[Choice]] = field(default_factory=dict)
    """by type the licenses that the reader's yes may be for, while it is waited for"""


def ask_use(deps: Deps, caller: Principal, body: UseRequestBody) -> Asked:
    """Ask a holder, or refuse it on record.

    Raises:
        NoLawfulBasis: not an open matter of the caller's body, not by consent, or more than it may see.
        InvalidInput: the holder's code is none, or a type is named twice; nothing is recorded.
        Conflict: as many wait already as may, or the holder declined for this case a short while ago.
        RateLimited: the caller asked this holder too often today.
    """
    roles.require(caller, roles.USING)
    body = by_own_code(deps, body)
    try:
        return _ask(deps, caller, body)
    except (InvalidInput, Unavailable, IntegrityError):
        raise
    except CertsvcError as error:
        refuse_request(deps, caller, body, error)
        raise


def _ask(deps: Deps, caller: Principal, body: UseRequestBody) -> Asked:
    now = deps.clock.now()
    holder = body.holder.holder("/holder/code")
    with deps.uow() as tx:
        items = _items(deps, tx, caller, body)
        tx.bases.hold_client(caller.subject)
        if tx.bases.count_open(caller.subject, holder, now=now) >= MAX_OPEN_PER_HOLDER:
            raise Conflict(f"该持证人已有 {MAX_OPEN_PER_HOLDER} 项申请待确认，请等答复或到期后再申请")
        if tx.bases.count_open(caller.subject, None, now=now) >= MAX_OPEN_PER_CLIENT:
            raise Conflict(f"本系统已有 {MAX_OPEN_PER_CLIENT} 项申请待确认，请稍后再申请")
        _check_pressed(tx, caller, body, holder, now)
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
    """What the caller was asked, for the own licenses, those of wards, a represented company, and as a delegate.

    A row for each party: what one says yes to for one of them is not said for another.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    if not caller.holder_code:
        return ()
    with deps.uow.read() as tx:
        acting, given = acting_for(tx, caller, now), given_to(tx, caller, now)
        parties = tx.bases.parties_with([*acting, *(one.holder for one in given.delegations)], limit=MAX_LISTED)
        requests = tx.bases.requests([party.request_id for party in parties])
        versions = tx.licenses.by_version_ids(sorted({party.version_id for party in parties} - {""}))
        mine: dict[str, tuple[Party, Delegation | None]] = {}
        for party in parties:
            delegation = None
            if not is_among(party.holder, acting):
                delegation = given.under(party, requests[party.request_id])
                if delegation is None:
                    continue
            mine[party.party_id] = (party, delegation)
        held = held_by(deps, tx, _to_choose(requests, [party for party, _ in mine.values()], now), now)
        found = []
        for party, delegation in mine.values():
            request = requests[party.request_id]
            found.append(
                replace(
                    _with_grants(tx, _part_of(request, party, versions)),
                    delegation_id=delegation.delegation_id if delegation else "",
                    mine=party,
                    asked_as=_as_whom(party, caller, delegation),
                    choices=choices_for(deps, held, request, delegation, versions.get(party.version_id))
                    if _waits(request, party, now)
                    else {},
                )
            )
    return found


def _to_choose(
    requests: Mapping[str, UseRequest], parties: Sequence[Party], now: datetime
) -> list[tuple[Holder, str, str]]:
    """Holders and types of which a license is to be chosen still; none is named yet."""
    return [
        (requests[party.request_id].holder, slug, "")
        for party in parties
        if not party.version_id and _waits(requests[party.request_id], party, now)
        for slug in requests[party.request_id].items
    ]


def _waits(request: UseRequest, party: Party, now: datetime) -> bool:
    return request.stands(now) is RequestState.ASKED and party.state is RequestState.ASKED


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
    if is_among(party.holder, [holder_of(caller)]):
        return ShowBasis.CO_HOLDER if party.version_id else ShowBasis.OWN
    company = HolderCodeType.of(party.holder.code_type).is_organisation
    return ShowBasis.REPRESENTATIVE if company else ShowBasis.GUARDIAN


def answer_request(
    deps: Deps,
    caller: Principal,
    request_id: str,
    *,
    party_id: str,
    accept: bool,
    delegation_id: str = "",
    licenses: Mapping[str, str] | None = None,
) -> Asked:
    """Confirm or decline what the caller was asked, for one party as the caller's list names it.

    Without ``party_id`` for the only one of those that wait for whom the caller may answer.

    ``licenses`` are the 证照标识 that a holder's yes is for, by type, where there are several of it.

    Raises:
        NotFound: no such request or party, or not one that the caller may answer for, or the holder has none of the
            licenses.
        Conflict: answered, lapsed, too young, dead by the register, the delegation is not for this, or no party is
            named where there are several.
        InvalidInput: of a type there are several and none was chosen, or the chosen one is none of them.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow() as tx:
        request = tx.bases.request(request_id, hold=True)
        if request is None:
            ask_of_nobody(tx, caller, delegation_id, now)
            raise NotFound(NO_REQUEST_ZH)
        party, delegation = party_answered(tx, caller, request, party_id, delegation_id, now)
        if not _waits(request, party, now):
            raise Conflict("这项申请已答复或已过时")
        if accept:
            done = confirm(deps, tx, caller, request, party, delegation=delegation, named=licenses or {}, now=now)
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


def _check_pressed(tx: UnitOfWork, caller: Principal, body: UseRequestBody, holder: Holder, now: datetime) -> None:
    """A no counts: it is not asked again at once, and nobody is asked all day long."""
    if tx.bases.declined(holder, body.matter_code, body.case_no, since=now - PAUSE_AFTER_NO):
        raise Conflict(
            f"持证人就这个办件没有同意，{PAUSE_AFTER_NO.days} 天内不能再申请；"
            "确需使用的，请联系持证人出示用证码，或到窗口现场授权"
        )
    day = local_day(now)
    about = f"asked\n{holder.code_type}\n{holder.code}"
    if not tx.bases.count_ask(caller.subject, day, about, most=MAX_ASKS_PER_HOLDER):
        left = int((end_of_day(day) - now).total_seconds())
        raise RateLimited(f"今日向该持证人申请已满 {MAX_ASKS_PER_HOLDER} 次，请明日再申请", retry_after_s=max(1, left))


def _decline(tx: UnitOfWork, caller: Principal, request: UseRequest, party: Party, now: datetime) -> None:
    declined = replace(party, state=RequestState.DECLINED, answered_by=caller.subject, answered_at=now)
    closed = tx.bases.close_request(request.request_id, RequestState.DECLINED, now=now)
    if not closed or not tx.bases.answer_party(declined, now=now):
        raise Conflict("这项申请已答复或已过时")


def _with_grants(tx: UnitOfWork, request: UseRequest) -> Asked:
    grants = tx.sharing.of_consents([request.request_id]) if request.state is RequestState.CONFIRMED else ()
    versions = tx.licenses.by_version_ids([grant.version_id for grant in grants]) if grants else {}
    by_type = {versions[grant.version_id].type_slug: grant for grant in grants}
    return Asked(
        request=request,
        parties=tx.bases.parties_of(request.request_id),
        grants=by_type,
        identifiers={version_id: version.identifier for version_id, version in versions.items()},
    )


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
