"""The tables of the trust list's changes, in the metadata of ``tables.py``; rows are added and never changed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_signers import metadata

__all__ = ["metadata"]  # with the tables of all files in it

trust_proposals = Table(
    "trust_proposals",
    metadata,
    Column("proposal_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("entry_id", Key, nullable=False),
    Column("body", PlainText, nullable=False),  # canonical JSON; public by its nature
    Column("reason", PlainText, nullable=False),
    Column("base", Integer, nullable=False),
    Column("proposed_by", Key, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
)

trust_changes = Table(
    "trust_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("proposal_id", Key, ForeignKey("trust_proposals.proposal_id"), nullable=False, unique=True),
    Column("kind", Key, nullable=False),
    Column("entry_id", Key, nullable=False),
    Column("body", PlainText, nullable=False),
    Column("reason", PlainText, nullable=False),
    Column("proposed_by", Key, nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("confirmed_by", Key, nullable=False),
    Column("confirmed_at", UtcTime, nullable=False),
    Column("previous", Key, nullable=False),
    Column("digest", Key, nullable=False),
)
Index("ix_trust_changes_entry", trust_changes.c.kind, trust_changes.c.entry_id, trust_changes.c.number)
