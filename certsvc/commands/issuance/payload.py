"""From the body as sent to a payload checked against the catalog; every fault is named at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from certsvc.catalog.bodies import heir
from certsvc.catalog.model import ValidityKind
from certsvc.catalog.numbers import check_given_number
from certsvc.catalog.validation import check_text, validate_fields
from certsvc.clock import local_day
from certsvc.commands.issuance.link_fields import check_link_fields, decision_of, link_rule
from certsvc.commands.issuance.stock import check_stock_issuer, check_stock_number
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput, UnknownLicenseType
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.matter_code import MatterCode
from certsvc.identifiers.region import Region
from certsvc.license.model import Holder
from certsvc.license.request import Action, IssuancePayload, StockClaim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.issuance.body import HolderBody, IssuanceBody
    from certsvc.commands.ports import Deps

SANDBOX_REGION = "99"
"""Region codes that exist only in the sandbox; production refuses them (DESIGN.md 8)."""

MAX_HOLDER_NAME = 100
"""Characters of a holder's name; longer ones fit no page and bloat the index."""

EARLIEST, LATEST = date(1850, 1, 1), date(2999, 12, 31)
"""Days beyond are slips (0206 for 2026) or stand for 长期 (9999-12-31), and period rules would run off the calendar."""


def build_payload(deps: Deps, body: IssuanceBody, stock: StockClaim | None = None) -> IssuancePayload:
    """The payload with defaults filled in; with ``stock`` what the body says was decided before this service.

    Raises:
        UnknownLicenseType: not in the catalog.
        InvalidInput: every other fault, with JSON pointers.
    """
    try:
        kind = deps.catalog.type(body.type)
    except UnknownLicenseType as error:
        problem = FieldProblem(pointer="/type", code=error.code, detail=error.detail)
        raise UnknownLicenseType(error.detail, problems=(problem,)) from error
    problems: list[FieldProblem] = []
    region = _authority(deps, body, kind, problems, stock=stock is not None)
    holder = check_holder(body.holder, kind, problems)
    data: dict[str, str] = {}
    try:
        data = validate_fields(kind, body.data, holder=holder)
    except InvalidInput as error:
        problems.extend(error.problems)
    _matter(body, problems)
    days = {"issued_on": body.issued_on, "valid_from": body.valid_from, "valid_until": body.valid_until}
    if on_calendar(days, problems):
        start = body.valid_from or body.issued_on or local_day(deps.clock.now())
        _check_period(body, kind, start, problems)
    code = holder.value if holder else body.holder.code
    if stock is None:
        number = _number(body, kind, code, problems)
    else:
        number = check_stock_number(kind, body.number, code, problems)
    check_link_fields(body, kind, deps.clock.now(), problems)
    _glyphs(deps, body, data, problems)
    if problems:
        raise InvalidInput(f"{kind.name}：{len(problems)} 处内容有误，请按提示逐项更正", problems=tuple(problems))
    return IssuancePayload(
        authority_code=body.authority_code,
        business_no=body.business_no,
        type_slug=kind.slug,
        action=body.action,
        holder=Holder(name=body.holder.name.strip(), code=code, code_type=body.holder.code_type),
        data=data,
        issued_on=body.issued_on,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        number=number,
        region=region,
        matter_code=body.matter_code,
        previous=body.previous,
        absorbs=body.absorbs,
        case_no=body.case_no,
        project_code=body.project_code,
        decision=decision_of(body),
        stock=stock,
    )


def _authority(deps: Deps, body: IssuanceBody, kind: LicenseType, problems: list[FieldProblem], *, stock: bool) -> str:
    """Check issuer and region; returns the region code."""
    before = len(problems)
    if stock:
        check_stock_issuer(deps, body, kind, problems)
    else:
        _issuer(deps, body, kind, problems)
    if len(problems) > before:
        return ""
    return _region(deps, body, problems)


def _issuer(deps: Deps, body: IssuanceBody, kind: LicenseType, problems: list[FieldProblem]) -> None:
    if body.authority_code not in kind.issuers:
        detail = f"此机关不在“{kind.name}”的颁发机构之列；请核对机关代码或证照类型"
        problems.append(FieldProblem(pointer="/authority_code", code="not_an_issuer", detail=detail))
        return
    today = local_day(deps.clock.now())
    heir_code = heir(deps.catalog, body.authority_code, today)
    if heir_code != body.authority_code:
        name = deps.catalog.authority(heir_code).name
        detail = f"此机关已并入{name}，请以{name}的名义申请；以前颁发的证照也由其办理"
        problems.append(FieldProblem(pointer="/authority_code", code="merged", detail=detail))


def _region(deps: Deps, body: IssuanceBody, problems: list[FieldProblem]) -> str:
    own = deps.catalog.authority(body.authority_code).region
    region = body.region or own
    if not deps.policy.sandbox and SANDBOX_REGION in {region[:2], own[:2]}:
        detail = "99 开头的区划和机构仅供沙箱测试，正式环境不予制证"
        problems.append(FieldProblem(pointer="/region", code="sandbox_region", detail=detail))
    try:
        Region.parse(region)
    except InvalidIdentifier as error:
        problems.append(FieldProblem(pointer="/region", code=error.code, detail=error.detail))
    else:
        if not region.startswith(_province_city(own)):
            detail = f"区划不在颁发机构的辖区（{own}）之内"
            problems.append(FieldProblem(pointer="/region", code="other_region", detail=detail))
    return region


