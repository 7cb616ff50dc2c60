"""Payloads of long-life care: plans of 成批换章."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class ResealPlanMoved(Payload):
    """A plan of 成批换章 was proposed, decided, paused, resumed, cancelled or came to its end."""

    NAME: ClassVar[str] = "care.plan_moved.v1"
    plan_id: str
    kind: str
    """what the files are to stand on no more: ``ca``, ``seal``, ``algorithm`` or ``tsa``"""
    value: str
    state: str
    licenses: int
    """how many were meant when it was proposed"""


CARE_PAYLOADS: tuple[type[Payload], ...] = (ResealPlanMoved,)
