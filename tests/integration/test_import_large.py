"""A hundred thousand rows: how long the check takes, how fast they are issued, and what live requests feel of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import quantiles

import pytest
from fixtures_city import ServedCity
from import_desk import ImportDesk

from certsvc.commands.imports.advance import advance_import

ROWS = 100_000
LIVE = 200
WARM = 20
EVERY_S = 0.15
"""Pause between two live requests: the backfill has most of the machine."""
WORKERS = 2
PRESS = 2
"""Processes that draw and seal, as on a server: their work does not hold up the threads of the API."""
MOST_MOVED = 1.5
"""How much the median of live requests may move; the p99 is printed: where others work too it tells of them."""
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


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_rows_and_what_live_requests_feel_of_them(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    small_city = make_city(sqlite_url, press_processes=PRESS)
    desk = ImportDesk(small_city)
    data = desk.many(ROWS)
    import_id = small_city.answer(desk.send(data), 202)["import_id"]
    begun = time.perf_counter()
    while advance_import(small_city.service.deps, lease_s=600):
        pass
    check_s = time.perf_counter() - begun
    assert desk.read(import_id)["rows"]["passed"] == ROWS
    rows = desk.sampled(import_id)
    assert len(rows) == ROWS // 100
    small_city.service.loops.start(workers=WORKERS, relay=True)
    live_times(small_city, "WARM", WARM)
    alone = live_times(small_city, "ALONE", LIVE)
    small_city.answer(desk.approve(import_id), 201)
    while not desk.read(import_id)["rows"]["issued"]:
        time.sleep(0.1)
    before, begun = desk.read(import_id)["rows"]["issued"], time.perf_counter()
    beside = live_times(small_city, "BESIDE", LIVE)
    rate = (desk.read(import_id)["rows"]["issued"] - before) / (time.perf_counter() - begun)
    before = desk.read(import_id)["rows"]["issued"]
    time.sleep(ALONE_S)
    quiet_rate = (desk.read(import_id)["rows"]["issued"] - before) / ALONE_S
    figures: dict[str, object] = {
        "check.rows_per_s": ROWS / check_s,
        "backfill.licenses_per_s": (quiet_rate, rate),
        "accept.p50_ms": (at(alone[0], 50), at(beside[0], 50)),
        "accept.p99_ms": (at(alone[0], 99), at(beside[0], 99)),
        "issue.p50_ms": (at(alone[1], 50), at(beside[1], 50)),
        "issue.p99_ms": (at(alone[1], 99), at(beside[1], 99)),
    }
    print("alone and beside the backfill:", figures)
    assert rate > 0, "live requests do not stop the backfill"
    assert at(beside[1], 50) < MOST_MOVED * at(alone[1], 50), figures
