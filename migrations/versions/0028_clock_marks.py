"""The high-water mark of the register's time.

Revision: 0028. A new table, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "clock_marks",
        sa.Column("name", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("boot", KEY, nullable=False),
        sa.Column("boot_s", sa.Float(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_clock_marks")),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("clock_marks")
