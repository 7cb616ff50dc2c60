"""Queue every event for the webhook subscriptions that want it; sending is another's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.webhooks.ends import CONSUMER
from certsvc.events.envelope import PREFIX
from certsvc.events.webhook_payloads import WebhookTested
from certsvc.events.webhooks import OWN_FAMILY, QUEUEING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Subscription

NAME = CONSUMER

_TESTED = PREFIX + WebhookTested.NAME


def handle(deps: Deps, tx: UnitOfWork, event: Event) -> None:
    """Write a waiting delivery per subscription that wants the event.

    The place in the queue is held first: whoever subscribes, or activates, at this moment comes before this event or
    after it, and knows which.
    """
    tx.webhooks.hold_queue(NAME)
    wanting = [one.subscription_id for one in _wanting(tx, event) if one.after < event.position]
    tx.deliveries.queue(wanting, event, now=deps.clock.now())


def _wanting(tx: UnitOfWork, event: Event) -> Sequence[Subscription]:
    """Who wants an event; what happens to a subscription is told to its own client only, a test to itself only."""
    if not event.type.startswith(f"{PREFIX}{OWN_FAMILY}."):
        return tx.webhooks.wanting(event.type)
    about = tx.webhooks.by_id(event.subject)
    if about is None:
        return []
    if event.type == _TESTED:
        return [about] if about.state in QUEUEING else []
    return [one for one in tx.webhooks.wanting(event.type) if one.client_id == about.client_id]
