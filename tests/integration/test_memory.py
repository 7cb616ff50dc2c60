"""A worker's memory stays flat: nothing of a holder is kept from page to page (PERFORMANCE: under 400 MB)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures_city import ServedCity

from certsvc.cli.bench_cases import FORMAT, _seal, jobs
from certsvc.commands.ports import TrustChoice

LIMIT_MB = 400
WARM_UP = 600
"""By then every template is compiled and the glyphs of the sample's names are known."""


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError


@pytest.mark.parametrize(
    ("documents", "growth_mb"),
    [pytest.param(2_500, 12, id="2500"), pytest.param(100_000, 40, id="100000", marks=pytest.mark.slow)],
)
def test_documents_leave_nothing_behind(
    sqlite_url: str, make_city: Callable[..., ServedCity], documents: int, growth_mb: int
) -> None:
    deps = make_city(sqlite_url).service.deps
    seal = _seal(deps, "p256")
    job = jobs(deps, seal)
    before = resident_mb()
    for number in itertools.count(1):
        one = job()
        data = deps.sealer.seal(deps.renderer.render(one), seal, FORMAT, signed_at=one.signature.signed_at)
        if number % 10 == 0:
            deps.self_inspector.inspect(data, TrustChoice(), deps.clock.now())
        if number == WARM_UP:
            before = resident_mb()
        if number == WARM_UP + documents:
            break
    after = resident_mb()
    print(f"{documents} documents: {before:.0f} MB before, {after:.0f} MB after")
    assert after - before < growth_mb
    assert after < LIMIT_MB or before > LIMIT_MB - growth_mb  # other tests of this process may have filled it before
