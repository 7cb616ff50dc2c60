"""The tables of uses (shows, scans, grants, fetches, notices) and of the outbox, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Identity, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime
from certsvc.store.tables import metadata

__all__ = ["metadata"]  # with the tables of both files in it

WITHOUT_POSITION = "position IS NULL"
_WITHOUT_POSITION = text(WITHOUT_POSITION)
WAITING_NOTICE = "state = 'waiting'"
OPEN_NOTICE = "state IN ('waiting', 'failed')"

OF_A_VISIT = "visit_id <> ''"
BY_CONSENT = "consent_id <> ''"
FOR_ANOTHER = "basis_id <> ''"

shows = Table(
    "shows",
    metadata,
    Column("show_id", Key, primary_key=True),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("holder_subject", Key, nullable=False),
    Column("scene", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("redeemed_at", UtcTime),
    Column("redeemed_by", Key, nullable=False),
    # Defaults are for programs of earlier releases, in which everyone shows the own license.
    Column("basis", Key, nullable=False, server_default="own"),
    Column("basis_id", Key, nullable=False, server_default=""),
    Column("presenter", LargeBinary),  # encrypted: who shows for the holder
    Column("bundle", Key, nullable=False, server_default=""),
    Column("members", PlainText, nullable=False, server_default="[]"),  # JSON: version and scene of each
)

scans = Table(
    "scans",
    metadata,
    Column("scan_id", Key, primary_key=True),
    Column("code_kind", Key, nullable=False),
    Column("show_id", Key, nullable=False),
    Column("version_id", Key, nullable=False),  # empty when the code led nowhere
    Column("officer", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("badge", Key, nullable=False),
    Column("scene", Key, nullable=False),
    Column("outcome", Key, nullable=False),
    Column("fields", PlainText, nullable=False),  # JSON
    Column("at", UtcTime, nullable=False),
    Column("visit_id", Key, nullable=False, server_default=""),  # empty outside of a visit
)
Index("ix_scans_version", scans.c.version_id, scans.c.at, scans.c.scan_id)
Index("ix_scans_authority", scans.c.authority_code, scans.c.at, scans.c.scan_id)
Index(
    "ix_scans_visit",
    scans.c.visit_id,
    scans.c.at,
    scans.c.scan_id,
    sqlite_where=text(OF_A_VISIT),
    postgresql_where=text(OF_A_VISIT),
)

grants = Table(
    "grants",
    metadata,
    Column("grant_id", Key, primary_key=True),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("version_id", Key, nullable=False),  # of a license, or the id of a 电子材料
    Column("holder_subject", Key, nullable=False),
    Column("client_id", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("fields", PlainText, nullable=False),  # JSON
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("withdrawn_at", UtcTime),
    # Defaults are for programs of earlier releases, in which the holder consents by code.
    Column("basis", Key, nullable=False, server_default="own"),
    Column("basis_id", Key, nullable=False, server_default=""),
    Column("consent_id", Key, nullable=False, server_default=""),
    Column("operator", LargeBinary),  # encrypted: the only one who may use it
    Column("answers", Integer, nullable=False, server_default="0"),
    Column("copy_until", UtcTime),  # until when a copy may be good; none in rows of earlier releases
)
Index("ix_grants_holder", grants.c.holder_subject, grants.c.created_at, grants.c.grant_id)
Index("ix_grants_version", grants.c.version_id, grants.c.created_at, grants.c.grant_id)
Index(
    "ix_grants_consent",
    grants.c.consent_id,
    grants.c.grant_id,
    sqlite_where=text(BY_CONSENT),
    postgresql_where=text(BY_CONSENT),
)
Index(
    "ix_grants_basis",
    grants.c.basis_id,
    grants.c.grant_id,
    sqlite_where=text(FOR_ANOTHER),
    postgresql_where=text(FOR_ANOTHER),
)

fetches = Table(
    "fetches",
    metadata,
    Column("fetch_id", Key, primary_key=True),
    Column("version_id", Key, nullable=False),  # empty when refused before a license was found
    Column("client_id", Key, nullable=False),
    Column("client_name", PlainText, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("circumstances", LargeBinary, nullable=False),  # encrypted: operator and purpose
    Column("basis", Key, nullable=False),
    Column("grant_id", Key, nullable=False),
    Column("fields", PlainText, nullable=False),  # JSON
    Column("outcome", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    # Defaults are for programs of earlier releases, which answer no questions and withhold nothing.
    Column("said", LargeBinary),  # encrypted: the question in words
    Column("answer", Key, nullable=False, server_default=""),
    Column("withheld_until", UtcTime),
    Column("withheld_why", LargeBinary),  # encrypted: the legal basis
    Column("type_slug", Key, nullable=False, server_default=""),  # empty in rows of earlier releases
)
Index("ix_fetches_authority", fetches.c.authority_code, fetches.c.at, fetches.c.fetch_id)
# Whose office used a license, and for which cases: a popular license has many users.
Index(
    "ix_fetches_user",
    fetches.c.version_id,
    fetches.c.authority_code,
    fetches.c.client_id,
    fetches.c.at,
    fetches.c.fetch_id,
)
Index("ix_fetches_version", fetches.c.version_id, fetches.c.at, fetches.c.fetch_id)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", Key, primary_key=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("kind", Key, nullable=False),
    Column("text", LargeBinary, nullable=False),  # encrypted
    Column("at", UtcTime, nullable=False),
    # Defaults are for programs of earlier releases, which post a line on the page and send nothing.
    Column("about", Key, nullable=False, server_default=""),
    Column("authority_code", Key, nullable=False, server_default=""),
    Column("state", Key, nullable=False, server_default="posted"),
    Column("way", Key, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("ready_at", UtcTime),  # when it may be tried: at once, next try or lease end
    Column("claim_token", Key, nullable=False, server_default=""),
    Column("reason", Key, nullable=False, server_default=""),
    Column("sent_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("service", LargeBinary),  # encrypted JSON: masked address, and what staff recorded
    Column("recipient", LargeBinary),  # encrypted JSON: who is told in place of the holder; none is the holder
)
Index("ix_notices_version", notices.c.version_id, notices.c.at, notices.c.notice_id)
Index(
    "ix_notices_queue",
    notices.c.way,
    notices.c.ready_at,
    notices.c.notice_id,
    sqlite_where=text(WAITING_NOTICE),
    postgresql_where=text(WAITING_NOTICE),
)
Index(
    "ix_notices_order",
    notices.c.version_id,
    notices.c.way,
    notices.c.at,
    notices.c.notice_id,
    sqlite_where=text(WAITING_NOTICE),
    postgresql_where=text(WAITING_NOTICE),
)
Index(
    "ix_notices_open",
    notices.c.state,
    notices.c.notice_id,
    sqlite_where=text(OPEN_NOTICE),
    postgresql_where=text(OPEN_NOTICE),
)
Index(
    "ix_notices_open_of",
    notices.c.authority_code,
    notices.c.state,
    notices.c.notice_id,
    sqlite_where=text(OPEN_NOTICE),
    postgresql_where=text(OPEN_NOTICE),
)

events = Table(
    "events",
    metadata,
    Column("row_no", ROW_NUMBER, Identity(always=True), primary_key=True),  # order of insertion
    Column("event_id", Key, nullable=False),
    Column("source", Key, nullable=False),
    Column("type", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("data", PlainText, nullable=False),  # JSON without personal data
    Column("position", ROW_NUMBER, unique=True),  # given by the sequencer after commit
    Column("traceparent", Key, nullable=False, server_default=""),  # of the request that led to it
    UniqueConstraint("source", "event_id"),
)
Index("ix_events_waiting", events.c.row_no, sqlite_where=_WITHOUT_POSITION, postgresql_where=_WITHOUT_POSITION)

evidence = Table(
    "evidence",
    metadata,
    Column("row_no", ROW_NUMBER, Identity(always=True), primary_key=True),
    Column("evidence_id", Key, nullable=False, unique=True),
    Column("kind", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("leaf", LargeBinary, nullable=False),  # canonical bytes, salted digests only
    Column("details", LargeBinary, nullable=False),  # encrypted: the salt and what the digests stand for
    Column("position", ROW_NUMBER, unique=True),
)
Index("ix_evidence_waiting", evidence.c.row_no, sqlite_where=_WITHOUT_POSITION, postgresql_where=_WITHOUT_POSITION)

leases = Table(
    "leases",
    metadata,
    Column("name", Key, primary_key=True),
    Column("owner", Key, nullable=False),
    Column("until", UtcTime, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("consumer", Key, primary_key=True),
    Column("position", ROW_NUMBER, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Key, primary_key=True),
    Column("event_id", Key, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("noun", Key, primary_key=True),
    Column("state", Key, primary_key=True),
    Column("value", ROW_NUMBER, nullable=False),
    # folded tally_changes
)

tally_changes = Table(
    "tally_changes",
    metadata,
    Column("row_no", ROW_NUMBER, Identity(always=True), primary_key=True),
    Column("noun", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("change", Integer, nullable=False),
    # rows appended by writers, so that no two of them wait for one counter
)
