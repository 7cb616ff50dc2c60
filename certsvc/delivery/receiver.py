"""Events in over the broker, one process at a time, so that those of one case are carried out in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from certsvc.commands.issuance.take_message import take_message
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.delivery.broker import Broker, Delivered

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
        for index, message in enumerate(waiting):
            if not self._answer(message):
                # Those behind it may be of the same case: they come again, after it.
                for other in waiting[index + 1 :]:
                    self._broker.later(other, pause_s(message.tries) + 1)
                return False
        return bool(waiting)

    def _answer(self, message: Delivered) -> bool:
        """Carry out one; False when it must come again."""
        client_id = message.subject.rpartition(".")[2]
        try:
            parked = take_message(
                self._deps,
                client_id,
                message.headers,
                message.body,
                sequence=message.sequence,
                tries=message.tries,
            )
        except Exception as error:  # noqa: BLE001  (whatever it is, the message is not lost: it comes again)
            reason = error.code if isinstance(error, CertsvcError) else type(error).__name__
            log.warning("message comes again", action="receiver.later", sequence=message.sequence, reason=reason)
            self._broker.later(message, pause_s(message.tries))
            return False
        if parked is not None:
            log.warning(
                "message parked",
                action="receiver.parked",
                client_id=client_id,
                parked_id=parked.parked_id,
                reason=parked.code,
            )
        self._deps.faults.reach("receiver.done")
        self._broker.done(message)
        return True


def pause_s(tries: int) -> float:
    """Before the next delivery; it doubles."""
    return min(FIRST_PAUSE_S * 2.0 ** (tries - 1), LONGEST_PAUSE_S)
