"""Uses of licenses, outbox, evidence and tallies.

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WITHOUT_POSITION = sa.text("position IS NULL")


def upgrade() -> None:
    """Make the tables."""
    _cursors()
    _events()
    _evidence()
    _fetches()
    _inbox()
    _leases()
    _scans()
    _tallies()
    _tally_changes()
    _grants()
    _notices()
    _shows()


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in (
        "shows",
        "notices",
        "grants",
        "tally_changes",
        "tallies",
        "scans",
        "leases",
        "inbox",
        "fetches",
        "evidence",
        "events",
        "cursors",
    ):
        op.drop_table(table)


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("consumer", KEY, nullable=False),
        sa.Column("position", ROW_NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_cursors")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("row_no", ROW_NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("time", UTC_TIME, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("position", ROW_NUMBER),
        sa.PrimaryKeyConstraint("row_no", name=op.f("pk_events")),
        sa.UniqueConstraint("position", name=op.f("uq_events_position")),
        sa.UniqueConstraint("source", "event_id", name=op.f("uq_events_source_event_id")),
    )
    op.create_index(
        "ix_events_waiting",
        "events",
        ["row_no"],
        unique=False,
        sqlite_where=WITHOUT_POSITION,
        postgresql_where=WITHOUT_POSITION,
    )


def _evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("row_no", ROW_NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("evidence_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("position", ROW_NUMBER),
        sa.PrimaryKeyConstraint("row_no", name=op.f("pk_evidence")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq_evidence_evidence_id")),
        sa.UniqueConstraint("position", name=op.f("uq_evidence_position")),
    )
    op.create_index(
        "ix_evidence_waiting",
        "evidence",
        ["row_no"],
        unique=False,
        sqlite_where=WITHOUT_POSITION,
        postgresql_where=WITHOUT_POSITION,
    )


def _fetches() -> None:
    op.create_table(
        "fetches",
        sa.Column("fetch_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("circumstances", sa.LargeBinary(), nullable=False),
        sa.Column("basis", KEY, nullable=False),
        sa.Column("grant_id", KEY, nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("fetch_id", name=op.f("pk_fetches")),
    )
    op.create_index("ix_fetches_version", "fetches", ["version_id", "at", "fetch_id"], unique=False)


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("consumer", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
    )


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", KEY, nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )


def _scans() -> None:
    op.create_table(
        "scans",
        sa.Column("scan_id", KEY, nullable=False),
        sa.Column("code_kind", KEY, nullable=False),
        sa.Column("show_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("officer", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("badge", KEY, nullable=False),
        sa.Column("scene", KEY, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_scans")),
    )
    op.create_index("ix_scans_authority", "scans", ["authority_code", "at", "scan_id"], unique=False)
    op.create_index("ix_scans_version", "scans", ["version_id", "at", "scan_id"], unique=False)


def _tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("noun", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("value", ROW_NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("noun", "state", name=op.f("pk_tallies")),
    )


def _tally_changes() -> None:
    op.create_table(
        "tally_changes",
        sa.Column("row_no", ROW_NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("noun", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("row_no", name=op.f("pk_tally_changes")),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("grant_id", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("holder_subject", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("used_at", UTC_TIME),
        sa.Column("withdrawn_at", UTC_TIME),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_grants_version_id")),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_grants")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_grants_token_sha256")),
    )
    op.create_index("ix_grants_holder", "grants", ["holder_subject", "created_at", "grant_id"], unique=False)


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("notice_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_notices_version_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_version", "notices", ["version_id", "at", "notice_id"], unique=False)


def _shows() -> None:
    op.create_table(
        "shows",
        sa.Column("show_id", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("holder_subject", KEY, nullable=False),
        sa.Column("scene", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("redeemed_at", UTC_TIME),
        sa.Column("redeemed_by", KEY, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_shows_version_id")),
        sa.PrimaryKeyConstraint("show_id", name=op.f("pk_shows")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_shows_token_sha256")),
    )
