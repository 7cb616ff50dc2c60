"""Queue every event for the webhook subscriptions that want it; sending is another's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.webhooks.ends import CONSUMER
from certsvc.commands.webhooks.replay import may_read_as
from certsvc.events.addressing import is_addressed
from certsvc.events.envelope import PREFIX
from certsvc.events.webhook_payloads import WebhookTested
from certsvc.events.webhooks import OWN_FAMILY, QUEUEING, REGULATORS_FAMILY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Subscription

NAME = CONSUMER

_TESTED = PREFIX + WebhookTested.NAME


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write a waiting delivery per event and subscription that wants it.

    The place in the queue is held first: whoever subscribes, or activates, at this moment comes before these events or
    after them, and knows which.
    """
    tx.webhooks.hold_queue(NAME)
    by_type: dict[str, Sequence[Subscription]] = {}
    now = deps.clock.now()
    for event in events:
        if event.type not in by_type:
            by_type[event.type] = tx.webhooks.wanting(event.type)
        wanting = [one.subscription_id for one in _asked(tx, event, by_type[event.type]) if one.after < event.position]
        tx.deliveries.queue(wanting, event, now=now)


def _asked(tx: UnitOfWork, event: Event, wanting: Sequence[Subscription]) -> Sequence[Subscription]:
    """Who gets an event; what happens to a subscription is told to its own client only, a test to itself only.

    What is addressed to one client or body goes to its subscriptions, and what is pushed to a regulator to its own.
    """
    if is_addressed(event):
        clients = tx.access.clients(sorted({one.client_id for one in wanting}))
        return [one for one in wanting if one.client_id in clients and may_read_as(clients[one.client_id], event)]
    if event.type.startswith(f"{PREFIX}{REGULATORS_FAMILY}."):
        oversight = tx.oversights.by_id(event.subject)
        return [one for one in wanting if oversight is not None and one.client_id == oversight.client_id]
    if not event.type.startswith(f"{PREFIX}{OWN_FAMILY}."):
        return wanting
    about = tx.webhooks.by_id(event.subject)
    if about is None:
        return []
    if event.type == _TESTED:
        return [about] if about.state in QUEUEING else []
    return [one for one in wanting if one.client_id == about.client_id]
