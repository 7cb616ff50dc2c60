"""One-time codes for a signature and for what a person does with the own e-signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.store.one_time_codes import CodeRows, CodeStatements
from certsvc.store.tables_signers import signer_codes, signing_codes

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.signer import ActCode, OneTimeCode
    from certsvc.store.transaction import Transaction

_OF_STEPS = CodeStatements.over(signing_codes, signing_codes.c.step_id)
_OF_ACTS = CodeStatements.over(signer_codes, signer_codes.c.matter)


class SigningCodeRows(CodeRows):
    """Implements ``signer_ports.SigningCodes``: the matter of a code is a step."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        super().__init__(tx, signing_codes, _OF_STEPS)

    def insert(self, code: OneTimeCode, text: str) -> None:
        """Keep a keyed digest of ``text``; earlier codes of the step die."""
        values = {
            "round_id": code.round_id,
            "step_id": code.step_id,
            "signer_id": code.signer_id,
            "document_sha256": code.document_sha256,
            "expires_at": code.expires_at,
        }
        self._put(code.step_id, code.code_id, text, values, code.made_at)

    def check(self, step_id: str, *, text: str, document_sha256: str, signer_id: str, now: datetime) -> str:
        """Id of the newest code of a step, if ``text``, document, signer and time are right; else empty."""
        row = self._look(step_id, text, now)
        if row is None or (row["document_sha256"], row["signer_id"]) != (document_sha256, signer_id):
            return ""
        return str(row["code_id"])


class SignerCodeRows(CodeRows):
    """Implements ``signer_ports.SignerCodes``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        super().__init__(tx, signer_codes, _OF_ACTS)

    def insert(self, code: ActCode, text: str) -> None:
        """Keep a keyed digest of ``text``; earlier codes of the matter die."""
        values = {"matter": code.matter, "expires_at": code.expires_at}
        self._put(code.matter, code.code_id, text, values, code.made_at)

    def check(self, matter: str, *, text: str, now: datetime) -> str:
        """Id of the newest code of a matter, if ``text`` and time are right; else empty."""
        row = self._look(matter, text, now)
        return "" if row is None else str(row["code_id"])
