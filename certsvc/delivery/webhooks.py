"""Sends what is queued for webhook subscriptions.

One process at a time sends for a subscription, under a lease. What is due is sent outside every transaction and the
result recorded afterwards: a crash in between sends again, with the same id (at least once). No transaction, and no
receiver, waits for another receiver:

* each subscription that has something to send takes a slot, in turn, for a few seconds at most;
* its first event goes out alone; only when that was taken, the next ones go out side by side (of different subjects);
* receivers whose last try failed get half of the slots together, and one event per turn, and rest ever longer.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

import certsvc
from certsvc.commands.access import roles
from certsvc.commands.webhooks.ends import CONSUMER, disable_now
from certsvc.commands.webhooks.given import given
from certsvc.errors import CertsvcError, Unavailable
from certsvc.events.spans import Kind, spanning
from certsvc.events.standard_webhooks import body_of, headers_of
from certsvc.events.trace import trace_header
from certsvc.events.webhooks import (
    FAILING_FOR,
    TIMEOUT_S,
    DisabledBecause,
    Fault,
    Health,
    Try,
    pause_before,
    rest_after,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.events.webhooks import Claim, Delivery
    from certsvc.license.parties import Client

    Item = tuple[Delivery, Event]

log = structlog.get_logger("certsvc.webhooks")

SLOTS = 16
"""Subscriptions served at one time by a process; each takes a thread."""

SUSPECT_SHARE = 2
"""One such part of the slots is for receivers whose last try failed: those that hang leave room for the others."""

LANES = 4
"""Events of one subscription under way at one time: a receiver far away is served faster, and never flooded."""

ROUND = 64
"""Events of one subscription per turn."""

ROUND_S = 5.0
"""No event of a turn is begun later than this: others wait."""

RECORD_S = 10
"""Time to record the last result of a turn, a busy database included."""

LEASE_S = int(ROUND_S + TIMEOUT_S) + RECORD_S
"""A process that died keeps a subscription for so long at most."""

IDLE_WAIT_S = 0.2
ERROR_WAIT_S = 1.0

HTTP_OK, HTTP_MULTIPLE, HTTP_BAD, HTTP_GONE = 200, 300, 400, 410
BUSY = frozenset({429, 503})
"""Statuses whose Retry-After is for the receiver as a whole, which then rests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one try, and how long the receiver asked us to stay away."""

    tried: Try
    wait: timedelta = timedelta(0)

    @property
    def taken(self) -> bool:
        """Whether the receiver has the event."""
        return self.tried.fault is Fault.NONE


class WebhookSender:
    """Claims subscriptions and serves each in a slot of a bounded pool of threads."""

    def __init__(self, deps: Deps, *, owner: str, lease_s: int = LEASE_S, slots: int = SLOTS) -> None:
        """Send through ``deps.receivers``; ``owner`` names the threads."""
        self._deps = deps
        self._lease_s = lease_s
        self._slots = slots
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix=owner)
        self._guard = threading.Lock()
        self._busy = self._suspects = 0
        self._freed = threading.Event()
        self._stopping = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; what is under way then is finished and recorded."""
        while not stop.is_set():
            try:
                busy = self.once()
            except CertsvcError as error:
                log.warning("loop waits", action="loop.error", reason=error.code)
                stop.wait(ERROR_WAIT_S)
                continue
            except Exception:
                log.exception("loop failed", action="loop.crashed")
                stop.wait(ERROR_WAIT_S)
                continue
            if not busy:
                self._freed.wait(IDLE_WAIT_S)
                self._freed.clear()
        self.close()

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._stopping.set()
        self._pool.shutdown(wait=True)

    def once(self) -> bool:
        """Give every free slot a subscription that is due; whether any began."""
        began = False
        while True:
            with self._guard:
                if self._busy >= self._slots:
                    return began
                healthy = self._suspects >= max(1, self._slots // SUSPECT_SHARE)
            turn = take_turn(self._deps, lease_s=self._lease_s, healthy=healthy)
            if turn is None:
                return began
            began = True
            with self._guard:
                self._busy += 1
                self._suspects += turn.suspect
            self._pool.submit(self._serve, turn)

    def _serve(self, turn: Turn) -> None:
        try:
            turn.serve(self._stopping)
        except CertsvcError as error:
            log.warning("turn ends early", action="webhook.interrupted", reason=error.code)
        except Exception:
            log.exception("turn failed", action="webhook.crashed")
        finally:
            with self._guard:
                self._busy -= 1
                self._suspects -= turn.suspect
            self._freed.set()


def send_due(deps: Deps, *, lease_s: int = LEASE_S) -> int:
    """Serve in this thread whatever is due, turn by turn; how many tries were made (tests, one-off runs)."""
    tries = 0
    while turn := take_turn(deps, lease_s=lease_s):
        tries += turn.serve(threading.Event())
    return tries


def take_turn(deps: Deps, *, lease_s: int = LEASE_S, healthy: bool = False) -> Turn | None:
    """Claim the subscription that is due longest, with what it is to be sent; None when nothing is due.

    A client that is no longer active, or lost its role, is sent nothing more: its subscriptions are disabled. What was
    queued before its body became one that acts on consent alone, and is not addressed to it, is dropped.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        if not tx.webhooks.is_due(now=now, healthy=healthy):
            return None
    with deps.uow() as tx:
        claim = tx.webhooks.claim(token=deps.ids.new("clm"), now=now, lease_s=lease_s, healthy=healthy)
        if claim is None:
            return None
        subscription = claim.subscription
        client = tx.access.client(subscription.client_id)
        allowed = client is not None and client.active and roles.EVENTS in client.roles
        limit = 1 if subscription.failures else ROUND
        items = tx.deliveries.heads(subscription.subscription_id, now=now, limit=limit) if allowed else ()
        if client is not None and deps.catalog.consent_only(client.authority_code):
            items = _still_given(deps, tx, claim, client, items)
    if not allowed:
        # Apart: whoever changes a subscription holds the queue first and the subscription after it.
        with deps.uow() as tx:
            disable_now(deps, tx, subscription.subscription_id, DisabledBecause.ACCESS_ENDED, now)
    return Turn(deps, claim, items)


def _still_given(deps: Deps, tx: UnitOfWork, claim: Claim, client: Client, items: Sequence[Item]) -> Sequence[Item]:
    """Those that the client may have today; the others are over, and the delivery log says why."""
    subscription, now = claim.subscription, deps.clock.now()
    kept: list[Item] = []
    for delivery, event in items:
        if given(deps, tx, event, [subscription], {client.client_id: client}):
            kept.append((delivery, event))
        else:
            dropped = Try(at=now, status=0, fault=Fault.NOT_FOR_IT, duration_ms=0)
            tx.deliveries.fail(claim, delivery, dropped)
    return kept


class Turn:
    """One subscription served under its lease."""

    def __init__(self, deps: Deps, claim: Claim, items: Sequence[Item]) -> None:
        """Send ``items``, each of another subject, in order of position."""
        self._deps = deps
        self._claim = claim
        self._items = items
        self._outcomes: list[Outcome] = []
        self._over = threading.Event()

    @property
    def suspect(self) -> bool:
        """Whether the last try failed."""
        return self._claim.subscription.failures > 0

    def serve(self, stopping: threading.Event) -> int:
        """Send, record, and give the claim back; how many tries were made."""
        ends = self._deps.clock.monotonic() + ROUND_S
        first, rest = self._items[:1], self._items[1:]

        def send(item: Item) -> None:
            if not (self._over.is_set() or stopping.is_set() or self._deps.clock.monotonic() >= ends):
                self._send(item)

        try:
            for item in first:
                send(item)
            if rest and not self._over.is_set():
                with ThreadPoolExecutor(LANES, thread_name_prefix="webhook-lane") as lanes:
                    list(lanes.map(send, rest))
        finally:
            self._release()
        return len(self._outcomes)

    def _send(self, item: Item) -> None:
        """One try and its record; the turn ends when that was lost, or failed as with a receiver that is away."""
        delivery, event = item
        goes_on = False
        try:
            outcome = self._attempt(event)
            self._deps.faults.reach("webhook.sent")
            self._outcomes.append(outcome)
            goes_on = self._record(delivery, outcome) and (outcome.taken or self._is_one_bad_event(outcome))
            self._deps.faults.reach("webhook.recorded")
        finally:
            if not goes_on:
                self._over.set()

    def _is_one_bad_event(self, outcome: Outcome) -> bool:
        """Whether the receiver took others in this turn, failed few of them, and did not ask us to stay away."""
        missed = sum(not one.taken for one in self._outcomes)
        some_taken = missed < len(self._outcomes)
        return some_taken and missed < LANES and not outcome.wait and outcome.tried.fault is not Fault.GONE

    def _attempt(self, event: Event) -> Outcome:
        with spanning(self._deps.tracer, "webhook.send", Kind.CLIENT, parent=event.traceparent) as span:
            outcome = self._post(event, span.traceparent)
            span.note(certsvc__event=event.type, http__response__status_code=outcome.tried.status)
            if not outcome.taken:
                span.fail(outcome.tried.fault.value)
        return outcome

    def _post(self, event: Event, traceparent: str) -> Outcome:
        deps, claim = self._deps, self._claim
        now, started = deps.clock.now(), deps.clock.monotonic()
        body = body_of(event)
        headers = {
            **headers_of(claim.secrets, event.event_id, now, body),
            **trace_header(traceparent),
            "user-agent": f"certsvc/{certsvc.__version__}",
        }
        deps.faults.reach("webhook.sending")
        status, wait = 0, timedelta(0)
        try:
            reply = deps.receivers.post(claim.subscription.url, headers, body, now=now)
            status, fault = reply.status, _fault_of(reply.status)
            if status in BUSY and reply.retry_after is not None:
                wait = reply.retry_after
        except Unavailable:
            fault = Fault.ADDRESS
        except TimeoutError:
            fault = Fault.TIMEOUT
        except OSError:
            fault = Fault.NO_ANSWER
        took = int((deps.clock.monotonic() - started) * 1000)
        return Outcome(tried=Try(at=now, status=status, fault=fault, duration_ms=took), wait=wait)

    def _record(self, delivery: Delivery, outcome: Outcome) -> bool:
        """Keep what came of a try; False when the claim was lost meanwhile: then another sends it again."""
        deps, claim, tried = self._deps, self._claim, outcome.tried
        now = deps.clock.now()
        key = f"{delivery.subscription_id}:{delivery.position}"
        pause = pause_before(delivery.attempts + 2, key)
        with deps.uow() as tx:
            if outcome.taken:
                kept = tx.deliveries.confirm(claim, delivery, tried)
            elif pause is None:
                kept = tx.deliveries.fail(claim, delivery, tried)
            else:
                ready_at = now + max(pause, outcome.wait)
                kept = tx.deliveries.put_off(claim, delivery, tried, ready_at=ready_at)
            if kept and tried.fault is Fault.GONE:
                disable_now(deps, tx, delivery.subscription_id, DisabledBecause.GONE, now)
        if not outcome.taken:
            log.info(
                "webhook failed",
                action="webhook.failed",
                subscription=delivery.subscription_id,
                event_id=delivery.event_id,
                attempt=delivery.attempts + 1,
                status=tried.status,
                fault=tried.fault.value,
                last=pause is None,
            )
        return kept

    def _release(self) -> None:
        now = self._deps.clock.now()
        health = self._health()
        rest = max([rest_after(health.failures), *(outcome.wait for outcome in self._outcomes)], default=timedelta(0))
        failing = health.failing_since is not None and now - health.failing_since >= FAILING_FOR
        with self._deps.uow() as tx:
            if failing:
                tx.webhooks.hold_queue(CONSUMER)  # before the subscription, as everybody who takes both
            held = tx.webhooks.release(self._claim, health=health, not_before=now + rest)
            if held and failing:
                subscription_id = self._claim.subscription.subscription_id
                disable_now(self._deps, tx, subscription_id, DisabledBecause.FAILING, now)

    def _health(self) -> Health:
        """How the receiver stands: one success and it is well."""
        before = self._claim.subscription
        taken = [outcome.tried.at for outcome in self._outcomes if outcome.taken]
        missed = [outcome.tried.at for outcome in self._outcomes if not outcome.taken]
        if taken:
            return Health(failures=0, failing_since=None, last_success_at=max(taken))
        return Health(
            failures=before.failures + len(missed),
            failing_since=before.failing_since or min(missed, default=None),
            last_success_at=before.last_success_at,
        )


def _fault_of(status: int) -> Fault:
    """2xx is success and nothing else is; a redirect is not followed."""
    if HTTP_OK <= status < HTTP_MULTIPLE:
        return Fault.NONE
    if HTTP_MULTIPLE <= status < HTTP_BAD:
        return Fault.REDIRECT
    return Fault.GONE if status == HTTP_GONE else Fault.STATUS
