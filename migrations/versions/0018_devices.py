"""Devices of holders and officers, offline codes, queued inspections, parts of offline bundles.

Revision: 0018. Only new tables, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PROVEN = sa.text("state <> 'pending'")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "devices",
        sa.Column("device_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("thumbprint", KEY, nullable=False),
        sa.Column("challenge", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("confirmed_at", UTC_TIME),
        sa.Column("blocked_at", UTC_TIME),
        sa.Column("blocked_by", KEY, nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_devices")),
    )
    op.create_index("ix_devices_subject", "devices", ["subject", "created_at", "device_id"], unique=False)
    op.create_index("ix_devices_authority", "devices", ["authority_code", "created_at", "device_id"], unique=False)
    op.create_index("ix_devices_blocked", "devices", ["kind", "blocked_at"], unique=False)
    op.create_index(
        "uq_devices_key", "devices", ["thumbprint"], unique=True, sqlite_where=PROVEN, postgresql_where=PROVEN
    )
    op.create_table(
        "offline_cores",
        sa.Column("core_id", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("device_id", KEY, nullable=False),
        sa.Column("issued_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("core_id", name=op.f("pk_offline_cores")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_offline_cores_token_sha256")),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_offline_cores_version_id")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_offline_cores_device_id")),
    )
    op.create_index("ix_offline_cores_device", "offline_cores", ["device_id", "expires_at"], unique=False)
    op.create_table(
        "inspection_records",
        sa.Column("device_id", KEY, nullable=False),
        sa.Column("record_id", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("scan_id", KEY, nullable=False),
        sa.Column("made_at", UTC_TIME, nullable=False),
        sa.Column("received_at", UTC_TIME, nullable=False),
        sa.Column("light", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("identity_checked", sa.Boolean(), nullable=False),
        sa.Column("reason_then", KEY, nullable=False),
        sa.Column("reason_now", KEY, nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "record_id", name=op.f("pk_inspection_records")),
        sa.ForeignKeyConstraint(["device_id"], ["devices.device_id"], name=op.f("fk_inspection_records_device_id")),
    )
    op.create_table(
        "bundle_parts",
        sa.Column("name", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("version", ROW_NUMBER, nullable=False),
        sa.Column("changed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_bundle_parts")),
    )


def downgrade() -> None:
    """Take them away."""
    for table in ("bundle_parts", "inspection_records", "offline_cores", "devices"):
        op.drop_table(table)
