"""Webhook records for tests: subscriptions of one client, and events that are queued for them."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from store_records import T0, make_event

from certsvc.events.envelope import Event
from certsvc.events.webhooks import Secret, Subscription, SubscriptionState
from certsvc.store.engine import Store

SUBSCRIBED = T0 - timedelta(days=1)
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make_subscription(n: int = 1, **changes: Any) -> Subscription:
    """An active subscription to everything."""
    at = SUBSCRIBED + timedelta(seconds=n)
    subscription = Subscription(
        subscription_id=f"whk_{n:06d}",
        client_id="client_1",
        url=f"https://receiver-{n}.example/hook",
        types=("*",),
        state=SubscriptionState.ACTIVE,
        reason="",
        after=0,
        created_at=at,
        changed_at=at,
    )
    return dataclasses.replace(subscription, **changes)


def subscribe(store: Store, *numbers: int, **changes: Any) -> None:
    """Store subscriptions with one secret each."""
    with store.uow() as tx:
        for n in numbers:
            tx.webhooks.insert(make_subscription(n, **changes), [Secret(text=WHSEC)])


def sequenced(store: Store, subjects: str, *, first: int = 1) -> list[Event]:
    """Put one event per letter of ``subjects`` in the feed, about the license that the letter stands for."""
    with store.uow() as tx:
        for n, subject in enumerate(subjects, start=first):
            tx.outbox.add(make_event(n, subject=subject))
    with store.uow() as tx:
        tx.outbox.sequence(limit=1000)
    with store.uow.read() as tx:
        return list(tx.outbox.after(first - 1, limit=1000))


def queued(store: Store, subjects: str, *to: int, first: int = 1) -> list[Event]:
    """The same, queued for subscriptions ``to`` at :data:`T0`."""
    events = sequenced(store, subjects, first=first)
    with store.uow() as tx:
        for event in events:
            tx.deliveries.queue([f"whk_{n:06d}" for n in to], event, now=T0)
    return events
