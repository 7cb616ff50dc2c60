"""How values are shortened before someone sees them.

A mask never tells how much it hides: stars do not count characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.catalog.model import Mask
from certsvc.errors import InvalidIdentifier
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.uscc import Uscc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType

HIDDEN = "***"
STARS = "****"

COMPOUND_SURNAMES = frozenset(
    (  # noqa: SIM905 - sixty words in quotes would hide the list
        "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 "
        "公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 "
        "拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 梁丘 左丘 东门 西门 南荣 第五 淳于 单于 完颜 纳兰"
    ).split()
)
"""复姓: 欧阳示例 becomes 欧阳*, not 欧*."""

NAME_DOT = "·"
_HEAD, _TAIL = 6, 4
_SHORT_HEAD, _SHORT_TAIL = 2, 2
_BIRTH = slice(10, 14)
_ADDRESS_HEAD = 6
_ID_LIKE = re.compile(r"[0-9]{14,17}[0-9Xx]?")
# 省、市、区县, each optional and lazy. House numbers and roads never count as part of a region's name, nor does 小区,
# so a city without a county does not drag the street along; a county named after a road is hidden rather than shown.
_PART = "[^0-9０-９路街道巷弄号]"
_ADDRESS = re.compile(
    rf"(?:{_PART}{{1,12}}?(?:省|自治区|特别行政区))?(?:{_PART}{{1,12}}?(?:市|自治州|地区|盟))?"
    rf"(?:{_PART}{{1,10}}?(?:自治县|(?<![小社园库])区|县|旗|市))?"
)

_BEFORE_ROAD = re.compile(f"{_PART}*")


def apply_mask(mask: Mask | None, value: str) -> str:
    """``value`` as someone behind ``mask`` may see it; None masks nothing, and an empty value stays empty."""
    if mask is None or mask is Mask.NONE or not value:
        return value
    if mask is Mask.NAME:
        return _name(value)
    if mask is Mask.CODE_TAIL:
        return _code_tail(value)
    if mask is Mask.ID_BIRTH:
        return _id_birth(value)
    if mask is Mask.ADDRESS:
        return _address(value)
    return HIDDEN


def mask_data(license_type: LicenseType, data: Mapping[str, str], place: str) -> dict[str, str]:
    """All fields of ``data`` under the masks of ``place`` (``face``, ``show``, ``log``, ``print``).

    A key that the type does not have (an older version of the type wrote it) is hidden.
    """
    masked = {}
    for key, value in data.items():
        spec = license_type.field(key)
        masked[key] = apply_mask(spec.mask(place) if spec else Mask.HIDDEN, value)
    return masked


def _name(name: str) -> str:
    """张*, 欧阳*, 阿依古丽·*, MARIA *: the family name or first part, and one star whatever the length."""
    name = name.strip()
    if len(name) <= 1:
        return "*"
    first, dot, rest = name.partition(NAME_DOT)
    if first and dot and rest:
        return f"{first}{NAME_DOT}*"
    words = name.split()
    if len(words) > 1 and not _is_cjk(name[0]):
        return f"{words[0]} *"
    compound = len(name) > len(name[:2]) and name[:2] in COMPOUND_SURNAMES
    return f"{name[:2] if compound else name[0]}*"


def _is_cjk(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character >= "\U00020000" or "\uf900" <= character <= "\ufaff"


def _code_tail(code: str) -> str:
    """First 6 and last 4; first 2 and last 2 of codes so short that 6 and 4 would tell them (passports)."""
    if len(code) > _HEAD + _TAIL + _TAIL:
        return f"{code[:_HEAD]}{STARS}{code[-_TAIL:]}"
    if len(code) > _SHORT_HEAD + _SHORT_TAIL + _TAIL - 1:
        return f"{code[:_SHORT_HEAD]}{STARS}{code[-_SHORT_TAIL:]}"
    return HIDDEN


def _id_birth(code: str) -> str:
    """Digits 11-14 of an ID number as ``****``; a USCC is printed in full, it is public."""
    try:
        CitizenId.parse(code)
    except InvalidIdentifier:
        try:
            Uscc.parse(code)
        except InvalidIdentifier:
            # Neither one nor the other: an old or foreign document. It is a person's, so it is masked all the same.
            return (
                f"{code[: _BIRTH.start]}{STARS}{code[_BIRTH.stop :]}" if _ID_LIKE.fullmatch(code) else _code_tail(code)
            )
        return code
    return f"{code[: _BIRTH.start]}{STARS}{code[_BIRTH.stop :]}"


def _address(address: str) -> str:
    """Down to the county; one without a region keeps what precedes road and number, at most 6 and half."""
    head = _ADDRESS.match(address)
    if head and 0 < len(head[0]) < len(address):
        return f"{head[0]}{STARS}"
    shown = min(_ADDRESS_HEAD, len(address) // 2)
    before_road = _BEFORE_ROAD.match(address[:shown])
    return f"{before_road[0] if before_road else ''}{STARS}"
