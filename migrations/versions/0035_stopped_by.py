"""Who stopped a subscription to events.

Revision: 0035. One column that older code does not notice; empty says that an older release stopped it, or nobody.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEY = sa.String(200)


def upgrade() -> None:
    """Make it."""
    op.add_column("webhook_subscriptions", sa.Column("stopped_by", KEY, nullable=False, server_default=""))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("webhook_subscriptions", "stopped_by")