def _province_city(region: str) -> str:
    """The significant pairs of a region code: ``990000`` is the whole province ``99`` (GB/T 2260)."""
    pairs = [region[0:2], region[2:4], region[4:6]]
    while pairs and pairs[-1] == "00":
        pairs.pop()
    return "".join(pairs)


def _matter(body: IssuanceBody, problems: list[FieldProblem]) -> None:
    """The code goes into the page's metadata, so its form is checked; which matters exist is the approval's affair."""
    try:
        if body.matter_code:
            MatterCode.parse(body.matter_code)
    except InvalidIdentifier as error:
        problems.append(FieldProblem(pointer="/matter_code", code=error.code, detail=error.detail))


def on_calendar(days: Mapping[str, date | None], problems: list[FieldProblem]) -> bool:
    """Whether every day lies in the years of licenses; those that do not are named."""
    before = len(problems)
    for name, day in days.items():
        if day is not None and not EARLIEST <= day <= LATEST:
            detail = f"应在 {EARLIEST.year} 年至 {LATEST.year} 年之间；长期有效请不填截止日期"
            problems.append(FieldProblem(pointer=f"/{name}", code="out_of_range", detail=detail))
    return len(problems) == before


def check_holder(sent: HolderBody, kind: LicenseType, problems: list[FieldProblem]) -> HolderCode | None:
    """The holder's code, checked against the type; what is wrong with code or name is named."""
    holder: HolderCode | None = None
    if sent.code_type not in kind.holder_code_types:
        allowed = "、".join(kind.holder_code_types)
        detail = f"“{kind.name}”的持证主体代码类型应为 {allowed}"
        problems.append(FieldProblem(pointer="/holder/code_type", code="holder_code_type", detail=detail))
    else:
        try:
            holder = HolderCode.parse(sent.code_type, sent.code)
        except InvalidIdentifier as error:
            problems.append(FieldProblem(pointer="/holder/code", code=error.code, detail=error.detail))
    fault = check_text(sent.name, max_length=MAX_HOLDER_NAME, is_name=True)
    if fault:
        problems.append(FieldProblem(pointer="/holder/name", code="text", detail=fault))
    return holder


def _check_period(body: IssuanceBody, kind: LicenseType, start: date, problems: list[FieldProblem]) -> None:
    """The dates that were sent; defaults are derived when the license is issued (``page.period``)."""
    rule, end, link = kind.validity, body.valid_until, link_rule(body.action)
    corrected = body.action is Action.CORRECT
    if link is not None and not corrected:
        kept = (("valid_from", body.valid_from, link.keeps_start), ("valid_until", end, link.keeps_end))
        for name, value, keeps in kept:
            if keeps and value is not None:
                detail = f"{link.name_zh}沿用原日期，请去掉此项；需要延长请用 renew"
                problems.append(FieldProblem(pointer=f"/{name}", code="keeps_period", detail=detail))
        if link.keeps_end:
            return
    if corrected and end is None:
        return
    if rule.kind is ValidityKind.OPEN_ENDED:
        if end is not None:
            detail = f"“{kind.name}”长期有效，不填截止日期"
            problems.append(FieldProblem(pointer="/valid_until", code="open_ended", detail=detail))
    elif end is None:
        if rule.kind is ValidityKind.GIVEN and rule.years:
            problems.append(FieldProblem(pointer="/valid_until", code="missing", detail="缺少有效期截止日期"))
    elif end < start:
        problems.append(FieldProblem(pointer="/valid_until", code="before_start", detail="截止日期早于起始日期"))
    elif body.action in {Action.ISSUE, Action.CONVERT} and rule.years and end > last_day(start, rule.years):
        detail = f"有效期不得超过 {rule.years} 年"
        problems.append(FieldProblem(pointer="/valid_until", code="too_long", detail=detail))


def last_day(start: date, years: int) -> date:
    """The last day of a period of whole years that begins on ``start``."""
    try:
        anniversary = start.replace(year=start.year + years)
    except ValueError:  # 29 February
        anniversary = date(start.year + years, 3, 1)
    return anniversary - timedelta(days=1)


def _number(body: IssuanceBody, kind: LicenseType, code: str, problems: list[FieldProblem]) -> str:
    if kind.number.given and body.action is not Action.PROVISIONAL:
        try:
            return check_given_number(kind, body.number, holder_code=code)
        except InvalidInput as error:
            problems.extend(error.problems)
            return ""
    if body.number.strip():
        detail = (
            "模拟审批意见没有正式编号，请去掉此项"
            if body.action is Action.PROVISIONAL
            else f"“{kind.name}”的编号由制证系统生成，请去掉此项"
        )
        problems.append(FieldProblem(pointer="/number", code="extra_forbidden", detail=detail))
    return ""


def _glyphs(deps: Deps, body: IssuanceBody, data: dict[str, str], problems: list[FieldProblem]) -> None:
    """A character that no font draws is found now, not by the worker."""
    texts = [("/holder/name", body.holder.name), *((f"/data/{key}", text) for key, text in data.items())]
    for pointer, text in texts:
        missing = deps.renderer.check_glyphs(text)
        if missing:
            names = "、".join(f"{char}（U+{ord(char):04X}）" for char in missing[:5])
            detail = f"字库中没有这些字：{names}；请改用规范字或异体字，或联系运维补充字库"
            problems.append(FieldProblem(pointer=pointer, code="missing_glyph", detail=detail))
