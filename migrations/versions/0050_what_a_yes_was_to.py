"""A challenge keeps by whose hand it asks, and what the holder saw and said yes to.

Revision: 0050. Two columns of ``challenges`` that may be empty: older code neither writes nor reads them. A challenge
that waits while processes of both releases run is answered and collected by the rules of whichever has it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.add_column("challenges", sa.Column("operator", sa.LargeBinary()))
    op.add_column("challenges", sa.Column("seen", sa.Text()))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("challenges", "seen")
    op.drop_column("challenges", "operator")
