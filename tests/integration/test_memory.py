"""A worker's memory stays flat: nothing of a holder is kept from page to page (PERFORMANCE: under 400 MB)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from fixtures_city import ServedCity, sandbox_settings

from certsvc.app import build
from certsvc.cli.bench_cases import FORMAT, SM2_FORMAT, _seal, jobs
from certsvc.commands.ports import TrustChoice

LIMIT_MB = 400
WARM_UP = 600
"""By then every template is compiled and the glyphs of the sample's names are known."""


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError


def make_documents(var_dir: Path, database_url: str, algorithm: str, documents: int) -> tuple[float, float]:
    """MB of a process of its own after the warm-up and after ``documents`` more, as a worker makes them."""
    service = build(sandbox_settings(var_dir, database_url))
    try:
        deps = service.deps
        seal, form = _seal(deps, algorithm), SM2_FORMAT if algorithm == "sm2" else FORMAT
        job = jobs(deps, seal, form)
        before = 0.0
        for number in range(1, WARM_UP + documents + 1):
            one = job()
            data = deps.sealer.seal(deps.renderer.render(one), seal, form, signed_at=one.signature.signed_at)
            if number % 10 == 0:
                deps.self_inspector.inspect(data, TrustChoice(), deps.clock.now())
            if number == WARM_UP:
                before = resident_mb()
        return before, resident_mb()
    finally:
        service.close()


@pytest.mark.parametrize(
    ("algorithm", "documents", "growth_mb"),
    [
        pytest.param("p256", 2_500, 12, id="p256-2500"),
        pytest.param("sm2", 1_500, 12, id="sm2-1500"),
        pytest.param("p256", 100_000, 40, id="p256-100000", marks=pytest.mark.slow),
        pytest.param("sm2", 100_000, 40, id="sm2-100000", marks=pytest.mark.slow),
    ],
)
def test_documents_leave_nothing_behind(
    sqlite_url: str, make_city: Callable[..., ServedCity], algorithm: str, documents: int, growth_mb: int
) -> None:
    city = make_city(sqlite_url)
    # A process of its own: what other tests left in this one says nothing about a worker.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
        made = worker.submit(make_documents, city.service.settings.var_dir, sqlite_url, algorithm, documents)
        before, after = made.result()
    print(f"{documents} documents with {algorithm}: {before:.0f} MB before, {after:.0f} MB after")
    assert after - before < growth_mb
    assert after < LIMIT_MB
