"""What 电子监察 keeps, in the metadata of ``tables.py``: counts per day, cases, cards, ratings, complaints."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_log import metadata

__all__ = ["metadata"]  # with the tables of all files in it

RUNNING_CASE = "state = 'running'"
OPEN_MEND = "mend = 'open'"
HAS_MEND = "mend <> ''"
RUNNING_COMPLAINT = "state IN ('accepted', 'filed')"

supervision_days = Table(
    "supervision_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("measure", Key, primary_key=True),
    Column("department", Key, primary_key=True),
    Column("type_slug", Key, primary_key=True),
    Column("about", Key, primary_key=True),  # scene, matter or mark
    Column("value", ROW_NUMBER, nullable=False),
)
Index("ix_supervision_days_department", supervision_days.c.department, supervision_days.c.day)

supervision_sweeps = Table(
    "supervision_sweeps",
    metadata,
    Column("run_on", Date, primary_key=True),
    Column("place", Key, nullable=False),
    Column("looked", ROW_NUMBER, nullable=False),
    Column("done_at", UtcTime),
)

supervision_quality = Table(
    "supervision_quality",
    metadata,
    Column("run_on", Date, primary_key=True),
    Column("department", Key, primary_key=True),
    Column("type_slug", Key, primary_key=True),
    Column("defect", Key, primary_key=True),  # empty: licenses looked at
    Column("value", ROW_NUMBER, nullable=False),
)

supervision_cases = Table(
    "supervision_cases",
    metadata,
    Column("case_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("handler", LargeBinary, nullable=False),  # encrypted
    Column("limit", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("counted_from", Date, nullable=False),
    Column("due_on", Date),
    Column("state", Key, nullable=False),
    Column("stop_reason", Key, nullable=False),
    Column("stops", Integer, nullable=False),
    Column("accepted_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("said_at", UtcTime, nullable=False),  # as reported; last_at is what counts
    Column("late_reports", Integer, nullable=False),
    Column("finished_at", UtcTime),
    UniqueConstraint("authority_code", "case_no", name="uq_supervision_cases_case"),
)
Index(
    "ix_supervision_cases_due",
    supervision_cases.c.due_on,
    supervision_cases.c.case_id,
    sqlite_where=text(RUNNING_CASE),
    postgresql_where=text(RUNNING_CASE),
)

supervision_cards = Table(
    "supervision_cards",
    metadata,
    Column("card_id", Key, primary_key=True),
    Column("clock", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("colour", Key, nullable=False),
    Column("department", Key, nullable=False),
    Column("handler", LargeBinary, nullable=False),  # encrypted
    Column("about", Key, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Column("answer_due_on", Date, nullable=False),
    Column("state", Key, nullable=False),
    Column("answer", LargeBinary),  # encrypted
    Column("answered_by", Key, nullable=False),
    Column("answered_at", UtcTime),
    Column("ruling", LargeBinary),  # encrypted
    Column("ruled_by", Key, nullable=False),
    Column("ruled_at", UtcTime),
    # However many processes look at once, a clock gets a colour once.
    UniqueConstraint("clock", "subject", "colour", name="uq_supervision_cards_once"),
)
Index(
    "ix_supervision_cards_state",
    supervision_cards.c.state,
    supervision_cards.c.raised_at,
    supervision_cards.c.card_id,
)
Index(
    "ix_supervision_cards_department",
    supervision_cards.c.department,
    supervision_cards.c.state,
    supervision_cards.c.raised_at,
    supervision_cards.c.card_id,
)

services = Table(
    "services",
    metadata,
    Column("service_id", Key, primary_key=True),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("channel", Key, nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted JSON: who served; the token is kept nowhere
    Column("completed_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("codes", Integer, nullable=False),
    Column("mark", Integer, nullable=False),
    Column("reasons", PlainText, nullable=False),  # JSON
    Column("text", LargeBinary),  # encrypted
    Column("rated_at", UtcTime),
    Column("mend", Key, nullable=False),
    Column("due_on", Date),
    Column("rounds", Integer, nullable=False),
    Column("answer", LargeBinary),  # encrypted
    Column("answered_by", Key, nullable=False),
    Column("answered_at", UtcTime),
    Column("follow_up", LargeBinary),  # encrypted
    Column("content", Boolean),
    Column("followed_by", Key, nullable=False),
    Column("followed_at", UtcTime),
    UniqueConstraint("authority_code", "case_no", "channel", name="uq_services_case"),
)
Index(
    "ix_services_mend",
    services.c.mend,
    services.c.rated_at,
    services.c.service_id,
    sqlite_where=text(HAS_MEND),
    postgresql_where=text(HAS_MEND),
)
Index(
    "ix_services_mend_of",
    services.c.authority_code,
    services.c.mend,
    services.c.rated_at,
    services.c.service_id,
    sqlite_where=text(HAS_MEND),
    postgresql_where=text(HAS_MEND),
)
Index(
    "ix_services_due",
    services.c.due_on,
    services.c.service_id,
    sqlite_where=text(OPEN_MEND),
    postgresql_where=text(OPEN_MEND),
)

complaints = Table(
    "complaints",
    metadata,
    Column("complaint_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("filed_by", Key, nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted JSON: name, contact and words
    Column("filed_at", UtcTime, nullable=False),
    Column("due_on", Date),
    Column("state", Key, nullable=False),
    Column("handler", Key, nullable=False),
    Column("answer", LargeBinary),  # encrypted
    Column("follow_up", LargeBinary),  # encrypted
    Column("content", Boolean),
    Column("archive_no", Key, nullable=False),
    Column("moved_at", UtcTime),
    Column("closed_at", UtcTime),
)
Index("ix_complaints_state", complaints.c.state, complaints.c.filed_at, complaints.c.complaint_id)
Index(
    "ix_complaints_authority",
    complaints.c.authority_code,
    complaints.c.state,
    complaints.c.filed_at,
    complaints.c.complaint_id,
)
Index("ix_complaints_filer", complaints.c.filed_by, complaints.c.filed_at, complaints.c.complaint_id)
Index(
    "ix_complaints_due",
    complaints.c.due_on,
    complaints.c.complaint_id,
    sqlite_where=text(RUNNING_COMPLAINT),
    postgresql_where=text(RUNNING_COMPLAINT),
)
