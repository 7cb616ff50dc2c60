"""The tables of a seal's life, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables import reservations
from certsvc.store.tables_life import metadata

__all__ = ["metadata"]  # with the tables of all four files in it

CURRENT = "state = 'current'"
UNDER_WAY = "state IN ('applied', 'approved', 'made')"
MAKING_OPEN = "result IN ('open', 'unknown')"

# One seal's uses of the last minute are counted at every use of a seal that has a rate.
Index("ix_reservations_seal", reservations.c.seal_id, reservations.c.reserved_at)

seal_versions = Table(
    "seal_versions",
    metadata,
    Column("seal_id", Key, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("state", Key, nullable=False),  # "current" for the version whose state stands in seals.state
    Column("cause", Key, nullable=False),
    Column("owner_code", Key, nullable=False),
    Column("owner_name", PlainText, nullable=False),
    Column("name", PlainText, nullable=False),
    Column("kind", Key, nullable=False),
    Column("algorithm", Key, nullable=False),
    Column("stamp", PlainText, nullable=False),  # JSON
    Column("scope_types", PlainText, nullable=False),  # JSON
    Column("rules", PlainText, nullable=False),  # JSON
    Column("daily_budget", Integer, nullable=False),
    Column("years", Integer, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("valid_from", UtcTime),
    Column("valid_until", UtcTime),
    Column("request", PlainText, nullable=False),  # PKCS#10, PEM
    Column("applied_by", Key, nullable=False),
    Column("approved_by", Key, nullable=False),
    Column("made_by", Key, nullable=False),
    Column("activated_by", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
# Whatever a program does wrong: one version of a seal is in use, and one is under way.
Index(
    "uq_seal_versions_current",
    seal_versions.c.seal_id,
    unique=True,
    sqlite_where=text(CURRENT),
    postgresql_where=text(CURRENT),
)
Index(
    "uq_seal_versions_under_way",
    seal_versions.c.seal_id,
    unique=True,
    sqlite_where=text(UNDER_WAY),
    postgresql_where=text(UNDER_WAY),
)
Index("ix_seal_versions_owner", seal_versions.c.owner_code, seal_versions.c.seal_id)

seal_moves = Table(
    "seal_moves",
    metadata,
    Column("row_no", ROW_NUMBER, Identity(always=True), primary_key=True),
    Column("move_id", Key, nullable=False, unique=True),
    Column("seal_id", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Key, nullable=False),
    Column("from_state", Key, nullable=False),
    Column("to_state", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("code", Key, nullable=False),
    Column("remark", LargeBinary, nullable=False),  # encrypted: reason, 文书号, 注销备案号
    Column("at", UtcTime, nullable=False),
    Index(None, "seal_id", "row_no"),
)

seal_makings = Table(
    "seal_makings",
    metadata,
    Column("making_id", Key, primary_key=True),
    Column("seal_id", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("purpose", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("actor", Key, nullable=False),
    Column("reserved_at", UtcTime, nullable=False),
    Column("result", Key, nullable=False),
    Column("answered_at", UtcTime),
)
Index(
    "ix_seal_makings_open",
    seal_makings.c.reserved_at,
    seal_makings.c.making_id,
    sqlite_where=text(MAKING_OPEN),
    postgresql_where=text(MAKING_OPEN),
)

seal_hours = Table(
    "seal_hours",
    metadata,
    Column("seal_id", Key, ForeignKey("seals.seal_id"), primary_key=True),
    Column("hour_start", UtcTime, primary_key=True),
    Column("used", Integer, nullable=False),
    Column("excused", Boolean, nullable=False),  # a keeper resumed in this hour: its burst is known
)

seal_tries = Table(
    "seal_tries",
    metadata,
    Column("seal_id", Key, ForeignKey("seals.seal_id"), primary_key=True),
    Column("rule", Key, primary_key=True),
    Column("purpose_sha256", Key, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

seal_approvals = Table(
    "seal_approvals",
    metadata,
    Column("approval_id", Key, primary_key=True),
    Column("seal_id", Key, ForeignKey("seals.seal_id"), nullable=False),
    Column("owner_code", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("purpose", LargeBinary, nullable=False),  # encrypted: the asker's words
    Column("type_slug", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("region", Key, nullable=False),
    Column("asked_by", Key, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("approvers", PlainText, nullable=False),  # JSON
    Column("state", Key, nullable=False),
    Column("used_by", Key, nullable=False),
)
Index("ix_seal_approvals_owner", seal_approvals.c.owner_code, seal_approvals.c.asked_at)

seal_votes = Table(
    "seal_votes",
    metadata,
    Column("approval_id", Key, ForeignKey("seal_approvals.approval_id"), primary_key=True),
    Column("voter", Key, primary_key=True),
    Column("agrees", Boolean, nullable=False),
    Column("represented_by", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)

seal_representatives = Table(
    "seal_representatives",
    metadata,
    Column("representative_id", Key, primary_key=True),
    Column("owner_code", Key, nullable=False),
    Column("person", Key, nullable=False),
    Column("scope_types", PlainText, nullable=False),  # JSON
    Column("matters", PlainText, nullable=False),  # JSON
    Column("begins_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    Column("document_no", LargeBinary, nullable=False),  # encrypted: it may name the person
    Column("appointed_by", Key, nullable=False),
    Column("appointed_at", UtcTime, nullable=False),
    Column("dismissed_at", UtcTime),
)
Index("ix_seal_representatives_owner", seal_representatives.c.owner_code, seal_representatives.c.appointed_at)

revocations = Table(
    "revocations",
    metadata,
    Column("issuer_key_id", Key, primary_key=True),  # hex subjectKeyIdentifier of the issuing CA
    Column("serial", Key, primary_key=True),  # lower-case hex
    Column("reason", Key, nullable=False),  # name of RFC 5280 §5.3.1
    Column("revoked_at", UtcTime, nullable=False),
    Column("seal_id", Key, nullable=False),
    Column("key_id", Key, nullable=False),
)
Index("ix_revocations_key", revocations.c.key_id)
