"""The table of how holders want to be told, in the metadata of ``tables.py``; notices stand in ``tables_uses.py``."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, LargeBinary, Table

from certsvc.store.columns import Key, UtcTime
from certsvc.store.tables_trust_endings import metadata

__all__ = ["metadata"]  # with the tables of all files in it

holder_contacts = Table(
    "holder_contacts",
    metadata,
    Column("holder_blind", LargeBinary(32), primary_key=True),  # keyed digest of type and code
    Column("own", LargeBinary),  # encrypted JSON: what the holder set, or null
    Column("given", LargeBinary),  # encrypted JSON: what an approval system passed on, or null
    Column("tell_uses", Boolean, nullable=False),
    Column("changed_by", Key, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)
