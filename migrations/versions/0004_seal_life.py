"""The life of a seal: versions, moves, makings, odd use, approvals, representatives, revocations.

Revision: 0004, after 0003. New tables and one index: older code runs on this schema, but knows no rules beside types
and budget, so seals with such rules are made after every process runs this release. The index over reservations is
built in the upgrade; with many millions of rows plan for a pause of a minute.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CURRENT = sa.text("state = 'current'")
UNDER_WAY = sa.text("state IN ('applied', 'approved', 'made')")
MAKING_OPEN = sa.text("result IN ('open', 'unknown')")

KNOWN_SEALS = """
INSERT INTO seal_versions (seal_id, version, state, cause, owner_code, owner_name, name, kind, algorithm, stamp,
    scope_types, rules, daily_budget, years, key_id, valid_from, valid_until, request, applied_by, approved_by, made_by,
    activated_by, created_at)
SELECT seal_id, 1, 'current', 'declared', owner_code, owner_name, name, kind, algorithm, stamp,
    scope_types, '{}', daily_budget, 1, key_id, valid_from, valid_until, '', '', '', '', '', valid_from
FROM seals
"""
"""Seals of releases that knew no versions are their own first version."""


def upgrade() -> None:
    """Make the tables and indexes, and write down the versions that are known."""
    op.create_index("ix_reservations_seal", "reservations", ["seal_id", "reserved_at"], unique=False)
    _versions()
    _moves()
    _makings()
    _watch()
    _approvals()
    _representatives()
    _revocations()
    op.execute(KNOWN_SEALS)


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in (
        "revocations",
        "seal_representatives",
        "seal_votes",
        "seal_approvals",
        "seal_tries",
        "seal_hours",
        "seal_makings",
        "seal_moves",
        "seal_versions",
    ):
        op.drop_table(table)
    op.drop_index("ix_reservations_seal", "reservations")


def _versions() -> None:
    op.create_table(
        "seal_versions",
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("cause", KEY, nullable=False),
        sa.Column("owner_code", KEY, nullable=False),
        sa.Column("owner_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("algorithm", KEY, nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("scope_types", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("daily_budget", sa.Integer(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("valid_from", UTC_TIME),
        sa.Column("valid_until", UTC_TIME),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("applied_by", KEY, nullable=False),
        sa.Column("approved_by", KEY, nullable=False),
        sa.Column("made_by", KEY, nullable=False),
        sa.Column("activated_by", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("seal_id", "version", name=op.f("pk_seal_versions")),
    )
    for name, where in (("uq_seal_versions_current", CURRENT), ("uq_seal_versions_under_way", UNDER_WAY)):
        op.create_index(name, "seal_versions", ["seal_id"], unique=True, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_seal_versions_owner", "seal_versions", ["owner_code", "seal_id"], unique=False)


def _moves() -> None:
    op.create_table(
        "seal_moves",
        sa.Column("row_no", ROW_NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("move_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("from_state", KEY, nullable=False),
        sa.Column("to_state", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("remark", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("row_no", name=op.f("pk_seal_moves")),
        sa.UniqueConstraint("move_id", name=op.f("uq_seal_moves_move_id")),
    )
    op.create_index(op.f("ix_seal_moves_seal_id_row_no"), "seal_moves", ["seal_id", "row_no"], unique=False)


def _makings() -> None:
    op.create_table(
        "seal_makings",
        sa.Column("making_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("purpose", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("reserved_at", UTC_TIME, nullable=False),
        sa.Column("result", KEY, nullable=False),
        sa.Column("answered_at", UTC_TIME),
        sa.PrimaryKeyConstraint("making_id", name=op.f("pk_seal_makings")),
    )
    op.create_index(
        "ix_seal_makings_open",
        "seal_makings",
        ["reserved_at", "making_id"],
        unique=False,
        sqlite_where=MAKING_OPEN,
        postgresql_where=MAKING_OPEN,
    )


def _watch() -> None:
    op.create_table(
        "seal_hours",
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("hour_start", UTC_TIME, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("excused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.seal_id"], name=op.f("fk_seal_hours_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", "hour_start", name=op.f("pk_seal_hours")),
    )
    op.create_table(
        "seal_tries",
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("rule", KEY, nullable=False),
        sa.Column("purpose_sha256", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.seal_id"], name=op.f("fk_seal_tries_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", "rule", "purpose_sha256", name=op.f("pk_seal_tries")),
    )


def _approvals() -> None:
    op.create_table(
        "seal_approvals",
        sa.Column("approval_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("owner_code", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("purpose", sa.LargeBinary(), nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("region", KEY, nullable=False),
        sa.Column("asked_by", KEY, nullable=False),
        sa.Column("asked_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("approvers", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("used_by", KEY, nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.seal_id"], name=op.f("fk_seal_approvals_seal_id")),
        sa.PrimaryKeyConstraint("approval_id", name=op.f("pk_seal_approvals")),
    )
    op.create_index("ix_seal_approvals_owner", "seal_approvals", ["owner_code", "asked_at"], unique=False)
    op.create_table(
        "seal_votes",
        sa.Column("approval_id", KEY, nullable=False),
        sa.Column("voter", KEY, nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("represented_by", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["seal_approvals.approval_id"], name=op.f("fk_seal_votes_approval_id")
        ),
        sa.PrimaryKeyConstraint("approval_id", "voter", name=op.f("pk_seal_votes")),
    )


def _representatives() -> None:
    op.create_table(
        "seal_representatives",
        sa.Column("representative_id", KEY, nullable=False),
        sa.Column("owner_code", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("scope_types", sa.Text(), nullable=False),
        sa.Column("matters", sa.Text(), nullable=False),
        sa.Column("begins_at", UTC_TIME, nullable=False),
        sa.Column("ends_at", UTC_TIME, nullable=False),
        sa.Column("document_no", sa.LargeBinary(), nullable=False),
        sa.Column("appointed_by", KEY, nullable=False),
        sa.Column("appointed_at", UTC_TIME, nullable=False),
        sa.Column("dismissed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("representative_id", name=op.f("pk_seal_representatives")),
    )
    op.create_index(
        "ix_seal_representatives_owner", "seal_representatives", ["owner_code", "appointed_at"], unique=False
    )


def _revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("issuer_key_id", KEY, nullable=False),
        sa.Column("serial", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("revoked_at", UTC_TIME, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("issuer_key_id", "serial", name=op.f("pk_revocations")),
    )
    op.create_index("ix_revocations_key", "revocations", ["key_id"], unique=False)
