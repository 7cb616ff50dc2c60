"""Signers (people with an e-signature), the uses of their keys, signing rounds and one-time codes.

Revision: 0006. Only new tables: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
LIVING = sa.text("state IN ('applied', 'active', 'stopped')")
OPEN_USE = sa.text("result IN ('open', 'unknown')")
OPEN_ROUND = sa.text("state = 'open'")
REVOKED = sa.text("revoked_at IS NOT NULL")


def upgrade() -> None:
    """Make the tables and indexes."""
    _signers()
    _signer_uses()
    _signing_rounds()
    _signing_steps()
    _signing_revisions()
    _signing_codes()


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in (
        "signing_codes",
        "signing_revisions",
        "signing_steps",
        "signing_rounds",
        "signer_uses",
        "signers",
    ):
        op.drop_table(table)


def _signers() -> None:
    op.create_table(
        "signers",
        sa.Column("signer_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("person_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("agreement", KEY, nullable=False),
        sa.Column("algorithm", KEY, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("pin_tries", sa.Integer(), nullable=False),
        sa.Column("handwriting", sa.LargeBinary(), nullable=False),
        sa.Column("serial", KEY, nullable=False),
        sa.Column("issuer_key_id", KEY, nullable=False),
        sa.Column("valid_from", UTC_TIME),
        sa.Column("valid_until", UTC_TIME),
        sa.Column("applied_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("revoked_at", UTC_TIME),
        sa.Column("revocation_reason", KEY, nullable=False),
        sa.PrimaryKeyConstraint("signer_id", name=op.f("pk_signers")),
    )
    op.create_index("ix_signers_person", "signers", ["person_blind", "applied_at"], unique=False)
    op.create_index(
        "ix_signers_revoked",
        "signers",
        ["issuer_key_id", "serial"],
        unique=False,
        sqlite_where=REVOKED,
        postgresql_where=REVOKED,
    )
    op.create_index("ix_signers_serial", "signers", ["issuer_key_id", "serial"], unique=False)
    op.create_index(
        "ix_signers_valid_until", "signers", ["valid_until"], unique=False, sqlite_where=LIVING, postgresql_where=LIVING
    )
    op.create_index(
        "uq_signers_living", "signers", ["person_blind"], unique=True, sqlite_where=LIVING, postgresql_where=LIVING
    )


def _signer_uses() -> None:
    op.create_table(
        "signer_uses",
        sa.Column("use_id", KEY, nullable=False),
        sa.Column("signer_id", KEY, nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("step_id", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("reserved_at", UTC_TIME, nullable=False),
        sa.Column("result", KEY, nullable=False),
        sa.Column("signature_sha256", KEY, nullable=False),
        sa.Column("answered_at", UTC_TIME),
        sa.ForeignKeyConstraint(["signer_id"], ["signers.signer_id"], name=op.f("fk_signer_uses_signer_id")),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_signer_uses")),
    )
    op.create_index(
        "ix_signer_uses_open",
        "signer_uses",
        ["reserved_at", "use_id"],
        unique=False,
        sqlite_where=OPEN_USE,
        postgresql_where=OPEN_USE,
    )
    op.create_index(
        "ix_signer_uses_round",
        "signer_uses",
        ["round_id"],
        unique=False,
        sqlite_where=OPEN_USE,
        postgresql_where=OPEN_USE,
    )
    op.create_index(op.f("ix_signer_uses_signer_id"), "signer_uses", ["signer_id"], unique=False)


def _signing_rounds() -> None:
    op.create_table(
        "signing_rounds",
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("created_by", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("deadline", UTC_TIME, nullable=False),
        sa.Column("uploaded_sha256", KEY, nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("needs_code", sa.Boolean(), nullable=False),
        sa.Column("left_to_sign", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("seal_id", KEY, nullable=False),
        sa.Column("seal_field", KEY, nullable=False),
        sa.Column("seal_place", KEY, nullable=False),
        sa.Column("seal_trouble", KEY, nullable=False),
        sa.Column("sealed_at", UTC_TIME),
        sa.Column("claim_token", KEY, nullable=False),
        sa.Column("claim_until", UTC_TIME),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_signing_rounds")),
    )
    op.create_index("ix_signing_rounds_creator", "signing_rounds", ["created_by", "created_at"], unique=False)
    op.create_index(
        "ix_signing_rounds_open",
        "signing_rounds",
        ["deadline", "round_id"],
        unique=False,
        sqlite_where=OPEN_ROUND,
        postgresql_where=OPEN_ROUND,
    )


def _signing_steps() -> None:
    op.create_table(
        "signing_steps",
        sa.Column("step_id", KEY, nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("person_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("remark", sa.LargeBinary(), nullable=False),
        sa.Column("field_name", KEY, nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.Column("width", sa.Float(), nullable=False),
        sa.Column("height", sa.Float(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("signer_id", KEY, nullable=False),
        sa.Column("signed_at", UTC_TIME),
        sa.Column("signature_sha256", KEY, nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["signing_rounds.round_id"], name=op.f("fk_signing_steps_round_id")),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_signing_steps")),
    )
    op.create_index("ix_signing_steps_person", "signing_steps", ["person_blind", "round_id"], unique=False)
    op.create_index("ix_signing_steps_round", "signing_steps", ["round_id", "turn", "step_id"], unique=False)


def _signing_revisions() -> None:
    op.create_table(
        "signing_revisions",
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("step_id", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["signing_rounds.round_id"], name=op.f("fk_signing_revisions_round_id")),
        sa.PrimaryKeyConstraint("round_id", "number", name=op.f("pk_signing_revisions")),
    )
    op.create_index(op.f("ix_signing_revisions_sha256"), "signing_revisions", ["sha256"], unique=False)


def _signing_codes() -> None:
    op.create_table(
        "signing_codes",
        sa.Column("code_id", KEY, nullable=False),
        sa.Column("round_id", KEY, nullable=False),
        sa.Column("step_id", KEY, nullable=False),
        sa.Column("signer_id", KEY, nullable=False),
        sa.Column("document_sha256", KEY, nullable=False),
        sa.Column("code_blind", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("used_at", UTC_TIME),
        sa.ForeignKeyConstraint(["step_id"], ["signing_steps.step_id"], name=op.f("fk_signing_codes_step_id")),
        sa.PrimaryKeyConstraint("code_id", name=op.f("pk_signing_codes")),
    )
    op.create_index("ix_signing_codes_step", "signing_codes", ["step_id", "made_at"], unique=False)
