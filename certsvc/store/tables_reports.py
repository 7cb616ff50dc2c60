"""What comparing and reporting need, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import ROW_NUMBER, Key, UtcTime
from certsvc.store.tables import licenses
from certsvc.store.tables_notices import metadata

__all__ = ["metadata"]  # with the tables of all files in it

WAITING_REPORT = "status = 'waiting'"

# What an authority issued in a period, page by page, for a party that compares its list with ours.
Index("ix_licenses_issuer", licenses.c.issuer_code, licenses.c.issued_on, licenses.c.version_id)

reports = Table(
    "reports",
    metadata,
    Column("identifier", Key, primary_key=True),
    Column("state", Key, primary_key=True),
    Column("report_id", Key, nullable=False),
    Column("position", ROW_NUMBER, nullable=False, unique=True),
    Column("status", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ready_at", UtcTime, nullable=False),
    Column("reason", LargeBinary),  # encrypted: what a province writes may quote the holder
    Column("acknowledged_at", UtcTime),
)
Index(
    "ix_reports_waiting",
    reports.c.position,
    reports.c.ready_at,
    sqlite_where=text(WAITING_REPORT),
    postgresql_where=text(WAITING_REPORT),
)
