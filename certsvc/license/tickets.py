"""缺证、错证: a counter found a license missing or wrong; the issuing authority answers in time.

Laws: ``open → accepted → corrected | refused → closed``, the last step by the counter. A ticket changes no license: a
correction is a request of the issuer's own, and the ticket names it. Past its last day a ticket is overdue, is listed
so and is announced once; nothing else happens by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certsvc.clock import local_day

TICKET_WORKDAYS = 5
"""工作日 to the answer of the issuer, the day of opening not counted."""

MAX_OPEN_TICKETS = 200
"""Tickets of one counter that the issuers have not answered: stops one counter from burying a department."""


class TicketKind(StrEnum):
    """What is wrong."""

    MISSING = "missing"
    WRONG_FIELD = "wrong_field"
    WRONG_STATE = "wrong_state"


class TicketState(StrEnum):
    """What became of it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REFUSED = "refused"
    CLOSED = "closed"


TICKET_KIND_ZH: dict[TicketKind, str] = {
    TicketKind.MISSING: "缺证",
    TicketKind.WRONG_FIELD: "错证（信息项有误）",
    TicketKind.WRONG_STATE: "错证（状态有误）",
}
TICKET_ZH: dict[TicketState, str] = {
    TicketState.OPEN: "待受理",
    TicketState.ACCEPTED: "办理中",
    TicketState.CORRECTED: "已更正",
    TicketState.REFUSED: "不予更正",
    TicketState.CLOSED: "已办结",
}
UNANSWERED = frozenset({TicketState.OPEN, TicketState.ACCEPTED})

TICKET_MOVES: dict[TicketState, frozenset[TicketState]] = {
    TicketState.OPEN: frozenset({TicketState.ACCEPTED}),
    TicketState.ACCEPTED: frozenset({TicketState.CORRECTED, TicketState.REFUSED}),
    TicketState.CORRECTED: frozenset({TicketState.CLOSED}),
    TicketState.REFUSED: frozenset({TicketState.CLOSED}),
    TicketState.CLOSED: frozenset(),
}


def sources_of(target: TicketState) -> frozenset[TicketState]:
    """The states from which a ticket may come to ``target``."""
    return frozenset(state for state, targets in TICKET_MOVES.items() if target in targets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """One ticket.

    Attributes:
        counter_code, opened_by: the body whose counter opened it, and the account.
        issuer_code: USCC of the authority that answers.
        field_key: the field that is wrong, or empty.
        right, evidence: what is right, and what shows it, in the clerk's words.
        answer: the issuer's words.
        request_id: the issuer's correction request, once corrected.
        document_no: 文书号 of the decision that corrected a state, or empty.
    """

    ticket_id: str
    kind: TicketKind
    counter_code: str
    opened_by: str
    matter_code: str
    case_no: str
    type_slug: str
    issuer_code: str
    holder_code: str
    holder_code_type: str
    field_key: str
    right: str
    evidence: str
    opened_at: datetime
    due_on: date
    state: TicketState = TicketState.OPEN
    handler: str = ""
    answer: str = ""
    request_id: str = ""
    document_no: str = ""
    accepted_at: datetime | None = None
    answered_at: datetime | None = None
    closed_at: datetime | None = None
    overdue_at: datetime | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether its last day is over and the issuer has not answered."""
        return self.state in UNANSWERED and local_day(now) > self.due_on
