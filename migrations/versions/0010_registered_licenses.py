"""Licenses made elsewhere and what their sources report.

Revision: 0010. Only new tables: older code runs on this schema, and a license without a row was issued here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make the tables and indexes."""
    op.create_table(
        "registered_licenses",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("body_sha256", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["licenses.version_id"], name=op.f("fk_registered_licenses_version_id")
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_registered_licenses")),
    )
    op.create_table(
        "source_reports",
        sa.Column("move_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("happened_at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["move_id"], ["moves.move_id"], name=op.f("fk_source_reports_move_id")),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_source_reports_version_id")),
        sa.PrimaryKeyConstraint("move_id", name=op.f("pk_source_reports")),
    )
    op.create_index(
        op.f("ix_source_reports_version_id_happened_at"), "source_reports", ["version_id", "happened_at"], unique=False
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("source_reports", "registered_licenses"):
        op.drop_table(table)
