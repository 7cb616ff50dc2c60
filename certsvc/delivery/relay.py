"""The in-process relay of the embedded shape: sequenced events to consumers, in order, each once.

A consumer's effect, its inbox row and its cursor are one transaction, so a crash anywhere repeats nothing and loses
nothing. A consumer that fails keeps its place and is tried again; the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from certsvc.delivery.consumers import dependants, holder_notices, webhooks

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

log = structlog.get_logger("certsvc.relay")

BATCH = 200
LEASE_S = 30
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
"""A consumer that cannot handle an event is tried again after pauses that double; its log lines are the alarm."""


class Handle(Protocol):
    """What a consumer does with one event, inside the transaction of its inbox row."""

    def __call__(self, deps: Deps, tx: UnitOfWork, event: Event) -> None:
        """Write the effect through ``tx``."""
        ...


CONSUMERS: tuple[tuple[str, Handle], ...] = (
    (holder_notices.NAME, holder_notices.handle),
    (dependants.NAME, dependants.handle),
    (webhooks.NAME, webhooks.handle),
)
"""Every consumer: one file and one line here."""


class Relay:
    """Hands events to consumers under a lease per consumer; one that fails waits longer each time, the others go on."""

    def __init__(self, deps: Deps, *, owner: str) -> None:
        self._deps = deps
        self._owner = owner
        self._failures: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def once(self) -> int:
        """Hand every waiting event to every consumer that is not pausing; how many were handled."""
        return sum(self._drain(name, handle) for name, handle in CONSUMERS if self._due(name))

    def _due(self, name: str) -> bool:
        return self._deps.clock.monotonic() >= self._not_before.get(name, 0.0)

    def _drain(self, name: str, handle: Handle) -> int:
        deps = self._deps
        with deps.uow.read() as tx:
            events = tx.outbox.after(tx.outbox.cursor(name), limit=BATCH)
        if not events:
            return 0
        with deps.uow() as tx:
            held = tx.outbox.lease(f"relay:{name}", owner=self._owner, now=deps.clock.now(), lease_s=LEASE_S)
        done = 0
        for event in events if held else ():
            try:
                deliver(deps, name, handle, event)
            except Exception as error:  # noqa: BLE001  (whatever a consumer raises, the event waits and others go on)
                self._pause(name, event, error)
                break
            done += 1
            self._failures.pop(name, None)
        return done

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


def deliver(deps: Deps, name: str, handle: Handle, event: Event) -> None:
    """Effect, inbox row and cursor in one transaction; an event behind the cursor changes nothing."""
    with deps.uow() as tx:
        if event.position <= tx.outbox.cursor(name):
            return
        if tx.outbox.first_time(name, event.event_id, now=deps.clock.now()):
            handle(deps, tx, event)
        tx.outbox.advance(name, position=event.position)
