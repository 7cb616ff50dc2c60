"""归档信息包 and 电子材料, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_supervision import metadata

__all__ = ["metadata"]  # with the tables of all files in it

WITH_HOLDER = "holder_blind IS NOT NULL"

archives = Table(
    "archives",
    metadata,
    Column("archive_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("label", Key, nullable=False),
    Column("state_digest", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("sm3", Key, nullable=False),
    Column("size", ROW_NUMBER, nullable=False),
    Column("object_name", Key, nullable=False),
    Column("keeping", Key, nullable=False),
    Column("members", PlainText, nullable=False),  # JSON
    Column("materials", PlainText, nullable=False),  # JSON
    Column("made_by", Key, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("handed_to", PlainText, nullable=False),
    Column("receipt_no", Key, nullable=False),
    Column("received_on", Date),
    Column("receipt_by", Key, nullable=False),
    Column("receipt_at", UtcTime),
    UniqueConstraint("kind", "subject", "authority_code", "state_digest", name="uq_archives_state"),
)
Index("ix_archives_made", archives.c.made_at, archives.c.archive_id)
Index("ix_archives_authority", archives.c.authority_code, archives.c.made_at, archives.c.archive_id)

materials = Table(
    "materials",
    metadata,
    Column("material_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("code", Key, nullable=False),
    Column("name", LargeBinary, nullable=False),  # encrypted
    Column("sha256", Key, nullable=False),
    Column("size", ROW_NUMBER, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("object_name", Key, nullable=False),
    Column("stamping_id", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("registered_by", Key, nullable=False),
    Column("registered_at", UtcTime, nullable=False),
    Column("moved_at", UtcTime),
    # None in rows of earlier releases, and where the system named nobody.
    Column("holder", LargeBinary),  # encrypted JSON: name, code, code type
    Column("holder_blind", LargeBinary),  # keyed digest of type and code
    UniqueConstraint("authority_code", "case_no", "sha256", name="uq_materials_file"),
)
Index("ix_materials_case", materials.c.authority_code, materials.c.case_no, materials.c.material_id)
Index(
    "ix_materials_holder",
    materials.c.holder_blind,
    materials.c.registered_at,
    materials.c.material_id,
    sqlite_where=text(WITH_HOLDER),
    postgresql_where=text(WITH_HOLDER),
)
