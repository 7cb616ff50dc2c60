"""One cell: what a spreadsheet, an old system or a keyboard did to it, and what to write instead.

A cell is read as what its column holds; what can be read in one way only (a date with slashes, the words of a code) is
taken, everything else is said to the uploader with the repair that is likely, and never repaired by itself.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.old_characters import PRIVATE, standard_for
from certsvc.catalog.stock_columns import OPEN_ENDED_WORDS, ColumnKind
from certsvc.identifiers.citizen_id import LENGTH as ID_LENGTH
from certsvc.identifiers.citizen_id import OLD_LENGTH, eighteen
from certsvc.license.imports import Fault

if TYPE_CHECKING:
    from certsvc.catalog.stock_columns import Column

_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]{1,3}")
_ROUNDED = re.compile(r"[1-9][0-9]{14}0+(?:\.0)?")
"""Fifteen digits are all that a spreadsheet keeps of a number; the others have become 0."""
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_PLAIN_DAY = re.compile(r"([0-9]{4})(?:/([0-9]{1,2})/([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)")
_OTHER_DAY = re.compile(r"([0-9]{4})[.\-/ ]?([0-9]{1,2})[.\-/ ]?([0-9]{1,2})(?:[ T]00:00:00)?")
_SERIAL = re.compile(r"[1-9][0-9]{4}(?:\.0)?")
_SERIAL_EPOCH = date(1899, 12, 30)
"""Day 0 of the spreadsheets' count of days, behind their 29 February 1900."""
_NEVER = ("9999-12-31", "2099-12-31", "3000-01-01")
"""What old systems wrote for 长期."""
_MOST_NAMED = 5


def read_cell(column: Column, text: str, *, numeric: bool) -> tuple[str, Fault | None]:
    """The text as it goes on, and what is wrong with it.

    Args:
        column: what the cell should hold.
        text: as it was read.
        numeric: whether a spreadsheet held it as a number.
    """
    text = text.strip()
    if not text:
        return "", _fault(column, "missing", "必填，不能为空，请补充") if column.required else None
    private = _private(text)
    if private:
        return text, _fault(column, "private_use", private)
    match column.kind:
        case ColumnKind.DAY:
            return _day(column, text)
        case ColumnKind.CODE | ColumnKind.CITIZEN_ID:
            return _code(column, text, numeric=numeric)
        case _:
            return _choice(column, text) if column.choices else (text, None)


def _private(text: str) -> str:
    """What to do about characters of a private area, each of them named, or empty."""
    found = [(match.start() + 1, match[0]) for match in PRIVATE.finditer(text)]
    if not found:
        return ""
    named = []
    for place, one in found[:_MOST_NAMED]:
        standard = standard_for(one)
        offered = f"，可能是“{standard}”" if standard else ""
        named.append(f"第 {place} 字 U+{ord(one):04X}{offered}")
    rest = f"等 {len(found)} 字" if len(found) > _MOST_NAMED else ""
    return f"含有原系统的自造字（{'；'.join(named)}{rest}），请对照原件改为标准汉字"


def _code(column: Column, text: str, *, numeric: bool) -> tuple[str, Fault | None]:
    damaged = _damaged(column, text, numeric=numeric)
    if damaged is not None:
        return text, damaged
    if column.choices:
        return _choice(column, text)
    return text, old_id(column, text) if column.kind is ColumnKind.CITIZEN_ID else None


def old_id(column: Column, text: str) -> Fault | None:
    """What to do about a citizen's number of 15 digits; None for any other text."""
    if len(text) != OLD_LENGTH or not (text.isascii() and text.isdigit()):
        return None
    new = eighteen(text)
    offered = f"；如无误应为 {new}，请与户籍或原件核对后填写" if new else "，请核对后填写 18 位号码"
    return _fault(column, "old_id", f"是 15 位旧身份证号码，已停用{offered}")


def _damaged(column: Column, text: str, *, numeric: bool) -> Fault | None:
    repair = "请从原系统重新导出，并先把该列设为文本格式"
    if _SCIENTIFIC.fullmatch(text):
        return _fault(column, "excel_number", f"“{text}”是表格软件改成的科学计数，原号码已丢失，{repair}")
    if _ROUNDED.fullmatch(text) and (numeric or len(text) in {ID_LENGTH, ID_LENGTH + 2}):
        return _fault(column, "excel_number", f"第 16 位以后被表格软件改成了 0，原号码已丢失，{repair}")
    widths = {len(code) for code, _ in column.choices}
    if column.choices and text.isdigit() and len(widths) == 1 and len(text) < max(widths):
        padded = text.zfill(max(widths))
        if padded in dict(column.choices):
            return _fault(column, "leading_zero", f"前面的 0 被表格软件去掉了，应为 {padded}，请把该列设为文本格式")
    if numeric and not column.choices and column.key != "region":
        detail = f"是数字格式的单元格，前面的 0 可能已丢失，{repair}（或在号码前加英文单引号）"
        return _fault(column, "leading_zero", detail)
    return None


def _choice(column: Column, text: str) -> tuple[str, Fault | None]:
    """The code of what was written, as a code or in words."""
    for code, words in column.choices:
        if text in {code, words}:
            return code, None
    listed = "、".join(f"{code}（{words}）" if words else code for code, words in column.choices[:_MOST_NAMED])
    more = f"等，共 {len(column.choices)} 项，见模板的“代码表”" if len(column.choices) > _MOST_NAMED else ""
    return text, _fault(column, "unknown_code", f"不在代码表中，可填：{listed}{more}")


def _day(column: Column, text: str) -> tuple[str, Fault | None]:
    if column.key == "valid_until" and text in OPEN_ENDED_WORDS:
        return "", _fault(
            column, "missing", "本类证照有截止日期，不能填长期，请按原件填写"
        ) if column.required else None
    if text in _NEVER and column.key == "valid_until" and not column.required:
        return text, _fault(column, "date_form", "看来是长期有效，请填“长期”或不填")
    plain = _ISO.fullmatch(text) or _PLAIN_DAY.fullmatch(text)
    if plain is not None:
        day = _real(*(int(part) for part in plain.groups() if part))
        if day is None:
            return text, _fault(column, "no_such_day", "没有这一天，请核对年月日")
        return day.isoformat(), None
    return text, _fault(column, "date_form", f"日期应写作 2020-01-01{_likely(text)}")


def _likely(text: str) -> str:
    """The day that was probably meant."""
    other = _OTHER_DAY.fullmatch(text)
    if other is not None:
        day = _real(*(int(part) for part in other.groups()))
    elif _SERIAL.fullmatch(text):
        day = _SERIAL_EPOCH + timedelta(days=int(text[:5]))
    else:
        day = None
    return f"，此格可改为 {day.isoformat()}（请与原件核对）" if day else "，请按原件改写"


def _real(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _fault(column: Column, code: str, detail: str) -> Fault:
    return Fault(column=column.heading, code=code, detail=detail)
