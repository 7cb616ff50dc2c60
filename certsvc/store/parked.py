"""Events that were parked with a reason, to be looked at and tried again."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from certsvc.license.parked import ParkedEvent
from certsvc.store.tables_parked import parked_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_P = parked_events.c
_MESSAGE = "parked_events.message"
_ADD = parked_events.insert()
_ONE = select(parked_events).where(_P.parked_id == bindparam("which"))
_WAITING = (
    select(parked_events)
    .where(_P.state == "parked", _P.parked_id > bindparam("after"))
    .order_by(_P.parked_id)
    .limit(bindparam("most"))
)
_WAITING_OF = _WAITING.where(_P.client_id == bindparam("who"))
_END = (
    update(parked_events)
    .where(_P.parked_id == bindparam("which"), _P.state == "parked")
    .values(state=bindparam("how"), ended_at=bindparam("now"), ended_by=bindparam("whom"))
)


class ParkedRows:
    """Implements ``parked_ports.Parked``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add(self, event: ParkedEvent) -> None:
        """Keep one."""
        message = {"headers": dict(event.headers), "body": base64.b64encode(event.body).decode("ascii")}
        self._tx.changed(
            _ADD,
            parked_id=event.parked_id,
            client_id=event.client_id,
            sequence=event.sequence,
            message=self._tx.seal_json(message, _MESSAGE, event.parked_id),
            code=event.code,
            detail=event.detail,
            state=event.state,
            parked_at=event.parked_at,
        )

    def get(self, parked_id: str) -> ParkedEvent | None:
        """One."""
        row = self._tx.row(_ONE, which=parked_id)
        return None if row is None else self._event(row)

    def waiting(self, *, client_id: str | None, after: str, limit: int) -> Sequence[ParkedEvent]:
        """Those that wait, of one client or of all, in order of their ids behind ``after``."""
        if client_id is None:
            rows = self._tx.rows(_WAITING, after=after, most=limit)
        else:
            rows = self._tx.rows(_WAITING_OF, after=after, most=limit, who=client_id)
        return [self._event(row) for row in rows]

    def end(self, parked_id: str, *, state: str, by: str, now: datetime) -> bool:
        """Mark one as ``replayed`` or ``dropped``; False when it no longer waits."""
        return self._tx.changed(_END, which=parked_id, how=state, whom=by, now=now) == 1

    def _event(self, row: RowMapping) -> ParkedEvent:
        message = self._tx.open_json(row["message"], _MESSAGE, row["parked_id"])
        return ParkedEvent(
            parked_id=row["parked_id"],
            client_id=row["client_id"],
            sequence=row["sequence"],
            headers=message["headers"],
            body=base64.b64decode(message["body"]),
            code=row["code"],
            detail=row["detail"],
            state=row["state"],
            parked_at=row["parked_at"],
        )
