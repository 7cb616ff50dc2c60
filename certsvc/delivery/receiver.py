"""Events in over the broker, one process at a time, so that those of one case are carried out in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from certsvc.commands.issuance.take_message import Message, take_messages
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.delivery.broker import Broker, Delivered
    from certsvc.license.parked import ParkedEvent

log = structlog.get_logger("certsvc.receiver")

LEASE = "receiver"
LEASE_S = 30
BATCH = 50
"""Messages taken at once; all are answered within one lease."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class Receiver:
    """Takes waiting messages, carries them out in order and only then acknowledges them."""

    def __init__(self, deps: Deps, broker: Broker, *, owner: str) -> None:
        """Take from ``broker`` while ``owner`` holds the lease."""
        self._deps = deps
        self._broker = broker
        self._owner = owner

    def once(self) -> bool:
        """Take one batch; whether there was anything.

        Raises:
            Unavailable: the broker or the database does not answer.
        """
        deps = self._deps
        with deps.uow() as tx:
            if not tx.outbox.lease(LEASE, owner=self._owner, now=deps.clock.now(), lease_s=LEASE_S):
                return False
        waiting = list(self._broker.take(BATCH))
        outcomes, error = take_messages(deps, [_message(one) for one in waiting])
        for message, parked in zip(waiting, outcomes, strict=False):
            self._answer(message, parked)
        if error is not None:
            self._again(waiting[len(outcomes) :], error)
        return bool(waiting) and error is None

    def _answer(self, message: Delivered, parked: ParkedEvent | None) -> None:
        """Acknowledge one, after the commit."""
        if parked is not None:
            log.warning(
                "message parked",
                action="receiver.parked",
                client_id=parked.client_id,
                parked_id=parked.parked_id,
                reason=parked.code,
            )
        self._deps.faults.reach("receiver.done")
        self._broker.done(message)

    def _again(self, left: Sequence[Delivered], error: Exception) -> None:
        """Let the first come again, and after it those behind it, which may be of the same case."""
        failed, *behind = left
        reason = error.code if isinstance(error, CertsvcError) else type(error).__name__
        log.warning("message comes again", action="receiver.later", sequence=failed.sequence, reason=reason)
        self._broker.later(failed, pause_s(failed.tries))
        for other in behind:
            self._broker.later(other, pause_s(failed.tries) + 1)


def _message(one: Delivered) -> Message:
    client_id = one.subject.rpartition(".")[2]
    return Message(client_id=client_id, headers=one.headers, body=one.body, sequence=one.sequence, tries=one.tries)


def pause_s(tries: int) -> float:
    """Before the next delivery; it doubles."""
    return min(FIRST_PAUSE_S * 2.0 ** (tries - 1), LONGEST_PAUSE_S)
