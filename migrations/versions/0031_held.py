"""A search by holder and type looks through what nothing replaced, of that type alone.

Revision: 0031. One index, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

NOT_REPLACED = sa.text("replaced_by_version_id = ''")


def upgrade() -> None:
    """Make it."""
    op.create_index(
        "ix_licenses_held",
        "licenses",
        ["holder_blind", "type_slug", "created_at", "version_id"],
        unique=False,
        sqlite_where=NOT_REPLACED,
        postgresql_where=NOT_REPLACED,
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_licenses_held", table_name="licenses")
