"""The tables of requests, licenses, seals and people; ``tables_uses.py`` has the rest of the same metadata.

Two laws: every look-up of the room has an index here, and a column with personal data is a ``LargeBinary`` that the
room's nouns fill through the cipher (``<table>.<column>`` is its context), with a blind index where equality is asked.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    text,
)

from certsvc.store.columns import ROW_NUMBER, Key, PlainText, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Conditions of the partial indexes, for the queries to repeat word by word: a database uses a partial index only for a
# condition that it can read in the statement, not for one in a parameter.
OPEN_REQUEST = "state IN ('accepted', 'failed')"
FAILED_REQUEST = "state = 'failed'"
OF_A_CASE = "case_no <> ''"
OPEN_RESERVATION = "result IN ('open', 'unknown')"
IN_FORCE = "state IN ('provisional', 'valid', 'suspended')"
UNREGISTERED = "registered IS NOT TRUE"
NOT_REPLACED = "replaced_by_version_id = ''"
NOT_GOOD = "state NOT IN ('provisional', 'valid')"

_OPEN_REQUEST = text(OPEN_REQUEST)
_OPEN_RESERVATION = text(OPEN_RESERVATION)
_UNREGISTERED = text(UNREGISTERED)
_IN_FORCE = text(IN_FORCE)

requests = Table(
    "requests",
    metadata,
    Column("request_id", Key, primary_key=True),
    Column("caller", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("business_no", Key, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("action", Key, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # encrypted
    Column("body_hash", Key, nullable=False),
    Column("idempotency_key", Key),  # null when not given, so that it binds nobody
    Column("event_source", Key),
    Column("event_id", Key),
    Column("photo_id", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason_code", Key, nullable=False),
    Column("reason_detail", LargeBinary),  # encrypted; a refusal may quote the data
    Column("version_id", Key, nullable=False),
    Column("claimed_by", Key),
    Column("claim_token", Key),
    Column("ready_at", UtcTime, nullable=False),  # when a worker may take it: creation, next try or lease end
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("lane", Integer, nullable=False, server_default="0"),  # live, or backfill (``license/request.py``)
    Column("case_no", Key, nullable=False, server_default=""),  # 办件编号, for what belongs to a case
    Column("traceparent", Key, nullable=False, server_default=""),  # so that its events belong to the caller's trace
    UniqueConstraint("authority_code", "business_no", "type_slug", "action", name="uq_requests_business_key"),
    UniqueConstraint("caller", "idempotency_key", name="uq_requests_idempotency_key"),
    UniqueConstraint("caller", "event_source", "event_id", name="uq_requests_event"),
)
# Partial: these indexes hold the backlog only, however many requests have ended. The first is that of workers of
# earlier releases, who know no lanes; it goes when none of them can run any more.
Index(
    "ix_requests_queue",
    requests.c.created_at,
    requests.c.request_id,
    requests.c.ready_at,
    requests.c.state,  # only so that SQLite can skip what is not due without reading its row
    sqlite_where=_OPEN_REQUEST,
    postgresql_where=_OPEN_REQUEST,
)
Index(
    "ix_requests_lane",
    requests.c.lane,
    requests.c.created_at,
    requests.c.request_id,
    requests.c.ready_at,
    requests.c.state,
    sqlite_where=_OPEN_REQUEST,
    postgresql_where=_OPEN_REQUEST,
)
Index(
    "ix_requests_case",
    requests.c.case_no,
    requests.c.request_id,
    sqlite_where=text(OF_A_CASE),
    postgresql_where=text(OF_A_CASE),
)
Index("ix_requests_open", requests.c.updated_at, sqlite_where=_OPEN_REQUEST, postgresql_where=_OPEN_REQUEST)

Index(
    "ix_requests_failed",
    requests.c.updated_at,
    requests.c.reason_code,
    sqlite_where=text(FAILED_REQUEST),
    postgresql_where=text(FAILED_REQUEST),
)

receipts = Table(
    "receipts",
    metadata,
    Column("caller", Key, primary_key=True),
    Column("key_sha256", Key, primary_key=True),
    Column("body_hash", Key, nullable=False),
    Column("result_id", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("request_id", Key, ForeignKey("requests.request_id"), primary_key=True),
    Column("version_id", Key, nullable=False, unique=True),
    Column("license_id", Key, nullable=False),
    Column("identifier", Key, nullable=False, unique=True),
    Column("root", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("number", LargeBinary, nullable=False),  # encrypted; some numbers embed a citizen id
    Column("number_blind", LargeBinary(32), nullable=False),
    Column("printed_token", Key, nullable=False, unique=True),
    Column("document_id", LargeBinary, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("first_issued_on", Date, nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("previous_version_id", Key, nullable=False),
    Column("registered", Boolean, nullable=False),
)
Index("ix_intents_unregistered", intents.c.signed_at, sqlite_where=_UNREGISTERED, postgresql_where=_UNREGISTERED)

counters = Table(
    "counters",
    metadata,
    Column("name", Key, primary_key=True),
    Column("value", ROW_NUMBER, nullable=False),
    # number series, feed positions
)

licenses = Table(
    "licenses",
    metadata,
    Column("version_id", Key, primary_key=True),
    Column("license_id", Key, nullable=False),
    Column("identifier", Key, nullable=False, unique=True),
    Column("root", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("number", LargeBinary, nullable=False),  # encrypted
    Column("number_blind", LargeBinary(32), nullable=False),
    Column("issuer_code", Key, nullable=False),
    Column("issuer_name", PlainText, nullable=False),
    Column("holder", LargeBinary, nullable=False),  # encrypted
    Column("holder_blind", LargeBinary(32), nullable=False),
    Column("data", LargeBinary, nullable=False),  # encrypted
    Column("photo_id", Key, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("first_issued_on", Date, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    Column("state", Key, nullable=False),
    Column("suspended_until", Date),
    Column("previous_version_id", Key, nullable=False),
    Column("replaced_by_version_id", Key, nullable=False),
    Column("request_id", Key, nullable=False),
    Column("printed_token", Key, nullable=False, unique=True),
    Column("created_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("artifact_id", Key, nullable=False),
    Column("status_no", ROW_NUMBER),  # null from releases before status lists, until it is numbered
    UniqueConstraint("license_id", "version"),
)
Index("ix_licenses_number", licenses.c.type_slug, licenses.c.number_blind, licenses.c.created_at)
# Whatever a program does wrong: one number is in force once, and of one license one version.
Index(
    "uq_licenses_number_in_force",
    licenses.c.type_slug,
    licenses.c.number_blind,
    unique=True,
    sqlite_where=_IN_FORCE,
    postgresql_where=_IN_FORCE,
)
Index(
    "uq_licenses_in_force",
    licenses.c.license_id,
    unique=True,
    sqlite_where=_IN_FORCE,
    postgresql_where=_IN_FORCE,
)
Index("ix_licenses_holder", licenses.c.holder_blind, licenses.c.created_at, licenses.c.version_id)
# What a search by holder and type looks through: the newest of each license alone, however often it was replaced.
Index(
    "ix_licenses_held",
    licenses.c.holder_blind,
    licenses.c.type_slug,
    licenses.c.created_at,
    licenses.c.version_id,
    sqlite_where=text(NOT_REPLACED),
    postgresql_where=text(NOT_REPLACED),
)
Index("uq_licenses_status_no", licenses.c.status_no, unique=True)
# What a status list is built from: one range of it per list, without reading a row.
Index(
    "ix_licenses_not_good",
    licenses.c.status_no,
    licenses.c.state,
    sqlite_where=text(NOT_GOOD),
    postgresql_where=text(NOT_GOOD),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("artifact_id", Key, primary_key=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False, index=True),
    Column("kind", Key, nullable=False),
    Column("sha256", Key, nullable=False, unique=True),
    Column("size", ROW_NUMBER, nullable=False),
    Column("object_name", PlainText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

moves = Table(
    "moves",
    metadata,
    Column("row_no", ROW_NUMBER, Identity(always=True), primary_key=True),
    Column("move_id", Key, nullable=False, unique=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("name", Key, nullable=False),
    Column("from_state", Key, nullable=False),
    Column("to_state", Key, nullable=False),
    Column("decision", LargeBinary),  # encrypted; a penalty's basis may name people
    Column("actor", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "version_id", "row_no"),
)

photos = Table(
    "photos",
    metadata,
    Column("photo_id", Key, primary_key=True),  # keyed digest of the bytes
    Column("data", LargeBinary, nullable=False),  # encrypted
)

seals = Table(
    "seals",
    metadata,
    Column("seal_id", Key, primary_key=True),
    Column("owner_code", Key, nullable=False),
    Column("owner_name", PlainText, nullable=False),
    Column("name", PlainText, nullable=False),
    Column("kind", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("algorithm", Key, nullable=False),
    Column("stamp", PlainText, nullable=False),  # JSON
    Column("scope_types", PlainText, nullable=False),  # JSON
    Column("valid_from", UtcTime, nullable=False),
    Column("valid_until", UtcTime, nullable=False),
    Column("daily_budget", Integer, nullable=False),
)

seal_days = Table(
    "seal_days",
    metadata,
    Column("seal_id", Key, ForeignKey("seals.seal_id"), primary_key=True),
    Column("day_start", UtcTime, primary_key=True),
    Column("used", Integer, nullable=False),
    # how many reservations a day has seen
)

reservations = Table(
    "reservations",
    metadata,
    Column("reservation_id", Key, primary_key=True),
    Column("seal_id", Key, ForeignKey("seals.seal_id"), nullable=False),
    Column("purpose", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("reserved_at", UtcTime, nullable=False),
    Column("result", Key, nullable=False),
    Column("signature_sha256", Key, nullable=False),
    Column("answered_at", UtcTime),
)
Index(
    "ix_reservations_open",
    reservations.c.reserved_at,
    reservations.c.reservation_id,
    sqlite_where=_OPEN_RESERVATION,
    postgresql_where=_OPEN_RESERVATION,
)
Index(
    "ix_reservations_open_purpose",
    reservations.c.purpose,
    sqlite_where=_OPEN_RESERVATION,
    postgresql_where=_OPEN_RESERVATION,
)

clients = Table(
    "clients",
    metadata,
    Column("client_id", Key, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("roles", PlainText, nullable=False),  # JSON
    Column("secret_sha256", Key, nullable=False),
    Column("jwks", PlainText, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("auth_method", Key, nullable=False, server_default=""),
    Column("tls_subject", PlainText, nullable=False, server_default=""),
    Column("tls_sha256", Key, nullable=False, server_default=""),
    Column("staff_required", Boolean, nullable=False, server_default=false()),
    Column("purpose", PlainText, nullable=False, server_default=""),
)
Index("ix_clients_authority", clients.c.authority_code, clients.c.client_id)

people = Table(
    "people",
    metadata,
    Column("subject", Key, primary_key=True),
    Column("personal", LargeBinary, nullable=False),  # encrypted: name, holder code, badge
    Column("roles", PlainText, nullable=False),  # JSON
    Column("holder_code_type", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("verified_by", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)

seen_once = Table(
    "seen_once",
    metadata,
    Column("key_sha256", Key, primary_key=True),  # a digest, because the key's sender chooses its length
    Column("until", UtcTime, nullable=False, index=True),
)
