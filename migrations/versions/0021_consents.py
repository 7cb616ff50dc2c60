"""The holder's side of showing: challenges, delegations, relations of people, co-holders, disputes.

Revision: 0021. New tables, which older code does not notice, and columns of shows with defaults for its rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
IN_OFFICE = sa.text("slot > 0")
ONE_REPRESENTATIVE = sa.text("kind = 'representative' AND ended_at IS NULL")
STILL_SO = sa.text("ended_at IS NULL")
STILL_HELD = sa.text("removed_at IS NULL")


def upgrade() -> None:
    """Make them."""
    op.add_column("shows", sa.Column("basis", KEY, nullable=False, server_default="own"))
    op.add_column("shows", sa.Column("basis_id", KEY, nullable=False, server_default=""))
    op.add_column("shows", sa.Column("presenter", sa.LargeBinary()))
    op.add_column("shows", sa.Column("bundle", KEY, nullable=False, server_default=""))
    op.add_column("shows", sa.Column("members", sa.Text(), nullable=False, server_default="[]"))
    _challenges()
    _delegations()
    _relations()
    _disputes()


def downgrade() -> None:
    """Take them away."""
    for table in ("disputes", "co_holders", "relations", "delegations", "challenges"):
        op.drop_table(table)
    for column in ("members", "bundle", "presenter", "basis_id", "basis"):
        op.drop_column("shows", column)


def _challenges() -> None:
    op.create_table(
        "challenges",
        sa.Column("challenge_id", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("ticket_sha256", KEY, nullable=False),
        sa.Column("verifier", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("badge", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("scene", KEY, nullable=False),
        sa.Column("audience", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("circumstances", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("holder_subject", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("basis", KEY, nullable=False),
        sa.Column("basis_id", KEY, nullable=False),
        sa.Column("presenter", sa.LargeBinary()),
        sa.Column("answered_at", UTC_TIME),
        sa.Column("collect_until", UTC_TIME),
        sa.Column("collected_at", UTC_TIME),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_challenges")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_challenges_token_sha256")),
    )
    op.create_index(
        "ix_challenges_verifier",
        "challenges",
        ["verifier", "state", "expires_at"],
        unique=False,
    )
    op.create_index(
        "ix_challenges_holder",
        "challenges",
        ["holder_subject", "answered_at", "challenge_id"],
        unique=False,
    )


def _delegations() -> None:
    op.create_table(
        "delegations",
        sa.Column("delegation_id", KEY, nullable=False),
        sa.Column("parent_id", KEY, nullable=False),
        sa.Column("level", KEY, nullable=False),
        sa.Column("holder_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("grantor_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("delegate_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("accepted_at", UTC_TIME),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("ended_because", KEY, nullable=False),
        sa.PrimaryKeyConstraint("delegation_id", name=op.f("pk_delegations")),
    )
    op.create_index(
        "ix_delegations_holder",
        "delegations",
        ["holder_blind", "created_at", "delegation_id"],
        unique=False,
    )
    op.create_index(
        "ix_delegations_grantor",
        "delegations",
        ["grantor_blind", "created_at", "delegation_id"],
        unique=False,
    )
    op.create_index(
        "ix_delegations_delegate",
        "delegations",
        ["delegate_blind", "created_at", "delegation_id"],
        unique=False,
    )
    op.create_index(
        "ix_delegations_parent",
        "delegations",
        ["parent_id"],
        unique=False,
    )
    op.create_index(
        "uq_delegations_slot",
        "delegations",
        ["holder_blind", "slot"],
        unique=True,
        sqlite_where=IN_OFFICE,
        postgresql_where=IN_OFFICE,
    )


def _relations() -> None:
    op.create_table(
        "relations",
        sa.Column("relation_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("subject_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("other_blind", sa.LargeBinary(32)),
        sa.Column("people", sa.LargeBinary(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("document_no", KEY, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date()),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.PrimaryKeyConstraint("relation_id", name=op.f("pk_relations")),
    )
    op.create_index(
        "ix_relations_subject",
        "relations",
        ["subject_blind", "kind"],
        unique=False,
    )
    op.create_index(
        "ix_relations_other",
        "relations",
        ["other_blind", "kind"],
        unique=False,
    )
    op.create_index(
        "uq_relations_representative",
        "relations",
        ["subject_blind"],
        unique=True,
        sqlite_where=ONE_REPRESENTATIVE,
        postgresql_where=ONE_REPRESENTATIVE,
    )
    op.create_index(
        "uq_relations_open",
        "relations",
        ["subject_blind", "other_blind", "kind"],
        unique=True,
        sqlite_where=STILL_SO,
        postgresql_where=STILL_SO,
    )
    op.create_table(
        "co_holders",
        sa.Column("co_holder_id", KEY, nullable=False),
        sa.Column("license_id", KEY, nullable=False),
        sa.Column("holder_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", UTC_TIME, nullable=False),
        sa.Column("removed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("co_holder_id", name=op.f("pk_co_holders")),
    )
    op.create_index(
        "ix_co_holders_holder",
        "co_holders",
        ["holder_blind"],
        unique=False,
    )
    op.create_index(
        "uq_co_holders_held",
        "co_holders",
        ["license_id", "holder_blind"],
        unique=True,
        sqlite_where=STILL_HELD,
        postgresql_where=STILL_HELD,
    )


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("dispute_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("holder_subject", KEY, nullable=False),
        sa.Column("about", KEY, nullable=False),
        sa.Column("use_id", KEY, nullable=False),
        sa.Column("used_by", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", UTC_TIME, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("handler", KEY, nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("taken_at", UTC_TIME),
        sa.Column("closed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes")),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_disputes_version_id")),
    )
    op.create_index(
        "ix_disputes_holder",
        "disputes",
        ["holder_subject", "filed_at", "dispute_id"],
        unique=False,
    )
    op.create_index(
        "ix_disputes_authority",
        "disputes",
        ["authority_code", "filed_at", "dispute_id"],
        unique=False,
    )
