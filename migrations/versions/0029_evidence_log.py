"""The evidence log: checkpoints, the edge of its tree, timestamps, and where subjects stand in it.

Revision: 0029. New tables only: older code writes evidence as before, and the log takes it up.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

KEY = sa.String(200)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "log_checkpoints",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_checkpoints")),
        sa.UniqueConstraint("size", name=op.f("uq_log_checkpoints_size")),
    )
    op.create_table(
        "log_edges",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", name=op.f("pk_log_edges")),
    )
    op.create_table(
        "log_timestamps",
        sa.Column("size", NUMBER, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_timestamps")),
    )
    op.create_table(
        "log_subjects",
        sa.Column("subject_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("noun", KEY, nullable=False),
        sa.Column("position", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject_blind", "noun", "position", name=op.f("pk_log_subjects")),
    )


def downgrade() -> None:
    """Take them away."""
    for table in ("log_subjects", "log_timestamps", "log_edges", "log_checkpoints"):
        op.drop_table(table)
