"""The table of events that came in and could not be carried out, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_webhooks import metadata

__all__ = ["metadata"]  # with the tables of all files in it

WAITING = "state = 'parked'"

parked_events = Table(
    "parked_events",
    metadata,
    Column("parked_id", Key, primary_key=True),
    Column("client_id", Key, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the broker's stream
    Column("message", LargeBinary, nullable=False),  # encrypted: headers and body as they came
    Column("code", Key, nullable=False),
    Column("detail", PlainText, nullable=False),
    Column("state", Key, nullable=False),
    Column("parked_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("ended_by", Key),
)
Index(
    "ix_parked_events_waiting",
    parked_events.c.client_id,
    parked_events.c.parked_id,
    sqlite_where=text(WAITING),
    postgresql_where=text(WAITING),
)
