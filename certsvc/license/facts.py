"""Facts about a license that change no state: renewal, periodic checks, obligations, 歇业, paper twins, dependence.

Laws (DOMAIN.md 1.1, 1.3, 1.4, 1.8):

* Facts are appended, never changed; a later one outweighs an earlier one about the same thing.
* No fact and no deadline ends a license. They warn, they turn the light amber, and an authority decides.
* A fact belongs to the license; what it says about a period or a paper names the version that it was made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.license.states import Who

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from certsvc.license.model import LicenseVersion


class FactKind(StrEnum):
    """What was noted."""

    RENEWAL_APPLIED = "renewal_applied"
    RENEWAL_REFUSED = "renewal_refused"
    RENEWAL_CLOSED = "renewal_closed"
    CHECK_PASSED = "check_passed"
    CHECK_FAILED = "check_failed"
    PROMISE_SET = "promise_set"
    SUPPLEMENT_SET = "supplement_set"
    OBLIGATION_MET = "obligation_met"
    OBLIGATION_BROKEN = "obligation_broken"
    DORMANT_BEGUN = "dormant_begun"
    DORMANT_ENDED = "dormant_ended"
    TWIN_PRINTED = "twin_printed"
    TWIN_COLLECTED = "twin_collected"
    TWIN_RECALLED = "twin_recalled"
    DEPENDS_ON = "depends_on"
    PARENT_ENDED = "parent_ended"
    PARENT_BACK = "parent_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class FactRule:
    """Who may note a fact, and what it must carry.

    Attributes:
        needs_code: whether ``code`` names the thing (which check, which obligation, 印制流水号).
        code_zh: what the code is.
        needs_document: whether the law wants a 文书号.
        needs_due: whether a date must be given by which something is due.
        allows_due: whether one may be given.
        after_end: whether it may still be noted when the version has ended.
        of_period: whether it is about the present period; its ``due`` is then the last day of that.
    """

    kind: FactKind
    name_zh: str
    who: Who
    needs_code: bool = False
    code_zh: str = ""
    needs_document: bool = False
    needs_due: bool = False
    allows_due: bool = False
    after_end: bool = False
    of_period: bool = False
    why: str


_RULES = (
    FactRule(
        kind=FactKind.RENEWAL_APPLIED,
        of_period=True,
        name_zh="受理延续申请",
        who=Who.ISSUER,
        needs_document=True,
        why="在规定期限内申请而届满未决的，视为继续有效（行政许可法第五十条）。",
    ),
    FactRule(
        kind=FactKind.RENEWAL_REFUSED,
        of_period=True,
        name_zh="不予延续",
        who=Who.ISSUER,
        needs_document=True,
        why="不予延续的决定使届满的证照不再继续有效。",
    ),
    FactRule(kind=FactKind.RENEWAL_CLOSED, name_zh="延续申请终止", who=Who.ISSUER, why="申请人撤回申请，或办理终止。"),
    FactRule(
        kind=FactKind.CHECK_PASSED,
        name_zh="定期检查合格",
        who=Who.PENALISING_BODY,
        needs_code=True,
        code_zh="检查名称（年审、校验、复审、定期注册）",
        allows_due=True,
        why="重新起算下一次检查的期限，可写明下次应检日期。",
    ),
    FactRule(
        kind=FactKind.CHECK_FAILED,
        name_zh="定期检查不合格",
        who=Who.PENALISING_BODY,
        needs_code=True,
        code_zh="检查名称（年审、校验、复审、定期注册）",
        needs_document=True,
        why="不合格只作提示，证照状态由主管机关另作决定。",
    ),
    FactRule(
        kind=FactKind.PROMISE_SET,
        name_zh="告知承诺事项",
        who=Who.ISSUER,
        needs_code=True,
        code_zh="承诺事项编号",
        needs_due=True,
        allows_due=True,
        why="证照有效并附有承诺；到期未履行只作提示，责令整改或撤销由机关决定。",
    ),
    FactRule(
        kind=FactKind.SUPPLEMENT_SET,
        name_zh="容缺后补事项",
        who=Who.ISSUER,
        needs_code=True,
        code_zh="材料编号",
        needs_due=True,
        allows_due=True,
        why="写明补齐期限；到期未补只作提示。",
    ),
    FactRule(
        kind=FactKind.OBLIGATION_MET,
        name_zh="已履行",
        who=Who.ISSUER_OR_SUPERIOR,
        needs_code=True,
        code_zh="承诺事项或材料编号",
        after_end=True,
        why="承诺已履行或材料已补齐，提示解除。",
    ),
    FactRule(
        kind=FactKind.OBLIGATION_BROKEN,
        name_zh="责令整改",
        who=Who.PENALISING_BODY,
        needs_code=True,
        code_zh="承诺事项或材料编号",
        needs_document=True,
        why="未履行承诺，责令限期整改。",
    ),
    FactRule(
        kind=FactKind.DORMANT_BEGUN,
        name_zh="歇业备案",
        who=Who.ISSUER,
        needs_document=True,
        needs_due=True,
        allows_due=True,
        why="存续（歇业）仍然有效；歇业期满视为恢复营业。",
    ),
    FactRule(kind=FactKind.DORMANT_ENDED, name_zh="恢复营业", who=Who.ISSUER, why="终止歇业。"),
    FactRule(
        kind=FactKind.TWIN_PRINTED,
        name_zh="印制纸质证照",
        who=Who.ISSUER,
        needs_code=True,
        code_zh="印制流水号",
        why="纸质件与电子证照出自同一记录，正本、副本、附页分别登记。",
    ),
    FactRule(
        kind=FactKind.TWIN_COLLECTED,
        name_zh="领取纸质证照",
        who=Who.ISSUER,
        needs_code=True,
        code_zh="印制流水号",
        why="持证主体领取。",
    ),
    FactRule(
        kind=FactKind.TWIN_RECALLED,
        name_zh="收回纸质证照",
        who=Who.ISSUER,
        needs_code=True,
        code_zh="印制流水号",
        after_end=True,
        why="换发或证照终止后收回。",
    ),
    FactRule(
        kind=FactKind.DEPENDS_ON,
        name_zh="依附证照",
        who=Who.ISSUER,
        needs_code=True,
        code_zh="所依附证照的证照标识",
        why="所依附的证照终止时提示，本证照不因此自动终止。",
    ),
    FactRule(
        kind=FactKind.PARENT_ENDED, name_zh="所依附证照已终止", who=Who.SERVICE, why="系统在所依附证照终止时登记。"
    ),
    FactRule(
        kind=FactKind.PARENT_BACK, name_zh="所依附证照已恢复", who=Who.SERVICE, why="系统在所依附证照恢复效力时登记。"
    ),
)

FACT_RULES: dict[FactKind, FactRule] = {rule.kind: rule for rule in _RULES}

RENEWAL_CLOSINGS = frozenset({FactKind.RENEWAL_REFUSED, FactKind.RENEWAL_CLOSED})
OBLIGATIONS = frozenset({FactKind.PROMISE_SET, FactKind.SUPPLEMENT_SET})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One thing noted about a license.

    Attributes:
        license_id: the license; ``version_id`` the version that stood when it was noted.
        code: which check, obligation or paper; empty where there is only one.
        on: the day it happened, as the authority says.
        due: a date that it sets, or for a renewal the last day that it is about.
        reference: license id of another license (dependence), or empty.
        text: in the authority's words; may name people.
        authority_code: who noted it, or empty for the service.
    """

    fact_id: str
    license_id: str
    version_id: str
    kind: FactKind
    code: str
    on: date
    due: date | None
    reference: str
    text: str
    authority_code: str
    document_no: str
    actor: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Obligation:
    """An obligation of 告知承诺 or 容缺 as it stands."""

    code: str
    kind: FactKind
    due: date
    broken: bool


