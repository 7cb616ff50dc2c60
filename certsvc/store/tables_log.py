"""The tables of the evidence log: its edge, its checkpoints and their timestamps, and where subjects stand in it.

Full tiles are objects; what changes with every append is here, and is committed together.
"""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, Table

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables_clock import metadata

__all__ = ["metadata"]  # with the tables of all files in it

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=False),  # from 1 without gaps
    Column("size", ROW_NUMBER, nullable=False, unique=True),
    Column("note", PlainText, nullable=False),  # the signed note
    Column("at", UtcTime, nullable=False),
)

log_edges = Table(
    "log_edges",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("size", ROW_NUMBER, nullable=False),  # of the tree
    Column("hashes", LargeBinary, nullable=False),  # of the tile that is not full yet
)

log_timestamps = Table(
    "log_timestamps",
    metadata,
    Column("size", ROW_NUMBER, primary_key=True, autoincrement=False),  # of the checkpoint
    Column("token", LargeBinary, nullable=False),  # RFC 3161, over the signed note
    Column("at", UtcTime, nullable=False),
)

log_subjects = Table(
    "log_subjects",
    metadata,
    Column("subject_blind", LargeBinary(32), primary_key=True),  # keyed digest of what a leaf is about
    Column("noun", Key, primary_key=True),  # evidence or event, which have positions of their own
    Column("position", ROW_NUMBER, primary_key=True, autoincrement=False),
)
