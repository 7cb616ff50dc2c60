"""The body of a registration, and what is wrong with it: every fault is named at once, before the file is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from certsvc.catalog.numbers import check_given_number
from certsvc.catalog.validation import check_text, validate_fields
from certsvc.commands.issuance.body import MAX_DATA_FIELDS, MAX_PHOTO_BASE64, Code, HolderBody, decode_photo
from certsvc.commands.issuance.payload import SANDBOX_REGION, check_holder, on_calendar
from certsvc.commands.shapes import Day, Line
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput, TooLarge, UnknownLicenseType
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.identifiers.uscc import LENGTH, Uscc
from certsvc.license.model import Holder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.entry import Source
    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps

MAX_NUMBER = 128
"""Characters of a number: the width of the national column (GB/T 36903)."""


class RegistrationBody(BaseModel):
    """登记来源系统制作的证照：文件另附."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    authority_code: Code = Field(description="本地负责此类证照的机关", examples=["11990000MB0000019F"])
    source: Code = Field(description="来源系统（目录 sources.toml 中的 id）", examples=["national_market"])
    type: Code = Field(description="证照类型（目录中的 slug）", examples=["business_license"])
    identifier: str = Field(max_length=128, description="来源编制的证照标识（GB/T 36904）")
    number: Line = Field(min_length=1, max_length=MAX_NUMBER, description="来源的证照编号")
    issuer_code: Code = Field(description="颁发机构统一社会信用代码，可以不在本地目录中")
    issuer_name: Line = Field(min_length=1, max_length=100, description="颁发机构名称，与证面一致")
    holder: HolderBody
    data: dict[str, Any] = Field(description="照面信息，按证照类型的字段填写", max_length=MAX_DATA_FIELDS)
    issued_on: Day = Field(description="颁发日期")
    first_issued_on: Day | None = Field(default=None, description="首次发证日期，缺省为颁发日期")
    valid_from: Day | None = Field(default=None, description="有效期起始日期，缺省为颁发日期")
    valid_until: Day | None = Field(default=None, description="有效期截止日期（含当日），长期不填")
    photo: str = Field(default="", max_length=MAX_PHOTO_BASE64, description="持证人照片，JPEG 或 PNG 的 Base64")


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedBody:
    """A body that fits the catalog."""

    kind: LicenseType
    source: Source
    identifier: LicenseIdentifier
    number: str
    holder: Holder
    data: Mapping[str, str]
    photo: bytes | None


def check_body(deps: Deps, body: RegistrationBody) -> CheckedBody:
    """The body against the catalog.

    Raises:
        UnknownLicenseType: not in the catalog.
        InvalidInput: every other fault, with JSON pointers.
    """
    kind = _kind(deps, body)
    problems: list[FieldProblem] = []
    source = _source(deps, body, kind, problems)
    identifier = _identifier(deps, body, kind, problems)
    holder = check_holder(body.holder, kind, problems)
    data: dict[str, str] = {}
    try:
        data = validate_fields(kind, body.data, holder=holder)
    except InvalidInput as error:
        problems.extend(error.problems)
    _days(body, problems)
    code = holder.value if holder else body.holder.code
    number = _number(body, kind, code, problems)
    photo = _photo(deps, body, kind, problems)
    if problems or source is None or identifier is None:
        raise InvalidInput(f"{kind.name}：{len(problems)} 处内容有误，请按提示逐项更正", problems=tuple(problems))
    return CheckedBody(
        kind=kind,
        source=source,
        identifier=identifier,
        number=number,
        holder=Holder(name=body.holder.name.strip(), code=code, code_type=body.holder.code_type),
        data=data,
        photo=photo,
    )


def _kind(deps: Deps, body: RegistrationBody) -> LicenseType:
    try:
        return deps.catalog.type(body.type)
    except UnknownLicenseType as error:
        problem = FieldProblem(pointer="/type", code=error.code, detail=error.detail)
        raise UnknownLicenseType(error.detail, problems=(problem,)) from error


