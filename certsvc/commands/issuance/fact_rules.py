"""What a fact must carry, by itself and against the license it is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.errors import Conflict, FieldProblem, InvalidInput
from certsvc.license.facts import FactKind, open_obligations, renewal_open, twins
from certsvc.license.standing import MONTHS, add_months
from certsvc.license.states import Who

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from certsvc.commands.issuance.record_fact import FactBody
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.facts import Fact, FactRule
    from certsvc.license.model import LicenseVersion

DORMANT_YEARS = 3
"""歇业 lasts at most three years (市场主体登记管理条例)."""
ORIGINAL = "正本"
DUPLICATE = re.compile(r"副本([1-9][0-9]?)")


def check_shape(body: FactBody, rule: FactRule, today: date) -> None:
    """Raise InvalidInput with every fault that the body has whatever the license."""
    problems: list[FieldProblem] = []

    def fault(name: str, code: str, detail: str) -> None:
        problems.append(FieldProblem(pointer=f"/{name}", code=code, detail=detail))

    if rule.who is Who.SERVICE:
        fault("fact", "enum", f"“{rule.name_zh}”由系统登记，不接受外部登记")
    if rule.needs_code and not body.code:
        fault("code", "missing", f"请填写{rule.code_zh}")
    if not rule.needs_code and body.code:
        fault("code", "extra_forbidden", f"“{rule.name_zh}”不填此项")
    if rule.needs_document and not body.document_no:
        fault("document_no", "missing", f"“{rule.name_zh}”必须写明文书号")
    if rule.needs_due and body.due_on is None:
        fault("due_on", "missing", f"“{rule.name_zh}”必须写明期限")
    if not rule.allows_due and body.due_on is not None:
        fault("due_on", "extra_forbidden", f"“{rule.name_zh}”不填期限")
    if body.due_on is not None and body.due_on < body.happened_on:
        fault("due_on", "before_start", "期限早于发生日期")
    if body.happened_on > today:
        fault("happened_on", "in_future", "发生日期晚于今天")
    dormant_end = add_months(body.happened_on, DORMANT_YEARS * MONTHS)
    if body.fact is FactKind.DORMANT_BEGUN and body.due_on is not None and body.due_on > dormant_end:
        fault("due_on", "too_long", f"歇业期限最长 {DORMANT_YEARS} 年")
    if problems:
        raise InvalidInput("登记内容有误，请按提示更正", problems=tuple(problems))


def check_against_license(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, body: FactBody, rule: FactRule
) -> LicenseVersion | None:
    """Whether the fact fits what is known of the license; the parent license when it names one.

    Raises:
        InvalidInput: a check, paper or obligation that the type does not have, or an unknown parent.
        Conflict: it contradicts what was noted before.
    """
    facts = tx.facts.of(version.license_id)
    if rule.of_period:
        _check_renewal(version, body, facts)
    elif body.fact in _OF_TYPE:
        _OF_TYPE[body.fact](deps, version, body)
    if body.fact in {FactKind.OBLIGATION_MET, FactKind.OBLIGATION_BROKEN}:
        if body.code not in {obligation.code for obligation in open_obligations(facts)}:
            raise Conflict("没有这一项未履行的承诺或未补的材料，请核对编号（code）")
    elif body.fact in {FactKind.TWIN_PRINTED, FactKind.TWIN_COLLECTED, FactKind.TWIN_RECALLED}:
        _check_twin(body, facts)
    elif body.fact is FactKind.DEPENDS_ON:
        return _parent(tx, version, body)
    return None


def _check_renewal(version: LicenseVersion, body: FactBody, facts: Sequence[Fact]) -> None:
    if version.valid_until is None:
        raise Conflict("证照长期有效，没有延续的问题")
    is_open = renewal_open(facts, version.valid_until)
    if body.fact is FactKind.RENEWAL_APPLIED and is_open:
        raise Conflict("本有效期的延续申请已经受理，尚未办结")
    if body.fact is not FactKind.RENEWAL_APPLIED and not is_open:
        raise Conflict("没有受理中的延续申请，请先登记受理（renewal_applied）")


def _check_name(deps: Deps, version: LicenseVersion, body: FactBody) -> None:
    names = [check.name for check in deps.catalog.type(version.type_slug).periodic_checks]
    if body.code not in names:
        detail = f"此类证照的定期检查：{'、'.join(names) or '无'}"
        raise InvalidInput(
            "没有这项定期检查", problems=(FieldProblem(pointer="/code", code="unknown_check", detail=detail),)
        )


def _check_promise(deps: Deps, version: LicenseVersion, body: FactBody) -> None:
    kind = deps.catalog.type(version.type_slug)
    allowed = kind.promise if body.fact is FactKind.PROMISE_SET else kind.supplement
    if not allowed:
        name = "告知承诺" if body.fact is FactKind.PROMISE_SET else "容缺受理"
        raise InvalidInput(
            f"“{kind.name}”不实行{name}",
            problems=(FieldProblem(pointer="/fact", code="not_for_type", detail=f"目录未对此类证照开通{name}"),),
        )


def _check_part(deps: Deps, version: LicenseVersion, body: FactBody) -> None:
    """正本, 副本 n as far as the type has them, or its 附页."""
    paper = deps.catalog.type(version.type_slug).paper
    copy = DUPLICATE.fullmatch(body.text)
    known = body.text == ORIGINAL or (body.text != "" and body.text == paper.annex)
    if not known and not (copy is not None and int(copy[1]) <= paper.duplicates):
        parts = [ORIGINAL, *(["副本1 至 副本" + str(paper.duplicates)] if paper.duplicates else []), paper.annex]
        detail = f"请写明印制的是：{'、'.join(part for part in parts if part)}"
        raise InvalidInput(
            "此类证照没有这种纸质件", problems=(FieldProblem(pointer="/text", code="unknown_part", detail=detail),)
        )


_OF_TYPE: dict[FactKind, Callable[[Deps, LicenseVersion, FactBody], None]] = {
    FactKind.CHECK_PASSED: _check_name,
    FactKind.CHECK_FAILED: _check_name,
    FactKind.PROMISE_SET: _check_promise,
    FactKind.SUPPLEMENT_SET: _check_promise,
    FactKind.TWIN_PRINTED: _check_part,
}


def _check_twin(body: FactBody, facts: Sequence[Fact]) -> None:
    found = next((twin for twin in twins(facts) if twin.serial == body.code), None)
    if body.fact is FactKind.TWIN_PRINTED:
        if found is not None:
            raise Conflict("这个印制流水号已经用过，请核对（code）")
        return
    if found is None:
        raise Conflict("没有印制过这个流水号的纸质证照，请核对（code）")
    if found.recalled_on is not None:
        raise Conflict("这份纸质证照已经收回")
    if body.fact is FactKind.TWIN_COLLECTED and found.collected_on is not None:
        raise Conflict("这份纸质证照已经领取")


def _parent(tx: UnitOfWork, version: LicenseVersion, body: FactBody) -> LicenseVersion:
    parent = tx.licenses.by_identifier(body.code)
    if parent is None or parent.provisional or parent.license_id == version.license_id:
        detail = "请填写另一张已登记证照的证照标识"
        raise InvalidInput(
            "没有找到所依附的证照", problems=(FieldProblem(pointer="/code", code="unknown_license", detail=detail),)
        )
    return parent
