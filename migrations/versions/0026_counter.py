"""综合窗口: cases and their 收件清单, what was taken, tickets at issuers.

Revision: 0026. New tables only, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
TO_COME = sa.text("due_on IS NOT NULL AND done_at IS NULL")
UNANSWERED = sa.text("state IN ('accepted', 'open')")


def upgrade() -> None:
    """Make them."""
    _cases()
    _takings()
    _tickets()


def downgrade() -> None:
    """Take them away."""
    for table in ("counter_tickets", "counter_takings", "counter_sheets", "counter_cases"):
        op.drop_table(table)


def _cases() -> None:
    op.create_table(
        "counter_cases",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("counter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("exempt", sa.Integer(), nullable=False),
        sa.Column("outage", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UTC_TIME, nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_counter_cases")),
        sa.UniqueConstraint("counter_code", "case_no", name=op.f("uq_counter_cases_case")),
    )
    op.create_index("ix_counter_cases_opened", "counter_cases", ["opened_at"], unique=False)
    op.create_table(
        "counter_sheets",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("slip_no", KEY, nullable=False),
        sa.Column("operator", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "version", name=op.f("pk_counter_sheets")),
        sa.ForeignKeyConstraint(["case_id"], ["counter_cases.case_id"], name=op.f("fk_counter_sheets_case_id")),
    )


def _takings() -> None:
    op.create_table(
        "counter_takings",
        sa.Column("taking_id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("counter_code", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("material", KEY, nullable=False),
        sa.Column("sheet_version", sa.Integer(), nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("operator", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("warned_at", UTC_TIME),
        sa.Column("done_at", UTC_TIME),
        sa.PrimaryKeyConstraint("taking_id", name=op.f("pk_counter_takings")),
        sa.UniqueConstraint("case_id", "material", name=op.f("uq_counter_takings_row")),
        sa.ForeignKeyConstraint(["case_id"], ["counter_cases.case_id"], name=op.f("fk_counter_takings_case_id")),
    )
    op.create_index("ix_counter_takings_at", "counter_takings", ["at"], unique=False)
    for name, columns in (
        ("ix_counter_takings_due", ["due_on", "taking_id"]),
        ("ix_counter_takings_counter", ["counter_code", "due_on", "taking_id"]),
    ):
        op.create_index(name, "counter_takings", columns, unique=False, sqlite_where=TO_COME, postgresql_where=TO_COME)


def _tickets() -> None:
    op.create_table(
        "counter_tickets",
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("counter_code", KEY, nullable=False),
        sa.Column("opened_by", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("issuer_code", KEY, nullable=False),
        sa.Column("field_key", KEY, nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", UTC_TIME, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("handler", KEY, nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("document_no", KEY, nullable=False),
        sa.Column("accepted_at", UTC_TIME),
        sa.Column("answered_at", UTC_TIME),
        sa.Column("closed_at", UTC_TIME),
        sa.Column("overdue_at", UTC_TIME),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_counter_tickets")),
    )
    for name, columns in (
        ("ix_counter_tickets_counter", ["counter_code", "opened_at", "ticket_id"]),
        ("ix_counter_tickets_issuer", ["issuer_code", "opened_at", "ticket_id"]),
    ):
        op.create_index(name, "counter_tickets", columns, unique=False)
    for name, columns in (
        ("ix_counter_tickets_due", ["due_on", "ticket_id"]),
        ("ix_counter_tickets_waiting", ["counter_code"]),
    ):
        op.create_index(
            name, "counter_tickets", columns, unique=False, sqlite_where=UNANSWERED, postgresql_where=UNANSWERED
        )
