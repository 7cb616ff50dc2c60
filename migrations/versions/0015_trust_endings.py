"""Proposals for the trust list that came to nothing: rejected, withdrawn, expired.

Revision: 0015. One new table: older code runs on this schema. It knows nothing of it, and would let a proposal be
confirmed that was ended: take all processes to this release before anybody ends one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make the table and its index."""
    op.create_table(
        "trust_endings",
        sa.Column("proposal_id", KEY, nullable=False),
        sa.Column("how", KEY, nullable=False),
        sa.Column("ended_by", KEY, nullable=False),
        sa.Column("ended_at", UTC_TIME, nullable=False),
        sa.Column("end_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["trust_proposals.proposal_id"], name=op.f("fk_trust_endings_proposal_id")
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_trust_endings")),
    )
    op.create_index("ix_trust_endings_time", "trust_endings", ["ended_at", "proposal_id"], unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("trust_endings")
