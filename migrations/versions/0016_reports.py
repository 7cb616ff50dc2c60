"""Comparing lists with parties, and reporting licenses upward.

Revision: 0016. An index, which older code does not notice.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_licenses_issuer", "licenses", ["issuer_code", "issued_on", "version_id"], unique=False)


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_licenses_issuer", table_name="licenses")
