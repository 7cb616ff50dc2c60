"""行政区划代码 (GB/T 2260): six digits, 2 + 2 + 2.

Only the form is checked. Codes are abolished over time and old licenses keep theirs, so a dictionary would
refuse history.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from certsvc.errors import InvalidIdentifier

KIND = "行政区划代码"
SANDBOX_PREFIX = "99"
"""No province has this code; production refuses it (DOMAIN.md 6)."""

_FORM = re.compile(r"[1-9][0-9]{5}")


class RegionLevel(StrEnum):
    """How far down a code reaches."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True, slots=True)
class Region:
    """One code of a province (``xx0000``), a city (``xxyy00``) or a county."""

    code: str

    @classmethod
    def parse(cls, text: str) -> Region:
        """Read six ASCII digits.

        Raises:
            InvalidIdentifier: another form, or a county directly under a province's ``00``.
        """
        if not _FORM.fullmatch(text):
            raise InvalidIdentifier(KIND, "应为 6 位半角数字且首位不为 0")
        if text[2:4] == "00" and text[4:] != "00":
            raise InvalidIdentifier(KIND, "第 3、4 位为 00 时第 5、6 位也应为 00")
        return cls(text)

    @property
    def level(self) -> RegionLevel:
        """Province, city or county, by the trailing zeros."""
        if self.code.endswith("0000"):
            return RegionLevel.PROVINCE
        return RegionLevel.CITY if self.code.endswith("00") else RegionLevel.COUNTY

    @property
    def is_sandbox(self) -> bool:
        """Whether the code is of the reserved range that no real place has."""
        return self.code.startswith(SANDBOX_PREFIX)

    def contains(self, other: Region) -> bool:
        """Whether ``other`` is this region or lies in it."""
        significant = {RegionLevel.PROVINCE: 2, RegionLevel.CITY: 4, RegionLevel.COUNTY: 6}[self.level]
        return other.code[:significant] == self.code[:significant]

    def __str__(self) -> str:
        """The six digits."""
        return self.code
