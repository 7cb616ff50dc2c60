"""On what uses by other systems rest: use requests, consents at a counter, withheld uses, signed answers.

Revision: 0023. New tables, which older code does not notice, and columns of grants, fetches and delegations with
defaults for its rows. Older code shows a withheld use to the holder: nothing is withheld before every process is new.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
BY_CONSENT = sa.text("consent_id <> ''")
FOR_ANOTHER = sa.text("basis_id <> ''")
UNTOLD = sa.text("told_at IS NULL")
STILL_ASKED = sa.text("state = 'asked'")
TABLES = ("ask_counts", "withheld_uses", "withholdings", "counter_consents", "use_parties", "use_requests")


def upgrade() -> None:
    """Make them."""
    op.add_column("delegations", sa.Column("use_matters", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("grants", sa.Column("basis", KEY, nullable=False, server_default="own"))
    op.add_column("grants", sa.Column("basis_id", KEY, nullable=False, server_default=""))
    op.add_column("grants", sa.Column("consent_id", KEY, nullable=False, server_default=""))
    op.add_column("grants", sa.Column("operator", sa.LargeBinary()))
    op.add_column("grants", sa.Column("answers", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("fetches", sa.Column("said", sa.LargeBinary()))
    op.add_column("fetches", sa.Column("answer", KEY, nullable=False, server_default=""))
    op.add_column("fetches", sa.Column("withheld_until", UTC_TIME))
    op.add_column("fetches", sa.Column("withheld_why", sa.LargeBinary()))
    op.create_index("ix_grants_version", "grants", ["version_id", "created_at", "grant_id"])
    for name, column, some in (("consent", "consent_id", BY_CONSENT), ("basis", "basis_id", FOR_ANOTHER)):
        op.create_index(f"ix_grants_{name}", "grants", [column, "grant_id"], sqlite_where=some, postgresql_where=some)
    _requests()
    _others()


def downgrade() -> None:
    """Take them away."""
    for table in TABLES:
        op.drop_table(table)
    for name in ("basis", "consent", "version"):
        op.drop_index(f"ix_grants_{name}", "grants")
    for column in ("withheld_why", "withheld_until", "answer", "said"):
        op.drop_column("fetches", column)
    for column in ("answers", "operator", "consent_id", "basis_id", "basis"):
        op.drop_column("grants", column)
    op.drop_column("delegations", "use_matters")


def _requests() -> None:
    op.create_table(
        "use_requests",
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("holder_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("circumstances", sa.LargeBinary(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("lapses_at", UTC_TIME, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("closed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_use_requests")),
    )
    op.create_index(
        "ix_use_requests_open",
        "use_requests",
        ["client_id", "holder_blind", "lapses_at"],
        sqlite_where=STILL_ASKED,
        postgresql_where=STILL_ASKED,
    )
    op.create_table(
        "use_parties",
        sa.Column("party_id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("holder_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("answered_by", KEY, nullable=False),
        sa.Column("answered_at", UTC_TIME),
        sa.Column("basis", KEY, nullable=False),
        sa.Column("basis_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_use_parties")),
        sa.ForeignKeyConstraint(["request_id"], ["use_requests.request_id"], name=op.f("fk_use_parties_request_id")),
    )
    op.create_index("ix_use_parties_holder", "use_parties", ["holder_blind", "created_at", "party_id"])
    op.create_index("ix_use_parties_request", "use_parties", ["request_id", "party_id"])


def _others() -> None:
    op.create_table(
        "counter_consents",
        sa.Column("consent_id", KEY, nullable=False),
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("clerk", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("signer_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("circumstances", sa.LargeBinary(), nullable=False),
        sa.Column("picture_sha256", KEY, nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_counter_consents")),
    )
    op.create_table(
        "withholdings",
        sa.Column("withholding_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("legal_basis", sa.LargeBinary(), nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.Column("asked_by", KEY, nullable=False),
        sa.Column("asked_at", UTC_TIME, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("decided_by", KEY, nullable=False),
        sa.Column("decided_at", UTC_TIME),
        sa.PrimaryKeyConstraint("withholding_id", name=op.f("pk_withholdings")),
    )
    op.create_index("ix_withholdings_authority", "withholdings", ["authority_code", "asked_at", "withholding_id"])
    op.create_table(
        "withheld_uses",
        sa.Column("fetch_id", KEY, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.Column("told_at", UTC_TIME),
        sa.PrimaryKeyConstraint("fetch_id", name=op.f("pk_withheld_uses")),
        sa.ForeignKeyConstraint(["fetch_id"], ["fetches.fetch_id"], name=op.f("fk_withheld_uses_fetch_id")),
    )
    op.create_index(
        "ix_withheld_uses_untold",
        "withheld_uses",
        ["until", "fetch_id"],
        sqlite_where=UNTOLD,
        postgresql_where=UNTOLD,
    )
    op.create_table(
        "ask_counts",
        sa.Column("client_id", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("about_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "day", "about_blind", name=op.f("pk_ask_counts")),
    )
