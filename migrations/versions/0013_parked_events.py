"""Events that came over the broker and could not be carried out.

Revision: 0013. A new table only: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
WAITING = sa.text("state = 'parked'")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "parked_events",
        sa.Column("parked_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("parked_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("ended_by", KEY),
        sa.PrimaryKeyConstraint("parked_id", name=op.f("pk_parked_events")),
    )
    op.create_index(
        "ix_parked_events_waiting",
        "parked_events",
        ["client_id", "parked_id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("parked_events")
