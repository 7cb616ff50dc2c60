"""The tables of signers and signing rounds, in the metadata of ``tables.py``."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, text

from certsvc.store.columns import Key, UtcTime
from certsvc.store.tables_stamping import metadata

__all__ = ["metadata"]  # with the tables of all files in it

LIVING_SIGNER = "state IN ('applied', 'active', 'stopped')"
OPEN_USE = "result IN ('open', 'unknown')"
OPEN_ROUND = "state = 'open'"
REVOKED = "revoked_at IS NOT NULL"

signers = Table(
    "signers",
    metadata,
    Column("signer_id", Key, primary_key=True),
    Column("subject", Key, nullable=False),
    Column("person_blind", LargeBinary(32), nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted: name, document, certificate, request
    Column("state", Key, nullable=False),
    Column("agreement", Key, nullable=False),
    Column("algorithm", Key, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),  # under the PIN, then the master key; empty once destroyed
    Column("pin_tries", Integer, nullable=False),
    Column("handwriting", LargeBinary, nullable=False),  # encrypted
    Column("serial", Key, nullable=False),
    Column("issuer_key_id", Key, nullable=False),
    Column("valid_from", UtcTime),
    Column("valid_until", UtcTime),
    Column("applied_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("revocation_reason", Key, nullable=False),
)
Index("ix_signers_person", signers.c.person_blind, signers.c.applied_at)
Index(
    "uq_signers_living",
    signers.c.person_blind,
    unique=True,
    sqlite_where=text(LIVING_SIGNER),
    postgresql_where=text(LIVING_SIGNER),
)
Index(
    "ix_signers_valid_until",
    signers.c.valid_until,
    sqlite_where=text(LIVING_SIGNER),
    postgresql_where=text(LIVING_SIGNER),
)
Index("ix_signers_serial", signers.c.issuer_key_id, signers.c.serial)
Index(
    "ix_signers_revoked",
    signers.c.issuer_key_id,
    signers.c.serial,
    sqlite_where=text(REVOKED),
    postgresql_where=text(REVOKED),
)

signer_uses = Table(
    "signer_uses",
    metadata,
    Column("use_id", Key, primary_key=True),
    Column("signer_id", Key, ForeignKey("signers.signer_id"), nullable=False, index=True),
    Column("round_id", Key, nullable=False),
    Column("step_id", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("reserved_at", UtcTime, nullable=False),
    Column("result", Key, nullable=False),
    Column("signature_sha256", Key, nullable=False),
    Column("answered_at", UtcTime),
)
Index(
    "ix_signer_uses_open",
    signer_uses.c.reserved_at,
    signer_uses.c.use_id,
    sqlite_where=text(OPEN_USE),
    postgresql_where=text(OPEN_USE),
)
Index(
    "ix_signer_uses_round",
    signer_uses.c.round_id,
    sqlite_where=text(OPEN_USE),
    postgresql_where=text(OPEN_USE),
)

signing_rounds = Table(
    "signing_rounds",
    metadata,
    Column("round_id", Key, primary_key=True),
    Column("created_by", Key, nullable=False),
    Column("authority_code", Key, nullable=False),
    Column("title", LargeBinary, nullable=False),  # encrypted
    Column("state", Key, nullable=False),
    Column("deadline", UtcTime, nullable=False),
    Column("uploaded_sha256", Key, nullable=False),
    Column("page_count", Integer, nullable=False),
    Column("needs_code", Boolean, nullable=False),
    Column("left_to_sign", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("seal_id", Key, nullable=False),  # empty when no seal was asked for
    Column("seal_field", Key, nullable=False),
    Column("seal_place", Key, nullable=False),
    Column("seal_trouble", Key, nullable=False),
    Column("sealed_at", UtcTime),
    Column("claim_token", Key, nullable=False),
    Column("claim_until", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)
Index("ix_signing_rounds_creator", signing_rounds.c.created_by, signing_rounds.c.created_at)
Index(
    "ix_signing_rounds_open",
    signing_rounds.c.deadline,
    signing_rounds.c.round_id,
    sqlite_where=text(OPEN_ROUND),
    postgresql_where=text(OPEN_ROUND),
)

signing_steps = Table(
    "signing_steps",
    metadata,
    Column("step_id", Key, primary_key=True),
    Column("round_id", Key, ForeignKey("signing_rounds.round_id"), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("person_blind", LargeBinary(32), nullable=False),
    Column("personal", LargeBinary, nullable=False),  # encrypted: name, document, reason
    Column("remark", LargeBinary, nullable=False),  # encrypted: why it was declined
    Column("field_name", Key, nullable=False),
    Column("page", Integer, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("state", Key, nullable=False),
    Column("signer_id", Key, nullable=False),
    Column("signed_at", UtcTime),
    Column("signature_sha256", Key, nullable=False),
)
Index("ix_signing_steps_round", signing_steps.c.round_id, signing_steps.c.turn, signing_steps.c.step_id)
Index("ix_signing_steps_person", signing_steps.c.person_blind, signing_steps.c.round_id)

signing_revisions = Table(
    "signing_revisions",
    metadata,
    Column("round_id", Key, ForeignKey("signing_rounds.round_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha256", Key, nullable=False, index=True),
    Column("step_id", Key, nullable=False),
    Column("at", UtcTime, nullable=False),
)

signing_codes = Table(
    "signing_codes",
    metadata,
    Column("code_id", Key, primary_key=True),
    Column("round_id", Key, nullable=False),
    Column("step_id", Key, ForeignKey("signing_steps.step_id"), nullable=False),
    Column("signer_id", Key, nullable=False),
    Column("document_sha256", Key, nullable=False),
    Column("code_blind", LargeBinary(32), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)
Index("ix_signing_codes_step", signing_codes.c.step_id, signing_codes.c.made_at)

signer_codes = Table(
    "signer_codes",
    metadata,
    Column("code_id", Key, primary_key=True),
    Column("matter", Key, nullable=False),  # what the code is for, and for whom: apply:<subject>, pin:<signer_id>
    Column("code_blind", LargeBinary(32), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)
Index("ix_signer_codes_matter", signer_codes.c.matter, signer_codes.c.made_at)

code_turns = Table(
    "code_turns",
    metadata,
    Column("matter", Key, primary_key=True),  # of a code of either table
    Column("last_at", UtcTime, nullable=False),
)

seal_waits = Table(
    "seal_waits",
    metadata,
    Column("round_id", Key, ForeignKey("signing_rounds.round_id"), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("tried_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
)
