"""Carry a plan of 成批换章 out: block after block, each license once, live requests first.

A process that dies leaves licenses without an outcome; the next one looks at the same page again. What only time mends
(a seal that is stopped or over its share of the day, a store or an authority that is away) holds the plan where it is,
with the reason on it; a license's own fault is its outcome, and holds up no other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.care.inventory import known_groups
from certsvc.commands.care.renew import live_waits
from certsvc.commands.resealing.plan import loss_of, meant, tell_plan
from certsvc.commands.resealing.reseal import Waits, open_licenses, reseal_some
from certsvc.errors import Unavailable
from certsvc.license.reseal import PlanState, ResealOutcome

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.license.model import Artifact
    from certsvc.license.reseal import ResealPlan

log = structlog.get_logger("certsvc.care")

AT_ONCE = 8
"""Licenses of one step: what a pause waits for, and how long live requests find the seals in use."""
LOOKED_AT = 500
"""Licenses of one look at the end, which only asks whether they have an outcome: within the lease also for many."""
PAUSE = timedelta(seconds=1)
PAUSE_WAITING = timedelta(seconds=30)
"""Until a plan that waits for a seal, a store or an authority is looked at again."""
ACTOR = "certsvc"


def advance_plan(deps: Deps, *, lease_s: int) -> bool:
    """Take one running plan a step further; False when none is due, or nothing can be done right now."""
    now = deps.clock.now()
    token = deps.ids.new("clm")
    with deps.uow() as tx:
        plan = tx.reseals.claim(token=token, now=now, until=now + timedelta(seconds=lease_s))
    if plan is None:
        return False
    deps = deps.pinned()
    deps.faults.reach("care.claimed")
    if live_waits(deps):
        return _give_back(deps, plan, token, pause=PAUSE)
    if not plan.begun:
        return _begin(deps, plan, token)
    if not plan.profiles:
        return _end(deps, plan, token)
    page = _page(deps, plan)
    if not page:
        return _give_back(deps, replace(plan, profiles=plan.profiles[1:], behind="", waits_for=""), token)
    try:
        reseal_some(deps, plan, page)
    except Waits as waits:
        log.info("plan waits", action="care.plan_waits", plan_id=plan.plan_id, reason=waits.reason)
        return _give_back(deps, replace(plan, waits_for=waits.reason), token, pause=PAUSE_WAITING)
    return _give_back(deps, replace(plan, behind=page[-1].artifact_id, waits_for=""), token)


def _page(deps: Deps, plan: ResealPlan) -> list[Artifact]:
    with deps.uow.read() as tx:
        return list(tx.care.newest_forms(plan.profiles[0], after=plan.behind, limit=AT_ONCE))


def _begin(deps: Deps, plan: ResealPlan, token: str) -> bool:
    """Note which profiles are to be looked through: one reading of the register for the whole plan."""
    try:
        profiles = _profiles(deps, plan)
    except Unavailable as error:
        return _give_back(deps, replace(plan, waits_for=error.detail), token, pause=PAUSE_WAITING)
    return _give_back(deps, replace(plan, profiles=profiles, begun=True, waits_for=""), token)


def _profiles(deps: Deps, plan: ResealPlan) -> tuple[str, ...]:
    loss = loss_of(deps, plan.kind, plan.value)
    with deps.uow.read() as tx:
        groups = meant(known_groups(tx, loss.on), loss, plan.types, plan.bodies)
    return tuple(sorted({one.group.profile for one in groups}))


def _later(deps: Deps, plan: ResealPlan) -> tuple[str, ...]:
    """Profiles under which a license without an outcome still stands: it got another form while the plan ran."""
    found: list[str] = []
    for profile in _profiles(deps, plan):
        behind = ""
        while True:
            with deps.uow.read() as tx:
                page = list(tx.care.newest_forms(profile, after=behind, limit=LOOKED_AT))
                named = [one.version_id for one in page]
                done = tx.reseals.known(plan.plan_id, named)
                without = [version_id for version_id in named if version_id not in done]
                left = open_licenses(plan, tx.licenses.by_version_ids(without), ())
            if left:
                found.append(profile)
            if left or not page:
                break
            behind = page[-1].artifact_id
    return tuple(found)


def _give_back(deps: Deps, plan: ResealPlan, token: str, *, pause: timedelta = timedelta(0)) -> bool:
    with deps.uow() as tx:
        kept = tx.reseals.keep(plan, claim_token=token, ready_at=deps.clock.now() + pause)
    return kept and not pause


def _end(deps: Deps, plan: ResealPlan, token: str) -> bool:
    try:
        later = _later(deps, plan)
    except Unavailable as error:
        return _give_back(deps, replace(plan, waits_for=error.detail), token, pause=PAUSE_WAITING)
    if later:
        return _give_back(deps, replace(plan, profiles=later, behind=""), token)
    now = deps.clock.now()
    with deps.uow() as tx:
        if not tx.reseals.finish(plan.plan_id, claim_token=token, now=now):
            return False
        counts = tx.reseals.counts(plan.plan_id)
        tell_plan(deps, tx, replace(plan, state=PlanState.DONE), ACTOR, now, counts)
    done = {outcome.value: counts[outcome] for outcome in ResealOutcome}
    log.info("finished", action="care.plan_done", plan_id=plan.plan_id, **done)
    return True
