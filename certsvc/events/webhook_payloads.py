"""Payloads of webhook subscriptions; they name the subscription and never its client or its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookDisabled(Payload):
    """Nothing is sent to this subscription any more, until its owner activates it again."""

    NAME: ClassVar[str] = "webhook.disabled.v1"
    subscription_id: str
    reason: str
    """a code (``DisabledBecause``)"""
    missed_after: int
    """position in the feed; later events are not queued until it is activated"""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookTested(Payload):
    """Its owner asked for a test; this event goes to that subscription alone, whatever types it asked for."""

    NAME: ClassVar[str] = "webhook.tested.v1"
    subscription_id: str
