"""What a seal (电子印章) and a signer (电子签名人) are, without any cryptography."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.seal.rules import NO_RULES, SealRules


class SealState(StrEnum):
    """State of one version of a seal; the lawful moves are in ``seal/life.py``. 停用/恢复, never 冻结 (DOMAIN.md 2)."""

    APPLIED = "applied"
    REFUSED = "refused"
    DROPPED = "dropped"
    APPROVED = "approved"
    MADE = "made"
    ACTIVE = "active"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    """a newer version of the same seal was activated (换制)"""


SEAL_STATE_ZH: dict[SealState, str] = {
    SealState.APPLIED: "已申请",
    SealState.REFUSED: "不予制发",
    SealState.DROPPED: "终止办理",
    SealState.APPROVED: "已审批",
    SealState.MADE: "已制作",
    SealState.ACTIVE: "启用",
    SealState.STOPPED: "停用",
    SealState.CANCELLED: "注销",
    SealState.EXPIRED: "过期",
    SealState.REPLACED: "已换制",
}


class SealKind(StrEnum):
    """Type codes of STANDARDS.md 6.3."""

    STATUTORY_NAME = "01"
    """法定名称章"""
    FINANCE = "02"
    INVOICE = "03"
    CONTRACT = "04"
    PERSONAL_NAME = "05"
    OTHER = "99"
    """others, among them 业务专用章 and 行政审批专用章"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StampSpec:
    """How the seal's picture (印模) looks on the page; everything a drawer needs.

    Attributes:
        ring_text: the owner's registered name, set along the ring left to right.
        diameter_mm: nominal outer diameter (国发〔1999〕25号; 42 mm for most authorities).
        second_line: text under the star such as ``行政审批专用章``, or empty.
        number: number of a numbered seal such as ``(3)``, or the code in the middle of an oval one, or empty.
        shape: ``round``, ``oval`` (invoices, receipts) or ``square`` (names of people, finance).
        width_mm, height_mm: outer size of an oval or square stamp; 0 takes the usual one (40 x 30, 20 x 20).
        star: whether a round stamp has a five-point star; where the state emblem would stand, it stays empty.
        date_line: a date in the middle in place of the star (日期章), such as ``2026.01.01``, or empty.
    """

    ring_text: str
    diameter_mm: float = 42.0
    second_line: str = ""
    number: str = ""
    shape: str = "round"
    width_mm: float = 0.0
    height_mm: float = 0.0
    star: bool = True
    date_line: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """An organisation's e-seal: an owner, a stamp, a state and a key with its certificate.

    Attributes:
        seal_id: our id (``seal_…`` or the code of keys/dev.toml).
        owner_code: USCC of the owner (所有者).
        owner_name: registered name of the owner.
        name: name of the seal (印章名称).
        key_id: which key of the key ring signs.
        algorithm: ``p256``, ``rsa2048``, ``rsa3072`` or ``sm2``.
        scope_types: license type slugs this seal may stamp; empty means every type of its owner.
        valid_from, valid_until: period of the seal, within that of its certificate.
        daily_budget: how many uses a Shanghai day may see at most.
        version: counts the makings of this seal; a re-made seal has another key, certificate and seal object.
        rules: matters, regions, hours, rate, approvals and keepers.
    """

    seal_id: str
    owner_code: str
    owner_name: str
    name: str
    kind: SealKind
    state: SealState
    key_id: str
    algorithm: str
    stamp: StampSpec
    scope_types: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    daily_budget: int
    version: int = 1
    rules: SealRules = NO_RULES


class ReservationResult(StrEnum):
    """What became of a seal use that was reserved."""

    OPEN = "open"
    """reserved, no answer yet: listed by ``certsvc seals unanswered``"""
    USED = "used"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """the process died between reservation and answer: the key may have signed; listed until it is settled by hand"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealReservation:
    """One committed permission for one key operation, redeemed once.

    Attributes:
        digest: hex SHA-256 of what is to be signed (the covered bytes of the prepared file).
        purpose: why, such as ``issue:req_01…``.
        signature_sha256: hex SHA-256 of the sealed file, once it is known; empty before, and when the use failed.
        answered_at: when the result was known, or was given up.
    """

    reservation_id: str
    seal_id: str
    purpose: str
    digest: str
    reserved_at: datetime
    result: ReservationResult = ReservationResult.OPEN
    signature_sha256: str = ""
    answered_at: datetime | None = None
