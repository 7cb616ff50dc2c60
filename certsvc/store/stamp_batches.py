"""Batches of files to be stamped: a queue with leases, deferrals, and files that are kept to be run again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, text, update

from certsvc.seal.stampings import BatchItem, ClaimedItem, ItemState, StampBatch, StampCase, StampWish
from certsvc.store.tables_stamping import KEPT_ITEM, WAITING_ITEM, stamp_batches, stamp_item_tries, stamp_items
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Executable, RowMapping, Table

    from certsvc.store.transaction import Transaction

_B, _I = stamp_batches.c, stamp_items.c
_HOW, _NAME, _REASON = "stamp_batches.details", "stamp_items.file_name", "stamp_items.reason_detail"

_BATCH = select(*_B).where(_B.batch_id == bindparam("which"))
_ITEMS = select(*_I).where(_I.batch_id == bindparam("which")).order_by(_I.number)

_QUEUE = stamp_items.alias("queue")
_OLDEST = (
    select(_QUEUE.c.item_id)
    .where(text(f"queue.{WAITING_ITEM}"), _QUEUE.c.ready_at <= bindparam("now"))
    .order_by(_QUEUE.c.ready_at, _QUEUE.c.item_id)
    .limit(1)
    .with_for_update(skip_locked=True)  # PostgreSQL: two workers never wait for one row; SQLite has one writer anyway
    .scalar_subquery()
)
_CLAIM = (
    update(stamp_items)
    .where(_I.item_id == _OLDEST)
    .values(claimed_by=bindparam("worker"), claim_token=bindparam("token"), ready_at=bindparam("lease_end"))
    .returning(*_I)
)
_FINISH = (
    update(stamp_items)
    .where(_I.item_id == bindparam("which"), _I.claim_token == bindparam("token"), text(WAITING_ITEM))
    .values(
        state=bindparam("now_is"),
        stamping_id=bindparam("stamping"),
        reason_code=bindparam("code"),
        reason_detail=bindparam("detail"),
        claim_token="",
        claimed_by="",
        upload="",
    )
)


_FINISH_KEPT = (
    update(stamp_items)
    .where(_I.item_id == bindparam("which"), _I.claim_token == bindparam("token"), text(WAITING_ITEM))
    .values(
        state=ItemState.REFUSED.value,
        reason_code=bindparam("code"),
        reason_detail=bindparam("detail"),
        claim_token="",
        claimed_by="",
        ready_at=bindparam("kept_from"),
    )
)
_DEFER = (
    update(stamp_items)
    .where(_I.item_id == bindparam("which"), _I.claim_token == bindparam("token"), text(WAITING_ITEM))
    .values(
        reason_code=bindparam("code"),
        reason_detail=bindparam("detail"),
        claim_token="",
        claimed_by="",
        ready_at=bindparam("later"),
    )
)
_KEPT_IDS = select(_I.item_id).where(_I.batch_id == bindparam("which"), text(KEPT_ITEM)).order_by(_I.number)
_FORGET_TRIES = delete(stamp_item_tries).where(stamp_item_tries.c.item_id.in_(_KEPT_IDS.order_by(None)))
_AGAIN = (
    update(stamp_items)
    .where(_I.item_id == bindparam("which"), text(KEPT_ITEM))
    .values(
        state=ItemState.WAITING.value, reason_code="", reason_detail=bindparam("nothing"), ready_at=bindparam("now")
    )
)
_KEPT = (
    select(*_I).where(text(KEPT_ITEM), _I.ready_at < bindparam("before")).order_by(_I.ready_at).limit(bindparam("most"))
)
_GIVE_UP = (
    update(stamp_items)
    .where(_I.item_id == bindparam("which"), text(KEPT_ITEM), _I.ready_at < bindparam("before"))
    .values(upload="")
)


@cache
def _count_try(dialect: str) -> Executable:
    made = insert_into(dialect, stamp_item_tries).values(item_id=bindparam("which"), tries=1)
    tries = stamp_item_tries.c.tries
    return made.on_conflict_do_update(index_elements=[stamp_item_tries.c.item_id], set_={"tries": tries + 1}).returning(
        tries
    )


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class StampBatchRows:
    """The part of ``stamping_ports.Stampings`` about batches."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_batch(self, batch: StampBatch, items: Sequence[BatchItem]) -> None:
        """Store a batch and its items."""
        details = {"case": batch.case.as_said(), "wish": asdict(batch.wish)}
        self._tx.changed(
            _insert(self._tx.dialect, stamp_batches),
            batch_id=batch.batch_id,
            seal_id=batch.seal_id,
            authority_code=batch.authority_code,
            operator=batch.operator,
            details=self._tx.seal_json(details, _HOW, batch.batch_id),
            total=batch.total,
            created_at=batch.created_at,
        )
        self._tx.changed_all(
            _insert(self._tx.dialect, stamp_items),
            [
                {
                    "item_id": item.item_id,
                    "batch_id": item.batch_id,
                    "number": item.number,
                    "file_name": self._tx.seal(item.file_name, _NAME, item.item_id),
                    "upload": item.upload,
                    "state": item.state.value,
                    "stamping_id": item.stamping_id,
                    "reason_code": item.code,
                    "reason_detail": self._tx.seal(item.detail, _REASON, item.item_id),
                    "claimed_by": "",
                    "claim_token": "",
                    "ready_at": batch.created_at,
                }
                for item in items
            ],
        )

    def batch(self, batch_id: str) -> StampBatch | None:
        """The batch."""
        row = self._tx.row(_BATCH, which=batch_id)
        if row is None:
            return None
        details = self._tx.open_json(row["details"], _HOW, batch_id)
        names = ("batch_id", "seal_id", "authority_code", "operator", "total", "created_at")
        return StampBatch(
            **{name: row[name] for name in names}, case=StampCase(**details["case"]), wish=_wish(details["wish"])
        )

    def items(self, batch_id: str) -> Sequence[BatchItem]:
        """Its items in their order."""
        return [self._item(row) for row in self._tx.rows(_ITEMS, which=batch_id)]

    def claim_item(self, *, worker: str, token: str, now: datetime, lease_s: int) -> ClaimedItem | None:
        """Take the oldest item that waits, or whose lease ran out; two workers never hold the same one."""
        row = self._tx.row(_CLAIM, worker=worker, token=token, now=now, lease_end=now + timedelta(seconds=lease_s))
        return None if row is None else ClaimedItem(item=self._item(row), claim_token=token)

    def finish_item(
        self,
        item_id: str,
        *,
        claim_token: str,
        stamping_id: str,
        code: str,
        detail: str,
        kept_from: datetime | None = None,
    ) -> bool:
        """To ``done`` with its stamping, or ``refused`` with a reason; False when the claim was lost.

        The item forgets its upload, unless ``kept_from`` says since when a refused one is kept to be run again.
        """
        said = {"which": item_id, "token": claim_token, "code": code, "detail": self._tx.seal(detail, _REASON, item_id)}
        if kept_from is not None:
            return self._tx.changed(_FINISH_KEPT, **said, kept_from=kept_from) == 1
        state = ItemState.DONE if stamping_id else ItemState.REFUSED
        return self._tx.changed(_FINISH, **said, now_is=state.value, stamping=stamping_id) == 1

    def count_try(self, item_id: str) -> int:
        """One more try that came to nothing; how many there were since the item was accepted or run again."""
        row = self._tx.row(_count_try(self._tx.dialect), which=item_id)
        return 1 if row is None else int(row["tries"])

    def defer_item(self, item_id: str, *, claim_token: str, ready_at: datetime, code: str, detail: str) -> bool:
        """Let it wait until then, and say for what; False when the claim was lost."""
        sealed = self._tx.seal(detail, _REASON, item_id)
        changed = self._tx.changed(_DEFER, which=item_id, token=claim_token, later=ready_at, code=code, detail=sealed)
        return changed == 1

    def run_again(self, batch_id: str, *, now: datetime) -> int:
        """The refused items of a batch whose uploads are kept wait again, with all their tries; how many."""
        self._tx.changed(_FORGET_TRIES, which=batch_id)
        kept = [row["item_id"] for row in self._tx.rows(_KEPT_IDS, which=batch_id)]
        # One by one: the reason is sealed for its row.
        return sum(
            self._tx.changed(_AGAIN, which=item_id, now=now, nothing=self._tx.seal("", _REASON, item_id))
            for item_id in kept
        )

    def kept_items(self, *, before: datetime, limit: int) -> Sequence[BatchItem]:
        """Refused items whose uploads have been kept since before ``before``, the oldest first."""
        return [self._item(row) for row in self._tx.rows(_KEPT, before=before, most=limit)]

    def forget_kept(self, item_id: str, *, before: datetime) -> bool:
        """The upload is given up, if the item is still refused and kept since before ``before``."""
        return self._tx.changed(_GIVE_UP, which=item_id, before=before) == 1

    def _item(self, row: RowMapping) -> BatchItem:
        item_id = row["item_id"]
        return BatchItem(
            item_id=item_id,
            batch_id=row["batch_id"],
            number=row["number"],
            file_name=self._tx.open(row["file_name"], _NAME, item_id),
            upload=row["upload"],
            state=as_word(ItemState, row["state"]),
            stamping_id=row["stamping_id"],
            code=row["reason_code"],
            detail=self._tx.open(row["reason_detail"], _REASON, item_id),
        )


def _wish(said: dict[str, Any]) -> StampWish:
    point = said["point_mm"]
    return StampWish(
        **{
            **said,
            "point_mm": None if point is None else tuple(point),
            "offset_mm": tuple(said["offset_mm"]),
        }
    )
