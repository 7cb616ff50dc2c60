"""鉴定销毁: lists, items, holds, and what went by decision.

Revision: 0039. New tables and indexes, which older code does not notice. Code of before does not know what was erased:
do not carry out a list before every process runs the new one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0036"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
PLACED = sa.text("lifted_at IS NULL")
HAS_PHOTO = sa.text("photo_id <> ''")


def upgrade() -> None:
    """Make them."""
    _lists()
    _items()
    _holds()
    _gone()
    op.create_index("ix_disputes_version", "disputes", ["version_id"], unique=False)
    op.create_index("ix_co_holders_license", "co_holders", ["license_id"], unique=False)
    op.create_index("ix_copies_version", "copies", ["version_id"], unique=False)
    op.create_index(
        "ix_licenses_photo", "licenses", ["photo_id"], sqlite_where=HAS_PHOTO, postgresql_where=HAS_PHOTO, unique=False
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_licenses_photo", "licenses")
    op.drop_index("ix_copies_version", "copies")
    op.drop_index("ix_co_holders_license", "co_holders")
    op.drop_index("ix_disputes_version", "disputes")
    for table in ("gone_files", "erased_rows", "disposal_holds", "disposal_items", "disposals"):
        op.drop_table(table)


def _lists() -> None:
    op.create_table(
        "disposals",
        sa.Column("list_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("proposed_by", KEY, nullable=False),
        sa.Column("proposed_at", UTC_TIME, nullable=False),
        sa.Column("opinion", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", KEY, nullable=False),
        sa.Column("decided_at", UTC_TIME),
        sa.Column("effect_at", UTC_TIME),
        sa.Column("ended_by", KEY, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_disposals")),
    )
    op.create_index("ix_disposals_authority", "disposals", ["authority_code", "proposed_at", "list_id"], unique=False)
    op.create_index("ix_disposals_proposed", "disposals", ["proposed_at", "list_id"], unique=False)
    op.create_index("ix_disposals_state", "disposals", ["state", "list_id"], unique=False)


def _items() -> None:
    op.create_table(
        "disposal_items",
        sa.Column("list_id", KEY, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("label", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("keeping", KEY, nullable=False),
        sa.Column("formed_on", sa.Date(), nullable=False),
        sa.Column("over_on", sa.Date(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("packages", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("why", KEY, nullable=False),
        sa.Column("moved_at", UTC_TIME),
        sa.Column("extended_until", sa.Date()),
        sa.ForeignKeyConstraint(["list_id"], ["disposals.list_id"], name=op.f("fk_disposal_items_list_id")),
        sa.PrimaryKeyConstraint("list_id", "place", name=op.f("pk_disposal_items")),
    )
    op.create_index("ix_disposal_items_subject", "disposal_items", ["kind", "subject", "list_id"], unique=False)


def _holds() -> None:
    op.create_table(
        "disposal_holds",
        sa.Column("hold_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("label", KEY, nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("placed_by", KEY, nullable=False),
        sa.Column("placed_at", UTC_TIME, nullable=False),
        sa.Column("lifted_by", KEY, nullable=False),
        sa.Column("lifted_at", UTC_TIME),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_disposal_holds")),
    )
    op.create_index(
        "ix_disposal_holds_placed",
        "disposal_holds",
        ["kind", "subject"],
        sqlite_where=PLACED,
        postgresql_where=PLACED,
        unique=False,
    )
    op.create_index(
        "ix_disposal_holds_authority", "disposal_holds", ["authority_code", "placed_at", "hold_id"], unique=False
    )


def _gone() -> None:
    op.create_table(
        "erased_rows",
        sa.Column("noun", KEY, nullable=False),
        sa.Column("row_id", KEY, nullable=False),
        sa.Column("was", KEY, nullable=False),
        sa.Column("was_before", KEY, nullable=False),
        sa.Column("list_id", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("noun", "row_id", name=op.f("pk_erased_rows")),
    )
    op.create_table(
        "gone_files",
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("list_id", KEY, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("object_name", name=op.f("pk_gone_files")),
    )
    op.create_index("ix_gone_files_item", "gone_files", ["list_id", "place"], unique=False)
