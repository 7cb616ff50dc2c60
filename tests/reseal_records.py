"""Plans of re-sealing for tests of the store, and every operation of the noun once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from store_records import T0

from certsvc.commands.store_ports import UnitOfWork
from certsvc.license.reseal import PlanState, ResealItem, ResealOutcome, ResealPlan
from certsvc.seal.care import LossKind


def make_plan(n: int = 1, **changes: Any) -> ResealPlan:
    """A plan that is proposed."""
    plan = ResealPlan(
        plan_id=f"pln_{n:06d}",
        kind=LossKind.ALGORITHM,
        value="rsa",
        types=("tour_guide",),
        bodies=(),
        total=3,
        reason="RSA 停用",
        state=PlanState.PROPOSED,
        proposed_by="operator-1",
        proposed_at=T0 + timedelta(minutes=n),
    )
    return dataclasses.replace(plan, **changes)


def make_outcome(n: int = 1, of: int = 1, **changes: Any) -> ResealItem:
    """A license of a plan that was sealed anew."""
    item = ResealItem(
        plan_id=f"pln_{of:06d}",
        version_id=f"ver_{n:06d}",
        identifier=f"1.2.156.{n}",
        outcome=ResealOutcome.RESEALED,
        at=T0,
        artifact_id=f"art_{n:06d}_1",
    )
    return dataclasses.replace(item, **changes)


def run_reseals(tx: UnitOfWork, n: int) -> None:
    """Every operation once."""
    plan = make_plan(n)
    tx.reseals.insert(plan)
    running = dataclasses.replace(plan, state=PlanState.RUNNING, decided_by="security-1", decided_at=T0, opinion="同意")
    assert tx.reseals.move(running, source=PlanState.PROPOSED, now=T0)
    assert tx.reseals.claim(token="t", now=T0, until=T0) == running
    further = dataclasses.replace(running, profiles=("p",), begun=True, behind="art_1", waits_for="等待")
    assert tx.reseals.keep(further, claim_token="t", ready_at=T0)
    assert tx.reseals.by_id(plan.plan_id) == further
    item = make_outcome(of=n)
    assert tx.reseals.add(item)
    assert not tx.reseals.add(item)
    assert tx.reseals.known(plan.plan_id, [item.version_id, "ver_x"]) == {item.version_id}
    assert tx.reseals.counts(plan.plan_id)[ResealOutcome.RESEALED] == 1
    assert list(tx.reseals.items(plan.plan_id, ResealOutcome.RESEALED, behind="", limit=9)) == [item]
    assert tx.reseals.finish(plan.plan_id, claim_token="t", now=T0)
    assert tx.reseals.newest(before="pln_z", limit=1)[0].state is PlanState.DONE
    tx.reseals.newest(before="", limit=1)
