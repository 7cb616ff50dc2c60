"""Bulk decisions: a queue of what is due, and their rows."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, text, update

from certsvc.license.bulk import BulkBatch, BulkOrder, BulkRow, BulkRowState, BulkState, ClaimedBulk
from certsvc.store.import_rows import ended_requests
from certsvc.store.tables_imports import OPEN_BULK, WORKING_BULK, bulk_rows, bulks
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.license.imports import EndedRequest
    from certsvc.store.transaction import Transaction

_B, _R = bulks.c, bulk_rows.c
_CONTENT, _DIGEST, _REASON = "bulks.content", "bulks.content_blind", "bulks.reason"
_GIVEN, _DETAIL = "bulk_rows.given", "bulk_rows.detail"

_BY_ID = select(*_B).where(_B.bulk_id == bindparam("which"))
_OPEN = select(*_B).where(
    text(OPEN_BULK), _B.authority_code == bindparam("authority"), _B.content_blind == bindparam("digest")
)
_NEWEST = (
    select(*_B).where(_B.authority_code == bindparam("authority")).order_by(_B.bulk_id.desc()).limit(bindparam("most"))
)
_OLDER = _NEWEST.where(_B.bulk_id < bindparam("before"))
_CONFIRM = (
    update(bulks)
    .where(_B.bulk_id == bindparam("which"), _B.state == BulkState.PREVIEW.value)
    .values(
        state=BulkState.CONFIRMED.value,
        confirmed_by=bindparam("who"),
        effect_at=bindparam("effect"),
        ready_at=bindparam("effect"),
    )
)
_DROP = (
    update(bulks)
    .where(_B.bulk_id == bindparam("which"), _B.state == bindparam("source"))
    .values(
        state=BulkState.DROPPED.value, ended_by=bindparam("who"), ended_at=bindparam("now"), reason=bindparam("said")
    )
)
_QUEUE = bulks.alias("queue")
_OLDEST = (
    select(_QUEUE.c.bulk_id)
    .where(text(f"queue.{WORKING_BULK}"), _QUEUE.c.ready_at <= bindparam("now"))
    .order_by(_QUEUE.c.ready_at, _QUEUE.c.bulk_id)
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CLAIM = (
    update(bulks)
    .where(_B.bulk_id == _OLDEST)
    .values(state=BulkState.WORKING.value, claim_token=bindparam("token"), ready_at=bindparam("until"))
    .returning(*_B)
)


def _held(**values: Any) -> Any:
    return update(bulks).where(_B.bulk_id == bindparam("which"), _B.claim_token == bindparam("token")).values(**values)


_KEEP = _held(ready_at=bindparam("ready"))
_FINISH = _held(state=BulkState.FINISHED.value, claim_token="", ended_at=bindparam("now")).where(
    _B.state == BulkState.WORKING.value
)
_ROWS = (
    select(*_R)
    .where(_R.bulk_id == bindparam("which"), _R.row_no > bindparam("behind"))
    .order_by(_R.row_no)
    .limit(bindparam("most"))
)
_ROWS_OF = _ROWS.where(_R.state == bindparam("at"))
_COUNTS = select(_R.state, func.count().label("value")).where(_R.bulk_id == bindparam("which")).group_by(_R.state)
_SET_ROW = (
    update(bulk_rows)
    .where(_R.bulk_id == bindparam("which"), _R.row_no == bindparam("row"), _R.state == bindparam("source"))
    .values(state=bindparam("target"), code=bindparam("why"), detail=bindparam("said"), request_id=bindparam("request"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


class BulkStore:
    """Implements ``import_ports.Bulks``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, batch: BulkBatch, rows: Sequence[BulkRow], *, content: str) -> bool:
        """Store; False when an open one of this authority has the same content."""
        changed = self._tx.changed(
            _insert(self._tx.dialect, bulks),
            bulk_id=batch.bulk_id,
            authority_code=batch.authority_code,
            action=batch.order.action,
            state=batch.state.value,
            content_blind=self._tx.blind(content, _DIGEST),
            content=self._tx.seal_json(_order_out(batch.order), _CONTENT, batch.bulk_id),
            window_s=int(batch.order.window.total_seconds()),
            total=batch.total,
            asked_by=batch.asked_by,
            asked_at=batch.asked_at,
            confirmed_by="",
            effect_at=None,
            ended_by="",
            ended_at=None,
            reason=None,
            claim_token="",
            ready_at=batch.asked_at,
        )
        if changed == 0:
            return False
        if rows:
            self._tx.changed_all(_insert(self._tx.dialect, bulk_rows), [self._out(batch.bulk_id, row) for row in rows])
        return True

    def by_id(self, bulk_id: str) -> BulkBatch | None:
        """The bulk decision."""
        return self._first(self._tx.row(_BY_ID, which=bulk_id))

    def open_content(self, authority_code: str, content: str) -> BulkBatch | None:
        """The open one with this content."""
        digest = self._tx.blind(content, _DIGEST)
        return self._first(self._tx.row(_OPEN, authority=authority_code, digest=digest))

    def of_authority(self, authority_code: str, *, before: str, limit: int) -> Sequence[BulkBatch]:
        """Those of an authority, newest first, as for imports."""
        if before:
            found = self._tx.rows(_OLDER, authority=authority_code, before=before, most=limit)
        else:
            found = self._tx.rows(_NEWEST, authority=authority_code, most=limit)
        return [self._batch(row) for row in found]

    def confirm(self, bulk_id: str, *, by: str, effect_at: datetime) -> bool:
        """To ``confirmed``; False when it is no preview any more."""
        return self._tx.changed(_CONFIRM, which=bulk_id, who=by, effect=effect_at) == 1

    def drop(self, bulk_id: str, *, source: BulkState, by: str, reason: str, now: datetime) -> bool:
        """To ``dropped``, if it still stands at ``source``, a preview or confirmed, and no worker has begun."""
        said = self._tx.seal(reason, _REASON, bulk_id) if reason else None
        return self._tx.changed(_DROP, which=bulk_id, source=source.value, who=by, said=said, now=now) == 1

    def claim(self, *, token: str, now: datetime, until: datetime) -> ClaimedBulk | None:
        """Take the confirmed one that has been due longest; it is ``working`` from then on."""
        row = self._tx.row(_CLAIM, token=token, now=now, until=until)
        return None if row is None else ClaimedBulk(batch=self._batch(row), claim_token=token)

    def keep(self, bulk_id: str, *, claim_token: str, ready_at: datetime) -> bool:
        """Keep or give back a claim; False when it was lost."""
        return self._tx.changed(_KEEP, which=bulk_id, token=claim_token, ready=ready_at) == 1

    def finish(self, bulk_id: str, *, claim_token: str, now: datetime) -> bool:
        """To ``finished``; False when the claim was lost."""
        return self._tx.changed(_FINISH, which=bulk_id, token=claim_token, now=now) == 1

    def rows(self, bulk_id: str, *, after: int, limit: int, state: BulkRowState | None = None) -> Sequence[BulkRow]:
        """Rows behind ``after`` in their order."""
        if state is None:
            found = self._tx.rows(_ROWS, which=bulk_id, behind=after, most=limit)
        else:
            found = self._tx.rows(_ROWS_OF, which=bulk_id, behind=after, most=limit, at=state.value)
        return [self._row(row) for row in found]

    def counts(self, bulk_id: str) -> Mapping[BulkRowState, int]:
        """Rows by state; a state without rows has 0."""
        found = dict.fromkeys(BulkRowState, 0)
        found |= {as_word(BulkRowState, row["state"]): row["value"] for row in self._tx.rows(_COUNTS, which=bulk_id)}
        return found

    def set_row(self, bulk_id: str, row: BulkRow, *, source: BulkRowState) -> bool:
        """Write a row, if it still stands at ``source``."""
        changed = self._tx.changed(
            _SET_ROW,
            which=bulk_id,
            row=row.row_no,
            source=source.value,
            target=row.state.value,
            why=row.code,
            said=self._tx.seal(row.detail, _DETAIL, _id(bulk_id, row.row_no)),
            request=row.request_id,
        )
        return changed == 1

    def ended_requests(self, bulk_id: str, *, limit: int) -> Sequence[EndedRequest]:
        """Queued rows whose request was issued or refused."""
        return ended_requests(self._tx, bulk_rows, _R.bulk_id, bulk_id, queued=BulkRowState.QUEUED.value, limit=limit)

    def _out(self, bulk_id: str, row: BulkRow) -> dict[str, object]:
        row_id = _id(bulk_id, row.row_no)
        return {
            "bulk_id": bulk_id,
            "row_no": row.row_no,
            "state": row.state.value,
            "given": self._tx.seal(row.given, _GIVEN, row_id),
            "identifier": row.identifier,
            "stood": row.stood,
            "code": row.code,
            "detail": self._tx.seal(row.detail, _DETAIL, row_id),
            "request_id": row.request_id,
        }

    def _row(self, row: RowMapping) -> BulkRow:
        row_id = _id(row["bulk_id"], row["row_no"])
        return BulkRow(
            row_no=row["row_no"],
            state=as_word(BulkRowState, row["state"]),
            given=self._tx.open(row["given"], _GIVEN, row_id),
            identifier=row["identifier"],
            stood=row["stood"],
            code=row["code"],
            detail=self._tx.open(row["detail"], _DETAIL, row_id),
            request_id=row["request_id"],
        )

    def _first(self, row: RowMapping | None) -> BulkBatch | None:
        return None if row is None else self._batch(row)

    def _batch(self, row: RowMapping) -> BulkBatch:
        bulk_id: str = row["bulk_id"]
        plain = ("authority_code", "total", "asked_by", "asked_at", "confirmed_by", "effect_at", "ended_by", "ended_at")
        window = timedelta(seconds=row["window_s"])
        return BulkBatch(
            bulk_id=bulk_id,
            state=as_word(BulkState, row["state"]),
            order=_order_in(self._tx.open_json(row["content"], _CONTENT, bulk_id), row["action"], window),
            reason="" if row["reason"] is None else self._tx.open(row["reason"], _REASON, bulk_id),
            **{name: row[name] for name in plain},
        )


def _id(bulk_id: str, row_no: int) -> str:
    return f"{bulk_id}:{row_no}"


def _order_out(order: BulkOrder) -> dict[str, object]:
    """What columns of their own do not say; dates are written by the JSON writer."""
    return {
        "document_no": order.document_no,
        "decided_on": order.decided_on,
        "basis": order.basis,
        "until": order.until,
        "valid_until": order.valid_until,
        "why_short": order.why_short,
    }


def _order_in(value: Mapping[str, Any], action: str, window: timedelta) -> BulkOrder:
    def day(name: str) -> date | None:
        return date.fromisoformat(value[name]) if value[name] else None

    return BulkOrder(
        action=action,
        document_no=value["document_no"],
        decided_on=date.fromisoformat(value["decided_on"]),
        basis=value["basis"],
        until=day("until"),
        valid_until=day("valid_until"),
        window=window,
        why_short=value["why_short"],
    )
