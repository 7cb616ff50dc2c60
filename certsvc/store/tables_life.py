"""The tables of a license's life and of the published catalog, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Identity, Index, Integer, LargeBinary, Table, text
from sqlalchemy import UniqueConstraint as Unique

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_uses import metadata

__all__ = ["metadata"]  # with the tables of all three files in it

HAS_REFERENCE = "reference <> ''"

provisional_papers = Table(
    "provisional_papers",
    metadata,
    Column("version_id", Key, ForeignKey("licenses.version_id"), primary_key=True),
    Column("project_code", Key, nullable=False, index=True),
)

registered_licenses = Table(
    "registered_licenses",
    metadata,
    Column("version_id", Key, ForeignKey("licenses.version_id"), primary_key=True),
    Column("source_id", Key, nullable=False),
    Column("source_name", PlainText, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("body_sha256", Key, nullable=False),
)

source_reports = Table(
    "source_reports",
    metadata,
    Column("move_id", Key, ForeignKey("moves.move_id"), primary_key=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("happened_at", UtcTime, nullable=False),
    Index(None, "version_id", "happened_at"),
)

version_links = Table(
    "version_links",
    metadata,
    Column("predecessor_id", Key, ForeignKey("licenses.version_id"), primary_key=True),
    Column("successor_id", Key, ForeignKey("licenses.version_id"), primary_key=True),
    Column("kind", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("ix_version_links_successor", version_links.c.successor_id, version_links.c.predecessor_id)

version_facts = Table(
    "version_facts",
    metadata,
    Column("row_no", ROW_NUMBER, Identity(always=True), primary_key=True),
    Column("fact_id", Key, nullable=False, unique=True),
    Column("fact_key", Key, nullable=False, unique=True),  # digest of what makes two facts the same
    Column("license_id", Key, nullable=False),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("kind", Key, nullable=False),
    Column("code", Key, nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("due_on", Date),
    Column("reference", Key, nullable=False),
    Column("remark", LargeBinary, nullable=False),  # encrypted: the authority's words and 文书号
    Column("authority_code", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "license_id", "row_no"),
)
Index(
    "ix_version_facts_reference",
    version_facts.c.reference,
    version_facts.c.row_no,
    sqlite_where=text(HAS_REFERENCE),
    postgresql_where=text(HAS_REFERENCE),
)

dues = Table(
    "dues",
    metadata,
    Column("version_id", Key, ForeignKey("licenses.version_id"), primary_key=True),
    Column("kind", Key, primary_key=True),
    Column("ref", Key, primary_key=True),  # which check or obligation
    Column("due_on", Date, primary_key=True),
    Column("issuer_code", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)
Index("ix_dues_list", dues.c.issuer_code, dues.c.kind, dues.c.version_id)

sweeps = Table(
    "sweeps",
    metadata,
    Column("name", Key, primary_key=True),
    Column("day", Date, nullable=False),
    Column("behind", Key, nullable=False),
    Column("finished", Boolean, nullable=False),
)

catalog_proposals = Table(
    "catalog_proposals",
    metadata,
    Column("proposal_id", Key, primary_key=True),
    Column("slug", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", Key, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("proposed_by", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Unique("slug", "version", "digest"),
)

catalog_publications = Table(
    "catalog_publications",
    metadata,
    Column("slug", Key, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", Key, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("proposed_by", Key, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("published_by", Key, nullable=False),
    Column("published_at", UtcTime, nullable=False),
)
