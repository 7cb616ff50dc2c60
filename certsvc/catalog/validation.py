"""One payload against its type: every fault is named at once, by JSON pointer, with what to send instead.

Text is trimmed and otherwise kept as sent: what was approved is what is printed. Characters that cannot be printed,
that hide or turn others, or that only one old system could draw are refused by code point.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from certsvc.catalog.model import FieldKind, Mask
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput
from certsvc.identifiers.citizen_id import CitizenId
from certsvc.identifiers.holder_code import HolderCode, HolderCodeType
from certsvc.identifiers.uscc import Uscc

if TYPE_CHECKING:
    from certsvc.catalog.model import FieldSpec, LicenseType

MAX_FIELDS = 200
"""Keys of one payload; stops a body of a million unknown keys from becoming a million problems."""
MAX_INTEGER_DIGITS = 15
"""Counts and amounts beyond this are slips, and JSON readers lose digits of larger numbers."""
MAX_KEY_SHOWN = 40

NAME_KEYS = frozenset(("legal_representative", "principal", "signer"))
"""Fields that hold a person's name even where no mask says so; the rules for names apply to them."""
SEX_KEY = "sex"
BIRTH_DATE_KEY = "birth_date"

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INTEGER = re.compile(r"0|[1-9][0-9]*")
_EARLIEST_YEAR = 1850
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,4})?")
_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼示]"
    "(?:[A-HJ-NP-Z][A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9学警挂港澳]|[A-HJ-NP-Z](?:[A-HJ-K][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJ-K]))"
)
"""GA 36: no letters I and O; new-energy plates have one character more. 示 is no province: plates of samples."""
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
"""GB 16735. Its check digit is not enforced: vehicles imported from Europe have none."""
_UNIT_NO = re.compile(r"[1-9][0-9]{11}[A-Z]{2}[0-9]{5}[A-Z][0-9]{8}")
"""GB/T 37346: 宗地代码 of 19 characters and 定着物代码 of 9; printed with blanks, kept without."""
_DOMAIN_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")
_MOJIBAKE = ("锟斤拷", "烫烫烫", "屯屯屯", "ï»¿", "Ã¤", "ä¸")
_QUESTION_MARKS = "?？"
_CJK_BLANK = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_IDEOGRAPHIC_PLANES = ("\U00020000", "\U0003fffd")
"""Planes 2 and 3: extensions H and I, made for names of citizens among others, are younger than Python's tables."""
_WRONG_DOTS = "•・‧∙⋅．●"
"""Look-alikes of the name dot U+00B7 (GB 2312 01-04) that registers mix with it; a search then misses the person."""


