"""Bodies (机关、单位): who defines, issues and uses licenses, and on what basis it ever may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


class AuthorityKind(StrEnum):
    """What a body is where the law asks for it: who reviews, and who acts on the holder's consent alone."""

    DEPARTMENT = "department"
    """部门: defines, issues, uses, penalises"""
    GOVERNMENT = "government"
    """人民政府: 复议机关 for the departments of its region (行政复议法)"""
    COURT = "court"
    """人民法院: its judgments bind the authorities of its region"""
    NOTARY = "notary"
    """公证机构: proves what parties bring to it; no organ of the state (公证法 6)"""
    UTILITY = "utility"
    """供水、供电、供气、通信等公用企业"""
    BANK = "bank"
    """银行业金融机构"""


REVIEWING = frozenset({AuthorityKind.GOVERNMENT, AuthorityKind.COURT})
"""Reopen what others decided."""
_ON_CONSENT = frozenset({AuthorityKind.NOTARY, AuthorityKind.UTILITY, AuthorityKind.BANK})
"""No statute gives these a duty for which they may look into others' licenses: they act on the holder's consent alone
(个人信息保护法 13 (1), where 34 is for organs of the state)."""
ON_CONSENT_ZH: dict[AuthorityKind, str] = {
    AuthorityKind.NOTARY: "公证机构",
    AuthorityKind.UTILITY: "公用企业",
    AuthorityKind.BANK: "银行业金融机构",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A body: an authority (机关) that defines or issues licenses or uses them, or another that uses them.

    Attributes:
        code: USCC.
        region: GB/T 2260.
        seal_id: its license seal, or empty.
        seal_name: second line of that seal (``电子证照专用章``), or ``法定名称章`` for a seal without one.
        further_seals: ids of its other numbered seals (行政审批专用章（2）).
        superior: USCC of the authority above, or empty.
        kind: department, people's government, court, or one of those that act on consent alone.
        approves_for_others: an 行政审批局, which seals permits of others' trades (一枚印章管审批).
        successor: USCC of the body that it was merged into on ``merged_on``, or empty.
    """

    code: str
    name: str
    region: str
    seal_id: str
    seal_name: str = ""
    further_seals: tuple[str, ...] = ()
    superior: str = ""
    kind: AuthorityKind = AuthorityKind.DEPARTMENT
    approves_for_others: bool = False
    successor: str = ""
    merged_on: date | None = None

    @property
    def level(self) -> int:
        """Key of LEVELS: province, city or county by its region."""
        return 2 if self.region.endswith("0000") else 3 if self.region.endswith("00") else 4

    @property
    def consent_only(self) -> bool:
        """Whether it may use licenses on the holder's consent alone, never on duty (依职能)."""
        return self.kind in _ON_CONSENT
