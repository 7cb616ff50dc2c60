"""Imports of 存量, bulk decisions, and lanes of requests.

Revision: 0014. New tables, and one column with a default and its index: older code runs on this schema. Its workers
take requests of both lanes in the order of arrival, and its requests are live ones. The index of that order stays until
none of them can run any more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
OPEN_REQUEST = sa.text("state IN ('accepted', 'failed')")


def index(name: str, table: str, columns: list[str], where: str = "", *, unique: bool = False) -> None:
    """Make an index, partial where a condition is given."""
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Make the tables, the column and the indexes."""
    op.add_column("requests", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_requests_lane",
        "requests",
        ["lane", "created_at", "request_id", "ready_at", "state"],
        unique=False,
        sqlite_where=OPEN_REQUEST,
        postgresql_where=OPEN_REQUEST,
    )
    imports()
    import_rows()
    op.create_table(
        "stock_licenses",
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("trust", KEY, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["licenses.version_id"], name=op.f("fk_stock_licenses_version_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_stock_licenses")),
    )
    bulks()


def imports() -> None:
    """The uploads."""
    op.create_table(
        "imports",
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("trust", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("form", KEY, nullable=False),
        sa.Column("upload", KEY, nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("problems", sa.LargeBinary(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", KEY, nullable=False),
        sa.Column("uploaded_at", UTC_TIME, nullable=False),
        sa.Column("seed", KEY, nullable=False),
        sa.Column("sample_size", sa.Integer(), nullable=False),
        sa.Column("decided_by", KEY, nullable=False),
        sa.Column("decided_at", UTC_TIME, nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("claim_token", KEY, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.Column("keep_until", UTC_TIME, nullable=False),
        sa.Column("forgotten", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_imports")),
    )
    working, still_open = "state IN ('uploaded', 'approved')", "state IN ('uploaded', 'checked', 'approved')"
    index("ix_imports_queue", "imports", ["ready_at", "import_id"], working)
    index("uq_imports_open_file", "imports", ["authority_code", "type_slug", "sha256"], still_open, unique=True)
    index("ix_imports_kept", "imports", ["keep_until"], "forgotten IS NOT TRUE")
    index("ix_imports_authority", "imports", ["authority_code", "import_id"])


def import_rows() -> None:
    """Their rows."""
    op.create_table(
        "import_rows",
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("row_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("photo", sa.LargeBinary(), nullable=True),
        sa.Column("number_blind", sa.LargeBinary(32), nullable=True),
        sa.Column("row_key", KEY, nullable=False),
        sa.Column("faults", sa.LargeBinary(), nullable=True),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.Column("judged", KEY, nullable=False),
        sa.Column("judged_by", KEY, nullable=False),
        sa.Column("judged_at", UTC_TIME, nullable=True),
        sa.Column("judge_reason", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_import_rows_import_id")),
        sa.PrimaryKeyConstraint("import_id", "row_no", name=op.f("pk_import_rows")),
    )
    index("ix_import_rows_state", "import_rows", ["import_id", "state", "row_no"])
    index("ix_import_rows_number", "import_rows", ["number_blind"], "state IN ('passed', 'queued')")
    index("ix_import_rows_sampled", "import_rows", ["import_id", "row_no"], "sampled IS TRUE")


def bulks() -> None:
    """Bulk decisions and their rows."""
    op.create_table(
        "bulks",
        sa.Column("bulk_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("action", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("content_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("asked_by", KEY, nullable=False),
        sa.Column("asked_at", UTC_TIME, nullable=False),
        sa.Column("confirmed_by", KEY, nullable=False),
        sa.Column("effect_at", UTC_TIME, nullable=True),
        sa.Column("ended_by", KEY, nullable=False),
        sa.Column("ended_at", UTC_TIME, nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("claim_token", KEY, nullable=False),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("bulk_id", name=op.f("pk_bulks")),
    )
    working, still_open = "state IN ('confirmed', 'working')", "state IN ('preview', 'confirmed', 'working')"
    index("ix_bulks_queue", "bulks", ["ready_at", "bulk_id"], working)
    index("uq_bulks_open_content", "bulks", ["authority_code", "content_blind"], still_open, unique=True)
    index("ix_bulks_authority", "bulks", ["authority_code", "bulk_id"])
    op.create_table(
        "bulk_rows",
        sa.Column("bulk_id", KEY, nullable=False),
        sa.Column("row_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("given", sa.LargeBinary(), nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("stood", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulks.bulk_id"], name=op.f("fk_bulk_rows_bulk_id")),
        sa.PrimaryKeyConstraint("bulk_id", "row_no", name=op.f("pk_bulk_rows")),
    )
    index("ix_bulk_rows_state", "bulk_rows", ["bulk_id", "state", "row_no"])


def downgrade() -> None:
    """Take them away."""
    for table in ("bulk_rows", "bulks", "stock_licenses", "import_rows", "imports"):
        op.drop_table(table)
    op.drop_index("ix_requests_lane", table_name="requests")
    op.drop_column("requests", "lane")
