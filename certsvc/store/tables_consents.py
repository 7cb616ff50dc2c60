"""What the holder's side of showing needs: challenges, delegations, relations of people, co-holders, disputes."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, PlainText, UtcTime
from certsvc.store.tables_visits import metadata

__all__ = ["metadata"]  # with the tables of all files in it

IN_OFFICE = "slot > 0"
ONE_REPRESENTATIVE = "kind = 'representative' AND ended_at IS NULL"
STILL_SO = "ended_at IS NULL"
STILL_HELD = "removed_at IS NULL"
UNDECIDED = "state IN ('filed', 'in_review')"

challenges = Table(
    "challenges",
    metadata,
    Column("challenge_id", Key, primary_key=True),
    Column("token_sha256", Key, nullable=False, unique=True),
    Column("ticket_sha256", Key, nullable=False),
    Column("verifier", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("badge", Key, nullable=False),
    Column("type_slug", Key, nullable=False),
    Column("scene", Key, nullable=False),
    Column("audience", Key, nullable=False),
    Column("matter_code", Key, nullable=False),
    Column("case_no", Key, nullable=False),
    Column("circumstances", LargeBinary, nullable=False),  # encrypted JSON: purpose and task number
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("state", Key, nullable=False),
    Column("holder_subject", Key, nullable=False),
    Column("version_id", Key, nullable=False),
    Column("basis", Key, nullable=False),
    Column("basis_id", Key, nullable=False),
    Column("presenter", LargeBinary),  # encrypted: who answered for the holder
    Column("answered_at", UtcTime),
    Column("collect_until", UtcTime),
    Column("collected_at", UtcTime),
    # Empty in rows of earlier releases.
    Column("operator", LargeBinary),  # encrypted: 经办人 of a using system
    Column("seen", PlainText),  # JSON: what the holder said yes to
)
Index("ix_challenges_verifier", challenges.c.verifier, challenges.c.state, challenges.c.expires_at)
Index("ix_challenges_holder", challenges.c.holder_subject, challenges.c.answered_at, challenges.c.challenge_id)

delegations = Table(
    "delegations",
    metadata,
    Column("delegation_id", Key, primary_key=True),
    Column("parent_id", Key, nullable=False),
    Column("level", Key, nullable=False),
    Column("holder_blind", LargeBinary(32), nullable=False),  # keyed digests of type and code
    Column("grantor_blind", LargeBinary(32), nullable=False),
    Column("delegate_blind", LargeBinary(32), nullable=False),
    Column("people", LargeBinary, nullable=False),  # encrypted JSON: names and codes of the three
    Column("scope", PlainText, nullable=False),  # JSON
    Column("until", Date, nullable=False),
    Column("max_uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("state", Key, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("accepted_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("ended_because", Key, nullable=False),
    # For programs of earlier releases, in which delegates show and do nothing else.
    Column("use_matters", PlainText, nullable=False, server_default="[]"),  # JSON
)
Index("ix_delegations_holder", delegations.c.holder_blind, delegations.c.created_at, delegations.c.delegation_id)
Index("ix_delegations_grantor", delegations.c.grantor_blind, delegations.c.created_at, delegations.c.delegation_id)
Index("ix_delegations_delegate", delegations.c.delegate_blind, delegations.c.created_at, delegations.c.delegation_id)
Index("ix_delegations_parent", delegations.c.parent_id)
Index(
    "uq_delegations_slot",
    delegations.c.holder_blind,
    delegations.c.slot,
    unique=True,
    sqlite_where=text(IN_OFFICE),
    postgresql_where=text(IN_OFFICE),
)

relations = Table(
    "relations",
    metadata,
    Column("relation_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("subject_blind", LargeBinary(32), nullable=False),
    Column("other_blind", LargeBinary(32)),
    Column("people", LargeBinary, nullable=False),  # encrypted JSON: names and codes of the two
    Column("authority_code", Key, nullable=False),
    Column("client_id", Key, nullable=False),
    Column("document_no", Key, nullable=False),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)
Index("ix_relations_subject", relations.c.subject_blind, relations.c.kind)
Index("ix_relations_other", relations.c.other_blind, relations.c.kind)
Index(
    "uq_relations_representative",
    relations.c.subject_blind,
    unique=True,
    sqlite_where=text(ONE_REPRESENTATIVE),
    postgresql_where=text(ONE_REPRESENTATIVE),
)

Index(
    "uq_relations_open",
    relations.c.subject_blind,
    relations.c.other_blind,
    relations.c.kind,
    unique=True,
    sqlite_where=text(STILL_SO),
    postgresql_where=text(STILL_SO),
)

co_holders = Table(
    "co_holders",
    metadata,
    Column("co_holder_id", Key, primary_key=True),
    Column("license_id", Key, nullable=False),
    Column("holder_blind", LargeBinary(32), nullable=False),
    Column("person", LargeBinary, nullable=False),  # encrypted JSON: name, code and the own part
    Column("added_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
)
Index("ix_co_holders_holder", co_holders.c.holder_blind)
Index(
    "uq_co_holders_held",
    co_holders.c.license_id,
    co_holders.c.holder_blind,
    unique=True,
    sqlite_where=text(STILL_HELD),
    postgresql_where=text(STILL_HELD),
)

disputes = Table(
    "disputes",
    metadata,
    Column("dispute_id", Key, primary_key=True),
    Column("version_id", Key, nullable=False),  # of a license, or the id of a 电子材料
    Column("holder_subject", Key, nullable=False),
    Column("about", Key, nullable=False),
    Column("use_id", Key, nullable=False),
    Column("used_by", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("text", LargeBinary, nullable=False),  # encrypted
    Column("filed_at", UtcTime, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("state", Key, nullable=False),
    Column("handler", Key, nullable=False),
    Column("answer", LargeBinary),  # encrypted
    Column("taken_at", UtcTime),
    Column("closed_at", UtcTime),
)
Index("ix_disputes_holder", disputes.c.holder_subject, disputes.c.filed_at, disputes.c.dispute_id)
Index("ix_disputes_authority", disputes.c.authority_code, disputes.c.filed_at, disputes.c.dispute_id)
Index(
    "ix_disputes_due",
    disputes.c.due_on,
    disputes.c.dispute_id,
    sqlite_where=text(UNDECIDED),
    postgresql_where=text(UNDECIDED),
)
