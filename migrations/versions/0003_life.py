"""Links between versions, facts, reminders, provisional papers and the published catalog.

Revision: 0003, after 0002. Only new tables: older code runs on this schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HAS_REFERENCE = sa.text("reference <> ''")

EARLIER_LINKS = """
INSERT INTO version_links (predecessor_id, successor_id, kind, case_no, at)
SELECT l.previous_version_id, l.version_id, coalesce(r.action, 'change'), '', l.created_at
FROM licenses AS l LEFT JOIN requests AS r ON r.request_id = l.request_id
WHERE l.previous_version_id <> ''
"""
"""Versions of releases that kept the predecessor in the version alone."""


def upgrade() -> None:
    """Make the tables and indexes, and write down the links that are known."""
    _provisional_papers()
    _version_links()
    _version_facts()
    _dues()
    _catalog()
    op.execute(EARLIER_LINKS)


def downgrade() -> None:
    """Drop them, the referring ones first."""
    for table in (
        "catalog_publications",
        "catalog_proposals",
        "sweeps",
        "dues",
        "version_facts",
        "version_links",
        "provisional_papers",
    ):
        op.drop_table(table)


def _provisional_papers() -> None:
    op.create_table(
        "provisional_papers",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("project_code", KEY, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_provisional_papers_version_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_provisional_papers")),
    )
    op.create_index(op.f("ix_provisional_papers_project_code"), "provisional_papers", ["project_code"], unique=False)


def _version_links() -> None:
    op.create_table(
        "version_links",
        sa.Column("predecessor_id", KEY, nullable=False),
        sa.Column("successor_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["licenses.version_id"], name=op.f("fk_version_links_predecessor_id")
        ),
        sa.ForeignKeyConstraint(["successor_id"], ["licenses.version_id"], name=op.f("fk_version_links_successor_id")),
        sa.PrimaryKeyConstraint("predecessor_id", "successor_id", name=op.f("pk_version_links")),
    )
    op.create_index("ix_version_links_successor", "version_links", ["successor_id", "predecessor_id"], unique=False)


def _version_facts() -> None:
    op.create_table(
        "version_facts",
        sa.Column("row_no", ROW_NUMBER, sa.Identity(always=True), nullable=False),
        sa.Column("fact_id", KEY, nullable=False),
        sa.Column("fact_key", KEY, nullable=False),
        sa.Column("license_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("reference", KEY, nullable=False),
        sa.Column("remark", sa.LargeBinary(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_version_facts_version_id")),
        sa.PrimaryKeyConstraint("row_no", name=op.f("pk_version_facts")),
        sa.UniqueConstraint("fact_id", name=op.f("uq_version_facts_fact_id")),
        sa.UniqueConstraint("fact_key", name=op.f("uq_version_facts_fact_key")),
    )
    op.create_index(op.f("ix_version_facts_license_id_row_no"), "version_facts", ["license_id", "row_no"], unique=False)
    op.create_index(
        "ix_version_facts_reference",
        "version_facts",
        ["reference", "row_no"],
        unique=False,
        sqlite_where=HAS_REFERENCE,
        postgresql_where=HAS_REFERENCE,
    )


def _dues() -> None:
    op.create_table(
        "dues",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("issuer_code", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_dues_version_id")),
        sa.PrimaryKeyConstraint("version_id", "kind", "ref", "due_on", name=op.f("pk_dues")),
    )
    op.create_index("ix_dues_list", "dues", ["issuer_code", "kind", "version_id"], unique=False)
    op.create_table(
        "sweeps",
        sa.Column("name", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("behind", KEY, nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sweeps")),
    )


def _catalog() -> None:
    op.create_table(
        "catalog_proposals",
        sa.Column("proposal_id", KEY, nullable=False),
        sa.Column("slug", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("proposed_by", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("proposed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_catalog_proposals")),
        sa.UniqueConstraint("slug", "version", "digest", name=op.f("uq_catalog_proposals_slug_version_digest")),
    )
    op.create_table(
        "catalog_publications",
        sa.Column("slug", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.Column("proposed_by", KEY, nullable=False),
        sa.Column("proposed_at", UTC_TIME, nullable=False),
        sa.Column("published_by", KEY, nullable=False),
        sa.Column("published_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("slug", "version", name=op.f("pk_catalog_publications")),
    )
