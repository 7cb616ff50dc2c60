"""The columns of a table of 存量 of one type: what the template has, and what an upload may have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.catalog.bodies import heir
from certsvc.catalog.model import FieldKind, ValidityKind
from certsvc.catalog.numbers import HOLDER_CODE, first_number
from certsvc.catalog.validation import holds_name
from certsvc.identifiers.holder_code import HolderCodeType

if TYPE_CHECKING:
    from datetime import date

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import FieldSpec, LicenseType
    from certsvc.catalog.type_file import Sample

FIELD = "data."
"""Begins the key of a column that holds a field of the type."""
CHECK = "check."
"""Begins the key of a column that holds the day of the last periodic check of a name."""
RESULT, REASON = "结果", "原因"
"""Columns of our result files; in an upload they are ignored, so that a mended result file can be sent again."""
IN_FORCE, SUSPENDED = "有效", "暂扣"
ENDED_WORDS = ("注销", "吊销", "撤销", "撤回", "作废", "失效", "过期", "已换发")
"""What registers write for licenses that are no longer in force; no file is made of those."""
OPEN_ENDED_WORDS = ("长期", "长期有效")


class ColumnKind(StrEnum):
    """How the cells of a column are read."""

    TEXT = "text"
    NAME = "name"
    CODE = "code"
    """digits that must not become a number: a spreadsheet would cut or round them"""
    CITIZEN_ID = "citizen_id"
    DAY = "day"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: ``holder_name``, or ``data.`` and the key of a field.
        heading: in Chinese; unique within the table.
        note: what to write, for the sheet of explanations.
        choices: code and words of what may be written, where that is a list; the words may be written too.
    """

    key: str
    heading: str
    kind: ColumnKind
    required: bool
    note: str
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""


def stock_columns(catalog: Catalog, kind: LicenseType, today: date) -> tuple[Column, ...]:
    """Every column of the type, in the order of its template; on ``today`` bodies have the successors they have."""
    sample = catalog.sample(kind.slug)
    fixed = (*_holder(kind, sample), *_license(catalog, kind, sample, today), *_STATE)
    taken = {column.heading for column in (*fixed, *_checks(kind))} | {RESULT, REASON}
    fields = tuple(_field(spec, sample, taken) for spec in kind.fields)
    photo = Column(
        key="photo",
        heading="照片文件名",
        kind=ColumnKind.TEXT,
        required=True,
        note="随表打包在同一 ZIP 中的照片文件名，例如 0001.jpg；JPEG 或 PNG",
        example="0001.jpg",
    )
    return (*fixed, *_checks(kind), *fields, *((photo,) if kind.photo else ()))


def _holder(kind: LicenseType, sample: Sample) -> tuple[Column, ...]:
    types = tuple((code, HolderCodeType.of(code).zh) for code in kind.holder_code_types)
    people = all(not HolderCodeType.of(code).is_organisation for code in kind.holder_code_types)
    only_id = kind.holder_code_types == (HolderCodeType.CITIZEN_ID.value,)
    return (
        Column(
            key="holder_name",
            heading="持证主体名称",
            kind=ColumnKind.NAME,
            required=True,
            note="与原件一致；生僻字须为标准汉字，不得以问号或自造字代替",
            example=sample["holder_name"],
        ),
        Column(
            key="holder_code_type",
            heading="持证主体代码类型",
            kind=ColumnKind.CODE,
            required=len(types) > 1,
            note="填代码或名称，见“代码表”" + ("" if len(types) > 1 else "；可不填"),
            choices=types,
            example=sample["holder_code_type"],
        ),
        Column(
            key="holder_code",
            heading="持证主体代码",
            kind=ColumnKind.CITIZEN_ID if only_id else ColumnKind.CODE,
            required=True,
            note="18 位公民身份号码" if people else "统一社会信用代码或公民身份号码，与代码类型相符",
            example=sample["holder_code"],
        ),
    )


def _license(catalog: Catalog, kind: LicenseType, sample: Sample, today: date) -> tuple[Column, ...]:
    issuers = tuple(
        (body.code, body.name) for body in catalog.authorities if heir(catalog, body.code, today) in kind.issuers
    )
    is_holder_code = kind.number.pattern == HOLDER_CODE
    return (
        Column(
            key="issuer",
            heading="原发证机关",
            kind=ColumnKind.CODE,
            required=True,
            note="颁发当时的机关，填统一社会信用代码或全称，见“代码表”；已撤并的机关照填，由其承继机关盖章",
            choices=issuers,
            example=sample["issuer_code"],
        ),
        Column(
            key="number",
            heading="证照编号",
            kind=ColumnKind.CODE,
            required=not is_holder_code,
            note="就是持证主体代码，可不填" if is_holder_code else "原编号，原样保留",
            example=sample["number"] or first_number(kind, sample["data"], region=sample["region"], year=today.year),
        ),
        *_days(kind, today),
        Column(
            key="region",
            heading="所属区划",
            kind=ColumnKind.CODE,
            required=False,
            note="GB/T 2260 六位代码，不填即为原发证机关的区划",
            example=sample["region"],
        ),
    )


