"""Which subscriptions are given an event: asked when it is queued, and in the same words when it is queued again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.events.addressing import is_addressed, may_read, oversights_of, systems_of
from certsvc.events.envelope import PREFIX
from certsvc.events.webhook_payloads import WebhookTested
from certsvc.events.webhooks import OWN_FAMILY, QUEUEING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Subscription
    from certsvc.license.parties import Client

_TESTED = PREFIX + WebhookTested.NAME


def clients_of(tx: UnitOfWork, asking: Sequence[Subscription]) -> Mapping[str, Client]:
    """Whose these subscriptions are, read once for all events of a type."""
    return tx.access.clients(sorted({one.client_id for one in asking})) if asking else {}


def given(
    deps: Deps, tx: UnitOfWork, event: Event, asking: Sequence[Subscription], clients: Mapping[str, Client]
) -> Sequence[Subscription]:
    """Those of ``asking``, whose ``clients`` these are, that may have the event.

    What is addressed to one client or body goes to its subscriptions, what a regulator is told to its own, uses to
    those of their parties. Tests go to the tested subscription alone, and events about subscriptions to those of their
    client. Everything else goes to all whose bodies do not act on consent alone.
    """
    if not asking:
        return []
    if is_addressed(event):
        systems = systems_of([event])
        overseers = tx.oversights.clients_of(oversights_of([event]))
        bodies = {one.client_id: one.authority_code for one in tx.access.clients(systems).values()} if systems else {}
        return [
            one
            for one in asking
            if (client := clients.get(one.client_id)) is not None
            and may_read(
                event,
                client_id=client.client_id,
                authority_code=client.authority_code,
                overseers=overseers,
                bodies=bodies,
                sees_uses=roles.sees_uses(client.roles),
                addressed_only=deps.catalog.consent_only(client.authority_code),
            )
        ]
    if not event.type.startswith(f"{PREFIX}{OWN_FAMILY}."):
        bound = {one.client_id for one in clients.values() if deps.catalog.consent_only(one.authority_code)}
        return [one for one in asking if one.client_id not in bound]
    about = tx.webhooks.by_id(event.subject)
    if about is None:
        return []
    if event.type == _TESTED:
        return [one for one in asking if one.subscription_id == about.subscription_id]
    return [one for one in asking if one.client_id == about.client_id]


def tested(tx: UnitOfWork, event: Event) -> Sequence[Subscription]:
    """The subscription that a test event is for, whatever types it asks for; none for any other event."""
    about = tx.webhooks.by_id(event.subject) if event.type == _TESTED else None
    return [about] if about is not None and about.state in QUEUEING else []
