"""What the signatures of files stand on: algorithms, certificates, authorities, timestamps.

Revision: 0034. One new table, which older code does not notice; ``certsvc care backfill`` reads older files.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KEY = sa.String(200)
FIRST_OF_FILE = sa.text("place = 0")
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "artifact_signatures",
        sa.Column("artifact_id", KEY, sa.ForeignKey("artifacts.artifact_id"), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("profile", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("format", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("signature_algorithm", KEY, nullable=False),
        sa.Column("digest_algorithm", KEY, nullable=False),
        sa.Column("certificate_sha256", KEY, nullable=False),
        sa.Column("serial", KEY, nullable=False),
        sa.Column("issuer_key", KEY, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("tsa", sa.Text(), nullable=False),
        sa.Column("signed_at", UTC_TIME, nullable=False),
        sa.Column("certificate_until", UTC_TIME, nullable=False),
        sa.Column("revocation", sa.Boolean(), nullable=False),
    )
    op.create_index(
        "ix_artifact_signatures_profile",
        "artifact_signatures",
        ["profile", "artifact_id"],
        unique=False,
        sqlite_where=FIRST_OF_FILE,
        postgresql_where=FIRST_OF_FILE,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_artifact_signatures_profile", table_name="artifact_signatures")
    op.drop_table("artifact_signatures")
