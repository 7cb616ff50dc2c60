"""``log.*``: appending to the evidence log, proofs out of it, and its recomputation, over SQLite and a directory."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from certsvc.cli.bench_cases import bench_service
from certsvc.commands.evidence.record import record
from certsvc.commands.log.append import advance_log
from certsvc.commands.log.audit import audit
from certsvc.commands.log.read import LogBoard
from certsvc.store.ledger import DiskLedger

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.commands.ports import Deps

APPEND, PROOF, VERIFY = "log.append.per_s", "log.proof.p99_ms", "log.verify.million_s"
LOG_FIGURES = (APPEND, PROOF, VERIFY)
APPEND_GOAL, PROOF_GOAL, VERIFY_GOAL = 2900, 5, 60
MILLION = 1_000_000
LEAVES = 40_000
"""Leaves of the measured log; the time of a million is twenty-five times that of these (the pass is linear)."""
FILL = 5000
PROOFS = 1000
OWNER = "bench"


def log_figures(place: Path) -> list[dict[str, object]]:
    """The three figures of one log."""
    service, _ = bench_service(place / "log")
    deps = service.deps
    try:
        _fill(deps, LEAVES)
        begun, cpu, appended = time.perf_counter(), time.process_time(), 0
        while done := advance_log(deps, owner=OWNER):
            appended += done
        rate, rate_cpu = appended / (time.perf_counter() - begun), appended / (time.process_time() - cpu)
        cpu = time.process_time()
        taken = _proofs(deps, appended)
        proof_cpu = (time.process_time() - cpu) * 1000 / len(taken)
        ledger, begun, cpu = DiskLedger(), time.perf_counter(), time.process_time()
        try:
            report = audit(deps, ledger, rows=False)
        finally:
            ledger.close()
        verified = (time.perf_counter() - begun) * MILLION / appended
        verified_cpu = (time.process_time() - cpu) * MILLION / appended
        begun = time.perf_counter()
        ledger = DiskLedger()
        try:
            whole = audit(deps, ledger)
        finally:
            ledger.close()
        everything = (time.perf_counter() - begun) * MILLION / appended
        if not (report.agrees and whole.agrees and report.size == appended):
            msg = "the measured log does not agree with itself"
            raise RuntimeError(msg)
    finally:
        service.close()
    p99 = taken[int(0.99 * len(taken))]
    first: dict[str, object] = {"name": APPEND, "value": round(rate), "unit": "1/s wall", "goal": APPEND_GOAL}
    second: dict[str, object] = {"name": PROOF, "value": round(p99, 3), "unit": "ms wall", "goal": PROOF_GOAL}
    third: dict[str, object] = {"name": VERIFY, "value": round(verified, 1), "unit": "s wall", "goal": VERIFY_GOAL}
    return [
        {**first, "reached": rate >= APPEND_GOAL, "parts": {"leaves": appended, "per_cpu_s": round(rate_cpu)}},
        {
            **second,
            "reached": p99 < PROOF_GOAL,
            "parts": {"p50_ms": round(taken[len(taken) // 2], 3), "cpu_ms": round(proof_cpu, 3)},
        },
        {
            **third,
            "reached": verified < VERIFY_GOAL,
            "parts": {"cpu_s": round(verified_cpu, 1), "with_details_s": round(everything, 1)},
        },
    ]


def _fill(deps: Deps, count: int) -> None:
    """Evidence as commands write it, with positions."""
    for start in range(0, count, FILL):
        with deps.uow() as tx:
            now = deps.clock.now()
            for number in range(start, min(start + FILL, count)):
                content = {"sha256": f"{number:064x}", "request_id": f"req_{number}"}
                record(tx, deps, kind="bench.noted", subject=f"s{number}", actor="bench", content=content, at=now)
        with deps.uow() as tx:
            tx.outbox.sequence(limit=FILL)


def _proofs(deps: Deps, size: int) -> list[float]:
    board, chance = LogBoard(), random.Random(1)
    taken: list[float] = []
    for _ in range(PROOFS):
        index = chance.randrange(size)
        begun = time.perf_counter()
        board.inclusion(deps, index=index)
        taken.append((time.perf_counter() - begun) * 1000)
    return sorted(taken)
