"""Comparing lists with parties, and reporting licenses upward.

Revision: 0017. An index and a table, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING_REPORT = sa.text("status = 'waiting'")


def upgrade() -> None:
    """Make the index and the table."""
    op.create_index("ix_licenses_issuer", "licenses", ["issuer_code", "issued_on", "version_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("position", ROW_NUMBER, nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.Column("reason", sa.LargeBinary()),
        sa.Column("acknowledged_at", UTC_TIME),
        sa.PrimaryKeyConstraint("identifier", "state", name=op.f("pk_reports")),
        sa.UniqueConstraint("position", name=op.f("uq_reports_position")),
    )
    op.create_index(
        "ix_reports_waiting",
        "reports",
        ["position", "ready_at"],
        unique=False,
        sqlite_where=WAITING_REPORT,
        postgresql_where=WAITING_REPORT,
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("reports")
    op.drop_index("ix_licenses_issuer", table_name="licenses")
