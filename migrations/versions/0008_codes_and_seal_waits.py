"""One-time codes for applications and PINs, turns of all codes, and the back-off of rounds that wait for a seal.

Revision: 0008. Only new tables: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make the tables and indexes."""
    op.create_table(
        "signer_codes",
        sa.Column("code_id", KEY, nullable=False),
        sa.Column("matter", KEY, nullable=False),
        sa.Column("code_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("used_at", UTC_TIME),
        sa.PrimaryKeyConstraint("code_id", name=op.f("pk_signer_codes")),
    )
    op.create_index("ix_signer_codes_matter", "signer_codes", ["matter", "made_at"], unique=False)
    op.create_table(
        "code_turns",
        sa.Column("matter", KEY, nullable=False),
        sa.Column("last_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("matter", name=op.f("pk_code_turns")),
    )
    op.create_table(
        "seal_waits",
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", UTC_TIME, nullable=False),
        sa.Column("due_at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["signing_rounds.round_id"], name=op.f("fk_seal_waits_round_id")),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_seal_waits")),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("seal_waits", "code_turns", "signer_codes"):
        op.drop_table(table)
