"""What officers do (检查), in the metadata of ``tables.py``: register, visits, what came of scans, pictures, marks."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_devices import metadata

__all__ = ["metadata"]  # with the tables of all files in it

IN_VISIT = "left_at IS NULL"

officers = Table(
    "officers",
    metadata,
    Column("badge", Key, primary_key=True),
    Column("subject", Key, nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted: the name
    Column("authority_code", Key, nullable=False),
    Column("unit", PlainText, nullable=False),
    Column("kinds", PlainText, nullable=False),  # JSON
    Column("region", Key, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("ended_on", Date),
    Column("entered_by", Key, nullable=False),
    Column("entered_at", UtcTime, nullable=False),
)
Index("ix_officers_authority", officers.c.authority_code, officers.c.badge)
Index("ix_officers_subject", officers.c.subject)

visits = Table(
    "visits",
    metadata,
    Column("visit_id", Key, primary_key=True),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("authority_code", Key, nullable=False),
    Column("departments", PlainText, nullable=False),  # JSON
    Column("opened_by", Key, nullable=False),
    Column("task_kind", Key, nullable=False),
    Column("task_no", Key, nullable=False),
    Column("region", Key, nullable=False),
    Column("kinds", PlainText, nullable=False),  # JSON
    Column("target_blind", LargeBinary, nullable=False),  # empty while nobody is named
    Column("personal", LargeBinary, nullable=False),  # encrypted: token, place, name of the target, reason
    Column("opened_at", UtcTime, nullable=False),
    Column("valid_until", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
)
Index("ix_visits_target", visits.c.target_blind, visits.c.opened_at, visits.c.visit_id)

visit_officers = Table(
    "visit_officers",
    metadata,
    Column("visit_id", Key, ForeignKey("visits.visit_id"), primary_key=True),
    Column("badge", Key, primary_key=True),
    Column("subject", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("unit", PlainText, nullable=False),
    Column("kinds", PlainText, nullable=False),  # JSON
    Column("region", Key, nullable=False),
    Column("joined_at", UtcTime, nullable=False),
    Column("left_at", UtcTime),
)
# An officer is in one open visit at a time: this index is what says so when two are opened at once.
Index(
    "uq_visit_officers_in",
    visit_officers.c.badge,
    unique=True,
    sqlite_where=text(IN_VISIT),
    postgresql_where=text(IN_VISIT),
)
Index(
    "ix_visit_officers_subject",
    visit_officers.c.subject,
    sqlite_where=text(IN_VISIT),
    postgresql_where=text(IN_VISIT),
)
Index("ix_visit_officers_authority", visit_officers.c.authority_code, visit_officers.c.joined_at)

inspections = Table(
    "inspections",
    metadata,
    Column("inspection_id", Key, primary_key=True),
    Column("scan_id", Key, ForeignKey("scans.scan_id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("visit_id", Key, nullable=False),  # empty for a scan outside of a visit
    Column("version_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("badge", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("due_on", Date),
    Column("personal", LargeBinary, nullable=False),  # encrypted: note and reason
    Column("at", UtcTime, nullable=False),
    # What makes a repeat harmless: a scan has one first record, and one correction of each number.
    UniqueConstraint("scan_id", "seq"),
)

inspection_pictures = Table(
    "inspection_pictures",
    metadata,
    Column("picture_id", Key, primary_key=True),
    Column("scan_id", Key, ForeignKey("scans.scan_id"), nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("size", Integer, nullable=False),
    Column("object_name", Key, nullable=False, unique=True),
    Column("at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    UniqueConstraint("scan_id", "sha256"),
)
Index("ix_inspection_pictures_until", inspection_pictures.c.until, inspection_pictures.c.picture_id)

visit_ratings = Table(
    "visit_ratings",
    metadata,
    Column("visit_id", Key, ForeignKey("visits.visit_id"), primary_key=True),
    Column("holder_blind", LargeBinary, primary_key=True),
    Column("mark", Integer, nullable=False),
    Column("text", LargeBinary, nullable=False),  # encrypted
    Column("at", UtcTime, nullable=False),
)
