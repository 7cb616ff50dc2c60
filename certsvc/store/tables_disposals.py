"""鉴定销毁: lists, items, holds, and what went by decision; in the metadata of ``tables.py``; only added to."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables import licenses
from certsvc.store.tables_consents import co_holders, disputes
from certsvc.store.tables_copies import copies
from certsvc.store.tables_use_days import metadata

__all__ = ["metadata"]  # with the tables of all files in it

HAS_PHOTO = "photo_id <> ''"
PLACED = "lifted_at IS NULL"

disposals = Table(
    "disposals",
    metadata,
    Column("list_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("years", Integer, nullable=False),
    Column("reason", LargeBinary, nullable=False),  # encrypted
    Column("state", Key, nullable=False),
    Column("proposed_by", Key, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("opinion", LargeBinary, nullable=False),  # encrypted
    Column("decided_by", Key, nullable=False),
    Column("decided_at", UtcTime),
    Column("effect_at", UtcTime),
    Column("ended_by", Key, nullable=False),
    Column("ended_at", UtcTime),
)
Index("ix_disposals_authority", disposals.c.authority_code, disposals.c.proposed_at, disposals.c.list_id)
Index("ix_disposals_proposed", disposals.c.proposed_at, disposals.c.list_id)
Index("ix_disposals_state", disposals.c.state, disposals.c.list_id)

disposal_items = Table(
    "disposal_items",
    metadata,
    Column("list_id", Key, ForeignKey("disposals.list_id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("kind", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("label", Key, nullable=False),
    Column("title", PlainText, nullable=False),
    Column("keeping", Key, nullable=False),
    Column("formed_on", Date, nullable=False),
    Column("over_on", Date, nullable=False),
    Column("files", Integer, nullable=False),
    Column("packages", PlainText, nullable=False),  # JSON
    Column("state", Key, nullable=False),
    Column("why", Key, nullable=False),
    Column("moved_at", UtcTime),
    Column("extended_until", Date),
)
Index("ix_disposal_items_subject", disposal_items.c.kind, disposal_items.c.subject, disposal_items.c.list_id)

disposal_holds = Table(
    "disposal_holds",
    metadata,
    Column("hold_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("label", Key, nullable=False),
    Column("reason", LargeBinary, nullable=False),  # encrypted
    Column("placed_by", Key, nullable=False),
    Column("placed_at", UtcTime, nullable=False),
    Column("lifted_by", Key, nullable=False),
    Column("lifted_at", UtcTime),
)
Index(
    "ix_disposal_holds_placed",
    disposal_holds.c.kind,
    disposal_holds.c.subject,
    sqlite_where=text(PLACED),
    postgresql_where=text(PLACED),
)
Index(
    "ix_disposal_holds_authority", disposal_holds.c.authority_code, disposal_holds.c.placed_at, disposal_holds.c.hold_id
)

erased_rows = Table(
    "erased_rows",
    metadata,
    Column("noun", Key, primary_key=True),
    Column("row_id", Key, primary_key=True),
    Column("was", Key, nullable=False),
    Column("was_before", Key, nullable=False),
    Column("list_id", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)

gone_files = Table(
    "gone_files",
    metadata,
    Column("object_name", Key, primary_key=True),
    Column("sha256", Key, nullable=False),
    Column("list_id", Key, nullable=False),
    Column("place", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("ix_gone_files_item", gone_files.c.list_id, gone_files.c.place)

# What has to be found of a license before it goes.
Index("ix_disputes_version", disputes.c.version_id)
Index("ix_co_holders_license", co_holders.c.license_id)
Index("ix_copies_version", copies.c.version_id)
Index("ix_licenses_photo", licenses.c.photo_id, sqlite_where=text(HAS_PHOTO), postgresql_where=text(HAS_PHOTO))
