"""Status numbers of license versions: the entries of status lists.

Revision: 0011, after 0006. Only a column that may be empty, indexes and a sequence: older code runs on this schema, and
what it registers meanwhile is numbered by newer processes. The versions that are there get their numbers here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_GOOD = sa.text("state NOT IN ('provisional', 'valid')")

# Every row of SQLite has a number of its own already; later ones go on behind the highest.
NUMBER_ALL = {
    "postgresql": "UPDATE licenses SET status_no = nextval('license_status_numbers')",
    "sqlite": "UPDATE licenses SET status_no = rowid",
}


def upgrade() -> None:
    """Add the column, number what is there, and make the indexes."""
    dialect = op.get_bind().dialect.name
    op.add_column("licenses", sa.Column("status_no", ROW_NUMBER))
    if dialect == "postgresql":
        op.execute("CREATE SEQUENCE license_status_numbers")
    op.execute(NUMBER_ALL[dialect])
    op.create_index("uq_licenses_status_no", "licenses", ["status_no"], unique=True)
    op.create_index(
        "ix_licenses_not_good",
        "licenses",
        ["status_no", "state"],
        unique=False,
        sqlite_where=NOT_GOOD,
        postgresql_where=NOT_GOOD,
    )


def downgrade() -> None:
    """Take them away."""
    for index in ("ix_licenses_not_good", "uq_licenses_status_no"):
        op.drop_index(index, table_name="licenses")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE license_status_numbers")
    op.drop_column("licenses", "status_no")
