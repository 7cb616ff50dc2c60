"""How a license stands at a moment: its state, its dates and its facts together, in the words of a verdict.

Days are days in Asia/Shanghai; a due day is kept until its end. Only a decision or the end of the period takes the
green away for good; everything else is amber and says why.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.license.facts import (
    FactKind,
    TwinState,
    dormant_until,
    ended_parents,
    last_check,
    last_passed,
    open_obligations,
    renewal_pending,
    twin_state,
)
from certsvc.license.states import STATE_ZH, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from certsvc.license.facts import Fact
    from certsvc.license.model import LicenseVersion

EXPIRED_ZH = "已过有效期"
NOT_YET_ZH = "未到生效日期"
RENEWAL_ZH = "延续办理中"
CODE_ZH: dict[str, str] = {
    **{state.value: zh for state, zh in STATE_ZH.items()},
    "expired": EXPIRED_ZH,
    "not_yet_valid": NOT_YET_ZH,
    "renewal_pending": RENEWAL_ZH,
}
"""Codes of standings in words."""
PROVISIONAL_ZH = "模拟审批意见，不具有行政审批文件的法律效力，未转换为正式文件前不得开工建设"
"""What any check of a provisional paper answers (DOMAIN.md 1.6)."""

MONTHS = 12


class Light(StrEnum):
    """What an officer sees."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


BEST_FIRST: dict[str, int] = {light: at for at, light in enumerate(Light)}
"""The order of lights, to sort by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag:
    """Something to know about a license.

    Attributes:
        code: stable (``check_overdue``).
        zh: for people.
        light: ``amber`` when it takes the green away, ``green`` when it is for information.
    """

    code: str
    zh: str
    light: Light


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRule:
    """A periodic check of the type: name, months between, and the word for missing it (``逾期未复审``)."""

    name: str
    months: int
    overdue_zh: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the type says about time.

    Attributes:
        renewal_closes_days: how many days before the last day a renewal must be applied for.
    """

    renewal_closes_days: int = 30
    checks: tuple[CheckRule, ...] = ()


NO_RULES = Rules()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Whether the license is good now, and the name of what it is.

    Attributes:
        good: in force today.
        light: ``red`` when it is not good, ``amber`` when a flag says so, else ``green``.
        code: a state, ``expired``, ``not_yet_valid`` or ``renewal_pending``; the reason code of a verdict is
            ``license_`` and this, unless it is ``valid``.
        zh: the same in Chinese.
        flags: most important first.
    """

    good: bool
    light: Light
    code: str
    zh: str
    flags: tuple[Flag, ...] = field(default=())


def standing(version: LicenseVersion, facts: Sequence[Fact], rules: Rules, now: datetime) -> Standing:
    """The standing at ``now``; an ending outranks a date, because it is a decision.

    Args:
        version: the version asked about.
        facts: of its license, oldest first.
        rules: of its type.
        now: aware.
    """
    today = local_day(now)
    flags = tuple(_flags(version, facts, rules, today))
    if version.state is not State.VALID:
        return Standing(good=False, light=Light.RED, code=version.state.value, zh=STATE_ZH[version.state], flags=flags)
    if version.expired(now):
        if not renewal_pending(facts, version.valid_until, closes_days=rules.renewal_closes_days):
            return Standing(good=False, light=Light.RED, code="expired", zh=EXPIRED_ZH, flags=flags)
        return Standing(good=True, light=Light.AMBER, code="renewal_pending", zh=RENEWAL_ZH, flags=flags)
    if today < version.valid_from:
        return Standing(good=False, light=Light.RED, code="not_yet_valid", zh=NOT_YET_ZH, flags=flags)
    light = Light.AMBER if any(flag.light is Light.AMBER for flag in flags) else Light.GREEN
    return Standing(good=True, light=light, code=State.VALID.value, zh=STATE_ZH[State.VALID], flags=flags)


def check_due(version: LicenseVersion, facts: Sequence[Fact], rule: CheckRule) -> date:
    """The last day for the next check: what the last passed one says, else so many months after it or after issue."""
    passed = last_passed(facts, rule.name)
    if passed is None:
        return add_months(version.first_issued_on, rule.months)
    return passed.due or add_months(passed.on, rule.months)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the last day of a shorter month; 9999-12-31 when there is no such year."""
    index = day.year * MONTHS + day.month - 1 + months
    year, month = divmod(index, MONTHS)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _flags(version: LicenseVersion, facts: Sequence[Fact], rules: Rules, today: date) -> Iterator[Flag]:
    if version.provisional:
        yield Flag(code="provisional", zh=PROVISIONAL_ZH, light=Light.AMBER)
    if version.state is State.SUSPENDED and version.suspended_until is not None and version.suspended_until < today:
        yield Flag(code="suspension_over", zh="暂扣期限已满，待原决定机关办理恢复", light=Light.AMBER)
    if version.state in {State.VALID, State.SUSPENDED}:
        yield from _renewal(version, facts, rules, today)
        for parent in ended_parents(facts):
            yield Flag(code="parent_ended", zh=f"所依附的证照{parent.text or '已终止'}", light=Light.AMBER)
        yield from _obligations(facts, today)
        yield from _checks(version, facts, rules, today)
        until = dormant_until(facts)
        if until is not None and today <= until:
            yield Flag(code="dormant", zh="存续（歇业）", light=Light.AMBER)
    if version.stock is not None:
        yield Flag(code="stock", zh=version.stock.sentence(version.issued_on.year), light=Light.GREEN)
    if twin_state(facts, version) is TwinState.REPLACED:
        yield Flag(code="twin_replaced", zh="纸质证照不是现行版本，应予收回", light=Light.GREEN)


def _renewal(version: LicenseVersion, facts: Sequence[Fact], rules: Rules, today: date) -> Iterator[Flag]:
    last = version.valid_until
    if last is None or not renewal_pending(facts, last, closes_days=rules.renewal_closes_days):
        return
    over = today > last
    yield Flag(code="renewal_pending", zh=RENEWAL_ZH, light=Light.AMBER if over else Light.GREEN)


def _obligations(facts: Sequence[Fact], today: date) -> Iterator[Flag]:
    for obligation in open_obligations(facts):
        promise = obligation.kind is FactKind.PROMISE_SET
        name = "告知承诺事项" if promise else "容缺后补材料"
        if obligation.broken:
            yield Flag(code="obligation_broken", zh=f"未履行{name}，责令整改中", light=Light.AMBER)
        elif today > obligation.due:
            yield Flag(code="obligation_overdue", zh=f"{name}逾期未{'履行' if promise else '补齐'}", light=Light.AMBER)
        else:
            day = f"{obligation.due.year}年{obligation.due.month}月{obligation.due.day}日"
            yield Flag(code="obligation_open", zh=f"{name}应于{day}前完成", light=Light.GREEN)


def _checks(version: LicenseVersion, facts: Sequence[Fact], rules: Rules, today: date) -> Iterator[Flag]:
    for rule in rules.checks:
        last = last_check(facts, rule.name)
        if last is not None and last.kind is FactKind.CHECK_FAILED:
            yield Flag(code="check_failed", zh=f"{rule.name}不合格", light=Light.AMBER)
        if today > check_due(version, facts, rule):
            yield Flag(code="check_overdue", zh=rule.overdue_zh, light=Light.AMBER)


def standing_zh(code: str) -> str:
    """The word for the code of a standing; one that is used no more stands as it is."""
    return CODE_ZH.get(code, code)
