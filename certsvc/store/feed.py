"""Places in the feed of sequenced events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from certsvc.store.outbox import event_of
from certsvc.store.tables_uses import events

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.events.envelope import Event
    from certsvc.store.transaction import Transaction

DISORDER = timedelta(minutes=10)
"""How far times along positions may be out of order: far more than a transaction may last."""

_C = events.c
_END = select(func.coalesce(func.max(_C.position), 0).label("position"))
_AT = select(*_C).where(_C.position == bindparam("place"))
_TIME_AT = select(_C.time).where(_C.position >= bindparam("place")).order_by(_C.position).limit(1)


class FeedRows:
    """Implements ``webhook_ports.Feed``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def end(self) -> int:
        """The last position that was given (0 at first)."""
        row = self._tx.row(_END)
        return 0 if row is None else int(row["position"])

    def at(self, position: int) -> Event | None:
        """The event at a position."""
        row = self._tx.row(_AT, place=position)
        return None if row is None else event_of(row)

    def before(self, moment: datetime) -> int:
        """A position in front of every event of this time or a later one.

        Positions follow commits, so times along them rise but for transactions that overlapped: a binary search needs
        no index over times, and :data:`DISORDER` covers the overlap.
        """
        earliest = moment - DISORDER
        behind, ahead = 0, self.end() + 1
        while ahead - behind > 1:
            middle = (behind + ahead) // 2
            row = self._tx.row(_TIME_AT, place=middle)
            if row is not None and row["time"] < earliest:
                behind = middle
            else:
                ahead = middle
        return behind
