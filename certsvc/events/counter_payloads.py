"""Payloads of counters (综合窗口): lists that were answered, paper that was taken, tickets; they name nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterChecked(Payload):
    """收件清单: a counter had the material list of a case answered."""

    NAME: ClassVar[str] = "counter.checked.v1"
    case_id: str
    counter_code: str
    """USCC of the body whose counter it is"""
    authority_code: str
    """USCC of the body of the matter"""
    matter_code: str
    version: int
    exempt: int
    """rows that are 免提交"""
    outage: bool
    """系统故障: the register could not be asked, a 容缺受理单 was made"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperTaken(Payload):
    """应免未免: a counter took paper for a row that is 免提交."""

    NAME: ClassVar[str] = "counter.paper_taken.v1"
    case_id: str
    counter_code: str
    authority_code: str
    matter_code: str
    material: str
    reason: str
    """``holder_wish``, ``fetch_failed``, ``differs``, ``unclear``, ``law`` or ``other``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplementDue(Payload):
    """容缺后补: what was to be brought is due shortly, or overdue; told once, and nothing else happens by itself."""

    NAME: ClassVar[str] = "counter.supplement_due.v1"
    case_id: str
    counter_code: str
    authority_code: str
    matter_code: str
    material: str
    due_on: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketOpened(Payload):
    """缺证、错证: a counter asks an issuing authority to look into a license that is missing or wrong."""

    NAME: ClassVar[str] = "ticket.opened.v1"
    ticket_id: str
    kind: str
    """``missing``, ``wrong_field`` or ``wrong_state``"""
    counter_code: str
    issuer_code: str
    license_type: str
    due_on: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketMoved(Payload):
    """A ticket was accepted, answered or closed."""

    NAME: ClassVar[str] = "ticket.moved.v1"
    ticket_id: str
    state: str
    """``accepted``, ``corrected``, ``refused`` or ``closed``"""
    counter_code: str
    issuer_code: str
    license_type: str
    request_id: str
    """the issuer's correction request; empty unless corrected by one"""


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketOverdue(Payload):
    """A ticket's last day is over and its issuer has not answered; told once."""

    NAME: ClassVar[str] = "ticket.overdue.v1"
    ticket_id: str
    counter_code: str
    issuer_code: str
    license_type: str
    due_on: str


COUNTER_PAYLOADS: tuple[type[Payload], ...] = (
    CounterChecked,
    PaperTaken,
    SupplementDue,
    TicketOpened,
    TicketMoved,
    TicketOverdue,
)
