"""On what uses by other systems rest: use requests, consents at a counter, withheld uses; and counts of questions."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_matters import metadata

__all__ = ["metadata"]  # with the tables of all files in it

UNTOLD = "told_at IS NULL"
STILL_ASKED = "state = 'asked'"
DECLINED = "state = 'declined'"

use_requests = Table(
    "use_requests",
    metadata,
    Column("request_id", Key, primary_key=True),
    Column("client_id", Key, nullable=False),
    Column("client_name", PlainText, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("holder_blind", LargeBinary(32), nullable=False),  # keyed digest of type and code
    Column("circumstances", LargeBinary, nullable=False),  # encrypted JSON: holder, operator, purpose
    Column("items", PlainText, nullable=False),  # JSON: type -> keys
    Column("created_at", UtcTime, nullable=False),
    Column("lapses_at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("closed_at", UtcTime),
)
Index(
    "ix_use_requests_open",
    use_requests.c.client_id,
    use_requests.c.holder_blind,
    use_requests.c.lapses_at,
    sqlite_where=text(STILL_ASKED),
    postgresql_where=text(STILL_ASKED),
)
Index(
    "ix_use_requests_declined",
    use_requests.c.holder_blind,
    use_requests.c.matter_code,
    use_requests.c.case_no,
    use_requests.c.closed_at,
    sqlite_where=text(DECLINED),
    postgresql_where=text(DECLINED),
)

use_parties = Table(
    "use_parties",
    metadata,
    Column("party_id", Key, primary_key=True),
    Column("request_id", Key, ForeignKey("use_requests.request_id"), nullable=False),
    Column("holder_blind", LargeBinary(32), nullable=False),
    Column("person", LargeBinary, nullable=False),  # encrypted JSON
    Column("version_id", Key, nullable=False),  # empty for the holder, who answers for everything
    Column("created_at", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("answered_by", Key, nullable=False),
    Column("answered_at", UtcTime),
    Column("basis", Key, nullable=False),
    Column("basis_id", Key, nullable=False),
    # JSON: type -> license; empty in rows of earlier releases, whose holders were not asked which
    Column("chosen", PlainText, nullable=False, server_default="{}"),
)
Index("ix_use_parties_holder", use_parties.c.holder_blind, use_parties.c.created_at, use_parties.c.party_id)
Index("ix_use_parties_request", use_parties.c.request_id, use_parties.c.party_id)

counter_consents = Table(
    "counter_consents",
    metadata,
    Column("consent_id", Key, primary_key=True),
    Column("client_id", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("clerk", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("signer_blind", LargeBinary(32), nullable=False),  # keyed digest of the document that was read
    Column("circumstances", LargeBinary, nullable=False),  # encrypted JSON: holder, signer, operator, purpose
    Column("picture_sha256", Key, nullable=False),
    Column("object_name", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

withholdings = Table(
    "withholdings",
    metadata,
    Column("withholding_id", Key, primary_key=True),
    Column("authority_code", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("legal_basis", LargeBinary, nullable=False),  # encrypted
    Column("until", UtcTime, nullable=False),
    Column("asked_by", Key, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("decided_by", Key, nullable=False),
    Column("decided_at", UtcTime),
)
Index(
    "ix_withholdings_authority",
    withholdings.c.authority_code,
    withholdings.c.asked_at,
    withholdings.c.withholding_id,
)

withheld_uses = Table(
    "withheld_uses",
    metadata,
    Column("fetch_id", Key, ForeignKey("fetches.fetch_id"), primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("told_at", UtcTime),
)
Index(
    "ix_withheld_uses_untold",
    withheld_uses.c.until,
    withheld_uses.c.fetch_id,
    sqlite_where=text(UNTOLD),
    postgresql_where=text(UNTOLD),
)

ask_counts = Table(
    "ask_counts",
    metadata,
    Column("client_id", Key, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("about_blind", LargeBinary(32), primary_key=True),  # keyed digest of a license or a person
    Column("asked", Integer, nullable=False),
)
