"""Two lanes: live first, backfill takes what is left; and backfill uses up no seal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fixtures_city import ServedCity
from import_desk import SLUG, ImportDesk

from certsvc.commands.imports.advance import advance_import
from certsvc.commands.imports.pace import WINDOW
from certsvc.commands.issuance.process_request import BACKFILL_BATCH, BATCH, LIVE_FRESH, process_batch
from certsvc.delivery.loops import drain
from certsvc.license.request import Lane
from certsvc.seal.odd import BURST_FLOOR, BUSY_HOURS_LEAST

LEASE_S = 60


def feed(city: ServedCity) -> None:
    """Ask for rows until nothing more may be asked for now."""
    while advance_import(city.service.deps, lease_s=LEASE_S):
        pass


def test_a_live_request_is_issued_before_the_rest_of_a_waiting_backfill(city: ServedCity) -> None:
    desk = ImportDesk(city)
    desk.approved(desk.many(WINDOW + 60))
    feed(city)
    assert city.rows("SELECT count(*) FROM requests WHERE lane = 1 AND state = 'accepted'") == [(WINDOW,)]
    assert process_batch(city.service.deps, worker="w", lease_s=LEASE_S, up_to=Lane.LIVE) == []
    first = process_batch(city.service.deps, worker="w", lease_s=LEASE_S)
    assert len(first) == BACKFILL_BATCH, "backfill goes in small batches"

    for n in range(3):
        body = city.body("food_production", f"LIVE-{n}")
        city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    second = process_batch(city.service.deps, worker="w", lease_s=LEASE_S)
    assert [(one.outcome, one.lane) for one in second] == [("issued", Lane.LIVE)] * 3, "the live ones go alone"
    assert city.rows("SELECT lane, count(*) FROM requests WHERE state = 'issued' GROUP BY lane ORDER BY lane") == [
        (0, 3),
        (1, BACKFILL_BATCH),
    ]
    assert len(process_batch(city.service.deps, worker="w", lease_s=LEASE_S)) == BACKFILL_BATCH


def test_backfill_gives_way_to_what_another_process_works_on(city: ServedCity) -> None:
    deps = city.service.deps
    desk = ImportDesk(city)
    desk.approved(desk.many(BACKFILL_BATCH * 3))
    feed(city)
    body = city.body("food_production", "LIVE-1")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    with deps.uow() as tx:
        assert tx.requests.claim(worker="elsewhere", token="t", now=deps.clock.now(), lease_s=LEASE_S, up_to=Lane.LIVE)
    [alone] = process_batch(deps, worker="w", lease_s=LEASE_S)
    assert (alone.lane, alone.gave_way) == (Lane.BACKFILL, True)
    older = (deps.clock.now() - LIVE_FRESH * 2).isoformat(sep=" ", timespec="microseconds")
    city.execute(f"UPDATE requests SET created_at = '{older}' WHERE lane = 0")
    batch = process_batch(deps, worker="w", lease_s=LEASE_S)
    assert len(batch) == BACKFILL_BATCH, "what has waited for long, or is parked, holds nothing up"
    assert not batch[0].gave_way


def test_live_batches_are_as_large_as_ever(small_city: ServedCity) -> None:
    for n in range(BATCH + 1):
        body = small_city.body("tour_guide", f"LIVE-{n}")
        small_city.answer(small_city.client.post("/v1/issuances", headers=small_city.system(), json=body), 202)
    assert len(process_batch(small_city.service.deps, worker="w", lease_s=LEASE_S)) == BATCH


def test_a_backfill_leaves_half_of_the_seals_day_to_live_requests(small_city: ServedCity) -> None:
    seal_id = small_city.catalog.authority(small_city.catalog.sample(SLUG)["issuer_code"]).seal_id
    small_city.execute(f"UPDATE seals SET daily_budget = 20 WHERE seal_id = '{seal_id}'")
    desk = ImportDesk(small_city)
    import_id = desk.approved(desk.many(25))
    small_city.drain()
    waiting = desk.read(import_id)
    assert waiting["rows"]["issued"] == 10
    assert "每日上限的一半" in waiting["batch"]["waits_for"]
    assert small_city.issue(SLUG, "LIVE-1")["state"] == "issued"


def test_a_stopped_seal_is_waited_for_and_no_row_fails(small_city: ServedCity) -> None:
    seal_id = small_city.catalog.authority(small_city.catalog.sample(SLUG)["issuer_code"]).seal_id
    desk = ImportDesk(small_city)
    import_id = desk.approved(desk.many(2))
    small_city.execute(f"UPDATE seals SET state = 'stopped' WHERE seal_id = '{seal_id}'")
    small_city.drain()
    assert "不能用印" in desk.read(import_id)["batch"]["waits_for"]
    assert small_city.rows("SELECT count(*) FROM requests") == [(0,)]
    small_city.execute(f"UPDATE seals SET state = 'active' WHERE seal_id = '{seal_id}'")
    small_city.execute("UPDATE imports SET ready_at = uploaded_at")
    small_city.drain()
    done = desk.read(import_id)
    assert (done["batch"]["state"], done["batch"]["waits_for"], done["rows"]["issued"]) == ("finished", "", 2)


@pytest.mark.parametrize("lane", [0, 1])
def test_a_backfill_is_no_burst_and_no_measure_of_one(small_city: ServedCity, lane: int) -> None:
    """A seal with a quiet past: two hundred uses in an hour stop it, unless they were approved together."""
    deps = small_city.service.deps
    seal_id = small_city.catalog.authority(small_city.catalog.sample(SLUG)["issuer_code"]).seal_id
    desk = ImportDesk(small_city)
    desk.approved(desk.many(1))
    feed(small_city)
    small_city.execute(f"UPDATE requests SET lane = {lane}")
    hour = deps.clock.now().replace(minute=0, second=0, microsecond=0)
    with deps.uow() as tx:
        for ago in range(1, BUSY_HOURS_LEAST + 1):
            tx.seal_watch.count_hour(seal_id, hour - timedelta(hours=ago))
        for _ in range(BURST_FLOOR + 49):
            tx.seal_watch.count_hour(seal_id, hour)
    drain(deps, worker="test")
    state = {0: "stopped", 1: "active"}[lane]
    assert small_city.rows(f"SELECT state FROM seals WHERE seal_id = '{seal_id}'") == [(state,)]
    used = small_city.rows(f"SELECT max(used) FROM seal_hours WHERE seal_id = '{seal_id}'")[0][0]
    assert used == BURST_FLOOR + 49
