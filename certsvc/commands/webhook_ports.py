"""Ports of webhooks: subscriptions and deliveries in the store, and the way to receivers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Claim, Delivery, DeliveryState, Health, Secret, Subscription, Try


class Subscriptions(Protocol):
    """Who wants which events where; a deleted one is found by :meth:`deleted` alone."""

    def hold_queue(self, consumer: str) -> int:
        """Let nobody queue events until the end of the transaction; the position up to which they are queued."""
        ...

    def insert(self, subscription: Subscription, secrets: Sequence[Secret]) -> None:
        """Store."""
        ...

    def by_id(self, subscription_id: str) -> Subscription | None:
        """The subscription."""
        ...

    def hold(self, subscription_id: str) -> Subscription | None:
        """The same, and nobody else changes it until the end of the transaction."""
        ...

    def page(self, client_id: str, *, behind: str, limit: int) -> Sequence[Subscription]:
        """Subscriptions of a client, or of all (empty), behind ``behind`` in the order of their ids."""
        ...

    def count(self, client_id: str) -> int:
        """How many a client has."""
        ...

    def wanting(self, event_type: str) -> Sequence[Subscription]:
        """Those for which events of this type are queued: active or paused, and they asked for it."""
        ...

    def update(self, subscription: Subscription) -> None:
        """Store what its owner or the service changed: URL, types, state, reason, gap and health."""
        ...

    def wake(self, subscription_id: str, *, now: datetime) -> None:
        """End a rest; a lease that is held stays as it is."""
        ...

    def secrets(self, subscription_id: str) -> Sequence[Secret]:
        """Its secrets, newest first, whatever their end."""
        ...

    def set_secrets(self, subscription_id: str, secrets: Sequence[Secret]) -> None:
        """Replace them."""
        ...

    def is_due(self, *, now: datetime, healthy: bool) -> bool:
        """Whether :meth:`claim` would find one; takes no lock."""
        ...

    def claim(self, *, token: str, now: datetime, lease_s: int, healthy: bool) -> Claim | None:
        """Take the active subscription with something to send that was served longest ago; None when there is none.

        A guarded UPDATE … RETURNING: two processes never hold the same one. ``healthy`` passes over those whose last
        try failed.
        """
        ...

    def release(self, claim: Claim, *, health: Health, not_before: datetime) -> bool:
        """Give a claim back with how the receiver did; False when it was lost."""
        ...

    def paused_since_before(self, before: datetime, *, limit: int) -> Sequence[Subscription]:
        """Paused ones that nobody changed since ``before``."""
        ...

    def deleted(self, *, limit: int) -> Sequence[str]:
        """Ids of deleted ones whose rows are there still."""
        ...

    def forget(self, subscription_id: str) -> None:
        """Remove the row of a deleted one that has no deliveries left."""
        ...


class Deliveries(Protocol):
    """Events queued for subscriptions: the queue, and the log of what was sent."""

    def queue(self, subscription_ids: Sequence[str], event: Event, *, now: datetime) -> None:
        """Queue an event; where it is queued already nothing happens."""
        ...

    def requeue(self, subscription_id: str, events: Sequence[Event], *, now: datetime) -> None:
        """Queue events again from the beginning of the schedule, whatever became of them; waiting ones stay."""
        ...

    def heads(self, subscription_id: str, *, now: datetime, limit: int) -> Sequence[tuple[Delivery, Event]]:
        """What may be sent now, in order of position: due, and without an earlier waiting one of the same subject.

        Nothing or little may come back although more is due: what is behind another is put off with it.
        """
        ...

    def confirm(self, claim: Claim, delivery: Delivery, last: Try) -> bool:
        """The receiver took it; False when the claim was lost or it does not wait any more."""
        ...

    def put_off(self, claim: Claim, delivery: Delivery, last: Try, *, ready_at: datetime) -> bool:
        """It failed and is tried again; False as in :meth:`confirm`."""
        ...

    def fail(self, claim: Claim, delivery: Delivery, last: Try) -> bool:
        """It failed for good; False as in :meth:`confirm`."""
        ...

    def restart(self, subscription_id: str, *, now: datetime) -> None:
        """Let everything that waits and failed, or is behind such, be due now, from the beginning of the schedule."""
        ...

    def log(self, subscription_id: str, *, state: DeliveryState | None, before: int, limit: int) -> Sequence[Delivery]:
        """Deliveries in front of position ``before`` (0: from the end), the newest first, of one state or all."""
        ...

    def failed(self, subscription_id: str, *, behind: int, limit: int) -> Sequence[Event]:
        """Events whose deliveries failed for good, behind a position, in order."""
        ...

    def counts(self, subscription_ids: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """How many wait and how many failed, per subscription that has any."""
        ...

    def sweep(self, *, before: datetime, limit: int) -> int:
        """Forget deliveries that were confirmed before ``before``; how many."""
        ...

    def forget(self, subscription_id: str, *, limit: int) -> int:
        """Forget deliveries of a deleted subscription; how many."""
        ...


class Feed(Protocol):
    """Places in the feed of sequenced events; ``tx.outbox.after`` reads it."""

    def end(self) -> int:
        """The last position that was given (0 at first)."""
        ...

    def at(self, position: int) -> Event | None:
        """The event at a position."""
        ...

    def before(self, moment: datetime) -> int:
        """A position in front of every event of this time or a later one; some earlier ones are behind it too."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a receiver answered: its status, and how long it asks us to stay away."""

    status: int
    retry_after: timedelta | None = None


class Receivers(Protocol):
    """Calls the URLs of subscriptions, under the rules of the one way out."""

    def check(self, url: str) -> None:
        """InvalidInput for a URL that is never called: not https, an inner address, not listed by the operator."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Reply:
        """Send; the answer is its status, its body is not read.

        Raises:
            Unavailable: the URL leads where this service does not go.
            TimeoutError: no status in time.
            OSError: no answer.
        """
        ...
