"""Payloads of 电子监察: cards, services that were completed and rated, complaints; they name bodies and no person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class CardOpened(Payload):
    """A yellow or red card: something is about to be late, or is."""

    NAME: ClassVar[str] = "supervision.card_opened.v1"
    card_id: str
    clock: str
    """kind of the clock (``license/supervision.py``)"""
    colour: str
    """``yellow`` or ``red``"""
    department: str
    """USCC of the body that answers; who is at it there stands in the register"""
    case_id: str
    """id of what is late: a request, a ticket, a dispute, a case …"""
    due_on: str
    answer_due_on: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CardAnswered(Payload):
    """A department answered a card, or a supervisor accepted the answer or gave it back."""

    NAME: ClassVar[str] = "supervision.card_answered.v1"
    card_id: str
    clock: str
    colour: str
    department: str
    state: str
    """``answered``, ``accepted`` or ``returned``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceCompleted(Payload):
    """好差评: a service was completed and may be rated once by whoever has its code."""

    NAME: ClassVar[str] = "service.completed.v1"
    service_id: str
    authority_code: str
    matter_code: str
    channel: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceRated(Payload):
    """A service was rated; the words stay in the register."""

    NAME: ClassVar[str] = "service.rated.v1"
    service_id: str
    authority_code: str
    matter_code: str
    mark: int
    """5 very content … 1 very discontent"""
    due_on: str
    """last day of the 整改 that a bad mark opened, or empty"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceMended(Payload):
    """差评整改 was answered, followed up (回访), or opened again by the follow-up."""

    NAME: ClassVar[str] = "service.mended.v1"
    service_id: str
    authority_code: str
    state: str
    """``open``, ``answered`` or ``closed``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComplaintMoved(Payload):
    """投诉: filed, 受理, 不予受理, 办结, 回访, 归档."""

    NAME: ClassVar[str] = "complaint.moved.v1"
    complaint_id: str
    authority_code: str
    state: str
    due_on: str
    """last day of the next step, or empty"""


SUPERVISION_PAYLOADS: tuple[type[Payload], ...] = (
    CardOpened,
    CardAnswered,
    ServiceCompleted,
    ServiceRated,
    ServiceMended,
    ComplaintMoved,
)
