"""Queue every event for the webhook subscriptions that want it; sending is another's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.webhooks.ends import CONSUMER
from certsvc.commands.webhooks.given import clients_of, given, tested

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Subscription
    from certsvc.license.parties import Client

NAME = CONSUMER


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write a waiting delivery per event and subscription that wants it.

    The place in the queue is held first: whoever subscribes, or activates, at this moment comes before these events or
    after them, and knows which.
    """
    tx.webhooks.hold_queue(NAME)
    by_type: dict[str, tuple[Sequence[Subscription], Mapping[str, Client]]] = {}
    now = deps.clock.now()
    for event in events:
        if event.type not in by_type:
            wishing = tx.webhooks.wanting(event.type)
            by_type[event.type] = wishing, clients_of(tx, wishing)
        asking = tested(tx, event) or given(deps, tx, event, *by_type[event.type])
        wanting = [one.subscription_id for one in asking if one.after < event.position]
        tx.deliveries.queue(wanting, event, now=now)
