"""The in-process relay of the embedded shape: sequenced events to consumers, in order, each once.

A consumer's effect, its inbox row and its cursor are one transaction, so a crash anywhere repeats nothing and loses
nothing. A consumer that fails keeps its place and is tried again; the others go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from certsvc.delivery.consumers import dependants, holder_notices

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

log = structlog.get_logger("certsvc.relay")

BATCH = 200


class Handle(Protocol):
    """What a consumer does with one event, inside the transaction of its inbox row."""

    def __call__(self, deps: Deps, tx: UnitOfWork, event: Event) -> None:
        """Write the effect through ``tx``."""
        ...


CONSUMERS: tuple[tuple[str, Handle], ...] = (
    (holder_notices.NAME, holder_notices.handle),
    (dependants.NAME, dependants.handle),
)
"""Every consumer: one file and one line here."""


def relay_once(deps: Deps) -> int:
    """Hand every waiting event to every consumer; how many were handled."""
    return sum(_drain(deps, name, handle) for name, handle in CONSUMERS)


def _drain(deps: Deps, name: str, handle: Handle) -> int:
    with deps.uow.read() as tx:
        events = tx.outbox.after(tx.outbox.cursor(name), limit=BATCH)
    done = 0
    for event in events:
        try:
            deliver(deps, name, handle, event)
        except Exception:
            log.exception("consumer failed", action="relay.failed", consumer=name, event_id=event.event_id)
            break
        done += 1
    return done


def deliver(deps: Deps, name: str, handle: Handle, event: Event) -> None:
    """Effect, inbox row and cursor in one transaction."""
    with deps.uow() as tx:
        if tx.outbox.first_time(name, event.event_id, now=deps.clock.now()):
            handle(deps, tx, event)
        tx.outbox.advance(name, position=event.position)
