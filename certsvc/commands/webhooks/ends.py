"""Disable subscriptions, and forget what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.events.webhook_payloads import WebhookDisabled
from certsvc.events.webhooks import PAUSED_FOR, DisabledBecause, StoppedBy, SubscriptionState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.webhooks import Subscription

CONSUMER = "webhooks"
"""Name of the consumer that queues events for subscriptions (``delivery/consumers/webhooks.py``)."""

KEPT_FOR = timedelta(days=30)
"""How long a confirmed delivery stays in the log; what was not confirmed is never swept."""

SWEPT_AT_ONCE = 1000
"""Rows per transaction: a sweep must not hold the writer of SQLite."""

SERVICE = "service"
"""Who acts, in evidence rows, when the service itself disables a subscription."""


def disable(
    deps: Deps,
    tx: UnitOfWork,
    subscription: Subscription,
    reason: DisabledBecause,
    *,
    queued: int,
    at: datetime,
    words: str = "",
    actor: str = "",
    by: StoppedBy = StoppedBy.SERVICE,
) -> Subscription:
    """The subscription as disabled, with the event and the evidence of it; the caller stores it.

    ``queued`` is the position up to which events are queued, read in this transaction; ``words``, ``actor``
    and ``by`` are those of whoever asked for it; what is left out is the service's.
    """
    ended = replace(
        subscription,
        state=SubscriptionState.DISABLED,
        reason=words or reason.value,
        missed_after=queued,
        missed_until=None,
        changed_at=at,
        stopped_by=StoppedBy.OWNER if subscription.stopped_by_owner else by,  # who stops it further did not stop it
    )
    payload = WebhookDisabled(subscription_id=subscription.subscription_id, reason=reason.value, missed_after=queued)
    event_id, subject = deps.ids.new("evt"), subscription.subscription_id
    tx.outbox.add(payload.event(event_id=event_id, source=deps.policy.event_source, subject=subject, at=at))
    content = {"reason": reason.value, "missed_after": queued, **({"words": words} if words else {})}
    record(tx, deps, kind="webhook.disabled", subject=subject, actor=actor or SERVICE, content=content, at=at)
    return ended


def disable_now(deps: Deps, tx: UnitOfWork, subscription_id: str, reason: DisabledBecause, at: datetime) -> None:
    """Disable a subscription that is not disabled yet, and store it."""
    queued = tx.webhooks.hold_queue(CONSUMER)
    subscription = tx.webhooks.hold(subscription_id)
    if subscription is not None and subscription.state is not SubscriptionState.DISABLED:
        tx.webhooks.update(disable(deps, tx, subscription, reason, queued=queued, at=at))


def sweep_webhooks(deps: Deps) -> int:
    """Forget old confirmed deliveries and deleted subscriptions, and disable what is paused too long; rows removed."""
    now = deps.clock.now()
    removed = 0
    while True:
        with deps.uow() as tx:
            some = tx.deliveries.sweep(before=now - KEPT_FOR, limit=SWEPT_AT_ONCE)
        removed += some
        if some < SWEPT_AT_ONCE:
            break
    with deps.uow.read() as tx:
        deleted = tx.webhooks.deleted(limit=SWEPT_AT_ONCE)
        paused = tx.webhooks.paused_since_before(now - PAUSED_FOR, limit=SWEPT_AT_ONCE)
    for subscription_id in deleted:
        removed += _forget(deps, subscription_id)
    for subscription in paused:
        with deps.uow() as tx:
            disable_now(deps, tx, subscription.subscription_id, DisabledBecause.PAUSED_TOO_LONG, now)
    return removed


def _forget(deps: Deps, subscription_id: str) -> int:
    removed = 0
    while True:
        with deps.uow() as tx:
            some = tx.deliveries.forget(subscription_id, limit=SWEPT_AT_ONCE)
            if not some:
                tx.webhooks.forget(subscription_id)
                return removed
        removed += some
