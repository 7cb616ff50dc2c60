"""Batches over several processes: the same bytes, the same errors, and nothing lost when a process dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fixtures_city import ServedCity

from certsvc.cli.bench_cases import jobs
from certsvc.cli.bench_verify import SAMPLE_TYPE
from certsvc.commands.issuance.press import OwnPress
from certsvc.commands.page_ports import SealTask
from certsvc.delivery.press_pool import PressPool
from certsvc.errors import MissingGlyph, SigningError
from certsvc.seal.model import Seal
from certsvc.seal.prepared import PreparedPdf

PAGES = 12


@pytest.fixture
def wide_city(sqlite_url: str, make_city: Callable[..., ServedCity]) -> ServedCity:
    """A city whose worker draws and seals in two processes; a lease long enough for a whole batch."""
    return make_city(sqlite_url, press_processes=2, lease_s=60)


def issuer_seal(city: ServedCity) -> Seal:
    code = city.catalog.sample(SAMPLE_TYPE)["issuer_code"]
    with city.service.deps.uow.read() as tx:
        seal = tx.seals.by_id(city.catalog.authority(code).seal_id)
    assert seal is not None
    return seal


def accept(city: ServedCity, count: int, slug: str = "tour_guide", **changes: Any) -> list[str]:
    ids = []
    for number in range(count):
        body = city.body(slug, f"P-{number}", **changes)
        ids.append(city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)["request_id"])
    return ids


def test_pages_of_a_pool_are_the_pages_of_one_process_byte_for_byte(wide_city: ServedCity) -> None:
    deps = wide_city.service.deps
    seal = issuer_seal(wide_city)
    job = jobs(deps, seal)
    asked = [job() for _ in range(PAGES)]
    own = OwnPress(deps.renderer, deps.sealer).draw(asked)
    spread = deps.press.draw(asked)
    assert isinstance(deps.press, PressPool)
    assert [page.data for page in spread if isinstance(page, PreparedPdf)] == [
        page.data for page in own if isinstance(page, PreparedPdf)
    ]
    assert len(spread) == PAGES
    tasks = [
        SealTask(prepared=page, seal=seal, format="pades-b-b", signed_at=one.signature.signed_at)
        for page, one in zip(spread, asked, strict=True)
        if isinstance(page, PreparedPdf)
    ]
    for page, sealed in zip(spread, deps.press.seal(tasks), strict=True):
        assert isinstance(page, PreparedPdf)
        assert isinstance(sealed, bytes)
        assert sealed.startswith(page.data[: page.hole_start])
        assert wide_city.check(sealed)["integrity"] == "good"


def test_what_fails_in_a_process_comes_back_as_what_it_was_and_stops_no_other_page(wide_city: ServedCity) -> None:
    deps, seal = wide_city.service.deps, issuer_seal(wide_city)
    job = jobs(deps, seal)
    asked = [job() for _ in range(PAGES)]
    asked[3] = replace(asked[3], values={**asked[3].values, "holder_name": "\U0003fffd"})
    drawn = deps.press.draw(asked)
    assert [index for index, page in enumerate(drawn) if not isinstance(page, PreparedPdf)] == [3]
    assert isinstance(drawn[3], MissingGlyph)
    assert "U+3FFFD" in drawn[3].detail
    pages = [page for page in drawn if isinstance(page, PreparedPdf)]
    unknown = replace(seal, key_id="nobody")
    tasks = [SealTask(prepared=p, seal=seal, format="pades-b-b", signed_at=asked[0].signature.signed_at) for p in pages]
    tasks[0] = replace(tasks[0], seal=unknown)
    sealed = deps.press.seal(tasks)
    assert isinstance(sealed[0], SigningError)
    assert all(isinstance(one, bytes) for one in sealed[1:])


def test_a_batch_is_issued_over_the_processes_with_one_reservation_and_answer_each(wide_city: ServedCity) -> None:
    ids = accept(wide_city, PAGES)
    wide_city.drain()
    assert wide_city.rows("SELECT count(*) FROM licenses") == [(PAGES,)]
    assert wide_city.rows("SELECT result, count(*) FROM reservations GROUP BY result") == [("used", PAGES)]
    # One transaction reserved them all: one time stands in every row.
    assert len(wide_city.rows("SELECT DISTINCT reserved_at FROM reservations")) == 1
    for request_id in ids:
        done = wide_city.answer(wide_city.client.get(f"/v1/issuances/{request_id}", headers=wide_city.system()), 200)
        assert wide_city.check(wide_city.file(done["identifier"]))["reason"] == "ok"


def test_a_process_that_dies_costs_a_second_try_and_nothing_else(wide_city: ServedCity) -> None:
    deps = wide_city.service.deps
    press = deps.press
    assert isinstance(press, PressPool)
    job = jobs(deps, issuer_seal(wide_city))
    press.draw([job() for _ in range(PAGES)])
    pool = press._pool
    assert pool is not None
    for pid in list(pool._processes):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    accept(wide_city, PAGES)
    wide_city.drain()
    wide_city.make_due()
    wide_city.drain()
    assert wide_city.rows("SELECT state, count(*) FROM requests GROUP BY state") == [("issued", PAGES)]
    used = wide_city.rows("SELECT count(*) FROM reservations WHERE result = 'used'")[0][0]
    assert used == PAGES


def test_one_bad_request_in_a_batch_is_refused_alone(city: ServedCity) -> None:
    """A budget that ends in the middle of a batch: those before it are issued, the rest wait."""
    seal_id = city.catalog.authority(city.catalog.sample("tour_guide")["issuer_code"]).seal_id
    city.execute(f"UPDATE seals SET daily_budget = 3 WHERE seal_id = '{seal_id}'")
    accept(city, 5)
    city.drain()
    assert city.rows("SELECT state, count(*) FROM requests GROUP BY state ORDER BY state") == [
        ("failed", 2),
        ("issued", 3),
    ]
    assert city.rows("SELECT count(*) FROM reservations") == [(3,)]
    assert city.rows("SELECT count(*) FROM licenses") == [(3,)]
