"""``pipeline.embedded``: accept to event, SQLite and directory, in the processes of ``serve``; wall clock."""

from __future__ import annotations

import gc
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from certsvc.cli.bench_cases import bench_service
from certsvc.cli.bench_cpu import cpu_s
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.issuing import start_issuing
from certsvc.cli.memory import settle_memory
from certsvc.cli.samples import sample_body
from certsvc.commands.combine import Combiner
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuances, prepare_acceptance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.delivery.relay import CONSUMERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from certsvc.app import Service
    from certsvc.commands.issuance.accept_issuance import Accepted, Prepared
    from certsvc.commands.issuance.body import IssuanceBody
    from certsvc.commands.ports import Deps, Principal

    Desk = Combiner[Prepared, Accepted]

PIPELINE = "pipeline.embedded.licenses_per_s"
GOAL = 300
LICENSES = 600
WARM = 64
"""Licenses before: every process has what it loads with its first ones."""
EVENTS_EACH = 2
"""Of a license: its request was accepted, it was issued."""
LOOK_S = 0.02
PATIENCE_S = 300.0
"""Longest wait for processes that start, and for the last event."""
CALLERS = 8
"""Threads that accept, as a server has them: what they ask for together is stored together."""


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
    """Licenses per second from acceptance to the event that every consumer has handled, in what ``serve`` starts.

    Requests are accepted while others are issued and their events go out, as in a service; HTTP takes no part.
    """
    service, caller = bench_service(place / "pipeline")
    deps = service.deps
    try:
        bodies = [parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"PIPE-{n}")) for n in range(LICENSES + WARM)]
        issuers = start_issuing(service)
        beside = issuers.pids if issuers else []
        _accept(service, caller, bodies[LICENSES:])
        _wait_until(deps, WARM)
        # As ``serve`` and ``worker`` do before they take anything in.
        settle_memory()
        start, cpu, others = time.perf_counter(), time.process_time(), cpu_s(beside)
        _accept(service, caller, bodies[:LICENSES])
        accepted = time.perf_counter()
        issued = _wait_until(deps, WARM + LICENSES)
        end, cpu, others = time.perf_counter(), time.process_time() - cpu, cpu_s(beside) - others
    finally:
        gc.unfreeze()
        service.close()
    value = LICENSES / (end - start)
    return {
        "name": PIPELINE,
        "value": round(value, 1),
        "unit": "1/s wall",
        "goal": GOAL,
        "reached": value >= GOAL,
        "parts": {
            "accept_per_s": round(LICENSES / (accepted - start), 1),
            "issue_per_s": round(LICENSES / (issued - start), 1),
            "events_after_s": round(end - issued, 2),
            "serve_cpu_ms": round(1000 * cpu / LICENSES, 2),
            "issuing_cpu_ms": round(1000 * others / LICENSES, 2),
            "issuing_processes": len(beside),
            "cores": os.cpu_count() or 0,
        },
    }


def _accept(service: Service, caller: Principal, bodies: Sequence[IssuanceBody]) -> None:
    deps = service.deps

    def one(body: IssuanceBody) -> None:
        accept_at_desk(deps, caller, meet, body)
        service.loops.wake()

    with ThreadPoolExecutor(CALLERS) as callers, ThreadPoolExecutor(1) as desk:
        meet: Desk = Combiner(partial(accept_issuances, deps), desk.submit)
        list(callers.map(one, bodies))


def _wait_until(deps: Deps, licenses: int) -> float:
    """Until so many are issued and every consumer has handled their events; when the last was issued."""
    deadline = time.perf_counter() + PATIENCE_S
    issued = 0.0
    while time.perf_counter() < deadline:
        with deps.uow.read() as tx:
            if not issued and tx.requests.counts().get("issued", 0) >= licenses:
                issued = time.perf_counter()
            if issued and min(tx.outbox.cursor(name) for name, _ in CONSUMERS) >= EVENTS_EACH * licenses:
                return issued
        time.sleep(LOOK_S)
    msg = f"not every license and event was there in {PATIENCE_S:.0f} s"
    raise RuntimeError(msg)
