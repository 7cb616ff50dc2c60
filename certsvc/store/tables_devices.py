"""Devices, offline codes, queued inspections and the parts of offline bundles, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, text

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_reports import metadata

__all__ = ["metadata"]  # with the tables of all files in it

PROVEN = "state <> 'pending'"
_PROVEN = text(PROVEN)

devices = Table(
    "devices",
    metadata,
    Column("device_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("name", LargeBinary, nullable=False),  # encrypted: people name their phones after themselves
    Column("public_key", LargeBinary, nullable=False),
    Column("thumbprint", Key, nullable=False),
    Column("challenge", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),
    Column("blocked_at", UtcTime),
    Column("blocked_by", Key, nullable=False),
)
Index("ix_devices_subject", devices.c.subject, devices.c.created_at, devices.c.device_id)
Index("ix_devices_authority", devices.c.authority_code, devices.c.created_at, devices.c.device_id)
Index("ix_devices_blocked", devices.c.kind, devices.c.blocked_at)
# A key that was only claimed keeps nobody from proving it.
Index("uq_devices_key", devices.c.thumbprint, unique=True, sqlite_where=_PROVEN, postgresql_where=_PROVEN)

offline_cores = Table(
    "offline_cores",
    metadata,
    Column("core_id", Key, primary_key=True),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("device_id", Key, ForeignKey("devices.device_id"), nullable=False),
    Column("issued_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)
Index("ix_offline_cores_device", offline_cores.c.device_id, offline_cores.c.expires_at)

inspection_records = Table(
    "inspection_records",
    metadata,
    Column("device_id", Key, ForeignKey("devices.device_id"), nullable=False),
    Column("record_id", Key, nullable=False),  # the device's own
    Column("digest", Key, nullable=False),
    Column("scan_id", Key, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("light", Key, nullable=False),
    Column("reason", Key, nullable=False),
    Column("identity_checked", Boolean, nullable=False),
    Column("reason_then", Key, nullable=False),
    Column("reason_now", Key, nullable=False),
    Column("flags", PlainText, nullable=False),  # JSON
    PrimaryKeyConstraint("device_id", "record_id"),
)

bundle_parts = Table(
    "bundle_parts",
    metadata,
    Column("name", Key, primary_key=True),  # empty: the newest version of all
    Column("digest", Key, nullable=False),
    Column("version", ROW_NUMBER, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
