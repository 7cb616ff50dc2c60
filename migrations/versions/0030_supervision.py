"""电子监察: counts per day, clocks of cases, cards, ratings of services, complaints.

Revision: 0030. New tables and one index, which older code does not notice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
RUNNING_COMPLAINT = sa.text("state IN ('accepted', 'filed')")
OPEN_MEND = sa.text("mend = 'open'")
HAS_MEND = sa.text("mend <> ''")
RUNNING_CASE = sa.text("state = 'running'")
UNDECIDED = sa.text("state IN ('filed', 'in_review')")


def upgrade() -> None:
    """Make them."""
    _counts()
    _cases()
    _cards()
    _services()
    _complaints()
    op.create_index(
        "ix_disputes_due",
        "disputes",
        ["due_on", "dispute_id"],
        unique=False,
        sqlite_where=UNDECIDED,
        postgresql_where=UNDECIDED,
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_disputes_due", table_name="disputes")
    for table in (
        "complaints",
        "services",
        "supervision_cards",
        "supervision_cases",
        "supervision_quality",
        "supervision_sweeps",
        "supervision_days",
    ):
        op.drop_table(table)


def _counts() -> None:
    op.create_table(
        "supervision_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("measure", KEY, nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("about", KEY, nullable=False),
        sa.Column("value", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("day", "measure", "department", "type_slug", "about", name=op.f("pk_supervision_days")),
    )
    op.create_index("ix_supervision_days_department", "supervision_days", ["department", "day"], unique=False)
    op.create_table(
        "supervision_sweeps",
        sa.Column("run_on", sa.Date(), nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("looked", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("done_at", UTC_TIME),
        sa.PrimaryKeyConstraint("run_on", name=op.f("pk_supervision_sweeps")),
    )
    op.create_table(
        "supervision_quality",
        sa.Column("run_on", sa.Date(), nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("type_slug", KEY, nullable=False),
        sa.Column("defect", KEY, nullable=False),
        sa.Column("value", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("run_on", "department", "type_slug", "defect", name=op.f("pk_supervision_quality")),
    )


def _cases() -> None:
    op.create_table(
        "supervision_cases",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("handler", sa.LargeBinary(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("counted_from", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("state", KEY, nullable=False),
        sa.Column("stop_reason", KEY, nullable=False),
        sa.Column("stops", sa.Integer(), nullable=False),
        sa.Column("accepted_at", UTC_TIME, nullable=False),
        sa.Column("last_at", UTC_TIME, nullable=False),
        sa.Column("said_at", UTC_TIME, nullable=False),
        sa.Column("late_reports", sa.Integer(), nullable=False),
        sa.Column("finished_at", UTC_TIME),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_supervision_cases")),
        sa.UniqueConstraint("authority_code", "case_no", name="uq_supervision_cases_case"),
    )
    op.create_index(
        "ix_supervision_cases_due",
        "supervision_cases",
        ["due_on", "case_id"],
        unique=False,
        sqlite_where=RUNNING_CASE,
        postgresql_where=RUNNING_CASE,
    )


def _cards() -> None:
    op.create_table(
        "supervision_cards",
        sa.Column("card_id", KEY, nullable=False),
        sa.Column("clock", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("colour", KEY, nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("handler", sa.LargeBinary(), nullable=False),
        sa.Column("about", KEY, nullable=False),
        sa.Column("since", UTC_TIME, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("raised_at", UTC_TIME, nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("answered_by", KEY, nullable=False),
        sa.Column("answered_at", UTC_TIME),
        sa.Column("ruling", sa.LargeBinary()),
        sa.Column("ruled_by", KEY, nullable=False),
        sa.Column("ruled_at", UTC_TIME),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_supervision_cards")),
        sa.UniqueConstraint("clock", "subject", "colour", name="uq_supervision_cards_once"),
    )
    op.create_index(
        "ix_supervision_cards_department",
        "supervision_cards",
        ["department", "state", "raised_at", "card_id"],
        unique=False,
    )
    op.create_index("ix_supervision_cards_state", "supervision_cards", ["state", "raised_at", "card_id"], unique=False)


def _services() -> None:
    op.create_table(
        "services",
        sa.Column("service_id", KEY, nullable=False),
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("completed_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary()),
        sa.Column("rated_at", UTC_TIME),
        sa.Column("mend", KEY, nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("answered_by", KEY, nullable=False),
        sa.Column("answered_at", UTC_TIME),
        sa.Column("follow_up", sa.LargeBinary()),
        sa.Column("content", sa.Boolean()),
        sa.Column("followed_by", KEY, nullable=False),
        sa.Column("followed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_services")),
        sa.UniqueConstraint("authority_code", "case_no", "channel", name="uq_services_case"),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_services_token_sha256")),
    )
    op.create_index(
        "ix_services_due",
        "services",
        ["due_on", "service_id"],
        unique=False,
        sqlite_where=OPEN_MEND,
        postgresql_where=OPEN_MEND,
    )
    op.create_index(
        "ix_services_mend",
        "services",
        ["mend", "rated_at", "service_id"],
        unique=False,
        sqlite_where=HAS_MEND,
        postgresql_where=HAS_MEND,
    )
    op.create_index(
        "ix_services_mend_of",
        "services",
        ["authority_code", "mend", "rated_at", "service_id"],
        unique=False,
        sqlite_where=HAS_MEND,
        postgresql_where=HAS_MEND,
    )


def _complaints() -> None:
    op.create_table(
        "complaints",
        sa.Column("complaint_id", KEY, nullable=False),
        sa.Column("authority_code", KEY, nullable=False),
        sa.Column("matter_code", KEY, nullable=False),
        sa.Column("case_no", KEY, nullable=False),
        sa.Column("filed_by", KEY, nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", UTC_TIME, nullable=False),
        sa.Column("due_on", sa.Date()),
        sa.Column("state", KEY, nullable=False),
        sa.Column("handler", KEY, nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("follow_up", sa.LargeBinary()),
        sa.Column("content", sa.Boolean()),
        sa.Column("archive_no", KEY, nullable=False),
        sa.Column("moved_at", UTC_TIME),
        sa.Column("closed_at", UTC_TIME),
        sa.PrimaryKeyConstraint("complaint_id", name=op.f("pk_complaints")),
    )
    op.create_index(
        "ix_complaints_authority", "complaints", ["authority_code", "state", "filed_at", "complaint_id"], unique=False
    )
    op.create_index(
        "ix_complaints_due",
        "complaints",
        ["due_on", "complaint_id"],
        unique=False,
        sqlite_where=RUNNING_COMPLAINT,
        postgresql_where=RUNNING_COMPLAINT,
    )
    op.create_index("ix_complaints_filer", "complaints", ["filed_by", "filed_at", "complaint_id"], unique=False)
    op.create_index("ix_complaints_state", "complaints", ["state", "filed_at", "complaint_id"], unique=False)
