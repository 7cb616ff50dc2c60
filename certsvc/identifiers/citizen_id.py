"""公民身份号码 (GB 11643-1999) and the two cards that follow its form.

港澳台居民居住证 (81, 82, 83) and the 外国人永久居留身份证 of 2023 (18 characters, the first is 9) have the same date,
order and check positions. Abolished regions stay valid: no region dictionary is asked, people keep the code they got.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from certsvc.errors import InvalidIdentifier

KIND = "公民身份号码"
LENGTH = 18
OLD_LENGTH = 15
EARLIEST_YEAR = 1850
"""Nobody alive was born earlier; a year before it is a slip of the keyboard."""

_FORM = re.compile(r"[1-9][0-9]{16}[0-9X]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SANDBOX_REGION = "990"
_PERMANENT_RESIDENCE = "9"
_HONG_KONG_MACAO_TAIWAN = ("81", "82", "83")


class Sex(StrEnum):
    """What the 17th digit says."""

    MALE = "男"
    FEMALE = "女"


class CitizenIdKind(StrEnum):
    """Which card a number of this form stands on."""

    RESIDENT = "resident"
    """居民身份证"""
    HONG_KONG_MACAO_TAIWAN = "hmt"
    """港澳台居民居住证"""
    PERMANENT_RESIDENCE = "permanent_residence"
    """外国人永久居留身份证"""
    SANDBOX = "sandbox"
    """region 990, which no real person has"""


@dataclass(frozen=True, slots=True)
class CitizenId:
    """One valid number of 18 characters; a final ``x`` was turned into ``X``."""

    value: str

    @classmethod
    def parse(cls, text: str) -> CitizenId:
        """Read a number of 18 half-width characters.

        Raises:
            InvalidIdentifier: wrong length or characters, an impossible date of birth, a wrong check character; a
                number of the old 15 digits has a reason of its own.
        """
        if len(text) == OLD_LENGTH and text.isascii() and text.isdigit():
            raise InvalidIdentifier(KIND, "15 位旧号码已停用，请填写 18 位公民身份号码")
        if len(text) != LENGTH:
            raise InvalidIdentifier(KIND, "应为 18 位，请核对是否多字或漏字")
        value = text[:-1] + ("X" if text[-1] == "x" else text[-1])
        if not _FORM.fullmatch(value):
            raise InvalidIdentifier(KIND, "前 17 位应为半角数字且首位不为 0，末位应为数字或 X")
        _birth_date(value)
        if check_character(value[:-1]) != value[-1]:
            raise InvalidIdentifier(KIND, "校验位不符，请逐位核对")
        return cls(value)

    @property
    def region(self) -> str:
        """The first six digits: the region at the first registration, or class and country of a foreigner's card."""
        return self.value[:6]

    @property
    def birth_date(self) -> date:
        """Date of birth, digits 7 to 14."""
        return _birth_date(self.value)

    @property
    def sex(self) -> Sex:
        """The 17th digit: odd for men, even for women."""
        return Sex.MALE if int(self.value[16]) % 2 else Sex.FEMALE

    @property
    def kind(self) -> CitizenIdKind:
        """Which card the number stands on."""
        if self.value.startswith(_SANDBOX_REGION):
            return CitizenIdKind.SANDBOX
        if self.value.startswith(_PERMANENT_RESIDENCE):
            return CitizenIdKind.PERMANENT_RESIDENCE
        if self.value.startswith(_HONG_KONG_MACAO_TAIWAN):
            return CitizenIdKind.HONG_KONG_MACAO_TAIWAN
        return CitizenIdKind.RESIDENT

    def age_on(self, day: date) -> int:
        """Full years of age on ``day``; the birthday itself counts."""
        born = self.birth_date
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def __str__(self) -> str:
        """The 18 characters."""
        return self.value


def eighteen(old: str) -> str:
    """The number of 18 characters that a number of the old 15 digits became, or empty when it cannot have been one.

    The old form has the year of birth without its century; all who still live got 19 (998 to 996 marked the others).
    """
    if len(old) != OLD_LENGTH or not (old.isascii() and old.isdigit()):
        return ""
    body = f"{old[:6]}19{old[6:]}"
    try:
        return CitizenId.parse(body + check_character(body)).value
    except InvalidIdentifier:
        return ""


def check_character(body: str) -> str:
    """Return the 18th character for the first 17 digits (GB 11643-1999, ISO 7064 MOD 11-2).

    Raises:
        InvalidIdentifier: not 17 ASCII digits.
    """
    if len(body) != LENGTH - 1 or not (body.isascii() and body.isdigit()):
        raise InvalidIdentifier(KIND, "前 17 位应为半角数字")
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return _CHECKS[total % 11]


def _birth_date(value: str) -> date:
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        raise InvalidIdentifier(KIND, "第 7 至 14 位不是真实存在的出生日期") from None
    if born.year < EARLIEST_YEAR:
        raise InvalidIdentifier(KIND, f"出生年份早于 {EARLIEST_YEAR} 年，请核对")
    return born
