"""What each department asked, counted once when a day is over: a look at a year costs its days, not its uses.

The ledger is only added to, so a day that is over has its numbers for good. They are counted from the ledger itself, in
the background: whoever asks writes one row as before, and nobody waits for a counter that all of a body share.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from certsvc.commands.ports import Deps

SETTLED = timedelta(hours=1)
"""So long after its end a day is counted: a use has its time before it is committed, and no transaction lasts so."""
ALL = 2**31 - 1
"""Uses of one day that are counted at most: every one."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def keep_days(deps: Deps, stopped: Callable[[], bool] = lambda: False) -> int:
    """Count every day that is over and not counted yet, of every body, the oldest first; how many were."""
    last = local_day(deps.clock.now() - SETTLED) - timedelta(days=1)
    kept, body = 0, ""
    while not stopped():
        with deps.uow.read() as tx:
            body = tx.departments.next_body(body)
        if not body:
            break
        while not stopped() and _keep_next(deps, body, last):
            kept += 1
    return kept


def _keep_next(deps: Deps, body: str, last: date) -> bool:
    """The body's next day in which anything was asked; False when there is none until ``last``."""
    with deps.uow.read() as tx:
        until = tx.departments.counted_until(body)
        first = tx.departments.next_use(body, since=LONG_AGO if until is None else end_of_day(until))
        if first is None or local_day(first) > last:
            return False
        day = local_day(first)
        begin = end_of_day(day - timedelta(days=1))
        counts = tx.departments.count_uses(body, since=begin, before=end_of_day(day), most=ALL)
    # The writer is held for the rows alone, not while they are counted; who came first has counted the same.
    with deps.uow() as tx:
        tx.departments.keep_day(body, day, counts)
    return True
