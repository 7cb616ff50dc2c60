"""Notices that are sent and served, contacts of holders, and case numbers of requests.

Revision: 0016. One new table; new columns with defaults, or empty ones, and their indexes: older code runs on this
schema. What it writes is a notice that stands on the holder's page, and a request without a case.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
WAITING = "state = 'waiting'"
OPEN = "state IN ('waiting', 'failed')"
OF_A_CASE = "case_no <> ''"

INDEXES = (
    ("ix_notices_queue", "notices", ["way", "ready_at", "notice_id"], WAITING),
    ("ix_notices_order", "notices", ["version_id", "way", "at", "notice_id"], WAITING),
    ("ix_notices_open", "notices", ["state", "notice_id"], OPEN),
    ("ix_notices_open_of", "notices", ["authority_code", "state", "notice_id"], OPEN),
    ("ix_requests_case", "requests", ["case_no", "request_id"], OF_A_CASE),
)


def notice_columns() -> tuple[sa.Column, ...]:
    """The new columns of ``notices``, in their order."""
    return (
        sa.Column("about", KEY, nullable=False, server_default=""),
        sa.Column("authority_code", KEY, nullable=False, server_default=""),
        sa.Column("state", KEY, nullable=False, server_default="posted"),
        sa.Column("way", KEY, nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("ready_at", UTC_TIME),
        sa.Column("claim_token", KEY, nullable=False, server_default=""),
        sa.Column("reason", KEY, nullable=False, server_default=""),
        sa.Column("sent_at", UTC_TIME),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("service", sa.LargeBinary()),
    )


def upgrade() -> None:
    """Add columns, indexes and the table."""
    for column in notice_columns():
        op.add_column("notices", column)
    op.add_column("requests", sa.Column("case_no", KEY, nullable=False, server_default=""))
    for name, table, columns, where in INDEXES:
        condition = sa.text(where)
        op.create_index(name, table, columns, unique=False, sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "holder_contacts",
        sa.Column("holder_blind", sa.LargeBinary(32), nullable=False),
        sa.Column("own", sa.LargeBinary()),
        sa.Column("given", sa.LargeBinary()),
        sa.Column("tell_uses", sa.Boolean(), nullable=False),
        sa.Column("changed_by", KEY, nullable=False),
        sa.Column("changed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("holder_blind", name=op.f("pk_holder_contacts")),
    )


def downgrade() -> None:
    """Take them away again, the indexes before their columns."""
    op.drop_table("holder_contacts")
    for name, table, _columns, _where in INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_column("requests", "case_no")
    for column in notice_columns():
        op.drop_column("notices", column.name)
