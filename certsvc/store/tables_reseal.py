"""成批换章: plans, and what became of each license; in the metadata of ``tables.py``; only added to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_disposals import metadata

__all__ = ["metadata"]  # with the tables of all files in it

RUNNING_PLAN = "state = 'running'"
"""What workers look for; queries repeat it word by word."""

reseal_plans = Table(
    "reseal_plans",
    metadata,
    Column("plan_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("value", PlainText, nullable=False),
    Column("types", PlainText, nullable=False),  # JSON
    Column("bodies", PlainText, nullable=False),  # JSON
    Column("total", Integer, nullable=False),
    Column("reason", LargeBinary, nullable=False),  # encrypted
    Column("state", Key, nullable=False),
    Column("proposed_by", Key, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("opinion", LargeBinary, nullable=False),  # encrypted
    Column("decided_by", Key, nullable=False),
    Column("decided_at", UtcTime),
    Column("ended_by", Key, nullable=False),
    Column("ended_at", UtcTime),
    Column("profiles", PlainText, nullable=False),  # JSON
    Column("begun", Boolean, nullable=False),
    Column("behind", Key, nullable=False),
    Column("waits_for", PlainText, nullable=False),
    Column("claim_token", Key, nullable=False),
    Column("ready_at", UtcTime, nullable=False),
)
Index(
    "ix_reseal_plans_running",
    reseal_plans.c.ready_at,
    reseal_plans.c.plan_id,
    sqlite_where=text(RUNNING_PLAN),
    postgresql_where=text(RUNNING_PLAN),
)

reseal_items = Table(
    "reseal_items",
    metadata,
    Column("plan_id", Key, ForeignKey("reseal_plans.plan_id"), primary_key=True),
    Column("version_id", Key, primary_key=True),
    Column("identifier", Key, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("code", Key, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # encrypted: it may quote what stands on the page
    Column("artifact_id", Key, nullable=False),
)
Index("ix_reseal_items_outcome", reseal_items.c.plan_id, reseal_items.c.outcome, reseal_items.c.version_id)
