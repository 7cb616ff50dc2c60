"""What departments asked per day, counted once the day is over, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, Table

from certsvc.store.columns import Key
from certsvc.store.tables_care import metadata

__all__ = ["metadata"]  # with the tables of all files in it

# The body first: one department's days lie together, and its number of them is what a look at them costs.
use_days = Table(
    "use_days",
    metadata,
    Column("authority_code", Key, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("matter_code", Key, primary_key=True),
    Column("type_slug", Key, primary_key=True),
    Column("kind", Key, primary_key=True),
    Column("outcome", Key, primary_key=True),
    Column("uses", Integer, nullable=False),
)

use_day_places = Table(
    "use_day_places",
    metadata,
    Column("authority_code", Key, primary_key=True),
    Column("day", Date, nullable=False),  # the last that is counted; every one before it is too
)
