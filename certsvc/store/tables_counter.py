"""What 综合窗口 need, in the metadata of ``tables.py``: cases, their sheets, what was taken, tickets at issuers."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from certsvc.store.columns import Key, UtcTime
from certsvc.store.tables_facades import metadata

__all__ = ["metadata"]  # with the tables of all files in it

TO_COME = "due_on IS NOT NULL AND done_at IS NULL"
UNANSWERED = "state IN ('accepted', 'open')"

counter_cases = Table(
    "counter_cases",
    metadata,
    Column("case_id", Key, primary_key=True),
    Column("counter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted JSON: code of the holder and its type
    Column("version", Integer, nullable=False),
    Column("exempt", Integer, nullable=False),
    Column("outage", Boolean, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("counter_code", "case_no", name="uq_counter_cases_case"),
)
Index("ix_counter_cases_opened", counter_cases.c.opened_at)

counter_sheets = Table(
    "counter_sheets",
    metadata,
    Column("case_id", Key, ForeignKey("counter_cases.case_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("rows", LargeBinary, nullable=False),  # encrypted JSON: what the holder has follows from the answers
    Column("slip_no", Key, nullable=False),
    Column("operator", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)

counter_takings = Table(
    "counter_takings",
    metadata,
    Column("taking_id", Key, primary_key=True),
    Column("case_id", Key, ForeignKey("counter_cases.case_id"), nullable=False),
    Column("counter_code", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("material", Key, nullable=False),
    Column("sheet_version", Integer, nullable=False),
    Column("kind", Key, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("reason", Key, nullable=False),
    Column("text", LargeBinary, nullable=False),  # encrypted
    Column("due_on", Date),
    Column("operator", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("warned_at", UtcTime),
    Column("done_at", UtcTime),
    # Twice pressed is once taken.
    UniqueConstraint("case_id", "material", name="uq_counter_takings_row"),
)
Index("ix_counter_takings_at", counter_takings.c.at)
Index(
    "ix_counter_takings_due",
    counter_takings.c.due_on,
    counter_takings.c.taking_id,
    sqlite_where=text(TO_COME),
    postgresql_where=text(TO_COME),
)
Index(
    "ix_counter_takings_counter",
    counter_takings.c.counter_code,
    counter_takings.c.due_on,
    counter_takings.c.taking_id,
    sqlite_where=text(TO_COME),
    postgresql_where=text(TO_COME),
)

counter_tickets = Table(
    "counter_tickets",
    metadata,
    Column("ticket_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("counter_code", Key, nullable=False),
    Column("opened_by", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("issuer_code", Key, nullable=False),
    Column("field_key", Key, nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted JSON: code of the holder, what is right, evidence
    Column("opened_at", UtcTime, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("state", Key, nullable=False),
    Column("handler", Key, nullable=False),
    Column("answer", LargeBinary),  # encrypted
    Column("request_id", Key, nullable=False),
    Column("document_no", Key, nullable=False),
    Column("accepted_at", UtcTime),
    Column("answered_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("overdue_at", UtcTime),
)
Index(
    "ix_counter_tickets_counter",
    counter_tickets.c.counter_code,
    counter_tickets.c.opened_at,
    counter_tickets.c.ticket_id,
)
Index(
    "ix_counter_tickets_issuer", counter_tickets.c.issuer_code, counter_tickets.c.opened_at, counter_tickets.c.ticket_id
)
Index(
    "ix_counter_tickets_due",
    counter_tickets.c.due_on,
    counter_tickets.c.ticket_id,
    sqlite_where=text(UNANSWERED),
    postgresql_where=text(UNANSWERED),
)
Index(
    "ix_counter_tickets_waiting",
    counter_tickets.c.counter_code,
    sqlite_where=text(UNANSWERED),
    postgresql_where=text(UNANSWERED),
)
