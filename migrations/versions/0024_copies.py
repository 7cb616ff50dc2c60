"""Annotated copies (加注件), and alerts to whoever used a license (状态变更通报).

Revision: 0024. New tables, which older code does not notice, and a column of grants that may be empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
WAS_SEALED = sa.text("sha256 <> ''")
BEING_MADE = sa.text("state = 'making'")
OPEN_ALERT = sa.text("state = 'open'")
UNREMINDED = sa.text("state = 'open' AND reminded_at IS NULL")
UNFINISHED = sa.text("stage <> 'done'")


def upgrade() -> None:
    """Make them."""
    op.add_column("grants", sa.Column("copy_until", UTC_TIME))
    _copies()
    _batches()
    _alerts()


def downgrade() -> None:
    """Take them away."""
    for table in ("alerts", "alert_batches", "copies"):
        op.drop_table(table)
    op.drop_column("grants", "copy_until")


def _copies() -> None:
    op.create_table(
        "copies",
        sa.Column("copy_id", KEY, nullable=False),
        sa.Column("fetch_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("matter_name", sa.Text(), nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("circumstances", sa.LargeBinary(), nullable=False),
        sa.Column("basis", KEY, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.Column("signed_at", UTC_TIME, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("given_at", UTC_TIME),
        sa.Column("withdrawn_at", UTC_TIME),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_copies")),
        sa.UniqueConstraint("fetch_id", name=op.f("uq_copies_fetch_id")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_copies_token_sha256")),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_copies_version_id")),
    )
    op.create_index(
        "uq_copies_sha256", "copies", ["sha256"], unique=True, sqlite_where=WAS_SEALED, postgresql_where=WAS_SEALED
    )
    op.create_index(
        "ix_copies_making", "copies", ["signed_at"], unique=False, sqlite_where=BEING_MADE, postgresql_where=BEING_MADE
    )


def _batches() -> None:
    op.create_table(
        "alert_batches",
        sa.Column("batch_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("change", KEY, nullable=False),
        sa.Column("changed_at", UTC_TIME, nullable=False),
        sa.Column("since", UTC_TIME, nullable=False),
        sa.Column("stage", KEY, nullable=False),
        sa.Column("last_at", UTC_TIME),
        sa.Column("last_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_alert_batches")),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_alert_batches_version_id")),
    )
    op.create_index(
        "ix_alert_batches_unfinished",
        "alert_batches",
        ["changed_at", "batch_id"],
        unique=False,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", KEY, nullable=False),
        sa.Column("batch_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("license_type", KEY, nullable=False),
        sa.Column("issuer_code", KEY, nullable=False),
        sa.Column("change", KEY, nullable=False),
        sa.Column("changed_at", UTC_TIME, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("done", KEY, nullable=False),
        sa.Column("note", sa.LargeBinary()),
        sa.Column("acknowledged_by", KEY, nullable=False),
        sa.Column("acknowledged_at", UTC_TIME),
        sa.Column("reminded_at", UTC_TIME),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("batch_id", "client_id", "authority_code", name="uq_alerts_addressee"),
        sa.ForeignKeyConstraint(["batch_id"], ["alert_batches.batch_id"], name=op.f("fk_alerts_batch_id")),
    )
    op.create_index("ix_alerts_client", "alerts", ["client_id", "state", "created_at", "alert_id"], unique=False)
    op.create_index(
        "ix_alerts_authority",
        "alerts",
        ["authority_code", "client_id", "state", "created_at", "alert_id"],
        unique=False,
    )
    op.create_index("ix_alerts_issuer", "alerts", ["issuer_code", "state", "created_at", "alert_id"], unique=False)
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["created_at", "alert_id"],
        unique=False,
        sqlite_where=OPEN_ALERT,
        postgresql_where=OPEN_ALERT,
    )
    op.create_index(
        "ix_alerts_unreminded",
        "alerts",
        ["created_at", "alert_id"],
        unique=False,
        sqlite_where=UNREMINDED,
        postgresql_where=UNREMINDED,
    )
