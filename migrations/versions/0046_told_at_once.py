"""Processes hear of work and events at once: PostgreSQL tells who listens when the transaction is committed.

Revision: 0046. Triggers per statement, on PostgreSQL alone; whatever code inserts tells, so older code tells too.
"""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0044"
branch_labels = None
depends_on = None

INSERTED = (("requests", "work"), ("stamp_items", "work"), ("events", "events"), ("evidence", "events"))
NUMBERED = ("events", "evidence")


def upgrade() -> None:
    """Make functions and triggers."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION certsvc_tell() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_notify(TG_ARGV[0], ''); RETURN NULL; END $$"
    )
    op.execute(
        "CREATE FUNCTION certsvc_tell_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF EXISTS (SELECT 1 FROM changed) THEN PERFORM pg_notify(TG_ARGV[0], ''); END IF; RETURN NULL; END $$"
    )
    for table, what in INSERTED:
        op.execute(
            f"CREATE TRIGGER tell_inserted AFTER INSERT ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION certsvc_tell('certsvc_{what}')"
        )
    for table in NUMBERED:
        op.execute(
            f"CREATE TRIGGER tell_numbered AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed "
            "FOR EACH STATEMENT EXECUTE FUNCTION certsvc_tell_changed('certsvc_numbered')"
        )


def downgrade() -> None:
    """Take them away."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, _ in INSERTED:
        op.execute(f"DROP TRIGGER tell_inserted ON {table}")
    for table in NUMBERED:
        op.execute(f"DROP TRIGGER tell_numbered ON {table}")
    op.execute("DROP FUNCTION certsvc_tell()")
    op.execute("DROP FUNCTION certsvc_tell_changed()")
