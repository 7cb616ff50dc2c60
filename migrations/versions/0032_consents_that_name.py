"""Consents name the license, notices name who is told, and a no is found again.

Revision: 0032. Columns that older code does not notice, and one index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

DECLINED = sa.text("state = 'declined'")


def upgrade() -> None:
    """Make them."""
    op.add_column("use_parties", sa.Column("chosen", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("notices", sa.Column("recipient", sa.LargeBinary()))
    op.create_index(
        "ix_use_requests_declined",
        "use_requests",
        ["holder_blind", "matter_code", "case_no", "closed_at"],
        unique=False,
        sqlite_where=DECLINED,
        postgresql_where=DECLINED,
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_use_requests_declined", table_name="use_requests")
    op.drop_column("notices", "recipient")
    op.drop_column("use_parties", "chosen")
