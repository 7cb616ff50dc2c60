"""What departments asked is counted once per day, and the cases of who used a license are found along an index.

Revision: 0043. New tables and an index: older code goes on, and counts the rows themselves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0039"
branch_labels = None
depends_on = None

KEY = sa.String(200)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "use_days",
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "authority_code", "day", "matter_code", "type_slug", "kind", "outcome", name=op.f("pk_use_days")
        ),
    )
    op.create_table(
        "use_day_places",
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("authority_code", name=op.f("pk_use_day_places")),
    )
    op.create_index(
        "ix_fetches_user", "fetches", ["version_id", "authority_code", "client_id", "at", "fetch_id"], unique=False
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_fetches_user", table_name="fetches")
    op.drop_table("use_day_places")
    op.drop_table("use_days")
