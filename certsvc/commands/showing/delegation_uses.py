"""How often a delegate acts: what is done under a delegation counts for every delegation above it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import local_day

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork


def count_delegated(tx: UnitOfWork, right: Right, now: datetime) -> bool:
    """Count a code or a consent against the delegation it is made under; False when that ended or is used up meanwhile.

    What 办事人 do counts for their 证照管理员 too: to hand on gives no more than one has. The row above is written
    first, as it is when it ends. True for a right that rests on no delegation. After False the transaction is to be
    given up: the row above may be counted.
    """
    found = right.delegation
    ids = (found.parent_id, found.delegation_id) if found is not None else ()
    return all(tx.delegations.use(one, day=local_day(now)) for one in ids if one)
