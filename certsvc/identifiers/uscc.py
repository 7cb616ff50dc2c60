"""统一社会信用代码 (GB 32100-2015), the code of every organisation and authority."""

from __future__ import annotations

import re
from dataclasses import dataclass

from certsvc.errors import InvalidIdentifier

KIND = "统一社会信用代码"
LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters: I, O, S, V and Z are left out because they are mistaken for digits and for each other."""

_FORM = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Uscc:
    """One valid code.

    Attributes:
        value: 18 characters: 登记管理部门 (1), 机构类别 (1), 登记机关行政区划 (6), 组织机构代码 (9), check (1).
        warnings: what is odd and yet lawful; real codes exist whose organisation code has another check character.
    """

    value: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Uscc:
        """Read a code of exactly 18 half-width characters in upper case.

        Raises:
            InvalidIdentifier: wrong length, alphabet or check character.
        """
        if len(text) != LENGTH:
            raise InvalidIdentifier(KIND, "应为 18 位，请核对是否多字或漏字")
        if not _FORM.fullmatch(text):
            raise InvalidIdentifier(KIND, "只能由数字和大写字母（不含 I、O、S、V、Z）组成，且第 3 至 8 位为数字")
        if check_character(text[:-1]) != text[-1]:
            raise InvalidIdentifier(KIND, "校验位不符，请逐位核对")
        if organisation_check_character(text[8:16]) != text[16]:
            return cls(text, ("主体标识码（组织机构代码）的校验位不符，请人工核对",))
        return cls(text)

    @property
    def department(self) -> str:
        """登记管理部门代码 and 机构类别代码: the first two characters."""
        return self.value[:2]

    @property
    def region(self) -> str:
        """登记管理机关行政区划码: characters 3 to 8."""
        return self.value[2:8]

    @property
    def organisation_code(self) -> str:
        """主体标识码 (GB 11714): characters 9 to 17."""
        return self.value[8:17]

    def __str__(self) -> str:
        """The 18 characters."""
        return self.value


def check_character(body: str) -> str:
    """Return the 18th character for the first 17 (GB 32100-2015, weights 3^i mod 31).

    Raises:
        InvalidIdentifier: not 17 characters of the alphabet.
    """
    if len(body) != LENGTH - 1 or any(character not in ALPHABET for character in body):
        raise InvalidIdentifier(KIND, "前 17 位的长度或字符有误")
    total = sum(ALPHABET.index(character) * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[-total % len(ALPHABET)]


def organisation_check_character(body: str) -> str:
    """Return the 9th character of an organisation code for its first 8 (GB 11714, modulo 11, 10 is ``X``).

    Raises:
        InvalidIdentifier: not 8 characters of ``0-9A-Z``.
    """
    if len(body) != len(_ORGANISATION_WEIGHTS) or any(character not in _ORGANISATION_ALPHABET for character in body):
        raise InvalidIdentifier(KIND, "主体标识码的长度或字符有误")
    pairs = zip(body, _ORGANISATION_WEIGHTS, strict=True)
    total = sum(_ORGANISATION_ALPHABET.index(character) * weight for character, weight in pairs)
    return "0123456789X"[-total % 11]
