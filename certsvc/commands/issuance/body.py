"""The body of an issuance request, the same over HTTP and in an approval event."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Annotated, Any

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from certsvc.commands.shapes import Day, Line
from certsvc.errors import FieldProblem, InvalidInput
from certsvc.events.canonical import canonical
from certsvc.license.request import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_PHOTO_BASE64 = 700_000
"""Characters of a base64 photo (500 kB): stops a body that would fill memory before it is looked at."""

MAX_DATA_FIELDS = 100
"""Fields of one request: no type has more; stops hash-flooding bodies."""

MAX_ABSORBED = 20
"""Licenses that one merge takes in; more is a mistake, and each is locked in one transaction."""

PYDANTIC_ZH = {
    "missing": "缺少此项，请补充",
    "extra_forbidden": "没有这一项，请删除或更正名称",
    "string_type": "应为文本",
    "string_too_long": "内容过长，最多 {max_length} 个字符",
    "string_too_short": "内容过短，至少 {min_length} 个字符",
    "string_pattern_mismatch": "格式不正确，应符合 {pattern}",
    "string_unicode": "含有不成对的代理码，请检查发送方的字符编码",
    "date_from_datetime_parsing": "没有这一天，请核对年月日",
    "date_from_datetime_inexact": "日期应写作 2026-01-01",
    "enum": "不是允许的取值；可用：{expected}",
    "literal_error": "不是允许的取值；可用：{expected}",
    "dict_type": "应为 JSON 对象",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象",
    "list_type": "应为数组",
    "tuple_type": "应为数组",
    "too_long": "项数过多，最多 {max_length} 项",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "应为整数，且不能过大",
    "int_from_float": "应为整数",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
}
"""What pydantic's error types mean to the person who wrote the body; the braces are limits, never what was sent."""

OTHERWISE_ZH = "内容不符合要求，请对照接口文档（/v1/openapi.json）更正"
MAX_POINTER = 128
"""Characters of a pointer in an answer: a key nobody knows may be anything, also a megabyte."""

Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_.\-]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HolderBody(_Strict):
    """持证主体."""

    name: str = Field(min_length=1, max_length=200, description="持证主体名称", examples=["示例餐饮有限公司"])
    code: str = Field(min_length=1, max_length=64, description="持证主体代码", examples=["91990000MA0000015Q"])
    code_type: str = Field(
        min_length=3, max_length=3, description="持证主体代码类型代码（GB/T 36903 附录A）", examples=["001"]
    )


class DecisionBody(_Strict):
    """更正决定：文书号、日期、依据."""

    document_no: Line = Field(min_length=1, max_length=100, description="文书号", examples=["示市监更〔2026〕1号"])
    decided_on: Day = Field(description="决定日期", examples=["2026-01-15"])
    basis: Line = Field(min_length=1, max_length=500, description="依据与更正的内容")


class IssuanceBody(_Strict):
    """审批结果：请求制发一张电子证照."""

    authority_code: Code = Field(description="颁发机构统一社会信用代码", examples=["11990000MB0000019F"])
    business_no: Code = Field(description="业务流水号", examples=["SP-2026-000001"])
    type: Code = Field(description="证照类型（目录中的 slug）", examples=["food_operation"])
    action: Action = Field(
        default=Action.ISSUE,
        description="issue 新办 · change 变更 · renew 延续 · replace 补办 · split 分立 · merge 合并 · correct 更正"
        " · provisional 模拟审批 · convert 转为正式",
    )
    holder: HolderBody
    data: dict[str, Any] = Field(description="照面信息，按证照类型的字段填写", max_length=MAX_DATA_FIELDS)
    issued_on: Day | None = Field(default=None, description="颁发日期，缺省为当日")
    valid_from: Day | None = Field(default=None, description="有效期起始日期，缺省为颁发日期")
    valid_until: Day | None = Field(default=None, description="有效期截止日期（含当日）")
    number: str = Field(default="", max_length=128, description="证照编号，仅用于由审批系统给号的类型")
    region: str = Field(default="", max_length=6, pattern=r"^([0-9]{6})?$", description="所属管辖属地编码 GB/T 2260")
    matter_code: str = Field(default="", max_length=33, description="关联事项实施编码")
    previous: str = Field(default="", max_length=128, description="原证照标识，新办和模拟审批不填")
    absorbs: tuple[str, ...] = Field(default=(), max_length=MAX_ABSORBED, description="合并时被并入的其他证照标识")
    case_no: Line = Field(default="", max_length=64, description="办件编号，分立必填：同一办件的各件承接同一张原证照")
    project_code: str = Field(
        default="", max_length=24, description="项目代码，模拟审批必填", examples=["2601-990100-04-01-123456"]
    )
    decision: DecisionBody | None = Field(default=None, description="更正决定，仅用于 correct")
    photo: str = Field(default="", max_length=MAX_PHOTO_BASE64, description="持证人照片，JPEG 或 PNG 的 Base64")


def parse_issuance(raw: object) -> IssuanceBody:
    """Check the shape of a body that came in an event.

    Raises:
        InvalidInput: every fault with its JSON pointer.
    """
    try:
        return IssuanceBody.model_validate(raw)
    except ValidationError as error:
        raise InvalidInput("请求内容有误，请按提示逐项更正", problems=shape_problems(error, prefix="/data")) from error


def shape_problems(error: ValidationError, *, prefix: str = "") -> tuple[FieldProblem, ...]:
    """Pydantic's errors as field problems; values are never repeated, they may be personal."""
    return tuple(
        field_problem(item, [str(part) for part in item["loc"]], prefix=prefix)
        for item in error.errors(include_input=False, include_url=False)
    )


def field_problem(item: Mapping[str, Any], steps: Sequence[str], *, prefix: str = "") -> FieldProblem:
    """One of pydantic's errors at a place; the value sent is never repeated, it may be personal."""
    kind, message = str(item["type"]), str(item["msg"]).removeprefix("Value error, ")
    written_by_us = any("\u4e00" <= character <= "\u9fff" for character in message)
    try:
        detail = PYDANTIC_ZH.get(kind, message if written_by_us else OTHERWISE_ZH).format(**item.get("ctx", {}))
    except (LookupError, ValueError):
        detail = OTHERWISE_ZH
    pointer = prefix + "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
    return FieldProblem(pointer=pointer[:MAX_POINTER], code=kind, detail=detail)


def body_hash(body: BaseModel) -> str:
    """Hex SHA-256 of the RFC 8785 form of what was sent (defaults left out)."""
    try:
        form = canonical(body.model_dump(mode="json", exclude_unset=True))
    except rfc8785.CanonicalizationError as error:
        raise InvalidInput("内容中有无法表示的数值或字符，请更正后重发") from error
    return hashlib.sha256(form).hexdigest()


def decode_photo(text: str) -> bytes:
    """The bytes of a base64 photo; InvalidInput names ``/photo``."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        problem = FieldProblem(pointer="/photo", code="base64", detail="照片应为标准 Base64 文本")
        raise InvalidInput("照片无法解码", problems=(problem,)) from error
