"""Visits of officers: their register, visits and who is in them, what came of scans, pictures, marks.

Revision: 0020. New tables, and a column with a default: older code runs on this schema, and its scans belong to none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
OF_A_VISIT = "visit_id <> ''"
IN_VISIT = "left_at IS NULL"
TABLES = ("visit_ratings", "inspection_pictures", "inspections", "visit_officers", "visits", "officers")


def index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    """An index, of some rows only where ``where`` says so."""
    only = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("scans", sa.Column("visit_id", KEY, nullable=False, server_default=""))
    index("ix_scans_visit", "scans", ["visit_id", "at", "scan_id"], OF_A_VISIT)
    officers()
    visits()
    inspections()


def officers() -> None:
    """The register."""
    op.create_table(
        "officers",
        sa.Column("badge", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("region", KEY, nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date()),
        sa.Column("entered_by", KEY, nullable=False),
        sa.Column("entered_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("badge", name=op.f("pk_officers")),
    )
    index("ix_officers_authority", "officers", ["authority_code", "badge"])
    index("ix_officers_subject", "officers", ["subject"])


def visits() -> None:
    """Visits, who is in them, and their marks."""
    op.create_table(
        "visits",
        sa.Column("visit_id", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("departments", sa.Text(), nullable=False),
        sa.Column("opened_by", KEY, nullable=False),
        sa.Column("task_kind", KEY, nullable=False),
        sa.Column("task_no", KEY, nullable=False),
        sa.Column("region", KEY, nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("target_blind", sa.LargeBinary(), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", UTC_TIME, nullable=False),
        sa.Column("valid_until", UTC_TIME, nullable=False),
        sa.Column("closed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visits")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_visits_token_sha256")),
    )
    index("ix_visits_target", "visits", ["target_blind", "opened_at", "visit_id"])
    visit = sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], name=op.f("fk_visit_officers_visit_id"))
    op.create_table(
        "visit_officers",
        sa.Column("visit_id", KEY, nullable=False),
        sa.Column("badge", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("region", KEY, nullable=False),
        sa.Column("joined_at", UTC_TIME, nullable=False),
        sa.Column("left_at", UTC_TIME),
        visit,
        sa.PrimaryKeyConstraint("visit_id", "badge", name=op.f("pk_visit_officers")),
    )
    index("uq_visit_officers_in", "visit_officers", ["badge"], IN_VISIT, unique=True)
    index("ix_visit_officers_subject", "visit_officers", ["subject"], IN_VISIT)
    index("ix_visit_officers_authority", "visit_officers", ["authority_code", "joined_at"])
    op.create_table(
        "visit_ratings",
        sa.Column("visit_id", KEY, nullable=False),
        sa.Column("holder_blind", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visits.visit_id"], name=op.f("fk_visit_ratings_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", "holder_blind", name=op.f("pk_visit_ratings")),
    )


def inspections() -> None:
    """What came of scans, and their pictures."""
    op.create_table(
        "inspections",
        sa.Column("inspection_id", KEY, nullable=False),
        sa.Column("scan_id", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("visit_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("badge", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.scan_id"], name=op.f("fk_inspections_scan_id")),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_inspections")),
        sa.UniqueConstraint("scan_id", "seq", name=op.f("uq_inspections_scan_id_seq")),
    )
    op.create_table(
        "inspection_pictures",
        sa.Column("picture_id", KEY, nullable=False),
        sa.Column("scan_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("object_name", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("until", UTC_TIME, nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.scan_id"], name=op.f("fk_inspection_pictures_scan_id")),
        sa.PrimaryKeyConstraint("picture_id", name=op.f("pk_inspection_pictures")),
        sa.UniqueConstraint("object_name", name=op.f("uq_inspection_pictures_object_name")),
        sa.UniqueConstraint("scan_id", "sha256", name=op.f("uq_inspection_pictures_scan_id_sha256")),
    )
    index("ix_inspection_pictures_until", "inspection_pictures", ["until", "picture_id"])


def downgrade() -> None:
    """Take them away."""
    for table in TABLES:
        op.drop_table(table)
    op.drop_index("ix_scans_visit", table_name="scans")
    op.drop_column("scans", "visit_id")
