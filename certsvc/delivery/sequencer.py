"""Give committed rows their positions.

Rows carry no position when written, because commit order is not insert order; the one holder of the lease numbers what
is committed, so a reader that remembers a position misses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

LEASE = "sequencer"
LEASE_S = 10
BATCH = 500
"""Rows numbered per transaction; bounds how long the counter row is locked."""


def sequence_once(deps: Deps, *, owner: str) -> int:
    """Number what waits, if this owner holds the lease; how many rows were numbered."""
    with deps.uow() as tx:
        if not tx.outbox.lease(LEASE, owner=owner, now=deps.clock.now(), lease_s=LEASE_S):
            return 0
        return tx.outbox.sequence(limit=BATCH)
