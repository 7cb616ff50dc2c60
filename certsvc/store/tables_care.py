"""The table of what signatures of files stand on, in the metadata of ``tables.py``; only added to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_archives import metadata

__all__ = ["metadata"]  # with the tables of all files in it

FIRST_OF_FILE = "place = 0"
"""One row for each file; queries repeat it word by word."""

artifact_signatures = Table(
    "artifact_signatures",
    metadata,
    Column("artifact_id", Key, ForeignKey("artifacts.artifact_id"), primary_key=True),
    Column("place", Integer, primary_key=True),  # in the order in which they were made, from 0
    Column("version_id", Key, nullable=False),
    Column("profile", Key, nullable=False),  # the same for all of a file
    Column("kind", Key, nullable=False),
    Column("format", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("signature_algorithm", Key, nullable=False),
    Column("digest_algorithm", Key, nullable=False),
    Column("certificate_sha256", Key, nullable=False),
    Column("serial", Key, nullable=False),
    Column("issuer_key", Key, nullable=False),
    Column("issuer", PlainText, nullable=False),
    Column("seal_id", Key, nullable=False),
    Column("tsa", PlainText, nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("certificate_until", UtcTime, nullable=False),
    Column("revocation", Boolean, nullable=False),
    Column("revocation_at", UtcTime),  # of the newest revocation data about it; rows of 0034 have none
    Column("imprint", Key, nullable=False, server_default=""),
)
# By what its files stand on a profile finds them, in the order of their ids.
Index(
    "ix_artifact_signatures_profile",
    artifact_signatures.c.profile,
    artifact_signatures.c.artifact_id,
    sqlite_where=text(FIRST_OF_FILE),
    postgresql_where=text(FIRST_OF_FILE),
)
