"""A version of a seal: what was applied for, who did what with it, and the record of every move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.seal.model import Seal, SealKind, SealState, StampSpec
from certsvc.seal.rules import SealRules


class Cause(StrEnum):
    """Why a version was made."""

    NEW = "new"
    DECLARED = "declared"
    """written down by the operator in the declaration of seals"""
    CHANGED = "changed"
    """名称、印模或范围变更"""
    CERTIFICATE = "certificate"
    """证书到期"""
    KEY_LOST = "key_lost"
    """密钥遗失或泄露"""


CAUSE_ZH: dict[Cause, str] = {
    Cause.NEW: "新制",
    Cause.DECLARED: "登记",
    Cause.CHANGED: "名称、印模或范围变更",
    Cause.CERTIFICATE: "证书到期换证",
    Cause.KEY_LOST: "密钥遗失",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SealVersion:
    """One version of a seal, from its application to its end.

    Attributes:
        years: how long its certificate is asked for.
        key_id: key of the ring, from the making on; empty before.
        valid_from, valid_until: period of the certificate, from the making on.
        request: certificate request (PKCS#10, PEM) that waits for an outside CA's answer, or empty.
        applied_by, approved_by, made_by, activated_by: subjects, or empty.
    """

    seal_id: str
    version: int
    state: SealState
    cause: Cause
    owner_code: str
    owner_name: str
    name: str
    kind: SealKind
    algorithm: str
    stamp: StampSpec
    scope_types: tuple[str, ...]
    rules: SealRules
    daily_budget: int
    years: int
    created_at: datetime
    key_id: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    request: str = ""
    applied_by: str = ""
    approved_by: str = ""
    made_by: str = ""
    activated_by: str = ""

    @property
    def next_key_id(self) -> str:
        """The id of the key that the making of this version makes; always the same, so that a crash makes no second."""
        return f"{self.seal_id}-v{self.version}"

    def as_seal(self) -> Seal:
        """The seal that this version is once it is in use; RuntimeError before it was made."""
        if self.valid_from is None or self.valid_until is None or not self.key_id:
            msg = "a version that was not made is no seal"
            raise RuntimeError(msg)
        return Seal(
            seal_id=self.seal_id,
            owner_code=self.owner_code,
            owner_name=self.owner_name,
            name=self.name,
            kind=self.kind,
            state=SealState.ACTIVE,
            key_id=self.key_id,
            algorithm=self.algorithm,
            stamp=self.stamp,
            scope_types=self.scope_types,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            daily_budget=self.daily_budget,
            version=self.version,
            rules=self.rules,
        )


def version_of_key(key_id: str) -> tuple[str, int]:
    """Seal and version whose making makes a key of this name (:attr:`SealVersion.next_key_id`); 0 for another name."""
    seal_id, _, number = key_id.rpartition("-v")
    return (seal_id, int(number)) if seal_id and number.isascii() and number.isdecimal() else ("", 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class SealMoveRecord:
    """One move of a version, as it stays on record.

    Attributes:
        from_state: empty when the move opened the version.
        code: why in one word for machines: a cause, ``odd_use:<rule>``, ``period``, or empty.
        reason: the person's own words.
    """

    move_id: str
    seal_id: str
    version: int
    name: str
    from_state: str
    to_state: SealState
    actor: str
    at: datetime
    code: str = ""
    reason: str = ""
    document_no: str = ""
    filing_no: str = ""


class RevocationReason(StrEnum):
    """Why a seal's certificate was revoked; names of RFC 5280 §5.3.1."""

    KEY_COMPROMISE = "keyCompromise"
    CESSATION = "cessationOfOperation"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokedCertificate:
    """One entry of the list that the issuing CA publishes.

    Attributes:
        issuer_key_id: hex key identifier of the issuing CA (its subjectKeyIdentifier).
        serial: serial number as lower-case hex without leading zeros.
    """

    issuer_key_id: str
    serial: str
    reason: RevocationReason
    revoked_at: datetime
    seal_id: str
    key_id: str
