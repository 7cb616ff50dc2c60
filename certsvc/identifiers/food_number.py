"""Numbers of food licenses: ``JY`` (食品经营许可证) and ``SC`` (食品生产许可证) with 14 digits.

JY: 1 主体业态, 6 region, 6 sequence, 1 check. SC: 3 食品类别, 6 region, 4 sequence, 1 check. The check digit is
ISO/IEC 7064 MOD 11,10 over the 13 digits before it (proven on real public numbers, STANDARDS.md 5.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.iso7064 import mod_11_10

KIND = "食品许可证编号"
BODY_LENGTH = 13

_FORM = re.compile(r"(JY|SC)[0-9]{14}")


@dataclass(frozen=True, slots=True)
class FoodNumber:
    """One valid number of 16 characters."""

    OPERATION: ClassVar[str] = "JY"
    PRODUCTION: ClassVar[str] = "SC"

    value: str

    @classmethod
    def parse(cls, text: str) -> FoodNumber:
        """Read ``JY`` or ``SC`` and 14 digits.

        Raises:
            InvalidIdentifier: another form or a wrong check digit.
        """
        if not _FORM.fullmatch(text):
            raise InvalidIdentifier(KIND, "应为 JY 或 SC 加 14 位半角数字")
        if check_digit(text[2:-1]) != text[-1]:
            raise InvalidIdentifier(KIND, "校验位不符，请逐位核对")
        return cls(text)

    @property
    def prefix(self) -> str:
        """``JY`` or ``SC``."""
        return self.value[:2]

    @property
    def category(self) -> str:
        """主体业态 (one digit) of a JY number, 食品类别 (three digits) of an SC number."""
        return self.value[2:3] if self.prefix == self.OPERATION else self.value[2:5]

    @property
    def region(self) -> str:
        """The six digits of the region."""
        return self.value[3:9] if self.prefix == self.OPERATION else self.value[5:11]

    @property
    def sequence(self) -> str:
        """The running number: six digits for JY, four for SC."""
        return self.value[9:15] if self.prefix == self.OPERATION else self.value[11:15]

    def __str__(self) -> str:
        """The 16 characters."""
        return self.value


def check_digit(body: str) -> str:
    """Return the 14th digit for the 13 before it.

    Raises:
        InvalidIdentifier: not 13 ASCII digits.
    """
    if len(body) != BODY_LENGTH:
        raise InvalidIdentifier(KIND, "校验位前应为 13 位数字")
    return mod_11_10(body)
