"""Plans of re-sealing come back as they were, are held by one worker, and give each license one outcome."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from reseal_records import make_outcome, make_plan, run_reseals
from sqlalchemy import text
from store_records import T0

from certsvc.license.reseal import PlanState, ResealOutcome
from certsvc.store.engine import Store

LATER = T0 + timedelta(hours=1)


def test_every_operation_does_what_it_says(store: Store) -> None:
    with store.uow() as tx:
        run_reseals(tx, 7)


def test_a_plan_is_held_by_one_worker_and_a_paused_one_by_none(store: Store) -> None:
    plan = make_plan()
    running = dataclasses.replace(plan, state=PlanState.RUNNING)
    paused = dataclasses.replace(plan, state=PlanState.PAUSED)
    with store.uow() as tx:
        tx.reseals.insert(plan)
        assert tx.reseals.claim(token="a", now=LATER, until=LATER) is None, "it is not approved"
        assert tx.reseals.move(running, source=PlanState.PROPOSED, now=T0)
        assert tx.reseals.claim(token="a", now=T0, until=LATER) is not None
        assert tx.reseals.claim(token="b", now=T0, until=LATER) is None
        assert tx.reseals.claim(token="b", now=LATER, until=LATER) is not None, "the lease of the first ran out"
        assert not tx.reseals.keep(running, claim_token="a", ready_at=T0)
        assert tx.reseals.move(paused, source=PlanState.RUNNING, now=T0)
        assert not tx.reseals.move(paused, source=PlanState.RUNNING, now=T0)
        assert not tx.reseals.keep(running, claim_token="b", ready_at=T0)
        assert not tx.reseals.finish(plan.plan_id, claim_token="b", now=T0)
        assert tx.reseals.claim(token="c", now=LATER, until=LATER) is None


def test_outcomes_are_paged_and_words_are_encrypted(store: Store) -> None:
    word = "示例王五之姓名"
    with store.uow() as tx:
        tx.reseals.insert(make_plan(reason=word))
        for n in (1, 2, 3):
            tx.reseals.add(make_outcome(n, outcome=ResealOutcome.FAILED, code="missing_glyph", detail=f"{word}{n}"))
    with store.uow.read() as tx:
        first = tx.reseals.items("pln_000001", ResealOutcome.FAILED, behind="", limit=2)
        rest = tx.reseals.items("pln_000001", ResealOutcome.FAILED, behind=first[-1].version_id, limit=2)
        assert [item.detail for item in (*first, *rest)] == [f"{word}{n}" for n in (1, 2, 3)]
    with store._engines[0].connect() as connection:
        rows = [
            bytes(value)
            for statement in ("SELECT reason FROM reseal_plans", "SELECT detail FROM reseal_items")
            for (value,) in connection.execute(text(statement))
        ]
    assert len(rows) == 4
    assert all(word.encode() not in value for value in rows)
