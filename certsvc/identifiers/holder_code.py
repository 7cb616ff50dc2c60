"""持证主体代码 and its type (GB/T 36903-2018 Appendix A)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.uscc import Uscc

KIND = "持证主体代码"
TYPE_KIND = "持证主体代码类型代码"
MAX_LENGTH = 64
"""Longer than any document number in use; stops a column from being filled with prose."""


class HolderCodeType(StrEnum):
    """Every 持证主体代码类型代码 of Appendix A."""

    USCC = "001"
    OTHER_ORGANISATION = "099"
    CITIZEN_ID = "111"
    ARMY_OFFICER = "114"
    ARMED_POLICE_OFFICER = "115"
    ARMY_SOLDIER = "118"
    ARMED_POLICE_SOLDIER = "119"
    ARMY_CIVILIAN = "120"
    ARMED_POLICE_CIVILIAN = "122"
    DIPLOMATIC_PASSPORT = "411"
    SERVICE_PASSPORT = "412"
    PUBLIC_AFFAIRS_PASSPORT = "413"
    ORDINARY_PASSPORT = "414"
    TAIWAN_PERMIT = "511"
    HONG_KONG_MACAO_PERMIT = "516"
    OTHER_PERSON = "999"

    @property
    def zh(self) -> str:
        """The Chinese name of the type."""
        return _NAMES[self]

    @property
    def is_organisation(self) -> bool:
        """Whether holders of this type are 法人或其他组织; all others are people."""
        return self in (HolderCodeType.USCC, HolderCodeType.OTHER_ORGANISATION)

    @classmethod
    def of(cls, code: str) -> HolderCodeType:
        """Return the type with ``code``.

        Raises:
            InvalidIdentifier: Appendix A has no such code.
        """
        try:
            return cls(code)
        except ValueError:
            raise InvalidIdentifier(TYPE_KIND, "不在 GB/T 36903 附录 A 的代码表内，例如 001 或 111") from None


_NAMES: dict[HolderCodeType, str] = {
    HolderCodeType.USCC: "统一社会信用代码",
    HolderCodeType.OTHER_ORGANISATION: "其他法人或其他组织有效证件代码",
    HolderCodeType.CITIZEN_ID: "公民身份号码",
    HolderCodeType.ARMY_OFFICER: "解放军军官证",
    HolderCodeType.ARMED_POLICE_OFFICER: "武警警官证",
    HolderCodeType.ARMY_SOLDIER: "解放军士兵证",
    HolderCodeType.ARMED_POLICE_SOLDIER: "武警士兵证",
    HolderCodeType.ARMY_CIVILIAN: "解放军文职人员证",
    HolderCodeType.ARMED_POLICE_CIVILIAN: "武警文职人员证",
    HolderCodeType.DIPLOMATIC_PASSPORT: "外交护照",
    HolderCodeType.SERVICE_PASSPORT: "公务护照",
    HolderCodeType.PUBLIC_AFFAIRS_PASSPORT: "公务普通护照",
    HolderCodeType.ORDINARY_PASSPORT: "普通护照",
    HolderCodeType.TAIWAN_PERMIT: "台湾居民来往大陆通行证",
    HolderCodeType.HONG_KONG_MACAO_PERMIT: "港澳居民来往内地通行证",
    HolderCodeType.OTHER_PERSON: "其他自然人有效证件代码",
}

_PASSPORT = re.compile(r"[0-9A-Z]{5,20}"), "护照号码应为 5 至 20 位数字或大写字母"
_FORMS: dict[HolderCodeType, tuple[re.Pattern[str], str]] = {
    HolderCodeType.DIPLOMATIC_PASSPORT: _PASSPORT,
    HolderCodeType.SERVICE_PASSPORT: _PASSPORT,
    HolderCodeType.PUBLIC_AFFAIRS_PASSPORT: _PASSPORT,
    HolderCodeType.ORDINARY_PASSPORT: _PASSPORT,
    # Permits of both kinds were once printed with two more digits (and a bracketed letter); registers still hold them.
    HolderCodeType.TAIWAN_PERMIT: (
        re.compile(r"[0-9]{8}(?:[0-9]{2}(?:[0-9A-Z])?)?"),
        "应为 8 位数字（旧证 10 或 11 位）",
    ),
    HolderCodeType.HONG_KONG_MACAO_PERMIT: (
        re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?"),
        "应为 H 或 M 加 8 位（旧证 10 位）数字",
    ),
}
_FREE = (
    re.compile(rf"[0-9A-Za-z\u4e00-\u9fff()（）/-]{{1,{MAX_LENGTH}}}"),
    f"应为 1 至 {MAX_LENGTH} 位汉字、字母、数字、括号或连字符，不含空格",
)


@dataclass(frozen=True, slots=True)
class HolderCode:
    """A holder's code together with its type; the pair is what identifies a holder."""

    type: HolderCodeType
    value: str

    @classmethod
    def parse(cls, type_code: str, value: str) -> HolderCode:
        """Read ``value`` by the rules of its type: 001 as USCC, 111 as citizen id, the others by form.

        Raises:
            InvalidIdentifier: an unknown type code, or a value that the type does not allow.
        """
        holder_type = HolderCodeType.of(type_code)
        if holder_type is HolderCodeType.USCC:
            return cls(holder_type, Uscc.parse(value).value)
        if holder_type is HolderCodeType.CITIZEN_ID:
            return cls(holder_type, CitizenId.parse(value).value)
        form, reason = _FORMS.get(holder_type, _FREE)
        if not form.fullmatch(value):
            raise InvalidIdentifier(f"{KIND}（{holder_type.zh}）", reason)
        return cls(holder_type, value)

    def __str__(self) -> str:
        """The code without its type."""
        return self.value
