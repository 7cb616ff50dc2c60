"""What falls due for a license: reminders, derived from dates and facts; each is announced once and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.license.facts import open_obligations, renewal_pending
from certsvc.license.standing import check_due
from certsvc.license.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from certsvc.license.facts import Fact
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Rules

WARN_DAYS = 30
"""How long before its day a check or an obligation is announced, and how long before applications for renewal close."""


class DueKind(StrEnum):
    """What a reminder is about."""

    EXPIRY_NEAR = "expiry_near"
    EXPIRED = "expired"
    """待注销, unless a renewal is pending"""
    CHECK_DUE = "check_due"
    CHECK_OVERDUE = "check_overdue"
    OBLIGATION_DUE = "obligation_due"
    OBLIGATION_OVERDUE = "obligation_overdue"
    SUSPENSION_OVER = "suspension_over"


DUE_ZH: dict[DueKind, str] = {
    DueKind.EXPIRY_NEAR: "即将届满，请在规定期限内申请延续",
    DueKind.EXPIRED: "已过有效期，未延续的将办理注销",
    DueKind.CHECK_DUE: "定期检查即将到期",
    DueKind.CHECK_OVERDUE: "定期检查已逾期",
    DueKind.OBLIGATION_DUE: "承诺事项或后补材料即将到期",
    DueKind.OBLIGATION_OVERDUE: "承诺事项或后补材料已逾期",
    DueKind.SUSPENSION_OVER: "暂扣期限已满，等待原决定机关办理恢复",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One reminder; ``ref`` names the check or obligation, ``due_on`` the last day kept."""

    kind: DueKind
    ref: str
    due_on: date


@dataclass(frozen=True, kw_only=True, slots=True)
class DueRow:
    """A reminder that was announced."""

    version_id: str
    issuer_code: str
    due: Due
    at: datetime


def dues_of(version: LicenseVersion, facts: Sequence[Fact], rules: Rules, now: datetime) -> tuple[Due, ...]:
    """Everything that is due for a version on the day of ``now`` in Asia/Shanghai."""
    if version.state not in {State.VALID, State.SUSPENDED}:
        return ()
    return tuple(_dues(version, facts, rules, local_day(now)))


def _dues(version: LicenseVersion, facts: Sequence[Fact], rules: Rules, today: date) -> Iterator[Due]:
    last, closes = version.valid_until, rules.renewal_closes_days
    if last is not None and not renewal_pending(facts, last, closes_days=closes):
        if today > last:
            yield Due(kind=DueKind.EXPIRED, ref="", due_on=last)
        elif today >= _before(last, closes + WARN_DAYS):
            yield Due(kind=DueKind.EXPIRY_NEAR, ref="", due_on=last)
    if version.state is State.SUSPENDED and version.suspended_until is not None and today > version.suspended_until:
        yield Due(kind=DueKind.SUSPENSION_OVER, ref="", due_on=version.suspended_until)
    for rule in rules.checks:
        day = check_due(version, facts, rule)
        if today > day:
            yield Due(kind=DueKind.CHECK_OVERDUE, ref=rule.name, due_on=day)
        elif today >= _before(day, WARN_DAYS):
            yield Due(kind=DueKind.CHECK_DUE, ref=rule.name, due_on=day)
    for obligation in open_obligations(facts):
        if today > obligation.due:
            yield Due(kind=DueKind.OBLIGATION_OVERDUE, ref=obligation.code, due_on=obligation.due)
        elif today >= _before(obligation.due, WARN_DAYS):
            yield Due(kind=DueKind.OBLIGATION_DUE, ref=obligation.code, due_on=obligation.due)


def _before(day: date, days: int) -> date:
    """So many days earlier; the first day there is when that lies before it."""
    return date.min if (day - date.min).days < days else day - timedelta(days=days)
