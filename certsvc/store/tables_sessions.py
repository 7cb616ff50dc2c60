"""Sessions that were ended before their tokens do; in the metadata of ``tables.py``; only added to."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from certsvc.store.columns import Key, UtcTime
from certsvc.store.tables_reseal import metadata

__all__ = ["metadata"]  # with the tables of all files in it

EVERY_TOKEN = ""
"""``token_key`` of the row that ends every token of somebody that was issued until ``at``."""

session_ends = Table(
    "session_ends",
    metadata,
    Column("kind", Key, primary_key=True),  # person or system: their names are given by different parties
    Column("subject", Key, primary_key=True),
    Column("token_key", Key, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),  # the token would have ended by then; the row may go
)
Index("ix_session_ends_until", session_ends.c.until)
