"""Facade accounts with their codes and addresses; regulators' subscriptions, what they were told, and their results."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, LargeBinary, Table, UniqueConstraint

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_copies import metadata

__all__ = ["metadata"]  # with the tables of all files in it

facade_accounts = Table(
    "facade_accounts",
    metadata,
    Column("account_id", Key, primary_key=True),
    Column("facade", Key, nullable=False),
    Column("login", Key, nullable=False),
    Column("secret_sha256", Key, nullable=False),
    Column("client_id", Key, ForeignKey("clients.client_id"), nullable=False),
    Column("verbs", PlainText, nullable=False),  # JSON
    Column("types", PlainText, nullable=False),  # JSON
    Column("matter_code", Key, nullable=False),
    Column("purpose", PlainText, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("facade", "login"),
)

facade_codes = Table(
    "facade_codes",
    metadata,
    Column("code_sha256", Key, primary_key=True),
    Column("account_id", Key, ForeignKey("facade_accounts.account_id"), nullable=False),
    Column("client_id", Key, nullable=False),
    Column("basis", Key, nullable=False),
    Column("identifier", Key, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("circumstances", LargeBinary, nullable=False),  # encrypted: operator, purpose, the holder's 用证码
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("data_used_at", UtcTime),
    Column("file_used_at", UtcTime),
)
Index("ix_facade_codes_old", facade_codes.c.expires_at)

facade_downloads = Table(
    "facade_downloads",
    metadata,
    Column("id_sha256", Key, primary_key=True),
    Column("account_id", Key, ForeignKey("facade_accounts.account_id"), nullable=False),
    Column("client_id", Key, nullable=False),
    Column("asked", LargeBinary, nullable=False),  # encrypted JSON: the fetch that the address stands for
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)
Index("ix_facade_downloads_old", facade_downloads.c.expires_at)

oversights = Table(
    "oversights",
    metadata,
    Column("oversight_id", Key, primary_key=True),
    Column("client_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("region", Key, nullable=False),
    Column("kinds", PlainText, nullable=False),  # JSON
    Column("fields", PlainText, nullable=False),  # JSON: keys by type
    Column("state", Key, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("decided_by", Key, nullable=False),
    Column("after", ROW_NUMBER, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
Index("ix_oversights_client", oversights.c.client_id, oversights.c.oversight_id)
Index("ix_oversights_state", oversights.c.state, oversights.c.oversight_id)

oversight_pushes = Table(
    "oversight_pushes",
    metadata,
    Column("push_id", Key, primary_key=True),
    Column("oversight_id", Key, ForeignKey("oversights.oversight_id"), nullable=False),
    Column("event_id", Key, nullable=False),
    Column("position", ROW_NUMBER, nullable=False),
    Column("kind", Key, nullable=False),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("oversight_id", "event_id"),
)
Index("ix_oversight_pushes_order", oversight_pushes.c.oversight_id, oversight_pushes.c.position)

inspection_results = Table(
    "inspection_results",
    metadata,
    Column("result_id", Key, primary_key=True),
    Column("client_id", Key, nullable=False),
    Column("result_no", Key, nullable=False),
    Column("body_hash", Key, nullable=False),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("checked_on", Date, nullable=False),
    Column("restricted", Boolean, nullable=False),
    Column("disclosed_on", Date),
    Column("suggestion", Key, nullable=False),
    Column("words", LargeBinary, nullable=False),  # encrypted JSON: task, document, next step, basis
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("client_id", "result_no"),
)
Index(
    "ix_inspection_results_version",
    inspection_results.c.version_id,
    inspection_results.c.at,
    inspection_results.c.result_id,
)
