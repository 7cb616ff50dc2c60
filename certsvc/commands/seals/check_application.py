"""What an application for a seal says, and whether a seal can be made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import CertsvcError, FieldProblem, InvalidIdentifier, InvalidInput, MissingGlyph, RenderingError
from certsvc.identifiers.matter_code import MatterCode
from certsvc.identifiers.region import Region
from certsvc.seal.rules import region_contains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from certsvc.catalog.authority import Authority
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.model import SealKind, StampSpec
    from certsvc.seal.rules import SealRules

ALGORITHMS = ("sm2", "p256", "rsa2048", "rsa3072")
"""The first is what a seal gets that says nothing: SM2 (GM/T 0003), as production wants it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealWanted:
    """What is applied for, its shape already checked."""

    name: str
    kind: SealKind
    algorithm: str
    stamp: StampSpec
    scope_types: tuple[str, ...]
    rules: SealRules
    daily_budget: int
    years: int


def check_wanted(deps: Deps, tx: UnitOfWork, owner: Authority, wanted: SealWanted) -> None:
    """Raise InvalidInput, naming every field at fault, unless a seal of ``owner`` can be made of this."""
    problems = [
        *_stamp(deps, owner, wanted.stamp),
        *_scope(deps, owner, wanted),
        *_hours(wanted.rules),
        *_people(tx, owner, wanted.rules),
    ]
    if problems:
        raise InvalidInput("印章申请内容有误，请按提示逐项更正", problems=tuple(problems))


def _stamp(deps: Deps, owner: Authority, stamp: StampSpec) -> list[FieldProblem]:
    if stamp.ring_text != owner.name:
        detail = f"印章环文应为所有者的法定名称“{owner.name}”"
        return [FieldProblem(pointer="/stamp/ring_text", code="not_the_name", detail=detail)]
    try:
        deps.renderer.stamp_png(stamp)
    except (RenderingError, MissingGlyph) as error:
        return [FieldProblem(pointer="/stamp", code=error.code, detail=error.detail)]
    return []


def _scope(deps: Deps, owner: Authority, wanted: SealWanted) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    found += _each(wanted.scope_types, "/scope_types", lambda slug: _type_problem(deps, slug))
    found += _each(wanted.rules.matters, "/matters", _matter_problem)
    found += _each(wanted.rules.regions, "/regions", lambda code: _region_problem(owner, code))
    return found


def _each(values: Iterable[str], pointer: str, problem_of: Callable[[str], str]) -> list[FieldProblem]:
    return [
        FieldProblem(pointer=f"{pointer}/{index}", code="unknown", detail=detail)
        for index, value in enumerate(values)
        if (detail := problem_of(value))
    ]


def _type_problem(deps: Deps, slug: str) -> str:
    try:
        deps.catalog.type(slug)
    except CertsvcError as error:
        return error.detail
    return ""


def _matter_problem(code: str) -> str:
    try:
        MatterCode.parse(code)
    except InvalidIdentifier as error:
        return error.detail
    return ""


def _region_problem(owner: Authority, code: str) -> str:
    try:
        Region.parse(code)
    except InvalidIdentifier as error:
        return error.detail
    return "" if region_contains(owner.region, code) else f"区划 {code} 不在所有者的辖区 {owner.region} 内"


def _hours(rules: SealRules) -> list[FieldProblem]:
    hours = rules.hours
    if hours is not None and (not hours.days or hours.begins >= hours.ends):
        detail = "用印时段应至少含一天，且开始早于结束；跨零点的请不限时段"
        return [FieldProblem(pointer="/hours", code="empty", detail=detail)]
    return []


def _people(tx: UnitOfWork, owner: Authority, rules: SealRules) -> list[FieldProblem]:
    """Keepers and approvers are people of the owner with the role; nobody approves what they keep."""
    found = [
        FieldProblem(pointer=f"/{name}/{index}", code="unknown", detail=f"不是“{owner.name}”登记的{role_zh}")
        for name, subjects, role, role_zh in (
            ("keepers", rules.keepers, roles.SEAL_KEEPER, "印章保管人"),
            ("approvers", rules.approvers, roles.SEAL_USE_APPROVER, "用印审批人"),
        )
        for index, subject in enumerate(subjects)
        if not _is(tx, subject, owner.code, role)
    ]
    if rules.manual_needed > len(set(rules.approvers)):
        detail = f"需 {rules.manual_needed} 人同意，而列出的审批人只有 {len(set(rules.approvers))} 人"
        found.append(FieldProblem(pointer="/manual_needed", code="too_many", detail=detail))
    return found


def _is(tx: UnitOfWork, subject: str, owner_code: str, role: str) -> bool:
    person = tx.access.person(subject)
    return person is not None and person.authority_code == owner_code and role in person.roles
