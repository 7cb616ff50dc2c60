"""Uploads, previews and the register of documents stamped by hand; batches stand in ``stamp_batches.py``."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, text, union_all, update

from certsvc.seal.placing import PageView, PlacedMark
from certsvc.seal.stampings import (
    StampCase,
    Stamping,
    StampPreview,
    StampUpload,
)
from certsvc.store.stamp_batches import StampBatchRows
from certsvc.store.tables_stamping import (
    HOLDS_OBJECT,
    stamp_items,
    stamp_previews,
    stamp_uploads,
    stampings,
)
from certsvc.store.transaction import Insert, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table


_U, _P, _S, _I = stamp_uploads.c, stamp_previews.c, stampings.c, stamp_items.c
_COLUMNS = frozenset({"matter_code", "approval_id"})
"""Of a case, what stands in columns of its own; the rest is encrypted."""
_MARKS, _DETAILS = "stamp_previews.marks", "stampings.details"

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
_KEEPS = union_all(
    select(_U.upload_id).where(_U.upload_id == bindparam("which"), _U.object_name == bindparam("name")),
    select(_I.item_id).where(_I.item_id == bindparam("which"), _I.upload == bindparam("name")),
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class StampingRows(StampBatchRows):
    """Implements ``stamping_ports.Stampings``."""

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
                {name: said for name, said in case.as_said().items() if name not in _COLUMNS},
                _DETAILS,
                stamping.stamping_id,
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

    def keeps(self, object_name: str, work_id: str) -> bool:
        """Whether the upload or item of this id still needs the object."""
        return self._tx.row(_KEEPS, which=work_id, name=object_name) is not None

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


def _upload(row: RowMapping) -> StampUpload:
    names = ("upload_id", "authority_code", "operator", "object_name", "sha256", "created_at", "expires_at")
    pages = tuple(PageView(box=tuple(box), rotate=turn) for box, turn in from_json(row["pages"]))
    return StampUpload(**{name: row[name] for name in names}, pages=pages)
