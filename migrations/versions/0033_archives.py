"""归档信息包 and 电子材料.

Revision: 0033. New tables, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _archives()
    _materials()


def downgrade() -> None:
    """Take them away."""
    op.drop_table("materials")
    op.drop_table("archives")


def _archives() -> None:
    op.create_table(
        "archives",
        sa.Column("archive_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("label", KEY, nullable=False),
        sa.Column("state_digest", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("sm3", KEY, nullable=False),
        sa.Column("size", ROW_NUMBER, nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("keeping", KEY, nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("materials", sa.Text(), nullable=False),
        sa.Column("made_by", KEY, nullable=False),
        sa.Column("made_at", UTC_TIME, nullable=False),
        sa.Column("handed_to", sa.Text(), nullable=False),
        sa.Column("receipt_no", KEY, nullable=False),
        sa.Column("received_on", sa.Date()),
        sa.Column("receipt_by", KEY, nullable=False),
        sa.Column("receipt_at", UTC_TIME),
        sa.PrimaryKeyConstraint("archive_id", name=op.f("pk_archives")),
        sa.UniqueConstraint("kind", "subject", "authority_code", "state_digest", name="uq_archives_state"),
    )
    op.create_index("ix_archives_made", "archives", ["made_at", "archive_id"], unique=False)
    op.create_index("ix_archives_authority", "archives", ["authority_code", "made_at", "archive_id"], unique=False)


def _materials() -> None:
    op.create_table(
        "materials",
        sa.Column("material_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("size", ROW_NUMBER, nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("stamping_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("registered_by", KEY, nullable=False),
        sa.Column("registered_at", UTC_TIME, nullable=False),
        sa.Column("moved_at", UTC_TIME),
        sa.PrimaryKeyConstraint("material_id", name=op.f("pk_materials")),
        sa.UniqueConstraint("authority_code", "case_no", "sha256", name="uq_materials_file"),
    )
    op.create_index("ix_materials_case", "materials", ["authority_code", "case_no", "material_id"], unique=False)
