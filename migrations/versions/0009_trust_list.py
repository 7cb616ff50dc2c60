"""The trust list: proposed and confirmed changes.

Revision: 0009. Only new tables: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make the tables and their index."""
    op.create_table(
        "trust_proposals",
        sa.Column("proposal_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("proposed_by", KEY, nullable=False),
        sa.Column("proposed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_trust_proposals")),
    )
    op.create_table(
        "trust_changes",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("proposal_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", KEY, nullable=False),
        sa.Column("proposed_at", UTC_TIME, nullable=False),
        sa.Column("confirmed_by", KEY, nullable=False),
        sa.Column("confirmed_at", UTC_TIME, nullable=False),
        sa.Column("previous", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["trust_proposals.proposal_id"], name=op.f("fk_trust_changes_proposal_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trust_changes")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_trust_changes_proposal_id")),
    )
    op.create_index("ix_trust_changes_entry", "trust_changes", ["kind", "entry_id", "number"], unique=False)


def downgrade() -> None:
    """Drop them, the referring one first."""
    op.drop_table("trust_changes")
    op.drop_table("trust_proposals")