def renewal_pending(facts: Iterable[Fact], last_day: date | None, *, closes_days: int) -> bool:
    """Whether a renewal of the period that ends on ``last_day`` was applied for in time and is undecided.

    In time: at least ``closes_days`` before the last day (行政许可法 50, or what the type says).
    """
    applied = renewal_open(facts, last_day) if last_day is not None else None
    return applied is not None and last_day is not None and (last_day - applied.on).days >= closes_days


def renewal_open(facts: Iterable[Fact], last_day: date) -> Fact | None:
    """The application for renewal of the period that ends on ``last_day``, if it is undecided, in time or not."""
    applied: Fact | None = None
    for fact in facts:
        if fact.due != last_day:
            continue
        if fact.kind is FactKind.RENEWAL_APPLIED:
            applied = applied or fact
        elif fact.kind in RENEWAL_CLOSINGS:
            applied = None
    return applied


def open_obligations(facts: Iterable[Fact]) -> tuple[Obligation, ...]:
    """The obligations that were not met, by code; a later deadline replaces an earlier one."""
    found: dict[str, Obligation] = {}
    for fact in facts:
        if fact.kind in OBLIGATIONS and fact.due is not None:
            found[fact.code] = Obligation(code=fact.code, kind=fact.kind, due=fact.due, broken=False)
        elif fact.kind is FactKind.OBLIGATION_MET:
            found.pop(fact.code, None)
        elif fact.kind is FactKind.OBLIGATION_BROKEN and fact.code in found:
            known = found[fact.code]
            found[fact.code] = Obligation(code=known.code, kind=known.kind, due=known.due, broken=True)
    return tuple(found[code] for code in sorted(found))


