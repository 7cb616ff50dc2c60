"""The table of proposals for the trust list that came to nothing, in the metadata of ``tables.py``; only added to."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_imports import metadata

__all__ = ["metadata"]  # with the tables of all files in it

trust_endings = Table(
    "trust_endings",
    metadata,
    Column("proposal_id", Key, ForeignKey("trust_proposals.proposal_id"), primary_key=True),
    Column("how", Key, nullable=False),
    Column("ended_by", Key, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("end_reason", PlainText, nullable=False),
)
Index("ix_trust_endings_time", trust_endings.c.ended_at, trust_endings.c.proposal_id)
