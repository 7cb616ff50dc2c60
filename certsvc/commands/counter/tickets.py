"""缺证、错证反馈: a counter opens a ticket, the issuing authority answers, the counter closes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.bodies import heir
from certsvc.catalog.type_file import STANDARD_KEYS
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.counter.check import plain
from certsvc.commands.counter.serving import STAFF, matter_at, operator_of
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.counter_payloads import TicketMoved, TicketOpened
from certsvc.identifiers.holder_code import HolderCode
from certsvc.license.tickets import (
    MAX_OPEN_TICKETS,
    TICKET_WORKDAYS,
    TICKET_ZH,
    Ticket,
    TicketKind,
    TicketState,
    sources_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.payload import Payload

ISSUERS = (roles.DISPUTE_CLERK, roles.APPROVAL)
"""Who answers for an issuing authority: its 异议经办人, or its approval system."""
NO_TICKET_ZH = "没有这件缺证、错证反馈"
MAX_TEXT = 500
"""Characters of what is right, of its evidence and of an answer; bounds what one account can write."""
MAX_PAGE = 200


class TicketBody(BaseModel):
    """缺证、错证：谁的哪种证照，哪里不对，应当是什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: TicketKind = Field(description="missing 缺证 · wrong_field 信息项有误 · wrong_state 状态有误")
    matter_code: Line = Field(max_length=33, description="在办哪个事项时发现")
    case_no: Line = Field(default="", max_length=64, description="办件编号")
    type: Line = Field(max_length=64, description="证照类型")
    issuer_code: Line = Field(default="", max_length=18, description="颁发机关；该类型只有一个颁发机关时可以不填")
    holder_code: Line = Field(min_length=1, max_length=64)
    holder_code_type: Line = Field(min_length=1, max_length=3)
    field: Line = Field(default="", max_length=64, description="有误的信息项；wrong_field 时必填")
    right: Line = Field(min_length=2, max_length=MAX_TEXT, description="应当是什么")
    evidence: Line = Field(min_length=2, max_length=MAX_TEXT, description="凭什么：看到的纸质原件、文书号等")
    operator: Line = Field(default="", max_length=64, description="经办人账号；系统调用时必填")


class TicketAnswerBody(BaseModel):
    """答复：已更正（附更正申请编号或文书号），或不予更正及理由."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corrected: bool
    text: Line = Field(min_length=2, max_length=MAX_TEXT)
    request_id: Line = Field(default="", max_length=64, description="更正所用的制证申请编号")
    document_no: Line = Field(default="", max_length=100, description="更正状态的决定文书号")


def open_ticket(deps: Deps, caller: Principal, body: TicketBody) -> Ticket:
    """Open a ticket at the issuer. Nothing is looked up: it says nothing about what the register holds.

    Raises:
        NoLawfulBasis: not a matter of this counter.
        InvalidInput: a type that its list does not name, an issuer that does not issue it, a field it has not.
        Conflict: too many unanswered ones.
    """
    roles.require(caller, *STAFF)
    operator_of(deps, caller, body.operator)
    matter, materials = matter_at(deps, caller, body.matter_code)
    if body.type not in {slug for material in materials for slug in material.types}:
        raise _wrong("type", "该事项的材料清单中没有这种证照")
    holder = HolderCode.parse(body.holder_code_type, plain(body.holder_code))
    _check_field(deps, body)
    now = deps.clock.now()
    with deps.uow() as tx:
        if tx.tickets.count_unanswered(caller.authority_code) >= MAX_OPEN_TICKETS:
            raise Conflict(f"本窗口待答复的反馈已有 {MAX_OPEN_TICKETS} 件，请等候颁发机关答复")
        ticket = Ticket(
            ticket_id=deps.ids.new("tkt"),
            kind=body.kind,
            counter_code=caller.authority_code,
            opened_by=caller.subject,
            matter_code=matter.code,
            case_no=body.case_no,
            type_slug=body.type,
            issuer_code=_issuer(deps, body, now),
            holder_code=holder.value,
            holder_code_type=holder.type.value,
            field_key=body.field,
            right=body.right,
            evidence=body.evidence,
            opened_at=now,
            due_on=deps.catalog.workdays.after(local_day(now), TICKET_WORKDAYS),
        )
        tx.tickets.insert(ticket)
        payload = TicketOpened(
            ticket_id=ticket.ticket_id,
            kind=ticket.kind.value,
            counter_code=ticket.counter_code,
            issuer_code=ticket.issuer_code,
            license_type=ticket.type_slug,
            due_on=ticket.due_on.isoformat(),
        )
        _tell(deps, tx, payload, ticket, now)
        _on_record(deps, tx, "ticket.opened", ticket, caller, now)
    return ticket


def tickets_opened(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[Ticket]:
    """Those that the caller's counter opened, newest first."""
    roles.require(caller, *STAFF)
    with deps.uow.read() as tx:
        return tx.tickets.of_counter(caller.authority_code, limit=limit, behind=behind)