class _Fault(Exception):
    """What is wrong with one field; never leaves this file."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def validate_fields(
    license_type: LicenseType, data: Mapping[str, object], *, holder: HolderCode | None = None
) -> dict[str, str]:
    """The payload as it will be kept: trimmed text, ISO dates, codes in one spelling; optional empty fields left out.

    Args:
        license_type: the type.
        data: field key -> text, or whole number for fields of kind ``integer``.
        holder: when given and a citizen id, ``sex`` and ``birth_date`` of the payload must agree with it.

    Raises:
        InvalidInput: with one :class:`FieldProblem` (``/data/<key>``) for every fault.
    """
    checked, problems = _checked(license_type, data, license_type.fields)
    problems.extend(_contradictions(checked, holder))
    _raise(license_type, problems)
    return checked


def validate_part(license_type: LicenseType, data: Mapping[str, object]) -> dict[str, str]:
    """The same of the fields that ``data`` has, whatever else the type requires; raises as :func:`validate_fields`."""
    checked, problems = _checked(license_type, data, [spec for spec in license_type.fields if spec.key in data])
    _raise(license_type, problems)
    return checked


def _checked(
    license_type: LicenseType, data: Mapping[str, object], specs: Iterable[FieldSpec]
) -> tuple[dict[str, str], list[FieldProblem]]:
    problems: list[FieldProblem] = []
    if len(data) > MAX_FIELDS:
        detail = f"字段过多（{len(data)} 个），最多 {MAX_FIELDS} 个"
        raise InvalidInput(detail, problems=(FieldProblem(pointer="/data", code="too_many", detail=detail),))
    known = [spec.key for spec in license_type.fields]
    for key in data:
        if key not in known:
            detail = f"{license_type.name}没有此字段，请去掉；可用字段：{'、'.join(known)}"
            problems.append(FieldProblem(pointer=_pointer(key), code="unknown_field", detail=detail))
    checked: dict[str, str] = {}
    for spec in specs:
        try:
            text = _field(spec, data.get(spec.key))
        except _Fault as fault:
            detail = f"{spec.name}：{fault.reason}"
            problems.append(FieldProblem(pointer=_pointer(spec.key), code=fault.code, detail=detail))
        else:
            checked |= {spec.key: text} if text else {}
    return checked, problems


def _raise(license_type: LicenseType, problems: Sequence[FieldProblem]) -> None:
    if problems:
        raise InvalidInput(
            f"{license_type.name}：{len(problems)} 处内容有误，请按提示逐项更正", problems=tuple(problems)
        )


def check_text(text: str, *, max_length: int, is_name: bool) -> str:
    """Why the text cannot be taken, in Chinese, or empty; surrounding blanks do not count.

    Args:
        text: as sent.
        max_length: in characters.
        is_name: whether it names a person or an organisation: then question marks (lost characters of an old system),
            blanks between Chinese characters and look-alikes of the dot are refused too.
    """
    text = text.strip()
    if not text:
        return "不能为空"
    if len(text) > max_length:
        return f"超过 {max_length} 个字符（现有 {len(text)} 个），请精简"
    for character in text:
        fault = _character_fault(character)
        if fault:
            return fault
    if any(pattern in text for pattern in _MOJIBAKE):
        return "含有编码转换产生的乱码，请从源系统重新取得正确文字"
    return _name_fault(text) if is_name else ""


def holds_name(spec: FieldSpec) -> bool:
    """Whether the rules for names apply to a field."""
    return spec.key in NAME_KEYS or Mask.NAME in spec.masks.values()


def parse_date(text: str) -> date:
    """The day of ``2026-01-01``.

    Raises:
        InvalidInput: another form, or no such day.
    """
    text = text.strip()
    if not _ISO_DATE.fullmatch(text):
        raise InvalidInput("日期应写成 2026-01-01")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("没有这一天，请核对年月日") from None
    if day.year < _EARLIEST_YEAR:
        raise InvalidInput(f"日期早于 {_EARLIEST_YEAR} 年，请核对")
    return day


def face_date(day: date | str) -> str:
    """The day as printed: 2026年1月1日, without leading zeros; a text is read as an ISO date first."""
    if isinstance(day, str):
        day = parse_date(day)
    return f"{day.year}年{day.month}月{day.day}日"


def _field(spec: FieldSpec, value: object) -> str:
    """The normalised text, empty for an optional field left out; a ``_Fault`` otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and spec.kind is FieldKind.INTEGER:
        value = str(value) if abs(value) < 10**MAX_INTEGER_DIGITS else "9" * (MAX_INTEGER_DIGITS + 1)
    if value is not None and not isinstance(value, str):
        raise _Fault("type", "应为文本")
    text = (value or "").strip()
    if not text:
        if spec.required:
            raise _Fault("missing", "必填，不能为空")
        return ""
    fault = check_text(text, max_length=spec.max_length, is_name=holds_name(spec))
    if fault:
        raise _Fault("too_long" if len(text) > spec.max_length else "text", fault)
    try:
        return _PARSERS[spec.kind](spec, text)
    except InvalidIdentifier as error:
        raise _Fault(error.code, error.reason) from None
    except InvalidInput as error:
        raise _Fault(spec.kind.value, error.detail) from None


def _choice(spec: FieldSpec, text: str) -> str:
    if text not in spec.choices:
        raise InvalidInput(f"应为以下之一：{'、'.join(spec.choices)}")
    return text


def _integer(_: FieldSpec, text: str) -> str:
    if len(text) > MAX_INTEGER_DIGITS or not _INTEGER.fullmatch(text):
        raise InvalidInput(f"应为不超过 {MAX_INTEGER_DIGITS} 位的非负整数，用半角数字，不带千分位和单位")
    return text


def _any_holder_code(_: FieldSpec, text: str) -> str:
    """A code whose type is not said: a USCC, or else a citizen id."""
    try:
        return Uscc.parse(text).value
    except InvalidIdentifier:
        pass
    try:
        return CitizenId.parse(text).value
    except InvalidIdentifier:
        raise InvalidIdentifier("持证主体代码", "应为有效的统一社会信用代码或公民身份号码") from None


