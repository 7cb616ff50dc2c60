"""Requests, licenses, seals and people.

Revision: 0001, after nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN_RESERVATION = sa.text("result IN ('open', 'unknown')")
IN_FORCE = sa.text("state IN ('provisional', 'valid', 'suspended')")
OPEN_REQUEST = sa.text("state IN ('accepted', 'failed')")
UNREGISTERED = sa.text("registered IS NOT TRUE")


def upgrade() -> None:
    """Make the tables."""
    _clients()
    _counters()
    _licenses()
    _people()
    _photos()
    _receipts()
    _requests()
    _seals()
    _seen_once()
    _artifacts()
    _intents()
    _moves()
    _reservations()
    _seal_days()


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in (
        "seal_days",
        "reservations",
        "moves",
        "intents",
        "artifacts",
        "seen_once",
        "seals",
        "requests",
        "receipts",
        "photos",
        "people",
        "licenses",
        "counters",
        "clients",
    ):
        op.drop_table(table)


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("secret_sha256", KEY, nullable=False),
        sa.Column("jwks", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_clients")),
    )


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", ROW_NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )


def _licenses() -> None:
    op.create_table(
        "licenses",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("license_id", KEY, nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("root", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("issuer_code", KEY, nullable=False),
        sa.Column("issuer_name", sa.Text(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("holder_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("photo_id", KEY, nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("first_issued_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        sa.Column("state", KEY, nullable=False),
        sa.Column("suspended_until", sa.Date()),
        sa.Column("previous_version_id", KEY, nullable=False),
        sa.Column("replaced_by_version_id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("printed_token", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("artifact_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_licenses")),
        sa.UniqueConstraint("identifier", name=op.f("uq_licenses_identifier")),
        sa.UniqueConstraint("license_id", "version", name=op.f("uq_licenses_license_id_version")),
        sa.UniqueConstraint("printed_token", name=op.f("uq_licenses_printed_token")),
    )
    op.create_index("ix_licenses_holder", "licenses", ["holder_blind", "created_at", "version_id"], unique=False)
    op.create_index("ix_licenses_number", "licenses", ["type_slug", "number_blind", "created_at"], unique=False)
    for name, columns in (
        ("uq_licenses_number_in_force", ["type_slug", "number_blind"]),
        ("uq_licenses_in_force", ["license_id"]),
    ):
        op.create_index(name, "licenses", columns, unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE)


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("subject", KEY, nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("holder_code_type", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("verified_by", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_people")),
    )


def _photos() -> None:
    op.create_table(
        "photos",
        sa.Column("photo_id", KEY, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_photos")),
    )


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("caller", KEY, nullable=False),
        sa.Column("key_sha256", KEY, nullable=False),
        sa.Column("body_hash", KEY, nullable=False),
        sa.Column("result_id", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key_sha256", name=op.f("pk_receipts")),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("caller", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("business_no", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("action", KEY, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", KEY, nullable=False),
        sa.Column("idempotency_key", KEY),
        sa.Column("event_source", KEY),
        sa.Column("event_id", KEY),
        sa.Column("photo_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason_code", KEY, nullable=False),
        sa.Column("reason_detail", sa.LargeBinary()),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("claimed_by", KEY),
        sa.Column("claim_token", KEY),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_requests")),
        sa.UniqueConstraint("authority_code", "business_no", "type_slug", "action", name="uq_requests_business_key"),
        sa.UniqueConstraint("caller", "event_source", "event_id", name="uq_requests_event"),
        sa.UniqueConstraint("caller", "idempotency_key", name="uq_requests_idempotency_key"),
    )
    op.create_index(
        "ix_requests_open",
        "requests",
        ["updated_at"],
        unique=False,
        sqlite_where=OPEN_REQUEST,
        postgresql_where=OPEN_REQUEST,
    )
    op.create_index(
        "ix_requests_queue",
        "requests",
        ["created_at", "request_id", "ready_at", "state"],
        unique=False,
        sqlite_where=OPEN_REQUEST,
        postgresql_where=OPEN_REQUEST,
    )


def _seals() -> None:
    op.create_table(
        "seals",
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("owner_code", KEY, nullable=False),
        sa.Column("owner_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("algorithm", KEY, nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("scope_types", sa.Text(), nullable=False),
        sa.Column("valid_from", UTC_TIME, nullable=False),
        sa.Column("valid_until", UTC_TIME, nullable=False),
        sa.Column("daily_budget", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seal_id", name=op.f("pk_seals")),
    )


def _seen_once() -> None:
    op.create_table(
        "seen_once",
        sa.Column("key_sha256", KEY, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", name=op.f("pk_seen_once")),
    )
    op.create_index(op.f("ix_seen_once_until"), "seen_once", ["until"], unique=False)


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("artifact_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("size", ROW_NUMBER, nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_artifacts_version_id")),
        sa.PrimaryKeyConstraint("artifact_id", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("sha256", name=op.f("uq_artifacts_sha256")),
    )
    op.create_index(op.f("ix_artifacts_version_id"), "artifacts", ["version_id"], unique=False)


def _intents() -> None:
    op.create_table(
        "intents",
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("license_id", KEY, nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("root", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("printed_token", KEY, nullable=False),
        sa.Column("document_id", sa.LargeBinary(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("first_issued_on", sa.Date(), nullable=False),
        sa.Column("signed_at", UTC_TIME, nullable=False),
        sa.Column("previous_version_id", KEY, nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.request_id"], name=op.f("fk_intents_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_intents")),
        sa.UniqueConstraint("identifier", name=op.f("uq_intents_identifier")),
        sa.UniqueConstraint("printed_token", name=op.f("uq_intents_printed_token")),
        sa.UniqueConstraint("version_id", name=op.f("uq_intents_version_id")),
    )
    op.create_index(
        "ix_intents_unregistered",
        "intents",
        ["signed_at"],
        unique=False,
        sqlite_where=UNREGISTERED,
        postgresql_where=UNREGISTERED,
    )


def _moves() -> None:
    op.create_table(
        "moves",
        sa.Column("row_no", ROW_NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("move_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("from_state", KEY, nullable=False),
        sa.Column("to_state", KEY, nullable=False),
        sa.Column("decision", sa.LargeBinary()),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_moves_version_id")),
        sa.PrimaryKeyConstraint("row_no", name=op.f("pk_moves")),
        sa.UniqueConstraint("move_id", name=op.f("uq_moves_move_id")),
    )
    op.create_index(op.f("ix_moves_version_id_row_no"), "moves", ["version_id", "row_no"], unique=False)


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("reservation_id", KEY, nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("purpose", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("reserved_at", UTC_TIME, nullable=False),
        sa.Column("result", KEY, nullable=False),
        sa.Column("signature_sha256", KEY, nullable=False),
        sa.Column("answered_at", UTC_TIME),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.seal_id"], name=op.f("fk_reservations_seal_id")),
        sa.PrimaryKeyConstraint("reservation_id", name=op.f("pk_reservations")),
    )
    op.create_index(
        "ix_reservations_open",
        "reservations",
        ["reserved_at", "reservation_id"],
        unique=False,
        sqlite_where=OPEN_RESERVATION,
        postgresql_where=OPEN_RESERVATION,
    )
    op.create_index(
        "ix_reservations_open_purpose",
        "reservations",
        ["purpose"],
        unique=False,
        sqlite_where=OPEN_RESERVATION,
        postgresql_where=OPEN_RESERVATION,
    )


def _seal_days() -> None:
    op.create_table(
        "seal_days",
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("day_start", UTC_TIME, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.seal_id"], name=op.f("fk_seal_days_seal_id")),
        sa.PrimaryKeyConstraint("seal_id", "day_start", name=op.f("pk_seal_days")),
    )
