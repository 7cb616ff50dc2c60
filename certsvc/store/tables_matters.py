"""Matters of their one source, what they may ask for, and the people who ask."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_consents import metadata

__all__ = ["metadata"]  # with the tables of all files in it

IN_HAND = "state IN ('requested', 'approved')"

matter_versions = Table(
    "matter_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("source", PlainText, nullable=False),
    Column("digest", Key, nullable=False),
    Column("imported_by", Key, nullable=False),
    Column("imported_at", UtcTime, nullable=False),
    Column("matters", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
)

matters = Table(
    "matters",
    metadata,
    Column("code", Key, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("ends_on", Date),
    Column("version", Integer, nullable=False),
)
Index("ix_matters_authority", matters.c.authority_code, matters.c.code)

matter_changes = Table(
    "matter_changes",
    metadata,
    Column("code", Key, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("kind", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("was_name", PlainText),
    Column("was_authority", Key),
    Column("was_ends_on", Date),
    Column("was_version", Integer),
    Column("name", PlainText, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("ends_on", Date),
)

policies = Table(
    "policies",
    metadata,
    Column("policy_id", Key, primary_key=True),
    Column("matter_code", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("keys", PlainText, nullable=False),  # JSON
    Column("bases", PlainText, nullable=False),  # JSON
    Column("quota", Integer),
    Column("purpose", PlainText, nullable=False),
    Column("state", Key, nullable=False),
    Column("requested_by", Key, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("decided_by", Key, nullable=False),
    Column("decided_at", UtcTime),
    Column("reason", PlainText, nullable=False),
    Column("opened_by", Key, nullable=False),
    Column("opened_at", UtcTime),
    Column("opened_on", Date),
    Column("closed_by", Key, nullable=False),
    Column("closed_at", UtcTime),
    Column("close_reason", PlainText, nullable=False),
)
Index("ix_policies_pair", policies.c.matter_code, policies.c.type_slug, policies.c.state)
Index("ix_policies_authority", policies.c.authority_code, policies.c.requested_at, policies.c.policy_id)
Index("ix_policies_type", policies.c.type_slug, policies.c.requested_at, policies.c.policy_id)
Index("ix_policies_state", policies.c.state)
Index("ix_policies_newest", policies.c.requested_at, policies.c.policy_id)
Index(
    "uq_policies_in_hand",
    policies.c.matter_code,
    policies.c.type_slug,
    unique=True,
    sqlite_where=text(IN_HAND),
    postgresql_where=text(IN_HAND),
)

policy_marks = Table(
    "policy_marks",
    metadata,
    Column("name", Key, primary_key=True),
    Column("mark", Key, nullable=False),
)

policy_days = Table(
    "policy_days",
    metadata,
    Column("policy_id", Key, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("used", Integer, nullable=False),
)

staff = Table(
    "staff",
    metadata,
    Column("client_id", Key, primary_key=True),
    Column("account_blind", LargeBinary(32), primary_key=True),  # keyed digest
    Column("person", LargeBinary, nullable=False),  # encrypted JSON: account, name, division
    Column("active", Boolean, nullable=False),
    Column("from_on", Date),
    Column("until_on", Date),
    Column("set_by", Key, nullable=False),
    Column("set_at", UtcTime, nullable=False),
)
