"""``certsvc bench``: the figures of docs/performance.md, one JSON line each.

Rates are per second of process CPU time of one core, the median of interleaved batches after a warm-up. A ratio is the
median of those of batches that followed each other: a machine that is slower for a second is so for both sides.
Wall-clock figures say so in their unit.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from certsvc.cli.logs import configure_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BATCHES = 15
BATCH_S = 0.2
"""CPU seconds of one batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One thing that is done over and over."""

    name: str
    once: Callable[[], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A named figure: its sides are measured in turn; the first over the second is the ratio."""

    name: str
    unit: str
    goal: float
    sides: tuple[Side, ...]


def rates(sides: Sequence[Side]) -> list[list[float]]:
    """Rates per CPU second of every side, one per batch, batches interleaved."""
    counts = [_calibrated(side) for side in sides]
    seen: list[list[float]] = [[] for _ in sides]
    for _ in range(BATCHES):
        for index, side in enumerate(sides):
            start = time.process_time()
            for _ in range(counts[index]):
                side.once()
            seen[index].append(counts[index] / (time.process_time() - start))
    return seen


def _calibrated(side: Side) -> int:
    """How many calls make a batch; the calls also warm up."""
    side.once()
    start = time.process_time()
    side.once()
    cost = max(time.process_time() - start, 1e-6)
    return max(1, int(BATCH_S / cost))


def report(figure: Figure, seen: Sequence[Sequence[float]]) -> dict[str, object]:
    """The JSON line of a figure, from the rates of its sides in batches that followed each other."""
    ratios = [first / second for first, second in zip(seen[0], seen[1], strict=True)] if len(seen) > 1 else seen[0]
    value = statistics.median(ratios)
    line: dict[str, object] = {
        "name": figure.name,
        "value": round(value, 3),
        "unit": figure.unit,
        "goal": figure.goal,
        "reached": value >= figure.goal,
    }
    if len(seen) > 1:
        middle = map(statistics.median, seen)
        line["sides"] = {side.name: round(rate, 2) for side, rate in zip(figure.sides, middle, strict=True)}
    return line


def run_bench(names: Sequence[str], sizes: Sequence[int] = ()) -> None:
    """Measure all figures, or those named, and print a line for each; ``sizes`` are those of the curve of growth."""
    from certsvc.cli.bench_cases import figures
    from certsvc.cli.bench_growth import GROWTH

    configure_logs("ERROR")
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as place:
        runs = _runs(Path(place), sizes)
        of_runs = {name for told, _ in runs for name in told}
        # Those of whole servers need none of the others' preparations.
        known = () if names and set(names) <= of_runs else figures(Path(place))
        if set(names) - {figure.name for figure in known} - of_runs:
            unknown = sorted(set(names) - {figure.name for figure in known} - of_runs)
            Console(stderr=True).print(f"没有这些指标：{'、'.join(unknown)}；现有：")
            for name in [*(figure.name for figure in known), *sorted(of_runs)]:
                Console(stderr=True).print(f"  {name}", highlight=False)
            raise SystemExit(2)
        chosen = [figure for figure in known if not names or figure.name in names]
        with Progress(console=Console(stderr=True), transient=True) as progress:
            for figure in progress.track(chosen, description="测量"):
                print(json.dumps(report(figure, rates(figure.sides)), ensure_ascii=False), flush=True)
            for told, run in runs:
                # Growth takes minutes: only when it is asked for.
                if told & set(names) or (not names and GROWTH not in told):
                    for line in run():
                        print(json.dumps(line, ensure_ascii=False), flush=True)


def _runs(place: Path, sizes: Sequence[int]) -> list[tuple[set[str], Callable[[], Iterable[dict[str, object]]]]]:
    """Figures that one run of whole servers gives together, and the run."""
    from certsvc.cli.bench_accept import ACCEPT_P99, ACCEPT_RATE, accept_server
    from certsvc.cli.bench_fetch import FETCH_P99, FETCH_RATE, fetch_server
    from certsvc.cli.bench_growth import GROWTH, SIZES, growth
    from certsvc.cli.bench_log import LOG_FIGURES, log_figures
    from certsvc.cli.bench_pipeline import PIPELINE, pipeline_embedded
    from certsvc.cli.bench_pipeline_server import PIPELINE_SERVER, pipeline_server
    from certsvc.cli.bench_restore import RESTORE, restore_seconds
    from certsvc.cli.bench_scan import SCAN_P99, SCAN_RATE, scan_server
    from certsvc.cli.bench_stages import STAGES, pipeline_stages

    return [
        ({PIPELINE}, lambda: [pipeline_embedded(place)]),
        ({STAGES}, lambda: [pipeline_stages(place)]),
        ({PIPELINE_SERVER}, lambda: [pipeline_server(place / "pipeline-server")]),
        ({RESTORE}, lambda: [restore_seconds(place)]),
        ({SCAN_RATE, SCAN_P99}, lambda: scan_server(place / "scan")),
        ({FETCH_RATE, FETCH_P99}, lambda: fetch_server(place / "fetch")),
        ({ACCEPT_RATE, ACCEPT_P99}, lambda: accept_server(place / "accept")),
        ({*LOG_FIGURES}, lambda: log_figures(place)),
        ({GROWTH}, lambda: growth(place, sizes or SIZES)),
    ]
