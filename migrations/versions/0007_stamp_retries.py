"""Tries of the files of a stamping batch, and an index of the files that are kept to be run again.

Revision: 0007. A new table and an index: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.String(200)
KEPT_ITEM = sa.text("state = 'refused' AND upload <> ''")


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "stamp_item_tries",
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["stamp_items.item_id"], name=op.f("fk_stamp_item_tries_item_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_stamp_item_tries")),
    )
    op.create_index(
        "ix_stamp_items_kept",
        "stamp_items",
        ["ready_at"],
        unique=False,
        sqlite_where=KEPT_ITEM,
        postgresql_where=KEPT_ITEM,
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_stamp_items_kept", table_name="stamp_items")
    op.drop_table("stamp_item_tries")
