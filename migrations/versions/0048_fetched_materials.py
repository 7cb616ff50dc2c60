"""电子材料 have a holder, and are granted, disputed and told of like licenses.

Revision: 0048. Two columns and an index of ``materials``. Grants, disputes, batches of alerts may be about a material,
so their ``version_id`` names no row of ``licenses`` any more: a constraint less, which older code does not notice. Rows
about materials it does not know: open no policy over materials before every process runs the new code.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

WITH_HOLDER = sa.text("holder_blind IS NOT NULL")
FREED = ("grants", "disputes", "alert_batches")
_CONSTRAINT = re.compile(
    r",\s*(?:CONSTRAINT \w+ )?FOREIGN KEY\(version_id\) REFERENCES licenses \(version_id\)(?=[,\s)])"
)


def upgrade() -> None:
    """Add the columns, and take the constraints away."""
    op.add_column("materials", sa.Column("holder", sa.LargeBinary()))
    op.add_column("materials", sa.Column("holder_blind", sa.LargeBinary()))
    op.create_index(
        "ix_materials_holder",
        "materials",
        ["holder_blind", "registered_at", "material_id"],
        unique=False,
        sqlite_where=WITH_HOLDER,
        postgresql_where=WITH_HOLDER,
    )
    if op.get_bind().dialect.name == "sqlite":
        _free_sqlite()
        return
    for table in FREED:
        op.drop_constraint(f"fk_{table}_version_id", table, type_="foreignkey")


def downgrade() -> None:
    """Take the columns away; the constraints stay away, because rows may be there that they would refuse."""
    op.drop_index("ix_materials_holder", "materials", sqlite_where=WITH_HOLDER, postgresql_where=WITH_HOLDER)
    op.drop_column("materials", "holder_blind")
    op.drop_column("materials", "holder")


def _free_sqlite() -> None:
    """SQLite has no statement for it; its manual (lang_altertable, "making other kinds of changes") names this way.

    Copying the tables would take as long as they are, and the rows of alerts refer to those of their batches.
    """
    connection = op.get_bind()
    [version] = connection.exec_driver_sql("PRAGMA schema_version").one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    for table in FREED:
        [made] = connection.execute(
            sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table}
        ).one()
        freed, found = _CONSTRAINT.subn("", made)
        if found != 1:
            msg = f"the table {table} is not as the chain made it"
            raise RuntimeError(msg)
        connection.execute(
            sa.text("UPDATE sqlite_master SET sql = :freed WHERE type = 'table' AND name = :name"),
            {"freed": freed, "name": table},
        )
    connection.exec_driver_sql(f"PRAGMA schema_version={int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=OFF")
