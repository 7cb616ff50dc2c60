"""One-time codes: a keyed digest, five tries, one use."""

from __future__ import annotations

import hmac
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from certsvc.seal.signer import MAX_CODE_TRIES
from certsvc.store.tables_signers import signing_codes
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.signer import OneTimeCode
    from certsvc.store.transaction import Transaction

_C = signing_codes.c
_BLIND = "signing_codes.code_blind"
_MADE_SINCE = select(func.count().label("made")).where(
    _C.step_id == bindparam("step"), _C.made_at >= bindparam("since")
)
_KILL = (
    update(signing_codes)
    .where(_C.step_id == bindparam("step"), _C.used_at.is_(None))
    .values(used_at=bindparam("now"), tries=MAX_CODE_TRIES)
)
_NEWEST = (
    select(_C.code_id).where(_C.step_id == bindparam("step")).order_by(_C.made_at.desc(), _C.code_id.desc()).limit(1)
)
_TRY = (
    update(signing_codes)
    .where(
        _C.code_id == bindparam("which"),
        _C.tries < MAX_CODE_TRIES,
        _C.used_at.is_(None),
        _C.expires_at > bindparam("now"),
    )
    .values(tries=_C.tries + 1)
    .returning(_C.code_blind, _C.document_sha256, _C.signer_id)
)
_USED = (
    update(signing_codes).where(_C.code_id == bindparam("which"), _C.used_at.is_(None)).values(used_at=bindparam("now"))
)


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, signing_codes)


class SigningCodeRows:
    """Implements ``signer_ports.SigningCodes``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, code: OneTimeCode, text: str) -> None:
        """Keep a keyed digest of ``text``; earlier codes of the step die."""
        self._tx.changed(_KILL, step=code.step_id, now=code.made_at)
        self._tx.changed(
            _insert(self._tx.dialect),
            code_id=code.code_id,
            round_id=code.round_id,
            step_id=code.step_id,
            signer_id=code.signer_id,
            document_sha256=code.document_sha256,
            code_blind=self._tx.blind(f"{code.code_id}:{text}", _BLIND),
            tries=0,
            made_at=code.made_at,
            expires_at=code.expires_at,
        )

    def made_since(self, step_id: str, since: datetime) -> int:
        """How many codes were made for this step since then."""
        row = self._tx.row(_MADE_SINCE, step=step_id, since=since)
        return 0 if row is None else int(row["made"])

    def check(self, step_id: str, *, text: str, document_sha256: str, signer_id: str, now: datetime) -> str:
        """Id of the newest code of a step, if ``text``, document, signer and time are right; else empty."""
        newest = self._tx.row(_NEWEST, step=step_id)
        if newest is None:
            return ""
        code_id: str = newest["code_id"]
        row = next(iter(self._tx.rows(_TRY, which=code_id, now=now)), None)
        if row is None:
            return ""
        same = hmac.compare_digest(bytes(row["code_blind"]), self._tx.blind(f"{code_id}:{text}", _BLIND))
        bound = row["document_sha256"] == document_sha256 and row["signer_id"] == signer_id
        return code_id if same and bound else ""

    def use(self, code_id: str, *, now: datetime) -> bool:
        """Use a code that was right; True once."""
        return self._tx.changed(_USED, which=code_id, now=now) == 1