def _source(deps: Deps, body: RegistrationBody, kind: LicenseType, problems: list[FieldProblem]) -> Source | None:
    if body.authority_code not in {*kind.issuers, kind.definer_code}:
        detail = f"此机关不负责“{kind.name}”；请由本地颁发或定义此类证照的机关登记"
        problems.append(FieldProblem(pointer="/authority_code", code="not_responsible", detail=detail))
    try:
        source = deps.catalog.source(body.source)
    except InvalidInput as error:
        problems.append(FieldProblem(pointer="/source", code="unknown_source", detail=error.detail))
        return None
    if kind.slug not in source.types:
        detail = f"{source.name}不提供“{kind.name}”；提供的类型：{'、'.join(source.types)}"
        problems.append(FieldProblem(pointer="/type", code="not_of_source", detail=detail))
    return source


def _identifier(
    deps: Deps, body: RegistrationBody, kind: LicenseType, problems: list[FieldProblem]
) -> LicenseIdentifier | None:
    """The identifier that the source gave, whose parts must say what the body says."""
    whole = True
    try:
        Uscc.parse(body.issuer_code)
    except InvalidIdentifier as error:
        whole = False
        problems.append(FieldProblem(pointer="/issuer_code", code=error.code, detail=error.detail))
    if not deps.policy.sandbox and body.issuer_code[2:4] == SANDBOX_REGION:
        detail = "99 开头的区划和机构仅供沙箱测试，正式环境不予登记"
        problems.append(FieldProblem(pointer="/issuer_code", code="sandbox_region", detail=detail))
    try:
        identifier = LicenseIdentifier.parse(body.identifier)
    except InvalidIdentifier as error:
        problems.append(FieldProblem(pointer="/identifier", code=error.code, detail=error.detail))
        return None
    if identifier.type_code != kind.type_code:
        detail = f"证照标识中的类型代码不是“{kind.name}”的；请核对证照类型"
        problems.append(FieldProblem(pointer="/identifier", code="other_type", detail=detail))
    if whole and len(identifier.issuer_code) == LENGTH and identifier.issuer_code != body.issuer_code:
        detail = "与证照标识中的颁发机构代码不一致，请逐位核对"
        problems.append(FieldProblem(pointer="/issuer_code", code="other_issuer", detail=detail))
    return identifier


def _days(body: RegistrationBody, problems: list[FieldProblem]) -> None:
    """The source's rules made the period; only what no calendar allows is refused."""
    days = {
        "issued_on": body.issued_on,
        "first_issued_on": body.first_issued_on,
        "valid_from": body.valid_from,
        "valid_until": body.valid_until,
    }
    if not on_calendar(days, problems):
        return
    if body.valid_until is not None and body.valid_until < (body.valid_from or body.issued_on):
        problems.append(FieldProblem(pointer="/valid_until", code="before_start", detail="截止日期早于起始日期"))
    if body.first_issued_on is not None and body.first_issued_on > body.issued_on:
        detail = "首次发证日期晚于颁发日期"
        problems.append(FieldProblem(pointer="/first_issued_on", code="after_issue", detail=detail))


def _number(body: RegistrationBody, kind: LicenseType, code: str, problems: list[FieldProblem]) -> str:
    """A number that the type derives from its holder must be that; otherwise the source's own form is kept."""
    if kind.number.given:
        try:
            return check_given_number(kind, body.number, holder_code=code)
        except InvalidInput as error:
            problems.extend(error.problems)
            return ""
    fault = check_text(body.number, max_length=MAX_NUMBER, is_name=False)
    if fault:
        problems.append(FieldProblem(pointer="/number", code="text", detail=fault))
    return body.number.strip()


def _photo(deps: Deps, body: RegistrationBody, kind: LicenseType, problems: list[FieldProblem]) -> bytes | None:
    """May be left out: a source seldom sends one beside its file."""
    if not body.photo:
        return None
    if not kind.photo:
        detail = f"{kind.name}不印照片，请去掉此项"
        problems.append(FieldProblem(pointer="/photo", code="extra_forbidden", detail=detail))
        return None
    try:
        return deps.renderer.normalise_photo(decode_photo(body.photo))
    except (InvalidInput, TooLarge) as error:
        problems.extend(error.problems or (FieldProblem(pointer="/photo", code=error.code, detail=error.detail),))
        return None
