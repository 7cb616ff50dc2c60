"""The tables of stamping by hand: previews, the register of stamped documents, batches; in the shared metadata."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy import UniqueConstraint as Unique

from certsvc.store.columns import Key, UtcTime
from certsvc.store.tables_seals import metadata

__all__ = ["metadata"]

WAITING_ITEM = "state = 'waiting'"
HOLDS_OBJECT = "object_name <> ''"
KEPT_ITEM = "state = 'refused' AND upload <> ''"

stamp_uploads = Table(
    "stamp_uploads",
    metadata,
    Column("upload_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("operator", Key, nullable=False),
    Column("object_name", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("pages", Text, nullable=False),  # JSON: box and turn of every page
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)
Index(
    "ix_stamp_uploads_expires_at",
    stamp_uploads.c.expires_at,
    sqlite_where=text(HOLDS_OBJECT),
    postgresql_where=text(HOLDS_OBJECT),
)

stamp_previews = Table(
    "stamp_previews",
    metadata,
    Column("preview_id", Key, primary_key=True),
    Column("seal_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("operator", Key, nullable=False),
    Column("upload_id", Key, ForeignKey("stamp_uploads.upload_id"), nullable=False),
    Column("sha256", Key, nullable=False),
    Column("marks", LargeBinary, nullable=False),  # encrypted: a watermark may name people
    Column("locks", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("key_id", Key, nullable=False),
)

stampings = Table(
    "stampings",
    metadata,
    Column("stamping_id", Key, primary_key=True),
    Column("work_id", Key, nullable=False, unique=True),  # the preview or the file of a batch that it was made from
    Column("seal_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("operator", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("approval_id", Key, nullable=False),
    Column("details", LargeBinary, nullable=False),  # encrypted: purpose and case number
    Column("sha256_before", Key, nullable=False),
    Column("sha256", Key, nullable=False, unique=True),
    Column("pages", Integer, nullable=False),
    Column("marks", Integer, nullable=False),
    Column("object_name", Key, nullable=False),
    Column("reservation_id", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "authority_code", "stamping_id"),
)

stamp_batches = Table(
    "stamp_batches",
    metadata,
    Column("batch_id", Key, primary_key=True),
    Column("seal_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("operator", Key, nullable=False),
    Column("details", LargeBinary, nullable=False),  # encrypted: purpose, case number, and how to stamp
    Column("total", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

stamp_items = Table(
    "stamp_items",
    metadata,
    Column("item_id", Key, primary_key=True),
    Column("batch_id", Key, ForeignKey("stamp_batches.batch_id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("file_name", LargeBinary, nullable=False),  # encrypted: people put names there
    Column("upload", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("stamping_id", Key, nullable=False),
    Column("reason_code", Key, nullable=False),
    Column("reason_detail", LargeBinary, nullable=False),  # encrypted: may quote words of the file
    Column("claimed_by", Key, nullable=False),
    Column("claim_token", Key, nullable=False),
    Column("ready_at", UtcTime, nullable=False),
    Unique("batch_id", "number"),
)
Index(
    "ix_stamp_items_queue",
    stamp_items.c.ready_at,
    stamp_items.c.item_id,
    sqlite_where=text(WAITING_ITEM),
    postgresql_where=text(WAITING_ITEM),
)
# Files that were not stamped and may be run again, by the time they ended.
Index(
    "ix_stamp_items_kept",
    stamp_items.c.ready_at,
    sqlite_where=text(KEPT_ITEM),
    postgresql_where=text(KEPT_ITEM),
)

stamp_item_tries = Table(
    "stamp_item_tries",
    metadata,
    Column("item_id", Key, ForeignKey("stamp_items.item_id"), primary_key=True),
    Column("tries", Integer, nullable=False),
)
