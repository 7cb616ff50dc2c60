"""Facade accounts, their codes and addresses; regulators' subscriptions, pushes and inspection results.

Revision: 0025. New tables, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _facades()
    _oversights()
    _results()


def downgrade() -> None:
    """Take them away."""
    for table in (
        "inspection_results",
        "oversight_pushes",
        "oversights",
        "facade_downloads",
        "facade_codes",
        "facade_accounts",
    ):
        op.drop_table(table)


def _facades() -> None:
    op.create_table(
        "facade_accounts",
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("facade", KEY, nullable=False),
        sa.Column("login", KEY, nullable=False),
        sa.Column("secret_sha256", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("verbs", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_facade_accounts")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.client_id"], name=op.f("fk_facade_accounts_client_id")),
        sa.UniqueConstraint("facade", "login", name=op.f("uq_facade_accounts_facade_login")),
    )
    op.create_table(
        "facade_codes",
        sa.Column("code_sha256", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("basis", KEY, nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("circumstances", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("data_used_at", UTC_TIME),
        sa.Column("file_used_at", UTC_TIME),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_facade_codes")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["facade_accounts.account_id"], name=op.f("fk_facade_codes_account_id")
        ),
    )
    op.create_index("ix_facade_codes_old", "facade_codes", ["expires_at"], unique=False)
    op.create_table(
        "facade_downloads",
        sa.Column("id_sha256", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("used_at", UTC_TIME),
        sa.PrimaryKeyConstraint("id_sha256", name=op.f("pk_facade_downloads")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["facade_accounts.account_id"], name=op.f("fk_facade_downloads_account_id")
        ),
    )
    op.create_index("ix_facade_downloads_old", "facade_downloads", ["expires_at"], unique=False)


def _oversights() -> None:
    op.create_table(
        "oversights",
        sa.Column("oversight_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("region", KEY, nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", KEY, nullable=False),
        sa.Column("after", ROW_NUMBER, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("changed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("oversight_id", name=op.f("pk_oversights")),
    )
    op.create_index("ix_oversights_client", "oversights", ["client_id", "oversight_id"], unique=False)
    op.create_index("ix_oversights_state", "oversights", ["state", "oversight_id"], unique=False)
    op.create_table(
        "oversight_pushes",
        sa.Column("push_id", KEY, nullable=False),
        sa.Column("oversight_id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("position", ROW_NUMBER, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("push_id", name=op.f("pk_oversight_pushes")),
        sa.ForeignKeyConstraint(
            ["oversight_id"], ["oversights.oversight_id"], name=op.f("fk_oversight_pushes_oversight_id")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_oversight_pushes_version_id")),
        sa.UniqueConstraint("oversight_id", "event_id", name=op.f("uq_oversight_pushes_oversight_id_event_id")),
    )
    op.create_index("ix_oversight_pushes_order", "oversight_pushes", ["oversight_id", "position"], unique=False)


def _results() -> None:
    op.create_table(
        "inspection_results",
        sa.Column("result_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("result_no", KEY, nullable=False),
        sa.Column("body_hash", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("disclosed_on", sa.Date()),
        sa.Column("suggestion", KEY, nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_inspection_results")),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_inspection_results_version_id")),
        sa.UniqueConstraint("client_id", "result_no", name=op.f("uq_inspection_results_client_id_result_no")),
    )
    op.create_index(
        "ix_inspection_results_version", "inspection_results", ["version_id", "at", "result_id"], unique=False
    )
