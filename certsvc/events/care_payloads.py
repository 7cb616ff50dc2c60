"""Payloads of 成批换章: plans, and licenses whose file was sealed anew."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseResealed(Payload):
    """The file of a license was drawn and sealed anew from the same content: a later form; nothing else changed."""

    NAME: ClassVar[str] = "license.resealed.v1"
    identifier: str
    license_type: str
    issuer_code: str
    sha256: str
    previous_sha256: str
    """of the form before it, which stays genuine"""
    plan_id: str


CARE_PAYLOADS: tuple[type[Payload], ...] = (ResealPlanMoved, LicenseResealed)
