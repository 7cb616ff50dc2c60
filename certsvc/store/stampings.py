"""Previews, the register of documents stamped by hand, and batches."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, text, update

from certsvc.seal.placing import PageView, PlacedMark
from certsvc.seal.stampings import (
    BatchItem,
    ClaimedItem,
    ItemState,
    StampBatch,
    StampCase,
    Stamping,
    StampPreview,
    StampUpload,
    StampWish,
)
from certsvc.store.tables_stamping import (
    HOLDS_OBJECT,
    WAITING_ITEM,
    stamp_batches,
    stamp_items,
    stamp_previews,
    stamp_uploads,
    stampings,
)
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_U, _P, _S, _B, _I = stamp_uploads.c, stamp_previews.c, stampings.c, stamp_batches.c, stamp_items.c
_MARKS, _DETAILS, _HOW = "stamp_previews.marks", "stampings.details", "stamp_batches.details"
_NAME, _REASON = "stamp_items.file_name", "stamp_items.reason_detail"

_PREVIEW = select(*_P).where(_P.preview_id == bindparam("which"))
_TAKE = (
    update(stamp_previews)
    .where(_P.preview_id == bindparam("which"), _P.used_at.is_(None), _P.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"))
)
_UPLOAD = select(*_U).where(_U.upload_id == bindparam("which"))
_STALE = (
    select(*_U)
    .where(text(HOLDS_OBJECT), _U.expires_at < bindparam("before"))
    .order_by(_U.expires_at)
    .limit(bindparam("most"))
)
_FORGET = update(stamp_uploads).where(_U.upload_id == bindparam("which")).values(object_name="")
_BY_WORK = select(*_S).where(_S.work_id == bindparam("which"))
_STAMPING = select(*_S).where(_S.stamping_id == bindparam("which"))
_BY_SHA256 = select(*_S).where(_S.sha256 == bindparam("which"))
_OF_AUTHORITY = (
    select(*_S).where(_S.authority_code == bindparam("which")).order_by(_S.stamping_id.desc()).limit(bindparam("most"))
)
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


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class StampingRows:
    """Implements ``stamping_ports.Stampings``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert_upload(self, upload: StampUpload) -> None:
        """Store what was judged."""
        self._tx.changed(
            _insert(self._tx.dialect, stamp_uploads),
            upload_id=upload.upload_id,
            authority_code=upload.authority_code,
            operator=upload.operator,
            object_name=upload.object_name,
            sha256=upload.sha256,
            pages=to_json([[list(view.box), view.rotate] for view in upload.pages]),
            created_at=upload.created_at,
            expires_at=upload.expires_at,
        )

    def upload(self, upload_id: str) -> StampUpload | None:
        """The upload, whatever its age."""
        row = self._tx.row(_UPLOAD, which=upload_id)
        return None if row is None else _upload(row)

    def insert_preview(self, preview: StampPreview) -> None:
        """Store a preview."""
        self._tx.changed(
            _insert(self._tx.dialect, stamp_previews),
            preview_id=preview.preview_id,
            seal_id=preview.seal_id,
            authority_code=preview.authority_code,
            operator=preview.operator,
            upload_id=preview.upload_id,
            sha256=preview.sha256,
            marks=self._tx.seal_json([asdict(mark) for mark in preview.marks], _MARKS, preview.preview_id),
            locks=preview.lock,
            created_at=preview.created_at,
            expires_at=preview.expires_at,
            used_at=preview.used_at,
            key_id=preview.key_id,
        )

    def preview(self, preview_id: str) -> StampPreview | None:
        """The preview, whatever its age."""
        row = self._tx.row(_PREVIEW, which=preview_id)
        if row is None:
            return None
        marks = self._tx.open_json(row["marks"], _MARKS, preview_id)
        names = ("preview_id", "seal_id", "authority_code", "operator", "upload_id", "sha256", "key_id")
        times = ("created_at", "expires_at", "used_at")
        return StampPreview(
            **{name: row[name] for name in (*names, *times)},
            marks=tuple(PlacedMark(**{**mark, "rect": tuple(mark["rect"])}) for mark in marks),
            lock=bool(row["locks"]),
        )

    def take_preview(self, preview_id: str, *, now: datetime) -> bool:
        """Use it once, if in time; False otherwise."""
        return self._tx.changed(_TAKE, which=preview_id, now=now) == 1

    def stale_uploads(self, *, before: datetime, limit: int) -> Sequence[StampUpload]:
        """Uploads that ended before ``before`` and whose bytes are there still."""
        return [_upload(row) for row in self._tx.rows(_STALE, before=before, most=limit)]

    def forget_object(self, upload_id: str) -> None:
        """The bytes of the upload are gone."""
        self._tx.changed(_FORGET, which=upload_id)

    def insert(self, stamping: Stamping) -> None:
        """Register a stamped document; IntegrityError when these bytes are registered."""
        case = stamping.case
        self._tx.changed(
            _insert(self._tx.dialect, stampings),
            stamping_id=stamping.stamping_id,
            work_id=stamping.work_id,
            seal_id=stamping.seal_id,
            authority_code=stamping.authority_code,
            operator=stamping.operator,
            matter_code=case.matter_code,
            approval_id=case.approval_id,
            details=self._tx.seal_json(
                {"purpose": case.purpose, "case_no": case.case_no}, _DETAILS, stamping.stamping_id
            ),
            sha256_before=stamping.sha256_before,
            sha256=stamping.sha256,
            pages=stamping.pages,
            marks=stamping.marks,
            object_name=stamping.object_name,
            reservation_id=stamping.reservation_id,
            at=stamping.at,
        )

    def by_id(self, stamping_id: str) -> Stamping | None:
        """The stamping."""
        row = self._tx.row(_STAMPING, which=stamping_id)
        return None if row is None else self._stamping(row)

    def by_work(self, work_id: str) -> Stamping | None:
        """The stamping that was made from this preview or file of a batch."""
        row = self._tx.row(_BY_WORK, which=work_id)
        return None if row is None else self._stamping(row)

    def by_sha256(self, sha256: str) -> Stamping | None:
        """The stamping whose sealed file has this digest (hex)."""
        row = self._tx.row(_BY_SHA256, which=sha256)
        return None if row is None else self._stamping(row)

    def of_authority(self, authority_code: str, *, limit: int) -> Sequence[Stamping]:
        """Stampings with the seals of an authority, newest first."""
        return [self._stamping(row) for row in self._tx.rows(_OF_AUTHORITY, which=authority_code, most=limit)]

    def insert_batch(self, batch: StampBatch, items: Sequence[BatchItem]) -> None:
        """Store a batch and its items."""
        details = {"case": asdict(batch.case), "wish": asdict(batch.wish)}
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
        self._tx.write_all(
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

    def finish_item(self, item_id: str, *, claim_token: str, stamping_id: str, code: str, detail: str) -> bool:
        """To ``done`` with its stamping, or ``refused`` with a reason; False when the claim was lost."""
        state = ItemState.DONE if stamping_id else ItemState.REFUSED
        changed = self._tx.changed(
            _FINISH,
            which=item_id,
            token=claim_token,
            now_is=state.value,
            stamping=stamping_id,
            code=code,
            detail=self._tx.seal(detail, _REASON, item_id),
        )
        return changed == 1

    def _stamping(self, row: RowMapping) -> Stamping:
        details = self._tx.open_json(row["details"], _DETAILS, row["stamping_id"])
        names = (
            "stamping_id",
            "work_id",
            "seal_id",
            "authority_code",
            "operator",
            "sha256_before",
            "sha256",
            "pages",
            "marks",
        )
        return Stamping(
            **{name: row[name] for name in (*names, "object_name", "reservation_id", "at")},
            case=StampCase(**details, matter_code=row["matter_code"], approval_id=row["approval_id"]),
        )

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


def _upload(row: RowMapping) -> StampUpload:
    names = ("upload_id", "authority_code", "operator", "object_name", "sha256", "created_at", "expires_at")
    pages = tuple(PageView(box=tuple(box), rotate=turn) for box, turn in from_json(row["pages"]))
    return StampUpload(**{name: row[name] for name in names}, pages=pages)


def _wish(said: dict[str, Any]) -> StampWish:
    point = said["point_mm"]
    return StampWish(
        **{
            **said,
            "point_mm": None if point is None else tuple(point),
            "offset_mm": tuple(said["offset_mm"]),
        }
    )
