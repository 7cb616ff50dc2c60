"""Payloads of annotated copies and of alerts to whoever used a license; they name licenses and bodies, and nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyWithdrawn(Payload):
    """加注件: the holder withdrew a copy that was given on consent; only the system that holds it is told."""

    NAME: ClassVar[str] = "copy.withdrawn.v1"
    copy_id: str
    fetch_id: str
    identifier: str
    client_id: str
    authority_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertRaised(Payload):
    """状态变更通报: a license that this system, or this body's officers, used has changed; only they are told."""

    NAME: ClassVar[str] = "alert.raised.v1"
    alert_id: str
    identifier: str
    license_type: str
    issuer_code: str
    change: str
    """what happened: ``suspended``, ``revoked`` …: action part of the license's event"""
    changed_at: str
    client_id: str
    """empty where it is for the body whose officers scanned"""
    authority_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertReminded(Payload):
    """状态变更通报: an alert waits for its acknowledgement for longer than it should."""

    NAME: ClassVar[str] = "alert.reminded.v1"
    alert_id: str
    identifier: str
    change: str
    client_id: str
    authority_code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertAcknowledged(Payload):
    """状态变更通报: the addressee said what was done."""

    NAME: ClassVar[str] = "alert.acknowledged.v1"
    alert_id: str
    identifier: str
    change: str
    done: str
    """``nothing_depends``, ``reviewed``, ``case_changed`` or ``copy_destroyed``"""
    client_id: str
    authority_code: str


COPY_PAYLOADS: tuple[type[Payload], ...] = (CopyWithdrawn, AlertRaised, AlertReminded, AlertAcknowledged)
