"""证照标识 (GB/T 36904-2018): the name of one version of one license, anywhere in the country.

``1.2.156.3005.2.<type 21>.<issuer 18>.<serial>.<version 3>.<check 1>``; the check character is MOD 37,36 over the four
middle parts, joined without dots and without the root OID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.iso7064 import mod_37_36
from certsvc.identifiers.uscc import Uscc

KIND = "证照标识"
ROOT_OID = "1.2.156.3005.2"
MAX_LENGTH = 128
"""Width of the national column (GB/T 36903); stops a serial that no partner can store."""
MAX_VERSION = 999
USCC_LENGTH = 18
MOST_AUTHORITIES = 1024
"""Authorities whose codes are checked once and not for every license; bounds what is kept, whoever asks."""

_TYPE = re.compile(r"[0-9A-Z]{18}[0-9]{3}")
_ISSUER = re.compile(r"[0-9A-Z]{18}")
_REGION_ISSUER = re.compile(r"[0-9]{6}")
_SERIAL = re.compile(r"[0-9A-Z]+")
_VERSION = re.compile(r"[0-9]{3}")
_BEHIND_ROOT = len(".001.X")
_MIDDLE_PARTS = 4
_PARTS = _MIDDLE_PARTS + 1


@dataclass(frozen=True, slots=True)
class LicenseIdentifier:
    """One identifier, valid by construction.

    Attributes:
        type_code: 证照类型代码: USCC of the defining authority and three digits.
        issuer_code: USCC of the issuing authority; six digits of a region in old ones, never in new ones.
        serial: 流水号, digits and upper-case letters, unique within type and issuer.
        version: 1 to 999; a re-issue keeps the other parts and adds one.
    """

    type_code: str
    issuer_code: str
    serial: str
    version: int

    def __post_init__(self) -> None:
        """Refuse parts of another form, so that no wrong identifier can exist."""
        if not _TYPE.fullmatch(self.type_code):
            raise InvalidIdentifier(KIND, "证照类型代码应为 18 位机构代码加 3 位数字")
        if not (_ISSUER.fullmatch(self.issuer_code) or _REGION_ISSUER.fullmatch(self.issuer_code)):
            raise InvalidIdentifier(KIND, "颁发机构代码应为 18 位统一社会信用代码")
        if not _SERIAL.fullmatch(self.serial):
            raise InvalidIdentifier(KIND, "流水号应由数字和大写字母组成")
        if not 1 <= self.version <= MAX_VERSION:
            raise InvalidIdentifier(KIND, f"版本号应在 001 至 {MAX_VERSION} 之间")
        if len(self.root) + _BEHIND_ROOT > MAX_LENGTH:
            raise InvalidIdentifier(KIND, f"总长超过 {MAX_LENGTH} 个字符，请缩短流水号")

    @classmethod
    def create(cls, type_code: str, issuer_code: str, serial: str, version: int = 1) -> LicenseIdentifier:
        """Make the identifier of a license that we issue: both authorities must be valid USCCs.

        Raises:
            InvalidIdentifier: a six-digit issuer, a USCC that does not check, or a part of another form.
        """
        if _REGION_ISSUER.fullmatch(issuer_code):
            raise InvalidIdentifier(KIND, "新制证照的颁发机构代码不能用 6 位行政区划代码，请用统一社会信用代码")
        made = cls(type_code, issuer_code, serial, version)
        for name, code in (("证照定义机构", type_code[:USCC_LENGTH]), ("颁发机构", issuer_code)):
            if fault := _fault_of(code):
                raise InvalidIdentifier(KIND, f"{name}代码有误（{fault}）")
        return made

    @classmethod
    def parse(cls, text: str, *, allow_region_issuer: bool = True) -> LicenseIdentifier:
        """Read an identifier and check its check character.

        The authorities inside are checked by form only: old registers hold codes that were never valid USCCs, and the
        check character already proves that nothing was mistyped.

        Args:
            text: the whole identifier.
            allow_region_issuer: whether six digits may stand for the issuer, as older systems wrote.

        Raises:
            InvalidIdentifier: another form, alphabet or length, or a wrong check character.
        """
        if len(text) > MAX_LENGTH:
            raise InvalidIdentifier(KIND, f"应为不超过 {MAX_LENGTH} 个字符的文本")
        if not text.startswith(ROOT_OID + "."):
            raise InvalidIdentifier(KIND, f"应以 {ROOT_OID} 开头")
        parts = text[len(ROOT_OID) + 1 :].split(".")
        if len(parts) != _MIDDLE_PARTS + 1:
            raise InvalidIdentifier(KIND, "应由类型代码、颁发机构代码、流水号、版本号和校验位五段组成，以半角句点分隔")
        type_code, issuer_code, serial, version, check = parts
        if not _VERSION.fullmatch(version):
            raise InvalidIdentifier(KIND, "版本号应为 3 位数字")
        if not allow_region_issuer and _REGION_ISSUER.fullmatch(issuer_code):
            raise InvalidIdentifier(KIND, "颁发机构代码应为 18 位统一社会信用代码，不能用 6 位行政区划代码")
        read = cls(type_code, issuer_code, serial, int(version))
        if read.check_character != check:
            raise InvalidIdentifier(KIND, "校验位不符，请逐位核对")
        return read

    @property
    def check_character(self) -> str:
        """校验位 by GB/T 17710-2008 MOD 37,36."""
        return mod_37_36(f"{self.type_code}{self.issuer_code}{self.serial}{self.version:03d}")

    @property
    def root(self) -> str:
        """What all versions of the license share: the identifier without version and check character."""
        return f"{ROOT_OID}.{self.type_code}.{self.issuer_code}.{self.serial}"

    @property
    def definer_code(self) -> str:
        """USCC of the authority that defined the type (证照定义机构)."""
        return self.type_code[:USCC_LENGTH]

    def next_version(self) -> LicenseIdentifier:
        """Return the identifier of the next version of the same license.

        Raises:
            InvalidIdentifier: after version 999, and for a six-digit issuer, which is read but never written.
        """
        if _REGION_ISSUER.fullmatch(self.issuer_code):
            raise InvalidIdentifier(
                KIND, "颁发机构代码为 6 位行政区划代码的旧标识不能续编版本，请用统一社会信用代码重新编制"
            )
        return replace(self, version=self.version + 1)

    def __str__(self) -> str:
        """The whole identifier with its check character."""
        return f"{self.root}.{self.version:03d}.{self.check_character}"


@lru_cache(MOST_AUTHORITIES)
def _fault_of(code: str) -> str:
    """Why the code of an authority is none; empty when it is one."""
    try:
        Uscc.parse(code)
    except InvalidIdentifier as error:
        return error.reason
    return ""


def issuer_in(identifier: str) -> str:
    """The code of the issuer that an identifier of a register names, which was checked when it came; else empty."""
    parts = identifier.removeprefix(f"{ROOT_OID}.").split(".")
    return parts[1] if identifier.startswith(f"{ROOT_OID}.") and len(parts) == _PARTS else ""