def _days(kind: LicenseType, today: date) -> tuple[Column, ...]:
    open_end = kind.validity.kind is ValidityKind.OPEN_ENDED or (
        kind.validity.kind is ValidityKind.GIVEN and not kind.validity.years
    )
    return (
        Column(
            key="issued_on",
            heading="颁发日期",
            kind=ColumnKind.DAY,
            required=True,
            note="原件上的颁发日期",
            example=f"{today.year}-01-01",
        ),
        Column(
            key="first_issued_on",
            heading="首次发证日期",
            kind=ColumnKind.DAY,
            required=False,
            note="不填即为颁发日期",
        ),
        Column(
            key="valid_from",
            heading="有效期起始日期",
            kind=ColumnKind.DAY,
            required=False,
            note="不填即为颁发日期",
            example=f"{today.year}-01-01",
        ),
        Column(
            key="valid_until",
            heading="有效期截止日期",
            kind=ColumnKind.DAY,
            required=not open_end,
            note="含当日" + ("；长期有效的填“长期”或不填" if open_end else ""),
            example=OPEN_ENDED_WORDS[0] if open_end else f"{today.year + kind.validity.years - 1}-12-31",
        ),
    )


def _checks(kind: LicenseType) -> tuple[Column, ...]:
    return tuple(
        Column(
            key=CHECK + check.name,
            heading=f"最近一次{check.name}日期",
            kind=ColumnKind.DAY,
            required=False,
            note=f"最近一次合格的日期；不填的从首次发证日期起算，逾期的将提示“{check.overdue}”",
        )
        for check in kind.periodic_checks
    )


_ONLY = "仅暂扣时填写"
_STATE = (
    Column(
        key="state",
        heading="证照状态",
        kind=ColumnKind.TEXT,
        required=True,
        note="导入时的状态：有效或暂扣；已注销、吊销、撤销、撤回的不制发，请勿列入",
        choices=((IN_FORCE, "导入时有效"), (SUSPENDED, "导入时处于暂扣期")),
        example=IN_FORCE,
    ),
    Column(
        key="suspended_by",
        heading="暂扣机关",
        kind=ColumnKind.CODE,
        required=False,
        note=f"{_ONLY}，统一社会信用代码；不填即为原发证机关",
    ),
    Column(key="suspended_no", heading="暂扣文书号", kind=ColumnKind.TEXT, required=False, note=_ONLY),
    Column(key="suspended_on", heading="暂扣决定日期", kind=ColumnKind.DAY, required=False, note=_ONLY),
    Column(key="suspended_until", heading="暂扣截止日期", kind=ColumnKind.DAY, required=False, note=_ONLY),
    Column(key="suspended_basis", heading="暂扣依据", kind=ColumnKind.TEXT, required=False, note=_ONLY),
)
"""The same for every type."""

_CODES = frozenset({FieldKind.USCC, FieldKind.HOLDER_CODE, FieldKind.VIN, FieldKind.UNIT_NO, FieldKind.PLATE})


def _field(spec: FieldSpec, sample: Sample, taken: set[str]) -> Column:
    heading = f"{spec.name}（信息项）" if spec.name in taken else spec.name
    note = f"最多 {spec.max_length} 字"
    if spec.kind is FieldKind.CHOICE:
        note = "只能填“代码表”中的内容"
    elif spec.kind is FieldKind.DATE:
        note = "日期，例如 2020-01-01"
    return Column(
        key=FIELD + spec.key,
        heading=heading,
        kind=_kind_of(spec),
        required=spec.required,
        note=note,
        choices=tuple((choice, "") for choice in spec.choices),
        example=str(sample["data"].get(spec.key, "")),
    )


def _kind_of(spec: FieldSpec) -> ColumnKind:
    if spec.kind is FieldKind.DATE:
        return ColumnKind.DAY
    if spec.kind is FieldKind.CITIZEN_ID:
        return ColumnKind.CITIZEN_ID
    if spec.kind in _CODES:
        return ColumnKind.CODE
    return ColumnKind.NAME if holds_name(spec) else ColumnKind.TEXT