def _of_form(pattern: re.Pattern[str], reason: str) -> Callable[[FieldSpec, str], str]:
    """A parser of codes that have one spelling: capitals, no blanks."""

    def parse(_: FieldSpec, text: str) -> str:
        code = text.replace(" ", "")
        code = code.lower() if pattern is _DOMAIN_NAME else code.upper()
        if not pattern.fullmatch(code):
            raise InvalidInput(reason)
        return code

    return parse


_PARSERS: dict[FieldKind, Callable[[FieldSpec, str], str]] = {
    FieldKind.TEXT: lambda _, text: text,
    FieldKind.DATE: lambda _, text: parse_date(text).isoformat(),
    FieldKind.USCC: lambda _, text: Uscc.parse(text).value,
    FieldKind.CITIZEN_ID: lambda _, text: CitizenId.parse(text).value,
    FieldKind.HOLDER_CODE: _any_holder_code,
    FieldKind.CHOICE: _choice,
    FieldKind.INTEGER: _integer,
    FieldKind.DECIMAL: _of_form(_DECIMAL, "应为非负数，用半角数字，最多 4 位小数，不带千分位和单位"),
    FieldKind.PLATE: _of_form(
        _PLATE, "应为号牌号码：省份简称、发牌机关代号和 5 位（新能源 6 位）序号，不含字母 I 和 O"
    ),
    FieldKind.VIN: _of_form(_VIN, "应为 17 位车辆识别代号，由数字和大写字母组成，不含 I、O、Q"),
    FieldKind.UNIT_NO: _of_form(_UNIT_NO, "应为 28 位不动产单元号：19 位宗地代码加 9 位定着物代码"),
    FieldKind.DOMAIN_NAME: _of_form(_DOMAIN_NAME, "应为域名，例如 www.shili.example，不带协议和路径"),
}


def _contradictions(checked: Mapping[str, str], holder: HolderCode | None) -> list[FieldProblem]:
    """Sex and date of birth stand in the ID number; a payload that says otherwise belongs to someone else."""
    if holder is None or holder.type is not HolderCodeType.CITIZEN_ID:
        return []
    number = CitizenId.parse(holder.value)
    facts = {SEX_KEY: number.sex.value, BIRTH_DATE_KEY: number.birth_date.isoformat()}
    detail = "与公民身份号码不一致，请核对是否填错人"
    return [
        FieldProblem(pointer=_pointer(key), code="contradiction", detail=detail)
        for key, fact in facts.items()
        if key in checked and checked[key] != fact
    ]


def _character_fault(character: str) -> str:
    """Why one character cannot be taken, or empty."""
    if " " <= character <= "~":
        return ""
    category = unicodedata.category(character)
    code_point = f"U+{ord(character):04X}"
    if category == "Co":
        return f"含有自造字区字符 {code_point}，其他系统无法显示，请改用规范汉字（可由“清洗”后的标准字替换）"
    if character == "\ufffd":
        return "含有替换符 U+FFFD，说明有字在编码转换中丢失，请从源系统重新取得正确文字"
    if category == "Cs":
        return f"含有不成对的代理码 {code_point}，请检查发送方的字符编码"
    if category == "Cn" and not _IDEOGRAPHIC_PLANES[0] <= character <= _IDEOGRAPHIC_PLANES[1]:
        return f"含有未定义的字符 {code_point}，请核对"
    if category in ("Cc", "Cf", "Zl", "Zp"):
        # Cf holds bidi overrides and zero-width characters: they make a page read differently from its data.
        return f"含有控制字符或不可见字符 {code_point}，请去掉（包括换行）"
    return ""


def _name_fault(text: str) -> str:
    if any(mark in text for mark in _QUESTION_MARKS):
        return "名称中含有问号，可能有生僻字在转换中丢失，请补录正确的字"
    if _CJK_BLANK.search(text):
        return "汉字之间含有空格，请去掉"
    if any(dot in text for dot in _WRONG_DOTS):
        return "姓名中的间隔点应为“·”（U+00B7）"
    return ""


def _pointer(key: str) -> str:
    """JSON pointer of a field (RFC 6901 §3); a key nobody knows is cut short, it may be anything."""
    shown = "".join(c if c.isprintable() else "�" for c in key[:MAX_KEY_SHOWN])
    return "/data/" + shown.replace("~", "~0").replace("/", "~1")
