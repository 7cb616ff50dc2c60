"""``pipeline.embedded``: accept to event, SQLite and directory, wall clock."""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from certsvc.cli.bench_cases import bench_service
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.memory import settle_memory
from certsvc.cli.samples import sample_body
from certsvc.commands.combine import Combiner
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance, accept_issuances, prepare_acceptance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.delivery.loops import drain
from certsvc.delivery.relay import CONSUMERS

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.commands.issuance.accept_issuance import Accepted, Prepared
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.commands.ports import Deps, Principal

    Desk = Combiner[Prepared, Accepted]

PIPELINE = "pipeline.embedded.licenses_per_s"
GOAL = 300
LICENSES = 150
CALLERS = 8
"""Threads that accept, as a server has them: what they ask for together is stored together."""
WORKER = "bench"
"""One owner of the leases of sequencer and relay: another one would wait for their end, outside of what is measured."""


def accept_at_desk(deps: Deps, caller: Principal, desk: Desk, body: IssuanceBody) -> None:
    """As a server accepts (``api/desks.py``): looked at in this thread, stored with what comes meanwhile.

    Raises:
        RuntimeError: it was not stored.
    """
    done = Event()
    place = desk.ask(prepare_acceptance(deps, caller, body, Origin()), lambda _: done.set())
    done.wait()
    if place.answer is None:
        msg = "a request of the benchmark was not accepted"
        raise RuntimeError(msg) from place.error


def pipeline_embedded(place: Path) -> dict[str, object]:
    """Licenses per second from acceptance to the event that every consumer has handled; one process, every step."""
    service, caller = bench_service(place / "pipeline")
    deps = service.deps
    try:
        bodies = [parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"PIPE-{n}")) for n in range(LICENSES + 1)]
        accept_issuance(deps, caller, bodies[LICENSES], Origin())
        drain(deps, worker=WORKER)
        # As ``serve`` and ``worker`` do before they take anything in.
        settle_memory()
        start, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(CALLERS) as callers, ThreadPoolExecutor(1) as desk:
            meet: Desk = Combiner(partial(accept_issuances, deps), desk.submit)
            list(callers.map(partial(accept_at_desk, deps, caller, meet), bodies[:LICENSES]))
        accepted = time.perf_counter()
        drain(deps, worker=WORKER)
        end, cpu = time.perf_counter(), time.process_time() - cpu
        with deps.uow.read() as tx:
            issued = tx.requests.counts().get("issued", 0) - 1
            numbered = len(tx.outbox.after(0, limit=10 * LICENSES))
            handed_on = min(tx.outbox.cursor(name) for name, _ in CONSUMERS)
        if not numbered == handed_on == 2 * (LICENSES + 1):
            msg = "the events of the licenses did not all go out within the time that was measured"
            raise RuntimeError(msg)
    finally:
        gc.unfreeze()
        service.close()
    value = issued / (end - start)
    return {
        "name": PIPELINE,
        "value": round(value, 1),
        "unit": "1/s wall",
        "goal": GOAL,
        "reached": value >= GOAL,
        "parts": {
            "accept_per_s": round(LICENSES / (accepted - start), 1),
            "issue_per_s": round(issued / (end - accepted), 1),
            "cpu_ms_per_license": round(1000 * cpu / issued, 2),
        },
    }
