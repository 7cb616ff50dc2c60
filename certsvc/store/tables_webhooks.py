"""The tables of webhook subscriptions and of their deliveries, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_trust import metadata

__all__ = ["metadata"]  # with the tables of all files in it

WAITING_DELIVERY = "state = 'waiting'"
_WAITING = text(WAITING_DELIVERY)
_FAILED = text("state = 'failed'")
_DELIVERED = text("state = 'delivered'")

webhook_subscriptions = Table(
    "webhook_subscriptions",
    metadata,
    Column("subscription_id", Key, primary_key=True),
    Column("client_id", Key, nullable=False),
    Column("url", PlainText, nullable=False),
    Column("types", PlainText, nullable=False),  # JSON
    Column("state", Key, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("secrets", LargeBinary, nullable=False),  # encrypted JSON
    Column("after", ROW_NUMBER, nullable=False),
    Column("missed_after", ROW_NUMBER),
    Column("missed_until", ROW_NUMBER),
    Column("failures", Integer, nullable=False),
    Column("failing_since", UtcTime),
    Column("last_success_at", UtcTime),
    Column("not_before", UtcTime, nullable=False),  # end of a lease or of a rest
    Column("claim_token", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("stopped_by", Key, nullable=False, server_default=""),
)
Index("ix_webhook_subscriptions_client", webhook_subscriptions.c.client_id, webhook_subscriptions.c.subscription_id)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("subscription_id", Key, ForeignKey("webhook_subscriptions.subscription_id"), primary_key=True),
    Column("position", ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("event_id", Key, nullable=False),
    Column("type", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("replays", Integer, nullable=False),
    Column("ready_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("tries", PlainText, nullable=False),  # JSON
)
_C = webhook_deliveries.c
Index(
    "ix_webhook_deliveries_due",
    _C.subscription_id,
    _C.ready_at,
    _C.position,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_webhook_deliveries_order",
    _C.subscription_id,
    _C.subject,
    _C.position,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_webhook_deliveries_failed",
    _C.subscription_id,
    _C.position,
    sqlite_where=_FAILED,
    postgresql_where=_FAILED,
)
Index("ix_webhook_deliveries_old", _C.ended_at, sqlite_where=_DELIVERED, postgresql_where=_DELIVERED)