def last_check(facts: Iterable[Fact], name: str) -> Fact | None:
    """The latest check of this name by its day, passed or failed."""
    checks = [f for f in facts if f.kind in {FactKind.CHECK_PASSED, FactKind.CHECK_FAILED} and f.code == name]
    # max() takes the first of equals: of one day, the last noted counts.
    return max(reversed(checks), key=lambda fact: fact.on, default=None)


def last_passed(facts: Iterable[Fact], name: str) -> Fact | None:
    """The latest check of this name that was passed."""
    return last_check((fact for fact in facts if fact.kind is FactKind.CHECK_PASSED), name)


def dormant_until(facts: Iterable[Fact]) -> date | None:
    """The last day of the 歇业 that was filed and not ended by a filing, or None."""
    until: date | None = None
    for fact in facts:
        if fact.kind is FactKind.DORMANT_BEGUN:
            until = fact.due
        elif fact.kind is FactKind.DORMANT_ENDED:
            until = None
    return until


def ended_parents(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts that say that a license on which this one depends has ended, and was not reinstated."""
    ended: dict[str, Fact] = {}
    for fact in facts:
        if fact.kind is FactKind.PARENT_ENDED:
            ended[fact.reference] = fact
        elif fact.kind is FactKind.PARENT_BACK:
            ended.pop(fact.reference, None)
    return tuple(ended.values())


class TwinState(StrEnum):
    """How the paper stands to the electronic license."""

    NONE = "none"
    IN_STEP = "in_step"
    REPLACED = "replaced"
    """paper of an earlier or ended version is still out"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """One printed paper: 正本, 副本 n or 附页."""

    serial: str
    part: str
    version_id: str
    collected_on: date | None
    recalled_on: date | None


def twins(facts: Sequence[Fact]) -> tuple[Twin, ...]:
    """Every paper of a license, in the order of printing."""
    found: dict[str, Twin] = {}
    for fact in facts:
        if fact.kind is FactKind.TWIN_PRINTED:
            found[fact.code] = Twin(
                serial=fact.code, part=fact.text, version_id=fact.version_id, collected_on=None, recalled_on=None
            )
        elif fact.kind in {FactKind.TWIN_COLLECTED, FactKind.TWIN_RECALLED} and fact.code in found:
            known = found[fact.code]
            collected = fact.on if fact.kind is FactKind.TWIN_COLLECTED else known.collected_on
            recalled = fact.on if fact.kind is FactKind.TWIN_RECALLED else known.recalled_on
            found[fact.code] = Twin(
                serial=known.serial,
                part=known.part,
                version_id=known.version_id,
                collected_on=collected,
                recalled_on=recalled,
            )
    return tuple(found.values())


def twin_state(facts: Sequence[Fact], version: LicenseVersion) -> TwinState:
    """Derived from what is still out: never stored."""
    out = [twin for twin in twins(facts) if twin.recalled_on is None]
    if any(twin.version_id != version.version_id for twin in out):
        return TwinState.REPLACED
    return TwinState.IN_STEP if out else TwinState.NONE
