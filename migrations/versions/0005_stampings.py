"""Stamping by hand: previews, the register of stamped documents, batches and their files.

Revision: 0005, after 0003. Only new tables: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
WAITING_ITEM = sa.text("state = 'waiting'")
HOLDS_OBJECT = sa.text("object_name <> ''")


def upgrade() -> None:
    """Make the tables and indexes."""
    _previews()
    _stampings()
    _batches()


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in ("stamp_items", "stamp_batches", "stampings", "stamp_previews", "stamp_uploads"):
        op.drop_table(table)


def _previews() -> None:
    op.create_table(
        "stamp_uploads",
        sa.Column("upload_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("operator", KEY, nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("pages", sa.Text(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_stamp_uploads")),
    )
    op.create_index(
        "ix_stamp_uploads_expires_at",
        "stamp_uploads",
        ["expires_at"],
        unique=False,
        sqlite_where=HOLDS_OBJECT,
        postgresql_where=HOLDS_OBJECT,
    )
    op.create_table(
        "stamp_previews",
        sa.Column("preview_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("operator", KEY, nullable=False),
        sa.Column("upload_id", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("locks", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("used_at", UTC_TIME),
        sa.Column("key_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["stamp_uploads.upload_id"], name=op.f("fk_stamp_previews_upload_id")),
        sa.PrimaryKeyConstraint("preview_id", name=op.f("pk_stamp_previews")),
    )


def _stampings() -> None:
    op.create_table(
        "stampings",
        sa.Column("stamping_id", KEY, nullable=False),
        sa.Column("work_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("operator", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("approval_id", KEY, nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("sha256_before", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("reservation_id", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("stamping_id", name=op.f("pk_stampings")),
        sa.UniqueConstraint("work_id", name=op.f("uq_stampings_work_id")),
        sa.UniqueConstraint("sha256", name=op.f("uq_stampings_sha256")),
    )
    op.create_index(
        op.f("ix_stampings_authority_code_stamping_id"), "stampings", ["authority_code", "stamping_id"], unique=False
    )


def _batches() -> None:
    op.create_table(
        "stamp_batches",
        sa.Column("batch_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("operator", KEY, nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_stamp_batches")),
    )
    op.create_table(
        "stamp_items",
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("batch_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.LargeBinary(), nullable=False),
        sa.Column("upload", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("stamping_id", KEY, nullable=False),
        sa.Column("reason_code", KEY, nullable=False),
        sa.Column("reason_detail", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_by", KEY, nullable=False),
        sa.Column("claim_token", KEY, nullable=False),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["stamp_batches.batch_id"], name=op.f("fk_stamp_items_batch_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_stamp_items")),
        sa.UniqueConstraint("batch_id", "number", name=op.f("uq_stamp_items_batch_id_number")),
    )
    op.create_index(
        "ix_stamp_items_queue",
        "stamp_items",
        ["ready_at", "item_id"],
        unique=False,
        sqlite_where=WAITING_ITEM,
        postgresql_where=WAITING_ITEM,
    )
