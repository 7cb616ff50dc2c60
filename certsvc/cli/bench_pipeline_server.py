"""``pipeline.server``: accept to event over PostgreSQL, S3 and JetStream, in processes of their own; wall clock.

Callers accept in the benchmark's process, as ``certsvc serve --no-loops`` does behind its doors; ``certsvc worker``
processes issue, one ``certsvc relay`` numbers the events and takes them to every consumer, to the object locks and to
the broker. It ends when the last event is there. Servers, processes and callers share the machine's cores.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from certsvc.app import build, prepare
from certsvc.cli.bench_pipeline import CALLERS, EVENTS_EACH, PATIENCE_S, accept_at_desk
from certsvc.cli.bench_postgres import postgres
from certsvc.cli.bench_shape import nats_server, processes, s3_server
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.samples import sample_body
from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM, seed_sandbox
from certsvc.commands.combine import Combiner
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance, accept_issuances
from certsvc.commands.issuance.body import parse_issuance
from certsvc.delivery.relay import CONSUMERS
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from certsvc.cli.bench_pipeline import Desk
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

PIPELINE_SERVER = "pipeline.server.licenses_per_s"
GOAL = 200
LICENSES = 600
WORKERS = 2
LOOK_S = 0.05


def pipeline_server(place: Path, *, licenses: int = LICENSES) -> dict[str, object]:
    """Licenses per second from the first acceptance to the event that everybody has handled."""
    place.mkdir(parents=True)
    with postgres() as database, s3_server() as files, nats_server() as broker:
        values: dict[str, object] = {
            "profile": "sandbox",
            "var_dir": str(place / "var"),
            "database_url": database.url,
            **files,
        }
        values |= {"nats_servers": [broker], "log_level": "ERROR"}
        settings = load_settings(values)
        prepare(settings)
        service = build(settings)
        try:
            caller = _caller(service.deps)
            with processes(place, values, [*[("worker",)] * WORKERS, ("relay",)]) as check:
                return _measured(service.deps, caller, licenses, check)
        finally:
            service.close()


def _caller(deps: Deps) -> Principal:
    """The approval platform of a seeded sandbox."""
    seed_sandbox(deps)
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
    if client is None:
        msg = "the sandbox was not seeded"
        raise RuntimeError(msg)
    return of_client(client)


def _measured(deps: Deps, caller: Principal, licenses: int, check: Callable[[], None]) -> dict[str, object]:
    bodies = [parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"PIPE-{n}")) for n in range(licenses)]
    warm = [parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"WARM-{n}")) for n in range(2 * WORKERS)]
    for body in warm:
        accept_issuance(deps, caller, body, Origin())
    _wait_until(deps, len(warm), check)
    start = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers, ThreadPoolExecutor(1) as desk:
        meet: Desk = Combiner(partial(accept_issuances, deps), desk.submit)
        list(callers.map(partial(accept_at_desk, deps, caller, meet), bodies))
    accepted = time.perf_counter()
    issued = _wait_until(deps, len(warm) + licenses, check)
    end = time.perf_counter()
    value = licenses / (end - start)
    parts = {
        "accept_per_s": round(licenses / (accepted - start), 1),
        "issue_per_s": round(licenses / (issued - start), 1),
    }
    parts |= {"events_after_s": round(end - issued, 2), "workers": WORKERS, "cores": os.cpu_count() or 0}
    line: dict[str, object] = {"name": PIPELINE_SERVER, "value": round(value, 1), "unit": "1/s wall", "goal": GOAL}
    return {**line, "reached": value >= GOAL, "parts": parts}


def _wait_until(deps: Deps, licenses: int, check: Callable[[], None]) -> float:
    """Until so many licenses are issued and their events are with everybody; when the last was issued.

    One row is read at a time: whoever waits must not keep the database from those who work.
    """
    names = [*(name for name, _ in CONSUMERS), *(carrier.name for carrier in deps.carriers)]
    deadline = time.perf_counter() + PATIENCE_S
    _look_until(deps, lambda tx: tx.requests.counts().get("issued", 0) >= licenses, check, deadline)
    issued = time.perf_counter()
    for name in names:
        _look_until(deps, partial(_handed_on, name, EVENTS_EACH * licenses), check, deadline)
    return issued


def _handed_on(name: str, position: int, tx: UnitOfWork) -> bool:
    return tx.outbox.cursor(name) >= position


def _look_until(deps: Deps, there: Callable[[UnitOfWork], bool], check: Callable[[], None], deadline: float) -> None:
    while time.perf_counter() < deadline:
        check()
        with deps.uow.read() as tx:
            if there(tx):
                return
        time.sleep(LOOK_S)
    msg = f"not every license and event was there in {PATIENCE_S:.0f} s"
    raise RuntimeError(msg)
