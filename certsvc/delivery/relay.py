"""The relay: sequenced events to consumers and carriers, in order.

A consumer works inside the database: its effects, their inbox rows and its cursor are one transaction, so a crash
anywhere repeats nothing and loses nothing; what fails for several events is tried for each by itself. A carrier takes
events outside (a broker, the locks of objects): first it brings them, then its cursor moves, so a crash in between
brings them again. One that fails keeps its place and is tried again; the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from certsvc.delivery.consumers import dependants, holder_notices, regulators, use_alerts, webhooks
from certsvc.events.spans import Kind, spanning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Carrier, Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

log = structlog.get_logger("certsvc.relay")

BATCH = 200
CARRIED = 500
"""Events carried at once, all within one lease."""
LEASE_S = 30
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
"""A consumer that cannot handle an event is tried again after pauses that double; its log lines are the alarm."""


class Handle(Protocol):
    """What a consumer does with events that are new to it, inside the transaction of their inbox rows."""

    def __call__(self, deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
        """Write the effects through ``tx``, in the order of ``events``."""
        ...


CONSUMERS: tuple[tuple[str, Handle], ...] = (
    (holder_notices.NAME, holder_notices.handle),
    (dependants.NAME, dependants.handle),
    (use_alerts.NAME, use_alerts.handle),
    (regulators.NAME, regulators.handle),
    (webhooks.NAME, webhooks.handle),
)
"""Every consumer: one file and one line here."""


class Relay:
    """Hands events to consumers under a lease per consumer; one that fails waits longer each time, the others go on."""

    def __init__(
        self,
        deps: Deps,
        *,
        owner: str,
        consumers: Sequence[tuple[str, Handle]] | None = None,
        carriers: Sequence[Carrier] | None = None,
    ) -> None:
        """Hand on to all of them, or to these only; each of several relays of one process has its own."""
        self._deps = deps
        self._owner = owner
        self._consumers = CONSUMERS if consumers is None else consumers
        self._carriers = deps.carriers if carriers is None else carriers
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._read: dict[int, Sequence[Event]] = {}
        """what stood behind a place when this round first looked there"""

    @property
    def leases(self) -> tuple[str, ...]:
        """What a relay may hold, to be given up at its end."""
        return tuple(_lease(name) for name in (*(one for one, _ in self._consumers), *(c.name for c in self._carriers)))

    def once(self) -> int:
        """Hand every waiting event to every consumer and carrier that is not pausing; how many were handled."""
        self._read.clear()
        done = sum(self._drain(name, handle) for name, handle in self._consumers if self._due(name))
        return done + sum(self._carry(carrier) for carrier in self._carriers if self._due(carrier.name))

    def _due(self, name: str) -> bool:
        return self._deps.clock.monotonic() >= self._not_before.get(name, 0.0)

    def _waiting(self, name: str, limit: int) -> tuple[int, Sequence[Event]]:
        """The consumer's place, and what waits behind it, when this relay holds its lease."""
        deps = self._deps
        with deps.uow.read() as tx:
            place = tx.outbox.cursor(name)
            # What has a position never changes, so consumers at one place are given what was read for the first.
            if place not in self._read:
                self._read[place] = tx.outbox.after(place, limit=limit)
            events = self._read[place][:limit]
        if not events:
            return place, ()
        with deps.uow() as tx:
            held = tx.outbox.lease(_lease(name), owner=self._owner, now=deps.clock.now(), lease_s=LEASE_S)
        return place, events if held else ()

    def _drain(self, name: str, handle: Handle) -> int:
        events = self._waiting(name, BATCH)[1]
        if len(events) > 1:
            try:
                deliver(self._deps, name, handle, events)
            except Exception as error:  # noqa: BLE001  (which event it was is found one by one)
                log.info("batch taken apart", action="relay.apart", consumer=name, reason=type(error).__name__)
            else:
                self._failures.pop(name, None)
                return len(events)
        done = 0
        for event in events:
            try:
                deliver(self._deps, name, handle, [event])
            except Exception as error:  # noqa: BLE001  (whatever a consumer raises, the event waits and others go on)
                self._pause(name, event, error)
                break
            done += 1
            self._failures.pop(name, None)
        return done

    def _carry(self, carrier: Carrier) -> int:
        place, events = self._waiting(carrier.name, CARRIED)
        if not events:
            return 0
        deps = self._deps
        try:
            traces = [event.traceparent for event in events if event.traceparent]
            with spanning(
                deps.tracer, f"relay.{carrier.name}", Kind.PRODUCER, links=traces, certsvc__events=len(events)
            ):
                carrier.carry(deps, events)
        except Exception as error:  # noqa: BLE001  (as above)
            self._pause(carrier.name, events[0], error)
            return 0
        deps.faults.reach("relay.carried")
        with deps.uow() as tx:
            # Somebody may have moved it back meanwhile, to have events sent again.
            if tx.outbox.cursor(carrier.name) == place:
                tx.outbox.advance(carrier.name, position=events[-1].position)
        self._failures.pop(carrier.name, None)
        return len(events)

    def _pause(self, name: str, event: Event, error: Exception) -> None:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        wait = min(FIRST_PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S)
        self._not_before[name] = self._deps.clock.monotonic() + wait
        log.error(
            "consumer failed",
            action="relay.failed",
            consumer=name,
            event_id=event.event_id,
            failures=failures,
            wait_s=wait,
            exc_info=error,
        )


def _lease(name: str) -> str:
    return f"relay:{name}"


def deliver(deps: Deps, name: str, handle: Handle, events: Sequence[Event]) -> None:
    """Effects, inbox rows and cursor in one transaction; an event behind the cursor changes nothing."""
    with deps.uow() as tx:
        place = tx.outbox.cursor(name)
        waiting = [event for event in events if event.position > place]
        if not waiting:
            return
        fresh = tx.outbox.first_times(name, [event.event_id for event in waiting], now=deps.clock.now())
        handle(deps, tx, [event for event in waiting if event.event_id in fresh])
        tx.outbox.advance(name, position=waiting[-1].position)
