"""``pipeline.embedded``: accept to event, SQLite and directory, wall clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from certsvc.cli.bench_cases import bench_service
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.samples import sample_body
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.delivery.loops import drain

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = "pipeline.embedded.licenses_per_s"
GOAL = 300
LICENSES = 150


def pipeline_embedded(place: Path) -> dict[str, object]:
    """Licenses per second from acceptance to the sequenced event, one process, every step of the spine."""
    service, caller = bench_service(place / "pipeline")
    deps = service.deps
    try:
        bodies = [parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"PIPE-{n}")) for n in range(LICENSES + 1)]
        accept_issuance(deps, caller, bodies[LICENSES], Origin())
        drain(deps, worker="warm")
        start = time.perf_counter()
        for body in bodies[:LICENSES]:
            accept_issuance(deps, caller, body, Origin())
        accepted = time.perf_counter()
        drain(deps, worker="bench")
        end = time.perf_counter()
        with deps.uow.read() as tx:
            issued = tx.requests.counts().get("issued", 0) - 1
    finally:
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
        },
    }
