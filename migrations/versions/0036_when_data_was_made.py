"""When revocation data in a file was made, and over which digest its timestamps are.

Revision: 0036. Two columns of a new table, which older code leaves empty: data without a time does not count.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Add them."""
    op.add_column("artifact_signatures", sa.Column("revocation_at", UTC_TIME, nullable=True))
    op.add_column("artifact_signatures", sa.Column("imprint", KEY, nullable=False, server_default=""))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("artifact_signatures", "imprint")
    op.drop_column("artifact_signatures", "revocation_at")
