"""存量: licenses that were issued on paper or by other systems before this service, and are issued again here as files.

What such a file says is the original license: issuer of the time, original number and dates. Who vouches for the data
is said by the trust level, which its department declares for a whole import (``license/imports.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trust(StrEnum):
    """可信等级 of the data behind a file; it says how the data came about, never how good the license is."""

    A = "A"
    B = "B"
    C = "C"

    @property
    def zh(self) -> str:
        """What the level means."""
        return TRUST_ZH[self]


TRUST_ZH: dict[Trust, str] = {
    Trust.A: "逐份与原件核对",
    Trust.B: "取自原业务系统，抽样核对",
    Trust.C: "补录或转换而来，原件未逐份核对",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StockEntry:
    """Where the data of a license came from: row ``row_no`` of an import, at a level of trust."""

    import_id: str
    row_no: int
    trust: Trust

    def sentence(self, year: int) -> str:
        """What every answer about the license says; ``year`` is that of the original issue."""
        return f"存量证照：依{year}年颁发的证照数据制作，可信等级{self.trust.value}（{self.trust.zh}）"
