"""Requests that failed are found along an index of their own, however many others wait.

Revision: 0044. One index: older code goes on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

FAILED = sa.text("state = 'failed'")


def upgrade() -> None:
    """Make it."""
    op.create_index(
        "ix_requests_failed",
        "requests",
        ["updated_at", "reason_code"],
        unique=False,
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_requests_failed", table_name="requests", sqlite_where=FAILED, postgresql_where=FAILED)
