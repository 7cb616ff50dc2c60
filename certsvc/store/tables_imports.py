"""The tables of imports (存量) and of bulk decisions, in the metadata of ``tables.py``.

What the rows of an upload say is personal: it is encrypted, and forgotten (set to null) some time after the end.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_parked import metadata

__all__ = ["metadata"]  # with the tables of all files in it

# Conditions of partial indexes, for the queries to repeat word by word.
WORKING_IMPORT = "state IN ('uploaded', 'approved')"
OPEN_IMPORT = "state IN ('uploaded', 'checked', 'approved')"
KEPT_IMPORT = "forgotten IS NOT TRUE"
WAITING_ROW = "state IN ('passed', 'queued')"
SAMPLED_ROW = "sampled IS TRUE"
WORKING_BULK = "state IN ('confirmed', 'working')"
OPEN_BULK = "state IN ('preview', 'confirmed', 'working')"

imports = Table(
    "imports",
    metadata,
    Column("import_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("trust", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("form", Key, nullable=False),
    Column("upload", Key, nullable=False),  # where the bytes are until they are checked, or empty
    Column("columns", PlainText, nullable=False),  # JSON: keys and headings in the order of the upload
    Column("problems", LargeBinary),  # encrypted JSON: what is wrong with the file as a whole
    Column("total", Integer, nullable=False),
    Column("uploaded_by", Key, nullable=False),
    Column("uploaded_at", UtcTime, nullable=False),
    Column("seed", Key, nullable=False),
    Column("sample_size", Integer, nullable=False),
    Column("decided_by", Key, nullable=False),
    Column("decided_at", UtcTime),
    Column("reason", LargeBinary),  # encrypted: the words of whoever decided
    Column("waits_for", PlainText, nullable=False),  # why nothing is issued right now, in Chinese, or empty
    Column("claim_token", Key, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("ready_at", UtcTime, nullable=False),
    Column("keep_until", UtcTime, nullable=False),
    Column("forgotten", Boolean, nullable=False),
)
Index(
    "ix_imports_queue",
    imports.c.ready_at,
    imports.c.import_id,
    sqlite_where=text(WORKING_IMPORT),
    postgresql_where=text(WORKING_IMPORT),
)
Index(
    "uq_imports_open_file",
    imports.c.authority_code,
    imports.c.type_slug,
    imports.c.sha256,
    unique=True,
    sqlite_where=text(OPEN_IMPORT),
    postgresql_where=text(OPEN_IMPORT),
)
Index(
    "ix_imports_kept",
    imports.c.keep_until,
    sqlite_where=text(KEPT_IMPORT),
    postgresql_where=text(KEPT_IMPORT),
)
Index("ix_imports_authority", imports.c.authority_code, imports.c.import_id)

import_rows = Table(
    "import_rows",
    metadata,
    Column("import_id", Key, ForeignKey("imports.import_id"), primary_key=True),
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    Column("state", Key, nullable=False),
    Column("content", LargeBinary),  # encrypted JSON: the cells by key
    Column("photo", LargeBinary),  # encrypted: the normalised photo, until its license is asked for
    Column("number_blind", LargeBinary(32)),
    Column("row_key", Key, nullable=False),  # keyed digest of the cells
    Column("faults", LargeBinary),  # encrypted JSON; may quote the cells
    Column("request_id", Key, nullable=False),
    Column("identifier", Key, nullable=False),
    Column("sampled", Boolean, nullable=False),
    Column("judged", Key, nullable=False),
    Column("judged_by", Key, nullable=False),
    Column("judged_at", UtcTime),
    Column("judge_reason", LargeBinary),  # encrypted
)
Index("ix_import_rows_state", import_rows.c.import_id, import_rows.c.state, import_rows.c.row_no)
Index(
    "ix_import_rows_number",
    import_rows.c.number_blind,
    sqlite_where=text(WAITING_ROW),
    postgresql_where=text(WAITING_ROW),
)
Index(
    "ix_import_rows_sampled",
    import_rows.c.import_id,
    import_rows.c.row_no,
    sqlite_where=text(SAMPLED_ROW),
    postgresql_where=text(SAMPLED_ROW),
)

stock_licenses = Table(
    "stock_licenses",
    metadata,
    Column("version_id", Key, ForeignKey("licenses.version_id"), primary_key=True),
    Column("import_id", Key, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("trust", Key, nullable=False),
)

bulks = Table(
    "bulks",
    metadata,
    Column("bulk_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("action", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("content_blind", LargeBinary(32), nullable=False),  # keyed digest of everything that was asked
    Column("content", LargeBinary, nullable=False),  # encrypted JSON: the decision, and why the window is short
    Column("window_s", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("asked_by", Key, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("confirmed_by", Key, nullable=False),
    Column("effect_at", UtcTime),
    Column("ended_by", Key, nullable=False),
    Column("ended_at", UtcTime),
    Column("reason", LargeBinary),  # encrypted
    Column("claim_token", Key, nullable=False),
    Column("ready_at", UtcTime, nullable=False),
)
Index(
    "ix_bulks_queue",
    bulks.c.ready_at,
    bulks.c.bulk_id,
    sqlite_where=text(WORKING_BULK),
    postgresql_where=text(WORKING_BULK),
)
Index(
    "uq_bulks_open_content",
    bulks.c.authority_code,
    bulks.c.content_blind,
    unique=True,
    sqlite_where=text(OPEN_BULK),
    postgresql_where=text(OPEN_BULK),
)
Index("ix_bulks_authority", bulks.c.authority_code, bulks.c.bulk_id)

bulk_rows = Table(
    "bulk_rows",
    metadata,
    Column("bulk_id", Key, ForeignKey("bulks.bulk_id"), primary_key=True),
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    Column("state", Key, nullable=False),
    Column("given", LargeBinary, nullable=False),  # encrypted: an identifier or a number, as it was sent
    Column("identifier", Key, nullable=False),
    Column("stood", Key, nullable=False),  # state of the license at the preview
    Column("code", Key, nullable=False),
    Column("detail", LargeBinary, nullable=False),  # encrypted: what follows, or why not
    Column("request_id", Key, nullable=False),
)
Index("ix_bulk_rows_state", bulk_rows.c.bulk_id, bulk_rows.c.state, bulk_rows.c.row_no)
