"""A hundred thousand rows: how long the check takes, how fast they are issued, and what live requests feel of it.

A few hundred by default: then that live requests come first is held, no figure. The full count with ``--chaos``, or
as many as ``--rows`` says: then the p99 of live requests is held too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import quantiles

import pytest
from fixtures_city import ServedCity
from import_desk import ImportDesk

from certsvc.commands.imports.advance import advance_import

FEW, FULL = 400, 100_000
LIVE, LIVE_FEW = 200, 12
WARM = 20
EVERY_S = 0.15
"""Pause between two live requests: the backfill has most of the machine."""
WORKERS = 2
PRESS = 2
"""Processes that draw and seal, as on a server: their work does not hold up the threads of the API."""
MOST_MOVED = 1.5
"""How much median and p99 of live requests, from asked to issued, may move."""
ALONE_S = 20


def live_times(city: ServedCity, series: str, count: int) -> tuple[list[float], list[float]]:
    """Seconds until each live request was accepted, and until it was issued."""
    accepted, issued = [], []
    for n in range(count):
        body = city.body("tour_guide", f"{series}-{n}")
        begun = time.perf_counter()
        answer = city.client.post("/v1/issuances", headers=city.system(), json=body)
        accepted.append(time.perf_counter() - begun)
        city.wait(city.answer(answer, 202)["request_id"])
        issued.append(time.perf_counter() - begun)
        time.sleep(EVERY_S)
    return accepted, issued


def at(times: list[float], percent: int) -> float:
    """The ``percent``-th percentile in milliseconds."""
    return quantiles(times, n=100)[percent - 1] * 1000


@pytest.mark.timeout(4 * 3600)
def test_a_backfill_and_what_live_requests_feel_of_it(
    make_city: Callable[..., ServedCity],
    sqlite_url: str,
    rounds: Callable[[int, int], int],
    request: pytest.FixtureRequest,
) -> None:
    rows = request.config.getoption("--rows") or rounds(FEW, FULL)
    measured = rows > FEW
    live, warm = (LIVE, WARM) if measured else (LIVE_FEW, 1)
    city = make_city(sqlite_url, press_processes=PRESS)
    desk = ImportDesk(city)
    import_id, check_s = checked(city, desk, rows)
    city.service.loops.start(workers=WORKERS, relay=True)
    live_times(city, "WARM", warm)
    alone = live_times(city, "ALONE", live)
    city.answer(desk.approve(import_id), 201)
    while not desk.read(import_id)["rows"]["issued"]:
        time.sleep(0.1)
    before, begun = desk.read(import_id)["rows"]["issued"], time.perf_counter()
    beside = live_times(city, "BESIDE", live)
    issued = desk.read(import_id)["rows"]["issued"]
    rate = (issued - before) / (time.perf_counter() - begun)
    assert rate > 0, "live requests do not stop the backfill"
    assert issued < rows, "they did not wait for its end"
    if not measured:
        return
    time.sleep(ALONE_S)
    quiet_rate = (desk.read(import_id)["rows"]["issued"] - issued) / ALONE_S
    figures: dict[str, object] = {
        "rows": rows,
        "check.rows_per_s": rows / check_s,
        "backfill.licenses_per_s": (quiet_rate, rate),
        "accept.p50_ms": (at(alone[0], 50), at(beside[0], 50)),
        "accept.p99_ms": (at(alone[0], 99), at(beside[0], 99)),
        "issue.p50_ms": (at(alone[1], 50), at(beside[1], 50)),
        "issue.p99_ms": (at(alone[1], 99), at(beside[1], 99)),
    }
    print("alone and beside the backfill:", figures)
    for percent in (50, 99):
        assert at(beside[1], percent) < MOST_MOVED * at(alone[1], percent), figures


def checked(city: ServedCity, desk: ImportDesk, rows: int) -> tuple[str, float]:
    """An import whose rows all passed and whose sample was judged, and the seconds that the check took."""
    import_id = str(city.answer(desk.send(desk.many(rows)), 202)["import_id"])
    begun = time.perf_counter()
    while advance_import(city.service.deps, lease_s=600):
        pass
    check_s = time.perf_counter() - begun
    assert desk.read(import_id)["rows"]["passed"] == rows
    assert desk.sampled(import_id)
    return import_id, check_s
