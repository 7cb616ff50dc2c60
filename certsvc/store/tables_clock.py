"""The high-water mark of the register's time, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, Table

from certsvc.store.columns import Key, UtcTime
from certsvc.store.tables_counter import metadata

__all__ = ["metadata"]  # with the tables of all files in it

clock_marks = Table(
    "clock_marks",
    metadata,
    Column("name", Key, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("boot", Key, nullable=False),
    Column("boot_s", Float, nullable=False),
    Column("epoch", Integer, nullable=False),
)
