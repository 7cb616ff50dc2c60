"""Alerts to whoever used a license (状态变更通报)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, or_, select, text, update

from certsvc.license.use_alerts import AlertBatch, AlertState, BatchStage, UseAlert
from certsvc.license.uses import GIVEN
from certsvc.store.tables_copies import OPEN_ALERT, UNFINISHED, UNREMINDED, alert_batches, alerts
from certsvc.store.tables_uses import fetches
from certsvc.store.transaction import as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Executable, RowMapping, Select

    from certsvc.store.transaction import Transaction

_A, _B, _F = alerts.c, alert_batches.c, fetches.c
_NOTE = "alerts.note"

_NEXT = (
    select(*_B).where(text(UNFINISHED)).order_by(_B.changed_at, _B.batch_id).limit(1).with_for_update(skip_locked=True)
)
_PLACE = (
    update(alert_batches)
    .where(_B.batch_id == bindparam("which"))
    .values(stage=bindparam("new_stage"), last_at=bindparam("at"), last_id=bindparam("last"))
)
_BY_ID = select(*_A).where(_A.alert_id == bindparam("which"))
_NEWEST = select(*_A).order_by(_A.created_at.desc(), _A.alert_id.desc()).limit(bindparam("most"))
_IN_STATE = _NEWEST.where(_A.state == bindparam("state_is"))
_OF_CLIENT = _IN_STATE.where(_A.client_id == bindparam("client"))
_OF_BODY = _IN_STATE.where(_A.authority_code == bindparam("body"), text("alerts.client_id = ''"))
_OF_ISSUER = _IN_STATE.where(_A.issuer_code == bindparam("issuer"))
_OPEN = _NEWEST.where(text(OPEN_ALERT))


def _further(statement: Select[Any]) -> Select[Any]:
    """The same behind a place; the first bound alone is one that an index can use."""
    moment = bindparam("moment", type_=_A.created_at.type)
    return statement.where(_A.created_at <= moment, or_(_A.created_at < moment, _A.alert_id < bindparam("last")))


_FURTHER = {id(one): _further(one) for one in (_OF_CLIENT, _OF_BODY, _OF_ISSUER, _OPEN)}
_ACKNOWLEDGE = (
    update(alerts)
    .where(_A.alert_id == bindparam("which"), _A.state == AlertState.OPEN.value)
    .values(
        state=AlertState.ACKNOWLEDGED.value,
        done=bindparam("what"),
        note=bindparam("said"),
        acknowledged_by=bindparam("who"),
        acknowledged_at=bindparam("now"),
    )
)
_SINCE = select(_B.since).where(_B.batch_id == bindparam("batch")).scalar_subquery()
_CASES = (
    select(_F.case_no)
    .where(
        _F.version_id == bindparam("version"),
        _F.authority_code == bindparam("body"),
        _F.client_id == bindparam("client"),
        _F.at >= _SINCE,
        _F.at <= bindparam("until"),
        _F.outcome == GIVEN,
    )
    .order_by(_F.at.desc(), _F.fetch_id.desc())
    .limit(bindparam("most"))
)
_LATE = (
    select(*_A)
    .where(text(UNREMINDED), _A.created_at < bindparam("before"))
    .order_by(_A.created_at, _A.alert_id)
    .limit(bindparam("most"))
)
_REMIND = (
    update(alerts)
    .where(_A.alert_id.in_(bindparam("these", expanding=True)), text(UNREMINDED))
    .values(reminded_at=bindparam("now"))
    .returning(_A.alert_id)
)


@cache
def _insert_batch(dialect: str) -> Executable:
    return insert_into(dialect, alert_batches).on_conflict_do_nothing(index_elements=[_B.batch_id])


@cache
def _insert(dialect: str) -> Executable:
    made = insert_into(dialect, alerts)
    return made.on_conflict_do_nothing(index_elements=[_A.batch_id, _A.client_id, _A.authority_code]).returning(
        _A.alert_id
    )


class AlertRows:
    """Implements ``copy_ports.Alerts``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_batch(self, batch: AlertBatch) -> None:
        """Store a change whose users are to be told; again changes nothing."""
        self._tx.changed(
            _insert_batch(self._tx.dialect),
            batch_id=batch.batch_id,
            version_id=batch.version_id,
            change=batch.change,
            changed_at=batch.changed_at,
            since=batch.since,
            stage=batch.stage.value,
            last_at=batch.last_at,
            last_id=batch.last_id,
        )

    def next_batch(self) -> AlertBatch | None:
        """The oldest batch that is not finished, held until the end of the transaction."""
        row = self._tx.row(_NEXT)
        if row is None:
            return None
        return AlertBatch(**{**row, "stage": as_word(BatchStage, row["stage"])})

    def keep_place(self, batch: AlertBatch) -> None:
        """Store how far a batch has come."""
        self._tx.changed(
            _PLACE, which=batch.batch_id, new_stage=batch.stage.value, at=batch.last_at, last=batch.last_id
        )

    def insert(self, alerts: Sequence[UseAlert]) -> Sequence[UseAlert]:
        """Store alerts; those whose addressee has none of this batch yet."""
        rows = [self._row(alert) for alert in alerts]
        new = {row["alert_id"] for row in self._tx.rows_all(_insert(self._tx.dialect), rows)}
        return [alert for alert in alerts if alert.alert_id in new]

    def by_id(self, alert_id: str) -> UseAlert | None:
        """The alert."""
        row = self._tx.row(_BY_ID, which=alert_id)
        return None if row is None else self._alert(row)

    def received(
        self, client_id: str, authority_code: str, state: AlertState, *, limit: int, behind: tuple[datetime, str] | None
    ) -> Sequence[UseAlert]:
        """Those for this client, and those for this body, newest first; an empty id or code has none."""
        found: list[UseAlert] = []
        if client_id:
            found += self._newest(_OF_CLIENT, limit, behind, state_is=state.value, client=client_id)
        if authority_code:
            found += self._newest(_OF_BODY, limit, behind, state_is=state.value, body=authority_code)
        found.sort(key=lambda one: (one.created_at, one.alert_id), reverse=True)
        return found[:limit]

    def issued(
        self, issuer_code: str, state: AlertState, *, limit: int, behind: tuple[datetime, str] | None
    ) -> Sequence[UseAlert]:
        """Those about licenses of this issuer, newest first."""
        return self._newest(_OF_ISSUER, limit, behind, state_is=state.value, issuer=issuer_code)

    def open(self, *, limit: int, behind: tuple[datetime, str] | None) -> Sequence[UseAlert]:
        """Those that nobody acknowledged, newest first."""
        return self._newest(_OPEN, limit, behind)

    def with_cases(self, alerts: Sequence[UseAlert], *, most: int) -> Sequence[UseAlert]:
        """The same alerts with the cases of the newest ``most`` uses of each; one query each, along the index."""
        return [self._with_cases(alert, most) for alert in alerts]

    def _with_cases(self, alert: UseAlert, most: int) -> UseAlert:
        rows = self._tx.rows(
            _CASES,
            version=alert.version_id,
            body=alert.authority_code,
            client=alert.client_id,
            batch=alert.batch_id,
            until=alert.changed_at,
            most=most,
        )
        found = tuple(dict.fromkeys(row["case_no"] for row in rows if row["case_no"]))
        return replace(alert, cases=found, more_cases=len(rows) == most)

    def acknowledge(self, alert_id: str, *, done: str, note: str, by: str, now: datetime) -> bool:
        """Acknowledge an open one; False when it is not."""
        said = self._tx.seal(note, _NOTE, alert_id) if note else None
        return self._tx.changed(_ACKNOWLEDGE, which=alert_id, what=done, said=said, who=by, now=now) == 1

    def remind(self, *, before: datetime, now: datetime, limit: int) -> Sequence[UseAlert]:
        """Mark open ones from before that moment as reminded, each once; those that were marked."""
        late = [self._alert(row) for row in self._tx.rows(_LATE, before=before, most=limit)]
        if not late:
            return ()
        marked = {row["alert_id"] for row in self._tx.rows(_REMIND, these=[one.alert_id for one in late], now=now)}
        return [one for one in late if one.alert_id in marked]

    def _newest(
        self, statement: Select[Any], limit: int, behind: tuple[datetime, str] | None, **values: str
    ) -> list[UseAlert]:
        if behind is None:
            rows = self._tx.rows(statement, most=limit, **values)
        else:
            rows = self._tx.rows(_FURTHER[id(statement)], most=limit, moment=behind[0], last=behind[1], **values)
        return [self._alert(row) for row in rows]

    def _row(self, alert: UseAlert) -> dict[str, Any]:
        return {
            "alert_id": alert.alert_id,
            "batch_id": alert.batch_id,
            "version_id": alert.version_id,
            "identifier": alert.identifier,
            "license_type": alert.license_type,
            "issuer_code": alert.issuer_code,
            "change": alert.change,
            "changed_at": alert.changed_at,
            "client_id": alert.client_id,
            "authority_code": alert.authority_code,
            "created_at": alert.created_at,
            "state": alert.state.value,
            "done": alert.done,
            "note": self._tx.seal(alert.note, _NOTE, alert.alert_id) if alert.note else None,
            "acknowledged_by": alert.acknowledged_by,
            "acknowledged_at": alert.acknowledged_at,
            "reminded_at": alert.reminded_at,
        }

    def _alert(self, row: RowMapping) -> UseAlert:
        values: dict[str, Any] = dict(row)
        values["note"] = self._tx.open(row["note"], _NOTE, row["alert_id"]) if row["note"] else ""
        values["state"] = as_word(AlertState, row["state"])
        return UseAlert(**values)
