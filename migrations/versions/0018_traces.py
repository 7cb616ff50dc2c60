"""The caller's trace, kept with requests and events.

Revision: 0018. Two columns with a default, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = sa.String(200)


def upgrade() -> None:
    """Add the columns."""
    for table in ("requests", "events"):
        op.add_column(table, sa.Column("traceparent", KEY, nullable=False, server_default=""))


def downgrade() -> None:
    """Take them away."""
    for table in ("requests", "events"):
        op.drop_column(table, "traceparent")