def tickets_to_answer(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[Ticket]:
    """Those that the caller's authority answers, newest first."""
    roles.require(caller, *ISSUERS)
    with deps.uow.read() as tx:
        return tx.tickets.of_issuer(caller.authority_code, limit=limit, behind=behind)


def accept_ticket(deps: Deps, caller: Principal, ticket_id: str) -> Ticket:
    """The issuer takes it up; NotFound when another body answers it, Conflict when somebody took it before."""
    roles.require(caller, *ISSUERS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _to_answer(tx, caller, ticket_id)
        accepted = replace(found, state=TicketState.ACCEPTED, handler=caller.subject, accepted_at=now)
        return _move(deps, tx, caller, accepted, now)


def answer_ticket(deps: Deps, caller: Principal, ticket_id: str, body: TicketAnswerBody) -> Ticket:
    """The issuer answers; a correction names the issuer's own request, or the decision that moved the state.

    Raises:
        NotFound: another body answers it, or no such request of the issuer for this type.
        InvalidInput: a correction that names nothing.
        Conflict: it was not taken up, or is answered.
    """
    roles.require(caller, *ISSUERS)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = _to_answer(tx, caller, ticket_id)
        if body.corrected:
            _check_correction(tx, found, body)
        answered = replace(
            found,
            state=TicketState.CORRECTED if body.corrected else TicketState.REFUSED,
            answer=body.text,
            request_id=body.request_id if body.corrected else "",
            document_no=body.document_no if body.corrected else "",
            answered_at=now,
        )
        return _move(deps, tx, caller, answered, now)


def close_ticket(deps: Deps, caller: Principal, ticket_id: str) -> Ticket:
    """The counter read the answer; NotFound when another counter opened it, Conflict when it has none."""
    roles.require(caller, *STAFF)
    now = deps.clock.now()
    with deps.uow() as tx:
        found = tx.tickets.by_id(ticket_id)
        if found is None or found.counter_code != caller.authority_code:
            raise NotFound(NO_TICKET_ZH)
        return _move(deps, tx, caller, replace(found, state=TicketState.CLOSED, closed_at=now), now)


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=f"/{field}", code="invalid", detail=detail),))


def _check_field(deps: Deps, body: TicketBody) -> None:
    if body.kind is not TicketKind.WRONG_FIELD:
        if body.field:
            raise _wrong("field", "只有信息项有误时才写信息项")
        return
    if body.field not in STANDARD_KEYS and deps.catalog.type(body.type).field(body.field) is None:
        raise _wrong("field", "该类证照没有这个信息项，请从证照目录中选择")


def _issuer(deps: Deps, body: TicketBody, now: datetime) -> str:
    issuers = deps.catalog.type(body.type).issuers
    code = body.issuer_code or (issuers[0] if len(issuers) == 1 else "")
    if code not in issuers:
        raise _wrong("issuer_code", "请写明颁发机关，须是该类证照的颁发机关之一")
    return heir(deps.catalog, code, local_day(now))


def _to_answer(tx: UnitOfWork, caller: Principal, ticket_id: str) -> Ticket:
    found = tx.tickets.by_id(ticket_id)
    if found is None or found.issuer_code != caller.authority_code:
        raise NotFound(NO_TICKET_ZH)
    return found


def _check_correction(tx: UnitOfWork, ticket: Ticket, body: TicketAnswerBody) -> None:
    if ticket.kind is TicketKind.WRONG_STATE and body.document_no:
        return
    request = tx.requests.by_id(body.request_id) if body.request_id else None
    if request is None or (request.payload.authority_code, request.payload.type_slug) != (
        ticket.issuer_code,
        ticket.type_slug,
    ):
        raise _wrong("request_id", "请写明本机关更正这种证照所用的制证申请编号；更正状态的可写决定文书号")


def _move(deps: Deps, tx: UnitOfWork, caller: Principal, moved: Ticket, now: datetime) -> Ticket:
    if not tx.tickets.move(moved, sources=sources_of(moved.state)):
        raise Conflict(f"这件反馈现在不能办理为“{TICKET_ZH[moved.state]}”，请刷新后再看")
    payload = TicketMoved(
        ticket_id=moved.ticket_id,
        state=moved.state.value,
        counter_code=moved.counter_code,
        issuer_code=moved.issuer_code,
        license_type=moved.type_slug,
        request_id=moved.request_id,
    )
    _tell(deps, tx, payload, moved, now)
    _on_record(deps, tx, f"ticket.{moved.state.value}", moved, caller, now)
    return moved


def _tell(deps: Deps, tx: UnitOfWork, payload: Payload, ticket: Ticket, now: datetime) -> None:
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=ticket.ticket_id, at=now))


def _on_record(deps: Deps, tx: UnitOfWork, kind: str, ticket: Ticket, caller: Principal, now: datetime) -> None:
    content = {"kind": ticket.kind.value, "type": ticket.type_slug, "state": ticket.state.value}
    record(tx, deps, kind=kind, subject=ticket.ticket_id, actor=caller.subject, content=content, at=now)
