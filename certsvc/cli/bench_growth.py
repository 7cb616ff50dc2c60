"""``growth.cost_per_license``: what one more license costs when so many are registered, embedded shape; a curve.

The register is grown by copies of one issued license, written past the program: rows of every table that grows with
each license, under keys of their own. Then some are issued as always, and statements and CPU time are counted.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event

from certsvc.cli.bench_cases import bench_service
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.cli.samples import sample_body
from certsvc.commands.issuance.accept_issuance import Origin, accept_issuance
from certsvc.commands.issuance.body import parse_issuance
from certsvc.delivery.loops import drain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from certsvc.commands.ports import Deps, Principal

GROWTH = "growth.cost_per_license"
SIZES = (10_000, 100_000, 1_000_000)
GOAL = 1.2
"""Cost at the largest size over that at the smallest, at most."""
GROWING = ("requests", "intents", "licenses", "artifacts", "events", "evidence", "inbox", "receipts")
ISSUED = 60
ROUNDS = 3
WORKER = "bench"


def growth(place: Path, sizes: Sequence[int]) -> Iterator[dict[str, object]]:
    """A figure for each size, in ascending order, and the ratio of the last to the first."""
    service, caller = bench_service(place / "growth")
    deps = service.deps
    path = service.settings.database.removeprefix("sqlite:///")
    seen: list[float] = []
    try:
        issue(deps, caller, "FIRST", ISSUED)
        there = ISSUED
        for size in sorted(sizes):
            grow(path, there, size)
            there = size
            costs = [_cost(deps, caller, f"G{size}-{turn}") for turn in range(ROUNDS)]
            there += ROUNDS * ISSUED
            cpu, statements = sorted(costs)[ROUNDS // 2]
            seen.append(cpu)
            parts = {"registered": size, "statements": round(statements, 2)}
            yield {"name": f"{GROWTH}.{size}", "value": round(cpu, 3), "unit": "CPU ms", "parts": parts}
    finally:
        service.close()
    ratio = round(seen[-1] / seen[0], 3)
    yield {"name": GROWTH, "value": ratio, "unit": "ratio", "goal": GOAL, "reached": ratio <= GOAL}


def _cost(deps: Deps, caller: Principal, prefix: str) -> tuple[float, float]:
    """CPU milliseconds and statements of one license, accepted and issued, its events delivered."""
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(Engine, "after_cursor_execute", note)
    try:
        start = time.process_time()
        issue(deps, caller, prefix, ISSUED)
        cpu = time.process_time() - start
    finally:
        event.remove(Engine, "after_cursor_execute", note)
    return 1000 * cpu / ISSUED, count / ISSUED


def issue(deps: Deps, caller: Principal, prefix: str, count: int) -> None:
    """Accept and issue so many, and deliver their events."""
    for number in range(count):
        body = parse_issuance(sample_body(deps.catalog, SAMPLE_TYPE, f"{prefix}-{number}"))
        accept_issuance(deps, caller, body, Origin())
    drain(deps, worker=WORKER)


def grow(path: str, there: int, size: int, tables: Sequence[str] = GROWING) -> None:
    """Copies of the first row of each table, unique columns changed; numbers below zero take no one's place.

    A copy's sealed columns open under the key of the first row alone: what is read must not be copied so.
    """
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA foreign_keys=OFF")
    file.execute("BEGIN")
    for table in tables:
        columns = file.execute(f"PRAGMA table_info({table})").fetchall()
        unique = {row[1] for row in columns if row[5]}
        for _, name, is_unique, *_rest in file.execute(f"PRAGMA index_list({table})").fetchall():
            if is_unique:
                unique |= {row[2] for row in file.execute(f"PRAGMA index_info({name})").fetchall()}
        taken = [row for row in columns if row[1] != "row_no"]
        chosen = ", ".join(_copied(row[1], row[2], unique) for row in taken)
        names = ", ".join(f'"{row[1]}"' for row in taken)
        file.execute(
            f"WITH RECURSIVE seq(n) AS (SELECT {there} UNION ALL SELECT n + 1 FROM seq WHERE n < {size - 1}) "  # noqa: S608  (names of our own)
            f"INSERT INTO {table} ({names}) SELECT {chosen} FROM (SELECT * FROM {table} LIMIT 1) AS one, seq"
        )
    file.execute("COMMIT")
    file.execute("ANALYZE")
    file.close()


def _copied(name: str, kind: str, unique: set[str]) -> str:
    if name.endswith("_blind"):
        return "randomblob(32)"
    if name not in unique or name in {"version", "type_slug", "consumer", "caller"}:
        return f'one."{name}"'
    return "-seq.n" if "INT" in kind.upper() else f"one.\"{name}\" || '~' || seq.n"
