"""What a webhook subscription and a delivery are, which events it wants, and when a delivery is tried again (pure).

Laws:

1. A delivery is *waiting* until a receiver answered 2xx (*delivered*) or its schedule is used up (*failed*).
2. Order per subject holds: while a delivery waits, later ones of the same subject wait behind it; others go on.
   After a failure for good the later ones go on; what failed is still there and can be replayed.
3. A receiver that fails again and again rests, ever longer, so that it costs nobody time; one success ends that.
4. What is sent again has the same id and the same body.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import PAYLOADS

SCHEDULE = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Pause before each try: the example schedule of Standard Webhooks, ten tries over 75 h 35 min."""

JITTER = 0.1
"""Each pause is longer by up to this part, so that what failed together does not come back together."""

TIMEOUT_S = 15.0
"""A try, from the name to the status (Standard Webhooks: 15 to 30 s)."""

FAILING_FOR = timedelta(days=5)
"""A receiver that did nothing but fail for so long is disabled; longer than the whole schedule with its jitter."""

PAUSED_FOR = timedelta(days=7)
"""A subscription that is paused for longer is disabled: what waits for it must not grow for ever."""

SECRET_OVERLAP = timedelta(hours=24)
"""How long the secret before the newest still signs."""

REST_AFTER = 5
"""Failures in a row before a receiver rests; until then a single bad event costs the others nothing."""

REST_FIRST, REST_LONGEST = timedelta(seconds=5), timedelta(minutes=5)
"""Its first rest, which doubles with every further failure, and the longest."""

EVERYTHING = "*"
NAMES: frozenset[str] = frozenset(payload.NAME for payload in PAYLOADS)
"""Every event type that leaves, without the prefix."""

FAMILIES: frozenset[str] = frozenset(name.split(".")[0] for name in NAMES)
OWN_FAMILY = "webhook"
"""Events about subscriptions: they go to the subscriptions of the same client only."""


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    """deliveries are queued and not sent"""
    DISABLED = "disabled"
    """nothing is queued; what was waiting waits on"""
    DELETED = "deleted"
    """gone for its owner; its rows are being swept"""


QUEUEING = frozenset({SubscriptionState.ACTIVE, SubscriptionState.PAUSED})


class StoppedBy(StrEnum):
    """Who paused or disabled a subscription; empty while it is active, and where an older release stopped it."""

    NOBODY = ""
    OWNER = "owner"
    OPERATOR = "operator"
    SERVICE = "service"


class DisabledBecause(StrEnum):
    """Codes of reasons for which the service disables a subscription."""

    GONE = "gone"
    """the receiver answered 410"""
    FAILING = "failing"
    PAUSED_TOO_LONG = "paused_too_long"
    ACCESS_ENDED = "access_ended"
    """the client is no longer active, or lost the role"""
    OWNER = "owner"
    OPERATOR = "operator"
    """an operator stopped it, and said why"""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Fault(StrEnum):
    """Why a try failed, in one word; what the receiver wrote is never kept."""

    NONE = ""
    TIMEOUT = "timeout"
    NO_ANSWER = "no_answer"
    ADDRESS = "address_refused"
    """the URL leads where this service does not go"""
    STATUS = "status"
    REDIRECT = "redirect"
    GONE = "gone"
    NOT_FOR_IT = "not_for_it"
    """not sent: between queueing and sending the body became one that is not given it (it acts on consent alone)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """Where a client wants which events.

    Attributes:
        types: names without the prefix, ``family.*``, or ``*``.
        reason: why it is paused or disabled: a code of :class:`DisabledBecause`, or what somebody wrote.
        stopped_by: who stopped it: what its owner stopped, an operator does not start.
        after: events behind this position come.
        missed_after, missed_until: positions between which nothing was queued because it was disabled; the second is
            None while it still is, both are None when it never was.
        failures: failed tries in a row.
        failing_since: when the first of them was, or None.
    """

    subscription_id: str
    client_id: str
    url: str
    types: tuple[str, ...]
    state: SubscriptionState
    reason: str
    after: int
    created_at: datetime
    changed_at: datetime
    missed_after: int | None = None
    missed_until: int | None = None
    failures: int = 0
    failing_since: datetime | None = None
    last_success_at: datetime | None = None
    stopped_by: StoppedBy = StoppedBy.NOBODY

    @property
    def stopped_by_owner(self) -> bool:
        """Whether its owner stopped it: of what an older release stopped, a reason in words may be theirs."""
        if self.state not in {SubscriptionState.PAUSED, SubscriptionState.DISABLED}:
            return False
        codes = {one.value for one in DisabledBecause} - {DisabledBecause.OWNER.value}
        return self.stopped_by is StoppedBy.OWNER or (self.stopped_by is StoppedBy.NOBODY and self.reason not in codes)

    def wants(self, event_type: str) -> bool:
        """Whether this full event type is among those it asked for."""
        return not set(self.types).isdisjoint(spellings_of(event_type))


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A signing secret and until when it signs; the newest has no end."""

    text: str = field(repr=False)
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """One try: when, the status (0: none came), the fault in one word, and how long it took."""

    at: datetime
    status: int
    fault: Fault
    duration_ms: int


MAX_TRIES_KEPT = 20
"""Tries that the row of a delivery remembers: a whole schedule and a replay of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One event for one subscription.

    Attributes:
        position: of the event; with the subscription it names the delivery.
        attempts: tries since it was queued, or since it was last replayed.
        ready_at: when it may be tried.
        tries: the last ones, oldest first.
    """

    subscription_id: str
    position: int
    event_id: str
    type: str
    subject: str
    state: DeliveryState
    attempts: int
    ready_at: datetime
    created_at: datetime
    ended_at: datetime | None = None
    replays: int = 0
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A subscription that one process sends for, until its lease runs out; ``secrets`` newest first."""

    subscription: Subscription
    token: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a receiver did in a round, to be kept with its subscription."""

    failures: int
    failing_since: datetime | None
    last_success_at: datetime | None


def spellings_of(event_type: str) -> tuple[str, str, str]:
    """What a subscription may have written that wants this full event type: all, its family, its name."""
    name = event_type.removeprefix(PREFIX)
    return EVERYTHING, f"{name.split('.')[0]}.*", name


def pause_before(attempt: int, key: str) -> timedelta | None:
    """The pause before try number ``attempt`` (from 1), or None when the schedule is used up.

    ``key`` spreads the jitter: the same delivery has the same pauses in every process.
    """
    if attempt > len(SCHEDULE):
        return None
    drawn = hashlib.sha256(f"{key}:{attempt}".encode()).digest()
    return SCHEDULE[attempt - 1] * (1 + JITTER * int.from_bytes(drawn[:4], "big") / 2**32)


def rest_after(failures: int) -> timedelta:
    """How long a receiver is left alone after so many failures in a row."""
    if failures < REST_AFTER:
        return timedelta(0)
    doublings = min(failures - REST_AFTER, 16)
    return min(REST_FIRST * (1 << doublings), REST_LONGEST)
