"""Annotated copies (加注件), and the alerts to whoever used a license (状态变更通报)."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_bases import metadata

__all__ = ["metadata"]  # with the tables of all files in it

WAS_SEALED = "sha256 <> ''"
BEING_MADE = "state = 'making'"
OPEN_ALERT = "state = 'open'"
UNREMINDED = "state = 'open' AND reminded_at IS NULL"
UNFINISHED = "stage <> 'done'"

copies = Table(
    "copies",
    metadata,
    Column("copy_id", Key, primary_key=True),
    Column("fetch_id", Key, nullable=False, unique=True),
    Column("version_id", Key, ForeignKey("licenses.version_id"), nullable=False),
    Column("client_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("matter_name", PlainText, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("circumstances", LargeBinary, nullable=False),  # encrypted JSON: purpose, token of the code, id of the file
    Column("basis", Key, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("sha256", Key, nullable=False),  # empty while it is being made
    Column("size", Integer, nullable=False),
    Column("object_name", Key, nullable=False),
    Column("given_at", UtcTime),
    Column("withdrawn_at", UtcTime),
)
Index(
    "uq_copies_sha256", copies.c.sha256, unique=True, sqlite_where=text(WAS_SEALED), postgresql_where=text(WAS_SEALED)
)
Index("ix_copies_making", copies.c.signed_at, sqlite_where=text(BEING_MADE), postgresql_where=text(BEING_MADE))

alert_batches = Table(
    "alert_batches",
    metadata,
    Column("batch_id", Key, primary_key=True),
    Column("version_id", Key, nullable=False),  # of a license, or the id of a 电子材料
    Column("change", Key, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("stage", Key, nullable=False),
    Column("last_at", UtcTime),
    Column("last_id", Key, nullable=False),
)
Index(
    "ix_alert_batches_unfinished",
    alert_batches.c.changed_at,
    alert_batches.c.batch_id,
    sqlite_where=text(UNFINISHED),
    postgresql_where=text(UNFINISHED),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Key, primary_key=True),
    Column("batch_id", Key, ForeignKey("alert_batches.batch_id"), nullable=False),
    Column("version_id", Key, nullable=False),
    Column("identifier", Key, nullable=False),
    Column("license_type", Key, nullable=False),
    Column("issuer_code", Key, nullable=False),
    Column("change", Key, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("client_id", Key, nullable=False),  # empty: for the body
    Column("authority_code", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("done", Key, nullable=False),
    Column("note", LargeBinary),  # encrypted
    Column("acknowledged_by", Key, nullable=False),
    Column("acknowledged_at", UtcTime),
    Column("reminded_at", UtcTime),
    UniqueConstraint("batch_id", "client_id", "authority_code", name="uq_alerts_addressee"),
)
Index("ix_alerts_client", alerts.c.client_id, alerts.c.state, alerts.c.created_at, alerts.c.alert_id)
Index(
    "ix_alerts_authority",
    alerts.c.authority_code,
    alerts.c.client_id,
    alerts.c.state,
    alerts.c.created_at,
    alerts.c.alert_id,
)
Index("ix_alerts_issuer", alerts.c.issuer_code, alerts.c.state, alerts.c.created_at, alerts.c.alert_id)
Index(
    "ix_alerts_open",
    alerts.c.created_at,
    alerts.c.alert_id,
    sqlite_where=text(OPEN_ALERT),
    postgresql_where=text(OPEN_ALERT),
)
Index(
    "ix_alerts_unreminded",
    alerts.c.created_at,
    alerts.c.alert_id,
    sqlite_where=text(UNREMINDED),
    postgresql_where=text(UNREMINDED),
)
