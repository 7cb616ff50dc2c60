"""Reports upward, one row per license version and state."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, exists, func, or_, select, text, update

from certsvc.license.reports import Report, ReportState
from certsvc.license.states import State
from certsvc.store.tables_reports import WAITING_REPORT, reports
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_C = reports.c
_REASON = "reports.reason"
_EARLIER = reports.alias("earlier")
_DUE = (
    select(*_C)
    .where(
        text(f"reports.{WAITING_REPORT}"),
        _C.ready_at <= bindparam("now"),
        ~exists().where(
            _EARLIER.c.identifier == _C.identifier,
            text(f"earlier.{WAITING_REPORT}"),
            _EARLIER.c.position < _C.position,
        ),
    )
    .order_by(_C.position)
    .limit(bindparam("most"))
)
_SAME = (
    (_C.identifier == bindparam("which"))
    & (_C.state == bindparam("standing"))
    & (_C.report_id == bindparam("event"))
    & (_C.status == ReportState.WAITING.value)
)
_END = (
    update(reports)
    .where(_SAME)
    .values(status=bindparam("outcome"), reason=bindparam("words"), acknowledged_at=bindparam("moment"))
)
_PUT_OFF = update(reports).where(_SAME).values(attempts=_C.attempts + 1, ready_at=bindparam("next_try"))
_OF = (
    select(*_C)
    .where(_C.position > bindparam("behind"), or_(bindparam("wanted") == "", _C.status == bindparam("wanted")))
    .order_by(_C.position)
    .limit(bindparam("most"))
)
_AGAIN = (
    update(reports)
    .where(
        _C.status == ReportState.REJECTED.value,
        or_(bindparam("which") == "", _C.identifier == bindparam("which")),
    )
    .values(status=ReportState.WAITING.value, attempts=0, ready_at=bindparam("now"), reason=None, acknowledged_at=None)
)
_COUNTS = select(_C.status, func.count().label("value")).group_by(_C.status)


@cache
def _queue(dialect: str) -> Insert:
    """A state that the license comes into again begins anew; an event that comes again changes nothing."""
    made = insert_into(dialect, reports)
    new = {name: made.excluded[name] for name in ("report_id", "position", "status", "attempts", "ready_at")}
    return made.on_conflict_do_update(
        index_elements=[_C.identifier, _C.state],
        set_={**new, "reason": None, "acknowledged_at": None},
        where=_C.position < made.excluded.position,
    )


class ReportRows:
    """Implements ``report_ports.Reports``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def queue(self, waiting: Sequence[Report]) -> None:
        """Store reports that wait; a row with an older position begins anew, one with the same or a later stays."""
        for report in waiting:
            self._tx.changed(
                _queue(self._tx.dialect),
                identifier=report.identifier,
                state=report.state.value,
                report_id=report.report_id,
                position=report.position,
                status=ReportState.WAITING.value,
                attempts=0,
                ready_at=report.ready_at,
            )

    def due(self, *, now: datetime, limit: int) -> Sequence[Report]:
        """What may be sent now, in order of position, without those behind another waiting one of the same license."""
        return [self._report(row) for row in self._tx.rows(_DUE, now=now, most=limit)]

    def accept(self, report: Report, *, now: datetime) -> bool:
        """The province took it; False when it does not wait under this id any more."""
        return self._end(report, ReportState.ACCEPTED, None, now)

    def reject(self, report: Report, reason: str, *, now: datetime) -> bool:
        """The province refused it; False as in :meth:`accept`."""
        return self._end(report, ReportState.REJECTED, self._tx.seal(reason, _REASON, report.report_id), now)

    def put_off(self, report: Report, *, ready_at: datetime) -> bool:
        """It was not answered: one more failed try; False as in :meth:`accept`."""
        return self._tx.changed(_PUT_OFF, **_key(report), next_try=ready_at) == 1

    def of(self, status: ReportState | None, *, after: int, limit: int) -> Sequence[Report]:
        """Reports behind a position, of one status or all, in order."""
        rows = self._tx.rows(_OF, behind=after, wanted=status.value if status else "", most=limit)
        return [self._report(row) for row in rows]

    def again(self, identifier: str | None, *, now: datetime) -> int:
        """Let rejected reports of a license, or all, wait again; how many."""
        return self._tx.changed(_AGAIN, which=identifier or "", now=now)

    def counts(self) -> Mapping[ReportState, int]:
        """How many there are of each status."""
        found = {row["status"]: int(row["value"]) for row in self._tx.rows(_COUNTS)}
        return {state: found.get(state.value, 0) for state in ReportState}

    def _end(self, report: Report, outcome: ReportState, reason: bytes | None, now: datetime) -> bool:
        values = {"outcome": outcome.value, "words": reason, "moment": now}
        return self._tx.changed(_END, **_key(report), **values) == 1

    def _report(self, row: RowMapping) -> Report:
        reason = row["reason"]
        return Report(
            identifier=row["identifier"],
            state=as_word(State, row["state"]),
            report_id=row["report_id"],
            position=row["position"],
            status=as_word(ReportState, row["status"]),
            attempts=row["attempts"],
            ready_at=row["ready_at"],
            reason=self._tx.open(reason, _REASON, row["report_id"]) if reason is not None else "",
            acknowledged_at=row["acknowledged_at"],
        )


def _key(report: Report) -> dict[str, str]:
    return {"which": report.identifier, "standing": report.state.value, "event": report.report_id}
