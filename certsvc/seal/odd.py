"""Odd use of a seal (异常用印): what stops a seal by itself. Numbers in one place, and no I/O.

An approval system can make its own authority's seal stop, by asking ten times for what the seal may not do: that is
what is wanted, since nobody can tell a broken system from a stolen one. Tries are counted by what they were for, so
that one request that is tried again and again is one try. Only a keeper, with a written reason, resumes.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.seal.use import Against

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WINDOW = timedelta(hours=1)
"""How far back refused tries count."""

SCOPE_TRIES = 10
"""Different uses outside types, matters or regions within the window: somebody feels for what the key will sign."""

HOURS_TRIES = 3
"""Different manual uses outside the hours: automatic ones come at night by nobody's fault and only wait."""

APPROVAL_TRIES = 5
"""Different manual uses without an approval that fits."""

BURST_FACTOR = 5
"""Times the busiest hour of the last days."""

BURST_FLOOR = 200
"""Fewer uses in an hour are never a burst."""

BURST_DAYS = 14
BUSY_HOURS_LEAST = 20
"""With less experience nothing is called unusual: a new seal's first days, or a backfill."""

BURST_STEP = 50
"""Every so many uses of an hour the burst is looked at; bounds what the look costs."""


class OddRule(StrEnum):
    """Which rule found a use odd."""

    SCOPE = "scope"
    HOURS = "hours"
    APPROVAL = "approval"
    BURST = "burst"


ODD_ZH: dict[OddRule, str] = {
    OddRule.SCOPE: f"一小时内 {SCOPE_TRIES} 次不同的超范围用印请求",
    OddRule.HOURS: f"一小时内 {HOURS_TRIES} 次不同的时段外人工用印请求",
    OddRule.APPROVAL: f"一小时内 {APPROVAL_TRIES} 次不同的未经批准的人工用印请求",
    OddRule.BURST: f"本小时用印次数超过近 {BURST_DAYS} 日最忙一小时的 {BURST_FACTOR} 倍",
}

RULE_OF: dict[Against, OddRule] = {
    Against.TYPE: OddRule.SCOPE,
    Against.MATTER: OddRule.SCOPE,
    Against.REGION: OddRule.SCOPE,
    Against.HOURS: OddRule.HOURS,
    Against.APPROVAL: OddRule.APPROVAL,
    Against.KEEPER: OddRule.APPROVAL,
}
"""Which refusals are tries that count; the others (state, budget, rate) are no sign of anything."""

LIMITS: dict[OddRule, int] = {
    OddRule.SCOPE: SCOPE_TRIES,
    OddRule.HOURS: HOURS_TRIES,
    OddRule.APPROVAL: APPROVAL_TRIES,
}


def rule_for(against: Against, *, manual: bool) -> OddRule | None:
    """The rule under which a refused use counts as a try, or None."""
    rule = RULE_OF.get(against)
    return None if rule is OddRule.HOURS and not manual else rule


def odd_tries(tries: Mapping[OddRule, int]) -> OddRule | None:
    """The first rule whose limit these counts of different tries within the window reach."""
    return next((rule for rule, limit in LIMITS.items() if tries.get(rule, 0) >= limit), None)


def look_now(this_hour: int) -> bool:
    """Whether the burst is to be looked at after this many uses of the hour."""
    return this_hour >= BURST_FLOOR and this_hour % BURST_STEP == 0


def odd_burst(this_hour: int, busy_hours: Sequence[int]) -> bool:
    """Whether so many uses in this hour are a burst beside the hours in which the seal was used before."""
    if this_hour < BURST_FLOOR or len(busy_hours) < BUSY_HOURS_LEAST:
        return False
    return this_hour > BURST_FACTOR * max(busy_hours)
