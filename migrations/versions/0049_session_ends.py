"""Sessions can be ended before their tokens do.

Revision: 0049. One new table: older code goes on, and lets tokens live until they end by themselves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "session_ends",
        sa.Column("kind", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("token_key", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "token_key", name=op.f("pk_session_ends")),
    )
    op.create_index("ix_session_ends_until", "session_ends", ["until"], unique=False)


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_session_ends_until", table_name="session_ends")
    op.drop_table("session_ends")
