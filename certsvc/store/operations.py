"""How much waits, and since when, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, literal, select, text

from certsvc.license.backlog import Waiting
from certsvc.license.request import Lane, RequestState
from certsvc.seal.model import ReservationResult
from certsvc.store.tables import OPEN_REQUEST, OPEN_RESERVATION, counters, requests, reservations
from certsvc.store.tables_uses import WITHOUT_POSITION, events
from certsvc.store.tables_webhooks import WAITING_DELIVERY, webhook_deliveries
from certsvc.store.transaction import as_word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.store.transaction import Transaction

_R = requests.c
_S = reservations.c
_D = webhook_deliveries.c
EVENT_POSITIONS = "position:events"

_QUEUE = (
    select(_R.lane, _R.state, func.count().label("value"), func.min(_R.created_at).label("oldest"))
    .where(text(OPEN_REQUEST))
    .group_by(_R.lane, _R.state)
)
_UNSEQUENCED = (
    select(literal(1)).select_from(events).where(text(WITHOUT_POSITION)).limit(bindparam("most")).subquery("counted")
)
_COUNT_UNSEQUENCED = select(func.count().label("value")).select_from(_UNSEQUENCED)
_FIRST_UNSEQUENCED = select(events.c.time).where(text(WITHOUT_POSITION)).order_by(events.c.row_no).limit(1)
_LAST = select(counters.c.value).where(counters.c.name == bindparam("series"))
_BEHIND = select(events.c.time).where(events.c.position > bindparam("behind")).order_by(events.c.position).limit(1)
_WAITING = select(_D.created_at).where(text(WAITING_DELIVERY)).limit(bindparam("most")).subquery("counted")
_DELIVERIES = select(func.count().label("value"), func.min(_WAITING.c.created_at).label("oldest"))
_FAILED = (
    select(literal(1))
    .select_from(webhook_deliveries)
    .where(text("state = 'failed'"))
    .limit(bindparam("most"))
    .subquery("counted")
)
_COUNT_FAILED = select(func.count().label("value")).select_from(_FAILED)
_RESERVATIONS = (
    select(_S.result, _S.reserved_at)
    .where(text(OPEN_RESERVATION))
    .order_by(_S.reserved_at, _S.reservation_id)
    .limit(10_000)  # they are few; when they are not, the oldest matter
)


class OperationRows:
    """Implements ``operations_ports.Operations``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def queue(self) -> Sequence[tuple[Lane, RequestState, Waiting]]:
        """Requests that have not ended, by lane and state."""
        return [
            (Lane(row["lane"]), as_word(RequestState, row["state"]), Waiting(count=row["value"], oldest=row["oldest"]))
            for row in self._tx.rows(_QUEUE)
        ]

    def unsequenced(self, *, most: int) -> Waiting:
        """Events that were committed and have no position yet."""
        oldest = self._tx.row(_FIRST_UNSEQUENCED)
        row = self._tx.row(_COUNT_UNSEQUENCED, most=most)
        return Waiting(count=row["value"] if row else 0, oldest=oldest["time"] if oldest else None)

    def last_position(self) -> int:
        """The last position that an event was given."""
        row = self._tx.row(_LAST, series=EVENT_POSITIONS)
        return int(row["value"]) if row else 0

    def first_behind(self, position: int) -> datetime | None:
        """When the first event behind a position happened; None when there is none."""
        row = self._tx.row(_BEHIND, behind=position)
        found: datetime | None = row["time"] if row else None
        return found

    def deliveries(self, *, most: int) -> Waiting:
        """Deliveries of webhooks that wait for a try."""
        row = self._tx.row(_DELIVERIES, most=most)
        return Waiting(count=row["value"], oldest=row["oldest"]) if row else Waiting(count=0)

    def failed_deliveries(self, *, most: int) -> int:
        """Deliveries that were given up and not replayed."""
        row = self._tx.row(_COUNT_FAILED, most=most)
        return int(row["value"]) if row else 0

    def reservations(self) -> Sequence[tuple[ReservationResult, Waiting]]:
        """Uses of seals that were reserved and have no answer, or an unknown one."""
        found: dict[ReservationResult, Waiting] = {}
        for row in self._tx.rows(_RESERVATIONS):
            result = as_word(ReservationResult, row["result"])
            was = found.get(result, Waiting(count=0, oldest=row["reserved_at"]))
            found[result] = Waiting(count=was.count + 1, oldest=was.oldest)
        return list(found.items())
