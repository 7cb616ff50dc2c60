"""``pipeline.stages``: what each stage of the pipeline costs per license, in CPU time of the process."""

from __future__ import annotations

import gc
import itertools
import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from certsvc.cli.bench_cases import bench_service
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.memory import settle_memory
from certsvc.cli.samples import sample_body
from certsvc.commands.combine import MOST
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance, accept_issuances, prepare_acceptance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.commands.issuance.process_request import BATCH, process_batch
from certsvc.commands.log.append import Seen, advance_log
from certsvc.commands.supervision.rounds import supervise
from certsvc.delivery.loops import drain
from certsvc.delivery.relay import CONSUMERS, Relay, deliver
from certsvc.delivery.sequencer import sequence_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from certsvc.commands.issuance.accept_issuance import Prepared
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.commands.ports import Deps, Principal

STAGES = "pipeline.stages.cpu_ms"
GOAL = 6.7
"""Milliseconds per license of all stages: what two cores have for each of 300 licenses a second."""
ROUNDS = 5
TOGETHER = (1, 8, MOST)
"""Requests that are stored in one transaction: what came alone, what eight callers bring, what a desk takes at most."""
PER_ROUND = BATCH * 2
WORKER = "bench"

PREPARE = "check, photo"
PRESS = "press"
RELAY = "relay, with the consumers"


class _Clock:
    """Milliseconds of CPU per license, by stage and round."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def time(self, stage: str, work: Callable[[], object]) -> None:
        begun = time.process_time()
        work()
        self.spent.setdefault(stage, []).append(1000 * (time.process_time() - begun) / PER_ROUND)

    def medians(self) -> dict[str, float]:
        return {stage: round(median(some), 3) for stage, some in self.spent.items()}


def pipeline_stages(place: Path) -> dict[str, object]:
    """Stage after stage over the same licenses, several times; the median, and the sum of what a license passes."""
    service, caller = bench_service(place / "stages")
    deps, clock = service.deps, _Clock()
    numbers = itertools.count()
    try:
        accept_issuance(deps, caller, _body(deps, next(numbers)), Origin())
        drain(deps, worker=WORKER)
        seen = Seen()
        _log(deps, seen)
        _watch(deps)
        settle_memory()
        for _ in range(ROUNDS):
            for together in TOGETHER:
                bodies = [_body(deps, next(numbers)) for _ in range(PER_ROUND)]
                _accept(deps, caller, clock, bodies, together)
                if together == MOST:
                    _issue(deps, clock, seen)
                else:
                    _consume(deps, clock, apart=together == 1)
                    _log(deps, seen)
                    _watch(deps)
    finally:
        gc.unfreeze()
        service.close()
    parts = clock.medians()
    passed = [stage for stage in parts if not stage.startswith(("store", "consumer"))]
    whole = sum(parts[stage] for stage in (*passed, _stored(TOGETHER[1])))
    return {
        "name": STAGES,
        "value": round(whole, 2),
        "unit": "ms CPU per license",
        "goal": GOAL,
        "reached": whole <= GOAL,
        "parts": parts,
    }


def _body(deps: Deps, number: int) -> IssuanceBody:
    return parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"STAGE-{number}"))


def _stored(together: int) -> str:
    return f"store, {together} together"


def _accept(deps: Deps, caller: Principal, clock: _Clock, bodies: list[IssuanceBody], together: int) -> None:
    asked: list[Prepared] = []
    clock.time(PREPARE, lambda: asked.extend(prepare_acceptance(deps, caller, body, Origin()) for body in bodies))

    def store() -> None:
        for at in range(0, PER_ROUND, together):
            accept_issuances(deps, asked[at : at + together])

    clock.time(_stored(together), store)


def _issue(deps: Deps, clock: _Clock, seen: Seen) -> None:
    clock.time(PRESS, lambda: _until_idle(lambda: process_batch(deps, worker=WORKER, lease_s=60)))
    clock.time("sequencer", lambda: _until_idle(lambda: sequence_once(deps, owner=WORKER)))
    relay = Relay(deps, owner=WORKER)
    clock.time(RELAY, lambda: _until_idle(relay.once))
    clock.time("evidence log", lambda: _log(deps, seen))
    clock.time("supervision", lambda: _watch(deps))


def _consume(deps: Deps, clock: _Clock, *, apart: bool) -> None:
    """Issue and hand on, unmeasured but for the consumers ``apart``: their effects, without leases and reading."""
    _until_idle(lambda: process_batch(deps, worker=WORKER, lease_s=60))
    _until_idle(lambda: sequence_once(deps, owner=WORKER))
    for name, handle in CONSUMERS if apart else ():
        with deps.uow.read() as tx:
            events = tx.outbox.after(tx.outbox.cursor(name), limit=2 * PER_ROUND)
        clock.time(f"consumer {name}", partial(deliver, deps, name, handle, events))
    drain(deps, worker=WORKER)


def _until_idle(once: Callable[[], object]) -> None:
    while once():
        pass


def _log(deps: Deps, seen: Seen) -> None:
    _until_idle(lambda: advance_log(deps, owner=WORKER, seen=seen))


def _watch(deps: Deps) -> None:
    supervise(deps, owner=WORKER, troubled=lambda _: None)
