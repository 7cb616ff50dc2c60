"""Matters of their one source, policies and staff; how a client proves itself.

Revision: 0022. New tables, which older code does not notice, and columns of clients with defaults for its rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
IN_HAND = sa.text("state IN ('requested', 'approved')")
TABLES = ("staff", "policy_days", "policy_marks", "policies", "matter_changes", "matters", "matter_versions")
COLUMNS = ("purpose", "staff_required", "tls_sha256", "tls_subject", "auth_method")


def upgrade() -> None:
    """Make them."""
    op.add_column("clients", sa.Column("auth_method", KEY, nullable=False, server_default=""))
    op.add_column("clients", sa.Column("tls_subject", sa.Text(), nullable=False, server_default=""))
    op.add_column("clients", sa.Column("tls_sha256", KEY, nullable=False, server_default=""))
    op.add_column("clients", sa.Column("staff_required", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("clients", sa.Column("purpose", sa.Text(), nullable=False, server_default=""))
    _matters()
    _policies()
    _staff()


def downgrade() -> None:
    """Take them away."""
    for table in TABLES:
        op.drop_table(table)
    for column in COLUMNS:
        op.drop_column("clients", column)


def _matters() -> None:
    op.create_table(
        "matter_versions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("imported_by", KEY, nullable=False),
        sa.Column("imported_at", UTC_TIME, nullable=False),
        sa.Column("matters", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_matter_versions")),
    )
    op.create_table(
        "matters",
        sa.Column("code", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_matters")),
    )
    op.create_index("ix_matters_authority", "matters", ["authority_code", "code"], unique=False)
    op.create_table(
        "matter_changes",
        sa.Column("code", KEY, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("was_name", sa.Text()),
        sa.Column("was_authority", KEY),
        sa.Column("was_ends_on", sa.Date()),
        sa.Column("was_version", sa.Integer()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("ends_on", sa.Date()),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_matter_changes")),
    )


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("policy_id", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("bases", sa.Text(), nullable=False),
        sa.Column("quota", sa.Integer()),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("requested_by", KEY, nullable=False),
        sa.Column("requested_at", UTC_TIME, nullable=False),
        sa.Column("decided_by", KEY, nullable=False),
        sa.Column("decided_at", UTC_TIME),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", KEY, nullable=False),
        sa.Column("opened_at", UTC_TIME),
        sa.Column("opened_on", sa.Date()),
        sa.Column("closed_by", KEY, nullable=False),
        sa.Column("closed_at", UTC_TIME),
        sa.Column("close_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_policies")),
    )
    op.create_index("ix_policies_pair", "policies", ["matter_code", "type_slug", "state"], unique=False)
    op.create_index("ix_policies_authority", "policies", ["authority_code", "requested_at", "policy_id"], unique=False)
    op.create_index("ix_policies_type", "policies", ["type_slug", "requested_at", "policy_id"], unique=False)
    op.create_index("ix_policies_state", "policies", ["state"], unique=False)
    op.create_index("ix_policies_newest", "policies", ["requested_at", "policy_id"], unique=False)
    op.create_index(
        "uq_policies_in_hand",
        "policies",
        ["matter_code", "type_slug"],
        unique=True,
        sqlite_where=IN_HAND,
        postgresql_where=IN_HAND,
    )
    op.create_table(
        "policy_marks",
        sa.Column("name", KEY, nullable=False),
        sa.Column("mark", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_policy_marks")),
    )
    op.create_table(
        "policy_days",
        sa.Column("policy_id", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "day", name=op.f("pk_policy_days")),
    )


def _staff() -> None:
    op.create_table(
        "staff",
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("account_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("from_on", sa.Date()),
        sa.Column("until_on", sa.Date()),
        sa.Column("set_by", KEY, nullable=False),
        sa.Column("set_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("client_id", "account_blind", name=op.f("pk_staff")),
    )
