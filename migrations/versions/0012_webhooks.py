"""Webhook subscriptions and their deliveries.

Revision: 0012. Only new tables, and one row: the consumer that queues deliveries begins at the end of the feed, since
nobody can have subscribed to what is already there. Older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.String(200)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
WAITING = sa.text("state = 'waiting'")
FAILED = sa.text("state = 'failed'")
DELIVERED = sa.text("state = 'delivered'")

INDEXES = (
    ("ix_webhook_deliveries_due", ["subscription_id", "ready_at", "position"], WAITING),
    ("ix_webhook_deliveries_order", ["subscription_id", "subject", "position"], WAITING),
    ("ix_webhook_deliveries_failed", ["subscription_id", "position"], FAILED),
    ("ix_webhook_deliveries_old", ["ended_at"], DELIVERED),
)

BEGIN_AT_THE_END = """
INSERT INTO cursors (consumer, position)
SELECT 'webhooks', coalesce(max(position), 0) FROM events
WHERE NOT EXISTS (SELECT 1 FROM cursors WHERE consumer = 'webhooks')"""


def upgrade() -> None:
    """Make the tables and their indexes, and put the consumer at the end of the feed."""
    op.create_table(
        "webhook_subscriptions",
        sa.Column("subscription_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("after", ROW_NUMBER, nullable=False),
        sa.Column("missed_after", ROW_NUMBER),
        sa.Column("missed_until", ROW_NUMBER),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UTC_TIME),
        sa.Column("last_success_at", UTC_TIME),
        sa.Column("not_before", UTC_TIME, nullable=False),
        sa.Column("claim_token", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("changed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_webhook_subscriptions")),
    )
    op.create_index(
        "ix_webhook_subscriptions_client", "webhook_subscriptions", ["client_id", "subscription_id"], unique=False
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("subscription_id", KEY, nullable=False),
        sa.Column("position", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("tries", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["webhook_subscriptions.subscription_id"],
            name=op.f("fk_webhook_deliveries_subscription_id"),
        ),
        sa.PrimaryKeyConstraint("subscription_id", "position", name=op.f("pk_webhook_deliveries")),
    )
    for name, columns, where in INDEXES:
        op.create_index(name, "webhook_deliveries", columns, unique=False, sqlite_where=where, postgresql_where=where)
    op.execute(BEGIN_AT_THE_END)


def downgrade() -> None:
    """Drop them, the referring one first."""
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_subscriptions")
    op.execute("DELETE FROM cursors WHERE consumer = 'webhooks'")
