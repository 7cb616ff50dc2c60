"""What answers about 缺证、错证 tickets look like."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from certsvc.api.counter_models import body_name, masked
from certsvc.api.models import Model
from certsvc.license.tickets import TICKET_KIND_ZH, TICKET_ZH

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog
    from certsvc.license.tickets import Ticket


class TicketOut(Model):
    """One 缺证、错证 ticket as both sides see it; only the issuer is told the holder's whole code."""

    ticket_id: str
    kind: str
    kind_zh: str
    counter_name: str
    issuer_name: str
    matter_code: str
    case_no: str
    type: str
    type_name: str
    holder_code: str
    holder_code_type: str
    field: str
    right: str
    evidence: str
    state: str
    state_zh: str
    overdue: bool
    opened_at: datetime
    due_on: date
    answer: str
    request_id: str
    document_no: str
    closed_at: datetime | None

    @staticmethod
    def of(catalog: Catalog, one: Ticket, now: datetime, *, whole: bool) -> TicketOut:
        """From a ticket as it stands at ``now``; ``whole`` for the issuer, who has to find the license."""
        return TicketOut(
            ticket_id=one.ticket_id,
            kind=one.kind.value,
            kind_zh=TICKET_KIND_ZH[one.kind],
            counter_name=body_name(catalog, one.counter_code),
            issuer_name=body_name(catalog, one.issuer_code),
            matter_code=one.matter_code,
            case_no=one.case_no,
            type=one.type_slug,
            type_name=next((kind.name for kind in catalog.types if kind.slug == one.type_slug), one.type_slug),
            holder_code=one.holder_code if whole else masked(one.holder_code),
            holder_code_type=one.holder_code_type,
            field=one.field_key,
            right=one.right,
            evidence=one.evidence,
            state=one.state.value,
            state_zh=TICKET_ZH[one.state],
            overdue=one.overdue(now),
            opened_at=one.opened_at,
            due_on=one.due_on,
            answer=one.answer,
            request_id=one.request_id,
            document_no=one.document_no,
            closed_at=one.closed_at,
        )


class TicketPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    tickets: list[TicketOut]
    next: str
