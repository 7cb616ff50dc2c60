"""证照编号: made from the pattern of a type's :class:`~certsvc.catalog.model.NumberRule`, or checked when it is given.

A pattern holds literals and ``{region}`` (6 digits), ``{year}`` (4 digits), ``{seq:N}`` (running number of N digits),
``{choice:<field>}`` (position of the chosen value among the field's choices, from 1: the 主体业态 digit of JY numbers)
and ``{check}``, which covers the digits before it. For a given number the pattern is empty or ``{holder_code}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, InvalidInput
from certsvc.identifiers.iso7064 import mod_11_10
from certsvc.identifiers.region import Region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType, NumberRule

CHECKS = ("", "mod_11_10")
HOLDER_CODE = "{holder_code}"
MAX_LENGTH = 128
"""Width of 证照编号 in GB/T 36903-2018."""
MAX_YEAR = 9999

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KNOWN = re.compile(r"region|year|seq:[1-9]|seq:1[0-2]|check|choice:[a-z][a-z0-9_]*")
_GIVEN = re.compile(rf"[0-9A-Za-z\u4e00-\u9fff()（）〔〕\[\]/.\-]{{1,{MAX_LENGTH}}}")


def pattern_fault(rule: NumberRule, choices: Mapping[str, int]) -> str:
    """Why the rule cannot work, in Chinese, or empty.

    Args:
        rule: the rule as read.
        choices: how many choices each choice field of the type has.
    """
    if rule.given:
        return "" if rule.pattern in ("", HOLDER_CODE) else f"由审批给定的编号，格式只能为空或 {HOLDER_CODE}"
    names = _PLACEHOLDER.findall(rule.pattern)
    if re.search(r"[{}]", _PLACEHOLDER.sub("", rule.pattern)) or not all(_KNOWN.fullmatch(name) for name in names):
        return "含有未知的占位符；可用 {region} {year} {seq:N} {choice:字段} {check}"
    if sum(name.startswith("seq:") for name in names) != 1:
        return "应有且只有一个 {seq:N}"
    for name in names:
        kind, _, key = name.partition(":")
        if kind == "choice" and not 0 < choices.get(key, 0) < len("0123456789"):
            return f"{{choice:{key}}} 应指向有 1 至 9 个选项的选择字段"
    if ("check" in names) != bool(rule.check):
        return "{check} 与 check 应同时出现"
    if rule.check and not (rule.pattern.endswith("{check}") and names.count("check") == 1):
        return "{check} 应在末尾且只出现一次"
    return ""


def number_parts(license_type: LicenseType, data: Mapping[str, str]) -> dict[str, str]:
    """The ``{choice:…}`` values of a validated payload, keyed as in the pattern."""
    parts = {}
    for name in _PLACEHOLDER.findall(license_type.number.pattern):
        kind, _, key = name.partition(":")
        spec = license_type.field(key) if kind == "choice" else None
        if spec is not None:
            parts[name] = str(spec.choices.index(data[key]) + 1)
    return parts


def number_series(rule: NumberRule, *, region: str, year: int, parts: Mapping[str, str] | None = None) -> str:
    """The number with its running part left blank: numbers of one series share one counter.

    A pattern without ``{year}`` counts on across years; counting per year there would give the same number twice.
    """
    return _fill(rule, region, year, parts or {}, sequence="*", check="*")


def render_number(
    rule: NumberRule, *, region: str, year: int, sequence: int, parts: Mapping[str, str] | None = None
) -> str:
    """The number with running number ``sequence``.

    Args:
        rule: of the type; one that is not ``given``.
        region: GB/T 2260 code.
        year: calendar year of issue.
        sequence: from 1, unique within :func:`number_series`.
        parts: what :func:`number_parts` gave; needed when the pattern has ``{choice:…}``.

    Raises:
        InvalidIdentifier: ``region`` is no region code.
        InvalidInput: the series is used up (``sequence`` has more digits than the pattern).
        RuntimeError: misuse: a given number, a part that is missing, a year or sequence out of range.
    """
    if rule.given:
        msg = "the approval gives this number; nothing to render"
        raise RuntimeError(msg)
    if sequence < 1:
        msg = "running numbers start at 1"
        raise RuntimeError(msg)
    body = _fill(rule, Region.parse(region).code, year, parts or {}, sequence=str(sequence), check="")
    return body + mod_11_10(re.sub(r"[^0-9]", "", body)) if rule.check else body


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadNumber:
    """What a number says that follows the pattern of its type.

    Attributes:
        region: GB/T 2260 code, or empty when the pattern has none.
        year: calendar year, or 1 when the pattern has none: it is not asked for then.
        sequence: the running number.
        parts: as :func:`number_parts` gives them.
        check_good: whether the check digit is right; true for a pattern without one.
    """

    region: str
    year: int
    sequence: int
    parts: Mapping[str, str]
    check_good: bool


def read_number(rule: NumberRule, number: str) -> ReadNumber | None:
    """What an existing number says, or None when the rule gives none or it has another form."""
    if rule.given:
        return None
    names = _PLACEHOLDER.findall(rule.pattern)
    match = re.fullmatch(_reading(rule.pattern), number)
    if match is None:
        return None
    found = dict(zip(names, match.groups(), strict=True))
    sequence = next(text for name, text in found.items() if name.startswith("seq:"))
    body = number[:-1] if rule.check else number
    return ReadNumber(
        region=found.get("region", ""),
        year=max(int(found.get("year", "1")), 1),
        sequence=int(sequence),
        parts={name: text for name, text in found.items() if name.startswith("choice:")},
        check_good=not rule.check or number == body + mod_11_10(re.sub(r"[^0-9]", "", body)),
    )


def _reading(pattern: str) -> str:
    """The pattern as a regular expression with one group per placeholder."""
    made, behind = "", 0
    for match in _PLACEHOLDER.finditer(pattern):
        kind, _, digits = match[1].partition(":")
        width = {"region": 6, "year": 4, "choice": 1, "check": 1}.get(kind) or int(digits)
        made += re.escape(pattern[behind : match.start()]) + f"([0-9]{{{width}}})"
        behind = match.end()
    return made + re.escape(pattern[behind:])


def first_number(license_type: LicenseType, data: Mapping[str, str], *, region: str, year: int) -> str:
    """The number that the first license of a series gets: for samples and previews, which count nothing.

    Raises:
        InvalidIdentifier, InvalidInput, RuntimeError: as :func:`render_number`.
    """
    parts = number_parts(license_type, data)
    return render_number(license_type.number, region=region, year=year, sequence=1, parts=parts)


def check_given_number(license_type: LicenseType, number: str, *, holder_code: str) -> str:
    """The given number without surrounding blanks; empty stands for the holder's code where the two are one.

    Raises:
        InvalidInput: it is missing, has another form, or is not the holder's code although it must be.
    """
    text = number.strip()
    if license_type.number.pattern == HOLDER_CODE:
        if text not in ("", holder_code):
            raise _problem("not_holder_code", f"{license_type.name}的编号就是持证主体代码，请填写相同内容或不填")
        return holder_code
    if not text:
        raise _problem("missing", f"请填写{license_type.name}的编号")
    if not _GIVEN.fullmatch(text):
        raise _problem("text", f"编号应为 1 至 {MAX_LENGTH} 位汉字、字母、数字或 ()（）〔〕[]/.-")
    return text


def _problem(code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer="/number", code=code, detail=detail),))


def _fill(rule: NumberRule, region: str, year: int, parts: Mapping[str, str], *, sequence: str, check: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name == "region":
            return region
        if name == "year":
            if not 0 < year <= MAX_YEAR:
                msg = f"year {year} has no four digits"
                raise RuntimeError(msg)
            return f"{year:04d}"
        if name == "check":
            return check
        if name.startswith("seq:"):
            digits = int(name.removeprefix("seq:"))
            if len(sequence) > digits:
                raise InvalidInput(f"编号流水已用完（{digits} 位），请联系目录管理部门调整编号规则")
            return sequence if check else sequence.zfill(digits)
        if name not in parts:
            msg = f"the pattern needs {name}: pass number_parts(license_type, data)"
            raise RuntimeError(msg)
        return parts[name]

    return _PLACEHOLDER.sub(value, rule.pattern)
